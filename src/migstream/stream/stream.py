"""Stream: the one object in which the layers meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from migstream.errors import BadRam, NoSuchAddress, NoSuchPath, StreamError, Unsupported
from migstream.iterable import SECTIONS
from migstream.names import brief, many, prose
from migstream.source.forward import Forward
from migstream.stream.bare import Bare
from migstream.stream.devices import Device, Devices, contradicted, laid_out
from migstream.stream.finding import find_devices, find_values, register_hint
from migstream.vmstate.description import Device as DescribedDevice
from migstream.vmstate.layout import Layout
from migstream.vmstate.paths import no_such
from migstream.vmstate.values import Value
from migstream.wire.model import (
    Configuration,
    Item,
    Section,
    SectionType,
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
    from migstream.ram.heat import Heat, HotRange
    from migstream.ram.history import Versions
    from migstream.ram.image import Ram
    from migstream.ram.model import RamBlock, RamSetup
    from migstream.ram.resends import Resends
    from migstream.source.store import Store

__all__ = ["Stream"]


class Stream(Bare):
    """An open migration stream.

    Device state comes from the tail of a file, guest memory is not touched for it. Attributes
    read on demand: `machine`, `configuration`, `capabilities`, `description`, `devices` are
    instant on a file of any size; `items`, `sections`, `ram`, `damage` walk the stream once.
    """

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

    @property
    def damage(self) -> list[StreamError]:
        """What is wrong with the stream: its framing, its description, the two held together."""
        read = self._walk.damage  # which may notice more
        found = [*self._noticed, *read, *self._contradicted]
        if self._channels:
            _ = self.ram
        once = list({error.at: error for error in reversed(found)}.values())[::-1]
        return [*once, *self._channel_damage]

    @cached_property
    def _contradicted(self) -> list[StreamError]:
        """Where the devices of the whole stream and the description do not go together."""
        return [*contradicted(self._walked, self._layouts, self.store)]

    @property
    def damage_behind(self) -> list[StreamError]:
        """`damage` from `read_from` on, of a stream that was read from its end."""
        assert self._tail is not None
        found = [*self._noticed, *self._tail.errors, *self._tail.damage]
        return [*found, *contradicted(self.devices, self._layouts, self.store)]

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
        return laid_out(sections, entries, self.store, self.machine, meaning=self.meaning)

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
        from migstream.machine.map.virtio_mem import unplugged

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
        from migstream.ram.codec import RamCodec

        codecs = self._walk.walker.codecs.values()
        return next((codec for codec in codecs if isinstance(codec, RamCodec)), None)

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
        self._collect(builder)
        if self._channels:
            builder.join(self.blocks, self.channels, lambda _: None)
            self._closing.append(builder)
        return builder.versions()

    def heat(self) -> Heat:
        """How often memory was sent, by place and by dirty round: one more walk through the stream.

        Raises
        ------
        Unsupported : a pipe that was not kept
        """
        from migstream.ram.heat import HeatBuilder

        ram = self.ram
        builder = HeatBuilder(
            self._again(), [*ram.values()], 0 if self._channels else 1, hold=bool(self._channels)
        )
        self._counted(builder)
        return builder.heat()

    def sent_in(self, ranges: Sequence[HotRange]) -> list[list[int]]:
        """For each of some ranges of `heat` the rounds in which anything of it was sent; a walk, too."""
        from migstream.ram.heat import RangeBuilder

        numbers = {name: number for number, name in enumerate(self.ram)}
        builder = RangeBuilder(self._again(), numbers, ranges, hold=bool(self._channels))
        self._counted(builder)
        return [sorted(rounds) for rounds in builder.rounds]

    def _again(self) -> list[Store]:
        """What a walk through page records reads; raises Unsupported where it has gone by."""
        if not self.seekable:
            raise Unsupported("the page records of this source have gone by")
        return [self.store]

    def _counted(self, builder: ImageBuilder) -> None:
        """Let it see all page records, in the order of rounds and epochs."""
        if not self.ram:
            return
        self._collect(builder)
        if self._channels:
            builder.join(self.blocks, self.channels, lambda _: None)
            builder.close()

    def _collect(self, builder: ImageBuilder) -> None:
        """Go through the page records once more; there is guest memory."""
        page = self.ram.page_size or next(iter(self.ram.values())).page
        context = Context(page_size=page, limit=self.size, base=self.base, pages=builder)
        known = [s.span.start for s in self.sections if s.type == SectionType.FULL]
        walker = Walker(SECTIONS, context=context, known=known)
        for _ in drive(self.store, walker, view=Forward(self.store).view):
            pass

    def ram_after(self, turn: int) -> Ram:
        """Guest memory as the stream had told it when dirty round `turn`, from 1, was over.

        What was not sent by then is absent. It is as much work as walking the stream.

        Raises
        ------
        NoSuchAddress : there is no such round
        Unsupported : rounds are not told apart here: multifd channels, a pipe that was not kept
        """
        from migstream.ram.history import RoundBuilder

        ram = self._in_rounds
        if not 1 <= turn <= ram.round_count:
            raise NoSuchAddress(f"no dirty round {turn}", hint=f"the stream has {ram.round_count}")
        builder = RoundBuilder([self.store], turn)
        self._collect(builder)
        return builder.ram(self.blocks, ram.summary, self._nothing_sent, self.unplugged)

    def resends(self, cell: int = 1) -> dict[str, Resends]:
        """What each dirty round sent of each RAM block, and where it was sent again.

        It is as much work as walking the stream; blocks of which nothing was sent are not in it.

        Parameters
        ----------
        cell : pages that are looked at together

        Raises
        ------
        Unsupported : rounds are not told apart here: multifd channels, a pipe that was not kept
        """
        from migstream.ram.resends import ResendBuilder

        ram = self._in_rounds
        if not ram:
            return {}
        builder = ResendBuilder([self.store], cell)
        self._collect(builder)
        names = [block.name for block in self.blocks]
        return {names[number]: one for number, one in builder.found.items() if number < len(names)}

    @property
    def _in_rounds(self) -> Ram:
        """Guest memory of a source whose dirty rounds are told apart; raises Unsupported of any other."""
        ram = self.ram
        if self._channels or not self.seekable:
            raise Unsupported("the dirty rounds of this source are not told apart")
        return ram

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
            next(self._named(thing))
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
        try:
            yield from self._named(path)
        except NoSuchPath as error:
            if not path.startswith("@"):
                error.hint = register_hint(self, path, error.hint)
            raise

    def _named(self, path: str) -> Iterator[Value]:
        if not path.startswith("@"):
            yield from find_values(self.devices, path)
            return
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

    def find_devices(self, path: str) -> Iterator[tuple[Device, str]]:
        """Devices that a path begins with, and what is left of the path."""
        return find_devices(self.devices, path)

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
