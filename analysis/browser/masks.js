// Tells the class of the pixel that a pointer is over.
const classes = {};
for (const item of document.querySelectorAll('[data-colour]')) {
  classes[item.dataset.colour] = item.title || item.textContent;
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
    const name = classes[parts.map(part => part.toString(16).padStart(2, '0')).join('')];
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
