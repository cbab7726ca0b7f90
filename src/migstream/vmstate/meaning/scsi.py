"""SCSI: requests that were in flight (hw/scsi/scsi-bus.c: put_scsi_requests).

Behind what the bus writes of each stands what the host adapter adds, then what the device does; nothing
says which adapter it is, or how long that is. The one that all bytes fit is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts, Unclear, fields
from migstream.vmstate.meaning.virtio_element import element

__all__ = ["requests"]

END, RETRY, IN_FLIGHT = 0, 1, 2
CDB = 16
SECTOR = 512
GENERIC = "SCSIDevice"  # the VMState of scsi-generic and scsi-block's base
MOST_PIECES = 1 << 16  # of guest memory that one request is spread over

Adds = Callable[[Parts], None]

# --- the command -------------------------------------------------------------------------------------

# SBC-4, 5: those that name a block and a number of blocks
_READS = {0x08, 0x28, 0xA8, 0x88}
_WRITES = {0x0A, 0x2A, 0xAA, 0x8A, 0x2E, 0xAE, 0x8E, 0x2F, 0xAF, 0x8F}
_ON_MEDIUM = _READS | _WRITES
# scsi/utils.c: scsi_cmd_xfer_mode
_TO_DEVICE = _WRITES | {
    0x04, 0x07, 0x15, 0x18, 0x1D, 0x30, 0x31, 0x32, 0x38, 0x39, 0x3A, 0x3B, 0x3D, 0x3F, 0x40, 0x41, 0x42, 0x4C, 0x55,
    0x5D, 0x5F, 0x87, 0x8D, 0x93, 0xA4, 0xB0, 0xB1, 0xB2, 0xB5, 0xB6, 0xBA, 0xBF,
}  # fmt: skip
# By the group of an operation code: its upper three bits.
_BY_GROUP = {
    0: (("lba", "buffer", 3), ("length", "uint8", 1), ("control", "uint8", 1)),
    1: (("flags", "uint8", 1), ("lba", "uint32", 4), ("group", "uint8", 1), ("length", "uint16", 2), ("control", "uint8", 1)),
    4: (("flags", "uint8", 1), ("lba", "uint64", 8), ("length", "uint32", 4), ("group", "uint8", 1), ("control", "uint8", 1)),
    5: (("flags", "uint8", 1), ("lba", "uint32", 4), ("length", "uint32", 4), ("group", "uint8", 1), ("control", "uint8", 1)),
}  # fmt: skip


def _command(out: Parts) -> int:
    """The command descriptor block; gives its operation code."""
    inner = out.inside()
    code = inner.u8("opcode")
    for name, kind, size in _BY_GROUP[code >> 5] if code in _ON_MEDIUM else ():
        inner.add(name, kind, size)
    inner.add("unused" if code in _ON_MEDIUM else "parameters", "buffer", CDB - inner.at)
    out.close("cdb", inner)
    return code


# --- what host adapters add --------------------------------------------------------------------------


def _nothing(_: Parts) -> None:
    """esp, megasas, usb-storage, lsi53c895a and pvscsi have nothing to say, or refuse to migrate."""


def _virtio(out: Parts) -> None:
    """hw/scsi/virtio-scsi.c: virtio_scsi_save_request. The queue's number, of those for commands."""
    out.u32("queue")
    element(out, packed=False)


def _virtio_packed(out: Parts) -> None:
    """The same, where the queue is a packed ring."""
    out.u32("queue")
    element(out, packed=True)


_MPT = fields(
    ("target_id", "uint8", 1),
    ("bus", "uint8", 1),
    ("chain_offset", "uint8", 1),
    ("function", "uint8", 1),
    ("cdb_length", "uint8", 1),
    ("sense_buffer_length", "uint8", 1),
    ("reserved", "uint8", 1),
    ("message_flags", "uint8", 1),
    ("message_context", "le32", 4),
    ("lun", "buffer", 8),
    ("control", "le32", 4),
    ("cdb", "buffer", CDB),
    ("data_length", "le32", 4),
    ("sense_buffer", "le32", 4),
)
_PIECE = fields(("address", "uint64", 8), ("length", "uint64", 8))


def _mptsas(out: Parts) -> None:
    """hw/scsi/mptsas.c: mptsas_save_request. Its message, and where the data goes in guest memory."""
    out.struct("scsi_io", _MPT)
    count = out.u32("piece_count")
    if count > MOST_PIECES:
        raise Unclear
    if count:
        size = 16 * count
        out.add("pieces", "struct", size)
        out.nodes[-1] = Node(
            "pieces", "struct", "struct", out.at - size, size, count, 16, children=_PIECE
        )


def _vscsi(out: Parts) -> None:
    """hw/scsi/spapr_vscsi.c: vmstate_spapr_vscsi_req."""
    out.add("crq.raw", "buffer", 16)
    out.add("viosrp_iu_buf", "buffer", 256)
    out.u32("qtag")
    out.add("active", "bool", 1)
    out.u32("data_len")
    out.add("writing", "bool", 1)
    out.u32("senselen")
    out.add("sense", "buffer", 252)
    out.u8("dma_fmt")
    for name in ("local_desc", "total_desc", "cdb_offset"):
        out.u16(name)


# --- what devices add --------------------------------------------------------------------------------


def _disk(out: Parts, mark: int, code: int) -> None:
    """hw/scsi/scsi-disk.c: scsi_disk_save_request. What is left to do, and data on its way."""
    out.u64("sector")
    sectors = out.u32("sector_count")
    size = out.u32("buflen")
    if not size:
        return
    if code in _TO_DEVICE:
        out.add("data", "buffer", min(sectors * SECTOR, size))
    elif mark != RETRY:
        out.add("data", "buffer", out.u32("data_length"))


def _generic(out: Parts, code: int) -> None:
    """hw/scsi/scsi-generic.c: scsi_generic_save_request."""
    size = out.u32("buflen")
    if size and code in _TO_DEVICE:
        out.add("data", "buffer", size)


def _all(raw: memoryview, adapter: Adds, *, generic: bool, emulated: bool) -> list[Node]:
    """Every request, where these two write them."""
    out = Parts(raw)
    rows = out.inside()
    while rows.left and rows.raw[rows.at]:
        one = rows.inside()
        mark = one.number("mark", "int8", 1)
        if mark not in {RETRY, IN_FLIGHT}:
            raise Unclear
        code = _command(one)
        one.u32("tag")
        one.u32("lun")
        adapter(one)
        if generic:
            _generic(one, code)
        elif emulated or code in _ON_MEDIUM:
            _disk(one, mark, code)
        rows.close(f"[{len(rows.nodes)}]", one)
    out.sequence("request", rows)
    out.number("end", "int8", 1)
    return out.done()


def _first(raw: memoryview) -> list[Node]:
    """The first request's head, of an adapter that nothing is known of."""
    out = Parts(raw)
    if out.number("mark", "int8", 1) not in {RETRY, IN_FLIGHT}:
        raise Unclear
    _command(out)
    out.u32("tag")
    out.u32("lun")
    return out.nodes


def requests(raw: memoryview, inside: Inside) -> list[Node]:
    """The requests, one after another.

    From machine types of 9.1 on a disk writes as much of those that do not read or write its medium.
    """
    generic = inside.vmsd == GENERIC
    for adapter, emulated in product(
        (_nothing, _virtio, _virtio_packed, _mptsas, _vscsi), (False, True)
    ):
        try:
            return _all(raw, adapter, generic=generic, emulated=emulated)
        except Unclear:
            continue
    return _first(raw)
