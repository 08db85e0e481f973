"""fproc: a drop-folder file processor that loses nothing.

A processor of one's own may raise `Retry` to have its file tried again later and `Reject` to set
one line aside. Everything else in this package is fproc's own business.
"""

from fproc.base.errors import Reject, Retry

__all__ = ["Reject", "Retry", "__version__"]

__version__ = "0.1.0"
