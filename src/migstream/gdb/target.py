"""What a debugger is told of a guest's registers: features, their order, and values as bytes.

References
----------
GDB manual, appendix "Target Descriptions"; QEMU, gdb-xml/ and target/*/gdbstub.c: which registers, in which order
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import chain
from typing import Literal, Protocol, cast

import msgspec

from migstream.errors import Unsupported
from migstream.machine.registers.read import READERS, Cpu

__all__ = ["Feature", "Register", "Target", "listed", "others", "target"]

UNKNOWN = b"x"  # for a digit of a register that the stream does not hold
DOCUMENT = '<?xml version="1.0"?>\n<!DOCTYPE {kind} SYSTEM "gdb-target.dtd">\n'


def _same(value: int) -> int:
    return value


class Register(msgspec.Struct, frozen=True):
    """A register as the debugger has it.

    Parameters
    ----------
    type, group : gdb's words; empty where it decides by itself
    ours : its name among `Cpu.values`
    number : where its number does not follow that of the one before
    seen : what a debugger sees of our value
    """

    name: str
    bits: int
    ours: str
    type: str = ""
    group: str = ""
    number: int | None = None
    seen: Callable[[int], int] = _same

    def xml(self) -> str:
        words = {
            "name": self.name,
            "bitsize": self.bits,
            "type": self.type,
            "group": self.group,
            "regnum": self.number,
        }
        told = (f' {key}="{word}"' for key, word in words.items() if word not in ("", None))
        return f"  <reg{''.join(told)}/>\n"

    def digits(self, values: Mapping[str, int], order: Literal["little", "big"]) -> bytes:
        """Its value, two digits for each byte."""
        size = self.bits // 8
        value = values.get(self.ours)
        if value is None:
            return UNKNOWN * 2 * size
        return (self.seen(value) & (1 << self.bits) - 1).to_bytes(size, order).hex().encode()


def listed(
    names: str | Iterable[str],
    bits: int,
    type_: str = "",
    *,
    group: str = "",
    number: int | None = None,
) -> tuple[Register, ...]:
    """Registers that differ in their names only: `fs_base=fs.base` is ours behind the sign.

    Parameters
    ----------
    number : of the first one
    """
    words = names.split() if isinstance(names, str) else names
    split = [word.partition("=") for word in words]
    return tuple(
        Register(name, bits, ours or name, type_, group, None if place else number)
        for place, (name, _, ours) in enumerate(split)
    )


class Feature(msgspec.Struct, frozen=True):
    """Registers that belong together; `file` is what QEMU calls the part, `types` declares their types."""

    name: str
    file: str
    registers: tuple[Register, ...] = ()
    types: str = ""

    def xml(self) -> str:
        body = "".join(register.xml() for register in self.registers)
        head = DOCUMENT.format(kind="feature")
        return f'{head}<feature name="{self.name}">\n{self.types}{body}</feature>\n'


class Target(msgspec.Struct, frozen=True):
    """All features of an architecture; the first one is what `g` tells, as in QEMU.

    Parameters
    ----------
    architecture : gdb's name of it
    order : byte order of the values
    """

    architecture: str
    features: tuple[Feature, ...]
    order: Literal["little", "big"] = "little"

    def annexes(self) -> dict[str, bytes]:
        """The documents by their names; target.xml includes the others."""
        includes = "".join(f'  <xi:include href="{one.file}"/>\n' for one in self.features)
        head = DOCUMENT.format(kind="target")
        main = f"{head}<target>\n  <architecture>{self.architecture}</architecture>\n{includes}</target>\n"
        texts = {"target.xml": main, **{one.file: one.xml() for one in self.features}}
        return {name: text.encode() for name, text in texts.items()}

    def numbered(self) -> dict[int, Register]:
        """Every register by its number."""
        return dict(self._numbers())

    def _numbers(self) -> Iterator[tuple[int, Register]]:
        number = 0
        for register in chain.from_iterable(one.registers for one in self.features):
            number = number if register.number is None else register.number
            yield number, register
            number += 1

    def core(self, values: Mapping[str, int]) -> bytes:
        """The registers of `g`, one behind the other."""
        return b"".join(one.digits(values, self.order) for one in self.features[0].registers)


class Describe(Protocol):
    """What a module of an architecture has."""

    def describe(self, cpus: Sequence[Cpu]) -> Target:
        """The features that these CPUs have, the core registers first."""
        ...


def target(cpus: Sequence[Cpu]) -> Target:
    """How the registers of these CPUs, all of one architecture, are described.

    Raises
    ------
    Unsupported : of an architecture that has no description here
    """
    arch = cpus[0].arch
    if arch not in READERS:
        raise Unsupported(f"no registers of {arch} are described for gdb here")
    how = cast("Describe", import_module(f"migstream.gdb.targets.{READERS[arch]}"))
    return how.describe(cpus)


def others(
    cpus: Sequence[Cpu], known: Iterable[Feature], skip: Iterable[str] = ()
) -> tuple[Register, ...]:
    """Every register that the stream holds and no feature has, as 64 bits; a dot becomes `_`.

    Parameters
    ----------
    skip : what is the same as another, or wider
    """
    told = {register.ours for one in known for register in one.registers}
    names = dict.fromkeys(chain.from_iterable(cpu.values for cpu in cpus))
    wide = {name for cpu in cpus for name, value in cpu.values.items() if value >> 64}
    left = [name for name in names if name not in told and name not in wide]
    hidden = frozenset(skip)
    return listed(
        (f"{name.replace('.', '_')}={name}" for name in left if name not in hidden),
        64,
        "uint64",
        group="stream",
    )
