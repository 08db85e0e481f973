// Calm: nothing moves under a resting pointer or the focus. What is new is counted, and shown when asked for.

const ANSWER_SECONDS = 5;

/** A list that waits with what is new while somebody is at it. */
class CalmList {
  /** `box` has the list, `news` is the button that counts; `show` renders rows, which `keyOf` tells apart. */
  constructor({ box, news, keyOf, show }) {
    Object.assign(this, { box, news, keyOf, show });
    this.shownKeys = new Set();
    this.isPointedAt = false;
    this.freeUntil = 0;
    const panel = box.closest('section'); // with the button that shows what is new
    panel.addEventListener('pointerenter', event => { this.isPointedAt = event.pointerType !== 'touch'; });
    panel.addEventListener('pointerleave', () => { this.isPointedAt = false; this.settle(); });
    box.addEventListener('focusout', () => setTimeout(() => this.settle()));
    news.onclick = () => this.release();
  }

  isHeld() {
    return this.shownKeys.size > 0 && (this.isPointedAt || this.box.contains(document.activeElement));
  }

  /** Show these rows, now or once nobody is at the list. */
  offer(rows) {
    this.waiting = rows;
    const keys = rows.map(this.keyOf);
    const fresh = keys.filter(key => !this.shownKeys.has(key)).length;
    const isSame = !fresh && keys.length === this.shownKeys.size;
    if (performance.now() < this.freeUntil || isSame || !this.isHeld()) this.apply();
    else setText(this.news, fresh ? `${number(fresh)} new` : 'List has changed');
    this.news.hidden = !this.waiting;
  }

  settle() {
    if (this.waiting && !this.isHeld()) this.release();
  }

  /** Show what waits: somebody has asked for it. */
  release() {
    if (this.waiting) this.apply();
    this.news.hidden = true;
  }

  /** The rows of the next moments are the answer to what somebody did. */
  expect() {
    this.freeUntil = performance.now() + ANSWER_SECONDS * 1000;
  }

  apply() {
    const rows = this.waiting;
    this.waiting = null;
    this.shownKeys = new Set(rows.map(this.keyOf));
    this.show(rows);
  }
}

/** Keep the panel that somebody is at where it is when those above it grow or shrink. */
function keepPanelsInPlace() {
  let panel = null, top = 0;
  const note = () => {
    panel = document.querySelector('main > section:hover') ?? document.activeElement.closest('main > section');
    top = panel?.getBoundingClientRect().top;
  };
  const observer = new ResizeObserver(() => {
    const moved = panel ? panel.getBoundingClientRect().top - top : 0;
    if (Math.abs(moved) >= 1) scrollBy({ top: moved, behavior: 'instant' });
    note();
  });
  document.querySelectorAll('main > section').forEach(section => observer.observe(section));
  for (const event of ['scroll', 'pointermove', 'focusin']) addEventListener(event, note, { passive: true });
}
