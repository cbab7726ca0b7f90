"""Registers out of fields: one row of a table for each field of a CPU section.

What the stream does not hold is left out, and so is what is there with another type than a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from migstream.vmstate.values import Value

__all__ = ["Fields", "Joined", "Row", "read"]

Path = tuple[str, ...]
SKIPPED = "-"
# No CPU has more: a description may say anything. System registers of Arm are a few hundred.
MOST, MOST_PARTS = 1 << 13, 1 << 8


class Row(msgspec.Struct, frozen=True):
    """Registers of one field: one of a plain field, of an array as many as it has elements.

    `names` are separated by blanks; an element named `-` is not taken.
    """

    names: str
    path: Path


class Joined(msgspec.Struct, frozen=True):
    """A wide register: all integers below these values, the lowest first, each in its own width."""

    name: str
    paths: tuple[Path, ...]


class Fields:
    """The values of one CPU section by the exact names that lead to them; each name is looked up once."""

    def __init__(self, root: Value) -> None:
        self._root = root
        self._known: dict[Path, dict[str, Value]] = {}

    def get(self, path: Path) -> Value | None:
        """The value there, None where there is none."""
        if not path:
            return self._root
        above = path[:-1]
        if above not in self._known:
            parent = self.get(above)
            children: dict[str, Value] = {}
            for one in () if parent is None else islice(parent.children, MOST):
                children.setdefault(one.name, one)
            self._known[above] = children
        return self._known[above].get(path[-1])

    def numbers(self, path: Path, most: int = MOST) -> list[int]:
        """The integers of a field, unsigned in their width; at most `most` of an array."""
        value = self.get(path)
        return [] if value is None else [number for number, _ in _integers(value, most)]

    def number(self, path: Path) -> int | None:
        """The only integer of a field."""
        found = self.numbers(path, 1)
        return found[0] if found else None

    def joined(self, paths: Iterable[Path]) -> int | None:
        """All integers below these values as one, the first at the bottom; None where one is missing."""
        total = shift = 0
        for path in paths:
            value = self.get(path)
            parts = [] if value is None else list(islice(_below(value), MOST_PARTS))
            if not parts:
                return None
            for number, bits in parts:
                total |= number << shift
                shift += bits
        return total


def _integers(value: Value, most: int) -> Iterator[tuple[int, int]]:
    """Each integer with its width in bits."""
    count = min(value.count or 0, most)
    if value.kind == "sequence":
        for i in range(count):
            yield from _integers(value.element(i), 1)
    elif value.kind == "leaf":
        stride = value.node.size if value.count is None else value.node.stride
        found = (
            [value.value]
            if value.count is None
            else value.wire.bulk(value.raw[: count * stride], count)
        )
        mask = (1 << 8 * stride) - 1
        yield from ((int(number) & mask, 8 * stride) for number in found if isinstance(number, int))


def _below(value: Value) -> Iterator[tuple[int, int]]:
    if value.kind == "leaf":
        yield from _integers(value, MOST_PARTS)
        return
    for part in value.children:
        yield from _below(part)


def read(fields: Fields, rows: Iterable[Row | Joined]) -> dict[str, int]:
    """The registers of all rows that the section has; a later row overrides an earlier one."""
    values: dict[str, int] = {}
    for row in rows:
        if isinstance(row, Joined):
            wide = fields.joined(row.paths)
            if wide is not None:
                values[row.name] = wide
            continue
        names = row.names.split()
        found = fields.numbers(row.path, len(names))
        values.update((n, v) for n, v in zip(names, found, strict=False) if n != SKIPPED)
    return values
