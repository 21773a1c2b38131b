'use strict';
document.documentElement.classList.add('js');
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const number = text => /^[~?(+]*-?[\d,]*\.?\d+/.test(text) ? parseFloat(text.replace(/[~?(+,]/g, '')) : NaN;

// Tables: a click on a heading sorts, again turns the order.
function sortable(table) {
  all('thead th', table).forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const up = head.getAttribute('aria-sort') === 'descending' ||
        (!head.hasAttribute('aria-sort') && head.classList.contains('left'));
      all('th', table).forEach(other => other.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      const body = table.tBodies[0];
      const rows = [...body.rows].map(row => {
        const text = row.cells[column].textContent;
        return {row, text, value: number(text)};
      });
      const words = rows.every(r => isNaN(r.value)) || head.classList.contains('left');
      rows.sort((a, b) => {
        if (words) return (up ? 1 : -1) * a.text.localeCompare(b.text, 'en', {numeric: true});
        if (isNaN(a.value) || isNaN(b.value)) return isNaN(a.value) - isNaN(b.value); // nothing stands last
        return (up ? 1 : -1) * (a.value - b.value);
      });
      body.append(...rows.map(r => r.row));
    });
  });
}

// A shade says that a table goes on to the right.
function shaded(wide) {
  const more = () => wide.classList.toggle('cut', wide.scrollLeft + wide.clientWidth < wide.scrollWidth - 1);
  wide.addEventListener('scroll', more, {passive: true});
  new ResizeObserver(more).observe(wide);
}

// A word in the search field leaves the rows that have it.
function filterable(input) {
  const figure = input.closest('figure'), rows = all('tbody tr', figure), hits = figure.querySelector('.hits');
  input.addEventListener('input', () => {
    const words = input.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every(word => text.includes(word));
      shown += !row.hidden;
    }
    hits.textContent = shown + ' of ' + rows.length;
  });
}

// RFC 4180. Thousands separators go; a cell that a spreadsheet could take for a formula is quoted as text.
function csv(table) {
  const field = text => {
    text = text.trim();
    if (/^-?[\d,]+(\.\d+)?$/.test(text)) return text.replaceAll(',', '');
    if (/^[=+@\-\t]/.test(text) && text !== '-') text = "'" + text;
    return /[",\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  return [...table.rows].map(row => [...row.cells].map(cell => field(cell.textContent)).join(',')).join('\r\n') + '\r\n';
}

function download(button) {
  const table = button.closest('figure').querySelector('table');
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([csv(table)], {type: 'text/csv;charset=utf-8'}));
  link.download = button.dataset.name + '.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// Frames on their axis of time.
function strips(root) {
  const scroll = root.querySelector('.scroll'), canvas = root.querySelector('.canvas'), ticks = root.querySelector('.ticks');
  const tip = root.querySelector('.tip'), figure = root.closest('figure');
  const millis = +root.dataset.span * +root.dataset.unit / 1e6; // of the whole axis
  const at = use => (+use.getAttribute('x') * +root.dataset.unit / 1e6).toFixed(4);
  const shape = use => document.querySelector(use.getAttribute('href')).dataset;
  let zoom = 1, chosen;

  function draw() {
    canvas.style.setProperty('--zoom', zoom);
    const wanted = millis / Math.max(canvas.clientWidth / 110, 1), power = 10 ** Math.floor(Math.log10(wanted));
    const step = [1, 2, 5, 10].find(m => m * power >= wanted) * power;
    const from = Math.max(scroll.scrollLeft - 2000, 0) / canvas.clientWidth * millis;
    const to = Math.min((scroll.scrollLeft + scroll.clientWidth + 2000) / canvas.clientWidth, 1) * millis;
    const marks = [];
    for (let i = Math.ceil(from / step); i * step < to; i++) {
      const mark = document.createElement('span');
      mark.style.left = 100 * i * step / millis + '%';
      mark.textContent = millis < 5000 ? +(i * step).toPrecision(6) + ' ms' : +(i * step / 1000).toPrecision(6) + ' s';
      if (i * step < millis * (1 - 60 / canvas.clientWidth)) marks.push(mark);
    }
    ticks.replaceChildren(...marks);
  }

  function scale(factor) {
    const middle = (scroll.scrollLeft + scroll.clientWidth / 2) / canvas.clientWidth;
    zoom = factor ? Math.min(Math.max(zoom * factor, 1), 4096) : 1;
    draw();
    scroll.scrollLeft = middle * canvas.clientWidth - scroll.clientWidth / 2;
    draw();
  }

  function hide() {
    tip.hidden = true;
    if (chosen) chosen.classList.remove('chosen');
    chosen = null;
  }

  function show(use) {
    hide();
    chosen = use;
    use.classList.add('chosen');
    const s = shape(use), head = document.createElement('b');
    head.textContent = 'frame ' + use.dataset.n + ': ' + s.role + ' ' + s.to;
    tip.replaceChildren(head, 'at ' + at(use) + ' ms, ' + (+s.wire).toLocaleString('en') + ' bytes on the wire: ' + s.owners);
    tip.hidden = false;
    const box = use.getBoundingClientRect(), frame = root.getBoundingClientRect();
    tip.style.left = Math.min(Math.max(box.left - frame.left, 0), Math.max(frame.width - tip.offsetWidth, 0)) + 'px';
    tip.style.top = box.bottom - frame.top + 6 + 'px';
  }

  root.addEventListener('pointerover', event => event.target.matches('use') ? show(event.target) : hide());
  root.addEventListener('pointerleave', hide);
  root.addEventListener('focusout', hide);
  scroll.addEventListener('scroll', draw, {passive: true});
  for (const lanes of all('.lanes', root)) {
    lanes.addEventListener('keydown', event => {
      const move = {ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity}[event.key];
      if (event.key === 'Escape') hide();
      if (!move) return;
      event.preventDefault();
      const uses = all('use', lanes);
      if (!uses.length) return;
      const next = Math.min(Math.max((chosen ? uses.indexOf(chosen) : -1) + move, 0), uses.length - 1);
      const box = uses[next].getBoundingClientRect(), frame = scroll.getBoundingClientRect();
      if (box.left < frame.left || box.right > frame.right) scroll.scrollLeft += box.left - frame.left - frame.width / 3;
      show(uses[next]);
    });
  }
  for (const button of all('.zoom', figure)) button.addEventListener('click', () => scale(+button.dataset.zoom));

  // The table of thousands of frames is made when somebody asks for it.
  const details = figure.querySelector('details.frames');
  details.addEventListener('toggle', () => {
    if (details.querySelector('table')) return;
    const table = document.createElement('table');
    const row = (to, kind, texts) => to.append(...texts.map((text, i) => {
      const cell = document.createElement(kind);
      cell.textContent = text;
      if (kind === 'th') cell.scope = 'col';
      if ([0, 3, 4, 7].includes(i)) cell.className = 'left';
      return cell;
    }));
    row(table.createTHead().insertRow(), 'th', ['strip', 'frame', 'at (ms)', 'direction', 'role', 'wire bytes', 'payload bytes', 'owners']);
    const body = table.createTBody();
    for (const strip of all('.strip', root)) {
      const name = strip.querySelector('b').textContent;
      for (const use of all('use', strip)) {
        const s = shape(use);
        row(body.insertRow(), 'td', [name, use.dataset.n, at(use), s.to, s.role, s.wire, s.payload, s.owners]);
      }
    }
    const tools = document.createElement('div'), button = document.createElement('button'), wide = document.createElement('div');
    tools.className = 'tools';
    button.type = 'button';
    button.textContent = 'Download CSV';
    button.dataset.name = figure.id;
    button.addEventListener('click', () => download(button));
    tools.append(button);
    wide.className = 'wide';
    wide.tabIndex = 0;
    wide.setAttribute('role', 'group');
    wide.setAttribute('aria-label', 'table of frames');
    wide.append(table);
    details.append(tools, wide);
    sortable(table);
  });
  addEventListener('resize', draw);
  root.closest('details.section')?.addEventListener('toggle', draw);
  draw();
}

all('table').forEach(sortable);
all('.filter').forEach(filterable);
all('.wide').forEach(shaded);
all('.csv').forEach(button => button.addEventListener('click', () => download(button)));
all('.strips').forEach(strips);
