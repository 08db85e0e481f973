// Files of a time, of a pipeline, with errors of a node: chosen in a chart, shown in the list of files.

const NOT_CHOSEN = { from: '', to: '', pipeline: '', at: '' };
const CHOSEN_STATES = ['', PROCESSED, FAILED]; // of what has ended

const isChosen = () => Object.keys(NOT_CHOSEN).some(key => place[key]);

/** The choice as the server takes it. */
const chosenQuery = () => ({ since: place.from, until: place.to, pipeline: place.pipeline, node: place.at });

/** List what ended then, or under that, whatever was listed before. */
function openChosen(chosen) {
  chooseFiles({ state: '', q: '', ...NOT_CHOSEN, ...chosen }, { isStep: true });
  scrollToPanel('files');
  $('files-title').focus({ preventScroll: true });
}

/** A link to the files that ran under a pipeline. */
function pipelineLink({ pipeline, version }, label) {
  const target = { state: '', q: '', ...NOT_CHOSEN, pipeline };
  const onclick = event => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openChosen({ pipeline });
  };
  return el('a', { href: `${placeUrl(target)}#files`, class: 'mono', title: `fproc ${shown(version)}`, onclick,
    'aria-label': `Files that ran under ${label} pipeline, ${shown(pipeline)}` }, shown(pipeline));
}

/** What is chosen, each with a button that takes it back. */
function renderChosen() {
  const clock = text => DATE_CLOCK.format(Date.parse(text));
  const range = [place.from ? `from ${clock(place.from)}` : '', place.to ? `to ${clock(place.to)}` : ''].join(' ').trim();
  const choices = [
    range ? { label: `ended ${range}`, undo: { from: '', to: '' } } : null,
    place.pipeline ? { label: `pipeline ${shown(place.pipeline)}`, undo: { pipeline: '' } } : null,
    place.at ? { label: `failed at node ${shown(place.at)}`, undo: { at: '' } } : null,
  ].filter(Boolean);
  reconcile($('chosen'), 'li', choices, choice => choice.label, (row, { label, undo }) => row.append(
    el('button', { type: 'button', 'aria-label': `Not only ${label}`,
      onclick: () => { $('files-title').focus({ preventScroll: true }); chooseFiles(undo, { isStep: true }); } },
    label, el('span', { 'aria-hidden': 'true' }, ' \u00d7'))));
}
