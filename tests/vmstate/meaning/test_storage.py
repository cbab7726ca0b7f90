"""Drives, SCSI requests, TPMs, device trees and NVRAM: what is made of their bytes, and of bytes that are none."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

import migstream
from migstream.vmstate.meaning.decoders import MEANINGS
from migstream.vmstate.meaning.fdt import tree
from migstream.vmstate.meaning.parts import Inside, Unclear
from migstream.vmstate.meaning.virtio_element import ELEMENT, MOST
from migstream.vmstate.paths import find
from migstream.vmstate.values import Value
from support.meaning import covered, device
from support.samples import Sample


def blob(kind: str, raw: bytes, vmsd: str, field: str) -> Value:
    return device(kind, raw, vmsd=vmsd, field=field)[field]


# --- drives ------------------------------------------------------------------------------------------


def identify(**words: int | bytes) -> bytes:
    raw = bytearray(512)
    for word, value in words.items():
        at = 2 * int(word.removeprefix("w"))
        piece = value if isinstance(value, bytes) else value.to_bytes(2, "little")
        raw[at : at + len(piece)] = piece
    return bytes(raw)


def swapped(text: str, size: int) -> bytes:
    raw = text.ljust(size).encode()
    return b"".join(raw[n : n + 2][::-1] for n in range(0, size, 2))


DRIVE = "ifs/identify_data"  # of a channel
DISK = identify(
    w0=0x40,
    w10=swapped("QM00001", 20),
    w23=swapped("2.5+", 8),
    w27=swapped("QEMU HARDDISK", 40),
    w49=0x0B00,
    w60=(20480).to_bytes(4, "little"),
    w80=0xF0,
    w83=0x7400,
    w88=0x203F,
    w100=(20480).to_bytes(8, "little"),
    w217=1,
)


@pytest.mark.parametrize("vmsd", ["ide", "ich9_ahci"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("general_configuration", "64 (0x40) ATA"),
        ("serial", "QM00001, 20 bytes, 4d51303030302031"),
        ("model", "QEMU HARDDISK, 40 bytes, 4551554d4820"),
        ("firmware", "2.5+, 8 bytes, 2e322b35"),
        ("capabilities", "2816 (0xb00) DMA LBA IORDY"),
        ("lba28_sectors", "20480 (0x5000) (10 MiB)"),
        ("lba48_sectors", "20480 (0x5000) (10 MiB)"),
        ("major_version", "240 (0xf0) ATA-7"),
        ("command_set_supported_2", "29696 (0x7400) LBA48 FLUSH_CACHE FLUSH_CACHE_EXT"),
        ("ultra_dma", "8255 (0x203f) UDMA0 UDMA1 UDMA2 UDMA3 UDMA4 UDMA5 UDMA5_SELECTED"),
        ("rotation_rate", "1 (does not rotate)"),
        ("integrity", "0"),
    ],
)
def test_what_a_drive_says_of_itself(vmsd: str, name: str, text: str) -> None:
    value = blob("buffer", DISK, vmsd, DRIVE)
    covered(value)
    assert value[name].text.startswith(text)


def test_a_cd_and_other_lengths() -> None:
    cd = blob("buffer", identify(w0=0x85C0), "ide", DRIVE)
    assert cd["general_configuration"].symbol == "ATAPI CD REMOVABLE"
    assert not list(blob("buffer", bytes(511), "ide", DRIVE).children)


def test_every_drive_of_real_machines_is_read(sample: Sample) -> None:
    read = {"ide", "isa-ide", "ich9_ahci"}
    with migstream.open(sample.path) as stream:
        drives = [
            one
            for found in stream.devices
            if found.described and found.value.type in read
            for one in find(found.value, "**/identify_data")
        ]
        for drive in drives:
            covered(drive)
            assert drive["model"].symbol.startswith("QEMU ")
            assert drive["serial"].symbol.startswith("QM")


FIRMWARE = {"spapr": "spapr_dtb/fdt_blob", "macio_nvram": "data"}


def test_what_firmware_keeps_in_real_machines_is_read(sample: Sample) -> None:
    with migstream.open(sample.path) as stream:
        for found in stream.devices:
            path = FIRMWARE.get(found.value.type, "") if found.described else ""
            if path and path in found.value:
                covered(found[path])
                assert [one.name for one in found[path].children][-1] != "rest"
                assert "dt_struct/root/model" in found[path] or "partition[1]" in found[path]


def test_registers_of_a_buffer() -> None:
    esp = blob(
        "buffer",
        bytes([0, 0, 0, 0x90, 0x97, 0x18, 0, 0, 7]).ljust(16, b"\0"),
        "sysbusespscsi",
        "dev/esp/rregs",
    )
    assert (esp["CMD"].symbol, esp["RSTAT"].symbol) == ("TRANSFER DMA", "MESSAGE_IN TC INT")
    mixer = blob("buffer", b"\0\0\x08\x88".ljust(256, b"\0"), "ac97", "mixer_data")
    assert mixer["MASTER_VOLUME"].symbol == "RIGHT=8 LEFT=8 MUTE"
    setup = blob("buffer", bytes([0x80, 6, 0, 2, 0, 0, 9, 0]), "usb-ccid", "dev/setup_buf")
    assert setup["bRequest"].symbol == "GET_DESCRIPTOR"
    assert int(setup["wValue"]) == 0x200
    events = blob("buffer", b"\1\3", "xive-source", "status")
    assert [one.symbol for one in events["source"].elements()] == ["OFF", "QUEUED"]
    thread = blob("buffer", bytes(16) + b"\1\xff\x80".ljust(48, b"\0"), "xive-tctx", "regs")
    assert thread["os/IPB"].symbol == "PRIORITY0"


# --- SCSI --------------------------------------------------------------------------------------------

READ_10 = struct.pack(">BBIBHB6x", 0x28, 0x08, 64, 0, 4, 0)
INQUIRY = bytes([0x12, 0, 0, 0, 36]).ljust(16, b"\0")
WRITE_6 = bytes([0x0A, 0, 1, 0, 1]).ljust(16, b"\0")


def request(mark: int, cdb: bytes, *more: bytes) -> bytes:
    return bytes([mark]) + cdb + struct.pack(">II", 7, 0) + b"".join(more)


def disk(sector: int, count: int, size: int, data: bytes = b"") -> bytes:
    return struct.pack(">QII", sector, count, size) + data


def taken(order: str = "<") -> bytes:
    """An element that is taken from a queue: one buffer to the device, two from it."""
    head = struct.pack(f"{order}III4x", 5, 1, 2)
    addresses = struct.pack(f"{order}2Q", 0x1000, 0x2000).ljust(8 * MOST, b"\0")
    addresses += struct.pack(f"{order}Q", 0x3000).ljust(8 * MOST, b"\0")
    return (head + addresses).ljust(ELEMENT, b"\0")


MPT = struct.pack(
    "<8BI8sI16sII", 0, 0, 0, 0, 16, 18, 0, 0, 0xBEEF, bytes(8), 1 << 25, READ_10, 2048, 0x9000
)
VSCSI = bytes(16 + 256) + struct.pack(
    ">I?I?I252sBHHH", 1, True, 2048, False, 0, bytes(252), 1, 1, 1, 0
)


@pytest.mark.parametrize(
    ("raw", "paths"),
    [
        (request(1, READ_10, disk(64, 4, 0)), {"cdb/lba": 64, "sector_count": 4, "tag": 7}),
        (request(2, READ_10, disk(64, 4, 8, b"\0\0\0\2ab")), {"data_length": 2}),
        (request(1, WRITE_6, disk(1, 1, 4096, bytes(512))), {"cdb/length": 1, "buflen": 4096}),
        (request(1, INQUIRY), {"cdb/opcode": 0x12}),
        (request(1, INQUIRY, disk(0, 0, 0)), {"sector": 0}),  # of a machine type of 9.1 or later
        (
            request(1, READ_10, struct.pack(">I", 3), taken(), disk(64, 4, 0)),
            {"queue": 3, "element/index": 5, "element/in_addr[1]": 0x2000, "element/out_addr": 0x3000},
        ),
        (
            request(1, READ_10, bytes(4), taken(">"), disk(64, 4, 0)),
            {"element/out_num": 1, "element/in_num": 2, "element/in_sg[0]/iov_len": 0},
        ),
        (
            request(1, READ_10, struct.pack(">II", 1, 3), taken(), disk(64, 4, 0)),
            {"queue": 1, "ndescs": 3, "sector": 64},
        ),
        (
            request(1, READ_10, MPT, struct.pack(">IQQ", 1, 0x7C00, 2048), disk(64, 4, 0)),
            {"scsi_io/message_context": 0xBEEF, "pieces[0]/address": 0x7C00},
        ),
        (request(1, READ_10, VSCSI, disk(64, 4, 0)), {"qtag": 1, "cdb_offset": 0, "data_len": 2048}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("many", [1, 3])
def test_requests_in_flight(raw: bytes, paths: dict[str, int], many: int) -> None:
    value = blob("scsi-requests", raw * many + b"\0", "scsi-disk", "requests")
    covered(value)
    assert value["request"].count == many
    for row in value["request"].elements():
        assert {path: int(row[path]) for path in paths} == paths
        assert row["mark"].symbol in {"RETRY", "IN_FLIGHT"}
        assert row["cdb/opcode"].symbol in {"READ_10", "WRITE_6", "INQUIRY"}


def test_a_generic_device_has_its_own_form() -> None:
    raw = request(1, WRITE_6, struct.pack(">I", 3), b"abc") + b"\0"
    value = blob("scsi-requests", raw, "SCSIDevice", "requests")
    assert value["request[0]/data"].span.size == 3


def test_the_head_of_a_request_that_nobody_knows() -> None:
    value = blob("scsi-requests", request(1, READ_10, b"other"), "scsi-disk", "requests")
    assert [one.name for one in value.children] == ["mark", "cdb", "tag", "lun", "rest"]
    assert value["cdb/opcode"].symbol == "READ_10"


# --- TPM ---------------------------------------------------------------------------------------------


def piece(tag: int, data: bytes) -> bytes:
    return struct.pack(">HI", tag, len(data)) + data


def swtpm(*pieces: bytes) -> bytes:
    body = b"".join(pieces)
    return struct.pack(">BBHHI", 2, 1, 10, 4, 10 + len(body)) + body


def test_the_state_of_a_tpm() -> None:
    inner = piece(1, struct.pack(">HIH", 3, 0xAB364723, 3) + b"state")
    value = blob(
        "buffer",
        swtpm(piece(4, inner), piece(3, b"hash")),
        "tpm-emulator",
        "state_blobs.permanent.buffer",
    )
    covered(value)
    assert value["flags"].symbol == "MIGRATION_DATA"
    assert [one["tag"].symbol for one in value["piece"].elements()] == ["MIGRATION_DATA", "HMAC"]
    assert value["piece[0]/data/piece[0]/magic"].symbol == "PERSISTENT_ALL"
    assert bytes(value["piece[0]/data/piece[0]/state"]) == b"state"
    short = swtpm(piece(1, b"x"))[:-1]
    assert not list(blob("buffer", short, "tpm-emulator", "state_blobs.volatil.buffer").children)


def test_a_command_to_a_tpm() -> None:
    raw = struct.pack(">HII", 0x8001, 12, 0x17B) + b"\0\x10" + b"older"
    value = blob("buffer", raw, "tpm-tis", "state.buffer")
    assert (value["tag"].symbol, value["code"].symbol) == ("NO_SESSIONS", "GetRandom")
    assert bytes(value["unused"]) == b"older"
    assert not list(blob("buffer", bytes(4096), "tpm-tis", "state.buffer").children)


# --- NVRAM, device trees -----------------------------------------------------------------------------


def partition(signature: int, name: str, data: bytes) -> bytes:
    blocks = 1 + (len(data) + 15) // 16
    head = struct.pack(">BBH12s", signature, 0, blocks, name.encode())
    total = sum(head)
    while total > 0xFF:
        total = (total & 0xFF) + (total >> 8)
    return bytes([signature, total]) + head[2:] + data.ljust(16 * (blocks - 1), b"\0")


def test_partitions_of_an_nvram() -> None:
    variables = b"auto-boot?=true\0boot-device=cd\0"
    raw = (
        partition(0x70, "common", variables) + partition(0x7F, "free space", bytes(64)) + bytes(32)
    )
    value = blob("buffer", raw, "spapr_nvram", "buf")
    covered(value)
    assert [one["name"].symbol for one in value["partition"].elements()] == ["common", "free space"]
    assert value["partition[0]/auto-boot?"].symbol == "auto-boot?=true"
    assert value["partition[1]/signature"].symbol == "FREE"
    damaged = bytes([raw[0], raw[1] ^ 1]) + raw[2:]
    assert not list(blob("buffer", damaged, "macio_nvram", "data").children)


SPAPR = Inside(
    "spapr",
    "spapr",
    "spapr_dtb/fdt_blob",
    "fdt_blob",
    "buffer",
    3,
    None,
    lambda _: None,
    lambda: True,
)


def flattened() -> bytes:
    strings = b"model\0reg\0"

    def prop(at: int, data: bytes) -> bytes:
        return struct.pack(">III", 3, len(data), at) + data + bytes(-len(data) % 4)

    structure = struct.pack(">I4s", 1, b"") + prop(0, b"toy\0") + prop(0, b"a toy\0")
    structure += (
        struct.pack(">II8s", 4, 1, b"cpu@0") + prop(6, b"\0\0\0\5") + struct.pack(">III", 2, 2, 9)
    )
    start = 40
    at = (start, start + 16, start + 16 + len(structure))
    size = at[2] + len(strings)
    head = (0xD00DFEED, size, at[1], at[2], at[0], 17, 16, 0, len(strings), len(structure))
    return struct.pack(">10I", *head) + bytes(16) + structure + strings


def test_a_device_tree() -> None:
    assert MEANINGS.find("field:spapr/spapr_dtb/fdt_blob") is tree
    raw = memoryview(flattened())
    nodes = tree(raw, SPAPR)
    assert sum(one.size for one in nodes) == len(raw)
    [block] = [one for one in nodes if one.name == "dt_struct"]
    [root] = [one for one in block.children if one.name == "root"]
    assert [one.name for one in root.children if one.kind == "struct"] == [
        "model",
        "model",
        "cpu@0",
    ]
    [cpu] = [one for one in root.children if one.name == "cpu@0"]
    value = cpu.child("reg")
    assert value is not None
    assert [one.name for one in value.children] == ["token", "length", "name_offset", "value"]


# --- whatever the bytes ------------------------------------------------------------------------------

FIELDS = [
    ("ide", DRIVE),
    ("tpm-emulator", "state_blobs.permanent.buffer"),
    ("tpm-tis", "state.buffer"),
    ("tpm-spapr", "buffer"),
    ("spapr_nvram", "buf"),
    ("macio_nvram", "data"),
    ("ac97", "mixer_data"),
    ("xive-tctx", "regs"),
    ("xive-source", "status"),
    ("sysbusespscsi", "dev/esp/rregs"),
    ("escc", "escc/chn/wregs"),
    ("usb-ccid", "dev/setup_buf"),
]
WHOLE = [
    DISK,
    flattened(),
    swtpm(piece(4, piece(1, bytes(20)))),
    partition(0x70, "common", b"a=b\0"),
    request(1, READ_10, MPT, struct.pack(">IQQ", 1, 0x7C00, 2048), disk(64, 4, 0)) + b"\0",
]


@st.composite
def hostile(draw: st.DrawFn) -> bytes:
    """Anything, or something whole with a few other bytes and another end."""
    raw = bytearray(draw(st.one_of(st.binary(max_size=600), st.sampled_from(WHOLE))))
    for _ in range(draw(st.integers(0, 4))):
        if raw:
            raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
    return bytes(raw[: draw(st.integers(0, len(raw)))]) if draw(st.booleans()) else bytes(raw)


@given(st.sampled_from(FIELDS), hostile())
def test_hostile_bytes_are_covered_or_left_alone(place: tuple[str, str], raw: bytes) -> None:
    vmsd, field = place
    value = blob("buffer", raw, vmsd, field)
    parts = list(value.children)
    if parts:
        covered(value)
    assert all(isinstance(one.text, str) for one in value.leaves())


@given(st.sampled_from(["scsi-disk", "SCSIDevice"]), hostile())
def test_hostile_requests(vmsd: str, raw: bytes) -> None:
    value = blob("scsi-requests", raw, vmsd, "requests")
    if list(value.children):
        covered(value)
    assert all(isinstance(one.text, str) for one in value.leaves())


@given(hostile())
def test_hostile_device_trees(raw: bytes) -> None:
    try:
        nodes = tree(memoryview(raw), SPAPR)
    except Unclear:
        return
    assert all(one.size >= 0 for one in nodes)
