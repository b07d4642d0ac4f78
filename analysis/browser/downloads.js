// Files made in the page itself, so that they need no network and no server.
const save = (name, type, parts) => {
  const link = make('a');
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
};
const quoted = text => /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
// A spreadsheet would run such a text as a formula.
const harmless = text => /^[=+\-@\t\r]/.test(text) ? "'" + text : text;
const field = (column, place) => {
  const value = column.values[place];
  if (value === null) return '';
  return quoted(column.kind === 'string' ? harmless(value) : String(value));
};
const csv = rows => {
  const lines = rows.map(place => exported.map(column => field(column, place)).join(','));
  return [exported.map(column => quoted(column.name)).join(','), ...lines, ''].join('\r\n');
};
