"""Where the guest's kernel left its note for dumps, which `crash` and `drgn` start from.

References
----------
QEMU, hw/misc/vmcoreinfo.c: ``vmstate_vmcoreinfo``; dump/dump.c: ``dump_init``
"""

from __future__ import annotations

from migstream.machine.state import State, number

__all__ = ["vmcoreinfo"]

FORMAT_ELF = 1
# dump/dump.c: MAX_GUEST_NOTE_SIZE
LARGEST = 1 << 20


def vmcoreinfo(state: State) -> tuple[int, int] | None:
    """Guest-physical address and size in bytes of an ELF note, None where the guest left none.

    Needs the device `vmcoreinfo`; the words are as a little-endian host stored them.
    """
    for device in state.devices:
        if device.name != "vmcoreinfo" or not number(device.value, "has_vmcoreinfo"):
            continue
        kind, size, address = (
            number(device.value, f"vmcoreinfo.{name}") for name in ("guest_format", "size", "paddr")
        )
        if kind == FORMAT_ELF and size is not None and size <= LARGEST and address is not None:
            return address, size
    return None
