// The trials, which stand in the page once, as JSON: each column by its name, and what is shown of it.
const block = document.getElementById('record');
const record = block ? JSON.parse(block.textContent) : null;
const columns = record ? record.columns : [];
const named = Object.fromEntries(columns.map(column => [column.name, column]));
const exported = record ? record.order.map(name => named[name]) : []; // as the table of the ledger has them
const numbers = record ? named.number.values : [];
const places = new Map(numbers.map((number, place) => [String(number), place]));
const best = new Set(record ? record.front.map(String) : []);
for (const column of columns) {
  if (column.kind === 'double') column.values = column.values.map(value => value === null ? null : Number(value));
}
const said = (column, place) => {
  const value = column.values[place];
  if (value === null) return '';
  if (column.kind === 'double') return short(value);
  if (column.kind === 'bool') return value ? 'yes' : 'no';
  return visible(String(value));
};
const state = place => best.has(String(numbers[place])) ? 'front' : named.state.values[place];
document.documentElement.classList.add('runs');
