"""What a stream can be taken apart into, and the stream that is left when some of it goes.

`Parts` lists them by level, from coarse to fine: `edit.minimise` searches, this knows the format.
A stream is taken apart as the walk reads it, so that a damaged one is, too: what could not be read
is pieces of bytes. The frame stays: file header, machine type, end marker, and a description that
reads, from which all that went is taken out.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property
from hashlib import sha256
from operator import itemgetter
from typing import NamedTuple

from migstream.edit import drop, memory
from migstream.edit.capabilities import CAPABILITIES, ORDER
from migstream.edit.configuration import record_capabilities
from migstream.edit.records import Record, ram_sections, section_records
from migstream.edit.rewrite import Rewrite
from migstream.edit.targets import Target
from migstream.edit.workbench import Workbench
from migstream.errors import BadDescription, BadRam, StreamError
from migstream.places import RAM
from migstream.ram.model import RamRecords, RamSetup
from migstream.source.pieces import Sink, write
from migstream.stream import Stream
from migstream.vmstate.description import parse_description
from migstream.vmstate.jsontext import objects
from migstream.vmstate.values import Value
from migstream.wire.model import (
    Command,
    Item,
    Opaque,
    Section,
    SectionType,
    Span,
    Subsection,
    Trailer,
    VMDescription,
    flat,
)
from migstream.wire.write import counted, footer

__all__ = ["LEVELS", "Candidate", "Part", "Parts"]

FIRST_TORN = 8  # bytes of the first piece of what could not be read; each next one is twice as long
FOOTER = bytes((SectionType.FOOTER,))
WHOLE = {"live", "device", "command", "description", "unread", "trailer", "part"}
LIVE = {SectionType.START, SectionType.PART, SectionType.END}


class Part(NamedTuple):
    """Something that can go: what it is, its path, its bytes in the source.

    `kind` is "live" or "device" (sections), "command", "description", "unread", "trailer"; inside
    of these "part" (of a live section), "page", "block", "subsection", "configuration" (one of its
    subsections), "capability", "entry" (of the description, for no device), "bytes" (not read).
    """

    kind: str
    path: str
    spans: tuple[Span, ...]

    @property
    def size(self) -> int:
        """Bytes of it in the source."""
        return sum(span.size for span in self.spans)


class Candidate:
    """A stream from which pieces are gone, or the stream itself; copied only where it is written."""

    def __init__(self, stream: Stream, rewrite: Rewrite | None = None) -> None:
        self._stream = stream
        self._rewrite = rewrite or Rewrite(stream.size)

    @cached_property
    def key(self) -> bytes:
        """The same for what is made of the same bytes of the source."""
        digest = sha256()
        for piece in self._rewrite.pieces():
            digest.update(piece if isinstance(piece, bytes) else repr(piece).encode())
        return digest.digest()

    @property
    def size(self) -> int:
        """Its bytes."""
        return self._stream.size + self._rewrite.growth(Span(0, self._stream.size + 1))

    def bytes_of(self, piece: Part) -> int:
        """Bytes of a piece that are left in it."""
        return sum(span.size + self._rewrite.growth(span) for span in piece.spans)

    def write(self, sink: int | Sink) -> int:
        """Write it; how many bytes it has.

        Parameters
        ----------
        sink : descriptor of an empty file, which has the holes that the source has, or an open file
        """
        return write(self._rewrite.pieces(), sink, self._stream.store)


class _Cover:
    """Bytes that are gone: their spans without those inside of others, and whether an offset is in one."""

    def __init__(self, pieces: Iterable[Part]) -> None:
        self._spans: list[Span] = []
        spans = (span for piece in pieces for span in piece.spans)
        for span in sorted(spans, key=lambda span: (span.start, -span.stop)):
            if not self._spans or span.stop > self._spans[-1].stop:
                self._spans.append(span)

    def __iter__(self) -> Iterator[Span]:
        return iter(self._spans)

    def __contains__(self, offset: int) -> bool:
        index = bisect_right(self._spans, offset, key=itemgetter(0))
        return bool(index) and offset in self._spans[index - 1]


class _RamSection(NamedTuple):
    """A RAM section with its first record, and the blocks that the last records before and in it are of."""

    section: Section
    first: Record | None
    before: str
    last: str


Gone = Collection[Part]
Level = Callable[["Parts"], Iterator[Part]]


class Parts:
    """What a stream consists of.

    Parameters
    ----------
    stream : all of whose bytes are at hand: a pipe is opened with `spool=True`

    Raises
    ------
    Unsupported : it is a pipe, or has channels besides
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._readable = _readable(stream)
        self._bench()  # raises where nothing of it can be changed
        self._targets: dict[Part, Target] = {}
        self._damage = sorted(e.at for e in stream.damage if e.at is not None)

    def _bench(self) -> Workbench:
        return Workbench(self.stream, describe=self._readable)

    def left(self, level: Level, gone: Gone) -> list[Part]:
        """The pieces of a level that are still there, in the order of the stream."""
        cover = _Cover(gone)
        return [piece for piece in level(self) if piece.spans[0].start not in cover]

    # --- levels, from coarse to fine -------------------------------------------------------------

    def sections(self) -> Iterator[Part]:
        """Whole sections, commands, and what stands between and behind them."""
        return iter(self._sections)

    @cached_property
    def _sections(self) -> list[Part]:
        found: dict[tuple[str, object], list[Item]] = {}
        names: dict[int, str] = {}
        for item in flat(self.stream.items):
            if isinstance(item, Section) and item.type in LIVE:
                if item.type is SectionType.START:
                    names[item.section_id] = item.path
                path = names.get(item.section_id, f"section {item.section_id}")
                found.setdefault(("live", path), []).append(item)
            elif (kind := self._kind(item)) is not None:
                found[kind, item.span] = [item]
        return [
            Part(kind, _path(kind, items[0], key), tuple(item.span for item in items))
            for (kind, key), items in found.items()
        ]

    def _kind(self, item: Item) -> str | None:
        """What an item other than a live section is; None where it is of the frame."""
        match item:
            case Section():
                return "device"
            case Command():
                return "command"
            case VMDescription() if not self._readable or self.stream.description_span is None:
                return "description"
            case Opaque() if item.span.size:
                return "unread"
            case Trailer():
                return "trailer"
        return None

    def parts(self) -> Iterator[Part]:
        """PART sections: a live section that is there whole without them."""
        for section in self.stream.sections:
            if section.type is SectionType.PART:
                yield Part("part", f"{section.path}@{section.span.start:#x}", (section.span,))

    def pages(self) -> Iterator[Part]:
        """Page records of guest memory."""
        for ram in self._ram:
            for record in self._records(ram):
                span = Span(record.start, record.stop)
                yield Part("page", f"{RAM}{record.block}@{record.offset:#x}", (span,))

    def blocks(self) -> Iterator[Part]:
        """RAM blocks, with their pages."""
        for block in self.stream.blocks:
            try:
                memory.unlist_block(self.stream, Rewrite(self.stream.size), block.name)
            except StreamError:
                continue
            yield Part("block", f"{RAM}{block.name}", (block.span,))

    def subsections(self) -> Iterator[Part]:
        """Subsections of devices, the outer ones first."""
        return iter(self._subsections)

    @cached_property
    def _subsections(self) -> list[Part]:
        found = []
        described = self._bench().description
        for device in self.stream.devices:
            for value in _subsection_values(device.value) if device.described else ():
                try:
                    trail = described.trail(device, value.span)
                except StreamError:
                    break  # described otherwise than it is laid out: it stays as it is
                if trail.single and (trail.item is None) == (described.entry(device) is None):
                    piece = Part("subsection", value.path, (value.span,))
                    self._targets[piece] = Target(path=value.path, device=device, value=value)
                    found.append(piece)
        return found

    def configuration(self) -> Iterator[Part]:
        """Subsections of the configuration: capabilities, UUID, page size."""
        for subsection in self._settings:
            piece = Part("configuration", subsection.name, (subsection.span,))
            self._targets[piece] = Target(path=subsection.name, configuration=subsection)
            yield piece

    def capabilities(self) -> Iterator[Part]:
        """Each capability of those that the configuration records."""
        for subsection in self._settings:
            at = subsection.payload.start + 4
            for name in subsection.value if subsection.name == CAPABILITIES else ():
                stop = at + len(counted(name))
                yield Part("capability", name, (Span(at, stop),))
                at = stop

    @cached_property
    def _settings(self) -> tuple[Subsection, ...]:
        """Subsections of the configuration; none where the description has something else of it."""
        found = self.stream.configuration
        if found is None or any(one.name not in ORDER for one in found.subsections):
            return ()
        entry = self._bench().description.configuration
        told = [] if entry is None else entry.get("subsections") or []
        known = [one for one in objects(told) if one.get("vmsd_name") in ORDER]
        return found.subsections if known == told else ()

    def entries(self) -> Iterator[Part]:
        """What the description says of devices that the stream does not have."""
        return iter(self._entries)

    @cached_property
    def _entries(self) -> list[Part]:
        found = []
        span = self.stream.description_span
        for number, entry in enumerate(self._bench().description.orphans() if span else ()):
            # where it stands in the text is not known: the n-th byte speaks for the n-th of them
            at = span.start + 5 + number if span else 0
            path = f"{entry.get('name')}[{entry.get('instance_id')}]"
            found.append(Part("entry", path, (Span(at, at + 1),)))
        return found

    def torn(self) -> Iterator[Part]:
        """What could not be read, from where it could not: a few bytes first, then ever more."""
        for item in flat(self.stream.items):
            start, stop = item.span
            if isinstance(item, Section) and item.how == "damage":
                start = self._damaged(item)
                foot = footer(item.section_id)
                if bytes(self.stream.store.view(*item.span)[-len(foot) :]) == foot:
                    stop = max(stop - len(foot), start)
            elif not isinstance(item, Opaque | Trailer):
                continue
            step = FIRST_TORN
            while start < stop:
                span = Span(start, min(start + step, stop))
                yield Part("bytes", f"@{start:#x}", (span,))
                start, step = span.stop, step * 2

    def _damaged(self, section: Section) -> int:
        """Where a section's damage begins: at the first that is known, else with its payload."""
        index = bisect_left(self._damage, section.payload.start)
        at = self._damage[index] if index < len(self._damage) else section.span.stop
        return at if at < section.span.stop else section.payload.start

    # --- guest memory ----------------------------------------------------------------------------

    @cached_property
    def _ram(self) -> list[_RamSection]:
        """The RAM sections whose records can be told apart."""
        found = []
        block = ""
        for section in ram_sections(self.stream):
            first, before = None, block
            for record in self._records_of(section, block):
                first = first or record
                block = record.block
            found.append(_RamSection(section, first, before, block))
        return found

    def _records_of(self, section: Section, block: str) -> Iterator[Record]:
        page = self.stream.ram.page_size
        if page is None or not isinstance(section.content, RamSetup | RamRecords):
            return
        stop = self._damaged(section) if section.how == "damage" else section.payload.stop
        try:
            yield from section_records(self.stream, section, stop, page, block)
        except BadRam:
            return  # damaged: the rest of it is bytes

    def _records(self, ram: _RamSection) -> Iterator[Record]:
        return self._records_of(ram.section, ram.before)

    def _thin(self, rewrite: Rewrite, blocks: set[str], pages: list[int], cover: _Cover) -> None:
        """Take away blocks, and pages by the offsets of their records, ascending.

        A record that names its block no more because the one before did, and is gone, names it.
        """
        known = ""
        for ram in self._ram:
            if ram.section.span.start in cover or ram.first is None:
                continue
            low = bisect_left(pages, ram.section.span.start)
            high = bisect_left(pages, ram.section.span.stop)
            if not blocks and low == high:
                _name(rewrite, ram.first, known)
                known = ram.last
                continue
            here = set(pages[low:high])
            run = Span(0, 0)
            for record in self._records(ram):
                if record.start in here or record.block in blocks:
                    if record.start != run.stop:
                        _cut(rewrite, run)
                        run = Span(record.start, record.start)
                    run = Span(run.start, record.stop)
                else:
                    _name(rewrite, record, known)
                    known = record.block
            _cut(rewrite, run)

    # --- what is left ----------------------------------------------------------------------------

    def candidate(self, gone: Gone) -> Candidate:
        """The stream without some pieces; its description no longer speaks of them."""
        kinds: dict[str, list[Part]] = {}
        for piece in frozenset(gone):
            kinds.setdefault(piece.kind, []).append(piece)
        outside = [piece for kind, some in kinds.items() if kind in WHOLE for piece in some]
        cover = _Cover(outside)
        bench = self._bench()
        self._without_memory(bench, kinds.get("block", []), kinds.get("page", []), cover)
        self._without_subsections(bench, kinds.get("subsection", []), cover)
        self._without_configuration(
            bench, kinds.get("configuration", []), kinds.get("capability", [])
        )
        for piece in kinds.get("bytes", []):
            if piece.spans[0].start not in cover:
                bench.rewrite.replace(*piece.spans[0], b"")
        for span in cover:
            bench.rewrite.replace(*span, b"")
        self._undescribe(bench, kinds.get("entry", []), cover)
        return Candidate(self.stream, bench.settled())

    def _undescribe(self, bench: Workbench, entries: list[Part], cover: _Cover) -> None:
        described = bench.description
        if entries:
            gone = set(entries)
            for piece, orphan in zip(self._entries, described.orphans(), strict=True):
                if piece in gone:
                    described.take(orphan)
        for device in self.stream.devices:
            if device.section.span.start in cover:
                described.remove(device)

    def _without_memory(
        self, bench: Workbench, blocks: list[Part], pages: list[Part], cover: _Cover
    ) -> None:
        names = {piece.path.removeprefix(RAM) for piece in blocks}
        for piece in blocks:
            if piece.spans[0].start not in cover:
                memory.unlist_block(self.stream, bench.rewrite, piece.path.removeprefix(RAM))
        sections = ram_sections(self.stream)
        here = [section for section in sections if section.span.start not in cover]
        if here and (names or pages or len(here) < len(sections)):
            starts = sorted(piece.spans[0].start for piece in pages)
            self._thin(bench.rewrite, names, starts, cover)

    def _without_subsections(
        self, bench: Workbench, subsections: list[Part], cover: _Cover
    ) -> None:
        """What is inside of one that is gone, or of a device that is, is gone with it."""
        stop = 0
        for piece in sorted(subsections, key=lambda piece: (piece.spans[0].start, -piece.size)):
            if piece.spans[0].start >= stop and piece.spans[0].start not in cover:
                drop.drop(bench, self._targets[piece])
                stop = piece.spans[0].stop

    def _without_configuration(
        self, bench: Workbench, subsections: list[Part], capabilities: list[Part]
    ) -> None:
        if capabilities:
            names = [piece.path for piece in self.capabilities() if piece not in capabilities]
            record_capabilities(bench, names)
        for piece in subsections:
            drop.drop(bench, self._targets[piece])


def _readable(stream: Stream) -> bool:
    """Whether the description can follow what becomes of the stream; so can none at all."""
    span = stream.description_span
    try:
        if span is not None:
            parse_description(bytes(stream.store.view(span.start + 5, span.stop)))
    except BadDescription:
        return False
    return True


def _path(kind: str, item: Item, key: object) -> str:
    if kind == "live":
        return str(key)
    if isinstance(item, Section):
        return item.path
    return item.name if isinstance(item, Command) else f"@{item.span.start:#x}"


def _cut(rewrite: Rewrite, run: Span) -> None:
    if run.size:
        rewrite.replace(*run, b"")


def _name(rewrite: Rewrite, record: Record, known: str) -> None:
    """Have a record name its block, unless the destination knows it from the one before."""
    if not record.named and record.block != known:
        word = (record.offset | record.flags).to_bytes(8, "big")
        rewrite.replace(record.start, record.content, word + counted(record.block))


def _subsection_values(value: Value) -> Iterator[Value]:
    for child in value.children:
        if child.kind == "subsection":
            yield child
        if not child.node.repeats:
            yield from _subsection_values(child)


# from coarse to fine
LEVELS: tuple[Level, ...] = (
    Parts.sections,
    Parts.parts,
    Parts.pages,
    Parts.blocks,
    Parts.subsections,
    Parts.entries,
    Parts.configuration,
    Parts.capabilities,
    Parts.torn,
)
