"""Rules about single values that contradict their type."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migstream.analysis.rules.registry import Hit, Subject, rule
from migstream.analysis.rules.scan import Place, places
from migstream.vmstate.types import wire_type
from migstream.wire.model import Span

__all__: list[str] = []

BOOL = frozenset({"bool"})
UNUSED = frozenset({"unused_buffer"})
SIGNED = frozenset({"int8", "int16", "int32", "int64", "int32 equal", "int32 le"})
MARKERS = frozenset({"ptr-marker", "nullptr"})
COUNTS = re.compile(r"(^|[._])(count|len|length|size)$|^(n|nb|nr|num)_|^nirq$|^version_id$")
MARKS = (0x30, 0x31)


@rule("MS531", "warning", "A bool is neither 0 nor 1")
def bools(subject: Subject) -> Iterator[Hit]:
    """QEMU writes a bool as one byte, 0 or 1. It takes any other byte for true, without a word; so the guest may have
    had false there.

    The byte is damaged, or the device that wrote it keeps something else in a bool.

    References: QEMU, migration/vmstate-types.c: put_bool, get_bool.
    """
    for section, place in _places(subject, BOOL):
        raw = bytes(subject.stream.store.view(*place.span))
        if max(raw, default=0) > 1:
            at = next(i for i, byte in enumerate(raw) if byte > 1)
            yield Hit(
                message="a bool that is neither 0 nor 1",
                section=section,
                path=_element(place, at),
                span=Span(place.span.start + at, place.span.start + at + 1),
                expected="00 or 01",
                found=f"{raw[at]:02x}",
            )


@rule("MS532", "warning", "Unused bytes are not zero")
def unused(subject: Subject) -> Iterator[Hit]:
    """An `unused_buffer` holds the place of fields that older releases had. Every QEMU writes zeros there and skips
    them when it loads. Something else means damage, or a source that still uses these bytes for a value, which the
    destination would lose.

    References: QEMU, migration/vmstate-types.c: put_unused_buffer.
    """
    for section, place in _places(subject, UNUSED):
        raw = bytes(subject.stream.store.view(*place.span))
        left = raw.lstrip(b"\0")
        if left:
            at = len(raw) - len(left)
            yield Hit(
                message="an unused byte is not zero",
                section=section,
                path=place.path,
                span=Span(place.span.start + at, place.span.start + at + 1),
                expected="00",
                found=f"{raw[at]:02x}",
            )


@rule("MS533", "warning", "A count or length is negative")
def negative(subject: Subject) -> Iterator[Hit]:
    """A signed field whose name says that it counts something (`..._count`, `..._len`, `..._length`, `..._size`,
    `num_...`, `nirq`) is below zero. Devices use such fields as an array's length; where QEMU checks them it refuses the stream ("Input
    validation failed"), and where it does not it reads outside of the array.
    """
    for section, place in _places(subject, SIGNED):
        if place.node.count is not None or not COUNTS.search(place.node.name):
            continue
        value = wire_type(place.node.type, place.node.stride).decode(
            subject.stream.store.view(*place.span)
        )
        if isinstance(value, int) and value < 0:
            yield Hit(
                message=f"{place.node.name} is negative",
                section=section,
                path=place.path,
                span=place.span,
                expected="0 or more",
                found=str(value),
            )


@rule("MS534", "error", "A pointer marker is neither 0 nor 1")
def markers(subject: Subject) -> Iterator[Hit]:
    """In an array of pointers one character stands for a pointer: `0` (30) for null, `1` (31, since QEMU 11) for one
    whose target follows. With anything else QEMU ends with "get_nullptr expected VMS_NULLPTR_MARKER" or "Unexpected
    ptr marker".

    References: QEMU, migration/vmstate-types.c: get_nullptr, load_ptr_marker.
    """
    for section, place in _places(subject, MARKERS):
        raw = bytes(subject.stream.store.view(*place.span))
        for at, byte in enumerate(raw):
            if byte not in MARKS:
                yield Hit(
                    message="no marker of a pointer",
                    section=section,
                    path=_element(place, at),
                    span=Span(place.span.start + at, place.span.start + at + 1),
                    expected=" or ".join(f"{mark:02x}" for mark in MARKS),
                    found=f"{byte:02x}",
                )
                break


def _places(subject: Subject, types: frozenset[str]) -> Iterator[tuple[str, Place]]:
    for device in subject.devices:
        for place in places(device, types):
            yield device.path, place


def _element(place: Place, index: int) -> str:
    return place.path if place.node.count is None else f"{place.path}[{index}]"
