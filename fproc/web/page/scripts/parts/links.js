// Links: to the page of a file, and to what can be saved of it.

/** The server gives results to be saved, never to be shown; of one that was appended to, the whole of it. */
function resultLink(result) {
  const [file] = result.split(CONSTANTS.appended);
  return el('a', { href: `/results/${file.split('/').map(encode).join('/')}`, 'aria-label': `Save ${shown(result)}` },
    name(result));
}

const fileUrl = file => `/file/${encode(file)}`;

/** The page that tells all of one file. */
const fileLink = file => el('a', { href: fileUrl(file), 'data-action': 'file' }, name(file));

/** The line of a file, and the page of that file. */
const placeLink = (file, line) => [fileLink(file), line ? `:${line}` : ''];
