// A Parquet file of one row group: plain encoding, no compression, all columns nullable, metadata in Thrift's compact
// protocol. Source: the format's own parquet.thrift, format version 1.
const TYPES = { bool: 0, int64: 2, double: 5, string: 6 };
const letters = new TextEncoder();
class Bytes {
  constructor() {
    this.kept = new Uint8Array(1024);
    this.size = 0;
  }
  room(more) {
    while (this.size + more > this.kept.length) {
      const wider = new Uint8Array(this.kept.length * 2);
      wider.set(this.kept);
      this.kept = wider;
    }
    this.size += more;
    return new DataView(this.kept.buffer, this.size - more, more);
  }
  byte(value) { this.room(1).setUint8(0, value); }
  all(bytes) {
    this.room(bytes.length);
    this.kept.set(bytes, this.size - bytes.length);
  }
  get bytes() { return this.kept.subarray(0, this.size); }
}
const varint = (to, value) => {
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) to.byte(rest % 128 + 128);
  to.byte(rest);
};
// A field is [number, kind, value]; a struct is a list of fields, a list is [kind of its items, items].
const KINDS = { i32: 5, i64: 6, text: 8, list: 9, struct: 12 };
const thrift = (to, kind, value) => {
  if (kind === 'text') {
    const bytes = letters.encode(value);
    varint(to, bytes.length);
    to.all(bytes);
  } else if (kind === 'list') {
    const [of, items] = value;
    to.byte((items.length < 15 ? items.length * 16 : 240) + KINDS[of]);
    if (items.length >= 15) varint(to, items.length);
    for (const item of items) thrift(to, of, item);
  } else if (kind === 'struct') {
    let before = 0;
    for (const [number, of, inner] of value) {
      to.byte((number - before) * 16 + KINDS[of]);
      thrift(to, of, inner);
      before = number;
    }
    to.byte(0);
  } else varint(to, value * 2); // no number here is below 0
};
const levels = present => {
  const runs = new Bytes();
  for (let start = 0; start < present.length;) {
    let end = start;
    while (end < present.length && present[end] === present[start]) end += 1;
    varint(runs, (end - start) * 2);
    runs.byte(present[start] ? 1 : 0);
    start = end;
  }
  return runs.bytes;
};
const plain = (to, kind, values) => {
  if (kind === 'bool') {
    for (let start = 0; start < values.length; start += 8) {
      to.byte(values.slice(start, start + 8).reduce((sum, value, bit) => sum + (value ? 2 ** bit : 0), 0));
    }
    return;
  }
  for (const value of values) {
    if (kind === 'double') to.room(8).setFloat64(0, value, true);
    else if (kind === 'int64') to.room(8).setBigInt64(0, BigInt(value), true);
    else {
      const bytes = letters.encode(value);
      to.room(4).setUint32(0, bytes.length, true);
      to.all(bytes);
    }
  }
};
const chunk = (file, column, rows) => {
  const values = rows.map(place => column.values[place]);
  const body = new Bytes();
  const defined = levels(values.map(value => value !== null));
  body.room(4).setUint32(0, defined.length, true);
  body.all(defined);
  plain(body, column.kind, values.filter(value => value !== null));
  const start = file.size;
  const about = [[1, 'i32', rows.length], [2, 'i32', 0], [3, 'i32', 3], [4, 'i32', 3]];
  thrift(file, 'struct', [[1, 'i32', 0], [2, 'i32', body.size], [3, 'i32', body.size], [5, 'struct', about]]);
  file.all(body.bytes);
  const size = file.size - start;
  return [[2, 'i64', start], [3, 'struct', [
    [1, 'i32', TYPES[column.kind]], [2, 'list', ['i32', [0, 3]]], [3, 'list', ['text', [column.name]]], [4, 'i32', 0],
    [5, 'i64', rows.length], [6, 'i64', size], [7, 'i64', size], [9, 'i64', start],
  ]]];
};
const element = column => [
  [1, 'i32', TYPES[column.kind]], [3, 'i32', 1], [4, 'text', column.name],
  ...(column.kind === 'string' ? [[6, 'i32', 0]] : []),
];
const parquet = rows => {
  const file = new Bytes();
  file.all(letters.encode('PAR1'));
  const groups = [];
  if (rows.length) {
    const chunks = exported.map(column => chunk(file, column, rows));
    groups.push([[1, 'list', ['struct', chunks]], [2, 'i64', file.size - 4], [3, 'i64', rows.length]]);
  }
  const start = file.size;
  const known = Object.entries(record.metadata).map(([key, value]) => [[1, 'text', key], [2, 'text', value]]);
  thrift(file, 'struct', [
    [1, 'i32', 1],
    [2, 'list', ['struct', [[[4, 'text', 'schema'], [5, 'i32', exported.length]], ...exported.map(element)]]],
    [3, 'i64', rows.length],
    [4, 'list', ['struct', groups]],
    ...(known.length ? [[5, 'list', ['struct', known]]] : []),
    [6, 'text', 'robustune report'],
  ]);
  file.room(4).setUint32(0, file.size - 4 - start, true);
  file.all(letters.encode('PAR1'));
  return file.bytes;
};
