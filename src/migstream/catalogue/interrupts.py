"""Interrupts of a pseries' devices, which their sections hold: up to a version of the machine type the first that is free.

References
----------
QEMU, hw/ppc/spapr_irq.c: spapr_irq_findone; hw/ppc/spapr.c: spapr_machine_3_0_class_options (legacy_irq_allocation);
hw/intc/xics.c: vmstate_ics_irq
"""

from __future__ import annotations

from migstream.catalogue.changes import Machine
from migstream.qemu.release import Version

__all__ = ["Interrupts"]

UNTIL = (3, 0)
SOURCES = ("ics", 0)
FIRST = 0x1000
# Bytes of a number before all, and of each interrupt, of which the last says what it is.
HEAD, EACH = 4, 8


class Interrupts:
    """Those that are free; none are given where each device has its own by its number."""

    def __init__(self, machine: Machine, version: Version | None) -> None:
        state = machine.sections.get(SOURCES)
        self.given = state is not None and version is not None and version <= UNTIL
        kinds = b"" if state is None else state.payload[HEAD + EACH - 1 :: EACH]
        self._next = FIRST + (kinds.index(0) if 0 in kinds else len(kinds))

    def take(self) -> int:
        """The next one."""
        self._next += 1
        return self._next - 1
