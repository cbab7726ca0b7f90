"""Registers of network cards by name, their addresses, what their filters let through."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

import migstream
from migstream.vmstate.layout import Layout, Node
from migstream.vmstate.meaning.symbols import e1000, ethernet
from migstream.vmstate.values import Value, root
from migstream.wire.model import Span
from support.meaning import device
from support.samples import Sample

FILE = 32768  # registers of four bytes


def array(vmsd: str, path: str, kind: str, size: int, raw: bytes) -> Value:
    """An array as the only field of a device."""
    leaf = Node(path, kind, "leaf", 0, len(raw), len(raw) // size, size)
    data = memoryview(raw)
    whole = root(
        Layout(vmsd, 1, len(raw), (leaf,)), Span(0, len(raw)), f"{vmsd}[0]", lambda a, b: data[a:b]
    )
    return next(iter(whole))


def registers(vmsd: str, **values: int) -> dict[str, str]:
    """Texts of registers of a whole file, by the names they are to have; `r2800=5` sets the one at 0x2800."""
    raw = bytearray(4 * FILE)
    for name, value in values.items():
        struct.pack_into(">I", raw, int(name[1:], 16), value)
    file = array(vmsd, "core.mac", "uint32", 4, bytes(raw))
    return {name: file.element(int(name[1:], 16) // 4).text for name in values}


def test_registers_of_e1000e_by_name() -> None:
    said = registers("e1000e", r0=0x140241, r100=0x8002, r2800=0x1000, r2804=1, r2808=4096, r2810=3, r5400=0x12005452,
                     r5404=0x80005734, r5408=1, r5604=1 << 5 | 1, r5204=1)  # fmt: skip
    assert said == {
        "r0": "1311297 (0x140241) CTRL FD SLU SPEED=2 SWDPIN0 SWDPIN2",
        "r100": "32770 (0x8002) RCTL EN BAM",
        "r2800": "4096 (0x1000) RDBAL (ring at 0x100001000)",
        "r2804": "1 RDBAH (ring at 0x100001000)",
        "r2808": "4096 (0x1000) RDLEN (256 descriptors)",
        "r2810": "3 RDH (of 256)",
        "r5400": "302011474 (0x12005452) RAL0 52:54:00:12:34:57",
        "r5404": "2147505972 (0x80005734) RAH0 52:54:00:12:34:57",
        "r5408": "1 RAL1 01:00:00:00:00:00 (not valid)",
        "r5604": "33 (0x21) VFTA[1]",
        "r5204": "1 MTA[1]",
    }


def test_registers_of_igb_by_name() -> None:
    said = registers("igb", rc000=0x2000, rc008=2048, rc058=1, re048=32, r1580=1, r54e0=1, r5d00=1)
    assert said["rc000"].endswith("RDBAL0 (ring at 0x2000)")
    assert said["rc008"].endswith("RDLEN0 (128 descriptors)")
    assert said["rc058"].endswith("RDT1")
    assert said["re048"].endswith("TDLEN1 (2 descriptors)")
    assert said["r1580"].endswith("EICR")
    assert "RAL16" in said["r54e0"]
    assert said["r5d00"].endswith("VLVF[0]")


@pytest.mark.parametrize("chip", ["E1000", "E1000E", "IGB"])
def test_a_register_has_one_name(chip: str) -> None:
    names = e1000._registers(chip)
    assert len(set(names.values())) == len(names)
    assert all(0 <= number < FILE for number in names)


def phy(number: int, value: int) -> str:
    raw = bytearray(2 * 224)
    struct.pack_into(">H", raw, 2 * number, value)
    return array("e1000e", "core.phy", "uint16", 2, bytes(raw)).element(number).symbol


def test_registers_of_the_phy() -> None:
    assert phy(0, 0x1140) == "BMCR SPEED1000 FD AUTOEN"
    assert phy(1, 0x794D).startswith("BMSR EXTCAP LINK_ST")
    assert phy(17, 0) == "PHY_SPEC_STATUS"
    assert phy(33, 4) == "page 1 BMSR LINK_ST"
    assert phy(49, 0) == ""


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (bytes(512), "no VLAN"),
        (b"\xff" * 512, "every VLAN"),
        (b"\x03\x80" + bytes(510), "VLAN 0-1 15"),
        (bytes(511) + b"\xf0", "VLAN 4092-4095"),
    ],
)
def test_vlans_that_a_virtio_card_lets_through(raw: bytes, said: str) -> None:
    at = device("buffer", raw)["blob"]
    assert ethernet.vlan_bitmap(raw, at).description == said


def test_a_list_of_vlans_ends() -> None:
    raw = b"\x55" * 512
    said = ethernet.vlan_bitmap(raw, device("buffer", raw)["blob"])
    assert said.description.endswith(" 60 62 and 2016 more")


@given(st.binary(max_size=600), st.integers(0, (1 << 64) - 1))
def test_every_filter_is_said(raw: bytes, number: int) -> None:
    at = array("vmxnet3", "vlan_table", "uint32", 4, bytes(512)).element(3)
    for known in (
        ethernet.vlan_bitmap,
        ethernet.multicast,
        ethernet.addresses,
        ethernet.mac,
        ethernet.first_address(2),
    ):
        assert isinstance(known(raw, at).name, str)
    assert isinstance(ethernet.vlan_word(number, at).name, str)


@given(st.binary(min_size=64, max_size=64), st.sampled_from(["e1000e", "igb"]))
def test_whatever_registers_hold_is_said(raw: bytes, vmsd: str) -> None:

    file = array(vmsd, "core.mac", "uint32", 4, raw * (4 * FILE // 64))
    for number in (0, 2, 0x2800 // 4, 0x2810 // 4, 0x5400 // 4, 0x5404 // 4, 0xC000 // 4, FILE - 1):
        assert isinstance(file.element(number).text, str)
    short = array(vmsd, "core.mac", "uint32", 4, raw[:4])
    assert isinstance(short.element(0).text, str)


REAL = {
    "x86-pc-rich-10.0.mig": {
        "e1000/mac_reg[CTRL]": "1311296 (0x140240) SLU SPEED=2 SWDPIN0 SWDPIN2",
        "e1000/eeprom_data[1]": "4608 (0x1200) MAC 00:12",
        "e1000/e1000/full_mac_state/mac_reg[0]": "1311296 (0x140240) CTRL SLU SPEED=2 SWDPIN0 SWDPIN2",
        "rtl8139/conf.macaddr": '52:54:00:12:34:58, 6 bytes, 525400123458 "RT"',
        "rtl8139/bChipCmdState": "16 (0x10) RST",
        "rtl8139/RxBufPtr": "0 (of 8192)",
        "pcnet/state/csr[4]": "277 (0x115) FEATURES JABM TXSTRTM RCVCCOM MFCOM",
        "virtio-net/virtio/device/mac": '52:54:00:12:34:56, 6 bytes, 525400123456 "RT"',
        # a name that the device has for a register of its own is not that of PCI's
        "ide/parent_obj/config[0]/status": "640 (0x280) FAST_BACK DEVSEL_MEDIUM",
    },
    "x86-q35-rich-10.0.mig": {
        "e1000e/core.mac[0]": "1311297 (0x140241) CTRL FD SLU SPEED=2 SWDPIN0 SWDPIN2",
        "vmxnet3/link_status_and_speed": "65536001 (0x3e80001) UP (1000 Mbit/s)",
    },
}


def test_cards_of_real_machines(sample: Sample) -> None:
    expected = REAL.get(sample.name, {})
    with migstream.open(sample.path) as opened:
        assert {path: opened[path].text for path in expected} == expected
