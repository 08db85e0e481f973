// Feeds: what is asked of the server again and again, and when.

const TIMEOUT_SECONDS = 8;
const STALE_SECONDS = 7;
const HIDDEN_FACTOR = 10, UNATTENDED_FACTOR = 4;
const IDLE_SECONDS = 30; // between two looks at what has not changed
const SETTLED_SECONDS = 3; // after a change, all that follows from it is known
const PAGE = CONSTANTS.rows, MOST_ROWS = CONSTANTS.most_rows;

/** Something that is asked for again and again, never twice at once. */
class Feed {
  constructor({ url, seconds, idleSeconds = IDLE_SECONDS, show, load, panel }) {
    Object.assign(this, { url, seconds, idleSeconds, show, panel });
    this.load = load ?? (signal => ask(this.url(), { signal }));
    this.lastGood = null;
    this.failures = 0;
  }

  async poll() {
    clearTimeout(this.timer);
    if (this.flight || link.isReloading) return;
    const flight = this.flight = new AbortController();
    const url = this.askedUrl = this.url();
    this.askedAt = Date.now();
    const alarm = setTimeout(() => flight.abort(new DOMException('no answer in time', 'TimeoutError')),
      TIMEOUT_SECONDS * 1000);
    let data, trouble;
    try { data = await this.load(flight.signal); } catch (error) { trouble = error; }
    clearTimeout(alarm);
    if (this.flight !== flight) return; // nobody waits for this one any more
    this.flight = null;
    if (trouble) this.fail(trouble);
    else this.succeed(data, url);
  }

  succeed(data, url) {
    this.failures = 0;
    this.lastGood = Date.now();
    this.data = data;
    this.complain('');
    this.linkJson(url);
    link.heard(this);
    this.schedule();
    this.show(data);
  }

  /** Have the panel's link to the same as JSON lead there. */
  linkJson(url) {
    document.querySelectorAll(`[data-feed=${this.key}]`).forEach(anchor => anchor.setAttribute('href', url));
  }

  fail(error) {
    this.failures += 1;
    this.wait = error.retryAfter;
    if (error instanceof Refusal) this.complain(`Not up to date: ${shownError(error.message)}`);
    link.missed(this, error);
    this.schedule();
  }

  /** Tell in the panel itself what cannot be shown. */
  complain(text) {
    const head = $(this.panel)?.querySelector('.head');
    if (!head) return;
    if (!this.problem) head.after(this.problem = el('p', { class: 'problem' }));
    setText(this.problem, text);
    this.problem.hidden = !text;
  }

  schedule() {
    clearTimeout(this.timer);
    if (link.isPaused || link.isReloading || (link.isDown && this !== feeds.health)) return;
    const wait = this.failures ? backoff(this.failures, this.wait) : Math.max(0, this.usualWait());
    this.nextAt = Date.now() + wait * 1000;
    this.timer = setTimeout(() => this.poll(), wait * 1000);
  }

  /** Seconds until this is asked for again: soon if something has changed since, and seldom if nothing has. */
  usualWait() {
    const isNews = this.lastGood === null || this.lastGood < link.changedAt + SETTLED_SECONDS * 1000;
    const seconds = isNews ? this.seconds() * link.slowness() : Math.max(this.idleSeconds, this.seconds());
    const passed = this.askedAt ? (Date.now() - this.askedAt) / 1000 : 0;
    return seconds * (document.hidden ? HIDDEN_FACTOR : 1) - passed;
  }

  /** Ask at once; an answer that is still under way is no longer wanted. */
  refresh() {
    this.flight?.abort();
    this.flight = null;
    this.poll();
  }

  /** What is asked for may have changed with our place. */
  follow() {
    if (this.askedUrl !== undefined && this.askedUrl !== this.url()) this.refresh();
  }
}

/** A list of which one page is shown; how many there are changes neither what is asked for nor what is kept. */
class PagedFeed extends Feed {
  constructor(options) {
    super({ ...options, load: signal => ask(this.pageUrl(), { signal }) });
    this.before = []; // where the pages before this one begin
    this.after = '';
  }

  pageUrl() {
    const url = this.url();
    return url + query({ limit: PAGE, after: this.after }).replace('?', url.includes('?') ? '&' : '?');
  }

  turn(isForward) {
    if (isForward) this.before.push(this.after);
    this.after = isForward ? this.data.after : this.before.pop();
    this.refresh();
  }

  /** The numbers of the entries of this page. */
  range() {
    const first = this.before.length * PAGE;
    return [first + 1, first + this.data.recent.length];
  }

  follow() {
    if (this.askedUrl !== this.url()) Object.assign(this, { before: [], after: '' });
    super.follow();
  }
}

/** A search looks at files of all states, unless one is chosen; so does whoever chooses them all. */
const searchedState = () => place.state || (place.q && !place.sort && !isChosen() ? ANY_STATE : '');
const sortKeys = () => CONSTANTS.sort_keys[isChosen() ? '' : place.state];
const filesUrl = () => `/files${query({ state: searchedState(), q: place.q,
  sort: sortKeys().includes(parseSort(place.sort).key) ? place.sort : '', ...chosenQuery() })}`;

const TRACES = 20;

const feeds = {
  health: new Feed({ url: () => '/health', seconds: () => 1, idleSeconds: 3,
    show: renderHealth }),
  stats: new Feed({ url: () => `/stats?window=${Math.min(place.window, CONSTANTS.longest_window_seconds)}`, seconds: () => 2, show: takeStats,
    panel: 'pipeline' }),
  graph: new Feed({ url: () => '/graph', seconds: () => 20, idleSeconds: 2 * IDLE_SECONDS, panel: 'pipeline', show: graph => {
    takeGraph(graph);
    renderTrace(); // whose steps tell by the edges where they came from
  } }),
  series: new Feed({ url: () => `/series${query({ window: place.window, node: place.node })}`, show: takeSeries, panel: 'throughput',
    seconds: () => Math.min(10, place.window / CONSTANTS.steps + 4), idleSeconds: 15 }),
  failed: new PagedFeed({ url: () => `/files${query({ state: FAILED, q: place.failures })}`, seconds: () => 4,
    show: takeFailed, panel: 'failed' }),
  kinds: new Feed({ url: kindsUrl, show: renderKinds, panel: 'kinds', seconds: () => 5 }),
  files: new PagedFeed({ url: filesUrl, seconds: () => 3, show: takeFiles, panel: 'files' }),
  errors: new Feed({ url: () => `/errors${query({ limit: Math.min(MOST_ROWS, errorsShown + 1) })}`, seconds: () => 5,
    show: renderErrors, panel: 'errors' }),
  trace: new Feed({ url: () => `/trace${query({ file: place.trace, limit: TRACES })}`, seconds: () => 5,
    show: renderTrace, panel: 'trace' }),
};
for (const [key, feed] of Object.entries(feeds)) feed.key = key;

const eachFeed = action => Object.values(feeds).forEach(action);
const pollAll = () => eachFeed(feed => feed.poll());
