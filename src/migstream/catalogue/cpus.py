"""More CPUs than one, and slots for more memory: what a second one adds is what each further one adds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from migstream.catalogue import cpregs
from migstream.catalogue.changes import Machine, overlaid
from migstream.catalogue.grown import grown
from migstream.catalogue.model import Image
from migstream.qemu.release import Version

__all__ = ["add_cpus", "add_slots"]

MOST = 4096  # CPUs
# Sections with an element for each CPU that is there, not for each that can be: hw/arm/virt.c, hw/riscv/virt.c.
PRESENT = ("arm_gic", "riscv_")


def add_cpus(
    machine: Machine, one: Image, two: Image, cpus: int, room: int, release: Version
) -> Iterator[str]:
    """Give a machine CPUs; what is assumed.

    Parameters
    ----------
    one, two : images with one CPU, and with two
    cpus, room : that it has, and that it can have (maxcpus)
    release : which QEMU it is
    """
    cpus, room = min(cpus, MOST), min(room, MOST)
    before = {placed.key: placed for placed in one.sections}
    each = Counter(placed.name for placed in two.sections if placed.key not in before)
    for placed in two.sections:
        known = before.get(placed.key)
        state = machine.state_of(placed)
        if known is None:
            own = machine.sections.get((placed.name, placed.instance - 1), state)
            first = before.get((placed.name, placed.instance - 1))
            # another model than the image's: its CPUs are alike
            like = state if first is None or own == machine.state_of(first) else own
            for number in range(1, cpus):
                instance = placed.instance + (number - 1) * each[placed.name]
                machine.put((placed.name, instance), like, early=placed.early)
        elif known.state != placed.state and placed.key in machine.sections:
            here, was = machine.sections[placed.key], machine.state_of(known)
            if len(state.payload) == len(was.payload):
                more = overlaid(here, was, state)
                if cpregs.has_list(more):
                    more = cpregs.scaled(more, here, cpus, release)
                machine.put(placed.key, more)
                continue
            count = cpus if placed.name.startswith(PRESENT) else room
            larger = here if count == 1 else grown(here, was, state, count)
            if larger is None and here == was:
                yield f"{placed.name} with {room} CPUs is as with two"
                larger = state
            machine.put(placed.key, larger or here)


def add_slots(machine: Machine, bare: Image, images: tuple[Image, Image], slots: int) -> None:
    """Give a machine slots for memory that is plugged in.

    Parameters
    ----------
    bare : without any
    images : with one slot, and with two
    """
    none, two = ({p.key: machine.state_of(p) for p in one.sections} for one in (bare, images[1]))
    for placed in images[0].sections:
        key, one = placed.key, machine.state_of(placed)
        here, was, more = machine.sections.get(key), none.get(key), two.get(key)
        if here is None or was is None or more is None or len(one.payload) == len(was.payload):
            continue
        first = grown(here, was, one, 2)
        if first is not None:
            machine.put(key, grown(first, one, more, slots) or first)
