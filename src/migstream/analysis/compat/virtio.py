"""Rules for virtio devices: their queues, and what the blob that their code wrote is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from migstream.analysis.compat.align import parts
from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.model import Problem
from migstream.analysis.compat.said import Words
from migstream.vmstate.meaning.virtio import virtio_blob
from migstream.wire.model import Span

if TYPE_CHECKING:
    from migstream.stream import Device
    from migstream.vmstate.values import Value

__all__ = [
    "blob_subsections",
    "gpu_outputs",
    "memory_device",
    "serial_ports",
    "virtqueues",
]

QUEUE_SIZE_CHECKED = (11, 1)  # hw/virtio/virtio.c: virtio_load; not in 10.0


def _numbers(queues: Value) -> list[int]:
    """The first word of every queue: how many entries it has."""
    stride = queues.node.stride
    raw = queues.raw
    return [int.from_bytes(raw[at : at + 4], "big") for at in range(0, len(raw), stride)]


def virtqueues(
    ours: Device, theirs: Device, destination: Destination, words: Words
) -> Iterator[Problem]:
    """A queue may not be larger than the device made it; nobody looked before 11.1."""
    blob, other = virtio_blob(ours), virtio_blob(theirs)
    if blob is None or other is None or not destination.release.since(QUEUE_SIZE_CHECKED):
        return
    queues, limits = parts(blob).get("queues"), parts(other).get("queues")
    if queues is None or limits is None:
        return
    most = _numbers(limits)
    for index, number in enumerate(_numbers(queues)):
        limit = most[index] if index < len(most) else 0
        if number > limit:
            at = queues.span.start + index * queues.node.stride
            yield Problem(
                kind="virtqueue",
                device=ours.path,
                path=f"{queues.path}[{index}]/num",
                span=Span(at, at + 4),
                message=f"queue {index} has {number} entries, on the destination it has {limit} at most",
                said=words.device(
                    ours,
                    words.say("vring-size", queue=index, received=number, local=limit),
                    fields=words.chain(ours, ["virtio"]),
                    errno="EINVAL",
                ),
                hint="the size of a queue is an option of the device (queue-size, rx_queue_size)",
            )
            return


def _inside(value: Value) -> Iterator[Value]:
    for child in value.children:
        if child.kind == "subsection" or child.type == "subsection":
            yield child
            yield from _inside(child)


def blob_subsections(
    ours: Device, _: Device, destination: Destination, words: Words
) -> Iterator[Problem]:
    """Subsections inside the blob, which neither description nor schema shows."""
    blob = virtio_blob(ours)
    for part in _inside(blob) if blob is not None else ():
        if destination.lacks(part.name):
            yield Problem(
                kind="subsection",
                device=ours.path,
                path=part.path,
                span=part.span,
                message=f"the destination knows no subsection {part.name}",
                said=words.device(ours, fields=words.chain(ours, ["virtio"]), errno="ENOENT"),
                hint="a feature that only a newer QEMU offers was taken by the guest",
            )


# --- what a device's own code wrote --------------------------------------------------------------


def _own(device: Device) -> Value | None:
    """The part of the blob that the code of this kind of device wrote."""
    blob = virtio_blob(device)
    return None if blob is None else parts(blob).get("device")


def _be32(raw: memoryview | bytes, at: int) -> int:
    return int.from_bytes(raw[at : at + 4], "big")


class Checked(NamedTuple):
    """A number of virtio-mem's sanity checks; `at` in bytes from where they start; how QEMU says it."""

    at: int
    size: int
    property: str
    variant: str


# hw/virtio/virtio-mem.c: virtio_mem_mig_sanity_checks_post_load
VIRTIO_MEM = (
    Checked(0, 8, "memaddr", "address"),
    Checked(8, 8, "memdev", "size"),
    Checked(16, 8, "block-size", "address"),
    Checked(24, 4, "node", "number"),
)
EARLY = "virtio-mem-device-early"  # a section of its own, for machine types of 8.1 and newer


def memory_device(
    ours: Device, theirs: Device, destination: Destination, words: Words
) -> Iterator[Problem]:
    """What a virtio-mem device was made with is sent first, and must be the same."""
    early = ours.value.type == EARLY
    if early:
        own, local = (parts(one.value).get("tmp") for one in (ours, theirs))
    elif ours.value.type == "virtio-mem" and not destination.sections_ending(EARLY):
        own, local = _own(ours), _own(theirs)
    else:
        return
    if own is None or local is None:
        return
    for check in VIRTIO_MEM:
        mine, there = (
            int.from_bytes(one.raw[check.at : check.at + check.size], "big") for one in (own, local)
        )
        if mine == there:
            continue
        line = words.say(
            f"virtio-mem/{check.variant}", property=check.property, received=mine, local=there
        )
        at = own.span.start + check.at
        yield Problem(
            kind="value",
            device=ours.path,
            path=own.path,
            span=Span(at, at + check.size),
            message=line,
            said=words.sanity(
                ours,
                line,
                state=EARLY if early else "virtio-mem-device",
                part="virtio-mem-device/sanity-checks",
                blob=not early,
            ),
            hint="an option of the device: memaddr, memdev, block-size, node",
        )
        return


MOST_PORTS = 511  # hw/char/virtio-serial-bus.c: VIRTIO_CONSOLE_MAX_PORTS; more is one that a guest sees turned round
PORT = "port_"
PORTS, PORTS_MAP = 4, 8  # bytes from the start: most ports, then a bit for each that is there


def serial_ports(ours: Device, theirs: Device, _: Destination, words: Words) -> Iterator[Problem]:
    """The ports of a virtio-serial device must be the destination's.

    References
    ----------
    QEMU, hw/char/virtio-serial-bus.c: virtio_serial_load_device, fetch_active_ports_list, virtio_serial_save_device
    """
    own, local = _own(ours), _own(theirs)
    if ours.value.type != "virtio-console" or own is None or local is None:
        return
    most = _be32(local.raw, PORTS)
    if most > MOST_PORTS:
        most = int.from_bytes(local.raw[PORTS:PORTS_MAP], "little")
    stop = PORTS_MAP + 4 * -(-most // 32)
    mine, there = bytes(own.raw[PORTS_MAP:stop]), bytes(local.raw[PORTS_MAP:stop])
    known = {bytes(port.raw) for port in _port_ids(local)}
    gone = next((port for port in _port_ids(own) if bytes(port.raw) not in known), None)
    if mine != there:
        start = own.span.start + PORTS_MAP
        path, span = own.path, Span(start, start + max(len(mine), 1))
        message = f"the ports in use are {_ports(mine)}, on the destination {_ports(there)}"
    elif gone is not None:
        # of port 0, which is kept for a console, the map says that it is there where it is not
        path, span = gone.path, gone.span
        message = (
            f"port {_be32(gone.raw, 0)} is in use, and the destination has none of that number"
        )
    else:
        return
    yield Problem(
        kind="value",
        device=ours.path,
        path=path,
        span=span,
        message=message,
        said=words.device(ours, fields=words.chain(ours, ["virtio"])),
        hint="the same virtserialport and virtconsole devices, with the same nr",
    )


def _port_ids(own: Value) -> list[Value]:
    """The numbers of the ports that there are, as far as the device's part can be taken apart."""
    return [parts(one)["id"] for one in own.children if one.name.startswith(PORT)]


def _ports(bits: bytes) -> str:
    words = [_be32(bits, at) for at in range(0, len(bits), 4)]
    found = [
        str(32 * n + bit) for n, word in enumerate(words) for bit in range(32) if word >> bit & 1
    ]
    return ", ".join(found) or "none"


RESOURCE, BACKING, PIXEL = (
    20,
    12,
    4,
)  # bytes: head of a resource, one piece of its backing, one pixel


OUTPUT = 40  # bytes of each output, as long as none has a frame buffer of its own (since 9.1)


def gpu_outputs(ours: Device, theirs: Device, _: Destination, words: Words) -> Iterator[Problem]:
    """The number of outputs must be the destination's; it stands behind the guest's resources.

    References
    ----------
    QEMU, hw/display/virtio-gpu.c: virtio_gpu_save, vmstate_virtio_gpu_scanouts
    """
    mine, there = (
        next((child for child in one if child.type == "virtio-gpu"), None) for one in (ours, theirs)
    )
    if mine is None or there is None:
        return
    at, local = _behind_resources(mine.raw), _behind_resources(there.raw)
    if at is None or local is None:
        return
    outputs, most = _be32(mine.raw, at + 4), _be32(there.raw, local + 4)
    if outputs != most:
        start = mine.span.start + at + 4
        field = ("virtio-gpu-scanouts", "parent_obj.conf.max_outputs")
        yield Problem(
            kind="value",
            device=ours.path,
            path=mine.path,
            span=Span(start, start + 4),
            message=f"the device has {outputs} outputs, on the destination {most}",
            said=words.device(
                ours,
                words.say("equal", received=most, local=outputs),
                fields=[field, *words.chain(ours, ["virtio-gpu"])],
            ),
            hint="an option of the device: max_outputs",
        )
        return
    rest = [len(raw) - place - 8 for raw, place in ((mine.raw, at), (there.raw, local))]
    if outputs and (rest[0] == OUTPUT * outputs) != (rest[1] == OUTPUT * outputs):
        start = mine.span.start + at + 8
        yield Problem(
            kind="fields",
            device=ours.path,
            path=mine.path,
            span=Span(start, start + max(rest[0], 1)),
            message=f"its outputs have {rest[0]} bytes where the destination reads {rest[1]}",
            said=words.missing_footer(ours.section),
            hint="a machine type of 9.0 or older on both sides, and one output",
        )


def _behind_resources(raw: memoryview) -> int | None:
    """Where the scanouts begin: behind the list of resources and its end, a zero; None where it is cut."""
    at = 0
    while at + RESOURCE <= len(raw) and _be32(raw, at):
        width, height = _be32(raw, at + 4), _be32(raw, at + 8)
        at += RESOURCE + BACKING * _be32(raw, at + 16) + PIXEL * width * height
    return at + 4 if at + 12 <= len(raw) and not _be32(raw, at) else None
