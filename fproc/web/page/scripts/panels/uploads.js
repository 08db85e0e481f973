// Uploads: chosen or dropped, sent a few at a time.

const UPLOADS_AT_ONCE = 3;
const uploads = [];
let uploadsHeldUntil = 0;

function addUploads(files) {
  for (const file of files) {
    const upload = { file, state: 'waiting', sent: 0, tries: 0, note: '' };
    upload.bar = el('progress', { max: 1, value: 0, 'aria-label': `Upload of ${shown(file.name)}` });
    upload.text = el('span');
    upload.button = el('button', { type: 'button', onclick: () => actOn(upload) });
    upload.row = el('li', { 'data-file': shown(file.name) },
      name(file.name), upload.bar, upload.text, upload.button);
    uploads.push(upload);
    $('uploads-list').append(upload.row);
    renderUpload(upload);
  }
  $('uploads').hidden = !uploads.length;
  pumpUploads();
}

function pumpUploads() {
  const wait = uploadsHeldUntil - Date.now();
  const next = uploads.filter(upload => upload.state === 'waiting');
  const free = UPLOADS_AT_ONCE - uploads.filter(upload => upload.state === 'sending').length;
  if (wait <= 0) next.slice(0, Math.max(0, free)).forEach(send);
  renderUploadsOutcome();
}

function send(upload) {
  const request = upload.request = new XMLHttpRequest();
  upload.state = 'sending';
  upload.sent = 0;
  request.open('PUT', `/upload/${encode(upload.file.name)}`);
  request.setRequestHeader('Content-Type', 'application/octet-stream');
  request.upload.onprogress = event => {
    upload.sent = event.loaded;
    renderUpload(upload);
  };
  request.onload = () => uploaded(upload, request);
  request.onerror = () => endUpload(upload, 'failed',
    'the connection was cut: the server is gone, or takes no file of this size, or the file cannot be read');
  request.onabort = () => endUpload(upload, 'cancelled', 'cancelled');
  request.send(upload.file);
  renderUpload(upload);
}

function uploaded(upload, request) {
  let body = {};
  try { body = JSON.parse(request.responseText); } catch { /* an error page of something in between */ }
  if (request.status === 401) loggedOut();
  if (request.status === 429 || request.status === 503) {
    upload.tries += 1;
    const seconds = retryAfter(request.getResponseHeader('Retry-After')) ?? backoff(upload.tries);
    uploadsHeldUntil = Math.max(uploadsHeldUntil, Date.now() + seconds * 1000);
    setTimeout(pumpUploads, seconds * 1000 + 20);
    endUpload(upload, 'waiting', shown(body.error ?? 'the server is busy'));
  } else if (request.status === 201) {
    const given = body.files?.[0]?.name ?? upload.file.name;
    upload.row.querySelector('bdi').replaceWith(fileLink(given));
    endUpload(upload, 'done', given === upload.file.name ? 'uploaded' : `uploaded as ${shown(given)}`);
    for (const feed of [feeds.stats, feeds.files]) feed.poll();
  } else {
    endUpload(upload, 'failed', shown(body.error ?? `the server answered ${request.status}`));
  }
}

function endUpload(upload, state, note) {
  Object.assign(upload, { state, note, request: null });
  renderUpload(upload);
  pumpUploads();
}

/** The button of an upload: cancel it while it goes on, try again when it has failed. */
function actOn(upload) {
  if (upload.request) upload.request.abort();
  else if (upload.state === 'waiting') endUpload(upload, 'cancelled', 'cancelled');
  else endUpload(upload, 'waiting', '');
}

function renderUpload(upload) {
  const { file, state, sent, note } = upload;
  const hold = Math.ceil((uploadsHeldUntil - Date.now()) / 1000);
  const texts = {
    waiting: hold > 0 ? `${note ? `${note}; ` : ''}goes on in ${hold} s` : 'waiting for its turn',
    sending: sent < file.size ? `${bytes(sent)} of ${bytes(file.size)}` : 'sent, being checked',
  };
  const share = state === 'sending' ? Math.min(1, sent / (file.size || 1)) : 0;
  upload.bar.value = state === 'done' ? 1 : share;
  upload.row.dataset.state = state;
  setText(upload.text, texts[state] ?? note);
  upload.text.className = state === 'failed' ? 'bad' : 'quiet';
  const isGoing = state === 'waiting' || state === 'sending';
  setText(upload.button, isGoing ? 'Cancel' : 'Try again');
  upload.button.hidden = state === 'done';
  upload.button.setAttribute('aria-label', `${upload.button.textContent} ${shown(file.name)}`);
}

/** While all wait, each says for how long. */
function countDown() {
  if (uploadsHeldUntil < Date.now() - 2000) return;
  uploads.filter(upload => upload.state === 'waiting').forEach(renderUpload);
}

function renderUploadsOutcome() {
  const count = state => uploads.filter(upload => upload.state === state).length;
  const going = count('waiting') + count('sending');
  const bad = count('failed') ? `, ${number(count('failed'))} failed` : '';
  const outcomes = `${number(count('done'))} uploaded${bad}`;
  setText($('uploads-outcome'), going ? `${counted(going, 'upload')} under way` : outcomes);
  $('uploads-clear').disabled = going === uploads.length;
}

function clearUploads() {
  for (const upload of uploads.splice(0)) {
    if (upload.state === 'waiting' || upload.state === 'sending') uploads.push(upload);
    else upload.row.remove();
  }
  $('uploads').hidden = !uploads.length;
  if (!uploads.length) $('upload-button').focus();
  renderUploadsOutcome();
}

/** Folders are dropped like files, but cannot be read as such. */
function droppedFiles(transfer) {
  const entries = Array.from(transfer.items, item => item.webkitGetAsEntry?.());
  return Array.from(transfer.files).filter((file, index) => !entries[index]?.isDirectory);
}

function listenForDrops() {
  const hasFiles = event => event.dataTransfer?.types.includes('Files');
  const hide = () => { $('drop').hidden = true; };
  addEventListener('dragover', event => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
    $('drop').hidden = false;
  });
  addEventListener('dragleave', event => { if (!event.relatedTarget) hide(); });
  addEventListener('drop', event => {
    hide();
    if (!hasFiles(event)) return;
    event.preventDefault();
    addUploads(droppedFiles(event.dataTransfer));
  });
}
