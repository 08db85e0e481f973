"""fproc: a drop-folder file processor that loses nothing.

A processor of your own may raise `Retry` to have its file tried again later, and `Reject` to set one line
aside. Nothing else in this package is an interface for users.
"""

from fproc.base.errors import Reject, Retry

__all__ = ["Reject", "Retry", "__version__"]

__version__ = "0.1.0"
