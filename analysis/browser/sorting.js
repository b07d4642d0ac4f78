// Tables that stand whole in the document: they sort, and longer ones show a page of rows at a time.
const key = (line, place) => {
  const cell = line.cells[place];
  return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
};
for (const whole of document.querySelectorAll('table.sortable')) {
  if (record && whole.id === 'all') continue;
  const body = whole.tBodies[0];
  let at = 0;
  const draw = () => {
    const lines = [...body.rows];
    const last = Math.max(0, Math.ceil(lines.length / PAGE) - 1);
    at = Math.min(last, Math.max(0, at));
    lines.forEach((line, place) => { line.hidden = Math.floor(place / PAGE) !== at; });
    turns.tell(at, last + 1, lines.length);
  };
  const turns = pager(to => { at = to(at); draw(); }, 'Pages of the table');
  if (body.rows.length > PAGE) {
    whole.parentNode.after(turns);
    draw();
    // What leads to a row turns to its page.
    const seek = () => {
      const row = document.getElementById(location.hash.slice(1));
      if (!row || !body.contains(row) || !row.hidden) return;
      at = Math.floor([...body.rows].indexOf(row) / PAGE);
      draw();
      row.scrollIntoView({ block: 'center' });
    };
    window.addEventListener('hashchange', seek);
    document.addEventListener('click', event => {
      const link = event.target.closest('a[href^="#"]');
      if (link && link.getAttribute('href') === location.hash) seek();
    });
    seek();
  }
  [...whole.tHead.rows[0].cells].forEach((head, place) => {
    const button = make('button', head.textContent);
    button.type = 'button';
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') === 'ascending';
      for (const other of whole.tHead.rows[0].cells) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const lines = [...body.rows];
      lines.sort((one, other) => {
        const a = key(one, place), b = key(other, place);
        if (a === '' || b === '') return (a === '') - (b === '');
        const sign = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
        return down ? -sign : sign;
      });
      body.append(...lines);
      at = 0;
      draw();
    });
  });
}
