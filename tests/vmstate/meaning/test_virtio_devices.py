from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.vmstate.values import Value
from support.meaning import covered, device, names
from support.virtio import blob, subsection

ELEMENT = 49168
MOST = 1024
OFFLOADS = 1 << 2


def tail(
    kind: str,
    raw: bytes,
    *,
    queues: int = 2,
    features: int = 0,
    wide: int = 0,
    big_endian: bool = False,
) -> Value:
    """The device's part of a virtio device of this kind."""
    whole = blob(device=raw, features=wide | features, queues=queues)
    one = device(
        "virtio", whole, section=f"0000:00:03.0/{kind}", field="virtio", big_endian=big_endian
    )
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


def element(index: int, read: dict[int, int], written: dict[int, int], mark: str = "<") -> bytes:
    """VirtQueueElementOld as a host of 64 bits has it in memory; pieces are address: length."""

    def addresses(pieces: dict[int, int]) -> bytes:
        return struct.pack(f"{mark}{len(pieces)}Q", *pieces).ljust(8 * MOST, b"\0")

    def lengths(pieces: dict[int, int]) -> bytes:
        numbers = [number for length in pieces.values() for number in (0, length)]
        return struct.pack(f"{mark}{len(numbers)}Q", *numbers).ljust(16 * MOST, b"\0")

    head = struct.pack(f"{mark}IIIxxxx", index, len(read), len(written))
    return head + addresses(written) + addresses(read) + lengths(written) + lengths(read)


@pytest.mark.parametrize("mark", "<>")
def test_an_element_in_the_order_of_its_host(mark: str) -> None:
    one = element(7, {0x1000: 16}, {0x2000: 4096, 0x3000: 1}, mark)
    assert len(one) == ELEMENT
    found = tail("virtio-blk", b"\1" + one + b"\0", queues=1)
    covered(found)
    inner = found["request_0/element"]
    assert [int(inner[name]) for name in ("index", "out_num", "in_num")] == [7, 1, 2]
    assert list(inner["in_addr"].value) == [0x2000, 0x3000]
    assert int(inner["out_addr"]) == 0x1000
    assert [int(piece["iov_len"]) for piece in inner["in_sg"]] == [4096, 1]
    assert int(inner["out_sg/iov_len"]) == 16
    assert inner["in_sg_unused"].span.size == 16 * (MOST - 2)


def test_an_element_that_is_full_or_empty() -> None:
    every = {0x1000 * n: n for n in range(MOST)}
    raw = b"\1" + element(0, every, {}) + b"\0"
    inner = tail("virtio-blk", raw, queues=1)["request_0/element"]
    covered(inner)
    assert inner["out_addr"].count == MOST
    assert "out_addr_unused" not in inner
    assert "in_addr" not in inner


def test_an_element_of_too_many_pieces_is_none() -> None:
    raw = bytearray(b"\1" + element(0, {}, {}) + b"\0")
    raw[5:9] = b"\x00\x10\x10\x00"  # too many in either order
    assert list(names(tail("virtio-blk", bytes(raw), queues=1))) == []


def test_the_queue_of_a_request_by_name() -> None:
    raw = b"\1" + struct.pack(">I", 1) + element(0, {}, {}) + b"\0"
    assert tail("virtio-blk", raw, queues=2)["request_0/queue"].text == "1 requestq2"


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("requests", [0, 1, 2])
def test_blk(several: bool, packed: bool, requests: int) -> None:
    one = b"\1" + bytes(4 * several + 4 * packed) + bytes(ELEMENT)
    raw = one * requests + b"\0"
    found = tail("virtio-blk", raw, queues=1 + several, wide=packed << 34)
    assert list(names(found)) == [*(f"request_{i}" for i in range(requests)), "end"]
    assert all(found[f"request_{i}/element"].span.size == ELEMENT for i in range(requests))


@pytest.mark.parametrize("packed", [False, True])
def test_console(packed: bool) -> None:
    ports = struct.pack(">I??I", 0, True, False, 0)
    ports += struct.pack(">I??IIQ", 1, True, True, 1, 3, 9) + bytes(4 * packed + ELEMENT)
    raw = struct.pack(">HHIII", 80, 25, 31, 3, 2) + ports
    found = tail("virtio-console", raw, wide=packed << 34)
    assert ("port_1/ndescs" in found) == packed
    assert found["port_0/guest_connected"].value is True
    assert int(found["port_1/iov_offset"]) == 9


def test_console_of_a_legacy_driver_of_a_big_endian_guest() -> None:
    raw = struct.pack("<HHI", 80, 25, 31) + struct.pack(">II", 3, 0)
    found = tail("virtio-console", raw, big_endian=True)
    assert [int(found[name]) for name in ("cols", "rows", "max_nr_ports")] == [80, 25, 31]
    assert list(names(tail("virtio-console", raw))) == []


@pytest.mark.parametrize("chunks", [0, 1, 2])
def test_net_with_a_back_end_that_gave_its_state(chunks: int) -> None:
    state = b"".join(struct.pack(">I", 5) + b"state" for _ in range(chunks)) + bytes(4)
    found = tail("virtio-net", net(more=subsection(b"virtio-net-device/backend", state)))
    covered(found)
    inner = found["virtio-net-device/backend"]
    assert list(names(inner))[3:] == [*(f"chunk_{n}" for n in range(chunks)), "end"]


def test_what_a_network_card_says_of_itself_by_name() -> None:
    raw = bytearray(net(macs=2))
    found = tail("virtio-net", bytes(raw))
    assert found["mac"].symbol == "52:54:00:12:34:56"
    assert found["mac_table.macs[1]"].symbol == "00:00:00:00:00:00"
    assert found["vlans"].text == "(no VLAN), 512 bytes, all zero"
    at = len(raw) - 11 - 512
    raw[at : at + 512] = (0b11 | 1 << 9 | 1 << 4095).to_bytes(512, "little")
    assert tail("virtio-net", bytes(raw))["vlans"].description == "VLAN 0-1 9 4095"
    raw[at : at + 512] = b"\xaa" * 512
    assert tail("virtio-net", bytes(raw))["vlans"].description.endswith("more")


def test_iommu() -> None:
    mapping = b"\1" + struct.pack(">QQQI", 0x1000, 0x1FFF, 0x8000, 3)
    endpoint = b"\1" + struct.pack(">I", 8)
    domain = struct.pack(">BQI", 1, 5, 5) + struct.pack(">I", 2) + 2 * mapping + b"\0"
    domain += endpoint + b"\0" + b"\1"
    found = tail("virtio-iommu", struct.pack(">I", 1) + domain + b"\0" + b"\1")
    covered(found)
    assert int(found["domain_0/mapping_1/phys_addr"]) == 0x8000
    assert found["domain_0/mapping_1/flags"].text == "3 READ WRITE"
    assert int(found["domain_0/endpoint_0/id"]) == 8
    assert found["domain_0/bypass"].value is True
    assert found["config.bypass"].symbol == "BYPASS"
    assert list(names(tail("virtio-iommu", b"\0\0\0\0\0\1"))) == ["domains", "end", "config.bypass"]


def test_balloon() -> None:
    raw = struct.pack(">II", 256, 131072)
    raw += subsection(b"virtio-balloon-device/page-poison", bytes(4))
    found = tail("virtio-balloon", raw + subsection(b"virtio-balloon-device/new", b"?"))
    assert int(found["actual"]) == 131072
    assert list(names(found))[-2:] == ["virtio-balloon-device/page-poison", "rest"]


def test_mem() -> None:
    raw = struct.pack(">QQQIQQQ", 1 << 32, 1 << 30, 1 << 21, 0, 1 << 30, 0, 0) + bytes(64)
    assert tail("virtio-mem", raw)["block_size"].text == "2097152 (0x200000) (2 MiB)"
    assert tail("virtio-mem", raw)["bitmap"].text == "512 bits, 0 set"
    raw = raw[:-64] + struct.pack(">8Q", 0b1110, 0, 0, 0, 0, 0, 0, 1 << 63)
    assert tail("virtio-mem", raw)["bitmap"].description == "blocks 1..3 511"
    assert list(names(tail("virtio-mem", bytes(16)))) == ["usable_region_size", "requested_size"]


@given(
    st.sampled_from(
        [
            "virtio-net",
            "virtio-blk",
            "virtio-console",
            "virtio-balloon",
            "virtio-mem",
            "virtio-iommu",
        ]
    ),
    st.binary(min_size=1, max_size=700),
)
def test_garbage_is_covered_or_one_buffer(kind: str, raw: bytes) -> None:
    found = tail(kind, raw)
    parts = list(found.children)
    assert not parts or sum(part.span.size for part in parts) == len(raw)
    for leaf in found.leaves():
        assert leaf.text


@given(st.binary(min_size=12, max_size=12))
def test_an_element_with_any_head_is_covered_or_one_buffer(head: bytes) -> None:
    raw = b"\1" + head + bytes(ELEMENT - len(head)) + b"\0"
    found = tail("virtio-blk", raw, queues=1)
    if any(True for _ in found.children):
        covered(found)
