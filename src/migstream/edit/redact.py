"""A stream that can be given away: it loads and decodes as before, and personal data is gone.

Guest memory becomes zeros, all of it or all but some ranges; of device state what `sensitive`
lists; network addresses wherever their bytes stand; the uuid of the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from migstream.edit import memory
from migstream.edit.drop import drop
from migstream.edit.records import page_size, ram_sections, section_runs
from migstream.edit.sensitive import DROPPED, Action, Rule, rule_for
from migstream.edit.targets import targets
from migstream.errors import Unsupported
from migstream.names import many
from migstream.places import memory_range
from migstream.ram import kernel
from migstream.ram.encode import fill_area, page_records
from migstream.ram.image import Block
from migstream.ram.model import MappedRam, RamBlock, RamSetup
from migstream.source.layers import telling
from migstream.source.pieces import Zeros
from migstream.source.spool import Spool
from migstream.wire.model import SectionType, Span, Trailer

if TYPE_CHECKING:
    from migstream.edit.workbench import Workbench
    from migstream.stream import Device, Stream
    from migstream.vmstate.values import Value

__all__ = ["parse_keep", "redact"]

UUID = "configuration/uuid"
LOCAL = bytes.fromhex("525400")  # what QEMU's own addresses begin with
SOLICITED = bytes.fromhex("3333ff")  # RFC 4291: a multicast address with the end of the station's
FEW = 16  # network addresses that are searched for one by one

Kept = dict[str, list[tuple[int, int]]]


def parse_keep(stream: Stream, text: str) -> list[tuple[str, int, int]]:
    """Parts of RAM blocks (name, start, stop) from START-STOP, guest-physical, or BLOCK@START-STOP.

    Raises
    ------
    ValueError, NoSuchPath : it is not a range
    NoSuchAddress : there is no such block, or no memory
    """
    found = []
    for place in memory_range(stream, text):
        if place.block is None or place.stop is None:
            raise ValueError(f"{text!r} is not a range: 0x1000-0x2000, or pc.ram@0x1000-0x2000")
        found.append((place.block, place.start, place.stop))
    return found


def redact(bench: Workbench, keep: Iterable[tuple[str, int, int]] = ()) -> None:
    """Wipe everything that the rules name.

    Parameters
    ----------
    keep : parts of RAM blocks that stay as they are: name, and offsets [start, stop)

    Raises
    ------
    Unsupported : the stream is damaged, or has no description: what cannot be read cannot be wiped
    """
    _readable(bench)
    for path in _unkeepable(bench.stream):
        for target in targets(bench.stream, path):
            drop(bench, target)
    _memory(bench, _merged(keep))
    _uuid(bench)
    stations: dict[bytes, bytes] = {}
    for device in bench.stream.devices:
        if device.path not in bench.dropped:
            _device(bench, device, stations)
    for device in bench.stream.devices:
        if device.path not in bench.dropped:
            _stations(bench, device, stations)


def _readable(bench: Workbench) -> None:
    """Whether everything can be looked at; what nothing describes is at least said to be there."""
    stream = bench.stream
    if stream.damage:
        raise Unsupported(
            f"a damaged stream is not redacted: {stream.damage[0]}",
            hint="what cannot be read cannot be wiped",
        )
    if stream.description is None:
        raise Unsupported(
            "a stream without a description is not redacted: nothing says what is where in it",
            hint="--like OTHER takes the description from another stream of the same machine",
        )
    for item in stream.items:
        if isinstance(item, Trailer) and not item.zeros:
            bench.rewrite.replace(*item.span, b"")
            bench.note("drop", "trailer", many(item.span.size, "byte"), "", item.span)
    for device in stream.devices:
        if not device.described and device.name not in DROPPED:
            span = device.section.payload
            why = "nothing describes it: inspect it yourself"
            bench.note("kept", device.path, many(span.size, "byte"), why, span)


def _unkeepable(stream: Stream) -> list[str]:
    types = {SectionType.START, SectionType.FULL}
    return [s.path for s in stream.sections if s.type in types and s.name in DROPPED]


def _uuid(bench: Workbench) -> None:
    configuration = bench.stream.configuration
    for one in () if configuration is None else configuration.subsections:
        if one.name == UUID:
            bench.rewrite.patch(one.payload.start, bytes(one.payload.size))
            bench.note(
                "wipe", UUID, many(one.payload.size, "byte"), "the machine's uuid", one.payload
            )


# --- device state ----------------------------------------------------------------------------------


def _device(bench: Workbench, device: Device, stations: dict[bytes, bytes]) -> None:
    """Apply the rules; learn network addresses on the way."""
    for value, rule in _ruled(device, device.value):
        raw = bytes(value.raw)
        start, stop = rule.part or (0, len(raw))
        if not any(raw[start:stop]) or stop > len(raw):
            continue
        if rule.action is Action.MAC:
            _learn(raw[start:stop], rule, stations)
        else:
            span = Span(value.span.start + start, value.span.start + stop)
            bench.rewrite.patch(span.start, bytes(span.size))
            bench.note("wipe", value.path, many(span.size, "byte"), rule.why, span)


def _ruled(device: Device, value: Value) -> Iterator[tuple[Value, Rule]]:
    """What the rules name: a buffer as the description has it, too, whose parts are known, and what is left of these."""
    rule = rule_for(device.name, value.path[len(device.path) :]) if value.kind == "leaf" else None
    if rule is not None:
        yield value, rule
        if rule.action is Action.ZERO and rule.part is None:
            return
    for child in value.children:
        yield from _ruled(device, child)


def _learn(raw: bytes, rule: Rule, stations: dict[bytes, bytes]) -> None:
    """Remember an address, and which one takes its place: they stay told from each other."""
    real = b"".join(raw[at : at + 2][::-1] for at in (0, 2, 4)) if rule.order == 2 else raw
    if len(set(real)) > 1 and not real[0] & 1:
        stations.setdefault(real, LOCAL + (len(stations) + 1).to_bytes(3, "big"))


def _swapped(mac: bytes) -> bytes:
    """As 16-bit registers of a little-endian device, each big-endian in the stream."""
    return mac[1::-1] + mac[3:1:-1] + mac[5:3:-1]


def _stations(bench: Workbench, device: Device, stations: dict[bytes, bytes]) -> None:
    """Replace the addresses that were learnt wherever a device has them, in each way to write them."""
    span = device.section.payload
    raw = bytes(bench.stream.store.view(*span))
    hits = _hits_of_few if len(stations) <= FEW else _hits_of_many
    for at, new in hits(raw, stations):
        _station(bench, device, span.start + at, new)


def _hits_of_few(raw: bytes, stations: dict[bytes, bytes]) -> Iterator[tuple[int, bytes]]:
    """Where addresses are, and what takes their place: a search for each."""
    for real, other in stations.items():
        forms = (
            (re.escape(real), other),
            (re.escape(_swapped(real)), _swapped(other)),
            (re.escape(SOLICITED + real[3:]), SOLICITED + other[3:]),
        )
        for pattern, new in forms:
            for match in re.finditer(pattern, raw, re.DOTALL):
                yield match.start(), new
        # receive addresses of Intel's: two 32-bit registers, flags in the upper half of the second
        wide = re.escape(real[3::-1]) + b"(..)" + re.escape(real[:3:-1])
        for match in re.finditer(wide, raw, re.DOTALL):
            yield match.start(), other[3::-1] + match[1] + other[:3:-1]


def _hits_of_many(raw: bytes, stations: dict[bytes, bytes]) -> Iterator[tuple[int, bytes]]:
    """The same where a search for each would take too long: every place is looked up."""
    direct: dict[bytes, bytes] = {}
    wide: dict[bytes, bytes] = {}
    for real, other in stations.items():
        direct[real] = other
        direct.setdefault(_swapped(real), _swapped(other))
        direct.setdefault(SOLICITED + real[3:], SOLICITED + other[3:])
        wide[real[3::-1] + real[:3:-1]] = other
    for at in range(len(raw) - 5):
        new = direct.get(raw[at : at + 6])
        if new is not None:
            yield at, new
        other = wide.get(raw[at : at + 4] + raw[at + 6 : at + 8], b"")
        if other:
            yield at, other[3::-1] + raw[at + 4 : at + 6] + other[:3:-1]


def _station(bench: Workbench, device: Device, at: int, new: bytes) -> None:
    bench.rewrite.patch(at, new)
    path = device.value.owner(at).path
    bench.note("wipe", path, many(len(new), "byte"), "network address", Span(at, at + len(new)))


# --- guest memory ----------------------------------------------------------------------------------


def _merged(keep: Iterable[tuple[str, int, int]]) -> Kept:
    """Ranges by block, ascending, without overlap."""
    out: Kept = {}
    for block, start, stop in sorted(keep):
        ranges = out.setdefault(block, [])
        if ranges and start <= ranges[-1][1]:
            ranges[-1] = ranges[-1][0], max(stop, ranges[-1][1])
        else:
            ranges.append((start, stop))
    return out


class _Masked:
    """Pages of a block of which only some ranges are left (`ram.pages.Pages`)."""

    def __init__(self, block: Block, ranges: Sequence[tuple[int, int]]) -> None:
        self._block = block
        self._ranges = ranges
        self._page = block.page

    def alike(self, at: int, stop: int) -> Iterator[tuple[int, int]]:
        page = self._page
        for low, high in self._ranges:
            for kind, end in ((kernel.FILL, low // page), (kernel.DATA, -(-high // page))):
                if at < min(end, stop):
                    yield kind, min(end, stop) - at
                    at = min(end, stop)
        if at < stop:
            yield kernel.FILL, stop - at

    def fill(self, first: int, out: memoryview) -> None:
        start = first * self._page
        out[:] = bytes(len(out))
        for low, high in self._ranges:
            low, high = max(low, start), min(high, start + len(out), self._block.size)
            if low < high:
                out[low - start : high - start] = self._block.read(low, high)

    def filled(self, at: int) -> int | None:
        return 0 if next(self.alike(at, at + 1))[0] == kernel.FILL else None


def _memory(bench: Workbench, keep: Kept) -> None:
    """Zeros in the place of guest memory: one record for each page, in the last RAM section."""
    stream = bench.stream
    if not stream.ram:
        return
    bench.kept = keep
    made = Spool()
    bench.aside.append(made)
    for listed in stream.blocks:
        block = stream.ram[listed.name]
        if block.elsewhere is not None:
            continue
        left = Block(listed, block.page, _Masked(block, keep.get(listed.name, ())), None)
        if listed.mapped is not None:
            _area(bench, listed, listed.mapped, left)
        else:
            for _, records in page_records(left, left.size):
                made.append(records)
        span = listed.span
        wiped = block.size - sum(stop - start for start, stop in keep.get(listed.name, ()))
        bench.note("wipe", f"ram/{listed.name}", many(wiped, "byte"), "guest memory", span)
    if made.size:
        at = memory.last_place(stream)
        _forget(bench, at)
        bench.rewrite.replace(at, at, made.whole())


def _forget(bench: Workbench, last: int) -> None:
    """Take all page records away, and sections in which nothing else is."""
    stream = bench.stream
    page = page_size(stream)
    at = 0
    with telling(stream.watch, "looking for pages", stream.size) as tell:
        for section in ram_sections(stream):
            content = section.content
            if (
                section.type is SectionType.PART
                and last not in section.span
                and not isinstance(content, RamSetup)
                and not content.flush
            ):
                bench.rewrite.replace(*section.span, b"")
            else:
                for first, stop in section_runs(stream, section, page):
                    bench.rewrite.replace(first.start, stop, b"")
            tell(section.span.stop - at)
            at = section.span.stop
        tell(stream.size - at)


def _area(bench: Workbench, listed: RamBlock, mapped: MappedRam, left: Block) -> None:
    """A mapped-ram block: its bitmap, and zeros around the pages that stay."""
    if not mapped.bitmap.size:
        return
    flip = memory.bitmap_flip(bench.stream, listed, mapped)
    bitmap = bytearray(mapped.bitmap.size)
    at = mapped.pages.start
    for offset, pages in fill_area(left, left.size, bitmap):
        data = bytes(pages[: listed.used_length - offset])
        place = mapped.pages.start + offset
        if place > at:
            bench.rewrite.replace(at, place, Zeros(place - at))
        bench.rewrite.replace(place, place + len(data), data)
        at = place + len(data)
    if at < mapped.pages.stop:
        bench.rewrite.replace(at, mapped.pages.stop, Zeros(mapped.pages.stop - at))
    turned = bytes(bitmap[index ^ flip] for index in range(len(bitmap))) if flip else bytes(bitmap)
    bench.rewrite.replace(*mapped.bitmap, turned)
