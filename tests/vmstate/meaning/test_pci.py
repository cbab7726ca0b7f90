from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.vmstate.meaning.pci import capabilities, extended, msix_vectors
from support.meaning import expand, names
from support.virtio import pci


def test_pci_config() -> None:
    parts = expand("pci config", pci(vectors=3))
    assert (parts["vendor_id"].span.start, parts["vendor_id"].type) == (0, "le16")
    assert (parts["bar"].span.start, parts["bar"].count) == (0x10, 6)
    assert parts["msix_98"].span.start == 0x98
    assert list(names(parts["msix_98"]))[:4] == ["id", "next", "control", "table"]
    assert parts["vendor_84"].span.size == 0x98 - 0x84


def test_pci_bridge_and_extended_capabilities() -> None:
    space = bytearray(pci(4096))
    space[0x0E] = 1
    struct.pack_into("<I", space, 0x100, 0x0001 | 2 << 16 | 0x148 << 20)
    struct.pack_into("<I", space, 0x148, 0x0099 | 1 << 16 | 0x100 << 20)  # back again: a loop
    parts = expand("pci config", bytes(space))
    assert parts["bar"].count == 2
    assert parts["bridge_control"].span.start == 0x3E
    assert parts["aer_100"].span.size == 0x48
    assert parts["extended_0099_148"].span.start == 0x148


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
    assert parts["table"].span.size == 16 * vectors
    assert not expand("msix state", bytes(16 * vectors))


def test_the_walk_goes_in_the_order_of_the_list_and_visits_each_once() -> None:
    space = memoryview(bytearray(pci(4096, vectors=3)))
    assert list(capabilities(space)) == [(0x98, 0x11), (0x84, 0x09), (0x40, 0x10)]
    space[0x41] = 0x98
    assert list(capabilities(space)) == [(0x98, 0x11), (0x84, 0x09), (0x40, 0x10)]
    assert msix_vectors(space) == 3
    struct.pack_into("<I", space, 0x100, 0x0001 | 1 << 16 | 0x148 << 20)
    struct.pack_into("<I", space, 0x148, 0x000E | 1 << 16)
    assert list(extended(space)) == [(0x100, 0x01), (0x148, 0x0E)]


def test_a_space_without_the_status_bit_or_cut_short_has_no_capabilities() -> None:
    space = memoryview(bytearray(pci(vectors=3)))
    assert list(capabilities(space[:255])) == []
    assert list(extended(space)) == []
    space[6] = 0
    assert list(capabilities(space)) == []
    assert msix_vectors(space) is None
