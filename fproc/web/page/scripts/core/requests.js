// Requests: asked once, with the server's refusals as errors; and how long to wait after one.

const RETRY_MAX_SECONDS = 15;

class Refusal extends Error {
  constructor(status, message, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Seconds from a Retry-After header, which holds seconds or a date; null if there is none. */
function retryAfter(text) {
  if (!text) return null;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - serverNow()) / 1000;
  return Number.isFinite(seconds) ? clamp(seconds, 0, 600) : null;
}

/** What a page does when the server asks for a log-in. */
let whenLoggedOut = () => {};

async function ask(path, options = {}) {
  const response = await fetch(path, { cache: 'no-cache', ...options });
  if (response.status === 401) whenLoggedOut();
  const ahead = Date.parse(response.headers.get('Date')) - Date.now();
  if (Number.isFinite(ahead)) skew = Math.abs(ahead) > 3000 ? ahead : 0;
  let body = {};
  try { body = await response.json(); } catch (error) {
    if (options.signal?.aborted) throw error;
    if (response.ok) throw new Refusal(response.status, `${path} gave no JSON`);
  }
  const isAnswer = response.ok || (response.status === 503 && body.checks); // how /health tells of trouble
  if (!isAnswer) {
    throw new Refusal(response.status, body.error ?? `${path} answered ${response.status}`,
      retryAfter(response.headers.get('Retry-After')));
  }
  return body;
}

/** Doubling, with jitter so that many pages do not come back at once; never sooner than the server asks. */
function backoff(failures, atLeast) {
  const seconds = Math.min(RETRY_MAX_SECONDS, 2 ** (failures - 1)) * (.6 + Math.random() * .4);
  return Math.max(seconds, atLeast ?? 0);
}
