"""The style and the script of a page; both are named by their hash in the page's security policy."""

from typing import Final

from analysis.colours import NAMED, NAMED_ON_DARK, RAMP, RAMP_ON_DARK


def _marks(named: tuple[str, ...], ramp: tuple[str, ...]) -> str:
    """Classes n0, n1, ... for the named colours and r0, r1, ... for the steps of the ramp."""
    colours = {f"n{place}": colour for place, colour in enumerate(named)}
    colours |= {f"r{place}": colour for place, colour in enumerate(ramp)}
    return "".join(f".{name}{{--mark:{colour}}}" for name, colour in colours.items())


_STYLE: Final = """
:root{--paper:#fff;--raised:#f6f7f9;--ink:#1d2733;--quiet:#5d6875;--line:#dfe4e9;--grid:#eaeef1;--accent:#b3361b;
--dot:#8a95a1;--link:#0b5cad;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--paper:#14181d;--raised:#1d2329;--ink:#e6eaee;--quiet:#9ba6b2;--line:#333c45;
--grid:#232a31;--accent:#ff7a5c;--dot:#7d8996;--link:#7db8ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 20px 80px}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:40px 0 10px}
p{margin:4px 0 12px;max-width:72ch;overflow-wrap:anywhere}
a{color:var(--link)}
.quiet{color:var(--quiet)}
.facts{display:flex;flex-wrap:wrap;gap:10px 28px;margin:18px 0 6px;padding:0}
.facts div{min-width:0}
.facts dt{font-size:.8rem;color:var(--quiet)}
.facts dd{margin:0;font-weight:600;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
figure{margin:0;position:relative}
figcaption{font-weight:600;font-size:.9rem;margin:0 0 2px}
svg{display:block;width:100%;height:auto;overflow:visible}
.fronts{display:grid;gap:24px;max-width:860px}
.several{max-width:none;grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr))}
.curves{display:grid;gap:24px;grid-template-columns:repeat(auto-fill,minmax(min(100%,320px),1fr))}
svg text{fill:var(--quiet);font-size:12.5px}
svg .axis{fill:var(--ink);font-size:13.5px}
.curves svg text,.curves svg .axis{font-size:17px}
svg .number{fill:var(--ink);pointer-events:none}
.grid{stroke:var(--grid);fill:none}
.edge{stroke:var(--accent);stroke-width:1.8;fill:none}
.attained{fill:var(--accent);opacity:.08}
.reference{stroke:var(--quiet);stroke-dasharray:5 4;fill:none}
.point{cursor:pointer;outline:none}
.target{fill:transparent}
.dot{fill:var(--dot);stroke:none}
.stopped .dot{fill:var(--paper);stroke:var(--dot);stroke-width:1.1;opacity:.75}
.infeasible .dot{fill:none;stroke:var(--dot);stroke-width:1.6}
.front .dot{fill:var(--accent);stroke:var(--paper);stroke-width:1.5}
.point:focus-visible .target,.point.on .target{stroke:var(--ink);stroke-width:2}
.line{fill:none;stroke:var(--dot);stroke-width:1.1;opacity:.4}
.line.best{stroke:var(--accent);stroke-width:1.8;opacity:.9}
.line.on{stroke:var(--ink);stroke-width:3;opacity:1}
.line.alone{fill:var(--dot);stroke:none}
.line.alone.best{fill:var(--accent)}
.line.alone.on{fill:var(--ink)}
.legend{display:flex;flex-wrap:wrap;
gap:4px 20px;list-style:none;margin:6px 0 0;padding:0;font-size:.85rem;color:var(--quiet)}
.legend svg{display:inline-block;width:16px;height:16px;vertical-align:-3px;margin-right:6px}
.tip{position:absolute;z-index:2;width:max-content;
max-width:min(340px,92vw);padding:10px 12px;border:1px solid var(--line);
border-radius:8px;background:var(--paper);box-shadow:0 6px 24px rgb(0 0 0/.18);font-size:.85rem;pointer-events:none}
.tip[hidden]{display:none}
.tip strong{display:block;margin-bottom:4px}
.tip dl{display:grid;grid-template-columns:auto auto;gap:1px 14px;margin:0}
.tip dt{color:var(--quiet)}
.tip dd{margin:0;text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.tip .score{color:var(--ink);font-weight:600}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;width:100%;font-size:.85rem;font-variant-numeric:tabular-nums}
th,td{padding:6px 11px;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);white-space:nowrap}
td.text{white-space:normal;min-width:24ch;max-width:44ch;overflow-wrap:anywhere}
.num{text-align:right}
tbody tr:last-child td{border-bottom:0}
td:first-child,th:first-child{position:sticky;left:0;background:var(--paper)}
th:first-child{background:var(--raised)}
thead th{background:var(--raised);font-weight:600}
th button{all:unset;cursor:pointer;display:block;width:100%}
th button:focus-visible{outline:2px solid var(--link);outline-offset:3px}
th button::after{content:"\\2195";color:var(--quiet);opacity:.5;margin-left:5px}
th[aria-sort=ascending] button::after{content:"\\2191";opacity:1}
th[aria-sort=descending] button::after{content:"\\2193";opacity:1}
tr.best td:first-child{box-shadow:inset 3px 0 var(--accent)}
tr:target td,tr.on td,tr:target td:first-child,tr.on td:first-child{background:var(--raised)}
code{font-size:.92em;overflow-wrap:anywhere}
pre{overflow:auto;padding:12px 14px;background:var(--raised);border-radius:8px;font-size:.82rem}
summary{cursor:pointer}
.maps{display:grid;gap:28px;grid-template-columns:repeat(auto-fill,minmax(min(100%,430px),1fr))}
.maps figure{max-width:860px}
.maps svg text{font-size:13px}
.maps svg .axis{font-size:14px}
.maps svg .inside{font-size:13.5px;fill:var(--quiet)}
.cell .filled+.inside{fill:#000}
.cell .filled+.pale{fill:#fff}
.cell rect.failed,.cell rect.stopped{fill:var(--raised)}
.cell rect.complete,.cell rect.running,.cell rect.missing{fill:none}
.cell rect:is(.failed,.stopped,.complete,.running,.missing){stroke:var(--dot);stroke-dasharray:3 3}
.outline{fill:none;stroke:var(--accent);stroke-width:3}
.casing{fill:none;stroke:var(--paper);stroke-width:6}
.value{fill:none;stroke:var(--mark);stroke-width:1.9;stroke-linejoin:round}
.spot,.bar{fill:var(--mark)}
.spread{fill:var(--mark);opacity:.16}
.ring{fill:var(--paper);stroke:var(--mark);stroke-width:2.4}
.lead{fill:none;stroke:var(--mark);stroke-dasharray:1 4}
.whisker{stroke:var(--ink);stroke-width:1.4}
.dash{stroke:var(--ink);stroke-width:2.2}
.dash-casing{stroke:var(--paper);stroke-width:5}
.note,svg .end{fill:var(--ink)}
.curves svg .end{font-size:15px}
.groups{display:grid;gap:24px;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr))}
.groups figure{max-width:860px}
.groups svg text,.groups svg .axis{font-size:15px}
.masks table{width:auto}
.masks td:first-child,.masks th:first-child{position:static}
.masks th,.masks td{padding:6px 5px}
.masks th{white-space:normal}
.masks img{display:block;max-width:100%;min-width:104px;height:auto}
.swatch{stroke:var(--quiet);stroke-width:.6}
.noise,.noise .several{display:grid;gap:0 28px;grid-template-columns:repeat(auto-fill,minmax(min(100%,460px),1fr))}
.noise>div{min-width:0}
.noise .several{grid-column:1/-1}
.noise p{margin-top:8px}
.noise .several>:not(figure){grid-column:1/-1}
.noise svg text,.noise svg .axis,.noise svg .end{font-size:14px}
.ways{margin:4px 0 12px;padding-left:20px;max-width:72ch;overflow-wrap:anywhere}
h3{font-size:1rem;margin:26px 0 8px}
.scroll-x{overflow-x:auto;margin-top:18px}
details{margin-top:10px}
details>.scroll{margin:12px 0 18px}
caption{text-align:left;font-weight:600;padding:8px 11px}
th[scope=row]{font-weight:400}
@media (max-width:640px){.scroll-x svg{min-width:620px}
.maps svg text,.maps svg .axis,.maps svg .inside{font-size:17px}
main{padding:18px 14px 60px}svg text{font-size:20px}svg .axis{font-size:21px}
.curves svg text,.curves svg .axis,.groups svg text,.groups svg .axis,
.noise svg text,.noise svg .axis,.noise svg .end{font-size:18px}
.point .dot{r:8px}.tip{max-width:88vw}}
@media print{.tip{display:none}.scroll{overflow:visible}th button::after{content:""}}
"""
_DARK: Final = f"@media (prefers-color-scheme:dark){{{_marks(NAMED_ON_DARK, RAMP_ON_DARK)}}}"
STYLE: Final = _STYLE + _marks(NAMED, RAMP) + _DARK

SCRIPT: Final = """
'use strict';
(() => {
  const all = document.getElementById('all');
  const heads = all ? [...all.tHead.rows[0].cells] : [];
  const row = trial => document.getElementById('trial-' + trial);
  const make = (kind, text, name) => {
    const made = document.createElement(kind);
    made.textContent = text;
    if (name) made.className = name;
    return made;
  };
  const light = (trial, on) => {
    for (const part of document.querySelectorAll('[data-trial="' + trial + '"]')) part.classList.toggle('on', on);
    row(trial).classList.toggle('on', on);
  };
  const fill = (tip, trial) => {
    const cells = [...row(trial).cells];
    const list = document.createElement('dl');
    heads.forEach((head, place) => {
      const said = cells[place].textContent;
      if (!head.dataset.tip || !said) return;
      const name = head.dataset.tip === 'score' ? 'score' : '';
      list.append(make('dt', head.textContent, name), make('dd', said, name));
    });
    tip.replaceChildren(make('strong', 'Trial ' + trial + ', ' + row(trial).dataset.state), list);
  };
  const put = (tip, point, figure) => {
    const frame = figure.getBoundingClientRect();
    const spot = point.querySelector('.target').getBoundingClientRect();
    const x = spot.left + spot.width / 2 - frame.left;
    const y = spot.top + spot.height / 2 - frame.top;
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
  const centre = point => {
    const box = point.querySelector('.target').getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };
  const beyond = (point, points, way) => {
    const [x, y] = centre(point);
    const there = points.filter(other => Math.abs(centre(other)[0] - x) < 1 && (centre(other)[1] - y) * way > 1);
    return there.sort((one, other) => Math.abs(centre(one)[1] - y) - Math.abs(centre(other)[1] - y))[0] || point;
  };
  for (const figure of document.querySelectorAll('.fronts figure, .maps figure')) {
    const tip = figure.querySelector('.tip');
    const points = [...figure.querySelectorAll('.point')];
    let shown = null;
    const hide = () => {
      if (shown) light(shown.dataset.trial, false);
      shown = null;
      tip.hidden = true;
    };
    const show = point => {
      hide();
      shown = point;
      fill(tip, point.dataset.trial);
      tip.hidden = false;
      put(tip, point, figure);
      light(point.dataset.trial, true);
    };
    const map = figure.parentNode.className === 'maps';
    const order = [...points].sort((one, other) => {
      const [x, y] = centre(one), [a, b] = centre(other);
      return map && Math.abs(y - b) > 1 ? y - b : x - a;
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
        const down = map && event.key !== 'ArrowRight' && event.key !== 'ArrowLeft';
        (down ? beyond(point, points, step) : order[(place + step + order.length) % order.length]).focus();
      });
    });
  }
  const named = {};
  for (const item of document.querySelectorAll('[data-colour]')) {
    named[item.dataset.colour] = item.title || item.textContent;
  }
  for (const figure of document.querySelectorAll('.masks')) {
    const tip = figure.querySelector('.tip');
    const pixel = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    pixel.canvas.width = pixel.canvas.height = 1;
    const tell = event => {
      const mask = event.target;
      const box = mask.getBoundingClientRect();
      const x = Math.floor((event.clientX - box.left) / box.width * mask.naturalWidth);
      const y = Math.floor((event.clientY - box.top) / box.height * mask.naturalHeight);
      pixel.drawImage(mask, -x, -y);
      const parts = [...pixel.getImageData(0, 0, 1, 1).data].slice(0, 3);
      const name = named[parts.map(part => part.toString(16).padStart(2, '0')).join('')];
      if (name) {
        tip.textContent = name;
        tip.hidden = false;
      }
      const frame = figure.getBoundingClientRect();
      const most = document.documentElement.clientWidth - 8 - frame.left - tip.offsetWidth;
      tip.style.left = Math.max(0, Math.min(event.clientX - frame.left + 14, most)) + 'px';
      tip.style.top = event.clientY - frame.top + 18 + 'px';
    };
    for (const mask of figure.querySelectorAll('.mask')) {
      mask.addEventListener('pointermove', tell);
      mask.addEventListener('pointerdown', tell);
      mask.addEventListener('pointerleave', () => { tip.hidden = true; });
    }
  }
  const key = (line, place) => {
    const cell = line.cells[place];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  };
  for (const table of document.querySelectorAll('table.sortable')) {
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      const button = make('button', head.textContent);
      button.type = 'button';
      head.replaceChildren(button);
      button.addEventListener('click', () => {
        const down = head.getAttribute('aria-sort') === 'ascending';
        for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        const lines = [...table.tBodies[0].rows];
        lines.sort((one, other) => {
          const a = key(one, place), b = key(other, place);
          if (a === '' || b === '') return (a === '') - (b === '');
          const sign = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
          return down ? -sign : sign;
        });
        table.tBodies[0].append(...lines);
      });
    });
  }
})();
"""
