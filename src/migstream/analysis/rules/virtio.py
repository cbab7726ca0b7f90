"""Rules about virtio devices: what QEMU checks when it loads one, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from migstream.analysis.rules.registry import Hit, Subject, rule
from migstream.stream import Device
from migstream.vmstate.meaning.virtio import LARGEST_QUEUE, MOST_QUEUES, virtio_blob
from migstream.vmstate.values import Value

__all__: list[str] = []

STATUS = 0xCF  # acknowledge, driver, driver ok, features ok, needs reset, failed
ISR = 0x03


@rule("MS551", "warning", "A virtio device's state does not have the parts that it should")
def unclear(subject: Subject) -> Iterator[Hit]:
    """Devices of virtio write their state by hand, and the description shows it as one blob. `migstream` follows the blob
    part by part: transport, status, features, configuration, queues, device, subsections. Here the parts do not add
    up: a length or a count inside is damaged, or this is a device or release that migstream does not know.

    References: QEMU, hw/virtio/virtio.c: virtio_save, virtio_load.
    """
    for device, blob in _blobs(subject):
        if blob.span.size and not any(part.name == "queues" for part in blob.children):
            yield Hit(
                message="the state of a virtio device cannot be followed",
                section=device.path,
                path=blob.path,
                span=blob.span,
                hint="if the device works, report it with `migstream redact`",
            )


@rule("MS552", "error", "A virtqueue is one that QEMU refuses")
def queues(subject: Subject) -> Iterator[Hit]:
    """QEMU refuses a stream in which a queue has more entries than fit (at most 1024), has an index although it has no
    address ("VQ N address 0x0 inconsistent with Host index"), or in which there are more than 1024 queues ("Invalid
    number of virtqueues").

    References: QEMU, hw/virtio/virtio.c: virtio_load.
    """
    for device, blob in _blobs(subject):
        parts = {c.name: c for c in blob.children}
        count = parts.get("queue_count")
        if count is not None and count.value > MOST_QUEUES:
            yield Hit.of(
                device,
                count,
                "more queues than there can be",
                f"at most {MOST_QUEUES}",
                str(count.value),
            )
        many = parts.get("queues")
        for queue in islice(many.elements(), MOST_QUEUES) if many is not None else ():
            yield from _queue(device, queue)


def _queue(device: Device, queue: Value) -> Iterator[Hit]:
    fields = {c.name: c for c in queue.children}
    number, address, index = (fields.get(name) for name in ("num", "desc", "last_avail_idx"))
    if number is not None and number.value > LARGEST_QUEUE:
        yield Hit.of(
            device,
            number,
            "a queue of too many entries",
            f"at most {LARGEST_QUEUE}",
            str(number.value),
        )
    if address is not None and index is not None and not address.value and index.value:
        yield Hit.of(device, index, "an index in a queue without address", "0", str(index.value))


@rule("MS553", "warning", "A virtio register has bits that do not exist")
def registers(subject: Subject) -> Iterator[Hit]:
    """The device status has bits 0-3, 6 and 7, the interrupt status bits 0 and 1. QEMU takes others as they are.

    References: Virtual I/O Device (VIRTIO) 1.2, 2.1 and 4.1.4.5.
    """
    known = {"status": STATUS, "isr": ISR}
    for device, blob in _blobs(subject):
        for part in blob.children:
            mask = known.get(part.name)
            if mask is not None and part.span.size == 1 and part.value & ~mask:
                yield Hit.of(
                    device,
                    part,
                    f"{part.name} has bits that do not exist",
                    f"bits of {mask:#04x} only",
                    f"{part.value:#04x}",
                )


def _blobs(subject: Subject) -> Iterator[tuple[Device, Value]]:
    for device in subject.devices:
        blob = virtio_blob(device) if device.described else None
        if blob is not None:
            yield device, blob
