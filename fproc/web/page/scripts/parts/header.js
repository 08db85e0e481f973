// The header of each page: which fproc it is of, and the theme, as the system has it or as it was chosen.

const darkSystem = matchMedia('(prefers-color-scheme: dark)');

function renderTheme() {
  const theme = remember('localStorage', 'fproc-theme') ?? (darkSystem.matches ? 'dark' : 'light');
  document.documentElement.dataset.theme = theme;
  const other = theme === 'dark' ? 'Light' : 'Dark';
  setText($('theme'), other);
  $('theme').setAttribute('aria-label', `${other} theme`);
}

function switchTheme() {
  const isDark = document.documentElement.dataset.theme === 'dark';
  remember('localStorage', 'fproc-theme', isDark ? 'light' : 'dark');
  renderTheme();
}

/** What is scrolled to stays clear of the header, however many rows that has. */
function keepClearOfHeader() {
  const isFixed = getComputedStyle($('top')).position === 'sticky';
  document.documentElement.style.scrollPaddingTop = `${isFixed ? $('top').offsetHeight + 8 : 0}px`;
}

function startHeader() {
  setText($('instance'), shown(INSTANCE));
  $('instance').title = shown(INSTANCE);
  new ResizeObserver(keepClearOfHeader).observe($('top'));
  $('logout').hidden = !document.querySelector('meta[name=fproc-auth]');
  renderTheme();
  $('theme').onclick = switchTheme;
  darkSystem.onchange = renderTheme;
}
