// Feeds: what is asked of the server again and again, and when.

const TIMEOUT_SECONDS = 8;
const STALE_SECONDS = 5;
const HIDDEN_FACTOR = 10;
const PAGE = CONSTANTS.rows, MOST_ROWS = CONSTANTS.most_rows;

/** Something that is asked for again and again, never twice at once. */
class Feed {
  constructor({ url, seconds, show, load, panel }) {
    Object.assign(this, { url, seconds, show, panel });
    this.load = load ?? (signal => ask(this.url(), { signal }));
    this.lastGood = null;
    this.failures = 0;
  }

  async poll() {
    clearTimeout(this.timer);
    if (this.flight || link.isReloading) return;
    const flight = this.flight = new AbortController();
    const url = this.askedUrl = this.url();
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
    const usual = this.seconds() * (document.hidden ? HIDDEN_FACTOR : 1);
    const wait = this.failures ? backoff(this.failures, this.wait) : usual;
    this.nextAt = Date.now() + wait * 1000;
    this.timer = setTimeout(() => this.poll(), wait * 1000);
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

/** A list of which more and more can be asked for; the server gives it in pages. */
class PagedFeed extends Feed {
  constructor(options) {
    super({ ...options, load: signal => this.pages(signal),
      seconds: () => this.wanted > MOST_ROWS ? 10 : 2 });
    this.wanted = PAGE;
  }

  async pages(signal) {
    const rows = [];
    let first, after;
    do {
      const limit = Math.min(MOST_ROWS, this.wanted - rows.length);
      const page = await ask(this.pageUrl(limit, after), { signal });
      first ??= page;
      rows.push(...page.recent);
      after = page.after;
    } while (after && rows.length < this.wanted);
    return { ...first, recent: rows, after };
  }

  pageUrl(limit, after) {
    const url = this.url();
    return url + query({ limit, after }).replace('?', url.includes('?') ? '&' : '?');
  }

  more() {
    this.wanted += 2 * PAGE;
    this.refresh();
  }

  follow() {
    if (this.askedUrl !== this.url()) this.wanted = PAGE;
    super.follow();
  }
}

const filesUrl = () => `/files${query({ state: place.state, q: place.q })}`;

const feeds = {
  health: new Feed({ url: () => '/health', seconds: () => 1, show: renderHealth }),
  stats: new Feed({ url: () => `/stats?window=${place.window}`, seconds: () => 1, show: takeStats,
    panel: 'pipeline' }),
  graph: new Feed({ url: () => '/graph', seconds: () => 15, panel: 'pipeline', show: graph => {
    takeGraph(graph);
    renderTrace(); // whose steps tell by the edges where they came from
  } }),
  series: new Feed({ url: () => `/series?window=${place.window}`, show: renderCharts, panel: 'throughput',
    seconds: () => Math.min(10, place.window / CONSTANTS.steps + 1) }),
  failed: new PagedFeed({ url: () => `/files${query({ state: FAILED })}`, show: renderFailed,
    panel: 'failed' }),
  kinds: new Feed({ url: kindsUrl, show: renderKinds, panel: 'kinds', seconds: () => 5 }),
  files: new PagedFeed({ url: filesUrl, show: renderFiles, panel: 'files' }),
  errors: new Feed({ url: () => `/errors${query({ limit: MOST_ROWS })}`, seconds: () => 2,
    show: renderErrors, panel: 'errors' }),
  trace: new Feed({ url: () => `/trace${query({ file: place.trace, limit: PAGE })}`, seconds: () => 3,
    show: renderTrace, panel: 'trace' }),
};
for (const [key, feed] of Object.entries(feeds)) feed.key = key;

const eachFeed = action => Object.values(feeds).forEach(action);
const pollAll = () => eachFeed(feed => feed.poll());
