"""What the firmware left in memory for the guest: ACPI's tables, SMBIOS.

References: ACPI 6.5, 5.2.5 to 5.2.9; SMBIOS 3.7, 5.2, 7.1, 7.2; where a PC's firmware puts both: the last 128 KiB
below 1 MiB.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from migstream.errors import MigstreamError, NoSuchAddress
from migstream.names import brief

if TYPE_CHECKING:
    from migstream.machine.physical import PhysicalMemory

__all__ = ["AcpiTable", "Smbios", "acpi_tables", "smbios"]

LOW, HIGH = 0xE0000, 0x100000  # where both are looked for, on 16-byte boundaries
PARAGRAPH = 16
HEADER = 36  # bytes of an ACPI table's head
MOST_TABLES = 256
LONGEST = (
    2 << 20
)  # bytes of a table: QEMU warns where all of them need more (ACPI_BUILD_TABLE_MAX_SIZE)
LONGEST_SMBIOS = 1 << 20
DSDT, X_DSDT, FACS = 40, 140, 36  # in the FADT
NO_HEAD = {b"FACS"}  # tables that have no checksum


class AcpiTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table: where it is in guest-physical memory, its length in bytes, whether its checksum is right."""

    signature: str
    address: int
    length: int
    revision: int
    oem: str
    oem_table: str
    good: bool

    def __repr__(self) -> str:
        return brief("AcpiTable", self.signature, f"{self.length} bytes at {self.address:#x}")


class Smbios(msgspec.Struct, frozen=True, kw_only=True):
    """What the firmware says of the machine (SMBIOS types 0 and 1); empty where it says nothing."""

    version: str
    bios_vendor: str = ""
    bios_version: str = ""
    bios_date: str = ""
    manufacturer: str = ""
    product: str = ""
    product_version: str = ""
    serial: str = ""
    uuid: str = ""
    sku: str = ""
    family: str = ""


def _word(raw: bytes) -> str:
    return raw.rstrip(b"\0 ").decode("ascii", "replace")


def _anchors(memory: PhysicalMemory, mark: bytes) -> Iterator[int]:
    """Where this stands on a boundary of the region that is searched."""
    try:
        region = memory.read(LOW, HIGH - LOW, fill=b"\0")
    except NoSuchAddress:  # its contents are not in the stream
        return
    at = region.find(mark)
    while at >= 0:
        if at % PARAGRAPH == 0:
            yield LOW + at
        at = region.find(mark, at + 1)


def _adds_up(raw: bytes) -> bool:
    import numpy as np

    return int(np.frombuffer(raw, np.uint8).sum()) & 0xFF == 0


# --- ACPI ----------------------------------------------------------------------------------------------


def acpi_tables(memory: PhysicalMemory) -> list[AcpiTable]:
    """All that the root table leads to, itself first; nothing where there is none below 1 MiB."""
    for at in _anchors(memory, b"RSD PTR "):
        try:
            root, width = _root(memory, at)
        except (MigstreamError, ValueError):
            continue
        found = _tables(memory, root, width)
        if found:
            return found
    return []


def _root(memory: PhysicalMemory, at: int) -> tuple[int, int]:
    """Where the root table is, and how wide its entries are."""
    raw = memory.read(at, 36)
    if not _adds_up(raw[:20]):
        raise ValueError("the root pointer's checksum is wrong")
    [rsdt] = struct.unpack_from("<I", raw, 16)
    [xsdt] = struct.unpack_from("<Q", raw, 24)
    return (xsdt, 8) if raw[15] >= 2 and xsdt else (rsdt, 4)


def _tables(memory: PhysicalMemory, root: int, width: int) -> list[AcpiTable]:
    first = _table(memory, root)
    if first is None or first.signature not in {"RSDT", "XSDT"}:
        return []
    found, seen = [first], {root}
    raw = memory.read(root, first.length)
    entries = [
        int.from_bytes(raw[n : n + width], "little")
        for n in range(HEADER, min(len(raw), HEADER + width * MOST_TABLES) - width + 1, width)
    ]
    for address in entries:
        for one in (address, *_led_to(memory, address)):
            if one and one not in seen and len(found) < MOST_TABLES:
                seen.add(one)
                table = _table(memory, one)
                found += [table] if table is not None else []
    return found


def _led_to(memory: PhysicalMemory, address: int) -> Iterator[int]:
    """What the fixed description table names: the DSDT, the FACS."""
    try:
        raw = memory.read(address, X_DSDT + 8)
    except MigstreamError:
        return
    if raw[:4] == b"FACP":
        length = int.from_bytes(raw[4:8], "little")
        yield int.from_bytes(raw[FACS : FACS + 4], "little")
        wide = int.from_bytes(raw[X_DSDT : X_DSDT + 8], "little") if length >= X_DSDT + 8 else 0
        yield wide or int.from_bytes(raw[DSDT : DSDT + 4], "little")


def _table(memory: PhysicalMemory, address: int) -> AcpiTable | None:
    try:
        head = memory.read(address, HEADER)
        length = int.from_bytes(head[4:8], "little")
        if not head[:4].isalnum() or not HEADER <= length <= LONGEST:
            return None
        bare = head[:4] in NO_HEAD
        good = bare or _adds_up(memory.read(address, length))
    except MigstreamError:
        return None
    return AcpiTable(
        signature=head[:4].decode("ascii"),
        address=address,
        length=length,
        revision=0 if bare else head[8],
        oem="" if bare else _word(head[10:16]),
        oem_table="" if bare else _word(head[16:24]),
        good=good,
    )


# --- SMBIOS --------------------------------------------------------------------------------------------


def smbios(memory: PhysicalMemory) -> Smbios | None:
    """What the firmware says of the machine; None where it says nothing below 1 MiB."""
    for mark, size, place, length in ((b"_SM3_", 24, "<Q", 12), (b"_SM_", 31, "<I", 22)):
        for at in _anchors(memory, mark):
            try:
                raw = memory.read(at, size)
                if not _adds_up(raw[: raw[6] if mark == b"_SM3_" else raw[5]]):
                    continue
                [address] = struct.unpack_from(place, raw, 16 if mark == b"_SM3_" else 24)
                many = int.from_bytes(
                    raw[length : length + (4 if mark == b"_SM3_" else 2)], "little"
                )
                table = memory.read(address, min(many, LONGEST_SMBIOS))
            except MigstreamError:
                continue
            version = f"{raw[7]}.{raw[8]}" if mark == b"_SM3_" else f"{raw[6]}.{raw[7]}"
            return _said(table, version)
    return None


def _said(table: bytes, version: str) -> Smbios:
    found: dict[str, str] = {}
    for kind, formatted, texts in _structures(table):

        def text(at: int, formatted: bytes = formatted, texts: list[str] = texts) -> str:
            number = formatted[at] if at < len(formatted) else 0
            return texts[number - 1] if 0 < number <= len(texts) else ""

        if kind == 0:
            found |= {"bios_vendor": text(4), "bios_version": text(5), "bios_date": text(8)}
        elif kind == 1:
            found |= {"manufacturer": text(4), "product": text(5), "product_version": text(6), "serial": text(7),
                      "sku": text(25), "family": text(26)}  # fmt: skip
            if len(formatted) >= 24:
                found["uuid"] = _uuid(formatted[8:24])
    return Smbios(version=version, **found)


def _uuid(raw: bytes) -> str:
    """As text: the first three numbers are little-endian (SMBIOS 7.2.1)."""
    first, second, third = struct.unpack("<IHH", raw[:8])
    return f"{first:08x}-{second:04x}-{third:04x}-{raw[8:10].hex()}-{raw[10:].hex()}"


def _structures(table: bytes) -> Iterator[tuple[int, bytes, list[str]]]:
    """Type, formatted part, strings of each."""
    at = 0
    while at + 4 <= len(table):
        kind, length = table[at], table[at + 1]
        end = table.find(b"\0\0", at + length)
        if length < 4 or end < 0:
            return
        texts = [one.decode("utf-8", "replace") for one in table[at + length : end].split(b"\0")]
        yield kind, table[at : at + length], texts
        if kind == 127:
            return
        at = end + 2
