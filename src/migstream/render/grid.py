"""A table as lines that fit a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from migstream.render.cuts import fold, longest, middle, piece, take
from migstream.render.shown import GAP, Cell, Line, Mark, Table, Text, plain, stripped, texts
from migstream.render.text import columns

__all__ = ["grid"]

DEEP = 4  # what stands below its row is so much to the right of it
# Columns of the terminal that a column of text keeps beside a last one, and where there is no way around it.
KEPT, LEAST = 24, 12


def grid(table: Table, width: int) -> Iterator[Line]:
    """The lines of a table; wider than `width` only where numbers alone are."""
    shape = _Shape(table.widths, table, below=0)
    if shape.total <= width:
        yield from table.lines(shape.widths)
        return
    shape = _fitted(table, width)
    table = shape.table
    if table.head:
        yield from (Line((Mark("dim", plain(one)),)) for one in shape.lines(table.head))
    for row in table.rows:
        yield from shape.lines(row)


class _Shape:
    """Where the columns of a table stand."""

    def __init__(self, widths: Sequence[int], table: Table, *, below: int) -> None:
        self.widths = list(widths)
        self.table = table
        self.below = below  # how many of the last cells stand below their row
        self.room = 0  # columns of the terminal for them there

    @property
    def beside(self) -> int:
        """How many cells stand beside each other."""
        return len(self.widths) - self.below

    @property
    def total(self) -> int:
        return self.table.indent + sum(self.widths[: self.beside]) + GAP * (self.beside - 1)

    def give(self, width: int, least: Sequence[int]) -> bool:
        """Take what is too much from the widest columns; whether it fits then."""
        while (over := self.total - width) > 0:
            able = [n for n in range(self.beside) if self.widths[n] > least[n]]
            if not able:
                return False
            widest = max(able, key=lambda n: self.widths[n])
            others = [self.widths[n] for n in able if n != widest]
            floor = max(least[widest], min(max(others, default=0), self.widths[widest] - 1))
            self.widths[widest] = max(floor, self.widths[widest] - over)
        return True

    def lines(self, row: Sequence[Cell]) -> Iterator[Line]:
        """The lines of a row."""
        beside = zip(row[: self.beside], self.widths, strict=False)
        for line in zip_longest(
            *(_folded(cell, width) for cell, width in beside), fillvalue=Line()
        ):
            yield self.table.beside(line, self.widths)
        if self.below and row is not self.table.head:
            told = self._told(row)
            for found in _folded(told, self.room) if plain(told) else ():
                yield stripped([" " * (self.table.indent + DEEP), *found])

    def _told(self, row: Sequence[Cell]) -> Line:
        """What stands below: a number, and where there are several cells each of them, with the name of its column."""
        names = self.table.head or [""] * len(row)
        told: list[Text] = []
        for cell, name, side in list(zip(row, names, self.table.align, strict=True))[self.beside :]:
            if plain(cell):
                named = f"{name} " if name and (self.below > 1 or side == ">") else ""
                told += [", " if told else "", named, *texts(cell)]
        return Line(told)


def _fitted(table: Table, width: int) -> _Shape:
    """The same in `width` columns, as far as it gives way."""
    table = _without_empty(table)
    wanted = table.widths
    last = len(wanted) - 1
    # names of columns are folded first: they explain, they are not the matter; then texts, between
    # their words; only then names in a column lose their middle
    heads = [longest(name) for name in table.head] or [0] * (last + 1)
    whole = [max(_held(table, n), heads[n]) for n in range(last + 1)]
    words = [
        max((longest(plain(row[n])) for row in table.rows), default=0) for n in range(last + 1)
    ]

    def least(most: int, words: Sequence[int] = (0,) * (last + 1)) -> list[int]:
        return [
            whole[n] if side == ">" else min(whole[n], max(most, words[n]))
            for n, side in enumerate(table.align)
        ]

    shape = _Shape(wanted, table, below=0)
    for floors in (whole, least(KEPT, words), least(KEPT)):
        if shape.give(width, floors):
            return shape
    # numbers stay where they are as long as they can
    for below in range(table.align[last] == "<" and last > 0, last + 1):
        shape = _Shape(wanted, table, below=below)
        shape.room = max(width - table.indent - DEEP, LEAST)
        for floors in (whole, least(LEAST, words), least(LEAST)):
            if shape.give(width, floors):
                return shape
    return shape


def _held(table: Table, number: int) -> int:
    """Columns of the terminal for what is in a column of the table."""
    return max((columns(plain(row[number])) for row in table.rows), default=0)


def _without_empty(table: Table) -> Table:
    """Without columns in which nothing is but their name."""
    kept = [n for n in range(len(table.align)) if _held(table, n)]
    if not kept:
        return table
    return Table(
        [[row[n] for n in kept] for row in table.rows],
        "".join(table.align[n] for n in kept),
        [table.head[n] for n in kept] if table.head else (),
        table.indent,
    )


def _folded(cell: Cell, width: int) -> list[Line]:
    """A cell in lines of `width` columns; a word that is longer loses its middle."""
    text = plain(cell)
    if len(text) <= width and columns(text) <= width:
        return [Line(texts(cell))]
    cell = _shortened(cell, text, width)
    return [Line(piece(cell, start, stop)) for start, stop in fold(plain(cell), width, width)]


def _shortened(cell: Cell, text: str, width: int) -> Cell:
    found: list[Text] = []
    done = at = 0
    for word in text.split(" "):
        if word and take(word, 0, width) < len(word):
            head, tail = middle(word, width)
            found += [*piece(cell, done, at + head), "…"]
            done = at + tail
        at += len(word) + 1
    return Line((*found, *piece(cell, done, len(text)))) if done else cell
