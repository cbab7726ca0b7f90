"""What a result looks like before anybody paints it: lines, headings, tables and bytes, and marks in them.

A result is told once in these *parts*; `render.paint` makes text of a terminal, plain text or HTML
of them. A line is text, or several texts of which some are marked:

    yield name("env.eip"), "  ", value("0xfff0"), "  ", dim("uint32")

Text in a part is shown as it is: whoever puts a name from a stream there has escaped it
(`migstream.names`); what HTML obeys is the painter's to escape.

Parts do not know how wide the terminal is. Where they do not fit, a line is folded between words and
goes on below its second column (two blanks stand between columns), a table gives room from its
columns of text, and bytes stand fewer in a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from migstream.render.text import columns

__all__ = [
    "GAP",
    "Bytes",
    "Cell",
    "Evenly",
    "Line",
    "Mark",
    "Paragraph",
    "Part",
    "Style",
    "Table",
    "Text",
    "Title",
    "added",
    "dim",
    "head",
    "indented",
    "like",
    "line",
    "name",
    "plain",
    "removed",
    "stripped",
    "texts",
    "value",
]

Style = Literal["head", "name", "dim", "value", "error", "warning", "note", "added", "removed"]


class Mark(msgspec.Struct, frozen=True):
    """A text that means something.

    A heading, a name, a value, what is only beside the matter; how bad something is (the styles are
    called like severities); what one of two sides has more than the other.
    """

    style: Style
    text: str


Text = str | Mark


class Line(tuple[Text, ...]):
    """Texts that stand in one line."""

    __slots__ = ()


Cell = str | Mark | Line
GAP = 2  # blanks between columns


class Title(msgspec.Struct, frozen=True):
    """A heading, with an empty line before it unless it is the first part."""

    text: str


class Evenly(msgspec.Struct, frozen=True):
    """A line of many words of one kind: where it is folded, its lines become equally long."""

    text: str


class Paragraph(msgspec.Struct, frozen=True):
    """Prose in lines, which become others where one of them does not fit."""

    text: str


class Table(msgspec.Struct, frozen=True):
    """Rows in columns.

    Where it is wider than the terminal, columns that are aligned to the left give room, the widest
    first: their cells are folded between words, and a word that is too long, a name, loses its
    middle. Last columns of which too little would be left stand below their row. Numbers, which are
    aligned to the right, stay whole.

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

    @property
    def widths(self) -> list[int]:
        """Columns of a terminal for what is in each column."""
        rows = [row for row in (self.head, *self.rows) if row]
        return [max(columns(plain(cell)) for cell in column) for column in zip(*rows, strict=True)]

    def lines(self, widths: Sequence[int] | None = None) -> Iterator[Line]:
        """Its rows, however wide that makes them; `widths` where they are known."""
        widths = self.widths if widths is None else widths
        if self.head:
            yield Line((Mark("dim", plain(self.beside(self.head, widths))),))
        yield from (self.beside(row, widths) for row in self.rows)

    def beside(self, row: Sequence[Cell], widths: Sequence[int]) -> Line:
        """The first cells of a row, one beside the other in columns of these widths."""
        found: list[Text] = [" " * self.indent]
        for number, (cell, width, side) in enumerate(zip(row, widths, self.align, strict=False)):
            gap = " " * GAP if number else ""
            pad = " " * (width - columns(plain(cell)))
            found += [gap, pad, *texts(cell)] if side == ">" else [gap, *texts(cell), pad]
        return stripped(found)


class Bytes(msgspec.Struct, frozen=True):
    """Bytes in hexadecimal and as characters, sixteen in a line, and beside the first line what they are.

    Attributes
    ----------
    at : address of the first one
    within : what the label begins with, where that is the same for many: on a terminal it is said
        once, above them
    lead : stands before each line
    marked : indexes of those that are shown in `style`, all where it is None
    """

    at: int
    data: bytes | memoryview
    label: Cell = ""
    within: str = ""
    lead: str = ""
    marked: frozenset[int] | None = frozenset()
    style: Style = "value"
    indent: int = 0

    @property
    def inside(self) -> Bytes:
        """The same with a label that does not say `within`."""
        first, *rest = self.label if isinstance(self.label, Line) else (self.label,)
        bare = (first if isinstance(first, str) else first.text).removeprefix(self.within)
        bare = bare.lstrip("/")
        if not bare and rest and isinstance(rest[0], str):
            rest[0] = rest[0].lstrip()
        label = line(bare if isinstance(first, str) else Mark(first.style, bare), *rest)
        return msgspec.structs.replace(self, label=label)


Part = str | Mark | Line | Title | Evenly | Paragraph | Table | Bytes


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
        case Table() | Bytes():
            return msgspec.structs.replace(part, indent=part.indent + by)
        case Title():
            return part
        case Evenly():
            return Evenly(" " * by + part.text)
        case Paragraph():
            return Paragraph("\n".join(" " * by + one for one in part.text.split("\n")))
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


# --- what they consist of --------------------------------------------------------------------------


def texts(cell: Cell) -> tuple[Text, ...]:
    """What a cell consists of."""
    return cell if isinstance(cell, Line) else (cell,)


def plain(cell: Cell) -> str:
    """Its characters."""
    if isinstance(cell, str):
        return cell
    return "".join(one if isinstance(one, str) else one.text for one in texts(cell))


def stripped(found: list[Text]) -> Line:
    """Without blanks at the end."""
    while found:
        last = found.pop()
        text = (last if isinstance(last, str) else last.text).rstrip(" ")
        if text:
            return Line((*found, like(last, text)))
    return Line()


def like(one: Text, text: str) -> Text:
    """Another text with the same mark."""
    return text if isinstance(one, str) else Mark(one.style, text)
