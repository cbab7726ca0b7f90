"""mac99, of which no option is tried: what its controller for keyboard and power is, where slots on its bus begin.

References
----------
QEMU, hw/ppc/mac_newworld.c: ppc_core99_init, core99_set_via_config; hw/pci-host/uninorth.c: pci_unin_main_realize
"""

from __future__ import annotations

from migstream.catalogue.changes import Machine

__all__ = ["FIRST_SLOTS", "with_via"]

FIRST_SLOTS = {"pci.2:": 0x0B}  # by what paths on the bus begin with
OPTION = "via"
ADB = ("adb_bus", "adb_kbd", "adb_mouse")
USB = ("pci.2:0d.0/1/usb-kbd", "pci.2:0d.0/2/usb-ptr")  # with a graphics card
# By the option's value: sections of the machine that are not there, and those that are there instead.
VIA = {
    "pmu": ((*ADB, "cuda"), ("macio_gpio", "pmu", *USB)),
    "pmu-adb": (("cuda",), ("macio_gpio", "pmu")),
}


def with_via(machine: Machine, options: dict[str, str]) -> tuple[str, ...]:
    """Take away what the machine does not have; sections that it has, of which nothing is known."""
    gone, come = VIA.get(options.get(OPTION, ""), ((), ()))
    if ("cuda", 0) not in machine.sections:
        return ()
    for name in gone:
        machine.sections.pop((name, 0), None)
    return come
