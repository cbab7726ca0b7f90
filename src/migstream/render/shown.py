"""What a result looks like before anybody paints it: lines, headings and tables, and marks in them.

A result is told once in these *parts*; `render.paint` makes text of a terminal, plain text or HTML
of them. A line is text, or several texts of which some are marked:

    yield name("env.eip"), "  ", value("0xfff0"), "  ", dim("uint32")

Text in a part is shown as it is: whoever puts a name from a stream there has escaped it
(`migstream.names`); what HTML obeys is the painter's to escape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

__all__ = [
    "Cell",
    "Line",
    "Mark",
    "Part",
    "Style",
    "Table",
    "Text",
    "Title",
    "added",
    "dim",
    "head",
    "indented",
    "line",
    "name",
    "removed",
    "value",
]

Style = Literal["head", "name", "dim", "value", "added", "removed"]


class Mark(NamedTuple):
    """A text that means something.

    A heading, a name, a value, what is only beside the matter; what one of two sides has more than the
    other.
    """

    style: Style
    text: str


Text = str | Mark


class Line(tuple[Text, ...]):
    """Texts that stand in one line."""

    __slots__ = ()


Cell = str | Mark | Line


class Title(NamedTuple):
    """A heading, with an empty line before it unless it is the first part."""

    text: str


class Table(msgspec.Struct, frozen=True):
    """Rows in columns.

    Attributes
    ----------
    rows : cells, as many in each as `align` has letters
    align : `<` or `>` for each column
    head : names of the columns, none where they speak for themselves
    indent : columns of a terminal before each row
    """

    rows: Sequence[Sequence[Cell]]
    align: str
    head: Sequence[str] = ()
    indent: int = 0


Part = str | Mark | Line | Title | Table


def line(*texts: Text | Line) -> Line:
    """One line of several texts; empty ones are left out."""
    found: list[Text] = []
    for text in texts:
        if isinstance(text, Line):
            found += text
        elif text if isinstance(text, str) else text.text:
            found.append(text)
    return Line(found)


def indented(part: Part, by: int) -> Part:
    """The same further to the right."""
    match part:
        case Table():
            return msgspec.structs.replace(part, indent=part.indent + by)
        case Title():
            return part
        case Line():
            return Line((" " * by, *part))
    return Line((" " * by, part))


def head(text: str) -> Mark:
    """What the lines below are about."""
    return Mark("head", text)


def name(text: str) -> Mark:
    """What something is called."""
    return Mark("name", text)


def dim(text: str) -> Mark:
    """What is beside the matter: a type, a place, a hint to say more."""
    return Mark("dim", text)


def value(text: str) -> Mark:
    """What something holds."""
    return Mark("value", text)


def added(text: str) -> Mark:
    """What only the second of two has."""
    return Mark("added", text)


def removed(text: str) -> Mark:
    """What only the first of two has."""
    return Mark("removed", text)
