// Keys, and what buttons do; the start.

function listenForKeys() {
  addEventListener('keydown', event => {
    const isTyping = event.target.matches?.('input:not([type=checkbox]), select, textarea');
    if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    $('search').focus();
    $('search').select();
  });
}

function listenForFilters() {
  for (const tile of stateTiles()) {
    tile.onclick = () => {
      const state = place.state === tile.dataset.state && !isChosen() ? '' : tile.dataset.state;
      chooseFiles({ ...NOT_CHOSEN, state }, { isStep: true });
      const isBelow = $('files').getBoundingClientRect().top > innerHeight * .7;
      if (place.state && isBelow) scrollToPanel('files'); // the focus stays on the tile
    };
  }
  $('state').onchange = ({ target: { value: state } }) =>
    chooseFiles({ state, ...(CHOSEN_STATES.includes(state) ? {} : NOT_CHOSEN) }, { isStep: true });
  let typing;
  $('search').oninput = event => {
    clearTimeout(typing);
    typing = setTimeout(() => chooseFiles({ q: event.target.value }), 250);
  };
  listenForPager('files', feeds.files, filesList);
  listenForPager('failed', feeds.failed, failedList);
  listenForFailedSearch();
  $('errors-more').onclick = () => { errorsList.expect(); errorsShown += PAGE; feeds.errors.refresh(); };
}

function listenForActions() {
  $('pause').onclick = () => setPaused(!link.isPaused);
  $('retry-now').onclick = retryNow;
  $('failed-select').onchange = event => select(
    Array.from($('failed-list').children, row => row.file), event.target.checked);
  $('retry-selected').onclick = () => retry({ files: [...selected] });
  $('retry-all').onclick = confirmRetryAll;
  $('confirm-no').onclick = () => $('confirm').close();
  $('confirm-yes').onclick = () => { $('confirm').close(); retry(asked); };
  $('graph-in').onclick = () => zoomGraph(zoom * 1.5);
  $('graph-out').onclick = () => zoomGraph(zoom / 1.5);
  $('graph-fit').onclick = () => zoomGraph(1);
  $('node-close').onclick = () => openNode(place.node);
  $('selection').onclick = clearSelection;
  $('upload-button').onclick = () => $('upload-input').click();
  $('upload-input').onchange = event => { addUploads(event.target.files); event.target.value = ''; };
  $('uploads-clear').onclick = clearUploads;
  $('trace-form').onsubmit = event => {
    event.preventDefault();
    // What is shown of a name is not always the name: unchanged, it stays the one that it was.
    const typed = $('trace-file').value;
    go({ trace: typed === shown(place.trace) ? place.trace : typed, line: '' }, { isStep: true });
  };
  $('trace-clear').onclick = () => go({ trace: '', line: '' }, { isStep: true });
}

function start() {
  whenLoggedOut = loggedOut;
  keepPanelsInPlace();
  for (const event of ['pointermove', 'pointerdown', 'keydown']) {
    addEventListener(event, () => { link.touchedAt = Date.now(); }, { passive: true });
  }
  readPlace();
  startHeader();
  buildStates();
  buildWindows();
  buildCharts();
  buildSince();
  listenForFilters();
  listenForActions();
  listenForKinds();
  listenForExplain(() => $('explain-file').value);
  listenForDrops();
  listenForKeys();
  addEventListener('popstate', () => { readPlace(); showPlace(); });
  addEventListener('beforeunload', event => {
    if (uploads.some(upload => upload.request)) event.preventDefault();
  });
  document.addEventListener('visibilitychange', noteLook);
  document.addEventListener('visibilitychange', () => { if (!document.hidden && !link.isPaused) pollAll(); });
  setInterval(() => { renderLink(); countDown(); }, 1000);
  setInterval(renewAges, 5000);
  eachFeed(feed => feed.linkJson(feed.url()));
  showPlace();
  pollAll();
}

start();
