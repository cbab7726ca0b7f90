from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.vmstate.meaning.virtio import transport
from support.meaning import expand, names
from support.virtio import TAIL, core, pci, subsection

MMIO = "virtio-mmio@000000000a003e00/virtio-net"
CCW = "/fe.0.0000/virtio-net"


@pytest.mark.parametrize(
    ("section", "machine", "expected"),
    [
        ("0000:00:03.0/virtio-net", None, "pci"),
        ("0000:00:02.0:00.0/virtio-net", "pc-q35-7.2", "pci"),
        ("pci@800000020000000:00.0/virtio-net", "pseries-7.2", "pci"),
        ("0000:00:03.0/virtio-net", "s390-ccw-virtio-7.2", "pci"),
        (CCW, "s390-ccw-virtio-7.2", "ccw"),
        (CCW, None, "ccw"),
        ("virtio-net", "s390-ccw-virtio-2.4", "ccw"),
        (MMIO, "virt-7.2", "mmio"),
        ("virtio-net", "virt-2.6", "mmio"),
        ("virtio-net", None, "mmio"),
    ],
)
def test_the_sections_name_says_the_transport(
    section: str, machine: str | None, expected: str
) -> None:
    assert transport(section, machine) == expected


@pytest.mark.parametrize("size", [256, 4096])
@pytest.mark.parametrize("vectors", [0, 1, 3, 9])
@pytest.mark.parametrize("tail", [b"", TAIL, subsection(b"virtio/new", b"??") + TAIL])
@pytest.mark.parametrize("device", [b"", b"\0", b"device" * 50])
def test_virtio_pci(size: int, vectors: int, tail: bytes, device: bytes) -> None:
    raw = struct.pack(">I", 2) + pci(size, vectors=vectors) + bytes(16)
    if vectors:
        raw += bytes(16 * vectors + (vectors + 7) // 8) + b"\0\0"
    parts = expand("virtio", raw + core(align=False, vector=vectors > 0, device=device, tail=tail))
    assert parts["config"].span.size == size
    assert ("msix" in parts) == (vectors > 0)
    assert parts["queues"].count == 2
    assert ("device" in parts) == bool(device)
    if device:
        assert parts["device"].span.size == len(device)
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
    parts = expand("virtio", raw, section=MMIO)
    assert next(iter(parts)) == "host_features_sel"
    assert list(names(parts["queues"].element(0)))[1] == "align"
    assert ("device" in parts) == bool(device)


SUBCHANNEL = bytes(118 + 4 * 62)
CHANNEL = {
    "as newer machine types write it": SUBCHANNEL
    + subsection(b"s390_subch_dev/orb", bytes(12))
    + bytes(3 * 12 + 2 + 8)
    + subsection(b"s390_adapter_info/summary_offset", bytes(4))
    + bytes(5),
    "as older ones do": SUBCHANNEL + bytes(3 * 12 + 2 + 8 + 5),
}


@pytest.mark.parametrize("state", CHANNEL.values(), ids=CHANNEL.keys())
def test_virtio_ccw(state: bytes) -> None:
    raw = state + core(align=False, vector=True, device=b"\0", tail=TAIL)
    parts = expand("virtio", raw, section=CCW)
    assert parts["ccw"].span.size == len(state)
    assert list(names(parts["ccw"]))[:2] == ["sch", "indicators"]
    assert parts["device"].span.size == 1
    assert parts["queues"].count == 2


def test_the_bytes_do_not_choose_the_transport() -> None:
    """What is a PCI device's state by its bytes is not read as one where the name says otherwise."""
    raw = struct.pack(">I", 2) + pci() + bytes(16)
    raw += core(align=False, vector=False, device=b"", tail=TAIL)
    assert "config" in expand("virtio", raw)
    assert "config" not in expand("virtio", raw, section=MMIO)


def test_a_subsection_cut_short_belongs_to_no_virtio() -> None:
    raw = struct.pack(">I", 2) + pci() + bytes(16)
    raw += core(align=False, vector=False, device=b"", tail=subsection(b"virtio/virtqueues", b"?"))
    parts = expand("virtio", raw)
    assert "virtio/virtqueues" not in parts


WHOLE = struct.pack(">I", 2) + pci(vectors=1) + bytes(16 + 17 + 2)
WHOLE += core(align=False, vector=True, device=b"\0", tail=subsection(b"virtio/broken", b"\0"))


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255), st.integers(0, len(WHOLE)))
def test_damaged_virtio_is_covered_or_refused(at: int, byte: int, end: int) -> None:
    raw = bytearray(WHOLE)
    raw[at] = byte
    expand("virtio", bytes(raw[:end]))
