"""The page and the log-in form, as the browser gets them: each is one text that loads nothing else.

Begin with `pages`, which joins them: `index.html` or `login.html`, `palette.css` with the colours of both,
`style.css`, and the scripts in their written order. `scripts/core/` has what all panels need, and
`scripts/panels/` a file for each panel. What the server knows as well is not written here again: scripts take
it from `CONSTANTS`, which `web/api/page_constants` fills.
"""
