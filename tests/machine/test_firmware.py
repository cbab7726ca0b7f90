"""Tables that firmware left, as it leaves them and as nobody does."""

from __future__ import annotations

import struct
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from migstream.errors import NoSuchAddress
from migstream.machine.firmware import LOW, MOST_TABLES, acpi_tables, smbios
from migstream.machine.physical import PhysicalMemory, Range

SIZE = 0x200000
MARKS = (b"RSD PTR ", b"_SM3_", b"_SM_", b"RSDT", b"XSDT", b"FACP", b"DSDT")


class Memory:
    def __init__(self) -> None:
        self.data = bytearray(SIZE)

    def read(self, _: str, start: int, stop: int) -> bytes:
        return bytes(self.data[start:stop])

    def physical(self) -> PhysicalMemory:
        return PhysicalMemory([Range(0, SIZE, "pc.ram", 0, "")], self)

    def put(self, at: int, raw: bytes) -> None:
        self.data[at : at + len(raw)] = raw


def adding_up(raw: bytes, at: int) -> bytes:
    """With the byte that makes the sum 0."""
    blank = raw[:at] + b"\0" + raw[at + 1 :]
    return blank[:at] + bytes(((-sum(blank)) & 0xFF,)) + blank[at + 1 :]


def table(signature: bytes, body: bytes) -> bytes:
    head = signature + struct.pack(
        "<IBB6s8sI4sI", 36 + len(body), 2, 0, b"ACME  ", b"BEACON  ", 1, b"X", 1
    )
    return adding_up(head + body, 9)


def test_the_root_table_leads_to_all_and_each_is_told_once() -> None:
    memory = Memory()
    facp = table(b"FACP", struct.pack("<II", 0x50000, 0x60000) + bytes(100))
    memory.put(0x50000, b"FACS" + struct.pack("<I", 64) + bytes(56))
    memory.put(0x60000, table(b"DSDT", b"\x10" * 50))
    memory.put(0x20000, facp)
    broken = bytearray(table(b"APIC", bytes(8)))
    broken[40] ^= 1
    memory.put(0x30000, bytes(broken))
    memory.put(0x10000, table(b"XSDT", struct.pack("<QQQ", 0x20000, 0x30000, 0x20000)))
    rsdp = adding_up(b"RSD PTR \0ACME  \2" + struct.pack("<I", 0), 8)
    memory.put(LOW + 0x40, rsdp + struct.pack("<IQ", 36, 0x10000) + bytes(4))
    found = acpi_tables(memory.physical())
    assert [(one.signature, one.good) for one in found] == [
        ("XSDT", True), ("FACP", True), ("FACS", True), ("DSDT", True), ("APIC", False),
    ]  # fmt: skip
    assert (found[1].oem, found[1].oem_table) == ("ACME", "BEACON")


def test_a_root_that_leads_round_ends() -> None:
    memory = Memory()
    memory.put(0x10000, table(b"RSDT", struct.pack("<I", 0x10000) * 5000))
    memory.put(LOW, adding_up(b"RSD PTR \0ACME  \0" + struct.pack("<I", 0x10000), 8))
    assert [one.signature for one in acpi_tables(memory.physical())] == ["RSDT"]
    places = [0x20000 + 64 * n for n in range(1000)]
    for at in places:
        memory.put(at, table(b"SSDT", b"12345678"))
    memory.put(0x10000, table(b"RSDT", struct.pack("<1000I", *places)))
    assert len(acpi_tables(memory.physical())) <= MOST_TABLES


def test_strings_of_smbios() -> None:
    memory = Memory()
    first = struct.pack("<BBHBB2xB", 0, 9, 0, 1, 2, 3) + b"Vendor\x000.1\x0001/02/2026\0\0"
    second = struct.pack("<BBHBBBB16s", 1, 24, 1, 1, 2, 0, 9, bytes(range(16))) + b"Acme\0Lamp\0\0"
    memory.put(0x40000, first + second + b"\x7f\4\0\0\0\0")
    anchor = adding_up(b"_SM3_\0\x18\3\2\0\1\0" + struct.pack("<IQ", 200, 0x40000), 5)
    memory.put(LOW + 0x100, anchor)
    said = smbios(memory.physical())
    assert said is not None
    assert said.version == "3.2"
    assert (said.bios_vendor, said.bios_version) == ("Vendor", "0.1")
    assert (said.manufacturer, said.product, said.product_version, said.serial) == (
        "Acme",
        "Lamp",
        "",
        "",
    )
    assert said.uuid == "03020100-0504-0706-0809-0a0b0c0d0e0f"


@given(
    st.integers(0, 1 << 32),
    st.lists(st.tuples(st.integers(0, 0x1FFF), st.sampled_from(MARKS)), max_size=40),
)
def test_rubbish_is_no_table_and_breaks_nothing(seed: int, marks: list[tuple[int, bytes]]) -> None:
    memory = Memory()
    memory.put(LOW, Random(seed).randbytes(0x20000))  # noqa: S311 - no secret
    for at, mark in marks:
        memory.put(LOW + 16 * at, mark)
    assert len(acpi_tables(memory.physical())) <= MOST_TABLES
    smbios(memory.physical())
    empty = PhysicalMemory([], memory)
    assert acpi_tables(empty) == []
    assert smbios(empty) is None


def test_memory_that_is_not_in_the_stream_has_no_tables() -> None:
    class Elsewhere(Memory):
        def read(self, block: str, start: int, stop: int) -> bytes:
            raise NoSuchAddress(
                f"the contents of RAM block {block}, {start} to {stop}, are not here"
            )

    memory = Elsewhere().physical()
    assert (acpi_tables(memory), smbios(memory)) == ([], None)
