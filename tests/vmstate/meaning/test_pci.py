from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import migstream
from migstream.vmstate.meaning.pci import capabilities, config_space, extended, msix_vectors
from migstream.vmstate.meaning.pci_registers import CHIPSETS
from migstream.vmstate.values import Value
from support.meaning import device, expand, names
from support.samples import Sample
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


# --- capabilities --------------------------------------------------------------------------------


def space(*capability: bytes, express: Sequence[bytes] = (), vendor: int = 0x1B36) -> bytes:
    """A configuration space with capabilities, each without its own links, from 0x40 and 0x100 on."""
    out = bytearray(4096 if express else 256)
    struct.pack_into("<HHHH", out, 0, vendor, 1, 0, 0x10 if capability else 0)
    at, link = 0x40, 0x34
    for one in capability:
        out[link] = at
        out[at : at + len(one) + 1] = one[:1] + b"\0" + one[1:]
        at, link = at + len(one) + 1, at + 1
    at = 0x100
    for n, one in enumerate(express):
        after = at + 2 + len(one)
        following = after << 4 if n + 1 < len(express) else 0
        out[at:after] = one[:2] + struct.pack("<H", 1 | following) + one[2:]
        at = after
    return bytes(out)


def texts(value: Value) -> dict[str, str]:
    return {part.name: part.text for part in value.children}


def test_msi_with_masks_and_pending_vectors() -> None:
    raw = space(struct.pack("<BHIIHHII", 5, 0x185, 0xFEE01000, 0, 0x4041, 0, 0b110, 0b100))
    found = texts(expand("pci config", raw)["msi_40"])
    assert found["control"].endswith("ENABLE CAPABLE=2 64BIT MASKING")
    assert found["address_low"].endswith("APIC 0x1 PHYSICAL")
    assert found["data"] == "16449 (0x4041) vector 0x41 FIXED"
    assert found["mask"] == "6 VECTOR1 VECTOR2"
    assert found["pending"] == "4 VECTOR2"
    short = expand("pci config", space(struct.pack("<BHIH", 5, 1, 0, 0)))
    assert list(texts(short["msi_40"])) == ["id", "next", "control", "address_low", "data"]
    assert short["space_4a"].span.size == 256 - 0x4A


def test_the_address_of_a_message_may_be_a_handle_of_an_iommus() -> None:
    raw = space(struct.pack("<BHIIH", 5, 0x81, 0xFEE00258, 0, 0))
    found = texts(expand("pci config", raw)["msi_40"])
    assert found["address_low"].endswith("REMAPPED handle 0x12")
    assert found["data"] == "0"


def test_msix_says_how_many_vectors_and_where_they_are() -> None:
    raw = space(struct.pack("<BHII", 0x11, 0x8003, 0x1, 0x801))
    found = texts(expand("pci config", raw)["msix_40"])
    assert found["control"] == "32771 (0x8003) ENABLE (4 vectors)"
    assert found["table"] == "1 bar[1] offset 0x0"
    assert found["pba"] == "2049 (0x801) bar[1] offset 0x800"


def test_pending_vectors_have_their_numbers() -> None:
    table = struct.pack("<IIII", 0xFEE00000, 0, 0x31, 0) + struct.pack("<IIII", 0, 0, 0, 1) * 8
    parts = expand("msix state", table + b"\x05\x01")
    assert parts["pending"].description == "0 2 8 pending"
    first = texts(parts["table"].element(0))
    assert first["data"] == "49 (0x31) vector 0x31 FIXED"
    assert texts(parts["table"].element(1))["control"] == "1 MASKED"
    many = expand("msix state", bytes(16 * 64) + b"\xff" * 8)["pending"].description
    assert many.endswith("31 and 32 more pending")


def test_an_express_capability_of_version_1_is_shorter() -> None:
    one = expand("pci config", space(b"\x10\x01\0" + bytes(17)))
    assert one["express_40"].span.size == 0x14
    two = expand("pci config", space(b"\x10\x42\x01" + bytes(57)))
    assert two["express_40"].span.size == 0x3C
    assert texts(two["express_40"])["capabilities"].endswith("version 2 ROOT_PORT SLOT")


def test_extended_capabilities_register_by_register() -> None:
    serial = b"\x03\0" + bytes.fromhex("573412ffff005452")
    sriov = struct.pack("<HIHHHHHBBHHHHIIIIIIIIII", 0x10, 0, 0x19, 0, 7, 7, 3, 0, 0, 128, 2, 0,
                        0x10CA, 0x553, 1, 0xFE00000C, 1, 0, 0, 0, 0, 0, 0)[:64]  # fmt: skip
    parts = expand(
        "pci config", space(express=[serial, sriov, b"\x0d\0\x1f\0\x01\0"], vendor=0x8086)
    )
    assert texts(parts["serial_number_100"])["serial"].endswith("52-54-00-ff-ff-12-34-57")
    assert texts(parts["serial_number_100"])["header"].endswith(
        "SERIAL_NUMBER version 1 next 0x10c"
    )
    found = parts["sriov_10c"]
    assert texts(found)["control"] == "25 (0x19) VF_ENABLE VF_MEMORY ARI"
    assert texts(found)["num_vfs"] == "3"
    assert texts(found)["vf_device_id"] == "4298 (0x10ca) 82576_VF"
    assert found["bar[0]"].symbol == "MEM64 PREFETCH at 0x1fe000000"
    assert found["bar[1]"].description == "upper half of bar[0]"


def test_what_a_bridge_asks_firmware_for() -> None:
    asked = struct.pack("<BBBIQIIQ", 9, 32, 1, 5, 0x1000, 0xFFFFFFFF, 0, (1 << 64) - 1)
    found = texts(expand("pci config", space(asked))["vendor_40"])
    assert found["kind"] == "1 RESOURCE_RESERVE"
    assert found["io"] == "4096 (0x1000) (0x1000 bytes)"
    assert found["memory"].endswith("(not said)")
    other = expand("pci config", space(asked, vendor=0x8086))["vendor_40"]
    assert list(texts(other)) == ["id", "next", "length", "kind", "rest"]


def test_a_capability_that_does_not_fit_has_what_fits() -> None:
    raw = bytearray(space(b"\x11\0\0"))
    raw[0x34] = 0xFC
    raw[0xFC:0x100] = 0x11, 0, 1, 0
    parts = expand("pci config", bytes(raw))
    assert list(texts(parts["msix_fc"])) == ["id", "next", "control"]


def test_windows_of_a_bridge_are_ranges() -> None:
    raw = bytearray(256)
    raw[0x0E] = 1
    raw[0x1C:0x1E] = 0xD0, 0xD0
    struct.pack_into("<HHHHII", raw, 0x20, 0xFE60, 0xFE70, 1, 0x11, 2, 2)
    found = texts(device("pci config", bytes(raw))["blob"])
    assert found["io_base"].endswith("(0xd000-0xdfff)")
    assert found["memory_limit"].endswith("(0xfe600000-0xfe7fffff)")
    assert found["prefetch_base"] == "1 (0x200000000-0x2001fffff)"
    raw[0x1C:0x1E] = 0xF0, 0x00
    assert texts(device("pci config", bytes(raw))["blob"])["io_base"].endswith("(closed)")


def test_slots_of_a_hot_plug_controller() -> None:
    head = struct.pack("<IIIBBHHBBBBHIII", 0, 2, 0, 2, 1, 1, 3, 0, 1, 0, 0, 1, 0, 0, 0xF)
    parts = expand("shpc", head + struct.pack("<II", 0x7F000D0F, 0x00050416))
    assert (int(parts["nslots"]), int(parts["sec_bus"])) == (2, 3)
    assert parts["cmd_status"].symbol == "BUSY"
    assert parts["slot"].element(0).symbol == "DISABLED POWER=OFF MRL_OPEN EMPTY"
    assert (
        parts["slot"].element(1).symbol
        == "ENABLED POWER=ON ATTENTION=ON 25W PRESENCE_EVENT BUTTON_EVENT"
    )


@given(st.binary(max_size=170))
@example(bytes(37))
@example(bytes(41))
def test_any_hot_plug_controller_is_covered_or_left(raw: bytes) -> None:
    parts = expand("shpc", raw)
    assert bool(parts) == (len(raw) >= 36 and len(raw) % 4 == 0)
    for part in parts.values():
        for one in part if part.count is not None else [part]:
            assert isinstance(one.text, str)


# --- chipsets ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vmsd", "at", "raw", "path", "text"),
    [
        ("I440FX", 0x59, b"\x30", "pam[0]", "48 (0x30) 0xf0000 RAM"),
        ("I440FX", 0x5B, b"\x13", "pam[2]", "19 (0x13) 0xc8000 RAM 0xcc000 READ"),
        ("I440FX", 0x72, b"\x4a", "smram", "74 (0x4a) C_BASE_SEG=2 G_SMRAME D_OPEN"),
        ("mch", 0x60, b"\x01\0\0\xb0", "pciexbar", "2952790017 (0xb0000001) ENABLED at 0xb0000000 (256 MB)"),
        ("mch", 0x9E, b"\x3b", "esmramc", "59 (0x3b) T_EN SM_L2 SM_L1 SM_CACHE (TSEG of 2 MB)"),
        ("PIIX3", 0x61, b"\x0b", "pirq_route[1]", "11 (0xb) PIRQB IRQ11"),
        ("PIIX4", 0x60, b"\x80", "pirq_route[0]", "128 (0x80) PIRQA DISABLED"),
        ("piix4_pm", 0x40, b"\x01\xb0", "pmba", "45057 (0xb001) at 0xb000"),
        ("ide", 0x42, b"\0\x80", "idetim[1]", "32768 (0x8000) DECODE"),
        ("ICH9LPC", 0x40, b"\x01\x06", "pmbase", "1537 (0x601) at 0x600"),
        ("ICH9LPC", 0x69, b"\x0a", "pirq_route_e[1]", "10 (0xa) PIRQF IRQ10"),
        ("ICH9LPC", 0xF0, b"\x01\xc0\xd1\xfe", "rcba", "4275159041 (0xfed1c001) ENABLE at 0xfed1c000"),
    ],
)  # fmt: skip
def test_registers_of_chipsets(vmsd: str, at: int, raw: bytes, path: str, text: str) -> None:
    config = bytearray(256)
    config[:2] = b"\x86\x80"
    config[at : at + len(raw)] = raw
    assert device("pci config", bytes(config), vmsd=vmsd)["blob"][path].text == text


@given(st.binary(min_size=256, max_size=256), st.booleans(), st.sampled_from(sorted(CHIPSETS)))
def test_whatever_a_chipset_holds_is_covered_and_said(raw: bytes, express: bool, vmsd: str) -> None:
    for part in expand("pci config", raw * 16 if express else raw, vmsd=vmsd).values():
        for leaf in part.leaves():
            assert isinstance(leaf.text, str)


@pytest.mark.parametrize("stream", ["pc-7.2.mig", "q35-7.2.mig"])
def test_the_bytes_of_a_real_chipset_have_names(
    stream: str, named_sample: Callable[[str], Sample]
) -> None:
    """What is not zero and has no name, of all configuration spaces: where QEMU keeps what it does not use."""
    with migstream.open(named_sample(stream).path) as opened:
        unnamed = {
            f"{one.value.type}/{leaf.name}"
            for one in opened.devices
            if (config := config_space(one.value)) is not None
            for leaf in config.leaves()
            if leaf.name.startswith(("space_", "rest")) and any(leaf.raw)
        }
    assert unnamed <= {"PIIX3/space_78", "uhci/space_61"}


def test_registers_of_anothers_ide_controller_are_not_intels() -> None:
    names = expand("pci config", bytes(256), vmsd="ide")
    assert "idetim" not in names
    assert "space_40" in names


def test_chipsets_outside_of_their_configuration_space(
    named_sample: Callable[[str], Sample],
) -> None:
    with migstream.open(named_sample("pc-7.2.mig").path) as opened:
        assert opened["PIIX3/pci_irq_levels_vmstate[2]"].text == "0 PIRQC"
        register = opened["PCIHost/config_reg"]
        assert int(register) == 0
        assert register.symbol == ""
