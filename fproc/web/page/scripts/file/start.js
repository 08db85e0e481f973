// The page of one file: asked for again and again while something may happen to it.

const AT_WORK_SECONDS = 2, AT_REST_SECONDS = 10, MISSED_SECONDS = 5;
const REST = 20; // after an answer that took long, so many times as long

let fileTimer, fileFlight = null;

async function refreshFile() {
  clearTimeout(fileTimer);
  fileFlight?.abort();
  const flight = fileFlight = new AbortController(), began = performance.now();
  let seconds = MISSED_SECONDS;
  try {
    const data = await ask(location.pathname, { signal: AbortSignal.any([flight.signal, AbortSignal.timeout(8000)]),
      headers: { Accept: 'application/json' } });
    showFile(data);
    const isAtWork = data.places.some(one => one.state === UNPROCESSED || one.state === UNDERPROCESS);
    seconds = isAtWork ? AT_WORK_SECONDS : AT_REST_SECONDS;
    tellFreshness('', false);
  } catch (error) {
    if (fileFlight !== flight) return; // asked anew meanwhile
    missFile(error);
  }
  if (!document.hidden) fileTimer = setTimeout(refreshFile, Math.max(seconds * 1000, REST * (performance.now() - began)));
}

function showFile(data) {
  fileName = data.file;
  nameFile(data.file);
  for (const panel of ['results', 'timeline', 'explain', 'traces']) $(panel).hidden = false;
  renderPlaces(data.places);
  renderResults(data.results);
  renderTimeline(data.timeline);
  renderFileTraces(data.traces);
}

function nameFile(file) {
  const title = `${shown(file)} - ${shown(INSTANCE)} - fproc`;
  if (document.title !== title) document.title = title;
  if ($('file-title').textContent !== shown(file)) $('file-title').replaceChildren(name(file));
}

/** What is there stays, and looks old; of what was never there, the server's words are shown. */
function missFile(error) {
  const isRefused = error instanceof Refusal;
  if (!fileName) setText($('where-empty'), isRefused ? shownError(error.message) : 'The server does not answer.');
  tellFreshness(isRefused ? `not up to date: ${shownError(error.message)}` : 'the server does not answer', true);
  if (isRefused && error.status === 401) $('freshness').append(' ', el('a', { href: location.pathname }, 'Log in'));
}

function tellFreshness(text, isBad) {
  setText($('freshness'), text);
  $('freshness').classList.toggle('bad', isBad);
}

function startFilePage() {
  startHeader();
  listenForExplain(() => fileName);
  document.addEventListener('visibilitychange', () => document.hidden ? clearTimeout(fileTimer) : refreshFile());
  setInterval(renewAges, 5000);
  ask('/graph').then(graph => { edgesOfGraph = graph.edges; }).catch(missFile).finally(refreshFile);
}

startFilePage();
