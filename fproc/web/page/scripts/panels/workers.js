// Workers, and the files that they are working on.

function renderWorkers() {
  const { busy, count } = feeds.health.data.checks.workers;
  setText($('now-text'), `${number(busy)} busy, ${number(count - busy)} idle`);
}

function renderCurrent() {
  const data = feeds.failed.data;
  reconcile($('current'), 'li', data.current, file => `${file.worker} ${file.file}`, fillCurrent);
  $('current').hidden = !data.current.length;
  $('current-empty').hidden = data.current.length > 0;
  const waiting = data.counts[UNPROCESSED];
  setEmpty($('current-empty'), waiting
    ? [`All idle; ${counted(waiting, 'file')} waiting. Why: `, code('./fproc.pyz --why NAME')]
    : ['All idle. Give them something: ', code(`cp sample.txt ${shown(CONSTANTS.inbox)}`)]);
}

function fillCurrent(row, file) {
  const share = file.total_bytes ? Math.min(1, file.bytes / file.total_bytes) : null;
  const speed = file.seconds > 0 ? file.bytes / file.seconds : 0;
  const isTold = share !== null && share < 1 && speed > 0;
  const left = isTold ? `${span((file.total_bytes - file.bytes) / speed)} left` : null;
  const parts = [share === null ? bytes(file.bytes) : `${percent(share)} of ${bytes(file.total_bytes)}`,
    counted(file.lines, 'line'), leftOut(file) ? leftOutText(file) : null,
    file.seconds > 0 ? `${rate(file.lines / file.seconds)} lines/s` : null,
    span(file.seconds), left, file.worker == null ? null : `worker ${file.worker}`];
  row.dataset.file = shown(file.file);
  row.append(fileLink(file.file),
    el('progress', { max: 1, value: share, 'aria-label': `Progress of ${shown(file.file)}` }),
    metaLine(parts));
}
