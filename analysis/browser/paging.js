// Buttons that turn the pages of a table.
const PAGE = 50;
const pager = (turn, name) => {
  const made = make('nav', '', 'pager');
  made.setAttribute('aria-label', name);
  const told = make('span');
  const buttons = [['First', () => 0], ['Previous', at => at - 1], ['Next', at => at + 1], ['Last', () => Infinity]].map(
    ([title, to]) => {
      const button = make('button', title);
      button.type = 'button';
      button.addEventListener('click', () => turn(to));
      return button;
    });
  made.append(buttons[0], buttons[1], told, buttons[2], buttons[3]);
  made.tell = (at, all, rows) => {
    made.hidden = rows <= PAGE;
    told.textContent = count(at * PAGE + 1) + '–' + count(Math.min(rows, (at + 1) * PAGE)) + ' of ' + count(rows);
    buttons.forEach((button, place) => { button.disabled = place < 2 ? at === 0 : at === all - 1; });
  };
  return made;
};
