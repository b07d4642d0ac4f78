// The table of all trials: one page of rows is in the document at a time, however many trials there are.
const STATES = { front: 'on the front', complete: 'complete', stopped: 'stopped early', failed: 'failed', running: 'running' };
const table = document.getElementById('all');
const listed = table && record ? columns.filter(one => one.title) : [];
const shownRows = { rows: numbers.map((_, place) => place), page: 0, sorted: null, down: false };
const link = (lead, place) => {
  const middle = lead.values[place];
  if (middle === null) return null;
  const made = make('a', lead.title);
  made.href = lead.before + middle + lead.after;
  made.rel = 'noreferrer';
  return made;
};
const look = one => one.kind === 'int64' || one.kind === 'double' ? 'num' : one.long ? 'text' : '';
const cellOf = (one, place) => make('td', said(one, place), look(one));
const leadsOf = place => {
  const cell = make('td', '', 'leads');
  for (const lead of record.links) {
    const made = link(lead, place);
    if (!made) continue;
    if (cell.childNodes.length) cell.append(' · ');
    cell.append(made);
  }
  for (const [title, text] of record.told[numbers[place]] || []) {
    if (cell.childNodes.length) cell.append(' · ');
    cell.append(visible(title) + (text ? ' ' : ''));
    if (!text) continue;
    const code = make('code', visible(text));
    code.title = visible(text);
    cell.append(code);
  }
  return cell;
};
const rowOf = place => {
  const row = make('tr', '', best.has(String(numbers[place])) ? 'best' : '');
  row.id = 'trial-' + numbers[place];
  row.tabIndex = -1;
  row.append(...listed.map(one => cellOf(one, place)));
  if (record.leads) row.append(leadsOf(place));
  return row;
};
const pages = () => Math.max(1, Math.ceil(shownRows.rows.length / PAGE));
const compare = one => (a, b) => {
  const [x, y] = [one.values[a], one.values[b]];
  const [none, other] = [x === null || Number.isNaN(x), y === null || Number.isNaN(y)];
  if (none || other) return none - other;
  const order = one.kind === 'string' ? String(x).localeCompare(String(y)) : Number(x) - Number(y);
  return shownRows.down ? -order : order;
};

let goTo = () => {};
if (table && record) {
  const bar = make('div', '', 'bar-of-table');
  const text = make('input');
  const choice = make('select');
  const status = make('output', '', 'quiet');
  const complaint = make('p', '', 'complaint');
  const draw = () => {
    const { page, rows } = shownRows;
    table.tBodies[0].replaceChildren(...rows.slice(page * PAGE, (page + 1) * PAGE).map(rowOf));
    turns.tell(page, pages(), rows.length);
    status.textContent = rows.length === numbers.length ? plural(rows.length)
      : count(rows.length) + ' of ' + plural(numbers.length);
  };
  const turn = to => {
    shownRows.page = Math.min(pages() - 1, Math.max(0, to(shownRows.page)));
    draw();
    table.parentNode.scrollTop = 0;
  };
  const turns = pager(turn, 'Pages of all trials');
  const sort = () => {
    if (shownRows.sorted) shownRows.rows.sort(compare(shownRows.sorted));
  };
  const sift = () => {
    complaint.textContent = '';
    text.removeAttribute('aria-invalid');
    let terms = [];
    try {
      terms = holds(text.value);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      complaint.textContent = 'Filter: ' + visible(error.message) + '.';
      text.setAttribute('aria-invalid', 'true');
      return;
    }
    const wanted = choice.value;
    shownRows.rows = numbers.map((_, place) => place).filter(
      place => (!wanted || state(place) === wanted) && terms.every(term => term(place)));
    shownRows.page = 0;
    sort();
    draw();
  };
  goTo = trial => {
    const place = places.get(String(trial));
    if (place === undefined) return;
    if (!shownRows.rows.includes(place)) {
      text.value = choice.value = '';
      sift();
    }
    shownRows.page = Math.floor(shownRows.rows.indexOf(place) / PAGE);
    draw();
    const row = document.getElementById('trial-' + trial);
    row.classList.add('sought');
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: 'center' });
  };

  [...table.tHead.rows[0].cells].slice(0, listed.length).forEach((head, place) => {
    const button = make('button', head.textContent);
    button.type = 'button';
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      shownRows.down = head.getAttribute('aria-sort') === 'ascending';
      for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', shownRows.down ? 'descending' : 'ascending');
      shownRows.sorted = listed[place];
      shownRows.page = 0;
      sort();
      draw();
    });
  });

  const labelled = (title, element) => {
    const label = make('label', title + ' ');
    label.append(element);
    return label;
  };
  text.type = 'search';
  text.placeholder = 'word, or column>value';
  text.spellcheck = false;
  text.autocomplete = 'off';
  let waiting = 0;
  text.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(sift, 120);
  });
  const counted = {};
  numbers.forEach((_, place) => { counted[state(place)] = (counted[state(place)] || 0) + 1; });
  const choose = (value, title) => {
    const option = make('option', title);
    option.value = value;
    choice.append(option);
  };
  choose('', 'all');
  for (const [value, title] of Object.entries(STATES)) {
    const name = value === 'front' ? record.best : title;
    if (counted[value]) choose(value, name + ' (' + count(counted[value]) + ')');
  }
  choice.addEventListener('change', sift);
  const offer = (title, type, made) => {
    const button = make('button', title);
    button.type = 'button';
    button.addEventListener('click', () => save(record.file + '.' + title.toLowerCase(), type, [made(shownRows.rows)]));
    return button;
  };
  const offers = make('span', 'Download ', 'offers');
  offers.append(offer('CSV', 'text/csv', csv), offer('Parquet', 'application/vnd.apache.parquet', parquet));
  bar.append(labelled('Filter', text), labelled('Show', choice), status, offers);
  status.setAttribute('role', 'status');
  complaint.setAttribute('role', 'alert');
  table.parentNode.before(bar, complaint);
  table.parentNode.after(turns);
  draw();
  const follow = () => {
    const asked = location.hash.match(/^#trial-(\d+)$/);
    if (asked) goTo(asked[1]);
  };
  document.addEventListener('click', event => {
    const link = event.target.closest('a[href^="#trial-"]');
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const target = link.getAttribute('href');
    if (location.hash === target) follow();
    else location.hash = target;
  });
  window.addEventListener('hashchange', follow);
  follow();
}
