"""Registers of disks, hosts, sound and what manages a machine, by name."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest

import migstream
from migstream.savevm import SaveVM
from migstream.vmstate import U8, U32, VMState, array, qtailq
from migstream.vmstate.layout import Layout, Node
from migstream.vmstate.meaning.symbols import model
from migstream.vmstate.meaning.symbols.ppc_boards import SPAPR
from migstream.vmstate.paths import find
from migstream.vmstate.values import Value, root
from migstream.wire.model import Span
from support.meaning import device


@pytest.mark.parametrize(
    ("vmsd", "field", "kind", "value", "text"),
    [
        ("ide", "bus.ifs/status", "uint8", 0x50, "80 (0x50) DSC DRDY"),
        ("ide", "bus.ifs/select", "uint8", 0xF0, "240 (0xf0) DRIVE1 LBA"),
        ("ide", "bus/cmd", "uint8", 8, "8"),
        ("ide", "ifs/sense_key", "uint8", 6, "6 UNIT_ATTENTION"),
        ("ide", "ide_bus/error/error_status", "uint8", 0x28, "40 (0x28) DMA READ"),
        ("ich9_ahci", "ahci/port_regs.tfdata", "uint32", 0x150, "336 (0x150) DSC DRDY AMNF"),
        ("ich9_ahci", "ahci/port_regs.scr_stat", "uint32", 0x113,
         "275 (0x113) DET=3 SPD=1 IPM=1 (a drive, link up, 1.5 Gb/s, active)"),
        ("ich9_ahci", "ahci/port_regs.sig", "uint32", 0xFFFF0101, "4294902017 (0xffff0101) (no drive)"),
        ("ich9_ahci", "config/status", "uint16", 16, "16 (0x10)"),  # it is PCI's, not a drive's
        ("sd-card", "current_cmd", "uint8", 17, "17 (0x11) READ_SINGLE_BLOCK"),
        ("sd-card", "sd-card/ocr-state/ocr", "uint32", 0x80FF8000,
         "2164228096 (0x80ff8000) 2.7-2.8V 2.8-2.9V 2.9-3.0V 3.0-3.1V 3.1-3.2V 3.2-3.3V 3.3-3.4V 3.4-3.5V 3.5-3.6V POWER_UP"),
        ("sdhci", "cmdreg", "uint16", 0x71B, "1819 (0x71b) SELECT_CARD RESPONSE=3 CRC_CHECK INDEX_CHECK"),
        ("sdhci", "norintsts", "uint16", 0x8001, "32769 (0x8001) CMD_COMPLETE ERROR"),
        ("pl181", "cmd", "uint32", 0x451, "1105 (0x451) READ_SINGLE_BLOCK RESPONSE ENABLE"),
        ("nvme", "bar/vs", "uint32", 0x10400, "66560 (0x10400) (NVMe 1.4.0)"),
        ("nvme", "bar/cc", "uint32", 0x460001, "4587521 (0x460001) EN IOSQES=6 IOCQES=4"),
        ("nvme", "temperature", "uint16", 323, "323 (0x143) (50 °C)"),
        ("nvme", "namespace/id_ns/lbaf/ds", "uint8", 9, "9 (512 bytes)"),
        ("pflash_cfi01", "status", "uint8", 0x80, "128 (0x80) READY"),
        ("m25p80", "cmd_in_progress", "uint8", 0x9F, "159 (0x9f) JEDEC_READ"),
        ("fdc", "state/msr", "uint8", 0x80, "128 (0x80) RQM"),
        ("scsi-disk", "qdev/unit_attention.asc", "uint8", 0x29, "41 (0x29) POWER_ON_OR_RESET"),
        ("lsiscsi", "istat0", "uint8", 0x09, "9 DIP CON"),
        ("megasas", "fw_state", "uint32", 0xB0000000, "2952790016 (0xb0000000) READY"),
        ("mptsas", "state", "uint32", 0x20000000, "536870912 (0x20000000) OPERATIONAL"),
        ("pvscsi", "curr_cmd", "uint64", 3, "3 SETUP_RINGS"),
        ("ohci", "state/ctl", "uint32", 0xB7, "183 (0xb7) OPERATIONAL CBSR=3 PLE CLE BLE"),
        ("ohci", "state/rhport/ctrl", "uint32", 0x110103, "1114371 (0x110103) CCS PES PPS CSC PRSC"),
        ("xhci", "xhci/portsc", "uint32", 0x21203,
         "135683 (0x21203) CCS PED POWER SPEED=4 CSC (super speed, U0)"),
        ("ehci", "ehci/astate", "uint32", 1001, "1001 (0x3e9) ACTIVE"),
        ("usb-hub", "ports/wPortStatus", "uint16", 0x503, "1283 (0x503) CONNECTION ENABLE POWER HIGH_SPEED"),
        ("usb-storage", "mode", "uint32", 3, "3 CSW (a status is to be sent)"),
        ("tpm-tis", "state.loc/sts", "uint32", 0x4000040, "67108928 (0x4000040) COMMAND_READY TPM2.0"),
        ("tpm-tis", "state.active_locty", "uint8", 255, "255 (0xff) (none)"),
        ("tpm-emulator", "state_blobs.permanent_flags", "uint32", 2, "2 ENCRYPTED"),
        ("ipmi-bmc-sim", "watchdog_use", "uint8", 0x44, "68 (0x44) SMS_OS DONT_STOP"),
        ("ipmi-bmc-sim", "watchdog_action", "uint8", 0x21, "33 (0x21) RESET BEFORE=NMI"),
        ("ipmi-interface", "kcs/status_reg", "uint8", 0xC1, "193 (0xc1) ERROR OBF"),
        ("i6300esb_wdt", "int_type", "int32", 2, "2 SMI"),
        ("fw_cfg", "cur_entry", "uint16", 0x19, "25 (0x19) FILE_DIR"),
        ("fw_cfg", "cur_entry", "uint16", 0x25, "37 (0x25) FILE5"),
        ("fw_cfg", "cur_entry", "uint16", 0x8003, "32771 (0x8003)"),
        ("piix4_pm", "ar.gpe/sts", "uint16", 0xA, "10 (0xa) PCI_HOTPLUG MEMORY_HOTPLUG"),
        ("acpi-ged", "ged_state/sel", "uint32", 2, "2 POWER_DOWN"),
        ("intel-hda", "st/fmt", "uint32", 0x4011, "16401 (0x4011) (44100 Hz, 2 channels, 16 bits)"),
        ("kvm-tpr-opt", "state", "uint32", 1, "1 ACTIVE"),
        ("ics", "irqs/flags", "uint8", 2, "2 MSI"),
        ("icp/server", "xirr", "uint32", 0xFF000010, "4278190096 (0xff000010) CPPR=0xff XISR=0x10"),
    ],
)  # fmt: skip
def test_a_register_by_name(vmsd: str, field: str, kind: str, value: int, text: str) -> None:
    raw = value.to_bytes(int(kind.lstrip("uint")) // 8, "big")
    assert device(kind, raw, vmsd=vmsd, field=field)[field].text == text


@pytest.mark.parametrize(
    ("vmsd", "field", "raw", "said"),
    [
        ("scsi-disk", "sense", bytes([0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x29, 1]),
         {0: "FIXED", 2: "UNIT_ATTENTION", 12: "POWER_ON_OR_RESET", 13: "POWER_ON"}),
        ("scsi-disk", "sense", bytes([0x72, 5, 0x24, 0, 0, 0, 0, 0]),
         {0: "DESCRIPTORS", 1: "ILLEGAL_REQUEST", 2: "INVALID_FIELD_IN_CDB"}),
        ("usb-kbd", "setup_buf", bytes([0x21, 10, 0, 8, 0, 0, 0, 0]),
         {0: "bmRequestType OUT CLASS INTERFACE", 1: "bRequest SET_IDLE", 7: "wLength"}),
        ("sd-card", "cid", b"\xaaXYQEMU!\x01\xde\xad\xbe\xef\x00\x62\x19",
         {0: "MID", 1: "OID", 3: "PNM", 8: "PRV", 13: "MDT"}),
        ("tpm-crb", "regs", bytes([0x80] + [0] * 18 + [1]), {0: "LOC_STATE VALID", 19: "CTRL_START INVOKE"}),
    ],
)  # fmt: skip
def test_elements_by_their_number(vmsd: str, field: str, raw: bytes, said: dict[int, str]) -> None:
    value = numbers(vmsd, field, raw)
    assert {n: value.element(n).symbol for n in said} == said


def numbers(vmsd: str, field: str, raw: bytes) -> Value:
    """An array of bytes."""
    node = Node(field, "uint8", "leaf", 0, len(raw), len(raw), 1)
    layout = Layout(vmsd, 1, len(raw), (node,))
    data = memoryview(raw)
    return root(layout, Span(0, len(raw)), f"{vmsd}[0]", lambda start, stop: data[start:stop])[
        field
    ]


def test_a_cards_size_and_names() -> None:
    csd = numbers(
        "sd-card", "csd", bytes.fromhex("00260032 5f59e00f fffffc2e 920a40ff".replace(" ", ""))
    )
    assert csd.element(0).description == "version 1.0"
    assert csd.element(6).symbol == "C_SIZE"
    cid = numbers("sd-card", "cid", b"\xaaXYQEMU!\x01\xde\xad\xbe\xef\x00\x62\x19")
    assert cid.element(1).description == "XY"
    assert cid.element(3).description == "QEMU!"
    assert cid.element(9).description == "serial number 0xdeadbeef"
    assert cid.element(13).description == "made in 2006-02"


class Hid(VMState, name="hid", version=1):
    keycodes: list[U32] = array(4, name="kbd.keycodes")
    head: U32
    n: U32


class Keyboard(VMState, name="usb-kbd", version=1):
    hid: Hid


def test_keys_that_wait() -> None:
    vm = SaveVM("toy", release="7.2")
    vm.register(Keyboard(hid=Hid(keycodes=[30, 48, 46, 32], head=3, n=2)))
    out = io.BytesIO()
    vm.save(out)
    with migstream.open(io.BytesIO(out.getvalue())) as stream:
        keys = stream.devices["usb-kbd"]["hid/kbd.keycodes"].elements()
        assert [one.description for one in keys] == ["waits", "", "", "waits"]


# --- lists -------------------------------------------------------------------------------------------


class Event(VMState, name="event", version=1):
    kind: U8
    number: U32


class Holder(VMState, name="holder", version=1):
    before: U8
    events: list[Event] = qtailq()
    after: U8


@pytest.fixture
def lists() -> io.BytesIO:
    vm = SaveVM("toy", release="7.2")
    vm.register(Holder(before=1, events=[Event(kind=n, number=100 + n) for n in range(3)], after=2))
    out = io.BytesIO()
    vm.save(out)
    return io.BytesIO(out.getvalue())


def test_elements_of_a_list_have_numbers(lists: io.BytesIO) -> None:
    with migstream.open(lists) as stream:
        holder = stream.devices["holder"]
        assert int(holder["events[1]/number"]) == 101
        assert holder["events[1]"].path == "holder[0]/events[1]"
        assert [int(one) for one in find(holder.value, "events[*]/number")] == [100, 101, 102]
        assert [one.path for one in holder.value.leaves()][1:4] == [
            "holder[0]/events/more[0]",
            "holder[0]/events[0]/kind",
            "holder[0]/events[0]/number",
        ]
        assert "events[3]" not in holder.value


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("local-mac-address", b"RT\0\x12\x34\x56", "52:54:00:12:34:56"),
        ("ibm,my-dma-window", b"q\0\0\1", ""),
        ("compatible", b"a\0b c\0", "a b c"),
        ("model", b"toy", ""),
    ],
)
def test_a_property_is_text_where_all_of_it_is(name: str, raw: bytes, said: str) -> None:
    at: Any = SimpleNamespace(above=SimpleNamespace(name=name))
    assert SPAPR["*/value"](raw, at).name == said


def test_what_stands_beside_is_a_number_or_nothing() -> None:
    def leaf(name: str, value: object) -> Any:
        return SimpleNamespace(name=name, value=value, kind="leaf", count=None)

    inside: Any = [leaf("n", 3), leaf("head", 1), leaf("odd", b"\1")]
    assert model.numbers(inside, "head", "n") == [1, 3]
    assert model.numbers(inside, "head", "odd") is None
    assert model.numbers(inside, "head", "absent") is None
