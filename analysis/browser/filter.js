// What a reader writes to leave only some trials: words that stand anywhere in a row, or a column held to a value.
const OPERATORS = {
  '<': (a, b) => a < b, '<=': (a, b) => a <= b, '>': (a, b) => a > b, '>=': (a, b) => a >= b,
  '=': (a, b) => a === b, '!=': (a, b) => a !== b,
};
const plainName = name => name.replace(/^(metrics|options)\./, '').toLowerCase();
const column = name => {
  const wanted = name.toLowerCase().replaceAll(' ', '_');
  return columns.find(one => one.name.toLowerCase() === wanted) || columns.find(one => plainName(one.name) === wanted);
};
const held = (name, operator, text) => {
  const found = column(name);
  if (!found) {
    const there = columns.filter(one => one.title).map(one => plainName(one.name)).join(', ');
    throw new RangeError('no column is called ' + name + '; there is ' + there);
  }
  const numeric = found.kind === 'double' || found.kind === 'int64';
  const ordered = operator.includes('<') || operator.includes('>');
  if (ordered && text === '') throw new RangeError('after ' + name + operator + ' a value is missing, with no space before it');
  const wanted = numeric ? Number(text) : text.toLowerCase();
  if (numeric && text && Number.isNaN(wanted)) throw new RangeError(name + ' is a number, and ' + text + ' is none');
  return place => {
    const value = found.values[place];
    if (value === null || text === '') return !ordered && OPERATORS[operator](value === null ? '' : value, text);
    return OPERATORS[operator](numeric ? Number(value) : said(found, place).toLowerCase(), wanted);
  };
};
const holds = text => {
  const quotes = text.split('"').length - 1;
  if (quotes % 2) throw new RangeError('the quote before ' + (text.slice(text.lastIndexOf('"') + 1) || 'the end') + ' is not closed');
  const terms = text.match(/(?:"[^"]*"|[^\s"])+/g) || [];
  return terms.map(term => {
    const parts = term.match(/^([\w.\/-]+?)(<=|>=|!=|<|>|=)(.*)$/);
    if (/^(<=|>=|!=|<|>|=)(-?[\d.]+(e[-+]?\d+)?)?$/i.test(term)) {
      throw new RangeError('before ' + term + ' a column is missing, with no space after it');
    }
    if (parts) return held(parts[1], parts[2], parts[3].replaceAll('"', ''));
    const word = term.replaceAll('"', '').toLowerCase();
    return place => columns.some(one => one.title && said(one, place).toLowerCase().includes(word));
  });
};
