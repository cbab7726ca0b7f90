"""An error as one paragraph."""

from __future__ import annotations

from migstream.errors import MigstreamError, SourceError, StreamError
from migstream.render.text import escape, prose

__all__ = ["error_lines"]

LONGEST = 200


def _short(thing: object) -> str:
    text = prose(str(thing))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def error_lines(error: MigstreamError, name: str) -> list[str]:
    """What and where; expected and found; what to do next."""
    place = escape(name)
    inside = ""
    if isinstance(error, StreamError):
        place += "" if error.at is None else f":{error.at:#x}"
        inside = "/".join(escape(part) for part in error.path)
    place = f"{place} {inside}" if inside else place
    message = prose(error.message)
    if isinstance(error, SourceError):
        message = message.removeprefix(f"{escape(name)}: ")
    lines = [f"migstream: {place}: {message} [{error.code}]"]
    if isinstance(error, StreamError) and error.expected is not None:
        lines.append(f"  expected {_short(error.expected)}, found {_short(error.found)}")
    if error.hint:
        lines.append(f"  hint: {_short(error.hint)}")
    return lines
