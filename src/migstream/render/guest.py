"""What can be told of the system in a guest: its clock, its firmware's tables, its kernel's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from migstream.errors import MigstreamError
from migstream.machine.firmware import AcpiTable, Smbios, acpi_tables, smbios
from migstream.render.shown import Part, Table, Title, dim, line
from migstream.render.text import escape, prose, sizes

if TYPE_CHECKING:
    from migstream.stream import Stream

__all__ = ["Guest", "guest", "guest_parts"]

SECOND = 10**9  # ns


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """What guest memory says of the system in it. All of it is the guest's own word.

    `virtual_time` is how long the guest has run, in seconds without its pauses, null where the stream does not say;
    `clock` is the date and time that its real-time clock shows. `firmware` is SMBIOS's, null where
    there is none; `acpi` are ACPI's tables; `banner` and `command_line` a Linux kernel's. Empty: not found.
    """

    virtual_time: float | None
    clock: str
    banner: str
    command_line: str
    firmware: Smbios | None
    acpi: list[AcpiTable]


def guest(stream: Stream) -> Guest:
    """Look for all of it; raises ParseError where a page cannot be unpacked."""
    from migstream.machine.system import system

    words = system(stream.ram)
    return Guest(
        virtual_time=_virtual_time(stream),
        clock=_clock(stream),
        banner=words.banner,
        command_line=words.command_line,
        firmware=smbios(stream.memory),
        acpi=acpi_tables(stream.memory),
    )


def _virtual_time(stream: Stream) -> float | None:
    first = next(iter(stream.devices), None)
    now = None if first is None else first.value.device.now()
    return None if now is None else now / SECOND


def _clock(stream: Stream) -> str:
    """Of the first clock that a PC has."""
    try:
        return stream["mc146818rtc[0]/cmos_data"].description
    except MigstreamError:
        return ""


def guest_parts(one: Guest) -> Iterator[Part]:
    """A title, what was found, and a line for each of ACPI's tables."""
    yield Title("Guest")
    told = list(_told(one))
    yield from (line("  ", dim(name.ljust(12)), "  ", text) for name, text in told)
    if not told and not one.acpi:
        yield line("  ", dim("nothing was found in its memory"))
    if one.acpi:
        rows = [
            (
                escape(table.signature), f"{table.address:#x}", *sizes(table.length),
                escape(" ".join(filter(None, (table.oem, table.oem_table)))),
                "" if table.good else "its checksum is wrong",
            )
            for table in one.acpi
        ]  # fmt: skip
        yield Title("ACPI tables")
        yield Table(rows, "<>>><<", indent=2)


def _told(one: Guest) -> Iterator[tuple[str, str]]:
    if one.virtual_time is not None:
        yield "has run", f"{one.virtual_time:.3f} s"
    if one.clock:
        yield "its clock", one.clock
    if one.banner:
        yield "kernel", prose(one.banner)
    if one.command_line:
        yield "started with", prose(one.command_line)
    if one.firmware is not None:
        firmware = one.firmware
        yield (
            "firmware",
            prose(
                " ".join(
                    filter(None, (firmware.bios_vendor, firmware.bios_version, firmware.bios_date))
                )
            ),
        )
        words = (firmware.manufacturer, firmware.product, firmware.product_version)
        yield "says it is", prose(" ".join(filter(None, words)))
        if firmware.serial:
            yield "serial", prose(firmware.serial)
