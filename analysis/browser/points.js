// Pointing at trials in charts, by pointer, finger and keyboard. Points of the front are elements of their own; all
// others of a kind share a path, from which the one that is pointed at is taken out.
const SVG = (document.querySelector('svg') || document.body).namespaceURI;
const drawn = (kind, settings) => {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(settings)) made.setAttribute(name, value);
  return made;
};
const pieces = path => {
  const trials = path.dataset.trials.split(' ');
  return path.getAttribute('d').split('M').slice(1).map((piece, place) => [trials[place], 'M' + piece]);
};
// Lines that share a path: by their trial, read when one is first asked for.
const bundles = [...document.querySelectorAll('svg path[data-trials]:not(.dots)')].map(path => {
  let known = null;
  const of = trial => {
    if (!known) {
      known = new Map();
      for (const [number, piece] of pieces(path)) known.set(number, (known.get(number) || '') + piece);
    }
    return known.get(String(trial));
  };
  return { path, of };
});
let lit = [];
const unlight = () => {
  for (const part of document.querySelectorAll('.on')) part.classList.remove('on');
  for (const part of lit) part.remove();
  lit = [];
};
const light = trial => {
  for (const part of document.querySelectorAll('[data-trial="' + trial + '"]')) part.classList.add('on');
  const row = document.getElementById('trial-' + trial);
  if (row) row.classList.add('on');
  for (const { path, of } of bundles) {
    const line = of(trial);
    if (!line) continue;
    const copy = drawn('path', { class: 'line on', d: line });
    path.parentNode.append(copy);
    lit.push(copy);
  }
};
const fill = (tip, trial) => {
  const place = places.get(String(trial));
  const list = make('dl');
  for (const score of ['score', 'option']) {
    for (const one of columns.filter(found => found.tip === score)) {
      const text = said(one, place);
      const name = score === 'score' ? 'score' : '';
      if (text) list.append(make('dt', one.title, name), make('dd', text, name));
    }
  }
  const reason = named.reason.values[place];
  tip.replaceChildren(make('strong', 'Trial ' + trial + ', ' + named.state.values[place]), list);
  if (reason) tip.append(make('p', visible(reason)));
};
const centre = point => {
  const box = point.querySelector('.target').getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height / 2];
};
const beside = (tip, point, figure) => {
  const frame = figure.getBoundingClientRect();
  const [across, down] = centre(point);
  const x = across - frame.left, y = down - frame.top;
  const right = Math.min(document.documentElement.clientWidth - 8 - frame.left, frame.width + 60);
  let left = x + 16;
  if (left + tip.offsetWidth > right) left = x - 16 - tip.offsetWidth;
  const middle = Math.min(right - tip.offsetWidth, x - tip.offsetWidth / 2);
  if (left + frame.left < 8) left = Math.max(8 - frame.left, middle);
  const fits = y + 16 + tip.offsetHeight + frame.top < window.innerHeight;
  const below = fits || y - 16 - tip.offsetHeight + frame.top < 0;
  tip.style.left = left + 'px';
  tip.style.top = (below ? y + 16 : y - 16 - tip.offsetHeight) + 'px';
};
const spoken = (kind, trial) => {
  const place = places.get(trial);
  const scores = columns.filter(one => one.tip === 'score').map(one => one.title + ' ' + said(one, place));
  return 'Trial ' + trial + ', ' + (STATES[kind] || kind) + ': ' + scores.join(', ');
};

// All points of a chart: where they lie in its units, and their element where they have one.
const found = svg => {
  const alone = [...svg.querySelectorAll('a.point')].map(element => {
    const target = element.querySelector('.target');
    const [x, y] = target.cx ? [target.cx.baseVal.value, target.cy.baseVal.value] : [0, 0];
    return { trial: element.dataset.trial, x, y, element };
  });
  const shared = [...svg.querySelectorAll('path.dots')].flatMap(path => {
    const [kind, radius] = [path.dataset.kind, Number(path.dataset.radius)];
    return pieces(path).map(([trial, d]) => {
      const [x, y] = d.slice(1).match(/-?[\d.]+/g).map(Number);
      return kind === 'infeasible' ? { trial, x: x + radius, y: y + radius, kind, d }
        : { trial, x, y: y + radius, kind, d };
    });
  });
  return [...alone, ...shared];
};
const REACH = 14;
const nearest = (points, x, y, reach) => {
  let found = null, least = reach * reach;
  for (const point of points) {
    // What lies on top is meant, unless another is clearly nearer.
    const square = ((point.x - x) ** 2 + (point.y - y) ** 2) * (point.element ? 0.5 : 1);
    if (square < least) [found, least] = [point, square];
  }
  return found;
};
