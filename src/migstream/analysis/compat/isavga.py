"""isa-vga and isa-cirrus-vga, of which QEMU saves and loads another object's bytes than their registers.

The VMState is that of the registers, but it is laid over the device, which begins with other things: what is
sent are host pointers and zeros, and what is loaded goes over the destination's. QEMU then looks at one of
these numbers as if it were the register that switches the VBE on. With that bit it sets up the
screen by all the others and ends in an assertion (5.2) or a segmentation fault (7.2, 8.2, 10.0); without it
nothing happens. The bit is one of an address's, so it is there in every second stream of a QEMU that has
a pointer in that place. In 11.1 the device has a VMState of its own.
An isa-cirrus-vga ends every QEMU that was tried up to 8.2, whatever is sent, and none from 10.0 on.
Reference: QEMU, hw/display/vga-isa.c: vga_isa_class_initfn; hw/display/vga.c: vmstate_vga_common,
vga_common_post_load, vbe_update_vgaregs, vga_update_memory_access.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.model import Problem
from migstream.analysis.compat.said import Words
from migstream.machine.isavga import (
    OLD_STATE,
    STATE,
    TYPE,
    foreign_flag,
    is_isa_cirrus,
    vbe_enabled,
)

if TYPE_CHECKING:
    from migstream.stream import Device

__all__ = ["HINT", "isa_cirrus", "isa_vga", "isa_vga_renamed"]

NAMES = {OLD_STATE: STATE, STATE: OLD_STATE}
ASSERTS_UNTIL = (6, 0)  # later ones end in a segmentation fault, as far as was seen
CIRRUS_ASSERTS_UNTIL = (9, 0)  # seen in 8.2, not in 10.0; of 9.x nothing is known
HINT = "-device VGA in place of isa-vga, which has a VMState that works from 11.1 on"


def isa_vga(
    ours: Device, theirs: Device | None, destination: Destination, words: Words
) -> Iterator[Problem]:
    """A stream that ends QEMU while it loads the device."""
    enabled = vbe_enabled(ours)
    if enabled is None:
        return
    if theirs is not None:
        wrong = foreign_flag(theirs) is not None
    else:
        wrong = OLD_STATE in _states(destination)
    if wrong:
        said: tuple[str, ...] = ()
        if destination.release.until(ASSERTS_UNTIL):
            said = words.aborts("vga_update_memory_access", "offset + size <= s->vram_size")
        yield Problem(
            kind="value",
            device=ours.path,
            path=enabled.path,
            span=enabled.span,
            message="the bytes of isa-vga are host memory, and with these QEMU ends in an assertion or a crash",
            said=said,
            hint=HINT,
            late=True,
        )


def isa_cirrus(ours: Device, destination: Destination, words: Words) -> Iterator[Problem]:
    """A destination that ends in an assertion when it loads any isa-cirrus-vga.

    References
    ----------
    QEMU, hw/display/cirrus_vga.c: cirrus_post_load, cirrus_update_memory_access
    """
    if is_isa_cirrus(ours) and destination.release.until(CIRRUS_ASSERTS_UNTIL):
        yield Problem(
            kind="value",
            device=ours.path,
            span=ours.section.payload,
            message="isa-cirrus-vga is loaded over another object's memory: this QEMU ends in an assertion",
            said=words.aborts("memory_region_set_alias_offset", "mr->alias"),
            hint="-device cirrus-vga, on a machine with PCI; no stream with this device loads there",
            late=True,
        )


def isa_vga_renamed(ours: Device, destination: Destination, words: Words) -> Iterator[Problem]:
    """A schema whose isa-vga has another VMState than the stream's, so that it has another name.

    `vga` is also that of a PCI device, which has a path in its name.
    """
    states = _states(destination)
    if ours.name == OLD_STATE and foreign_flag(ours) is None:
        return  # that of a vmware-svga, which has no path either
    if ours.name in NAMES and NAMES[ours.name] in states and ours.name not in states:
        yield Problem(
            kind="section",
            device=ours.path,
            span=ours.section.span,
            message=f"the destination's {TYPE} is called {NAMES[ours.name]}, and has another VMState",
            said=words.unknown_section(ours.name, ours.instance_id),
            hint=HINT,
        )


def _states(destination: Destination) -> set[str]:
    """What the schema calls the VMState of isa-vga; nothing where it has no such device."""
    one = None if destination.schema is None else destination.schema.types.get(TYPE)
    return {one.description.name} if one is not None and one.description is not None else set()
