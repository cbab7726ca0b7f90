"""What the form of a stream tells of its writer: configuration, commands, records of memory, the text of the description.

References
----------
QEMU, qobject/json-writer.c (6.0 writes without blanks inside of braces); migration/savevm.c (the
configuration is described from 8.2 on, SWITCHOVER_START is sent from 10.0 on by machine types of
that release); migration/vmstate.c (`index` up to 10.2, `ptr-marker` from 11.1 on); migration/ram.c (RAM_SAVE_FLAG_*);
hw/acpi/piix4.c, hw/acpi/ich9.c (what 11.1 sends for machines that older releases have as well)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from migstream.analysis.identify.model import Fact
from migstream.machine.state import child
from migstream.qemu.release import Bounds, Version, machine_version
from migstream.ram.model import records_of
from migstream.ram.records import COMPRESS_PAGE, MULTIFD_FLUSH
from migstream.wire.model import Command, Section, Span, flat

if TYPE_CHECKING:
    from migstream.stream import Stream
    from migstream.vmstate.description import Description, Group

__all__ = ["form_facts"]

DESCRIBED: Version = (2, 3)  # the first release that writes a description
CONFIGURED: Version = (2, 4)  # … a configuration section, and footers
CONFIGURATION_KEY = b'"configuration"'
KEY_WITHIN = 64  # bytes from the beginning of the text in which its first keys stand
# Subsections that 11.1 sends whenever the device is there. Older releases send them, too, once the guest's operating
# system has run the ACPI tables, which switch to the new way of plugging CPUs in: never before it has paging on.
NEW_SUBSECTIONS = (b'"piix4_pm/cpuhp"', b'"ich9_pm/cpuhp"')
INDEX = b'"index":', b'"index" :'  # a key; fields are called so, too
CONTROL, PAGING = "env.cr[0]", 1 << 31
# hw/ppc/spapr_caps.c: vmstate_spapr_cap_hpt_maxpagesize, of machine types from this one on; log2 of bytes.
PAGE_SIZE_SENT, PAGE_SIZE_SINCE, DEFAULT_PAGE_SIZE = "spapr/cap/hpt_maxpagesize", (4, 1), 16
# Records of guest memory by their flag (migration/ram.c), and the releases that write them.
RECORDS = {
    COMPRESS_PAGE: ("has pages that were compressed one by one", Bounds((2, 4), (9, 1))),
    MULTIFD_FLUSH: ("has sync points of multifd among its pages", Bounds((8, 1))),
}
# Commands and live sections that not every release sends.
COMMANDS = {"SWITCHOVER_START": Bounds((10, 0)), "ENABLE_COLO": Bounds((3, 1), (11, 1))}
LIVE = {"block": Bounds(None, (9, 1)), "dirty-bitmap": Bounds((2, 12))}
# Subsections of the configuration (migration/savevm.c), by the release that brought them.
CONFIGURATION: dict[str, Version] = {
    "configuration/target-page-bits": (2, 9),
    "configuration/capabilities": (4, 0),
    "configuration/uuid": (4, 2),
}


def form_facts(stream: Stream) -> Iterator[Fact]:
    """Facts of all but the device sections."""
    yield from _configured(stream)
    yield from _items(stream)
    if stream.description is not None and stream.description_span is not None:
        yield from _described(stream, stream.description, stream.description_span)


def _rule(where: str, span: Span | None, what: str, releases: Bounds) -> Fact:
    return Fact(
        where=where,
        span=span,
        what=what,
        releases=releases,
        subject=f"{where}: {what}",
        source="rule",
    )


def _configured(stream: Stream) -> Iterator[Fact]:
    one = stream.configuration
    if one is None:
        return
    where = "configuration"
    yield _rule(where, one.span, "has a configuration section", Bounds(CONFIGURED))
    _, version = machine_version(one.machine)
    if version is not None:
        yield _rule(where, one.name_span, f"the machine type is {one.machine}", Bounds(version))
    for part in one.subsections:
        if part.name in CONFIGURATION:
            yield _rule(
                where,
                part.span,
                f"has the subsection {part.name}",
                Bounds(CONFIGURATION[part.name]),
            )
    if one.capabilities:
        from migstream.analysis.compat.capabilities import CAPABILITIES

        for name in one.capabilities:
            if name in CAPABILITIES:
                what = f"records the capability {name}"
                yield _rule(where, one.span, what, Bounds(*CAPABILITIES[name]))


def _items(stream: Stream) -> Iterator[Fact]:
    """Of commands, live sections and records of memory; where guest memory is not walked, of those before it."""
    found: dict[str, Fact] = {}
    for item in flat(stream.items if stream.walked else stream.head):
        if isinstance(item, Command) and item.name in COMMANDS:
            fact = _rule(item.name, item.span, "sends the command", COMMANDS[item.name])
            found.setdefault(item.name, fact)
        elif isinstance(item, Section) and item.name in LIVE:
            fact = _rule(item.path, item.span, "has the section", LIVE[item.name])
            found.setdefault(item.name, fact)
        elif isinstance(item, Section) and item.name == "ram":
            for what, span, releases in _memory(item):
                found.setdefault(what, _rule(item.path, span, what, releases))
    yield from found.values()


def _memory(section: Section) -> Iterator[tuple[str, Span, Bounds]]:
    records = records_of(section)
    for mark in () if records is None else records.landmarks:
        span = Span(mark.at, mark.at + 8)
        if mark.fill:
            yield (
                "has pages that are filled with another byte than zero",
                span,
                Bounds(None, (8, 2)),
            )
        elif mark.flags in RECORDS:
            what, releases = RECORDS[mark.flags]
            yield what, span, releases
    blocks = getattr(section.content, "blocks", ())
    if any(getattr(block, "mapped", None) for block in blocks):
        yield "memory is mapped-ram", section.span, Bounds((9, 0))


def _described(stream: Stream, description: Description, span: Span) -> Iterator[Fact]:
    """Of the text of the description, and of what it describes."""
    text = description.text
    where = "description"
    yield _rule(where, span, "there is one", Bounds(DESCRIBED))
    if text.startswith(b"{ "):
        yield _rule(where, span, "has blanks inside of braces", Bounds(None, (6, 0)))
    else:
        yield _rule(where, span, "has no blanks inside of braces", Bounds((6, 0)))
    if stream.configuration is not None:
        if CONFIGURATION_KEY in text[:KEY_WITHIN]:
            yield _rule(where, span, "describes the configuration", Bounds((8, 2)))
        else:
            yield _rule(where, span, "does not describe the configuration", Bounds(None, (8, 2)))
    if b'"ptr-marker"' in text:
        yield _rule(where, span, "has pointers with a marker", Bounds((11, 1)))
    if any(key in text for key in INDEX):
        yield _rule(where, span, "counts elements with an index", Bounds(None, (11, 1)))
    elif any(_repeats(device.group) for device in description.devices):
        yield _rule(where, span, "tells elements one by one without an index", Bounds((11, 0)))
    yield from _pseries(stream)
    for name in NEW_SUBSECTIONS:
        if name in text and not _paging(stream):
            what = f"has {name.decode()[1:-1]}, and no system of the guest's has asked for it"
            yield _rule(where, span, what, Bounds((11, 1)))


def _pseries(stream: Stream) -> Iterator[Fact]:
    """Up to 10.2 a pseries sends its largest page size always, later where it is not the default."""
    for device in stream.devices:
        if device.name == "spapr" and device.described:
            sent = child(device.value, PAGE_SIZE_SENT)
            number = next((int(one) for one in sent.children), None) if sent is not None else None
            if number == DEFAULT_PAGE_SIZE:
                what = "sends the largest page size, which is the default"
                yield _rule(device.path, device.section.span, what, Bounds(None, (11, 1)))
            elif (
                sent is None and (machine_version(stream.machine or "")[1] or ()) >= PAGE_SIZE_SINCE
            ):
                what = "does not send the largest page size"
                yield _rule(device.path, device.section.span, what, Bounds((11, 0)))


def _repeats(group: Group) -> bool:
    """Whether elements of an array are described one by one."""
    return any(
        (a.name == b.name and a.struct is not None and b.struct is not None)
        for a, b in pairwise(group.fields)
    ) or any(_repeats(field.struct) for field in group.fields if field.struct is not None)


def _paging(stream: Stream) -> bool:
    """Whether a CPU of a PC has paging on: an operating system may run."""
    return any(
        child.name == CONTROL and int(child) & PAGING
        for device in stream.devices
        if device.name == "cpu"
        for child in device
    )
