"""How anything in a stream is named: one grammar, the same for every verb (docs/paths.md).

    DEVICE[INSTANCE]/FIELD[INDEX]/SUBSECTION   values (vmstate/paths.py has that part)
    @OFFSET, @START-STOP                       what owns a byte of the stream; bytes of it
    ram/BLOCK, ram/BLOCK@OFFSET, …@START-STOP  a RAM block, bytes of it
    NAME, NAME[INSTANCE]                       a live section, all of its parts
    configuration/NAME                         a part of the configuration

What a verb does not take among these it refuses by the kind of place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from migstream.errors import NoSuchAddress, NoSuchPath
from migstream.names import brief
from migstream.stream import Device, Stream
from migstream.vmstate.values import Value
from migstream.wire.model import Section, SectionType, Span, Subsection, flat

__all__ = ["RAM", "Kind", "Place", "contents", "in_memory", "memory_range", "places"]

RAM = "ram/"
Kind = Literal["value", "bytes", "item", "live", "configuration", "memory"]
NUMBER = r"0[xX][0-9a-fA-F]+|[0-9]+"
REGION = rf"@({NUMBER})(?:-({NUMBER}))?"
IN_BLOCK = rf"(?s:(.+))@({NUMBER})(?:-({NUMBER}))?"
MOST = 1 << 64


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a name means.

    Parameters
    ----------
    kind : "value" (of a device, the device itself among them), "bytes" (of the stream), "item" (of
        the stream, by a byte of it), "live" (a section that comes in parts), "configuration" (a part
        of it), "memory" (of a RAM block)
    path : its name, as we write it
    span : its bytes in the stream; None for memory, and for what comes in several parts
    device, value : of a value; the device's own value is the whole device
    sections : the parts of a live section, in their order
    configuration : the part
    block, start, stop : of memory, in bytes of the block; `stop` is None where only a beginning,
        or nothing but the block, was named
    whole : whether nothing but a block was named
    """

    kind: Kind
    path: str
    span: Span | None = None
    device: Device | None = None
    value: Value | None = None
    sections: tuple[Section, ...] = ()
    configuration: Subsection | None = None
    block: str | None = None
    start: int = 0
    stop: int | None = None
    whole: bool = False

    def __repr__(self) -> str:
        return brief("Place", self.kind, self.path)

    @property
    def spans(self) -> tuple[Span, ...]:
        """All bytes of the stream that it has there; none of memory, which may lie anywhere."""
        if self.span is not None:
            return (self.span,)
        return tuple(section.span for section in self.sections)


def in_memory(text: str) -> bool:
    """Whether a name may mean guest memory, or bytes beside it in the stream: those that a pipe does not keep."""
    return text.startswith((RAM, "@")) or text.partition("[")[0] == RAM[:-1]


def places(stream: Stream, text: str) -> list[Place]:
    """Everything that a name means, in the order of the stream.

    Raises
    ------
    NoSuchPath, NoSuchAddress : nothing
    """
    for way in WAYS:
        found = way(stream, text)
        if found:
            return found
    return list(_values(stream, text))


def _bytes(stream: Stream, text: str) -> list[Place]:
    """@OFFSET and @START-STOP."""
    if not text.startswith("@"):
        return []
    match = re.fullmatch(REGION, text)
    if match is None:
        raise NoSuchPath(
            f"{text!r} is not a place",
            hint="a place is @OFFSET or @START-STOP, such as @0x1f0-0x200",
        )
    start = int(match[1], 0)
    stop = start + 1 if match[2] is None else int(match[2], 0)
    if not start < stop <= stream.size:
        raise NoSuchPath(
            f"{text!r} lies outside of the stream",
            hint=f"the stream has the bytes 0 to {stream.size:#x}",
        )
    if match[2] is not None:
        return [Place(kind="bytes", path=text, span=Span(start, stop))]
    owner = stream.at(start)
    device = stream.devices.at(start)
    if isinstance(owner, Value) and device is not None:
        return [_value(device, owner)]
    return [Place(kind="item", path=text, span=owner.span)]


def _memory(stream: Stream, text: str) -> list[Place]:
    """`ram/BLOCK` and bytes of it."""
    if not text.startswith(RAM):
        return []
    name = text.removeprefix(RAM)
    if name in stream.ram:
        return [Place(kind="memory", path=text, block=name, whole=True)]
    return [_in_block(stream, name)]


def _in_block(stream: Stream, text: str) -> Place:
    """`BLOCK@OFFSET`, `BLOCK@START-STOP`; the last `@` counts: names have them, too."""
    match = re.fullmatch(IN_BLOCK, text)
    name = text if match is None else match[1]
    block = stream.ram[name]
    if match is None:
        return Place(kind="memory", path=f"{RAM}{name}", block=name, whole=True)
    start, stop = int(match[2], 0), None if match[3] is None else int(match[3], 0)
    if start >= block.size or (stop is not None and not start < stop <= block.size):
        raise NoSuchAddress(
            f"{text!r} lies outside of RAM block {name}",
            hint=f"the block has the bytes 0 to {block.size:#x}",
        )
    end = "" if stop is None else f"-{stop:#x}"
    path = f"{RAM}{name}@{start:#x}{end}"
    return Place(kind="memory", path=path, block=name, start=start, stop=stop)


def contents(stream: Stream, place: Place) -> bytes:
    """Guest memory at a place, to the end of its page where no end is named.

    Raises
    ------
    NoSuchAddress : the contents are not in this stream
    """
    assert place.block is not None
    block = stream.ram[place.block]
    stop = place.stop
    if stop is None:
        stop = min(place.start - place.start % block.page + block.page, block.size)
    return block.read(place.start, stop)


def memory_range(stream: Stream, text: str) -> Iterator[Place]:
    """Guest memory by `BLOCK@OFFSET` or `BLOCK@START-STOP`, with or without `ram/`, or by address.

    An address, or START-STOP of them, is guest-physical; a range may lie in several blocks, and what
    of it is not memory is left out.

    Raises
    ------
    NoSuchPath : it is none of these
    NoSuchAddress : there is no memory
    """
    name = text.removeprefix(RAM)
    if "@" in name:
        yield _in_block(stream, name)
        return
    match = re.fullmatch(REGION, f"@{name}")
    start = -1 if match is None else int(match[1], 0)
    stop = start + 1 if match is None or match[2] is None else int(match[2], 0)
    if not 0 <= start < stop <= MOST:
        raise NoSuchPath(
            f"{text!r} is neither BLOCK@OFFSET nor a guest-physical address",
            hint="memory is pc.ram@0x1000, pc.ram@0x1000-0x2000, 0x1000 or 0x1000-0x2000",
        )
    some = False
    for one, address, length in stream.memory.pieces(start, stop - start):
        if one is not None:
            some = True
            at = one.offset + address - one.start
            end = None if match is not None and match[2] is None else at + length
            yield Place(
                kind="memory", path=f"{RAM}{one.block}@{at:#x}", block=one.block, start=at, stop=end
            )
    if not some:
        raise NoSuchAddress(
            f"no guest memory at physical address {start:#x}",
            hint="`migstream mem STREAM` lists the ranges; BLOCK@OFFSET needs no map",
        )


def _configuration(stream: Stream, text: str) -> list[Place]:
    """`configuration/NAME`, which is its name in the stream, too."""
    present = () if stream.configuration is None else stream.configuration.subsections
    return [
        Place(kind="configuration", path=s.name, span=s.span, configuration=s)
        for s in present
        if s.name == text
    ]


def _live(stream: Stream, text: str) -> list[Place]:
    """Sections that come in parts; the stream is walked only if one is called so."""
    begun = [
        item
        for item in flat(stream.head)
        if isinstance(item, Section)
        and item.type is SectionType.START
        and text in {item.name, item.path}
    ]
    return [
        Place(
            kind="live",
            path=start.path,
            sections=tuple(
                s
                for s in stream.sections
                if s.type is not SectionType.FULL and s.section_id == start.section_id
            ),
        )
        for start in begun
    ]


def _values(stream: Stream, text: str) -> Iterator[Place]:
    for value in stream.find(text):
        yield _value(next(d for d in stream.devices if _has(d, value)), value)


def _has(device: Device, value: Value) -> bool:
    """Whether a value is one of the device's; both may be empty, and two devices of one name."""
    payload = device.section.payload
    return (
        value.path.startswith(device.path)
        and payload.start <= value.span.start
        and value.span.stop <= payload.stop
    )


def _value(device: Device, value: Value) -> Place:
    return Place(kind="value", path=value.path, span=value.span, device=device, value=value)


WAYS: tuple[Callable[[Stream, str], list[Place]], ...] = (_bytes, _memory, _configuration, _live)
