"""Parts of a result as text, for a terminal with colours or without (`render.html` has them for a page)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from migstream.render.shown import Cell, Line, Mark, Part, Table, Title

__all__ = ["text"]

CODES = {"head": "1", "name": "36", "dim": "2", "value": "32", "added": "32", "removed": "31"}

Paint = Callable[[Mark], str]


def text(parts: Iterable[Part], *, colour: bool = False) -> Iterator[str]:
    """Lines of text; with `colour` marks are ECMA-48's escape sequences, else nothing."""
    paint = _coloured if colour else _bare
    first = True
    for part in parts:
        if isinstance(part, Table):
            yield from _table(part, paint)
        elif isinstance(part, Title):
            if not first:
                yield ""
            yield paint(Mark("head", part.text))
        else:
            yield _line(part, paint)
        first = False


def _bare(mark: Mark) -> str:
    return mark.text


def _coloured(mark: Mark) -> str:
    return f"\x1b[{CODES[mark.style]}m{mark.text}\x1b[0m" if mark.text else ""


def _line(cell: Cell, paint: Paint) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Line):
        return "".join(one if isinstance(one, str) else paint(one) for one in cell)
    return paint(cell)


def _width(cell: Cell) -> int:
    """Characters that are seen."""
    return len(cell) if isinstance(cell, str) else len(_line(cell, _bare))


def _table(table: Table, paint: Paint) -> Iterator[str]:
    rows = [row for row in (table.head, *table.rows) if row]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lead = " " * table.indent
    for number, row in enumerate(rows):
        parts = []
        for cell, width, side in zip(row, widths, table.align, strict=True):
            pad = " " * (width - _width(cell))
            shown = _line(cell, paint)
            parts.append(pad + shown if side == ">" else shown + pad)
        joined = lead + "  ".join(parts).rstrip()
        yield paint(Mark("dim", joined)) if table.head and number == 0 else joined
