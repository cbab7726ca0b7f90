"""Texts with marks, cut: what stays of them keeps its marks."""

from __future__ import annotations

from migstream.render.shown import Cell, Line, Mark, Text

__all__ = ["piece", "plain", "stripped", "texts"]


def texts(cell: Cell) -> tuple[Text, ...]:
    """What a cell consists of."""
    return cell if isinstance(cell, Line) else (cell,)


def plain(cell: Cell) -> str:
    """Its characters."""
    if isinstance(cell, str):
        return cell
    return "".join(one if isinstance(one, str) else one.text for one in texts(cell))


def piece(cell: Cell, start: int, stop: int) -> list[Text]:
    """Its characters [start, stop)."""
    found: list[Text] = []
    at = 0
    for one in texts(cell):
        text = one if isinstance(one, str) else one.text
        low, high = max(start - at, 0), min(stop - at, len(text))
        if low < high:
            found.append(_like(one, text[low:high]))
        at += len(text)
    return found


def stripped(found: list[Text]) -> Line:
    """Without blanks at the end."""
    while found:
        last = found.pop()
        text = (last if isinstance(last, str) else last.text).rstrip(" ")
        if text:
            return Line((*found, _like(last, text)))
    return Line()


def _like(one: Text, text: str) -> Text:
    return text if isinstance(one, str) else Mark(one.style, text)
