// Parallel coordinates: all lines on a canvas, in slices so that the page stays awake; hover, keys, ranges.
const stage = record ? document.querySelector('.parallel .stage') : null;
if (stage) {
  const plan = JSON.parse(document.getElementById('parallel-plan').textContent);
  const tip = stage.querySelector('.tip');
  const many = numbers.length, wide = plan.axes.length;
  const across = place => plan.left + plan.gap * place;
  const heights = new Float32Array(many * wide); // from the top, in units of the drawing
  plan.axes.forEach((axis, place) => {
    const known = new Map(axis.known.map(([value, at]) => [String(value), at]));
    named[axis.column].values.forEach((value, row) => {
      const at = value === null ? NaN
        : axis.scale === 'names' ? known.get(String(value)) : axis.scale === 'log' ? Math.log10(value) : value;
      const share = Math.min(1, Math.max(0, (at - axis.low) / (axis.high - axis.low)));
      const up = axis.flipped ? 1 - share : share;
      heights[row * wide + place] = Number.isFinite(at) ? plan.top + plan.inside * (1 - up) : plan.top + plan.inside + plan.absent;
    });
  });
  const fates = [...plan.fates].map(Number);
  // By fate, as insight.css has them. Of thousands of pale lines no dash is seen, and dashes take their time.
  const DASHES = [[], [], [10, 3], [4, 4], [2, 3], []];
  // What is drawn last lies on top: the front, before it whole trials, before those the others.
  const order = fates.map((_, row) => row).sort((a, b) => fates[b] - fates[a] || a - b);
  const walk = [...order].reverse();
  const ranges = plan.axes.map(() => null); // from the top and to the bottom, in units of the drawing
  const kept = new Uint8Array(many).fill(1);
  const [field, over] = ['field', 'over'].map(name => stage.appendChild(make('canvas', '', name)));
  stage.append(tip);
  stage.classList.add('live');
  stage.tabIndex = 0;
  stage.setAttribute('role', 'group');
  stage.setAttribute('aria-label', 'Trials as lines; arrow keys walk through them, Enter leads to one, Escape ends');
  stage.style.minWidth = 100 * wide + 'px';
  const told = make('output', '', 'quiet');
  let shown = -1, task = 0, scale = 1;
  const ink = () => {
    const style = getComputedStyle(document.documentElement);
    const of = name => style.getPropertyValue('--' + name).trim();
    return [of('accent'), of('quiet'), of('quiet'), of('dot'), of('ink'), of('dot')];
  };
  const line = (to, row) => {
    to.beginPath();
    for (let place = 0; place < wide; place++) to.lineTo(across(place), heights[row * wide + place]);
    to.stroke();
  };
  const draw = () => {
    cancelAnimationFrame(task);
    const colours = ink();
    const to = field.getContext('2d');
    const count = kept.reduce((sum, one) => sum + one, 0);
    const faint = Math.max(0.07, Math.min(0.6, 150 / (count || 1)));
    to.setTransform(scale, 0, 0, scale, 0, 0);
    to.clearRect(0, 0, plan.width, plan.height);
    let at = 0;
    const slice = () => {
      // What is asked of a canvas is painted after the slice: a slice has few lines, or the page would wait for it.
      const until = performance.now() + 8;
      for (let left = 400; at < many && left > 0 && performance.now() < until;) {
        for (const end = Math.min(many, at + 50); at < end; at++) {
          const row = order[at], fate = fates[row];
          if (!kept[row]) continue;
          left -= 1;
          to.strokeStyle = colours[fate];
          to.globalAlpha = fate === 0 ? 0.9 : fate === 3 || fate === 5 ? faint * 0.6 : faint;
          to.lineWidth = fate === 0 ? 1.6 : 1;
          to.setLineDash(fate === 3 && count > 1000 ? [] : DASHES[fate]);
          line(to, row);
        }
      }
      if (at < many) task = requestAnimationFrame(slice);
      else stage.dataset.drawn = count;
    };
    slice();
    told.textContent = count === many ? plural(many) : plural(count) + ' of ' + many.toLocaleString('en') + ' within the ranges';
    mark();
  };
  const mark = () => {
    const to = over.getContext('2d');
    const style = getComputedStyle(document.documentElement);
    to.setTransform(scale, 0, 0, scale, 0, 0);
    to.clearRect(0, 0, plan.width, plan.height);
    to.fillStyle = style.getPropertyValue('--link').trim();
    to.globalAlpha = 0.3;
    ranges.forEach((range, place) => { if (range) to.fillRect(across(place) - 7, range[0], 14, range[1] - range[0]); });
    to.globalAlpha = 1;
    if (shown < 0) return;
    to.strokeStyle = style.getPropertyValue('--ink').trim();
    to.lineWidth = 2.6;
    line(to, shown);
  };
  const fit = () => {
    const box = stage.querySelector('svg').getBoundingClientRect();
    if (!box.width) return;
    const dense = Math.min(2, window.devicePixelRatio || 1);
    scale = box.width * dense / plan.width;
    for (const canvas of [field, over]) {
      canvas.width = Math.round(box.width * dense);
      canvas.height = Math.round(box.height * dense);
    }
    draw();
  };
  const sift = () => {
    for (let row = 0; row < many; row++) {
      kept[row] = ranges.every((range, place) => {
        const y = heights[row * wide + place];
        return !range || (y >= range[0] && y <= range[1]);
      }) ? 1 : 0;
    }
    if (shown >= 0 && !kept[shown]) leave();
    draw();
  };
  const leave = () => {
    shown = -1;
    tip.hidden = true;
    unlight();
    mark();
  };
  const show = (row, x, y) => {
    if (row !== shown) {
      unlight();
      shown = row;
      fill(tip, numbers[row]);
      light(numbers[row]);
      mark();
    }
    tip.hidden = false;
    const box = stage.getBoundingClientRect();
    const room = stage.parentNode.scrollLeft + stage.parentNode.clientWidth;
    tip.style.left = Math.max(0, x + 16 + tip.offsetWidth > room ? x - 16 - tip.offsetWidth : x + 16) + 'px';
    tip.style.top = Math.max(0, Math.min(y + 14, box.height - tip.offsetHeight)) + 'px';
  };
  const spot = event => {
    const box = stage.getBoundingClientRect();
    const one = box.width / plan.width;
    return [event.clientX - box.left, event.clientY - box.top, (event.clientX - box.left) / one, (event.clientY - box.top) / one];
  };
  const nearest = (x, y) => {
    const place = Math.max(0, Math.min(wide - 2, Math.floor((x - plan.left) / plan.gap)));
    const share = wide > 1 ? Math.max(0, Math.min(1, (x - across(place)) / plan.gap)) : 0;
    const next = Math.min(wide - 1, place + 1);
    let found = -1, least = 12;
    for (const row of walk) {
      if (!kept[row]) continue;
      const at = heights[row * wide + place] * (1 - share) + heights[row * wide + next] * share;
      const gap = Math.abs(at - y) + (fates[row] ? 2 : 0);
      if (gap < least) [found, least] = [row, gap];
    }
    return found;
  };
  let pulled = null, asked = 0;
  stage.addEventListener('pointerdown', event => {
    const [, , x, y] = spot(event);
    const place = Math.round((x - plan.left) / plan.gap);
    if (event.button || event.pointerType === 'touch' || place < 0 || place >= wide || Math.abs(across(place) - x) > 12) return;
    event.preventDefault();
    stage.focus({ preventScroll: true });
    pulled = { place, from: y };
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener('pointermove', event => {
    const [left, top, x, y] = spot(event);
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => {
      if (pulled) {
        ranges[pulled.place] = Math.abs(y - pulled.from) < 3 ? null : [Math.min(y, pulled.from), Math.max(y, pulled.from)];
        mark();
        return;
      }
      const row = nearest(x, y);
      if (row < 0) leave();
      else show(row, left, top);
    });
  });
  stage.addEventListener('pointercancel', () => {
    pulled = null;
    mark();
  });
  stage.addEventListener('pointerup', event => {
    if (event.button) return;
    const [left, top, x, y] = spot(event);
    if (pulled) {
      const range = Math.abs(y - pulled.from) < 3 ? null : [Math.min(y, pulled.from), Math.max(y, pulled.from)];
      ranges[pulled.place] = range;
      pulled = null;
      sift();
      return;
    }
    const row = nearest(x, y);
    if (row >= 0 && event.pointerType === 'touch') show(row, left, top);
    else if (row >= 0) location.hash = '#trial-' + numbers[row];
  });
  stage.addEventListener('pointerleave', () => { if (!pulled && document.activeElement !== stage) leave(); });
  stage.addEventListener('blur', leave);
  stage.addEventListener('keydown', event => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === 'Escape') {
      if (shown < 0) { ranges.fill(null); sift(); } else leave();
    } else if (event.key === 'Enter' && shown >= 0) location.hash = '#trial-' + numbers[shown];
    if (!step) return;
    event.preventDefault();
    const rows = walk.filter(row => kept[row]);
    if (!rows.length) return;
    const at = rows.indexOf(shown);
    const row = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : (at + step + rows.length) % rows.length];
    const one = stage.getBoundingClientRect().width / plan.width;
    show(row, across(wide - 1) * one - 20, heights[row * wide + wide - 1] * one);
    told.textContent = 'Trial ' + numbers[row] + ', ' + plan.names[fates[row]];
  });
  const bar = make('div', '', 'ranges');
  const pick = make('select');
  plan.axes.forEach((axis, place) => pick.append(new Option(axis.title, place)));
  const [from, to] = ['from', 'to'].map((name, place) => {
    const slide = make('input');
    Object.assign(slide, { type: 'range', min: 0, max: 100, value: 100 * place });
    return slide;
  });
  const set = () => {
    const [low, high] = [from, to].map(one => plan.top + plan.inside * (1 - one.value / 100)).sort((a, b) => a - b);
    ranges[pick.value] = Number(from.value) === 0 && Number(to.value) === 100 ? null : [low - 0.5, high + 0.5];
    sift();
  };
  const clear = make('button', 'Clear ranges');
  clear.type = 'button';
  clear.addEventListener('click', () => { ranges.fill(null); from.value = 0; to.value = 100; sift(); });
  pick.addEventListener('change', () => {
    const range = ranges[pick.value];
    const back = y => 100 * (1 - (y - plan.top) / plan.inside);
    from.value = range ? back(range[1]) : 0;
    to.value = range ? back(range[0]) : 100;
  });
  for (const one of [from, to]) one.addEventListener('input', set);
  for (const [text, element] of [['Axis', pick], ['From', from], ['To', to]]) {
    const label = make('label', text + ' ');
    label.append(element);
    bar.append(label);
  }
  bar.append(clear, told);
  stage.parentNode.after(bar);
  new ResizeObserver(fit).observe(stage.querySelector('svg'));
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
}
