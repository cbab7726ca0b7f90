from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.vmstate.values import Value
from support.meaning import device, names
from support.virtio import core, pci, subsection

ELEMENT = 49168
OFFLOADS = 1 << 2


def tail(kind: str, raw: bytes, *, queues: int = 2, features: int = 0, wide: int = 0) -> Value:
    """The device's part of a virtio device of this kind."""
    blob = struct.pack(">I", 2) + pci() + bytes(16)
    blob += core(align=False, vector=False, device=raw, tail=b"", features=features, queues=queues)
    blob += subsection(b"virtio/64bit_features", struct.pack(">Q", wide | features))
    one = device("virtio", blob, section=f"0000:00:03.0/{kind}", field="virtio")
    found = one["virtio"]["device"]
    assert bytes(found) == raw
    return found


def net(*, macs: int = 0, more: bytes = b"") -> bytes:
    head = bytes.fromhex("525400123456") + struct.pack(">IIHBBI", 1, 1, 1, 0, 1, macs)
    return head + bytes(6 * macs + 512) + struct.pack(">I", 1) + bytes(6) + b"\1" + more


@pytest.mark.parametrize("macs", [0, 1, 3])
@pytest.mark.parametrize("pairs", [1, 2, 5])
@pytest.mark.parametrize("offloads", [False, True])
@pytest.mark.parametrize("rss", [False, True])
def test_net(macs: int, pairs: int, offloads: bool, rss: bool) -> None:
    more = struct.pack(">HH", pairs, pairs) + bytes(4 * (pairs - 1)) if pairs > 1 else b""
    more += bytes(7) + b"\x0e" if offloads else b""
    if rss:
        table = struct.pack(">???IHH", True, False, True, 0x1F, 4, 0) + bytes(40) + bytes(8)
        more += subsection(b"virtio-net-device/rss", table)
    found = tail("virtio-net", net(macs=macs, more=more), features=offloads * OFFLOADS)
    assert bytes(found["mac"]).hex() == "525400123456"
    assert int(found["mac_table.in_use"]) == macs
    assert ("mac_table.macs" in found) == (macs > 0)
    assert ("tx_waiting" in found) == (pairs > 1)
    if offloads:
        assert int(found["curr_guest_offloads"]) == 0x0E
    if rss:
        assert int(found["virtio-net-device/rss/rss_data.hash_types"]) == 0x1F
        assert found["virtio-net-device/rss/rss_data.indirections_table"].count == 4


def test_what_the_features_do_not_allow_is_one_buffer() -> None:
    """Eight bytes too many, and nobody took the feature that would explain them."""
    assert list(names(tail("virtio-net", net(more=bytes(8))))) == []


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("requests", [0, 1, 2])
def test_blk(several: bool, packed: bool, requests: int) -> None:
    one = b"\1" + bytes(4 * several + 4 * packed) + bytes(ELEMENT)
    raw = one * requests + b"\0"
    found = tail("virtio-blk", raw, queues=1 + several, wide=packed << 34)
    assert list(names(found)) == [*(f"request_{i}" for i in range(requests)), "end"]
    assert all(found[f"request_{i}/element"].span.size == ELEMENT for i in range(requests))


def test_console() -> None:
    ports = struct.pack(">I??I", 0, True, False, 0)
    ports += struct.pack(">I??IIQ", 1, True, True, 1, 3, 9) + bytes(ELEMENT)
    found = tail("virtio-console", struct.pack(">HHIII", 80, 25, 31, 3, 2) + ports)
    assert found["port_0/guest_connected"].value is True
    assert int(found["port_1/iov_offset"]) == 9


def test_balloon() -> None:
    raw = struct.pack(">II", 256, 131072)
    raw += subsection(b"virtio-balloon-device/page-poison", bytes(4))
    found = tail("virtio-balloon", raw + subsection(b"virtio-balloon-device/new", b"?"))
    assert int(found["actual"]) == 131072
    assert list(names(found))[-2:] == ["virtio-balloon-device/page-poison", "rest"]


def test_mem() -> None:
    raw = struct.pack(">QQQIQQQ", 1 << 32, 1 << 30, 1 << 21, 0, 1 << 30, 0, 0) + bytes(64)
    assert int(tail("virtio-mem", raw)["block_size"]) == 1 << 21
    assert list(names(tail("virtio-mem", bytes(16)))) == ["usable_region_size", "requested_size"]


@given(
    st.sampled_from(["virtio-net", "virtio-blk", "virtio-console", "virtio-balloon", "virtio-mem"]),
    st.binary(min_size=1, max_size=700),
)
def test_garbage_is_covered_or_one_buffer(kind: str, raw: bytes) -> None:
    found = tail(kind, raw)
    parts = list(found.children)
    assert not parts or sum(part.span.size for part in parts) == len(raw)
