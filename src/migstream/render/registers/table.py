"""Registers of a virtual CPU for people: QEMU's layout where there is one, plain columns elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol, cast

from migstream.machine.registers.read import READERS, Cpu
from migstream.render.answer import Answer
from migstream.render.shown import Evenly, Part, Table

__all__ = ["Registers", "cpu_parts"]

PER_LINE = 4


class Registers(Answer, tag="registers", frozen=True, kw_only=True):
    """All that is known of each virtual CPU; registers are unsigned numbers of any width."""

    file: str
    cpus: list[Cpu]


class Layout(Protocol):
    """What a module of an architecture has."""

    def lines(self, values: Mapping[str, int], arch: str) -> list[str]: ...


class Seen(Mapping[str, int]):
    """Registers, and the names of those that were shown: subscripted, not only asked for with `get`."""

    def __init__(self, values: Mapping[str, int]) -> None:
        self._values = values
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> int:
        self.names.add(name)
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def cpu_parts(cpu: Cpu, *, everything: bool = False) -> Iterator[Part]:
    """A heading and what `info registers` prints; with `everything` the other registers, one in a line."""
    values = Seen(cpu.values)
    yield f"CPU#{cpu.index}"
    # the module of the layout is called like that of the reader
    module = f"migstream.render.registers.{READERS[cpu.arch]}"
    if find_spec(module) is None:
        yield _columns(values)
    else:
        layout = cast("Layout", import_module(module))
        yield from map(Evenly, layout.lines(values, cpu.arch))
    if everything:
        rest = [name for name in values if name not in values.names]
        yield from (f"{name} {cpu.values[name]:#x}" for name in rest)


def _columns(values: Mapping[str, int]) -> Table:
    """Name and value of each register."""
    cells = [text for name in values for text in (name, f"{values[name]:x}")]
    width = 2 * PER_LINE
    cells += [""] * (-len(cells) % width)
    rows = [cells[at : at + width] for at in range(0, len(cells), width)]
    return Table(rows, "<>" * PER_LINE)
