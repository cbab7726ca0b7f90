"""Parts of a result as elements of a page; text is escaped, and nothing in it is obeyed by a browser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape as html_text

from migstream.render.layout import laid_out
from migstream.render.shown import Cell, Line, Part, Table, Title

__all__ = ["elements"]


def elements(parts: Iterable[Part], *, level: int = 2) -> Iterator[str]:
    """Elements of a page: headings, `table`, and `pre` with `span`s whose class is the style.

    Parameters
    ----------
    level : that of a title among the page's headings
    """
    lines: list[str] = []
    for part in parts:
        if not isinstance(part, Table | Title):
            lines += map(_line, laid_out(part, None))
            continue
        yield from _pre(lines)
        lines = []
        if isinstance(part, Title):
            yield f"<h{level}>{html_text(part.text)}</h{level}>"
        else:
            yield _table(part)
    yield from _pre(lines)


def _pre(lines: list[str]) -> Iterator[str]:
    while lines and not lines[0]:
        lines = lines[1:]
    while lines and not lines[-1]:
        lines = lines[:-1]
    if lines:
        yield f"<pre>{chr(10).join(lines)}</pre>"


def _line(cell: Cell) -> str:
    if isinstance(cell, str):
        return html_text(cell)
    if isinstance(cell, Line):
        return "".join(map(_line, cell))
    return f'<span class="{cell.style}">{html_text(cell.text)}</span>' if cell.text else ""


def _table(table: Table) -> str:
    sides = [' class="number"' if side == ">" else "" for side in table.align]
    head = "".join(
        f"<th{side}>{html_text(name)}</th>" if name else "<td></td>"
        for name, side in zip(table.head, sides, strict=False)
    )
    rows = (
        "".join(f"<td{side}>{_line(cell)}</td>" for cell, side in zip(row, sides, strict=True))
        for row in table.rows
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"
    )
