// Texts: figures, times, sizes, names and lines as they are shown.

const NONE = '-';
const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const PERCENT = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });
const THREE_DIGITS = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const CLOCK = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const CLOCK_SHORT = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short' });
const DATE_CLOCK = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium' });
const COLLATOR = new Intl.Collator('en', { numeric: true });

const number = value => value == null ? NONE : WHOLE.format(value);
const short = value => value == null ? NONE : value < 1e5 ? WHOLE.format(value) : COMPACT.format(value);
const rate = value => value >= 100 ? WHOLE.format(value) : THREE_DIGITS.format(value >= .01 ? value : 0);
const shortRate = value => value < 100 ? rate(value) : short(value);
const counted = (count, noun) => `${number(count)} ${noun}${count === 1 ? '' : 's'}`;
const percent = share => PERCENT.format(share);
const clamp = (value, least, most) => Math.max(least, Math.min(most, value));

function bytes(size) {
  if (size == null) return NONE;
  const step = clamp(Math.floor(Math.log10(size || 1) / 3), 0, 4);
  return `${THREE_DIGITS.format(size / 1000 ** step)} ${['B', 'kB', 'MB', 'GB', 'TB'][step]}`;
}

const MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR; // in seconds

function span(seconds) {
  if (seconds == null) return NONE;
  if (seconds < .1 && seconds > 0) return `${THREE_DIGITS.format(seconds * 1000)} ms`;
  if (seconds < 120) return `${THREE_DIGITS.format(seconds)} s`;
  const minutes = Math.floor(seconds / MINUTE), hours = Math.floor(seconds / HOUR);
  const days = Math.floor(hours / 24);
  if (hours < 2) return `${minutes} min`;
  return days < 2 ? `${hours} h ${minutes % 60} min` : `${days} d ${hours % 24} h`;
}

/** A window's length: how many of which unit. */
const windowUnits = seconds => seconds < HOUR ? [seconds / MINUTE, 'minute']
  : seconds < DAY ? [seconds / HOUR, 'hour'] : [seconds / DAY, 'day'];

const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

function escaped(char) {
  const code = char.codePointAt(0);
  const value = code >= 0xdc80 && code <= 0xdcff ? code - 0xdc00 : code; // an undecodable byte (PEP 383)
  const [letter, digits] = value < 0x100 ? ['x', 2] : ['u', 4];
  return { '\n': '\\n', '\r': '\\r' }[char] ?? `\\${letter}${value.toString(16).padStart(digits, '0')}`;
}

/** A name or message on one line, with nothing in it that hides or reorders text. */
const shown = text => String(text ?? '').replace(UNPRINTABLE, escaped);

/** The same for a line of a file, where tabs stay; at most `limit` characters of it. */
function shownLine(text, limit = 400) {
  const rest = text.length > limit ? ` ... (${number(text.length)} characters)` : '';
  const clipped = text.slice(0, limit) + rest;
  return clipped.replace(UNPRINTABLE, char => char === '\t' ? char : escaped(char));
}

/** A message, which may quote whole lines. */
const shownError = text => shownLine(shown(text), 300);

const clip = (text, limit) => text.length > limit ? `${text.slice(0, limit - 1)}\u2026` : text;

/** Percent-encoded; an undecodable byte as that byte. */
const encode = text => Array.from(String(text), char => /\p{Cs}/u.test(char)
  ? `%${(char.charCodeAt(0) & 0xff).toString(16).padStart(2, '0')}` : encodeURIComponent(char)).join('');

const query = parameters => {
  const pairs = Object.entries(parameters).filter(([, value]) => value !== '' && value != null);
  return pairs.length ? `?${pairs.map(([key, value]) => `${key}=${encode(value)}`).join('&')}` : '';
};

const name = (text, attributes = {}) => el('bdi', attributes, shown(text));
const code = text => el('code', {}, text);

let skew = 0; // milliseconds that the server's clock is ahead of ours
const serverNow = () => Date.now() + skew;
const age = timestamp => Math.max(0, (serverNow() - Date.parse(timestamp)) / 1000);

function when(timestamp) {
  if (!timestamp) return NONE;
  return el('time', { datetime: timestamp, title: DATE_CLOCK.format(Date.parse(timestamp)) }, ago(timestamp));
}
const ago = timestamp => age(timestamp) < 1 ? 'just now' : `${span(Math.floor(age(timestamp)))} ago`;

function renewAges() {
  for (const node of document.querySelectorAll('time')) setText(node, ago(node.dateTime));
}

/** localStorage and sessionStorage may be refused; then nothing is remembered. */
function remember(storage, key, value) {
  try {
    if (value === undefined) return window[storage].getItem(key);
    if (value === null) window[storage].removeItem(key);
    else window[storage].setItem(key, value);
  } catch { /* refused */ }
  return null;
}
