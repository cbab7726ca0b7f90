"""virtio: what virtio's own code writes of a device (hw/virtio/virtio.c: virtio_save).

Its transport's state, then the device's registers and queues, then what the code of this kind of
device adds (`virtio_devices`), then subsections. The section's name says which transport it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import (
    SUBSECTION,
    Inside,
    Parts,
    Subsection,
    Unclear,
    fields,
    node,
    size_of,
)
from migstream.vmstate.meaning.pci import (
    CONVENTIONAL,
    EXPRESS,
    EXPRESS_SPACE,
    capabilities,
    msix_size,
    msix_vectors,
)
from migstream.vmstate.meaning.s390 import channel_device
from migstream.vmstate.values import Value

__all__ = ["in_big_endian", "is_big", "taken", "transport", "virtio", "virtio_blob"]

VERSION_1 = 32  # of the features: a driver that speaks VIRTIO 1, whose devices are little-endian
BIG = 2  # include/hw/virtio/virtio.h: VIRTIO_DEVICE_ENDIAN_BIG

MOST_QUEUES = 1024  # include/hw/virtio/virtio.h: VIRTIO_QUEUE_MAX
LARGEST_QUEUE = 1024  # VIRTQUEUE_MAX_SIZE
LONGEST_CONFIG = 1 << 16
MOST_PLACES = 64  # that look like the first subsection

# The last part of a path on a PCI bus is slot and function (hw/pci/pci.c: pcibus_get_dev_path);
# that on the channel bus is its device number (hw/s390x/css-bridge.c: virtual_css_bus_get_dev_path).
PCI_PATH = re.compile(r":[0-9a-f]{2}\.[0-7]")
CCW_PATH = re.compile(r"/[0-9a-f]{2}\.[0-9a-f]\.[0-9a-f]{4}")
CCW_MACHINE = "s390-ccw"


def virtio_blob(device: Iterable[Value]) -> Value | None:
    """What virtio's own code wrote, among the fields of a device; None of what is not virtio."""
    return next((one for one in device if one.type == "virtio" and one.kind == "leaf"), None)


def transport(device: str, machine: str | None) -> str:
    """How a virtio device is reached: `pci`, `ccw` or `mmio`.

    Parameters
    ----------
    device : the section's name: `0000:00:03.0/virtio-net`
    machine : the machine type, None where the stream names none
    """
    place = device.rpartition("/")[0]
    if PCI_PATH.search(place, max(len(place) - len(":00.0"), 0)):
        return "pci"
    if CCW_PATH.fullmatch(place) or (machine or "").startswith(CCW_MACHINE):
        return "ccw"
    return "mmio"


# --- of the whole device --------------------------------------------------------------------------


def taken(inside: Inside) -> int:
    """The features that the guest took, all bits of them."""
    bits = inside.number("guest_features")
    wide = inside.beside("virtio/64bit_features")
    return bits if wide is None else int(wide["guest_features"])


def in_big_endian(features: int, order: int | None, *, target: bool) -> bool:
    """Whether what a device and its driver share is: numbers of its queues and its configuration.

    Parameters
    ----------
    features : that the guest took
    order : `device_endian`; a legacy device says only what is not its target's own (virtio_device_endian_needed)
    target : whether the guest's architecture is
    """
    return not features >> VERSION_1 & 1 and (target if order is None else order == BIG)


def is_big(inside: Inside) -> bool:
    """The same of a device in which a decoder is asked about something."""
    said = inside.beside("virtio/device_endian")
    order = None if said is None else int(said["device_endian"])
    return in_big_endian(taken(inside), order, target=inside.big_endian())


# --- subsections: hw/virtio/virtio.c: vmstate_virtio ------------------------------------------------

_MODERN_QUEUE = fields(
    ("num", "uint16", 2),
    ("unused", "unused_buffer", 1),
    ("enabled", "bool", 1),
    ("desc", "uint32", 4, 2),
    ("avail", "uint32", 4, 2),
    ("used", "uint32", 4, 2),
)
_MMIO_QUEUE = fields(
    ("num", "uint16", 2),
    ("enabled", "bool", 1),
    ("desc", "uint32", 4, 2),
    ("avail", "uint32", 4, 2),
    ("used", "uint32", 4, 2),
)
_RING = fields(("avail", "uint64", 8), ("used", "uint64", 8))
_PACKED = fields(
    ("last_avail_idx", "uint16", 2),
    ("last_avail_wrap_counter", "bool", 1),
    ("used_idx", "uint16", 2),
    ("used_wrap_counter", "bool", 1),
    ("inuse", "uint32", 4),
)


def _each_queue(name: str, inner: tuple[Node, ...]) -> Node:
    return node(name, "struct", 0, size_of(inner) * MOST_QUEUES, MOST_QUEUES, inner)


_MODERN = Subsection(
    (
        *fields(
            ("dfselect", "uint32", 4), ("gfselect", "uint32", 4), ("guest_features", "uint32", 4, 2)
        ),
        _each_queue("vqs", _MODERN_QUEUE),
    ),
    {
        b"virtio_pci/modern_state/features128": Subsection(
            fields(("guest_features", "uint32", 4, 2))
        )
    },
)
_MMIO = Subsection((*fields(("guest_features", "uint32", 4, 2)), _each_queue("vqs", _MMIO_QUEUE)))
# hw/virtio/virtio-pci.c: vmstate_virtio_pci; hw/virtio/virtio-mmio.c: vmstate_virtio_mmio
_TRANSPORTS = {
    b"virtio_pci/modern_state": _MODERN,
    b"virtio_mmio/state": _MMIO,
    b"virtio_mmio/modern_state": _MMIO,
}
_SUBSECTIONS = {
    b"virtio/device_endian": Subsection(fields(("device_endian", "uint8", 1))),
    b"virtio/64bit_features": Subsection(fields(("guest_features", "uint64", 8))),
    b"virtio/128bit_features": Subsection(fields(("guest_features_ex[1]", "uint64", 8))),
    b"virtio/virtqueues": Subsection((_each_queue("vq", _RING),)),
    b"virtio/ringsize": Subsection(fields(("num_default", "uint32", 4, MOST_QUEUES))),
    b"virtio/broken": Subsection(fields(("broken", "bool", 1))),
    b"virtio/extra_state": Subsection(inside=_TRANSPORTS),
    b"virtio/started": Subsection(fields(("started", "bool", 1))),
    b"virtio/packed_virtqueues": Subsection((_each_queue("vq", _PACKED),)),
    b"virtio/disabled": Subsection(fields(("disabled", "bool", 1))),
}
_OURS = b"virtio/"


def _begins(raw: memoryview, at: int) -> bool:
    out = Parts(raw)
    out.at = at
    name = out.subsection_name()
    return name is not None and name.startswith(_OURS) and at + 6 + len(name) <= len(raw)


def _next(raw: memoryview, data: bytes, at: int) -> int:
    """Where the next subsection of virtio begins, or the end."""
    while (at := data.find(_OURS, at)) >= 0:
        if at >= 2 and data[at - 2] == SUBSECTION and _begins(raw, at - 2):
            return at - 2
        at += 1
    return len(raw)


def _subsections(out: Parts) -> None:
    """Subsections up to the end. One that is not known is a name and the bytes up to the next."""
    data = bytes(out.raw)
    while out.left:
        name = out.subsection_name()
        if name is None or not _begins(out.raw, out.at):
            raise Unclear
        known = _SUBSECTIONS.get(name)
        at, before = out.at, len(out.nodes)
        if known is not None:
            out.subsection(known)
        if known is None or (known.inside and out.left and not _begins(out.raw, out.at)):
            # nothing that is known; or something else stands in what a transport adds
            del out.nodes[before:]
            out.at = at
            _unknown(out, name, data)


def _unknown(out: Parts, name: bytes, data: bytes) -> None:
    inner = out.inside()
    inner.u8("type")
    inner.add("idstr", "capability", 1 + len(name))
    inner.u32("version_id")
    start = out.at + inner.at
    inner.add("data", "buffer", _next(out.raw, data, start) - start)
    out.close(name.decode("ascii"), inner, "subsection")


# --- transports ----------------------------------------------------------------------------------


def _pci(out: Parts) -> bool:
    """hw/virtio/virtio-pci.c: virtio_pci_save_config. Whether each queue has a vector.

    The space is that of PCI Express exactly where the device has the express capability
    (virtio_pci_realize takes the one away where it does not add the other).
    """
    out.number("version_id", "int32 le", 4)
    first = out.raw[out.at : out.at + CONVENTIONAL]
    express = any(kind == EXPRESS for _, kind in capabilities(first))
    space = out.add("config", "pci config", EXPRESS_SPACE if express else CONVENTIONAL)
    out.add("irq_state", "pci irq state", 16)
    vectors = msix_vectors(space)
    if vectors is None:
        return False
    out.add("msix", "msix state", msix_size(vectors))
    out.u16("config_vector")
    return True


def _mmio(out: Parts) -> None:
    """hw/virtio/virtio-mmio.c: virtio_mmio_save_config."""
    out.u32("host_features_sel")
    out.u32("guest_features_sel")
    out.u32("guest_page_shift")


# --- the blob ------------------------------------------------------------------------------------


def virtio(raw: memoryview, inside: Inside) -> list[Node]:
    """`virtio`: the transport's state, and everything after it."""
    out = Parts(raw)
    kind = transport(inside.device, inside.machine)
    align = vector = False
    match kind:
        case "pci":
            vector = _pci(out)
        case "ccw":
            channel_device(out)
            vector = True
        case _:
            _mmio(out)
            align = True
    out.u8("status")
    out.u8("isr")
    out.u16("queue_sel")
    out.u32("guest_features")
    length = out.u32("config_len")
    if length > LONGEST_CONFIG:
        raise Unclear
    out.add("device_config", "buffer", length)
    _queues(out, align=align, vector=vector)
    start, subsections = _tail(raw, out.at)
    out.add("device", "buffer", start - out.at)
    return [*out.nodes, *subsections]


def _tail(raw: memoryview, at: int) -> tuple[int, list[Node]]:
    """The subsections and where they begin: the first place from which they reach the end.

    What stands before them says neither name nor length, and a guest may have written into it.
    """
    start = _next(raw, data := bytes(raw), at)
    for _ in range(MOST_PLACES):
        out = Parts(raw)
        out.at = start
        try:
            _subsections(out)
        except Unclear:
            start = _next(raw, data, start + 3)
        else:
            return start, out.nodes
    raise Unclear


def _queues(out: Parts, *, align: bool, vector: bool) -> None:
    count = out.u32("queue_count")
    if count > MOST_QUEUES:
        raise Unclear
    described: list[tuple[str, str, int]] = [("num", "uint32", 4)]
    described += [("align", "uint32", 4)] if align else []
    described += [("desc", "uint64", 8), ("last_avail_idx", "uint16", 2)]
    described += [("vector", "uint16", 2)] if vector else []
    out.struct("queues", fields(*described), count)
