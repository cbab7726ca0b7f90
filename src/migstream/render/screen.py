"""Displays, what they show, and the text on consoles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migstream.machine.console import Console
from migstream.machine.display.model import Display
from migstream.render.answer import Answer
from migstream.render.shown import Part, Table, dim, head, line
from migstream.render.text import escape, prose, size

__all__ = ["Consoles", "Screen", "consoles_parts", "display_line", "screen_parts"]


class Screen(Answer, tag="screen", frozen=True, kw_only=True):
    """The heads of all displays; where a file was written its name, its size in bytes, and what is in it."""

    file: str
    displays: list[Display]
    output: str | None = None
    size: int | None = None
    shown: Display | None = None


class Consoles(Answer, tag="console", frozen=True, kw_only=True):
    """Texts of consoles."""

    file: str
    consoles: list[Console]


def _what(one: Display) -> str:
    """Its mode in words, with what is wrong."""
    words = escape(one.mode)
    if one.columns is not None:
        words += f", {one.columns}x{one.rows} characters"
    return f"{words}: {prose(one.damage)}" if one.damage else words


def _pixels(one: Display) -> str:
    return f"{one.width}x{one.height}" if one.on else ""


def screen_parts(displays: Sequence[Display]) -> Iterator[Part]:
    """A line for each head."""
    rows = [(escape(one.device), str(one.head), _pixels(one), _what(one)) for one in displays]
    if rows:
        yield Table(rows, "<>><", ("display", "head", "pixels", ""))
    else:
        yield "no display"


def display_line(one: Display, output: str, bytes_: int) -> Part:
    """That a picture was written, and of which display."""
    where = f"{escape(one.device)} head {one.head}"
    return line(f"{escape(output)}  {size(bytes_)}", f"  {_pixels(one)} of {where}, {_what(one)}")


def consoles_parts(found: Sequence[Console]) -> Iterator[Part]:
    """Each text under its heading."""
    if not found:
        yield "no text on any console"
    for number, one in enumerate(found):
        if number:
            yield ""
        yield line(head(escape(one.device)), dim(f"  {one.what}"))
        yield from (escape(text.expandtabs()) for text in one.lines)
