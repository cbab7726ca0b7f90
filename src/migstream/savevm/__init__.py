"""SaveVM: the registry of everything that a machine saves, and the stream that it writes and loads.

    vm = SaveVM("toy-1.0")
    vm.register(Timer())
    vm.register_live("ram", GuestRam([Block("toy.ram", memory)]))
    vm.save("toy.mig")
    vm.load("toy.mig")

Order, names and refusals are those of QEMU, migration/savevm.c.
"""

from __future__ import annotations

from migstream.savevm.handlers import Live
from migstream.savevm.incoming import Incoming
from migstream.savevm.outgoing import Outgoing
from migstream.savevm.registry import SaveVM

__all__ = ["Incoming", "Live", "Outgoing", "SaveVM"]


def __dir__() -> list[str]:
    """The promised names."""
    return sorted(__all__)
