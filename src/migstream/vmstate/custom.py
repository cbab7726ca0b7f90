"""The insides of composite values that the description shows as one blob.

An expander gives parts that cover the blob without a gap, or nothing when it does not understand
the bytes. It never raises. QEMU writes these by hand: hw/virtio/virtio.c (virtio_save), hw/pci.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

import msgspec

__all__ = ["EXPANDERS", "Part"]

MAX_QUEUES = 1024  # VIRTIO_QUEUE_MAX
MAX_CONFIG = 1 << 16
SCAN = 1024  # how far a CCW transport part may reach


class Part(msgspec.Struct, frozen=True):
    """A piece of a blob: `count` elements in `size` bytes.

    `offset` counts from the start of the enclosing part (of one element, in an array), at the
    top from the start of the blob.
    """

    name: str
    type: str
    offset: int
    size: int
    count: int = 1
    children: tuple[Part, ...] = ()


class _Unclear(Exception):
    pass


_Reading = Callable[[memoryview], list[Part]]


class _Parts:
    """Parts one after another over `raw`."""

    def __init__(self, raw: memoryview) -> None:
        self.raw = raw
        self.at = 0
        self.parts: list[Part] = []

    @property
    def left(self) -> int:
        return len(self.raw) - self.at

    def add(
        self, name: str, kind: str, size: int, count: int = 1, children: tuple[Part, ...] = ()
    ) -> memoryview:
        """A part of `size` bytes; those without bytes are left out."""
        if not 0 <= size <= self.left:
            raise _Unclear
        piece = self.raw[self.at : self.at + size]
        if size:
            self.parts.append(Part(name, kind, self.at, size, count, children))
        self.at += size
        return piece

    def number(self, name: str, kind: str, size: int) -> int:
        return int.from_bytes(self.add(name, kind, size), "big")

    def u8(self, name: str) -> int:
        return self.number(name, "uint8", 1)

    def u16(self, name: str) -> int:
        return self.number(name, "uint16", 2)

    def u32(self, name: str) -> int:
        return self.number(name, "uint32", 4)

    def u64(self, name: str) -> int:
        return self.number(name, "uint64", 8)

    def group(self, name: str, kind: str, inner: Iterable[Part], size: int, count: int = 1) -> None:
        """A struct, or an array of structs, whose element consists of `inner`."""
        self.add(name, kind, size, count, tuple(inner))

    def done(self) -> list[Part]:
        if self.left:
            raise _Unclear
        return self.parts


def _fields(*fields: tuple[str, str, int] | tuple[str, str, int, int]) -> tuple[Part, ...]:
    """Parts from (name, type, size of one[, count]), one after another."""
    out: list[Part] = []
    at = 0
    for name, kind, size, *more in fields:
        count = more[0] if more else 1
        out.append(Part(name, kind, at, size * count, count))
        at += size * count
    return tuple(out)


def _size(parts: tuple[Part, ...]) -> int:
    return parts[-1].offset + parts[-1].size


# --- PCI -----------------------------------------------------------------------------------------

_HEAD: tuple[tuple[str, str, int], ...] = (
    ("vendor_id", "le16", 2),
    ("device_id", "le16", 2),
    ("command", "le16", 2),
    ("status", "le16", 2),
    ("revision", "uint8", 1),
    ("prog_if", "uint8", 1),
    ("subclass", "uint8", 1),
    ("class", "uint8", 1),
    ("cache_line_size", "uint8", 1),
    ("latency_timer", "uint8", 1),
    ("header_type", "uint8", 1),
    ("bist", "uint8", 1),
)
_DEVICE = _fields(
    *_HEAD,
    ("bar", "le32", 4, 6),
    ("cardbus_cis", "le32", 4),
    ("subsystem_vendor_id", "le16", 2),
    ("subsystem_id", "le16", 2),
    ("rom", "le32", 4),
    ("capabilities", "uint8", 1),
    ("reserved", "buffer", 7),
    ("interrupt_line", "uint8", 1),
    ("interrupt_pin", "uint8", 1),
    ("min_grant", "uint8", 1),
    ("max_latency", "uint8", 1),
)
_BRIDGE = _fields(
    *_HEAD,
    ("bar", "le32", 4, 2),
    ("primary_bus", "uint8", 1),
    ("secondary_bus", "uint8", 1),
    ("subordinate_bus", "uint8", 1),
    ("secondary_latency_timer", "uint8", 1),
    ("io_base", "uint8", 1),
    ("io_limit", "uint8", 1),
    ("secondary_status", "le16", 2),
    ("memory_base", "le16", 2),
    ("memory_limit", "le16", 2),
    ("prefetch_base", "le16", 2),
    ("prefetch_limit", "le16", 2),
    ("prefetch_base_upper", "le32", 4),
    ("prefetch_limit_upper", "le32", 4),
    ("io_base_upper", "le16", 2),
    ("io_limit_upper", "le16", 2),
    ("capabilities", "uint8", 1),
    ("reserved", "buffer", 3),
    ("rom", "le32", 4),
    ("interrupt_line", "uint8", 1),
    ("interrupt_pin", "uint8", 1),
    ("bridge_control", "le16", 2),
)
_PM = (("pmc", "le16", 2), ("pmcsr", "le16", 2), ("pmcsr_bridge", "uint8", 1), ("data", "uint8", 1))
_MSIX = (("control", "le16", 2), ("table", "le32", 4), ("pba", "le32", 4))
_VENDOR = (("length", "uint8", 1), ("kind", "uint8", 1))
# Capability id: name and the fields after id and next. What is between them and the next is `rest`.
_CAPS: dict[int, tuple[str, tuple[tuple[str, str, int], ...]]] = {
    0x01: ("pm", _PM),
    0x02: ("agp", ()),
    0x03: ("vpd", (("address", "le16", 2), ("data", "le32", 4))),
    0x04: ("slot_id", ()),
    0x05: ("msi", (("control", "le16", 2), ("address_low", "le32", 4))),
    0x07: ("pci_x", ()),
    0x09: ("vendor", _VENDOR),
    0x0C: ("shpc", ()),
    0x0D: (
        "subsystem",
        (("reserved", "le16", 2), ("vendor_id", "le16", 2), ("device_id", "le16", 2)),
    ),
    0x10: ("express", (("capabilities", "le16", 2), ("device_capabilities", "le32", 4))),
    0x11: ("msix", _MSIX),
    0x12: ("sata", ()),
    0x13: ("af", ()),
}
_EXT_CAPS = {
    0x01: "aer",
    0x03: "serial_number",
    0x0B: "vendor_extended",
    0x0D: "acs",
    0x0E: "ari",
    0x0F: "ats",
    0x10: "sriov",
    0x13: "pri",
    0x1B: "pasid",
    0x23: "dvsec",
    0x2E: "doe",
}


def _capabilities(raw: memoryview) -> list[tuple[int, int]]:
    """(offset, id) of the ordinary capabilities in the order of the list, each at most once."""
    found: dict[int, int] = {}
    at = raw[0x34] & 0xFC if raw[6] & 0x10 else 0
    while 0x40 <= at <= 0xFE and at not in found:
        found[at] = raw[at]
        at = raw[at + 1] & 0xFC
    return list(found.items())


def _extended(raw: memoryview) -> list[tuple[int, int]]:
    found: dict[int, int] = {}
    at = 0x100
    while 0x100 <= at <= len(raw) - 4 and at not in found:
        [head] = struct.unpack_from("<I", raw, at)
        if head in {0, 0xFFFFFFFF}:
            break
        found[at] = head & 0xFFFF
        at = head >> 20 & 0xFFC
    return list(found.items())


def _capability(out: _Parts, kind: int, size: int) -> None:
    name, body = _CAPS.get(kind, (f"cap_{kind:02x}", ()))
    inner = _fields(("id", "uint8", 1), ("next", "uint8", 1), *body)
    if _size(inner) > size:
        inner = _fields(("id", "uint8", 1), ("next", "uint8", 1))
    _with_rest(out, f"{name}_{out.at:02x}", inner, size)


def _with_rest(out: _Parts, name: str, inner: tuple[Part, ...], size: int) -> None:
    known = _size(inner)
    rest = (Part("rest", "buffer", known, size - known),) if size > known else ()
    out.group(name, "struct", inner + rest, size)


def _pci_config(raw: memoryview) -> list[Part]:
    if len(raw) not in {256, 4096}:
        raise _Unclear
    out = _Parts(raw)
    header = _BRIDGE if raw[0x0E] & 0x7F == 1 else _DEVICE
    out.parts.extend(header)
    out.at = _size(header)
    ordinary = dict(_capabilities(raw))
    extended = dict(_extended(raw)) if len(raw) > 256 else {}
    starts = sorted({*ordinary, *extended})
    for at, stop in zip(starts, [*starts, len(raw)][1:], strict=True):
        out.add(f"space_{out.at:02x}", "buffer", at - out.at)
        if at in ordinary:
            stop = min(stop, 256)
            _capability(out, ordinary[at], stop - at)
        else:
            name = _EXT_CAPS.get(extended[at], f"extended_{extended[at]:04x}")
            _with_rest(out, f"{name}_{at:03x}", _fields(("header", "le32", 4)), stop - at)
    out.add(f"space_{out.at:02x}", "buffer", out.left)
    return out.done()


# --- MSI-X ---------------------------------------------------------------------------------------

_VECTOR = _fields(
    ("address_low", "le32", 4),
    ("address_high", "le32", 4),
    ("data", "le32", 4),
    ("control", "le32", 4),
)


def _msix_size(vectors: int) -> int:
    return 16 * vectors + (vectors + 7) // 8


def _msix_state(raw: memoryview) -> list[Part]:
    vectors = len(raw) * 8 // 129
    if not vectors or _msix_size(vectors) != len(raw):
        raise _Unclear
    out = _Parts(raw)
    out.group("table", "struct", _VECTOR, 16 * vectors, vectors)
    out.add("pending", "buffer", out.left)
    return out.done()


# --- virtio --------------------------------------------------------------------------------------

_MODERN_QUEUE = _fields(
    ("num", "uint16", 2),
    ("unused", "unused_buffer", 1),
    ("enabled", "bool", 1),
    ("desc", "uint32", 4, 2),
    ("avail", "uint32", 4, 2),
    ("used", "uint32", 4, 2),
)
_MMIO_QUEUE = _fields(
    ("num", "uint16", 2),
    ("enabled", "bool", 1),
    ("desc", "uint32", 4, 2),
    ("avail", "uint32", 4, 2),
    ("used", "uint32", 4, 2),
)
_MODERN = (
    *_fields(
        ("dfselect", "uint32", 4), ("gfselect", "uint32", 4), ("guest_features", "uint32", 4, 2)
    ),
    Part("vqs", "struct", 16, 28 * MAX_QUEUES, MAX_QUEUES, _MODERN_QUEUE),
)
_MMIO = (
    *_fields(("guest_features", "uint32", 4, 2)),
    Part("vqs", "struct", 8, 27 * MAX_QUEUES, MAX_QUEUES, _MMIO_QUEUE),
)
_RING = _fields(("avail", "uint64", 8), ("used", "uint64", 8))
_PACKED = _fields(
    ("last_avail_idx", "uint16", 2),
    ("last_avail_wrap_counter", "bool", 1),
    ("used_idx", "uint16", 2),
    ("used_wrap_counter", "bool", 1),
    ("inuse", "uint32", 4),
)
_PAYLOADS: dict[bytes, tuple[Part, ...]] = {
    b"virtio/device_endian": _fields(("device_endian", "uint8", 1)),
    b"virtio/64bit_features": _fields(("guest_features", "uint64", 8)),
    b"virtio/virtqueues": (Part("vq", "struct", 0, 16 * MAX_QUEUES, MAX_QUEUES, _RING),),
    b"virtio/ringsize": _fields(("num_default", "uint32", 4, MAX_QUEUES)),
    b"virtio/broken": _fields(("broken", "bool", 1)),
    b"virtio/started": _fields(("started", "bool", 1)),
    b"virtio/packed_virtqueues": (Part("vq", "struct", 0, 10 * MAX_QUEUES, MAX_QUEUES, _PACKED),),
    b"virtio/disabled": _fields(("disabled", "bool", 1)),
    b"virtio_pci/modern_state": _MODERN,
    b"virtio_mmio/state": _MMIO,
    b"virtio_mmio/modern_state": _MMIO,
}


def _header(raw: memoryview, at: int) -> bytes | None:
    """The name of a subsection that begins at `at`."""
    if bytes(raw[at : at + 1]) != b"\x05" or at + 2 > len(raw):
        return None
    name = bytes(raw[at + 2 : at + 2 + raw[at + 1]])
    ours = name.startswith((b"virtio/", b"virtio_pci/", b"virtio_mmio/"))
    whole = len(name) == raw[at + 1] and at + 6 + len(name) <= len(raw)
    return name if ours and whole and name.isascii() else None


def _next_header(data: bytes, raw: memoryview, at: int) -> int:
    """Where the next subsection begins, or the end."""
    while (at := data.find(b"virtio", at)) >= 0:
        if at >= 2 and _header(raw, at - 2):
            return at - 2
        at += 1
    return len(raw)


def _subsection(raw: memoryview, at: int, data: bytes) -> Part:
    """The subsection at `at`, those inside it included."""
    name = _header(raw, at)
    if name is None:
        raise _Unclear
    out = _Parts(raw[at:])
    out.u8("type")
    out.add("idstr", "capability", 1 + len(name))
    out.u32("version_id")
    known = _PAYLOADS.get(name)
    if known is not None:
        for part in known:
            out.group(part.name, part.type, part.children, part.size, part.count)
    elif name == b"virtio/extra_state":
        while (inner := _header(raw, at + out.at)) and not inner.startswith(b"virtio/"):
            part = _subsection(raw, at + out.at, data)
            out.group(part.name, part.type, part.children, part.size)
    if known is None:
        stop = _next_header(data, raw, at + out.at)
        out.add("data", "buffer", stop - at - out.at)
    return Part(name.decode("ascii"), "subsection", at, out.at, 1, tuple(out.parts))


def _subsections(raw: memoryview, at: int) -> tuple[int, list[Part]]:
    """Subsections that end exactly with `raw`, searched from `at` on, and where they begin."""
    data = bytes(raw)
    start = _next_header(data, raw, at)
    for _ in range(64):
        parts: list[Part] = []
        here = start
        try:
            while here < len(raw):
                parts.append(_subsection(raw, here, data))
                here += parts[-1].size
        except _Unclear:
            start = _next_header(data, raw, start + 3)
            continue
        return start, parts
    raise _Unclear


# The version of a PCI device's state, and virtio's vendor id: what nothing but virtio over PCI begins with.
_VIRTIO_PCI = bytes.fromhex("00000002 f41a")


def _transport_pci(out: _Parts, config: int, *, levels: bool) -> int:
    """Bytes of each queue after its fields; 2 where MSI-X is present. `levels`: interrupt lines must be 0 or 1."""
    if out.number("version_id", "int32 le", 4) != 2:
        raise _Unclear
    space = out.add("config", "pci config", config)
    if not any(space[:4]) or space[0x0E] & 0x7E:
        raise _Unclear
    lines = struct.unpack(">4I", out.add("irq_state", "pci irq state", 16))
    if levels and any(level > 1 for level in lines):
        raise _Unclear
    for at, kind in _capabilities(space):
        if kind == 0x11 and at + 4 <= 256:
            [control] = struct.unpack_from("<H", space, at + 2)
            out.add("msix", "msix state", _msix_size((control & 0x7FF) + 1))
            out.u16("config_vector")
            return 2
    return 0


def _transport_mmio(out: _Parts) -> None:
    if out.u32("host_features_sel") > 1 or out.u32("guest_features_sel") > 1:
        raise _Unclear
    if out.u32("guest_page_shift") > 63:
        raise _Unclear


def _queues(out: _Parts, *, align: bool, vector: bool, strict: bool) -> None:
    count = out.u32("queue_count")
    fields: list[tuple[str, str, int]] = [("num", "uint32", 4)]
    fields += [("align", "uint32", 4)] if align else []
    fields += [("desc", "uint64", 8), ("last_avail_idx", "uint16", 2)]
    fields += [("vector", "uint16", 2)] if vector else []
    inner = _fields(*fields)
    stride = _size(inner)
    if count > MAX_QUEUES or (strict and not count):
        raise _Unclear
    rows = out.raw[out.at : out.at + count * stride]
    out.group("queues", "struct", inner, count * stride, count)
    for at in range(0, count * stride, stride):
        num, second = struct.unpack_from(">II", rows, at)
        if num & (num - 1) or num > 0x8000 or (strict and not num):
            raise _Unclear
        if align and second & (second - 1):
            raise _Unclear


def _core(
    out: _Parts, *, align: bool, vector: bool, strict: bool = False, anchored: bool = False
) -> list[Part]:
    """Everything after the transport.

    `strict`: with nothing that is merely possible; `anchored`: with subsections behind it.
    """
    status, isr = out.u8("status"), out.u8("isr")
    if strict and (isr > 3 or status not in {0, 1, 3, 7, 11, 15}):
        raise _Unclear
    if out.u16("queue_sel") > MAX_QUEUES and strict:
        raise _Unclear
    out.u32("guest_features")
    config = out.u32("config_len")
    if config > (512 if strict else MAX_CONFIG):
        raise _Unclear
    out.add("device_config", "buffer", config)
    _queues(out, align=align, vector=vector, strict=strict)
    start, parts = _subsections(out.raw, out.at)
    if anchored and not parts:
        raise _Unclear
    out.add("device", "buffer", start - out.at)
    out.parts.extend(parts)
    out.at = len(out.raw)
    return out.done()


def _virtio(raw: memoryview) -> list[Part]:
    readings: tuple[_Reading, ...] = (_virtio_pci, _virtio_express)
    if bytes(raw[: len(_VIRTIO_PCI)]) == _VIRTIO_PCI:
        readings += (partial(_virtio_pci, levels=False), partial(_virtio_express, levels=False))
    else:
        readings += (_virtio_mmio, _virtio_ccw)
    # Zeros read as no queues at all, so a reading with queues is preferred to one without.
    for few in (1, 0):
        for read in readings:
            try:
                parts = read(raw)
            except (_Unclear, IndexError, struct.error):
                continue
            if not few or any(part.name == "queues" for part in parts):
                return parts
    raise _Unclear


def _virtio_pci(raw: memoryview, config: int = 256, *, levels: bool = True) -> list[Part]:
    out = _Parts(raw)
    vector = _transport_pci(out, config, levels=levels) > 0
    return _core(out, align=False, vector=vector)


def _virtio_express(raw: memoryview, *, levels: bool = True) -> list[Part]:
    return _virtio_pci(raw, 4096, levels=levels)


def _virtio_ccw(raw: memoryview) -> list[Part]:
    """The transport is a VMState that nothing describes: the rest is looked for behind it.

    Subsections are a certain sign; machines up to s390-ccw-virtio-2.4 have none.
    """
    for anchored in (True, False):
        for size in range(1, min(SCAN, len(raw))):
            out = _Parts(raw)
            with suppress(_Unclear):
                out.add("ccw", "buffer", size)
                return _core(out, align=False, vector=True, strict=True, anchored=anchored)
    raise _Unclear


def _virtio_mmio(raw: memoryview) -> list[Part]:
    out = _Parts(raw)
    _transport_mmio(out)
    return _core(out, align=True, vector=False)


# --- virtio-gpu ----------------------------------------------------------------------------------

_IOV = _fields(("address", "uint64", 8), ("length", "uint32", 4))
_SCANOUT = _fields(
    ("resource_id", "uint32", 4),
    ("width", "uint32", 4),
    ("height", "uint32", 4),
    ("x", "int32", 4),
    ("y", "int32", 4),
    ("cursor_resource_id", "uint32", 4),
    ("cursor_hot_x", "uint32", 4),
    ("cursor_hot_y", "uint32", 4),
    ("cursor_x", "uint32", 4),
    ("cursor_y", "uint32", 4),
)


def _resources(out: _Parts, *, blob: bool) -> None:
    index = 0
    while out.left >= 4 and any(out.raw[out.at : out.at + 4]):
        inner = _Parts(out.raw[out.at :])
        inner.u32("resource_id")
        width = height = 0
        width = height = 0
        if blob:
            inner.u32("blob_size")
        else:
            width, height = inner.u32("width"), inner.u32("height")
            inner.u32("format")
        count = inner.u32("iov_count")
        inner.group("iov", "struct", _IOV, 12 * count, count)
        if not blob:
            inner.add("image", "buffer", 4 * width * height)  # all its formats are 32 bits deep
        out.group(f"resource_{index}", "struct", inner.parts, inner.at)
        index += 1
    out.u32("end")


def _virtio_gpu(raw: memoryview) -> list[Part]:
    out = _Parts(raw)
    _resources(out, blob=False)
    if out.left >= 8 and (out.left - 8) % 40 == 0:
        out.u32("enable")
        count = out.u32("max_outputs")
        if out.left == 40 * count:
            out.group("scanouts", "struct", _SCANOUT, out.left, count)
            return out.done()
        del out.parts[-2:]
        out.at -= 8
    out.add("scanouts", "buffer", out.left)
    return out.done()


def _blobs(raw: memoryview) -> list[Part]:
    out = _Parts(raw)
    _resources(out, blob=True)
    out.add("rest", "buffer", out.left)
    return out.done()


# --- SCSI, USB redirection, s390 -----------------------------------------------------------------


def _scsi_requests(raw: memoryview) -> list[Part]:
    """The first request's head; what follows depends on the bus and the device."""
    out = _Parts(raw)
    mark = out.number("mark", "int8", 1)
    if mark not in {0, 1, 2} or (not mark and out.left):
        raise _Unclear
    if mark:
        out.add("cdb", "buffer", 16)
        out.u32("tag")
        out.u32("lun")
        out.add("rest", "buffer", out.left)
    return out.done()


def _counted_bytes(raw: memoryview) -> list[Part]:
    out = _Parts(raw)
    out.add("data", "buffer", out.u32("length"))
    return out.done()


def _packet_ids(raw: memoryview) -> list[Part]:
    out = _Parts(raw)
    count = out.u32("count")
    out.add("id", "uint64", 8 * count, count)
    return out.done()


def _packets(raw: memoryview) -> list[Part]:
    out = _Parts(raw)
    for index in range(out.u32("count")):
        inner = _Parts(raw[out.at :])
        length = inner.u32("length")
        inner.u32("status")
        inner.add("data", "buffer", length)
        out.group(f"packet_{index}", "struct", inner.parts, inner.at)
    return out.done()


def _irqs(raw: memoryview) -> list[Part]:
    out = _Parts(raw)
    count = out.u64("count")
    whole = out.left == 72 * count  # struct kvm_s390_irq
    out.add("irq", "buffer", out.left, count if whole and count else 1)
    return out.done()


def _chunks(raw: memoryview) -> list[Part]:
    out = _Parts(raw)
    index = 0
    while out.left > 4:
        inner = _Parts(raw[out.at :])
        length = inner.u32("length")
        inner.add("data", "buffer", length)
        if not length:
            raise _Unclear
        out.group(f"chunk_{index}", "struct", inner.parts, inner.at)
        index += 1
    if out.u32("end"):
        raise _Unclear
    return out.done()


# --- all -----------------------------------------------------------------------------------------


def _careful(expand: Callable[[memoryview], list[Part]]) -> Callable[[memoryview], list[Part]]:
    def expander(raw: memoryview) -> list[Part]:
        try:
            return expand(raw)
        except (_Unclear, IndexError, struct.error):
            return []

    return expander


EXPANDERS: dict[str, Callable[[memoryview], list[Part]]] = {
    name: _careful(expand)
    for name, expand in {
        "virtio": _virtio,
        "pci config": _pci_config,
        "msix state": _msix_state,
        "virtio-gpu": _virtio_gpu,
        "blob": _blobs,
        "scsi-requests": _scsi_requests,
        "usb-redir-parser": _counted_bytes,
        "usb-redir-packet-id-q": _packet_ids,
        "usb-redir-bufpq": _packets,
        "irqs": _irqs,
        "virtio-fs back-end state": _chunks,
        "virtio-net vhost-user backend state": _chunks,
    }.items()
}
