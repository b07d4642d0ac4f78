// Cells of heat maps, each of them a trial: the arrow keys walk them row by row.
const beyond = (point, points, way) => {
  const [x, y] = centre(point);
  const there = points.filter(other => Math.abs(centre(other)[0] - x) < 1 && (centre(other)[1] - y) * way > 1);
  return there.sort((one, other) => Math.abs(centre(one)[1] - y) - Math.abs(centre(other)[1] - y))[0] || point;
};
for (const figure of record ? document.querySelectorAll('.maps figure') : []) {
  const tip = figure.querySelector('.tip');
  const points = [...figure.querySelectorAll('.point')];
  const hide = () => {
    unlight();
    tip.hidden = true;
  };
  const show = point => {
    unlight();
    fill(tip, point.dataset.trial);
    tip.hidden = false;
    beside(tip, point, figure);
    light(point.dataset.trial);
  };
  const order = [...points].sort((one, other) => {
    const [x, y] = centre(one), [a, b] = centre(other);
    return Math.abs(y - b) > 1 ? y - b : x - a;
  });
  order.forEach((point, place) => {
    point.setAttribute('aria-describedby', tip.id);
    point.addEventListener('pointerenter', () => show(point));
    point.addEventListener('pointerleave', () => { if (document.activeElement !== point) hide(); });
    point.addEventListener('focus', () => {
      for (const other of points) other.tabIndex = other === point ? 0 : -1;
      show(point);
    });
    point.addEventListener('blur', hide);
    point.addEventListener('click', event => {
      if (event.pointerType !== 'touch') return;
      event.preventDefault();
      point.focus();
      show(point);
    });
    point.addEventListener('keydown', event => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === 'Escape') hide();
      if (!step) return;
      event.preventDefault();
      const down = event.key === 'ArrowDown' || event.key === 'ArrowUp';
      (down ? beyond(point, points, step) : order[(place + step + order.length) % order.length]).focus();
    });
  });
}
