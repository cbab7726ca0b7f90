"""The guest-physical map: which bytes of which RAM block the guest sees where, and why we say so.

A map is made of declared pieces with priorities (`flat`): those of a PC come from its registers
(`map.x86`), those of other machines from tables (`boards`), those behind PCI from configuration
spaces (`pci`). Its ranges are those that `dump-guest-memory` writes: RAM and ROM, but no flash.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migstream.errors import NoSuchAddress
from migstream.machine.arch import architecture
from migstream.machine.map.acpi import Tables
from migstream.machine.map.boards import board_pieces
from migstream.machine.map.flat import Area, visible
from migstream.machine.map.installed import is_pc
from migstream.machine.map.x86 import x86_pieces
from migstream.machine.physical import BlockReader, Range
from migstream.machine.state import State
from migstream.names import unescape

__all__ = ["parse_override", "physical_map"]

OVERRIDE = 1 << 16


def physical_map(
    state: State,
    overrides: Sequence[tuple[str, int]] = (),
    *,
    contents: BlockReader | None = None,
    rom_devices: bool = False,
) -> tuple[Range, ...]:
    """Ranges of guest-physical memory, ascending and without overlap.

    Parameters
    ----------
    overrides : (block name, guest-physical address): the whole block is there and nowhere else,
        whatever the stream says; of two that overlap, the later
    contents : reads the blocks: where several backends leave their order open, or one may be an
        nvdimm's, the firmware's tables are looked at; without it, names decide
    rom_devices : with flash, which the guest reads like memory, and a dump does not have

    Raises
    ------
    NoSuchAddress : an override names no block of the stream
    """
    told = {name for name, _ in overrides}
    pieces = [p for p in _pieces(state, Tables(state, contents)) if p.block not in told]
    return visible([*pieces, *_overrides(state, overrides)], rom_devices=rom_devices)


def _pieces(state: State, tables: Tables) -> list[Area]:
    arch = architecture(state)
    if is_pc(state, arch):
        return x86_pieces(state, tables)
    return board_pieces(state, arch, tables)


def _overrides(state: State, overrides: Sequence[tuple[str, int]]) -> Iterator[Area]:
    sizes = {b.name: b.used_length for b in state.blocks}
    for number, (name, start) in enumerate(overrides):
        if name not in sizes:
            raise NoSuchAddress(
                f"no RAM block is called {name!r}",
                hint=f"the stream has {', '.join(sizes) or 'none'}",
            )
        yield Area(
            start=start,
            size=sizes[name],
            block=name,
            priority=OVERRIDE + number,
            provenance="told by the caller",
        )


def parse_override(text: str) -> tuple[str, int]:
    """`BLOCK@ADDRESS` as (block name, address): decimal, or hexadecimal behind 0x.

    A name may have an `@` itself, as `/rom@etc/acpi/tables` has: the last one separates. It may be
    written with the escapes that our output has (`migstream.names`).

    Raises
    ------
    ValueError : it is not of that form
    """
    name, at, address = text.rpartition("@")
    if not at or not name:
        raise ValueError(f"{text!r} is not BLOCK@ADDRESS, such as mach-virt.ram@0x40000000")
    try:
        start = int(address, 16 if address[:2].lower() == "0x" else 10)
    except ValueError:
        start = -1
    if not 0 <= start < 1 << 64:
        raise ValueError(f"{address!r} is not an address: decimal or 0x..., of at most 64 bits")
    return unescape(name), start
