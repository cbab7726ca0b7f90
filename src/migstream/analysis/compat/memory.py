"""How guest memory was sent, and whether the destination reads it so.

References
----------
QEMU, migration/ram.c: ram_load_precopy, parse_ramblock, parse_ramblock_mapped_ram;
migration/multifd.c: multifd_recv_unfill_packet; migration/migration.c: migration_channels_and_transport_compatible
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from migstream.analysis.compat.capabilities import CAPABILITIES
from migstream.analysis.compat.model import Note, Problem, Verdict, Word
from migstream.errors import StreamError
from migstream.qemu.release import machine_version
from migstream.ram.model import Landmark, Tally, records_of
from migstream.ram.multifd import DeviceState, Packet
from migstream.ram.records import COMPRESS_PAGE, MULTIFD_FLUSH
from migstream.stream import open_stream
from migstream.wire.model import Item, Section, SectionType, Span, flat

if TYPE_CHECKING:
    from migstream.analysis.compat.framing import Sides
    from migstream.qemu.release import Version
    from migstream.ram.channels import Channel
    from migstream.stream import Stream

__all__ = ["Memory", "channel_parameters", "walked"]

HEAD, HEAD_AFAR = (
    64 << 20,
    1 << 18,
)  # bytes of a larger one that are; over a network, what is there already
ZEROS_IN_PACKETS: Version = (9, 0)
MAPPED_SINCE: Version = CAPABILITIES["mapped-ram"].since
FLUSH_SINCE: Version = (8, 1)
ZEROS_ONLY_SINCE: Version = (8, 2)  # before that, a page may be filled with any byte
FLAGS_SAID: Version = (9, 0)  # since when QEMU says which flags it did not expect
MAPPED_SHARED_SINCE: Version = (11, 0)
CHANNELS_CHECKED: Version = (8, 2)  # since when QEMU says at once that a file has one channel only
CHANNELS_SAID: Version = (6, 0)
LINEAR = "`migstream convert --ram linear` writes the same memory as every QEMU reads it"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """RAM sections of a stream, or of its beginning.

    `section_id` is that of all of them, `marks` are landmarks, each with whether it is in START.
    """

    section_id: int
    start: Span
    total: Tally
    flushes: int
    marks: tuple[tuple[Landmark, bool], ...]
    whole: bool


class Sent(NamedTuple):
    """What the packets of multifd's channels have: the method of compression, zero pages, pieces of devices' state."""

    method: str
    zero: int
    states: int


class Memory:
    """Guest memory of a stream that is to be loaded."""

    def __init__(self, frame: Sides) -> None:
        self.frame = frame
        self.stream = frame.stream
        self.destination = frame.destination
        self.words = frame.words

    @cached_property
    def seen(self) -> Seen | None:
        """What was seen of its RAM sections; None where there are none."""
        return _look(self.stream)

    @cached_property
    def theirs(self) -> Seen | None:
        """The same of the destination's own stream: what it writes there, it reads."""
        return None if self.frame.other is None else _look(self.frame.other)

    def _compress(self) -> bool:
        """Whether the destination takes pages that are compressed one by one."""
        if self.destination.on("compress"):
            return True
        return self.theirs is not None and bool(self.theirs.total.compressed)

    def _multifd(self) -> bool:
        """Whether the destination reads multifd's channels."""
        if self.destination.on("multifd"):
            return True
        return self.theirs is not None and (
            bool(self.theirs.flushes) or _no_contents(self.frame.other, self.theirs)
        )

    @property
    def mapped(self) -> bool:
        return "mapped-ram" in self.stream.capabilities

    # --- problems ----------------------------------------------------------------------------------

    def problems(self) -> Iterator[Problem]:
        """Where the destination would end, of what is not a matter of blocks."""
        if self.seen is None:
            return
        for mark, start in self.seen.marks:
            said = self._lines(mark)
            if said is not None:
                lines, message, hint = said
                part = None if start else self.seen.section_id
                yield self._problem(
                    Span(mark.at, mark.at + 8), message, self.words.ram(*lines, part=part), hint
                )
        yield from self._shared_in_places()
        yield from self._one_channel()
        yield from self._other_syncs()

    def _problem(self, span: Span, message: str, said: tuple[str, ...], hint: str) -> Problem:
        return Problem(
            kind="ram",
            device="ram[0]",
            path="ram",
            span=span,
            message=message,
            said=said,
            hint=hint,
        )

    def _lines(self, mark: Landmark) -> tuple[list[str], str, str] | None:
        """QEMU's own lines for a record that it does not read, what it is, what helps."""
        release = self.destination.release
        unknown = self.words.say("ram-flags", flags=mark.flags)
        if mark.flags & COMPRESS_PAGE:
            if self.destination.offers("compress") is False:
                message = "pages are compressed one by one, which the destination no longer reads"
                return [unknown], message, LINEAR
            if self._compress():
                return None
            message = (
                "pages are compressed one by one, and the capability compress is off on the"
                " destination"
            )
            lines = [self.words.say("compressed-page")]
            if release.since(FLAGS_SAID):
                lines.insert(0, self.words.say("mapped-flags", flags=COMPRESS_PAGE))
            on = "migrate_set_capability compress on (tell compat with --cap compress), in QEMU up to 9.0"
            return lines, message, f"{on}; {LINEAR}"
        if mark.flags & MULTIFD_FLUSH:
            if not release.until(FLUSH_SINCE):
                return None
            message = (
                "the stream has multifd's own sync points, which the destination does not know"
            )
            return [unknown], message, f"a machine type of 8.0 or older at the source; {LINEAR}"
        if release.since(ZEROS_ONLY_SINCE):
            message = f"a page is filled with the byte {mark.fill:#x}, which the destination no longer reads"
            hint = f"only a very old QEMU sends such a page: is it damaged (`migstream check`)? If not, {LINEAR}"
            return [self.words.say("zero-page", value=mark.fill)], message, hint
        return None

    def _shared_in_places(self) -> Iterator[Problem]:
        """Blocks with an address before a mapped-ram header, which older readers do not expect.

        They take the address for the beginning of the header, and so a bitmap's place for that of
        the pages.
        """
        recorded = self.stream.capabilities
        if not {"mapped-ram", "x-ignore-shared"} <= set(recorded) or not all(
            self.destination.on(name) for name in ("mapped-ram", "x-ignore-shared")
        ):
            return
        block = next((b for b in self.stream.blocks if b.mapped is not None), None)
        release = self.destination.release
        # one that does not have mapped-ram at all refuses the capability
        if not release.until(MAPPED_SHARED_SINCE) or release.until(MAPPED_SINCE) or block is None:
            return
        assert block.mapped is not None
        taken = block.mapped.bitmap_offset
        line = (
            self.words.say("mapped-alignment", block=block.name)
            if taken % block.mapped.page_size
            else self.words.say("mapped-range", block=block.name)
        )
        yield Problem(
            kind="ram",
            device="ram[0]",
            path=f"ram/{block.name}",
            span=block.span,
            message="mapped-ram together with x-ignore-shared, which the destination reads wrong",
            said=self.words.ram(line),
            hint="QEMU reads its own files of that kind since 11.0; leave out one of the two",
        )

    def _one_channel(self) -> Iterator[Problem]:
        """A destination with multifd takes nothing from a file alone, but for mapped-ram."""
        if not self.destination.on("multifd") or self.destination.on("mapped-ram"):
            return
        if self.stream.channels:
            return
        release = self.destination.release
        said: tuple[str, ...] = ()
        if release.since(CHANNELS_CHECKED):
            said = (self.words.say("load-setting/channels"),)
        elif release.since(CHANNELS_SAID):
            said = (self.words.say("one-channel"),)
        yield self._problem(
            Span(0, 0),
            "the capability multifd is on at the destination, and a file alone has no channels:"
            " it refuses, or waits for them",
            said,
            f"give their recordings with --channel, or switch multifd off there; {LINEAR}",
        )

    def _other_syncs(self) -> Iterator[Problem]:
        """Sync points once a round, for a destination that waits for one after each section.

        The other way round loads: what the destination does not wait for, it does not miss.

        References
        ----------
        QEMU, hw/core/machine.c: hw_compat_8_0 (multifd-flush-after-each-section)
        """
        seen = self.seen
        _, version = machine_version(self.stream.machine or "")
        if seen is None or not seen.flushes or not self.stream.channels or version is None:
            return
        each = version < FLUSH_SINCE
        told = self.theirs is not None and bool(self.theirs.flushes)
        if self.destination.on("multifd") and each and not told:
            mark = next(mark for mark, _ in seen.marks if mark.flags & MULTIFD_FLUSH)
            yield self._problem(
                Span(mark.at, mark.at + 8),
                f"multifd's channels are in step once a round, and {self.stream.machine} waits for that"
                " after each section: the destination waits forever",
                (),
                "-global migration.multifd-flush-after-each-section=off there, as it was at the source",
            )

    # --- what is lost ------------------------------------------------------------------------------

    def verdict(self) -> Verdict | None:
        """What becomes of the contents where QEMU takes the stream; None where there is nothing to say."""
        seen = self.seen
        if seen is None:
            return None
        lost, notes = tuple(self._lost(seen)), tuple(self._notes(seen))
        if not lost and not notes:
            return None
        word: Word = "loses" if lost else "loads"
        return Verdict(device="ram[0]", span=seen.start, word=word, lost=lost, notes=notes)

    @cached_property
    def sent(self) -> Sent:
        """What the packets of its recorded channels have."""
        return _sent(self.stream.channels)

    def _notes(self, seen: Seen) -> Iterator[Note]:
        if self.stream.channels and self._multifd():
            wanted = ", ".join(
                f"{name} {value}"
                for name, value in channel_parameters(self.stream.channels).items()
            )
            yield Note(path="ram", message=f"the destination must have {wanted}: else it waits")
        if not seen.whole:
            kib = _head(self.stream) >> 10
            size = f"{kib >> 10} MiB" if kib >> 10 else f"{kib} KiB"
            read = f"the form of its pages is that of the stream's first {size}"
            yield Note(path="ram", message=read)

    def _lost(self, seen: Seen) -> Iterator[Note]:
        if self.mapped:
            return
        release = self.destination.release
        if self._multifd():
            if release.until(ZEROS_IN_PACKETS) and self.sent.zero:
                yield Note(
                    path="ram",
                    message=(
                        f"{self.sent.zero} zero pages are in packets of multifd, which the destination does"
                        " not read: what was in them before stays (zero-page-detection=legacy at the source)"
                    ),
                )
        elif self.stream.channels or seen.flushes or _no_contents(self.stream, seen):
            yield Note(
                path="ram",
                message=(
                    "pages went through multifd channels, and the capability multifd is off on the"
                    " destination: QEMU takes the stream and leaves that memory as it is after a reset"
                ),
            )


def _sent(channels: Sequence[Channel]) -> Sent:
    """What packets have, as far as they can be read."""
    methods = set()
    zero = states = 0
    for channel in channels:
        with suppress(StreamError):
            for item in channel.items():
                if isinstance(item, Packet):
                    zero += item.zero
                    methods.add(item.compression)
                elif isinstance(item, DeviceState):
                    states += 1
    return Sent(min(methods - {"none"}, default="none"), zero, states)


def channel_parameters(channels: Sequence[Channel]) -> dict[str, object]:
    """Migration parameters that a destination must have to read these channels."""
    if not channels:
        return {}
    return {"multifd-channels": len(channels), "multifd-compression": _sent(channels).method}


def walked(stream: Stream) -> tuple[Item, ...] | None:
    """The items of a stream; None where to walk it costs more than all the rest."""
    return stream.items if stream.walked else None


def _head(stream: Stream) -> int:
    return HEAD_AFAR if stream.far else HEAD


def _look(stream: Stream) -> Seen | None:
    """RAM sections of a stream, of a large one those of its beginning."""
    items = walked(stream)
    if items is not None:
        return _seen(items, whole=True)
    with open_stream(bytes(stream.store.view(0, _head(stream)))) as head:
        return _seen(head.items, whole=False)


def _no_contents(stream: Stream | None, seen: Seen) -> bool:
    """Whether no page with contents is in a stream that was to have all of them: even an empty guest has firmware."""
    total = seen.total
    contents = total.pages - total.zero + total.nonzero
    return (
        stream is not None
        and seen.whole
        and not contents
        and bool(stream.blocks)
        and not stream.capabilities
    )


def _seen(items: tuple[Item, ...], *, whole: bool) -> Seen | None:
    sections = [i for i in flat(items) if isinstance(i, Section) and i.name == "ram"]
    if not sections:
        return None
    marks: dict[int, tuple[Landmark, bool]] = {}
    counts = [0] * len(Tally.__struct_fields__)
    flushes = 0
    for section in sections:
        records = records_of(section)
        if records is None:
            continue
        flushes += records.flush
        for block in records.blocks:
            for number, count in enumerate(msgspec.structs.astuple(block.tally)):
                counts[number] += count
        for mark in records.landmarks:
            kind = mark.flags & (COMPRESS_PAGE | MULTIFD_FLUSH)
            marks.setdefault(kind, (mark, section.type is SectionType.START))
    return Seen(
        section_id=sections[0].section_id,
        start=sections[0].span,
        total=Tally(*counts),
        flushes=flushes,
        marks=tuple(sorted(marks.values(), key=lambda one: one[0].at)),
        whole=whole,
    )
