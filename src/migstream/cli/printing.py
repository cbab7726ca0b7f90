"""Words on standard output and standard error, whatever characters these have."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from migstream.cli.terminal import CLEAR, clear_status, colours, is_terminal, width
from migstream.names import escaped

if TYPE_CHECKING:
    from migstream.render.shown import Style

__all__ = ["interrupted", "prepare", "say", "warn"]

OURS = "migstream: "
READABLE = "migstream.readable"
ASCII = "migstream_ascii"
# What our own lines are made of, for an output of ASCII or Latin-1.
PLAIN = {"→": "->", "…": "...", "−": "-", "–": "-", "—": "-", "×": "x", "µ": "u"}


def _readable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(PLAIN.get(char) or escaped(char) for char in missing), error.end


def _ascii(name: str) -> codecs.CodecInfo | None:
    """ASCII by a name of our own: click takes an output of ASCII for a mistake, and writes UTF-8 there."""
    if name != ASCII:
        return None
    own = codecs.lookup("ascii")
    return codecs.CodecInfo(
        own.encode, own.decode, own.streamreader, own.streamwriter,
        own.incrementalencoder, own.incrementaldecoder, name=ASCII,
    )  # fmt: skip


def prepare() -> None:
    """From here on, what an output cannot show is written in characters that it has."""
    codecs.register_error(READABLE, _readable)
    for stream in (sys.stdout, sys.stderr):
        # not a pseudo file in the place of one, nor an output that is closed
        if reconfigure := getattr(stream, "reconfigure", None):
            if codecs.lookup(stream.encoding).name == "ascii":
                codecs.register(_ascii)
                reconfigure(encoding=ASCII)
            reconfigure(errors=READABLE)


def say(line: str) -> None:
    """A result's line."""
    sys.stdout.write(line + "\n")


def warn(line: str, style: Style = "warning") -> None:
    """A line beside the results, seen at once whatever standard error is.

    On a terminal it is folded, and the name before it is in the colour of what is wrong.
    """
    if is_terminal(sys.stderr):
        clear_status()
        line = "\n".join(_fitted(line, style))
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _fitted(line: str, style: Style) -> Iterator[str]:
    from migstream.render.paint import text
    from migstream.render.shown import Line, Mark

    told = line.removeprefix(OURS)
    part = Line((Mark(style, OURS.rstrip()), " ", told)) if told != line else line
    return text([part], colour=colours(sys.stderr), width=width(sys.stderr))


def interrupted(lost: Sequence[str]) -> None:
    """Say that Ctrl-C ended it, on a line of its own, and which files are not there because of it."""
    from migstream.names import escape

    if is_terminal(sys.stderr):  # how far it was, and a `^C`, may stand in the line
        sys.stderr.write(CLEAR)
    names = ", ".join(map(escape, lost))
    warn(f"{OURS}interrupted{f'; nothing written to {names}' if names else ''}")
