"""The table of what dates a VMState: versions, fields and subsections that not every release has.

Made by `make evidence`. A line is the architecture of CPUs whose VMState it is (else nothing), its name, the element,
since when, until when, and `always` where a release that has the element has it each time. `8.1-9.0` is known no better: before the
first of the two none has it, from the second on all do (behind "until": from the first on some lack it, from the second on all).
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

import msgspec

from migstream.machine.map.setup import PER_CPU
from migstream.qemu.release import Bounds, Version, parse, spelt

__all__ = ["ORDER", "TABLE", "Element", "Life", "elements", "ranked", "sources_of", "written"]

TABLE = f"{os.path.dirname(__file__)}/data/evidence.txt"  # noqa: PTH120 - pathlib costs more than all the rest
# In place of a VMState: what is told is the order of sections, of machines of a board.
ORDER = "order"
# Architectures by the folder of their CPUs in QEMU's sources (target/), where those differ.
SOURCES = {
    "x86_64": "i386", "aarch64": "arm", "ppc64": "ppc", "riscv32": "riscv", "riscv64": "riscv",
    "loongarch64": "loongarch", "or1k": "openrisc", "sparc64": "sparc", "mips64": "mips",
    "mipsel": "mips", "mips64el": "mips", "microblazeel": "microblaze", "xtensaeb": "xtensa", "sh4eb": "sh4",
}  # fmt: skip


class Element(msgspec.Struct, frozen=True, order=True):
    """A part of a VMState: nothing is the VMState itself, `=3` a version, `irq` a field, `irq:uint8` its type.

    With ORDER the scope is a board, and `apic<timer` says that one section stands before the other.
    """

    scope: str
    state: str
    part: str = ""


class Life(msgspec.Struct, frozen=True):
    """Releases that have an element.

    None has it before `since`, all from `surely` on; from `lacked` on some have it no longer, from `gone` on none. None
    is an end that is not known. With `always` those that have it have it each time.
    """

    since: Version | None
    surely: Version | None
    lacked: Version | None
    gone: Version | None
    always: bool

    @property
    def bounds(self) -> tuple[Version | None, ...]:
        return self.since, self.surely, self.lacked, self.gone

    def having(self) -> Bounds:
        """The releases of a stream that has it."""
        return Bounds(self.since, self.gone)

    def lacking(self) -> Bounds:
        """The releases of a stream that has the VMState, and this not."""
        if not self.always or (self.surely is None) == (self.lacked is None):
            return Bounds()
        return Bounds(self.lacked, self.surely)


def sources_of(architecture: str | None) -> str:
    """The folder of an architecture's CPUs in QEMU's sources."""
    return SOURCES.get(architecture or "", architecture or "")


def ranked(names: Iterable[str]) -> dict[str, int]:
    """Places of sections among each other by name, without their devices' paths: of those that there is one of, or one for
    each CPU.
    """
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name.rpartition("/")[2], []).append(place)
    return {name: at[0] for name, at in places.items() if len(at) == 1 or name in PER_CPU}


@cache
def elements(scope: str, state: str) -> Mapping[str, Life]:
    """What is known of a VMState by its parts; empty where nothing is."""
    found = {}
    lines, begin = _lines(), f"{scope}\t{state}\t"
    at = bisect_left(lines, begin)
    while at < len(lines) and lines[at].startswith(begin):
        part, since, gone, always = lines[at].removeprefix(begin).rstrip("\n").split("\t")
        found[part] = Life(*_bounds(since), *_bounds(gone), bool(always))
        at += 1
    return found


@cache
def _lines() -> list[str]:
    """The table's lines in the order in which they are `written`. Few of them are ever taken apart."""
    with open(TABLE, encoding="utf-8") as file:  # noqa: PTH123
        return file.readlines()


@cache
def _bounds(text: str) -> tuple[Version | None, Version | None]:
    if not text:
        return None, None
    first, _, last = text.partition("-")
    return parse(first), parse(last or first)


def written(table: Mapping[Element, Life]) -> Iterator[str]:
    """The lines of the table, in order."""
    for element, life in sorted(table.items()):
        since, gone = _spelt(life.since, life.surely), _spelt(life.lacked, life.gone)
        yield "\t".join(
            (element.scope, element.state, element.part, since, gone, "always" * life.always)
        )


def _spelt(first: Version | None, last: Version | None) -> str:
    if first is None or last is None:
        return ""
    return spelt(first) if first == last else f"{spelt(first)}-{spelt(last)}"
