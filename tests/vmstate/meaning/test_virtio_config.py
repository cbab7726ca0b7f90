"""Configuration spaces, as real QEMUs (7.2 and 11.1) have written them."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.vmstate.meaning.virtio_config import _SPACES
from migstream.vmstate.values import Value
from support.meaning import covered, device, names
from support.virtio import blob

VERSION_1 = 1 << 32


def space(
    kind: str,
    raw: bytes,
    *,
    features: int = 0,
    endian: int | None = None,
    big_endian: bool = False,
) -> Value:
    """The configuration space of a device of this kind."""
    whole = blob(config=raw, features=features, endian=endian)
    one = device(
        "virtio", whole, section=f"0000:00:03.0/{kind}", field="virtio", big_endian=big_endian
    )
    found = one["virtio/device_config"]
    assert bytes(found) == raw
    return found


REAL = [
    (
        "virtio-net",
        "525400123456010001007805e803000001",
        {
            "mac": '52:54:00:12:34:56, 6 bytes, 525400123456 "RT"', "status": "1 LINK_UP", "max_virtqueue_pairs": "1",
            "mtu": "1400 (0x578)", "speed": "1000 (0x3e8)", "duplex": "1 FULL",
        },
    ),
    (
        "virtio-net",
        "525400123457010001000000ffffffffff288000ff010000",
        {
            "speed": "4294967295 (0xffffffff) UNKNOWN", "duplex": "255 (0xff) UNKNOWN",
            "rss_max_key_size": "40 (0x28)", "rss_max_indirection_table_length": "128 (0x80)",
            "supported_hash_types": "511 (0x1ff) IPv4 TCPv4 UDPv4 IPv6 TCPv6 UDPv6 IP_EX TCP_EX UDP_EX",
        },
    ),
    (
        "virtio-blk",
        "000800000000000000000000fe0000000200103f00020000000000000000000001000200ffff3f000100000001000000ffff3f000100000001",
        {
            "capacity": "2048 (0x800) (1 MiB)", "seg_max": "254 (0xfe)", "geometry.heads": "16 (0x10)",
            "blk_size": "512 (0x200)", "wce": "1 WRITEBACK", "num_queues": "2", "write_zeroes_may_unmap": "1",
        },
    ),
    (
        "virtio-scsi",
        "01000000fe000000ffff0000800000001000000060000000200000000000ff00ff3f0000",
        {"num_queues": "1", "max_target": "255 (0xff)", "max_lun": "16383 (0x3fff)"},
    ),
    ("virtio-console", "000000001f00000000000000", {"max_nr_ports": "31 (0x1f)"}),
    ("virtio-gpu", "0000000000000000020000000000000000000000", {"num_scanouts": "2", "blob_alignment": "0"}),
    ("virtio-9p", "0400686f7374", {"tag_len": "4", "tag": "4 bytes, 686f7374"}),
    (
        "virtio-iommu",
        "00f0ffffffffffff0000000000000000ffffffff7f00000000000000ffffffff0002000001000000",
        {
            "page_size_mask": "18446744073709547520 (0xfffffffffffff000) (from 4 KiB on)",
            "input_range.end": "549755813887 (0x7fffffffff)", "domain_range.end": "4294967295 (0xffffffff)",
            "bypass": "1 BYPASS (devices without a domain reach all memory)",
        },
    ),
    (
        "virtio-mem",
        "0000200000000000000000000000000000000000010000000000000400000000000000040000000000000000000000000000000200000000",
        {"block_size": "2097152 (0x200000) (2 MiB)", "addr": "4294967296 (0x100000000)"},
    ),
    (
        "virtio-input",
        "03000800000000000600270601000100" + 21 * "00",
        {"select": "3 ID_DEVIDS", "size": "8", "ids.bustype": "6 VIRTUAL", "ids.vendor": "1575 (0x627)"},
    ),
    (
        "virtio-input",
        "120114000000000000000000ff7f0000" + 21 * "00",
        {"select": "18 (0x12) ABS_INFO", "abs.min": "0", "abs.max": "32767 (0x7fff)"},
    ),
    ("virtio-vhost_vsock", "0300000000000000", {"guest_cid": "3"}),
    ("vhost-user-fs", b"share".hex().ljust(72, "0") + "01000000", {"num_request_queues": "1"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "raw", "expected"), REAL)
def test_a_device_says_what_it_is(kind: str, raw: str, expected: dict[str, str]) -> None:
    found = space(kind, bytes.fromhex(raw), features=VERSION_1)
    covered(found)
    assert {name: found[name].text for name in expected} == expected


@pytest.mark.parametrize(
    ("features", "endian", "big_endian", "order"),
    [
        (1, None, False, "<"),
        (1, None, True, ">"),  # a legacy driver, in its guest's own order
        (0, None, False, "<"),
        (0, None, True, ">"),  # nobody drives it any more, and the one who did
        (0, None, True, "<"),  # may have done it in either order
        (VERSION_1, None, True, "<"),
        (1, 2, False, ">"),  # a guest in the other order than its target's own
        (1, 1, True, "<"),
        (VERSION_1, 2, True, "<"),
    ],
)
def test_the_order_of_bytes_is_that_of_the_driver(
    features: int, endian: int | None, big_endian: bool, order: str
) -> None:
    raw = struct.pack(f"{order}HHII", 80, 25, 31, 0)
    found = space("virtio-console", raw, features=features, endian=endian, big_endian=big_endian)
    assert [int(found[name]) for name in ("cols", "rows", "max_nr_ports")] == [80, 25, 31]
    raw = struct.pack("<II", 1024, 512)  # of which not
    found = space("virtio-balloon", raw, features=features, endian=endian, big_endian=big_endian)
    assert int(found["num_pages"]) == 1024


def test_a_space_ends_where_it_ends() -> None:
    whole = space("virtio-net", bytes(10))
    assert list(names(whole)) == ["mac", "status", "max_virtqueue_pairs"]
    cut = space("virtio-net", bytes(11))
    assert list(names(cut)) == ["mac", "status", "max_virtqueue_pairs", "rest"]
    longer = space("virtio-balloon", bytes(20))
    assert list(names(longer))[-1] == "rest"
    assert longer["rest"].span.size == 4


def test_a_kind_that_nobody_knows_is_one_buffer() -> None:
    assert list(names(space("virtio-teapot", bytes(8)))) == []


@given(
    st.sampled_from(sorted(_SPACES)),
    st.binary(min_size=1, max_size=160),
    st.booleans(),
)
def test_any_bytes_are_covered_and_said(kind: str, raw: bytes, big_endian: bool) -> None:
    found = space(kind, raw, big_endian=big_endian)
    if any(True for _ in found.children):
        covered(found)
    for leaf in found.leaves():
        assert leaf.text
