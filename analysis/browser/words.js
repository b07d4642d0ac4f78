// Numbers and texts as analysis/wording.py writes them.
const short = value => {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  let [digits, power] = value.toExponential(3).split('e');
  // Python rounds what lies halfway to the even digit, this language away from zero.
  const exact = value.toExponential(24).match(/^(-?\d\.\d\d(\d))50*e(.*)$/);
  if (exact && exact[2] % 2 === 0) [, digits, , power] = exact;
  power = Number(power);
  const bare = text => text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  if (power < -4 || power >= 4) {
    return bare(digits) + 'e' + (power < 0 ? '-' : '+') + String(Math.abs(power)).padStart(2, '0');
  }
  return bare(Number(digits + 'e' + power).toFixed(3 - power));
};
const unprintable = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;
const spelled = { 9: '\\t', 10: '\\n', 13: '\\r' };
const visible = text => text.replace(unprintable, sign => {
  const code = sign.codePointAt(0);
  const digits = code.toString(16);
  if (spelled[code]) return spelled[code];
  if (code < 256) return '\\x' + digits.padStart(2, '0');
  return code < 65536 ? '\\u' + digits.padStart(4, '0') : '\\U' + digits.padStart(8, '0');
});
const count = number => number.toLocaleString('en');
const plural = number => count(number) + (number === 1 ? ' trial' : ' trials');
const make = (kind, text, name) => {
  const made = document.createElement(kind);
  if (text) made.textContent = text;
  if (name) made.className = name;
  return made;
};
