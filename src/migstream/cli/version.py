"""The line of `--version`: the number, and which of the two forms of the loops over guest memory runs."""

from __future__ import annotations

from importlib.util import find_spec

from migstream._version import __version__

__all__ = ["version_line"]

FORMS = {
    True: "loops over guest memory: compiled",
    False: "loops over guest memory: not compiled, many times slower; with a C compiler, install it again",
}


def version_line() -> str:
    """Say what is installed; nothing is loaded to find it out."""
    kernel = find_spec("migstream.ram.kernel")
    compiled = kernel is not None and not str(kernel.origin).endswith(".py")
    return f"migstream {__version__} ({FORMS[compiled]})"
