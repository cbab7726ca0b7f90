"""Stream: the one object in which the layers meet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from migstream.errors import (
    BadDescription,
    BadRam,
    NoSuchAddress,
    NoSuchPath,
    NotAStream,
    StreamError,
    Truncated,
    Unsupported,
)
from migstream.iterable import SECTIONS
from migstream.names import brief, many, prose
from migstream.source.layers import Layer, Opened
from migstream.source.opened import Openable, open_source
from migstream.source.store import Store, Whole
from migstream.stream.around import CHEAP, followed_by, stream_inside
from migstream.stream.devices import Device, Devices, laid_out, opaque
from migstream.stream.locate import GOES_ON, Tail
from migstream.stream.reading import Described, Walked, read_stream
from migstream.vmstate.description import Description
from migstream.vmstate.description import Device as DescribedDevice
from migstream.vmstate.layout import Layout
from migstream.vmstate.paths import find, match_names, no_such
from migstream.vmstate.values import Value
from migstream.wire.frames import BEGINNING, LEAD, MAGIC, SCATTERED
from migstream.wire.model import (
    Configuration,
    FileHeader,
    Item,
    Section,
    SectionType,
    Span,
    Trailer,
    flat,
    item_at,
)
from migstream.wire.push import drive
from migstream.wire.registry import Context
from migstream.wire.walk import Walker

if TYPE_CHECKING:
    from migstream.machine.physical import PhysicalMemory
    from migstream.machine.registers.read import Cpu
    from migstream.ram.builder import ImageBuilder
    from migstream.ram.channels import Channel
    from migstream.ram.codec import RamCodec
    from migstream.ram.history import Versions
    from migstream.ram.image import Ram
    from migstream.ram.model import RamBlock, RamSetup
    from migstream.ram.sidecar import Index

__all__ = ["Device", "Devices", "Stream", "as_stream", "open_anything", "open_stream"]


class Stream:
    """An open migration stream.

    Device state comes from the tail of a file, guest memory is not touched for it. Attributes
    read on demand: `machine`, `configuration`, `capabilities`, `description`, `devices` are
    instant on a file of any size; `items`, `sections`, `ram`, `damage` walk the stream once.
    """

    def __init__(
        self,
        opened: Opened,
        like: Description | None = None,
        maps: Sequence[tuple[str, int]] = (),
        channels: Sequence[Opened] = (),
        *,
        walk: bool = False,
        memory: bool = False,
        index: str | os.PathLike[str] | None = None,
    ) -> None:
        self._opened = opened
        self._like = like
        self._maps = maps
        self._channels = channels
        self._prove = walk
        self._memory = memory
        self._index = index
        self._closing: list[ImageBuilder] = []
        self.index_refused: str | None = None  # why an index that is there was not used
        self._channel_damage: list[StreamError] = []
        self._noticed: list[StreamError] = []
        self._image: ImageBuilder | None = None
        self._refused: StreamError | None = None
        self._demanding = False
        self.name = opened.name
        if opened.cut is not None:
            end = opened.store.size if opened.store is not None else None
            self._noticed.append(Truncated(opened.cut.message, at=end, hint=opened.cut.hint))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        """What is known of it by now: nothing is read for this."""
        known = vars(self)
        read = "_walk" in known or known.get("_tail") is not None
        store = self._opened.store
        facts = [
            self.machine or "" if read else "",
            many(len(self.devices), "device") if "devices" in known else "",
            "a pipe" if store is None else many(store.size, "byte"),
        ]
        return brief("Stream", f"{self.name}:", ", ".join(filter(None, facts)))

    def _repr_html_(self) -> str:
        """A table of facts. For this the stream is read as for any answer, but a pipe is not."""
        from migstream.tables import html_table

        if not self.seekable and "_walk" not in vars(self):
            return html_table(repr(self), ())
        blocks = self.blocks
        facts = {
            "machine": self.machine or "not recorded",
            "capabilities": ", ".join(self.capabilities) or "none recorded",
            "devices": len(self.devices),
            "RAM": f"{len(blocks)} blocks, {sum(b.used_length for b in blocks):#x} bytes",
            "description": "none" if self.description_span is None else self.description_span,
            "size": f"{self.size} bytes",
            "read": "all of it" if self.walked else "its end; guest memory was not walked",
            "damage": len(self.noticed) or "none noticed",
        }
        return html_table(repr(self), ({"": name, "is": fact} for name, fact in facts.items()))

    def close(self) -> None:
        for image in (self._image, *self._closing):
            if image is not None:
                image.close()
        index = vars(self).get("_indexed")
        if index is not None:
            index.close()
        for opened in (self._opened, *self._channels):
            opened.close()

    # --- the bytes -----------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """The bytes: all of a file, of a pipe what was kept when it was read."""
        return self._opened.store or self._walk.store

    @property
    def size(self) -> int:
        """Bytes of the source, from the beginning of the stream."""
        return self.store.size

    @property
    def seekable(self) -> bool:
        """Whether all bytes are at hand; of a pipe guest memory is not."""
        return self._opened.store is not None

    @property
    def origin(self) -> int:
        """Offset in the source at which the stream begins: all other offsets are counted from there."""
        return self._opened.origin

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The containers that the stream was taken out of, the outermost first; none for a plain file."""
        return self._opened.layers

    def outermost(self, at: int) -> int | None:
        """Where in the source itself the byte at offset `at` of the stream is; None where it is in no one byte."""
        return self._opened.outermost(at)

    # --- whether it is one -----------------------------------------------------------------------

    @property
    def not_begun(self) -> StreamError | None:
        """Why no stream begins here; None where one does, however damaged it is behind its header."""
        store = self._opened.store
        if store is not None and bytes(store.view(0, len(BEGINNING))) == BEGINNING:
            return None  # nothing else need be read to know
        return None if _begins(self.head) else _why_not(self.noticed)

    def demand(self) -> None:
        """Refuse what is not a stream: a file now, a pipe when it is first read.

        Raises
        ------
        NotAStream : nothing like it
        Truncated, BadFraming : its header is cut off, or of another version
        """
        self._demanding = True
        if (self.seekable or "_walk" in vars(self)) and (error := self.not_begun) is not None:
            raise error

    # --- from the end, or from the beginning ---------------------------------------------------

    @cached_property
    def _tail(self) -> Tail | None:
        """The end of a large file as long as nothing speaks against it; None where the stream is walked."""
        store = self._opened.store
        if store is None or self._prove or self._opened.device or store.size <= CHEAP:
            return None
        if self._memory and self._indexed is None:
            return None  # all of it will be read in any case: better before anything is said
        tail = Tail(store)
        return tail if tail.doubt is None else None

    @property
    def walked(self) -> bool:
        """Whether all of the stream was read, or will be for any answer; else they come from its end."""
        return "_walk" in vars(self) or self._tail is None

    @cached_property
    def _walk(self) -> Walked:
        """The whole stream, read once."""
        if self._refused is not None:
            raise self._refused  # a pipe went by, and was not one
        piped = not self.seekable
        walk = read_stream(self._opened, self._context)
        for error in walk.damage:
            if isinstance(error, NotAStream):
                error.hint = "; ".join(filter(None, (error.hint, self._inside())))
        if self._tail is not None and self._tail.described is not None:
            span = self._tail.described.span
            if walk.description_span != span:
                self._noticed.append(
                    BadDescription(
                        "the description at the end belongs to another stream",
                        at=span.start,
                        hint="what was answered before guest memory was read came from there; ask again",
                    )
                )
                for name in ("devices", "description", "configuration"):
                    vars(self).pop(name, None)
        if self._demanding and piped and not _begins(walk.items):
            self._refused = _why_not([*self._noticed, *walk.damage])
            raise self._refused
        return walk

    def _inside(self) -> str:
        """Where a stream begins, if that is not at the first byte."""
        store = self._opened.store
        if store is None or bytes(store.view(0, 4)) in SCATTERED:
            return ""
        at = stream_inside(store, 1, LEAD)
        if at is None:
            return "a stream begins with the bytes 51 45 56 4d (QEVM)"
        return f"a stream begins at {at:#x}: --offset {at:#x} opens it"

    @cached_property
    def trailer(self) -> tuple[Trailer, str] | None:
        """What follows the stream, and what that is in words; None where nothing does."""
        last = self.items[-1] if self.items else None
        if not isinstance(last, Trailer):
            return None
        said = "zeros" if last.zeros else "bytes of something else"
        return last, followed_by(self.store, last) if self.seekable else said

    def _context(self, store: Store | None) -> Context:
        from migstream.ram.builder import ImageBuilder

        # of a pipe, pages go by: which of them were sent is known, what was in them is not
        source = Whole(b"") if store is None else store
        self._image = ImageBuilder([source], hold=bool(self._channels))
        return Context(limit=None if store is None else store.size, pages=self._image)

    # --- the description -----------------------------------------------------------------------

    @property
    def _described(self) -> Described | None:
        """The stream's own description and layouts, where one can be read."""
        if not self.walked and self._tail is not None:
            return self._tail.described
        return self._walk.described

    @property
    def description_span(self) -> Span | None:
        """Type byte, length and JSON of the description; None where the stream has none."""
        if not self.walked and self._tail is not None:
            return None if self._tail.described is None else self._tail.described.span
        return self._walk.description_span

    @cached_property
    def description(self) -> Description | None:
        """The description, or that of `like`, or None."""
        return self._like if self._described is None else self._described.description

    @property
    def _layouts(self) -> list[tuple[DescribedDevice, Layout]]:
        """Devices as this stream's own description has them, in their order on the wire."""
        found = self._described
        return (
            [] if found is None else [*zip(found.description.devices, found.layouts, strict=True)]
        )

    @property
    def head(self) -> tuple[Item, ...]:
        """What precedes guest memory and the device sections: header, configuration, setup."""
        if not self.walked and self._tail is not None:
            return self._tail.head
        return _head(self._walk.items)

    @property
    def items(self) -> tuple[Item, ...]:
        """Every item of the stream, walked from the start; their spans cover every byte once."""
        return self._walk.items

    @property
    def sections(self) -> tuple[Section, ...]:
        """START, PART, END and FULL sections in their order, those of a package included."""
        return tuple(i for i in flat(self.items) if isinstance(i, Section))

    @property
    def damage(self) -> list[StreamError]:
        """What is wrong with the stream: its framing, its description, the two held together."""
        from migstream.vmstate.contradictions import contradictions

        found = [*self._noticed, *self._walk.damage]
        layouts = self._layouts
        if layouts:
            keys = {d.key for d, _ in layouts}
            for device in self._walked:
                section = device.section
                listed = section.key in keys
                layout = device.layout or (opaque(section) if listed else None)
                found += contradictions(section, layout, self.store.view)
        if self._channels:
            _ = self.ram
        once = list({error.at: error for error in reversed(found)}.values())[::-1]
        return [*once, *self._channel_damage]

    @property
    def noticed(self) -> list[StreamError]:
        """What is known to be wrong without reading any more."""
        if not self.seekable and "_walk" not in vars(self):
            return list(self._noticed)  # a pipe that nobody has read from yet
        if self.walked:
            return [*self._noticed, *self._walk.damage, *self._channel_damage]
        return [*self._noticed, *([] if self._tail is None else self._tail.errors)]

    # --- what it says ----------------------------------------------------------------------------------

    @cached_property
    def configuration(self) -> Configuration | None:
        return next((i for i in self.head if isinstance(i, Configuration)), None)

    @property
    def machine(self) -> str | None:
        """The machine type's name, such as `pc-i440fx-10.0`."""
        return None if self.configuration is None else self.configuration.machine

    @property
    def capabilities(self) -> tuple[str, ...]:
        """Capabilities that the configuration records."""
        return () if self.configuration is None else self.configuration.capabilities

    @cached_property
    def devices(self) -> Devices:
        """Device sections with their values: from the end where that can be believed, else walked."""
        if not self.walked and self._tail is not None and self._tail.located is not None:
            return self._laid_out(self._tail.located)
        return self._walked

    @cached_property
    def _walked(self) -> Devices:
        return self._laid_out([s for s in self.sections if s.type == SectionType.FULL])

    def _laid_out(self, sections: Sequence[Section]) -> Devices:
        entries: Sequence[tuple[DescribedDevice, Layout | None]] = self._layouts
        if not entries and self.description is not None:
            entries = [(device, None) for device in self.description.devices]
        return laid_out(sections, entries, self.store, self.machine)

    @property
    def ram_setup(self) -> RamSetup | None:
        """RAM blocks as the setup section lists them, without walking any page."""
        return next(
            (i.content for i in flat(self.head) if isinstance(i, Section) and i.name == "ram"), None
        )

    @property
    def blocks(self) -> tuple[RamBlock, ...]:
        """RAM blocks in the order of the setup section; none where the stream has no RAM."""
        return () if self.ram_setup is None else self.ram_setup.blocks

    @cached_property
    def ram(self) -> Ram:
        """Guest memory by block, and what the stream spent on it; empty where it has none.

        `stream.ram["pc.ram"][0x7c00:0x7e00]` are bytes of the final memory. A pipe keeps no guest
        memory: open it with `spool=True` to have it.
        """
        if self._indexed is not None:
            return self._indexed.ram
        codec = self._ram_codec
        if codec is None:
            from migstream.ram.image import Ram

            return Ram()
        assert self._image is not None  # the walk has made it
        if self._channels:
            self._missing_channels()
            self._image.join(codec.blocks, self.channels, self._channel_damage.append)
        return self._image.ram(
            codec.blocks,
            codec.summary(),
            self._nothing_sent,
            self.unplugged,
            piped=not self.seekable,
        )

    @property
    def _nothing_sent(self) -> str:
        """Where the contents of a block are of which the stream has no page."""
        from migstream.ram.presence import CHANNELS, NOTHING_SENT, SHARED, SHARED_OR_CHANNELS

        synced = self._image is not None and self._image.synced
        if "x-ignore-shared" not in self.capabilities:
            return CHANNELS if synced else NOTHING_SENT
        return SHARED_OR_CHANNELS if synced else SHARED

    @cached_property
    def unplugged(self) -> dict[str, tuple[tuple[int, int], ...]]:
        """By RAM block, the bytes [start, stop) where a virtio-mem device has nothing plugged in.

        It is known from device state: guest memory is not walked for it.
        """
        from migstream.machine.map.plugged import unplugged

        return unplugged(self.devices, self.blocks)

    def _missing_channels(self) -> None:
        from migstream.ram.channels import absent

        for number in absent(self.channels):
            self._channel_damage.append(
                BadRam(
                    f"multifd channel {number} is missing",
                    hint="a higher one is there: name its recording with --channel as well",
                )
            )

    @property
    def _ram_codec(self) -> RamCodec | None:
        """What walked the RAM sections; None where there are none."""
        walker = self._walk.walker
        ids = [i for i, s in walker.starts.items() if s.name == "ram"]
        codec: Any = walker.codecs.get(ids[0]) if ids else None
        found: RamCodec | None = codec
        return found

    @cached_property
    def _indexed(self) -> Index | None:
        """The index of a plain file, where one is there and fits (`ram.sidecar.load`)."""
        if self._opened.path is None or self._channels:
            return None
        if self._index is None and (self._prove or "_walk" in vars(self)):
            return None  # memory is at hand already
        from migstream.ram.sidecar import Index, load

        found = load(self._opened.path, self.store, self._index)
        if isinstance(found, Index):
            return found
        self.index_refused = found
        return None

    def write_index(self, fd: int) -> int:
        """Write the index that makes the next opening of guest memory instant; its size in bytes.

        Parameters
        ----------
        fd : a new file, which is to be named like the stream with `ram.sidecar.SUFFIX` behind

        Raises
        ------
        Unsupported : no plain file of one channel, no guest memory, or it is damaged
        """
        from migstream.ram.sidecar import write

        codec = None if self._opened.path is None or self._channels else self._ram_codec
        if codec is None or self._opened.path is None:
            raise Unsupported("only a plain file with guest memory, without channels, has an index")
        if self.damage:
            raise Unsupported(
                "a damaged stream gets no index", hint="`migstream ls` says what is wrong"
            )
        assert self._image is not None
        return write(
            fd,
            self._opened.path,
            self._image,
            codec.blocks,
            codec.summary(),
            self._nothing_sent,
            self.unplugged,
        )

    def history(self, block: str, offset: int) -> Versions:
        """Every version of the page at `offset` of a RAM block that the stream holds, oldest first.

        Their contents are made as they are asked for: go through them in their order.

        Raises
        ------
        NoSuchAddress : no guest memory, no such block, or outside of it
        ParseError : by a version, where its record is damaged
        """
        from migstream.ram.history import HistoryBuilder

        one = self.ram[block]
        if not 0 <= offset < one.size:
            raise NoSuchAddress(
                f"offset {offset:#x} of RAM block {block}, {one.size:#x} bytes long"
            )
        number = [*self.ram].index(block)
        builder = HistoryBuilder(
            [self.store], number, offset // one.page, hold=bool(self._channels)
        )
        context = Context(page_size=one.page, limit=self.size, pages=builder)
        known = [s.span.start for s in self.sections if s.type == SectionType.FULL]
        for _ in drive(self.store, Walker(SECTIONS, context=context, known=known)):
            pass
        if self._channels:
            builder.join(self.blocks, self.channels, lambda _: None)
            self._closing.append(builder)
        return builder.versions()

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """Recorded multifd channels that were named with the stream, each to be read by itself."""
        if not self._channels:
            return ()
        from migstream.ram.channels import Channel
        from migstream.ram.multifd import PAGE_SIZES

        page = self._walk.walker.context.page_size
        page = page if page in PAGE_SIZES else None  # a damaged description may say anything
        lengths = {block.name: block.used_length for block in self.blocks}
        return tuple(
            Channel(opened.store, page, lengths)
            for opened in self._channels
            if opened.store is not None
        )

    @cached_property
    def memory(self) -> PhysicalMemory:
        """Guest-physical memory: `stream.memory[0xfffffff0:0x100000000]`; `.ranges` has the map."""
        from migstream.machine.map.physical_map import physical_map
        from migstream.machine.physical import PhysicalMemory

        return PhysicalMemory(physical_map(self, self._maps, contents=self), self)

    @cached_property
    def registers(self) -> tuple[Cpu, ...]:
        """Registers of every virtual CPU; raises Unsupported where no CPU section is described."""
        from migstream.machine.registers.read import registers

        return registers(self)

    def read(self, block: str, start: int, stop: int) -> bytes:
        """Bytes [start, stop) of a RAM block (`machine.physical.BlockReader`)."""
        return self.ram[block].read(start, stop)

    # --- paths -------------------------------------------------------------------------------------------

    def __getitem__(self, path: str) -> Value:
        """The one value that a path names: `stream["cpu[0]/env.eip"]`.

        Raises
        ------
        NoSuchPath : it names none, or several (also a KeyError)
        """
        if not isinstance(path, str):
            raise TypeError(
                f"a stream is asked by a path such as 'cpu[0]/env.eip', not by {path!r}"
            )
        found = list(islice(self.find(path), 2))
        if len(found) > 1:
            raise NoSuchPath(
                f"{prose(path)!r} names several values",
                hint="`stream.find(path)` goes through all of them",
            )
        return found[0]

    def __contains__(self, thing: object) -> bool:
        """Whether a path names anything, or whether this section is one of the stream's."""
        if isinstance(thing, Section):
            return thing in self.sections
        if not isinstance(thing, str):
            raise TypeError(f"a path or a section can be in a stream, not {thing!r}")
        try:
            next(self.find(thing))
        except NoSuchPath:
            return False
        return True

    def __iter__(self) -> Iterator[Section]:
        """The sections in their order, those of a package included."""
        return iter(self.sections)

    def _ipython_key_completions_(self) -> list[str]:
        if not self.seekable and "_walk" not in vars(self):
            return []  # a pipe goes by once: not to complete a word
        return [device.path for device in self.devices]

    def find(self, path: str) -> Iterator[Value]:
        """Every value that a path names (docs/paths.md); raises NoSuchPath where there is none."""
        if path.startswith("@"):
            try:
                offset = int(path[1:], 0)
            except ValueError:
                raise NoSuchPath(
                    f"{path!r} is not a place", hint="a place is @OFFSET, such as @0x1f0"
                ) from None
            device = self.devices.at(offset)
            if device is None:
                raise no_such(f"@{offset:#x}", ())
            yield device.value.owner(offset)
            return
        found = False
        for device, rest in self.find_devices(path):
            for value in find(device.value, rest):
                found = True
                yield value
        if not found:
            raise self._no_such(path)

    def find_devices(self, path: str) -> Iterator[tuple[Device, str]]:
        """Devices that a path begins with, and what is left of the path.

        What follows the place on a bus is enough where one device is called so: `e1000` for
        `0000:00:03.0/e1000`.
        """
        names: dict[str, list[Device]] = {}
        for device in self.devices:
            names.setdefault(device.name, []).append(device)
        found = list(match_names(names.items(), path))
        if not found:
            short = self._short_names(names)
            alone = {name: names[full[0]] for name, full in short.items() if len(full) == 1}
            found = list(match_names(alone.items(), path))
        for devices, rest in found:
            for device in devices:
                mine = f"[{device.instance_id}]"
                if rest.startswith((mine, "[*]")):
                    yield device, rest[rest.index("]") + 1 :]
                elif not rest.startswith("["):
                    yield device, rest

    @staticmethod
    def _short_names(names: Iterable[str]) -> dict[str, list[str]]:
        """Names of devices without their places on a bus, each with those that end so."""
        short: dict[str, list[str]] = {}
        for name in names:
            if "/" in name:
                short.setdefault(name.rpartition("/")[2], []).append(name)
        return short

    def _no_such(self, path: str) -> Exception:
        for device, rest in self.find_devices(path):
            array, bracket, _ = rest.rpartition("[")
            for value in find(device.value, array) if bracket else ():
                if value.count is not None:
                    error = no_such(path, ())
                    error.hint = f"{value.path} has {value.count} elements, counted from 0"
                    return error
            return no_such(path, (f"{device.path}/{c.name}" for c in device))
        short = self._short_names(dict.fromkeys(device.name for device in self.devices))
        for full, _rest in match_names(short.items(), path):
            error = no_such(path, ())
            error.hint = f"{len(full)} devices end so: {', '.join(full[:8])}"
            return error
        return no_such(path, [*(d.path for d in self.devices), *short])

    def at(self, offset: int) -> Value | Item:
        """What owns the byte at an absolute offset: of a device the innermost value, else the item.

        Raises
        ------
        NoSuchPath : the stream has no such byte
        """
        device = self.devices.at(offset)
        if device is not None:
            return device.value.owner(offset)
        item = item_at(self.items, offset)
        if item is None:
            raise NoSuchPath(f"nothing owns the byte {offset:#x}")
        return item


def _head(items: Sequence[Item]) -> tuple[Item, ...]:
    """Items before the first part of guest memory; where there is none, before the first device."""
    kinds = [i.type if isinstance(i, Section) else None for i in items]
    goes_on = next((n for n, k in enumerate(kinds) if k in GOES_ON), None)
    if goes_on is None:
        goes_on = next((n for n, k in enumerate(kinds) if k == SectionType.FULL), len(items))
    return tuple(items[:goes_on])


def _begins(items: Sequence[Item]) -> bool:
    return any(isinstance(item, FileHeader) for item in items)


def _why_not(wrong: Sequence[StreamError]) -> StreamError:
    # what stands at its end may be damaged, too, but is not the reason
    why = next((e for e in wrong if isinstance(e, NotAStream)), wrong[0])
    return next(e for e in wrong if e.at == why.at)  # a compressed file that is damaged comes first


def open_stream(
    what: Openable,
    *,
    like: Openable | None = None,
    channels: Sequence[Openable] = (),
    maps: Sequence[tuple[str, int]] = (),
    spool: bool = False,
    walk: bool = False,
    offset: int = 0,
    index: str | os.PathLike[str] | None = None,
) -> Stream:
    """Open a path, `-` (standard input), a file object or bytes.

    Parameters
    ----------
    like : another stream, whose description is used where this one has none
    channels : recordings of the stream's multifd channels, in any order
    maps : RAM blocks and the guest-physical addresses they are at, where the stream does not say
        or says wrong
    spool : copy a pipe or a compressed file to a temporary file first, so that guest memory is at
        hand too
    walk : read all of the stream before anything is said of it, however large it is
    offset : bytes that stand before the stream; offsets in answers are counted from its beginning
    index : an index of guest memory (`write_index`) to be used wherever it lies. The one beside
        a plain file is used by itself where nobody else can have written it

    Raises
    ------
    SourceError : the source cannot be read
    NotAStream : it is something else, or empty (also a ValueError). A stream that is damaged
        behind its header opens: `damage` says what is wrong. What comes through a pipe, or out of
        a compressed file that is not spooled, is refused when it is first asked for anything
    Truncated, BadFraming : its header is cut off, or is that of another version
    """
    stream = open_anything(
        what,
        like=like,
        channels=channels,
        maps=maps,
        spool=spool,
        walk=walk,
        offset=offset,
        index=index,
    )
    try:
        stream.demand()
    except BaseException:
        stream.close()
        raise
    return stream


def open_anything(
    what: Openable,
    *,
    like: Openable | None = None,
    channels: Sequence[Openable] = (),
    maps: Sequence[tuple[str, int]] = (),
    spool: bool = False,
    walk: bool = False,
    offset: int = 0,
    index: str | os.PathLike[str] | None = None,
) -> Stream:
    """`open_stream` for who says what is wrong with a source: what is not a stream opens, too.

    Raises
    ------
    SourceError : the source cannot be read
    """
    description = None
    if like is not None:
        with open_anything(like) as other:
            description = other.description
        if description is None:
            raise StreamError(f"{other.name} has no description to take")
    return Stream(
        open_source(what, spool=spool, offset=offset, bare=MAGIC),
        description,
        maps,
        [open_source(channel, spool=True) for channel in channels],
        walk=walk,
        memory=spool,
        index=index,
    )


@contextmanager
def as_stream(
    what: Stream | Openable, *, spool: bool = False, anything: bool = False
) -> Iterator[Stream]:
    """A stream as it is, to stay open; anything else opened, and closed afterwards.

    Parameters
    ----------
    spool : as `open_stream` has it
    anything : what is not a stream is opened as well
    """
    if isinstance(what, Stream):
        yield what
        return
    opens = open_anything if anything else open_stream
    with opens(what, spool=spool) as stream:
        yield stream
