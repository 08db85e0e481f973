// Failures by kind: what failed at the same node for the same reason, retried or dismissed together.

function kindsUrl() {
  return `/failures${query({ since: sinceTime(), limit: MOST_ROWS })}`;
}

let areDismissedShown = false;

function renderKinds() {
  const data = feeds.kinds.data;
  if (!data) return;
  if (!place.since && !data.unread && data.groups.length === data.count) keepDismissed(data.groups);
  const kinds = data.groups.map(kind => ({ ...kind, isNew: isNew(kind), isDismissed: isDismissed(kind) }));
  const hidden = kinds.filter(kind => kind.isDismissed).length;
  const rows = kinds.filter(kind => areDismissedShown || !kind.isDismissed);
  reconcile($('kinds-list'), 'li', rows, kindKey, fillKind);
  showList('kinds', !rows.length);
  setText($('kinds-empty'), hidden ? 'Nothing but what was dismissed.'
    : place.since ? `Nothing has failed since ${SINCE[place.since][0]}.` : 'Nothing has failed.');
  renderKindsHead(data, kinds, hidden);
}

function renderKindsHead(data, kinds, hidden) {
  const news = kinds.filter(kind => kind.isNew && !kind.isDismissed).length;
  if (!news) yieldFocus($('kinds-looked'));
  $('kinds-looked').hidden = !news;
  if (!hidden) yieldFocus($('kinds-dismissed'));
  $('kinds-dismissed').hidden = !hidden;
  $('kinds-dismissed').setAttribute('aria-pressed', areDismissedShown);
  setText($('kinds-dismissed'), `Dismissed (${number(hidden)})`);
  const parts = [counted(data.count, 'kind'), counted(data.files, 'file'), news ? `${number(news)} new since you looked` : null,
    data.unread ? `${number(data.unread)} not read yet` : null];
  setText($('kinds-text'), data.count ? parts.filter(Boolean).join(', ') : '');
}

function fillKind(row, kind) {
  const { node, reason, count, files } = kind;
  row.dataset.kind = shown(reason);
  row.append(
    el('div', {},
      el('div', {}, el('b', {}, counted(count, 'file')), ' ', kind.isNew ? el('span', { class: 'chip active' }, 'new') : null),
      el('div', { class: 'bad' }, shownError(reason || 'no reason is known')),
      metaLine([node == null ? null : `node ${shown(node)}`,
        count > 1 && kind.first ? el('span', {}, 'first ', when(kind.first)) : null,
        kind.last ? el('span', {}, count > 1 ? 'last ' : '', when(kind.last)) : null]),
      el('div', { class: 'links' }, files.map(fileLink), count > files.length ? kindLink(kind) : null)),
    el('div', { class: 'actions' },
      el('button', { type: 'button', 'data-action': 'retry', 'aria-label': `Retry ${counted(count, 'file')}: ${shown(reason)}`,
        onclick: () => retryKind(kind) }, `Retry ${number(count)}`),
      el('button', { type: 'button', 'data-action': 'dismiss', onclick: () => dismiss(kind),
        'aria-label': `${kind.isDismissed ? 'Show again' : 'Dismiss until it happens again'}: ${shown(reason)}` },
      kind.isDismissed ? 'Show again' : 'Dismiss')));
}

/** All files of a kind are those in the list of files with its reason. */
function kindLink({ reason, count }) {
  const target = { ...NOT_CHOSEN, state: FAILED, q: reason };
  const onclick = event => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    chooseFiles(target, { isStep: true });
    scrollToPanel('files');
    $('files-title').focus({ preventScroll: true });
  };
  return el('a', { href: `${placeUrl(target)}#files`, onclick }, `all ${number(count)}`);
}

/** Of a kind, those that are counted: what failed before the time that is chosen stays where it is. */
async function retryKind({ node, reason }) {
  const since = sinceTime();
  await putBack({ group: { node, reason, ...(since ? { since } : {}) } }, $('kinds-outcome'));
  refreshAfterRetry();
}

function dismiss(kind) {
  setDismissed(kind, !kind.isDismissed);
  renderKinds();
}

function buildSince() {
  $('kinds-since').append(...Object.entries(SINCE).filter(([key]) => key !== 'looked' || lookedUntil)
    .map(([key, [label]]) => el('option', { value: key }, label)));
}

function listenForKinds() {
  $('kinds-since').onchange = event => go({ since: event.target.value }, { isStep: true });
  $('kinds-looked').onclick = () => { markAsSeen(); renderKinds(); };
  $('kinds-dismissed').onclick = () => { areDismissedShown = !areDismissedShown; renderKinds(); };
}
