// The connection: live, paused, stale or unreachable.

const ATTENDED_SECONDS = 2 * IDLE_SECONDS;

const link = {
  isPaused: false, isDown: false, isReloading: false, pausedAt: null,
  changedAt: Date.now(), revision: '', touchedAt: Date.now(),

  heard(feed) {
    if (feed !== feeds.health) remember('sessionStorage', 'fproc-reloaded', null);
    if (feed === feeds.health && this.isDown) {
      this.isDown = false;
      pollAll();
    }
    if (feed === feeds.health) this.compare(feed.data.revision);
    renderLink();
  },

  /** Everything is asked for soon after the server has said that something is new. */
  compare(revision) {
    if (revision === this.revision) {
      if (feeds.stats.data) sampleCounts(feeds.stats.data); // rates fall, though no count changes
      return;
    }
    this.revision = revision;
    this.changedAt = Date.now();
    eachFeed(feed => { if (feed !== feeds.health && !feed.flight) feed.schedule(); });
  },

  /** A page that nobody has touched for a while asks less often. */
  slowness() {
    return Date.now() - this.touchedAt > ATTENDED_SECONDS * 1000 ? UNATTENDED_FACTOR : 1;
  },

  /** /health decides whether the server is there: it needs no token, and costs least. */
  missed(feed, error) {
    if (feed === feeds.health) this.isDown = true;
    else if (!this.isDown && !(error instanceof Refusal)) feeds.health.poll();
    renderLink();
  },

  lastGood() {
    const { health, stats } = feeds; // figures that have not changed since are fresh
    const times = [health.lastGood, stats.failures > 1 || stats.lastGood === null ? stats.lastGood : health.lastGood];
    return times.includes(null) ? null : Math.min(...times);
  },

  state() {
    if (this.isPaused) return 'paused';
    if (this.isDown) return 'unreachable';
    if (this.lastGood() === null) return 'connecting';
    const allowed = STALE_SECONDS + (document.hidden ? 2 * HIDDEN_FACTOR : 0);
    return Date.now() - this.lastGood() > allowed * 1000 ? 'stale' : 'live';
  },
};

function renderLink() {
  if (link.isReloading) return;
  const state = link.state();
  document.documentElement.dataset.connection = state;
  $('connection').dataset.state = state;
  setText($('connection'), state);
  $('banner').hidden = state === 'live' || state === 'connecting';
  $('banner').classList.toggle('calm', state === 'paused');
  if (!$('banner').hidden) setText($('banner-text'), bannerText(state));
  setText($('retry-now'), state === 'paused' ? 'Go on' : 'Retry now');
  renderStatus();
}

function bannerText(state) {
  if (state === 'paused') return `Paused at ${CLOCK.format(link.pausedAt)}. What you see is from then.`;
  const last = link.lastGood();
  const since = last === null ? 'since the page was opened' : `since ${CLOCK.format(last)}`;
  const seen = last === null ? '' : ' What you see is from then.';
  const next = Math.ceil((feeds.health.nextAt - Date.now()) / 1000);
  const then = feeds.health.flight || !(next > 0) ? ' Trying now.' : ` Next try in ${next} s.`;
  if (state === 'stale') return `No fresh figures ${since}.${seen}`;
  return `The server has not answered ${since}.${seen}${then}`;
}

function renderStatus() {
  const status = link.isDown ? 'unreachable' : feeds.health.data?.status ?? 'connecting';
  $('status').dataset.tone = { [OK]: 'good', connecting: '' }[status] ?? 'bad';
  const trouble = status === OK ? lateTrouble() : '';
  if (trouble) $('status').dataset.tone = 'bad';
  setText($('status'), status + (trouble && ', but files fail')); // it is spoken, so it has no figures
  setText($('lately'), trouble);
  const failed = feeds.stats.data?.files[FAILED] ?? 0;
  const state = link.state();
  const news = [status === OK ? trouble : status, failed ? `${number(failed)} ${FAILED}` : null,
    state === 'paused' || state === 'stale' ? state : null];
  const title = `${news.filter(Boolean).join(', ') || OK} - ${shown(INSTANCE)} - fproc`;
  if (document.title !== title) document.title = title;
  const colour = failed || ![OK, 'connecting'].includes(status) ? '#d22f27' : '#2f7fd6';
  const dot = `<circle cx="8" cy="8" r="7" fill="${colour}"/>`;
  const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${dot}</svg>`;
  const href = `data:image/svg+xml,${encodeURIComponent(icon)}`;
  if ($('icon').getAttribute('href') !== href) $('icon').setAttribute('href', href);
}

/** What of the files that ended lately did not go well; a service may be healthy while its files fail. */
function lateTrouble() {
  const { files, failed, window_seconds: seconds } = feeds.stats.data?.lately ?? {};
  if (!failed) return '';
  const [count, unit] = windowUnits(seconds);
  return `${percent(failed / files)} of ${counted(files, 'file')} ${FAILED} in the last ${count === 1 ? unit : counted(count, unit)}`;
}

function setPaused(isPaused) {
  link.isPaused = isPaused;
  link.pausedAt = Date.now();
  $('pause').setAttribute('aria-pressed', isPaused);
  if (isPaused) eachFeed(feed => feed.schedule()); // ends the timers
  else retryNow();
  renderLink();
}

function retryNow() {
  if (link.isPaused) return setPaused(false);
  eachFeed(feed => { feed.failures = 0; });
  if (link.isDown) feeds.health.poll();
  else eachFeed(feed => feed.refresh());
}

/** The server shows its log-in page at /. Once only: if that does not help, more of it will not either. */
function loggedOut() {
  if (link.isReloading) return;
  link.isReloading = true;
  if (remember('sessionStorage', 'fproc-reloaded')) {
    setText($('banner-text'), 'The server asks for a log-in. ');
    $('banner-text').append(el('a', { href: '/' }, 'Log in'));
    $('retry-now').hidden = true;
    $('banner').hidden = false;
  } else {
    remember('sessionStorage', 'fproc-reloaded', '1');
    location.reload();
  }
}
