"""Rules about PCI devices: what every one of them has in its state."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from migstream.analysis.rules.registry import Hit, Subject, rule
from migstream.stream import Device
from migstream.vmstate.layout import compile_device
from migstream.vmstate.meaning.pci import COMMAND, config_space
from migstream.vmstate.meaning.pci_ids import wrong_identity
from migstream.vmstate.values import Value, root
from migstream.wire.model import Span

__all__: list[str] = []

# Command register, PCI Local Bus Specification 3.0, 6.2.2. A guest can set I/O space, memory space, bus master, SERR# and
# interrupt disable (hw/pci/pci.c: pci_init_wmask); some devices have others fixed. These no device has: palette
# snooping, parity error response, and what is reserved.
NEVER = 0xF860
NEWEST = 2  # PCIDevice version_id


@rule("MS541", "error", "A PCI interrupt level is neither 0 nor 1")
def interrupts(subject: Subject) -> Iterator[Hit]:
    """Each PCI device saves the levels of its four interrupt lines as words. QEMU refuses anything but 0 and 1
    ("irq state N: must be 0 or 1.").

    References: QEMU, hw/pci/pci.c: get_pci_irq_state.
    """
    for device, value in _of_pci(subject, "irq_state"):
        for pin, level in enumerate(struct.unpack(f">{value.span.size // 4}I", value.raw)):
            if level > 1:
                at = value.span.start + 4 * pin
                yield Hit(
                    message=f"the level of INT{'ABCD'[pin % 4]} is {level:#x}",
                    section=device.path,
                    path=value.path,
                    span=Span(at, at + 4),
                    expected="0 or 1",
                    found=f"{level:#x}",
                )


@rule("MS542", "error", "A PCI device's state has a version that no QEMU knows")
def versions(subject: Subject) -> Iterator[Hit]:
    """The state of a PCI device begins with the version of that part; QEMU takes 0 to 2 and ends with "Invalid value
    N expecting positive value <= 2" for others.

    References: QEMU, hw/pci/pci.c: vmstate_pci_device; migration/vmstate-types.c: get_int32_le.
    """
    for device, value in _of_pci(subject, "version_id"):
        version = int.from_bytes(value.raw, "big", signed=True)
        if not 0 <= version <= NEWEST:
            yield Hit.of(
                device, value, "the version of the PCI state", f"0 to {NEWEST}", str(version)
            )


@rule("MS543", "warning", "The PCI command register has bits that a guest cannot set")
def commands(subject: Subject) -> Iterator[Hit]:
    """QEMU lets a guest write I/O space, memory space, bus master, SERR# and interrupt disable in the command register.
    Palette snooping (0x20), parity error response (0x40) and the reserved bits from 0x800 on stay zero. It does not
    compare this register when it loads, so it takes the value as it is.

    The byte is damaged, or a device of the host was passed through.

    References: QEMU, hw/pci/pci.c: pci_init_wmask, get_pci_config_device.
    """
    for device in subject.devices:
        config = config_space(device.value) if device.described else None
        if config is None or config.span.size < COMMAND + 2:
            continue
        value = int.from_bytes(config.raw[COMMAND : COMMAND + 2], "little")
        wrong = value & NEVER
        if wrong:
            yield Hit.of(
                device,
                config["command"],
                f"bits {wrong:#x} of the PCI command register are set",
                f"none of the bits {NEVER:#06x}",
                f"{value:#06x}",
            )


@rule("MS544", "warning", "An MSI-X vector's control word has reserved bits set")
def vectors(subject: Subject) -> Iterator[Hit]:
    """Bit 0 of an MSI-X table entry's last word masks the vector; the others are reserved and zero in a device without
    steering tags, which no device of QEMU has. QEMU neither uses nor checks them.

    The byte is damaged, or the guest's driver wrote it.

    References: PCI Local Bus Specification 3.0, 6.8.2.9; QEMU, hw/pci/msix.c: msix_load.
    """
    for device in subject.devices:
        for state in _msix(device.value):
            for table in (c for c in state.children if c.name == "table" and c.count):
                words = struct.unpack(f"<{table.span.size // 4}I", table.raw)[3::4]
                for vector, word in enumerate(words):
                    if word & ~1:
                        at = table.span.start + 16 * vector + 12
                        yield Hit(
                            message=f"reserved bits of MSI-X vector {vector} are set",
                            section=device.path,
                            path=f"{table.path}[{vector}]/control",
                            span=Span(at, at + 4),
                            expected="0 or 1",
                            found=f"{word:#x}",
                        )


@rule("MS545", "error", "The bytes are another device's")
def other_device(subject: Subject) -> Iterator[Hit]:
    """The payload does not have the described length, and where the description has the PCI ids there are ids that no
    device of this name has: the section has another device's state, or nothing begins where it should. QEMU says "Bad
    config data: i=0x0".

    References: QEMU, hw/pci/pci.c: get_pci_config_device.
    """
    described = {d.key: d for d in subject.described}
    for device in subject.devices:
        entry = described.get(device.section.key)
        if device.described or entry is None:
            continue
        payload = device.section.payload
        layout = compile_device(entry)
        stop = min(payload.start + layout.size, subject.stream.size)
        if stop - payload.start < layout.size:
            continue
        laid = root(
            layout,
            Span(payload.start, stop),
            device.path,
            subject.stream.store.view,
            device=device.name,
        )
        for error in wrong_identity(laid):
            at = error.at if error.at is not None else payload.start
            yield Hit(
                message=f"in the place of its PCI registers: {error.message}",
                section=device.path,
                path="/".join(error.path),
                span=Span(at, at + 2),
                expected=str(error.expected or ""),
                found=str(error.found or ""),
                hint="two sections may have exchanged their payloads",
            )


def _of_pci(subject: Subject, name: str) -> Iterator[tuple[Device, Value]]:
    """The value beside each configuration space: of the PCIDevice that it belongs to."""
    for device in subject.devices:
        config = config_space(device.value) if device.described else None
        if config is None:
            continue
        above = config.path[len(device.path) :].strip("/").rpartition("/")[0]
        holder = device.value[above] if above else device.value
        value = next((c for c in holder.children if c.name == name), None)
        if value is not None and value.span.size in {4, 16}:
            yield device, value


def _msix(value: Value, depth: int = 6) -> Iterator[Value]:
    for child in value.children if depth else ():
        if child.type == "msix state":
            yield child
        elif child.count is None and (child.kind != "leaf" or child.type == "virtio"):
            yield from _msix(child, depth - 1)
