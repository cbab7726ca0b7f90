"""RAM blocks of a user's memory backends: what they are called, how long they are.

References
----------
QEMU, backends/hostmem.c: host_memory_backend_get_name; hw/core/machine.c: hw_compat_3_1
(x-use-canonical-path-for-ramblock-id)
"""

from __future__ import annotations

import re

from migstream.catalogue.arguments import Backend, Wanted
from migstream.catalogue.model import PLACE
from migstream.qemu.release import machine_version

__all__ = ["backend_block", "block_of"]

OWN = re.compile(rf"({re.escape(PLACE)}/)?m\d+")  # a backend, as the builder calls it
FILES = frozenset(("memory-backend-file", "memory-backend-memfd"))
PATHS_UNTIL = (3, 1)
NONE = Backend("", 0)


def backend_block(wanted: Wanted, machine: str, name: str) -> tuple[str, int]:
    """The block of a backend and its bytes: called by the id, of older machine types by its path where it is a file."""
    backend = wanted.backends.get(name, NONE)
    _, version = machine_version(machine)
    long = backend.kind in FILES and version is not None and version <= PATHS_UNTIL
    return (f"/objects/{name}" if long else name), backend.size


def block_of(
    wanted: Wanted, machine: str, tried: tuple[str, int], memdev: str | None, path: str
) -> tuple[str, int]:
    """A block that a device was seen to have, under the name and with the bytes that it has here.

    Parameters
    ----------
    tried : name, with the device's place left open, and bytes
    memdev : the backend of the device, if it has one
    path : the device's place
    """
    block, size = tried
    if memdev is None or not OWN.fullmatch(block):
        return block.replace(PLACE, path), size
    name, size = backend_block(wanted, machine, memdev)
    return (f"{path}/{name}" if block.startswith(PLACE) else name), size
