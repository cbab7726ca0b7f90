"""Stream: the one object in which the layers meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from migstream.errors import (
    BadDescription,
    BadRam,
    NeedData,
    NoSuchAddress,
    NoSuchPath,
    ParseError,
    SourceError,
    StreamError,
    Truncated,
    Unsupported,
)
from migstream.iterable import SECTIONS
from migstream.source.store import Kept, Openable, Opened, Store, open_source
from migstream.vmstate.description import Description, parse_description
from migstream.vmstate.description import Device as Described
from migstream.vmstate.layout import Layout, compile_device, fit_device
from migstream.vmstate.paths import find, match_names, no_such
from migstream.vmstate.values import Value, root
from migstream.wire.cursor import Cursor
from migstream.wire.model import (
    Command,
    Configuration,
    Item,
    Opaque,
    Section,
    SectionType,
    Span,
    Trailer,
    VMDescription,
)
from migstream.wire.registry import Context
from migstream.wire.tail import Extent, find_description, locate_devices
from migstream.wire.walk import Walker, walk

if TYPE_CHECKING:
    from migstream.machine.physical import PhysicalMemory
    from migstream.machine.registers import Cpu
    from migstream.ram.channels import Channel
    from migstream.ram.codec import RamCodec
    from migstream.ram.history import PageVersion
    from migstream.ram.image import ImageBuilder, Ram
    from migstream.ram.model import RamBlock, RamSetup

__all__ = ["Device", "Devices", "Stream", "open_stream"]

FIRST_WINDOW = 1 << 20
LAST_WINDOW = 128 << 20
CHUNK = 1 << 20


class Device:
    """One device section: where it is, what the description says of it, its values."""

    def __init__(self, section: Section, layout: Layout | None, store: Store) -> None:
        self.section = section
        self.layout = layout
        self.value = root(layout or _opaque(section), section.payload, section.path, store.view)

    def __repr__(self) -> str:
        return f"<Device {self.path} {self.section.span}>"

    @property
    def name(self) -> str:
        return self.section.name

    @property
    def instance_id(self) -> int:
        return self.section.instance_id

    @property
    def path(self) -> str:
        return self.section.path

    @property
    def described(self) -> bool:
        """Whether the payload has a layout; if not, it is one opaque `data` buffer."""
        return self.layout is not None

    def __getitem__(self, path: str) -> Value:
        return self.value[path]

    def __iter__(self) -> Iterator[Value]:
        return self.value.children


def _opaque(section: Section) -> Layout:
    """A payload that nothing describes, as one buffer (as savevm.c: vmstate_save_old_style has it)."""
    from migstream.vmstate.layout import Node

    size = section.payload.size
    data = Node(name="data", type="buffer", kind="leaf", offset=0, size=size, stride=size)
    return Layout(section.name, section.version_id or 0, size, (data,), exact=False)


class Devices(Sequence[Device]):
    """The device sections in their order on the wire; by index, by name, by (name, instance id)."""

    def __init__(self, devices: Sequence[Device]) -> None:
        self._devices = tuple(devices)

    def __len__(self) -> int:
        return len(self._devices)

    def __getitem__(self, key: Any) -> Any:  # Device, or a tuple of them for a slice
        if isinstance(key, int | slice):
            return self._devices[key]
        name, instance = (key, None) if isinstance(key, str) else key
        hits = [d for d in self if d.name == name and instance in {None, d.instance_id}]
        if len(hits) == 1:
            return hits[0]
        if hits:
            error = no_such(name, [d.path for d in hits])
            error.message = f"{len(hits)} devices are called {name!r}"
            raise error
        raise no_such(name if instance is None else f"{name}[{instance}]", [d.path for d in self])

    def __iter__(self) -> Iterator[Device]:
        return iter(self._devices)


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
    ) -> None:
        self._opened = opened
        self._like = like
        self._maps = maps
        self._channels = channels
        self._channel_damage: list[StreamError] = []
        self.name = opened.name
        self._damage: list[StreamError] = []
        self._tail_damage: list[StreamError] = []
        if opened.cut is not None:
            end = opened.store.size if opened.store is not None else None
            self._tail_damage.append(Truncated(opened.cut.message, at=end, hint=opened.cut.hint))
        self._walker: Walker | None = None
        self._kept = Kept()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if "_image" in vars(self):
            self._image.close()
        for opened in (self._opened, *self._channels):
            opened.close()

    # --- the bytes -----------------------------------------------------------------------------

    @cached_property
    def store(self) -> Store:
        """The bytes: all of a file, of a pipe what was kept when it went by."""
        if self._opened.store is not None:
            return self._opened.store
        if not self._kept.size:
            _ = self._piped
        return self._kept

    @property
    def size(self) -> int:
        """Bytes of the source."""
        return self.store.size

    @property
    def seekable(self) -> bool:
        return self._opened.store is not None

    @cached_property
    def _view(self) -> memoryview:
        return self.store.view(0, self.store.size)

    # --- the description -----------------------------------------------------------------------

    @cached_property
    def description_span(self) -> Span | None:
        """Type byte, length and JSON of the description; None where the stream has none."""
        if self.seekable:
            return find_description(self._view)
        _ = self._piped  # sets this attribute on its way
        span: Span | None = vars(self)["description_span"]
        return span

    @cached_property
    def description(self) -> Description | None:
        """The description, or that of `like`, or None."""
        span = self.description_span
        if span is not None:
            text = bytes(self.store.view(span.start + 5, span.stop))
            try:
                return parse_description(text, span.start + 5)
            except BadDescription as error:
                self._tail_damage.append(error)
        return self._like

    @cached_property
    def _layouts(self) -> list[tuple[Described, Layout]]:
        """Devices as this stream's own description has them, in their order on the wire."""
        if self.description is None or self.description is self._like:
            return []
        return [(device, compile_device(device)) for device in self.description.devices]

    @property
    def _extents(self) -> list[Extent]:
        return [Extent(*d.key, layout.size, layout.exact) for d, layout in self._layouts]

    # --- tail first ------------------------------------------------------------------------------

    @cached_property
    def _late(self) -> list[Section]:
        """Device sections before the end marker, verified; none where they cannot be located."""
        span = self.description_span
        if not self.seekable or span is None or not self._layouts:
            return []
        return locate_devices(self._view, span.start, self._extents)

    @cached_property
    def head(self) -> tuple[Item, ...]:
        """What precedes the first PART, END or located device: header, configuration, setup."""
        if not self.seekable:
            return tuple(self._piped)
        stop = self._late[0].span.start if self._late else self.size
        walker = self._new_walker()
        items: list[Item] = []
        try:
            for item in walk(Cursor(self._view), walker):
                if item.span.start >= stop or walker.damage:
                    break
                if isinstance(item, Section) and item.type in {SectionType.PART, SectionType.END}:
                    break
                items.append(item)
                if item.span.stop >= stop or self._live_follows(item.span.stop):
                    break
        finally:
            self._tail_damage += [e for e in walker.damage if not items]
        return tuple(items)

    def _live_follows(self, at: int) -> bool:
        return bytes(self._view[at : at + 1]) in {b"\x02", b"\x03"}

    @cached_property
    def _located(self) -> list[Section] | None:
        """All device sections without reading RAM; None where that does not verify."""
        if not self.seekable or not self._layouts:
            return None
        missing = self._extents[: len(self._layouts) - len(self._late)]
        early = [s for s in self.head if isinstance(s, Section) and s.how == "description"]
        if [s.key for s in early] != [(e.name, e.instance_id) for e in missing]:
            return None
        return early + self._late

    # --- the walk ----------------------------------------------------------------------------------

    def _new_walker(self) -> Walker:
        page_size = self.description.page_size if self._layouts and self.description else 0
        valid = 256 <= page_size <= 1 << 20 and not page_size & (page_size - 1)
        return Walker(
            SECTIONS,
            sizes=self._sizes,
            context=Context(page_size=page_size if valid else None, limit=self._size_hint),
            known=[s.span.start for s in self._late],
        )

    @property
    def _sizes(self) -> dict[tuple[str, int], list[int | None]]:
        sizes: dict[tuple[str, int], list[int | None]] = {}
        for extent in self._extents:
            key = extent.name, extent.instance_id
            sizes.setdefault(key, []).append(extent.size if extent.exact else None)
        return sizes

    @property
    def _size_hint(self) -> int | None:
        return self._opened.store.size if self._opened.store is not None else None

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """Every item of the stream, walked from the start; their spans cover every byte once."""
        if not self.seekable:
            return tuple(self._piped)
        self._walker = walker = self._new_walker()
        walker.context.pages = self._image
        items = tuple(walk(Cursor(self._view), walker))
        self._damage = walker.damage
        return items

    @cached_property
    def _image(self) -> ImageBuilder:
        """The memory image, filled by the walk."""
        from migstream.ram.image import ImageBuilder

        return ImageBuilder([self.store], hold=bool(self._channels))

    @cached_property
    def _piped(self) -> list[Item]:
        """Read a pipe once. Page data go by; everything else is kept."""
        assert self._opened.pipe is not None
        self._walker = walker = Walker(SECTIONS, context=Context())
        items = list(_pump(self._opened.pipe, walker, self._kept))
        self._damage = walker.damage
        self.description_span = next((i.span for i in items if isinstance(i, VMDescription)), None)
        return self._described(items, walker)

    def _described(self, items: list[Item], walker: Walker) -> list[Item]:
        """Read the device sections of a pipe again: their description came last."""
        live = [
            n
            for n, i in enumerate(items)
            if not isinstance(i, Section) or i.type != SectionType.FULL
        ]
        first = max((n + 1 for n in live if isinstance(items[n], Section | Command)), default=0)
        if not self._layouts or walker.damage or first >= len(items):
            return items
        start = items[first].span.start
        again = walker.again(self._sizes)
        tail = [i for i in items[first:] if not isinstance(i, Trailer)]
        cur = Cursor(self._kept.join(start)[: tail[-1].span.stop - start], start)
        found = list(walk(cur, again))
        self._damage = again.damage
        return [*items[:first], *found, *(i for i in items[first:] if isinstance(i, Trailer))]

    @property
    def sections(self) -> tuple[Section, ...]:
        """START, PART, END and FULL sections in their order, those of a package included."""
        return tuple(i for i in flat(self.items) if isinstance(i, Section))

    @property
    def damage(self) -> list[StreamError]:
        """What is wrong with the stream: its framing, its description, the two held together."""
        _ = self.items, self.description
        from migstream.vmstate.verify import contradictions

        found = [*self._damage, *self._unseen_description(), *self._tail_damage]
        if self._layouts:
            keys = {d.key for d, _ in self._layouts}
            for device in self._walked:
                section = device.section
                listed = section.key in keys
                layout = device.layout or (_opaque(section) if listed else None)
                found += contradictions(section, layout, self.store.view)
        if self._channels:
            _ = self.ram
        once = list({error.at: error for error in reversed(found)}.values())[::-1]
        return [*once, *self._channel_damage]

    def _unseen_description(self) -> Iterator[StreamError]:
        """What is wrong with a description that the walk found and the search from the end did not."""
        item = next((i for i in self.items if isinstance(i, VMDescription)), None)
        if item is not None and self.description_span is None:
            try:
                parse_description(bytes(self.store.view(*item.text)), item.text.start)
            except BadDescription as error:
                yield error

    @property
    def noticed(self) -> list[StreamError]:
        """What is known to be wrong without reading any more: the walk's damage once it was walked."""
        return self.damage if self._walker is not None else list(self._tail_damage)

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
        """Device sections with their values: from the tail where that verifies, else walked."""
        located = self._located
        return self._walked if located is None else self._with_layouts(located)

    @cached_property
    def _walked(self) -> Devices:
        return self._with_layouts([s for s in self.sections if s.type == SectionType.FULL])

    def _with_layouts(self, sections: Sequence[Section]) -> Devices:
        """Each section with its entry of the description, those of one key in turn."""
        described: dict[tuple[str, int], list[tuple[Described, Layout | None]]] = {}
        for device, layout in self._layouts:
            described.setdefault(device.key, []).append((device, layout))
        if not self._layouts and self.description is not None:
            for device in self.description.devices:
                described.setdefault(device.key, []).append((device, None))
        devices = []
        for section in sections:
            turn = described.get(section.key)
            devices.append(self._device(section, *turn.pop(0)) if turn else self._device(section))
        return Devices(devices)

    def _device(
        self, section: Section, described: Described | None = None, layout: Layout | None = None
    ) -> Device:
        """A device with its layout; fitted to the bytes where sizes alone do not tell."""
        if layout is not None and layout.size != section.payload.size:
            layout = None
        if layout is None and described is not None and section.how != "damage":
            layout = fit_device(described, self.store.view(*section.payload))
        return Device(section, layout, self.store)

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
    def ram(self) -> Ram | None:
        """Guest memory by block, and what the stream spent on it; None where it has no RAM.

        `stream.ram["pc.ram"][0x7c00:0x7e00]` are bytes of the final memory. A pipe keeps no guest
        memory: open it with `spool=True` to have it.
        """
        if self._indexed is not None:
            return self._indexed
        codec = self._ram_codec
        if codec is None:
            return None
        from migstream.ram.image import NOTHING_SENT, PIPED, SHARED

        if self._channels:
            self._missing_channels()
            self._image.join(codec.blocks, self.channels, self._channel_damage.append)
        absent = SHARED if "x-ignore-shared" in self.capabilities else NOTHING_SENT
        return self._image.ram(codec.blocks, codec.summary(), absent if self.seekable else PIPED)

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
        _ = self.items
        assert self._walker is not None
        ids = [i for i, s in self._walker.starts.items() if s.name == "ram"]
        codec: Any = self._walker.codecs.get(ids[0]) if ids else None
        found: RamCodec | None = codec
        return found

    @cached_property
    def _indexed(self) -> Ram | None:
        """Guest memory by the index beside the file, where one is there and fits."""
        if self._opened.path is None or self._channels or self._walker is not None:
            return None
        from migstream.ram.sidecar import load

        return load(self._opened.path, self.store)

    def write_index(self, fd: int) -> int:
        """Write the index that makes the next opening of guest memory instant; its size in bytes.

        Parameters
        ----------
        fd : a new file, which is to be named like the stream with `ram.sidecar.SUFFIX` behind

        Raises
        ------
        Unsupported : no plain file of one channel, no guest memory, or it is damaged
        """
        from migstream.ram.image import NOTHING_SENT
        from migstream.ram.sidecar import write

        codec = None if self._opened.path is None or self._channels else self._ram_codec
        if codec is None or self._opened.path is None:
            raise Unsupported("only a plain file with guest memory, without channels, has an index")
        if self.damage:
            raise Unsupported(
                "a damaged stream gets no index", hint="`migstream ls` says what is wrong"
            )
        ram = self._image.ram(codec.blocks, codec.summary(), NOTHING_SENT)
        return write(fd, self._opened.path, self._image, ram, codec.blocks)

    def history(self, block: str, offset: int) -> tuple[PageVersion, ...]:
        """Every version of the page at `offset` of a RAM block that the stream holds, oldest first.

        Raises
        ------
        NoSuchAddress : no such block, or outside of it
        ParseError : the records of this page are damaged
        """
        from migstream.ram.history import HistoryBuilder

        assert self.ram is not None
        one = self.ram[block]
        if not 0 <= offset < one.size:
            raise NoSuchAddress(
                f"offset {offset:#x} of RAM block {block}, {one.size:#x} bytes long"
            )
        number = [b.name for b in self.blocks].index(block)
        builder = HistoryBuilder(
            [self.store], number, offset // one.page, hold=bool(self._channels)
        )
        walker = self._new_walker()
        walker.context.pages = builder
        for _ in walk(Cursor(self._view), walker):
            pass
        if self._channels:
            builder.join(self.blocks, self.channels, lambda _: None)
        try:
            return builder.versions()
        finally:
            builder.close()

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """Recorded multifd channels that were named with the stream, each to be read by itself."""
        if not self._channels:
            return ()
        from migstream.ram.channels import Channel

        _ = self.items
        page = None if self._walker is None else self._walker.context.page_size
        lengths = {block.name: block.used_length for block in self.blocks}
        return tuple(
            Channel(opened.store, page, lengths)
            for opened in self._channels
            if opened.store is not None
        )

    @cached_property
    def memory(self) -> PhysicalMemory:
        """Guest-physical memory: `stream.memory[0xfffffff0:0x100000000]`; `.ranges` has the map."""
        from migstream.machine.maps import physical_map
        from migstream.machine.physical import PhysicalMemory

        return PhysicalMemory(physical_map(self, self._maps, contents=self), self)

    @cached_property
    def registers(self) -> tuple[Cpu, ...]:
        """Registers of every virtual CPU; raises Unsupported where no CPU section is described."""
        from migstream.machine.registers import registers

        return registers(self)

    def read(self, block: str, start: int, stop: int) -> bytes:
        """Bytes [start, stop) of a RAM block (`machine.physical.BlockReader`)."""
        if self.ram is None:
            raise NoSuchAddress(f"no RAM block {block!r}: the stream has no guest memory")
        return self.ram[block].read(start, stop)

    # --- paths -------------------------------------------------------------------------------------------

    def find(self, path: str) -> Iterator[Value]:
        """Every value that a path names (docs/paths.md); raises NoSuchPath where there is none."""
        if path.startswith("@"):
            try:
                offset = int(path[1:], 0)
            except ValueError:
                raise NoSuchPath(
                    f"{path!r} is no place", hint="a place is @OFFSET, such as @0x1f0"
                ) from None
            yield self.owner(offset)
            return
        found = False
        for device, rest in self.find_devices(path):
            for value in find(device.value, rest):
                found = True
                yield value
        if not found:
            raise self._no_such(path)

    def find_devices(self, path: str) -> Iterator[tuple[Device, str]]:
        """Devices that a path begins with, and what is left of the path."""
        names: dict[str, list[Device]] = {}
        for device in self.devices:
            names.setdefault(device.name, []).append(device)
        for devices, rest in match_names(names.items(), path):
            for device in devices:
                mine = f"[{device.instance_id}]"
                if rest.startswith((mine, "[*]")):
                    yield device, rest[rest.index("]") + 1 :]
                elif not rest.startswith("["):
                    yield device, rest

    def _no_such(self, path: str) -> Exception:
        for device, _rest in self.find_devices(path):
            return no_such(path, (f"{device.path}/{c.name}" for c in device))
        return no_such(path, [d.path for d in self.devices])

    def owner(self, offset: int) -> Value:
        """The innermost device value that owns the byte at an absolute offset."""
        for device in self.devices:
            if offset in device.section.payload:
                return device.value.owner(offset)
        raise no_such(f"@{offset:#x}", ())


def flat(items: Sequence[Item]) -> Iterator[Item]:
    """Items, and after each package what it holds."""
    for item in items:
        yield item
        if isinstance(item, Command):
            yield from flat(item.items)


def _pump(pipe: Any, walker: Walker, kept: Kept) -> Iterator[Item]:
    """Drive a walker over a pipe: a window that grows until the next item fits, then moves on.

    Damage ends it: what follows is read, so that the writer meets no closed pipe, and not kept.
    """
    window = bytearray()
    base, last, want, eof = 0, 0, FIRST_WINDOW, False
    error: StreamError
    while True:
        while not eof and len(window) < want:
            try:
                piece = pipe.read(want - len(window))
            except SourceError as cut:
                piece = b""
                walker.note(Truncated(cut.message, at=base + len(window), hint=cut.hint))
            if not piece:
                eof = True
            window += piece
        cur = Cursor(bytes(window), base, eof=eof)
        try:
            for item in _steps(cur, walker):
                last = item.span.stop
                _keep(item, cur, kept)
                yield item
        except NeedData:
            cur.rollback()
        except ParseError as damage:
            error = damage
            break
        else:
            return
        done = cur.mark - base
        if done > len(window):
            missing = done - len(window)
            gone = _discard(pipe, missing)
            base += len(window) + gone
            window, want = bytearray(), FIRST_WINDOW
            if gone < missing:
                error = Truncated(
                    f"wanted {missing} bytes, {gone} left", at=base, expected=missing, found=gone
                )
                cur = Cursor(b"", base)
                break
            continue
        if done and walker.kept_from is not None:
            start = max(walker.kept_from - base, 0)
            kept.add(base + start, bytes(window[start:done]))
        if not done and len(window) >= LAST_WINDOW:
            error = Unsupported(
                f"an item of more than {LAST_WINDOW >> 20} MiB that is not guest memory, in a pipe",
                at=base,
                hint="save the stream to a file first, then open the file",
            )
            break
        want = FIRST_WINDOW if done else max(want, len(window)) * 2
        base += done
        del window[:done]
    for item in walker.give_up(Cursor(cur.view, cur.base), error, last):
        last = item.span.stop
        _keep(item, cur, kept)
        yield item
    stop = cur.base + len(cur.view) + _discard(pipe, None)
    if stop > last:
        kept.size = stop
        yield Opaque(span=Span(last, stop), reason="not read: damage before it")


def _steps(cur: Cursor, walker: Walker) -> Iterator[Item]:
    while not walker.done:
        item = walker.step(cur)
        if item is not None:
            yield item


def _keep(item: Item, cur: Cursor, kept: Kept) -> None:
    """Keep an item's bytes, as far as they are still in the window, if they will be asked for."""
    start = max(item.span.start, cur.base)
    if _worth_keeping(item) and item.span.stop > start:
        kept.add(start, bytes(cur.view[start - cur.base : item.span.stop - cur.base]))
    kept.size = max(kept.size, item.span.stop)


def _worth_keeping(item: Item) -> bool:
    """Whether the bytes of an item of a pipe will be asked for: all but live state and trailers."""
    if isinstance(item, Section):
        return item.content is None or item.type == SectionType.FULL
    return not isinstance(item, Trailer | Opaque)


def _discard(pipe: Any, size: int | None) -> int:
    """Read and forget `size` bytes, or all there are; how many there were."""
    gone = 0
    while size is None or gone < size:
        try:
            piece = pipe.read(CHUNK if size is None else min(CHUNK, size - gone))
        except SourceError:
            break  # a compressed file that is damaged here too: the first damage has been said
        if not piece:
            break
        gone += len(piece)
    return gone


def open_stream(
    what: Openable,
    *,
    like: Openable | None = None,
    channels: Sequence[Openable] = (),
    maps: Sequence[tuple[str, int]] = (),
    spool: bool = False,
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

    Raises
    ------
    SourceError : the source cannot be read
    """
    description = None
    if like is not None:
        with open_stream(like) as other:
            description = other.description
        if description is None:
            raise StreamError(f"{other.name} has no description to take")
    return Stream(
        open_source(what, spool=spool),
        description,
        maps,
        [open_source(channel, spool=True) for channel in channels],
    )
