"""Firmware of a PC in files of the host, of which only they say how large they are.

References
----------
QEMU, hw/i386/pc_sysfw.c: pc_system_firmware_init (in flash, or in pc.bios); hw/block/pflash_cfi01.c
"""

from __future__ import annotations

from collections.abc import Iterable

from migstream.catalogue.changes import Machine

__all__ = ["FIRMWARE_ASSUMED", "with_firmware"]

FIRMWARE_ASSUMED = "the files of its firmware are as large as the stream's"
BIOS, SHADOW = "pc.bios", "isa-bios"
FLASH = "pflash_cfi01"
# RAM blocks and sections, by the machine's option that names the file.
BLOCKS = {
    "pflash0": ("system.flash0", FLASH, SHADOW),
    "pflash1": ("system.flash1", FLASH, SHADOW),
    "firmware": (BIOS, SHADOW),
}


def with_firmware(machine: Machine, options: Iterable[str]) -> tuple[str, ...]:
    """Make a machine have the firmware that its options name; what is not known of then: sections and RAM blocks."""
    given = [option for option in options if option in BLOCKS]
    if not given or BIOS not in machine.blocks:
        return ()
    del machine.blocks[BIOS]
    return tuple(name for option in given for name in BLOCKS[option])
