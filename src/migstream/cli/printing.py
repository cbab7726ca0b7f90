"""Words on standard output and standard error, whatever characters these have."""

from __future__ import annotations

import codecs
import sys

from migstream.names import escaped

__all__ = ["prepare", "print_json", "say", "warn"]

READABLE = "migstream.readable"
# What our own lines are made of, for an output of ASCII or Latin-1.
PLAIN = {"→": "->", "…": "...", "−": "-", "–": "-", "—": "-", "×": "x", "µ": "u"}


def _readable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(PLAIN.get(char) or escaped(char) for char in missing), error.end


def prepare() -> None:
    """From here on, what an output cannot show is written in characters that it has."""
    codecs.register_error(READABLE, _readable)
    for stream in (sys.stdout, sys.stderr):
        # not a pseudo file in the place of one, nor an output that is closed
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors=READABLE)


def say(line: str) -> None:
    """A result's line."""
    sys.stdout.write(line + "\n")


def warn(line: str) -> None:
    """A line beside the results, seen at once whatever standard error is."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def print_json(data: bytes) -> None:
    """A JSON document: it is UTF-8, whatever the locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data + b"\n")
    sys.stdout.buffer.flush()
