"""Parts of a result as text, for a terminal with colours or without (`render.html` has them for a page)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migstream.render.shown import Bytes, Line, Mark, Part, Table, Title

__all__ = ["painted", "text"]

CODES = {
    "head": "1",
    "name": "36",
    "dim": "2",
    "value": "32",
    "error": "1;31",
    "warning": "1;33",
    "note": "1",
    "added": "32",
    "removed": "31",
}


def text(parts: Iterable[Part], *, colour: bool = False, width: int | None = None) -> Iterator[str]:
    """Lines of text.

    Parameters
    ----------
    colour : marks are ECMA-48's escape sequences, else nothing
    width : columns that a line may have; without it each is as long as it is
    """
    first, within = True, ""
    for part in parts:
        if isinstance(part, Title) and not first:
            yield ""
        if isinstance(part, Bytes) and width is not None and part.within:
            if part.within != within:
                yield from (
                    painted(one, colour=colour) for one in _lines(Title(part.within), width)
                )
            within, part = part.within, part.inside
        elif not isinstance(part, Bytes):
            within = ""
        for one in _lines(part, width):
            yield painted(one, colour=colour)
        first = False


def _lines(part: Part, width: int | None) -> Iterable[Line]:
    """What is laid out; that of which nothing has to be is not, and its modules are not loaded."""
    if width is None:
        if isinstance(part, Line):
            return (part,)
        if isinstance(part, Title):
            return (Line((Mark("head", part.text),)),)
        if isinstance(part, str | Mark):
            return (Line((part,)),)
        if isinstance(part, Table):
            return part.lines()
    from migstream.render.layout import laid_out

    return laid_out(part, width)


def painted(line: Line, *, colour: bool) -> str:
    """One line."""
    if not colour:
        return "".join(one if isinstance(one, str) else one.text for one in line)
    return "".join(one if isinstance(one, str) else _coloured(one) for one in line)


def _coloured(mark: Mark) -> str:
    return f"\x1b[{CODES[mark.style]}m{mark.text}\x1b[0m" if mark.text else ""
