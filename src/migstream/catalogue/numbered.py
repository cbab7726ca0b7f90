"""Sections that older QEMUs give one and the same instance id, however many there are.

References
----------
QEMU, include/migration/vmstate.h: vmstate_register_any; hw/ide/isa.c: isa_ide_realizefn; hw/ipmi/ipmi_bmc_sim.c,
isa_ipmi_kcs.c, isa_ipmi_bt.c; audio/audio.c: audio_init
"""

from __future__ import annotations

from migstream.qemu.release import Version

__all__ = ["single"]

# By name: the first release that is known to count them, or not to take two of them.
COUNTED: dict[str, Version] = {
    "audio": (7, 2),
    "ipmi-bmc-sim": (8, 2),
    "ipmi-interface": (8, 2),
    "ipmi-interface-isa-bt": (8, 2),
    "isa-ide": (8, 2),
}


def single(release: Version) -> frozenset[str]:
    """Names of which each section of that release has the same instance id."""
    return frozenset(name for name, first in COUNTED.items() if release < first)
