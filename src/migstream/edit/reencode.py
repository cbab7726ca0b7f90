"""The same devices, and the same guest memory encoded in another way.

Device sections, commands and other live sections are copied byte for byte. The RAM sections become
one START, one PART and one END: page records without rounds, deltas, compression and channels, or
the areas of mapped-ram. `edit.convert` reads the result again, and holds it against the source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from migstream.edit.capabilities import CAPABILITIES, ORDER, capabilities_section, described
from migstream.errors import Unsupported
from migstream.names import many
from migstream.ram.encode import END_OF_RECORDS, Area, entry, fill_area, page_records, setup_word
from migstream.ram.model import RamSetup
from migstream.ram.multifd import DeviceState
from migstream.source.pieces import PieceWriter, Zeros
from migstream.stream import Stream
from migstream.wire import write
from migstream.wire.model import (
    Command,
    Configuration,
    End,
    Item,
    Section,
    SectionType,
    Span,
    Trailer,
    VMDescription,
)

if TYPE_CHECKING:
    from migstream.ram.image import Block, Ram

__all__ = ["Encoded", "reencode"]

MAPPED_RAM = "mapped-ram"
IGNORE_SHARED = "x-ignore-shared"
MOST_SIZE = 1 << 52
MOST_MAPPED = 1 << 45  # bytes of a block: QEMU holds the bitmap, 1 GiB then, in memory

# Commands that ask for a destination at the other end, or that are about RAM records which go.
DROPPED = {"OPEN_RETURN_PATH", "PING", "POSTCOPY_ADVISE"}
COPIED = {"SWITCHOVER_START"}


class Encoded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a stream. Sizes are in bytes; `written` leaves out the holes.

    `dropped` are the commands and other items that are not in the result, `lost` the bytes of
    data (no zeros) that were cut off blocks which were made smaller, by block.
    """

    before: int
    size: int
    written: int
    dropped: tuple[str, ...] = ()
    lost: dict[str, int] = {}


def reencode(
    stream: Stream,
    fd: int,
    *,
    ram: str = "same",
    description: bool = True,
    sizes: Mapping[str, int] | None = None,
    tell: Callable[[int], None] = lambda _: None,
    head: bytes = b"",
) -> Encoded:
    """Write the stream to an empty file, with its guest memory in another encoding.

    Parameters
    ----------
    ram : "same" as it is, "linear" for page records, or "mapped" for mapped-ram
    description : whether the result ends with the description: the stream's own, or the one that
        it was opened with (`like`), if that fits
    sizes : of RAM blocks that are to have another one, in bytes; not where `ram` is "same"
    tell : called with the number of bytes of guest memory that are done since the last call
    head : what stands before the stream in the file

    Raises
    ------
    Unsupported : damage, memory that is elsewhere, a form that cannot hold this stream
    """
    if stream.damage:
        raise Unsupported(
            "a damaged stream is not converted", hint="`migstream ls` says what is wrong"
        )
    if not description and any(
        s.footer is None for s in stream.sections if s.type is SectionType.FULL
    ):
        raise Unsupported(
            "a stream without section footers keeps its description",
            hint="nothing else says where a device's section ends",
        )
    with PieceWriter(fd, stream.store.view) as out:
        out.add(head)
        made = _Conversion(stream, out, ram, sizes or {}, tell)
        for item in stream.items:
            made.item(item, description=description)
        out.finish()
    return Encoded(
        before=stream.size,
        size=out.at,
        written=out.written,
        dropped=tuple(made.dropped),
        lost=made.lost,
    )


class _Conversion:
    """One conversion on its way: takes the items of the source in their order."""

    def __init__(
        self,
        stream: Stream,
        out: PieceWriter,
        form: str,
        sizes: Mapping[str, int],
        tell: Callable[[int], None],
    ) -> None:
        self.dropped: dict[str, None] = {}
        self._stream = stream
        self._out = out
        self._tell = tell
        self._form = form
        self._capabilities = list(stream.capabilities)
        self._types = {s.type for s in stream.sections if s.name == "ram"}
        self._filled = False
        self.lost: dict[str, int] = {}
        if form != "same":
            self._ram = _ram(stream)
            self._sizes = {name: block.size for name, block in self._ram.items()}
            self._resize(sizes)
            self._choose(mapped=form == "mapped")

    def _choose(self, *, mapped: bool) -> None:
        """Put the capability in or take it out."""
        if mapped and self._stream.configuration is None:
            raise Unsupported(
                "mapped-ram in a stream without configuration",
                hint="nothing in it could say so: no QEMU would load it",
            )
        if mapped and IGNORE_SHARED in self._capabilities:
            raise Unsupported(
                "mapped-ram together with x-ignore-shared",
                hint="releases disagree on its form, QEMU 10.0 does not load what it wrote itself",
            )
        self._capabilities = [c for c in self._capabilities if c != MAPPED_RAM]
        if mapped:
            self._capabilities.append(MAPPED_RAM)

    def _resize(self, sizes: Mapping[str, int]) -> None:
        """Give blocks other sizes."""
        for name, size in sizes.items():
            block = self._ram[name]
            if block.elsewhere is not None or size % block.page or not 0 < size <= MOST_SIZE:
                raise Unsupported(
                    f"RAM block {name} with {size:#x} bytes",
                    hint=f"sizes are multiples of {block.page}, of blocks that are in the stream",
                )
            self._sizes[name] = size
            runs = block.runs(min(size, block.size), block.size)
            if cut := sum(run.stop - run.start for run in runs if run.kind == "data"):
                self.lost[name] = cut

    def item(self, item: Item, *, description: bool) -> None:
        """Write what this item of the source becomes."""
        match item:
            case Configuration():
                self._configuration(item)
            case Section(name="ram") if self._form != "same":
                self._section(item)
            case Command() if self._form != "same":
                self._command(item)
            case VMDescription():
                if description:
                    self._out.put(_described(self._view(item.span), self._capabilities))
                else:
                    self.dropped["description"] = None
            case Trailer():
                self.dropped[f"{many(item.span.size, 'byte')} behind the stream"] = None
            case _:
                self._out.add(item.span)
        if isinstance(item, End) and description and self._stream.description_span is None:
            self._borrow()

    def _view(self, span: Span) -> memoryview:
        return self._stream.store.view(*span)

    # --- what stands before the sections -------------------------------------------------------

    def _configuration(self, item: Configuration) -> None:
        """The subsections in QEMU's order (savevm.c: vmstate_configuration), one of them anew."""
        if self._capabilities == list(item.capabilities):
            self._out.add(item.span)
            return
        kept = {s.name: bytes(self._view(s.span)) for s in item.subsections}
        kept.pop(CAPABILITIES, None)
        made = self._capabilities and {CAPABILITIES: capabilities_section(self._capabilities)}
        parts = kept | (made or {})
        self._out.put([self._view(Span(item.span.start, item.name_span.stop))])
        self._out.put(parts[name] for name in ORDER if name in parts)

    def _command(self, item: Command) -> None:
        if item.name in DROPPED:
            self.dropped[item.name] = None
        elif item.name in COPIED:
            self._out.add(item.span)
        else:
            raise Unsupported(
                f"a stream with the command {item.name}",
                at=item.span.start,
                hint="guest memory can be written anew where all of it was sent before the devices",
            )

    # --- guest memory --------------------------------------------------------------------------

    def _section(self, item: Section) -> None:
        if item.type is SectionType.START:
            self._setup(item)
            return
        if not self._filled:
            self._filled = True
            if len(self._ram) or SectionType.PART in self._types:
                self._wrapped(SectionType.PART, item, self._records)
            if SectionType.END not in self._types:  # a background snapshot has none
                self._wrapped(SectionType.END, item, None)
        if item.type is SectionType.END:
            self._wrapped(SectionType.END, item, None)

    def _wrapped(self, kind: SectionType, like: Section, fill: Callable[[], None] | None) -> None:
        """A PART or END with what `fill` writes."""
        self._out.put([write.numbered_header(kind, like.section_id)])
        if fill is not None:
            fill()
        self._out.put([END_OF_RECORDS])
        self._footer(like)

    def _footer(self, item: Section) -> None:
        if item.footer is not None:
            self._out.put([write.footer(item.section_id)])

    def _setup(self, item: Section) -> None:
        setup = item.content
        assert isinstance(setup, RamSetup)
        self._out.put([self._view(Span(item.span.start, item.payload.start))])
        self._out.put([setup_word(sum(self._sizes.values()))])
        for block in setup.blocks:
            self._out.put([entry(block, self._sizes[block.name])])
            if self._form == "mapped":
                self._area(self._ram[block.name])
        self._out.put([END_OF_RECORDS])
        self._footer(item)

    def _area(self, block: Block) -> None:
        """A block's header, bitmap and pages. The bitmap is known last."""
        out, size = self._out, self._sizes[block.name]
        if size > MOST_MAPPED:
            raise Unsupported(
                f"mapped-ram with {size:#x} bytes in RAM block {block.name}",
                hint="its bitmap alone would take gibibytes: no QEMU has so large a block",
            )
        area = Area.behind(out.at, size, block.page)
        out.put([area.head(block.page)])
        out.add(Zeros(area.pages - out.at))
        bitmap = bytearray(area.bitmap_size(block.page))
        done = 0
        for offset, pages in fill_area(block, size, bitmap, out.lend):
            out.add(Zeros(area.pages + offset - out.at))
            out.put([pages])
            self._tell(out.at - area.pages - done)
            done = out.at - area.pages
        out.add(Zeros(area.stop - out.at))
        out.patch(area.bitmap, bytes(bitmap))
        self._tell(size - done)

    def _records(self) -> None:
        if self._form == "mapped":
            return
        for name, block in self._ram.items():
            done = 0
            if block.elsewhere is None:
                for size, records in page_records(block, self._sizes[name], self._out.lend):
                    self._out.put([records])
                    more = min(size, block.size - done)
                    self._tell(more)
                    done += more
            self._tell(block.size - done)

    # --- the description -----------------------------------------------------------------------

    def _borrow(self) -> None:
        """The description of another stream, if there is one and it fits."""
        from migstream.edit.borrow import borrow

        if self._stream.description is None:
            return
        text = borrow(self._stream, self._stream.description)
        self._out.put(_described(memoryview(write.description(text)), self._capabilities))


def _described(item: memoryview, capabilities: list[str]) -> Iterator[memoryview | bytes]:
    """The description's item, with the capabilities that the configuration has now."""
    text = described(bytes(item[5:]), capabilities)
    yield item[:1]
    yield len(text).to_bytes(4, "big")
    yield text


def _ram(stream: Stream) -> Ram:
    """Guest memory, if all of it is there that is to be written."""
    ram = stream.ram
    setups = sum(s.name == "ram" and s.type is SectionType.START for s in stream.sections)
    if not setups:
        raise Unsupported("this stream has no guest memory to encode in another way")
    if setups > 1:
        raise Unsupported("a stream with several RAM setups")
    for channel in stream.channels:
        for item in channel.items():
            if isinstance(item, DeviceState):
                raise Unsupported(
                    f"device state of {item.idstr} in multifd channel {channel.initial.channel}",
                    hint="one stream cannot hold it: only guest memory can leave its channel",
                )
    for block in ram.values():
        if block.elsewhere is not None and IGNORE_SHARED not in stream.capabilities:
            raise Unsupported(
                f"the contents of RAM block {block.name} are not in this stream",
                hint=block.elsewhere,
            )
        if block.size % block.page:
            raise Unsupported(f"RAM block {block.name} ends within a page")
    return ram
