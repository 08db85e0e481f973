// What somebody has seen of the failures and dismissed, and since when they look; remembered by this browser.

/** When the last look ended, by the server's clock; '' at the first one. A page that is hidden is not looked at. */
let lookedUntil = remember('localStorage', 'fproc-looked') ?? '';

const serverTime = () => new Date(serverNow()).toISOString();

let isLooking = !document.hidden;

function noteLook() {
  if (document.hidden && isLooking) remember('localStorage', 'fproc-looked', serverTime());
  if (!document.hidden && !isLooking) lookedUntil = remember('localStorage', 'fproc-looked') ?? lookedUntil;
  isLooking = !document.hidden;
}

/** From now on, only what happens later is new. */
function markAsSeen() {
  lookedUntil = serverTime();
  remember('localStorage', 'fproc-looked', lookedUntil);
}

const isNew = kind => lookedUntil !== '' && kind.last > lookedUntil;

/** Kinds that were dismissed, with their last failure at that time: a later one shows them again. */
let dismissed = {};
try { dismissed = JSON.parse(remember('localStorage', 'fproc-dismissed') ?? '{}'); } catch { /* not ours */ }

const kindKey = ({ node, reason }) => JSON.stringify([node, reason]);
const isDismissed = kind => Object.hasOwn(dismissed, kindKey(kind)) && kind.last <= dismissed[kindKey(kind)];

function setDismissed(kind, isOn) {
  delete dismissed[kindKey(kind)];
  if (isOn) dismissed[kindKey(kind)] = kind.last;
  remember('localStorage', 'fproc-dismissed', JSON.stringify(dismissed));
}

/** Forget those that are gone: the server has told all that there are. */
function keepDismissed(kinds) {
  const keys = new Set(kinds.map(kindKey));
  const gone = Object.keys(dismissed).filter(key => !keys.has(key));
  for (const key of gone) delete dismissed[key];
  if (gone.length) remember('localStorage', 'fproc-dismissed', JSON.stringify(dismissed));
}

/** The last time that the clock here showed this hour. */
function lastAt(hour) {
  const time = new Date(serverNow());
  if (time.getHours() < hour) time.setDate(time.getDate() - 1);
  return time.setHours(hour, 0, 0, 0);
}

/** Since when failures are shown: what the address calls it, its label, and the time. */
const SINCE = {
  '': ['the beginning', () => ''],
  looked: ['you looked last', () => lookedUntil],
  hour: ['an hour ago', () => serverNow() - HOUR * 1000],
  noon: ['noon', () => lastAt(12)],
  midnight: ['midnight', () => lastAt(0)],
};

function sinceTime() {
  const time = SINCE[place.since][1]();
  if (place.since !== 'hour' || time === '') return time === '' ? '' : new Date(time).toISOString();
  return new Date(Math.floor(time / 1000 / MINUTE) * MINUTE * 1000).toISOString(); // the same for a minute
}
