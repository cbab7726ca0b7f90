"""The text of consoles: on a VGA's screen, and in the buffers of serial ports and of virtio consoles.

References: QEMU, hw/char/serial.c: vmstate_serial_recv_fifo, vmstate_serial_xmit_fifo; util/fifo8.c; hw/char/pl011.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from migstream.errors import MigstreamError, NoSuchAddress, Unsupported
from migstream.machine.display import heads
from migstream.machine.display.model import Guest
from migstream.machine.state import DeviceState, child, number
from migstream.machine.virtqueue import Chain, queues
from migstream.vmstate.values import Value

if TYPE_CHECKING:
    from migstream.machine.kernellog import Running
    from migstream.machine.physical import PhysicalMemory

__all__ = ["KERNEL", "Console", "consoles", "kernel"]

VIRTIO_CONSOLE, TRANSMIT = "virtio-console", "transmitq"
LONGEST = 1 << 16  # bytes of all ports of a device that are read
KERNEL = "kernel"  # the name of a console that is no device's

# In a serial port's state, and what it means to the guest
FIFOS = (("recv_fifo", "received, not read by the guest"), ("xmit_fifo", "written, not sent"))


class Console(msgspec.Struct, frozen=True, kw_only=True):
    """Text of a device: `what` says where it stands in it."""

    device: str
    what: str
    lines: list[str]


def consoles(guest: Guest) -> Iterator[Console]:
    """Every screen in a text mode, then every buffer of a serial port that is not empty."""
    for one in heads(guest):
        if one.text is not None:
            shown = one.display
            what = f"on its screen, {shown.columns}x{shown.rows}"
            yield Console(device=shown.device, what=what, lines=_lines(one.text()))
    for device in guest.devices:
        try:
            yield from _serial(device)
            yield from _virtio(device, guest.memory)
        except MigstreamError:
            continue  # not the state of such a device, whatever it is called


def kernel(guest: Running) -> Console:
    """A Linux guest's log; raises Unsupported where there is none that can be read."""
    from migstream.machine.kernellog import kernel_log

    found = kernel_log(guest)
    if found is None:
        raise Unsupported(
            "no kernel's log was found in guest memory",
            hint="it is found by the note for dumps (VMCOREINFO) that Linux has in its memory",
        )
    return Console(device=KERNEL, what=f"its log, Linux {found.release}", lines=found.lines)


def _lines(text: list[str]) -> list[str]:
    """Without the empty ones behind the last."""
    while text and not text[-1]:
        text = text[:-1]
    return text


def _serial(device: DeviceState) -> Iterator[Console]:
    name = device.name.rpartition("/")[2]
    if "serial" in name:
        yield from _fifos(device)
    elif name == "pl011":
        held = _pl011(device.value)
        if held:
            yield Console(device=device.path, what=FIFOS[0][1], lines=_text(held))


def _virtio(device: DeviceState, memory: PhysicalMemory) -> Iterator[Console]:
    """Of each port of a virtio-console what its driver has put into the queue, and the host has not taken yet."""
    if device.value.type != VIRTIO_CONSOLE:
        return
    left = LONGEST
    for queue in queues(memory, device.value):
        if not queue.name.startswith(TRANSMIT):
            continue
        held = b""
        for chain in queue.chains:
            held += _read(chain, memory, left - len(held))
        left -= len(held)
        if held:
            port = queue.name.removeprefix(TRANSMIT).strip("()")
            yield Console(device=device.path, what=f"{port}: {FIFOS[1][1]}", lines=_text(held))


def _read(chain: Chain, memory: PhysicalMemory, most: int) -> bytes:
    """The bytes of a request's buffers that the device reads, as far as they are guest memory."""
    out = b""
    for one in chain.descriptors:
        if one.writes or "INDIRECT" in one.flags or len(out) == most:
            continue
        try:
            out += memory.read(one.address, min(one.length, most - len(out)))
        except NoSuchAddress:
            break
    return out


def _fifos(device: DeviceState) -> Iterator[Console]:
    """Of each port of a card: a FIFO is a subsection that is there where it is not empty."""
    state = child(device.value, "state") or device.value
    for port in [state] if state.count is None else state.children:
        for fifo, what in FIFOS:
            queue = child(port, f"serial/{fifo}", fifo)
            held = b"" if queue is None else _fifo8(queue)
            if held:
                yield Console(device=device.path, what=what, lines=_text(held))


def _fifo8(queue: Value) -> bytes:
    data, first, count = child(queue, "data"), number(queue, "head"), number(queue, "num")
    raw = b"" if data is None else bytes(data.raw)
    return _ring(raw, first or 0, count or 0)


def _pl011(value: Value) -> bytes:
    data = child(value, "read_fifo")
    raw = (
        b"" if data is None else bytes(data.raw)[3::4]
    )  # of each word the lowest byte is the character
    return _ring(raw, number(value, "read_pos") or 0, number(value, "read_count") or 0)


def _ring(raw: bytes, first: int, count: int) -> bytes:
    if not raw or not 0 <= first < len(raw) or not 0 < count <= len(raw):
        return b""
    return (raw[first:] + raw[:first])[:count]


def _text(raw: bytes) -> list[str]:
    return raw.decode("utf-8", "replace").splitlines() or [""]
