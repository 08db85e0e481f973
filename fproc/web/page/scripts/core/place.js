// Where the page is: state, search, sort, window and trace, kept in the URL.

const DEFAULTS = { state: '', q: '', sort: '', failures: '', window: WINDOWS[0], trace: '', line: '', nodes: '',
  since: '', node: '', from: '', to: '', pipeline: '', at: '' };
let place = { ...DEFAULTS };

// A name may hold lone surrogates, which no URL can: there it is written with JSON's escapes.
const toUrl = text => JSON.stringify(text).slice(1, -1);
function fromUrl(text) {
  try { return JSON.parse(`"${text}"`); } catch { return text; }
}

function readPlace() {
  const found = Object.fromEntries(new URLSearchParams(location.search));
  place = { ...DEFAULTS };
  for (const key of Object.keys(DEFAULTS)) place[key] = found[key] ?? place[key];
  place.trace = fromUrl(place.trace);
  if (![...CHOICES, ANY_STATE].includes(place.state)) place.state = '';
  if (!WINDOWS.includes(place.window)) place.window = DEFAULTS.window;
  if (!Object.hasOwn(SINCE, place.since)) place.since = '';
  for (const key of ['from', 'to']) if (Number.isNaN(Date.parse(place[key]))) place[key] = '';
  if (!CHOSEN_STATES.includes(place.state)) place = { ...place, ...NOT_CHOSEN };
}

function placeUrl(changes) {
  const next = { ...place, ...changes };
  next.trace = toUrl(next.trace);
  const kept = Object.entries(next).filter(([key, value]) => value !== DEFAULTS[key]);
  return (kept.length ? `?${new URLSearchParams(kept)}` : location.pathname);
}

/** Go there. A step of its own in the browser's history only if asked for: typing and sorting are not. */
function go(changes, { isStep = false } = {}) {
  history[isStep ? 'pushState' : 'replaceState'](null, '', placeUrl(changes));
  place = { ...place, ...changes };
  showPlace();
}

function showPlace() {
  for (const tile of stateTiles()) {
    tile.setAttribute('aria-pressed', tile.dataset.state === place.state);
  }
  for (const button of $('windows').children) {
    button.setAttribute('aria-pressed', button.dataset.window === place.window);
  }
  $('state').value = place.state;
  $('kinds-since').value = place.since;
  if ($('search').value !== place.q) $('search').value = place.q;
  if ($('failed-search').value !== place.failures) $('failed-search').value = place.failures;
  if (document.activeElement !== $('trace-file')) $('trace-file').value = shown(place.trace);
  eachFeed(feed => feed.follow());
  renderChosen();
  renderFiles();
  renderNodes();
  renderNode();
  renderCharts();
  renderTrace();
}
