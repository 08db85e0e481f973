"""What is made to be handed out: packages for Python, Debian and RPM, with checksums and an SPDX file.

Not a part of fproc, and in none of the packages. `python -m release package` makes everything in `dist/`;
begin with `package.py`. The one executable file is made by `fproc/pyz/build.py`. (The folder is not called
`packaging`, as that is the name of a library which build tools import.)
"""
