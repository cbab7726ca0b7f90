"""The one line of a terminal that says how far something is: beside what is printed, and never in it."""

from __future__ import annotations

import sys

from migstream.cli.terminal import is_terminal, width

__all__ = ["clear", "show"]

CLEAR = "\r\x1b[K"
_shown: list[str] = []


def show(parts: list[str]) -> None:
    """Write the line anew: of the parts as many as there is room for, the first in any case."""
    if not is_terminal(sys.stderr):  # a pager has it by now
        return
    room = (width(sys.stderr) or 80) - 1
    while len(parts) > 1 and len("  ".join(parts)) > room:
        parts.pop()
    _shown[:] = ["  ".join(parts)[:room]]
    sys.stderr.write(CLEAR + _shown[0])
    sys.stderr.flush()


def clear() -> None:
    """Take it away, before something else is written."""
    if _shown:
        _shown.clear()
        if is_terminal(sys.stderr):
            sys.stderr.write(CLEAR)
            sys.stderr.flush()
