from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.vmstate.custom import EXPANDERS, Part

CCW_PART = b"\x11" * 90


def covered(parts: Sequence[Part], size: int) -> None:
    """Parts follow each other from 0 to `size`, inside as well."""
    at = 0
    for part in parts:
        assert part.offset == at, part.name
        assert part.size > 0
        assert part.size % part.count == 0
        if part.children:
            covered(part.children, part.size // part.count)
        at += part.size
    assert at == size


def expand(name: str, raw: bytes) -> dict[str, Part]:
    parts = EXPANDERS[name](memoryview(raw))
    if parts:
        covered(parts, len(raw))
    assert len({part.name for part in parts}) == len(parts)
    return {part.name: part for part in parts}


def pci(size: int = 256, *, vectors: int = 0) -> bytes:
    space = bytearray(size)
    struct.pack_into("<HHHH", space, 0, 0x1AF4, 0x1000, 0x507, 0x10 if vectors else 0)
    if vectors:
        space[0x34] = 0x98
        struct.pack_into("<BBHII", space, 0x98, 0x11, 0x84, vectors - 1, 1, 0x801)
        struct.pack_into("<BBBBB", space, 0x84, 9, 0, 20, 5, 0)
    return bytes(space)


def subsection(name: bytes, payload: bytes) -> bytes:
    return b"\x05" + bytes([len(name)]) + name + bytes(3) + b"\1" + payload


MODERN = subsection(
    b"virtio/extra_state",
    subsection(b"virtio_pci/modern_state", bytes(16 + 28 * 1024)),
)
TAIL = (
    subsection(b"virtio/64bit_features", bytes(8))
    + subsection(b"virtio/virtqueues", bytes(16384))
    + subsection(b"virtio/ringsize", bytes(4096))
    + MODERN
    + subsection(b"virtio/started", b"\1")
)


def core(*, align: bool, vector: bool, device: bytes, tail: bytes, config: bytes = b"cfg") -> bytes:
    out = struct.pack(">BBHII", 15, 1, 0, 5, len(config)) + config
    out += struct.pack(">I", 2)
    for _ in range(2):
        out += struct.pack(">I", 256) + (struct.pack(">I", 4096) if align else b"")
        out += struct.pack(">QH", 0x1000, 7) + (b"\0\1" if vector else b"")
    return out + device + tail


@pytest.mark.parametrize("size", [256, 4096])
@pytest.mark.parametrize("vectors", [0, 1, 3, 9])
@pytest.mark.parametrize("tail", [b"", TAIL, subsection(b"virtio/new", b"??") + TAIL])
@pytest.mark.parametrize("device", [b"", b"\0", b"device" * 50])
def test_virtio_pci(size: int, vectors: int, tail: bytes, device: bytes) -> None:
    raw = struct.pack(">I", 2) + pci(size, vectors=vectors) + bytes(16)
    if vectors:
        raw += bytes(16 * vectors + (vectors + 7) // 8) + b"\0\0"
    parts = expand("virtio", raw + core(align=False, vector=vectors > 0, device=device, tail=tail))
    assert parts["config"].size == size
    assert ("msix" in parts) == (vectors > 0)
    assert parts["queues"].count == 2
    assert ("device" in parts) == bool(device)
    if device:
        assert parts["device"].size == len(device)
    if tail:
        assert [c.name for c in parts["virtio/extra_state"].children][
            -1
        ] == "virtio_pci/modern_state"
        assert ("virtio/new" in parts) == (b"virtio/new" in tail)


@pytest.mark.parametrize("device", [b"", b"\0", b"x" * 99])
def test_virtio_mmio(device: bytes) -> None:
    state = subsection(
        b"virtio/extra_state", subsection(b"virtio_mmio/state", bytes(8 + 27 * 1024))
    )
    raw = struct.pack(">III", 1, 0, 12) + core(align=True, vector=False, device=device, tail=state)
    parts = expand("virtio", raw)
    assert next(iter(parts)) == "host_features_sel"
    assert [part.name for part in parts["queues"].children][1] == "align"
    assert ("device" in parts) == bool(device)


def test_virtio_ccw() -> None:
    parts = expand("virtio", CCW_PART + core(align=False, vector=True, device=b"\0", tail=TAIL))
    assert parts["ccw"].size == len(CCW_PART)
    assert parts["device"].size == 1


def test_a_subsection_cut_short_belongs_to_no_virtio() -> None:
    raw = struct.pack(">I", 2) + pci() + bytes(16)
    raw += core(align=False, vector=False, device=b"", tail=subsection(b"virtio/virtqueues", b"?"))
    parts = expand("virtio", raw)
    assert "virtio/virtqueues" not in parts


def test_pci_config() -> None:
    parts = expand("pci config", pci(vectors=3))
    assert (parts["vendor_id"].offset, parts["vendor_id"].type) == (0, "le16")
    assert (parts["bar"].offset, parts["bar"].count) == (0x10, 6)
    assert parts["msix_98"].offset == 0x98
    assert [c.name for c in parts["msix_98"].children][:4] == ["id", "next", "control", "table"]
    assert parts["vendor_84"].size == 0x98 - 0x84


def test_pci_bridge_and_extended_capabilities() -> None:
    space = bytearray(pci(4096))
    space[0x0E] = 1
    struct.pack_into("<I", space, 0x100, 0x0001 | 2 << 16 | 0x148 << 20)
    struct.pack_into("<I", space, 0x148, 0x0099 | 1 << 16 | 0x100 << 20)  # back again: a loop
    parts = expand("pci config", bytes(space))
    assert parts["bar"].count == 2
    assert parts["bridge_control"].offset == 0x3E
    assert parts["aer_100"].size == 0x48
    assert parts["extended_0099_148"].offset == 0x148


def test_a_loop_of_capabilities_ends() -> None:
    space = bytearray(pci(vectors=1))
    space[0x85] = 0x98
    assert expand("pci config", bytes(space))


@given(st.binary(min_size=256, max_size=256), st.booleans())
def test_any_configuration_space_is_covered(raw: bytes, express: bool) -> None:
    assert expand("pci config", raw * 16 if express else raw)


@pytest.mark.parametrize("vectors", [1, 3, 8, 9, 64, 2048])
def test_msix_state(vectors: int) -> None:
    parts = expand("msix state", bytes(16 * vectors + (vectors + 7) // 8))
    assert parts["table"].count == vectors
    assert not expand("msix state", bytes(16 * vectors))


def test_virtio_gpu() -> None:
    resource = struct.pack(">IIIII", 5, 3, 2, 1, 1) + struct.pack(">QI", 0x1000, 24) + bytes(24)
    parts = expand("virtio-gpu", resource + bytes(4) + struct.pack(">II", 1, 2) + bytes(80))
    assert parts["scanouts"].count == 2
    assert [c.name for c in parts["resource_0"].children][-2:] == ["iov", "image"]
    assert expand("virtio-gpu", resource + bytes(4) + b"else")["scanouts"].type == "buffer"
    assert not expand("virtio-gpu", resource)
    blob = struct.pack(">IIIQI", 5, 4096, 1, 0x1000, 4096)
    assert expand("blob", blob + bytes(4))["resource_0"].size == len(blob)


def test_the_small_ones() -> None:
    assert list(expand("scsi-requests", b"\0")) == ["mark"]
    assert expand("scsi-requests", b"\1" + bytes(40))["rest"].size == 16
    assert expand("usb-redir-parser", b"\0\0\0\2ab")["data"].size == 2
    assert not expand("usb-redir-parser", b"\0\0\0\2abc")
    assert expand("usb-redir-packet-id-q", b"\0\0\0\2" + bytes(16))["id"].count == 2
    assert (
        expand("usb-redir-bufpq", b"\0\0\0\1" + b"\0\0\0\1" + bytes(4) + b"x")["packet_0"].size == 9
    )
    assert expand("irqs", bytes(7) + b"\2" + bytes(144))["irq"].count == 2
    assert list(expand("irqs", b"\xff" * 8)) == ["count"]
    assert expand("virtio-fs back-end state", b"\0\0\0\1x\0\0\0\0")["chunk_0"].size == 5


@given(st.sampled_from(sorted(EXPANDERS)), st.binary(max_size=300))
def test_garbage_is_covered_or_refused(name: str, raw: bytes) -> None:
    expand(name, raw)


WHOLE = struct.pack(">I", 2) + pci(vectors=1) + bytes(16 + 17 + 2)
WHOLE += core(align=False, vector=True, device=b"\0", tail=subsection(b"virtio/broken", b"\0"))


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255), st.integers(0, len(WHOLE)))
def test_damaged_virtio_is_covered_or_refused(at: int, byte: int, end: int) -> None:
    raw = bytearray(WHOLE)
    raw[at] = byte
    expand("virtio", bytes(raw[:end]))
