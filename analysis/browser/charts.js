// The front chart: hover, tap, keys.
const charts = record ? document.querySelectorAll('.fronts figure') : [];
for (const figure of charts) {
  const tip = figure.querySelector('.tip');
  const svg = figure.querySelector('svg');
  const points = found(svg).sort((one, other) => one.x - other.x || one.y - other.y);
  const order = new Map(points.map((point, place) => [point, place]));
  const home = points.find(point => point.element) || points[0];
  let shown = null, moving = false;
  const grown = point => {
    if (point.element) return point.element;
    const made = drawn('a', { class: 'point made ' + point.kind, href: '#trial-' + point.trial, tabindex: '-1' });
    made.dataset.trial = point.trial;
    made.setAttribute('aria-label', spoken(point.kind, point.trial));
    made.append(drawn('circle', { class: 'target', cx: point.x, cy: point.y, r: 12 }), drawn('path', { class: 'dot', d: point.d }));
    svg.append(made);
    listen(made, point);
    return made;
  };
  const hide = () => {
    if (!shown) return;
    const gone = shown;
    shown = null;
    unlight();
    tip.hidden = true;
    if (gone.at.classList.contains('made') && gone.point !== home) gone.at.remove();
    else gone.at.tabIndex = gone.point === home ? 0 : -1;
  };
  const show = (point, focus) => {
    if (shown && shown.point === point) {
      if (focus && document.activeElement !== shown.at) shown.at.focus({ preventScroll: true });
      return;
    }
    const at = point === home && home.at ? home.at : grown(point);
    moving = true;
    if (focus) at.focus();
    moving = false;
    hide();
    shown = { point, at };
    if (focus) at.tabIndex = 0;
    fill(tip, point.trial);
    tip.hidden = false;
    beside(tip, at, figure);
    light(point.trial);
  };
  const listen = (at, point) => {
    at.setAttribute('aria-describedby', tip.id);
    at.addEventListener('focus', () => { if (!moving) show(point, false); });
    at.addEventListener('blur', () => { if (!moving) hide(); });
    at.addEventListener('keydown', event => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === 'Escape') hide();
      if (!step) return;
      event.preventDefault();
      show(points[(order.get(point) + step + points.length) % points.length], true);
    });
  };
  for (const point of points) if (point.element) listen(point.element, point);
  if (home && !home.element) {
    home.at = grown(home);
    home.at.tabIndex = 0;
  }
  const under = event => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const reach = REACH * (event.pointerType === 'touch' ? Math.max(1, 1.6 * scale) : 1);
    return nearest(points, (event.clientX - box.left) * scale, (event.clientY - box.top) * scale, reach);
  };
  svg.addEventListener('pointermove', event => {
    if (event.pointerType === 'touch') return;
    const point = under(event);
    if (point) show(point, false);
    else if (shown && document.activeElement !== shown.at) hide();
  });
  svg.addEventListener('pointerleave', event => {
    if (event.pointerType !== 'touch' && shown && document.activeElement !== shown.at) hide();
  });
  // The first tap tells; a second one on the same trial leads on.
  let told = null;
  svg.addEventListener('click', event => {
    if (event.pointerType !== 'touch') return;
    const point = under(event);
    const again = point && told === point && shown && shown.point === point;
    if (!again) event.preventDefault();
    told = point;
    if (!point) hide();
    else if (again && !event.target.closest('a')) goTo(point.trial);
    else if (!again) show(point, true);
  });
}
