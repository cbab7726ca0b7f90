"""Streams anywhere in something large: a disk, a dump of memory, a tar file.

What begins as a stream does is looked at in steps, the cheap ones first: eight bytes and the kind of
item behind them (a pattern), machine name and the next item's header (a kilobyte), then the walk,
which ends with the stream. All that leads nowhere may together read four times as many bytes as
there are; what begins behind that is named without having been read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from migstream.errors import MigstreamError, ParseError, SourceError, StreamError, Truncated
from migstream.iterable import SECTIONS
from migstream.names import many
from migstream.source import libvirt, qcow2
from migstream.source.layers import Opened
from migstream.source.needles import Needles
from migstream.source.store import Slice, Sparing, Store, Until
from migstream.stream.locate import Tail
from migstream.stream.reading import Described, described_at, read_stream
from migstream.wire.cursor import Cursor
from migstream.wire.frames import BEGINNING, read_configuration
from migstream.wire.model import Item, Section, SectionType, Span, VMDescription, flat
from migstream.wire.push import Push
from migstream.wire.registry import Context
from migstream.wire.resync import Seen, plausible
from migstream.wire.walk import Walker

__all__ = ["Found", "State", "find"]

# What follows the header: the configuration with a machine's name of up to 1279 bytes, a section, a command.
BEGINS = re.compile(
    re.escape(BEGINNING)
    + rb"(?=\x07\x00\x00[\x00-\x04]|[\x01\x04]\x00|\x08\x00[\x01-\x0b]\x00|\x08\x00[\x02\x03\x06\x0a])"
)
LOOK = 2048  # bytes of a header that are looked at before it is walked
# A description has this key, whichever QEMU wrote it (migration/savevm.c), in its first KiB or so.
PAGE_SIZE = b'"page_size": '
IS_PAGE_SIZE = re.compile(re.escape(PAGE_SIZE))
DESCRIPTION = re.compile(rb'\x00\x06(?=....\{ ?")', re.DOTALL)
MOST_CONFIGURATION = 64 << 10
WORK, FLOOR = 4, 64 << 20  # what may be read in vain: so many times the source, and this
EACH = 4096  # what it costs to be asked for a range, in bytes that are read
AHEAD = 16 << 20  # what a section's end is looked for in, and as much as was read before it
MOST_AT_ONCE = 128 << 20
NEVER = 1 << 63

State = Literal["whole", "damaged", "cut", "unread"]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A stream, or what streams stand in, somewhere in a source.

    `offset` is in bytes of the source, and so is `within`, the place of the stream that it lies in.
    `size` is that of the stream; where it is damaged and its end is not known, how much can be read
    of it. `state` tells whether it is whole, damaged, cut off by the end of the source, or unread,
    because too many things begin as a stream does. It is null for libvirt's and qcow2 images, of
    which `said` is what they say of themselves. `devices` counts device sections. `damage` is what
    is wrong first, with an offset from the stream's own beginning.
    """

    kind: Literal["stream", "libvirt", "qcow2"]
    offset: int
    size: int | None = None
    state: State | None = None
    machine: str | None = None
    devices: int | None = None
    within: int | None = None
    said: str | None = None
    damage: str | None = None

    @property
    def whole(self) -> bool:
        return self.state == "whole"


def find(
    store: Store,
    *,
    start: int = 0,
    everything: bool = False,
    tell: Callable[[int], object] = lambda _: None,
) -> Iterator[Found]:
    """All streams in a source, and libvirt's save images and qcow2 images at its sectors, in ascending order.

    Parameters
    ----------
    start : where in it the search begins
    everything : what lies in a stream that is whole is looked for as well
    tell : is told how many bytes were searched since the last time

    Raises
    ------
    SourceError : the source cannot be read; what was found before that was given. Sectors that a
        `Sparing` store could not read are passed over; a stream that they lie in is damaged.
    """
    work = _Work(WORK * store.size + FLOOR)
    needles = Needles(store, BEGINS, BEGINNING, [libvirt.MAGIC[:4], qcow2.MAGIC], tell)
    around: list[Found] = []  # whole streams that a place lies in, the outermost first
    at = start
    while (place := needles.after(at)) is not None:
        at = place
        around = [one for one in around if at < one.offset + (one.size or 0)]
        left = work.left
        found = _found(store, at, work)
        if found is None:
            at += 1
            continue
        if found.whole:
            found = _as_read(store, found)
        if found.whole and not around:
            work.left = left  # it is not searched, so each byte is read once
        yield msgspec.structs.replace(found, within=around[-1].offset) if around else found
        if found.whole:
            around.append(found)
        at += found.size if found.whole and found.size and not everything else 1


def _as_read(store: Store, found: Found) -> Found:
    """Damaged, where zeros stand for some of its bytes."""
    if not isinstance(store, Sparing):
        return found
    gone = store.lost(found.offset, found.offset + (found.size or 0))
    if not gone:
        return found
    size = sum(stop - start for start, stop in gone)
    damage = f"{many(size, 'byte')} could not be read, the first at {max(gone[0][0] - found.offset, 0):#x}"
    return msgspec.structs.replace(found, state="damaged", damage=damage)


def _found(store: Store, at: int, work: _Work) -> Found | None:
    head = bytes(store.view(at, at + len(libvirt.MAGIC)))
    if head.startswith(BEGINNING):
        known = _header(store, at)
        return None if known is None else _Stream(store, at, work, known).found()
    try:
        if head in {libvirt.MAGIC, libvirt.UNFINISHED}:
            return _libvirt(store, at, work)
        if head.startswith(qcow2.MAGIC):
            return _qcow2(store, at, work)
    except _Spent:
        pass
    return None


# --- how much is read ------------------------------------------------------------------------------


class _Spent(MigstreamError):
    """Too much was read in vain."""


class _TooFar(MigstreamError):
    """A section's end was not found in reach."""


class _Work:
    """Bytes that may still be read in vain."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, size: int) -> None:
        if size > self.left:
            raise _Spent("too much begins as a stream does, and is none")
        self.left -= size


class _Reach:
    """A store from `start` on, of which so much can be read as is worth it.

    `push` is the walk that reads it: how far it may look ahead grows with what it has read.
    """

    def __init__(self, inner: Store, start: int, work: _Work) -> None:
        self._inner = Slice(inner, start)
        self._work = work
        self.size = self._inner.size
        self.push: Push | None = None

    def view(self, start: int, stop: int) -> memoryview:
        stop = min(stop, self.size)
        mark = start if self.push is None else self.push.mark
        if start > 2 * mark + AHEAD or stop - start > MOST_AT_ONCE:
            raise _TooFar(f"{mark:#x}: what begins here is longer than it is worth to read")
        self._work.take(max(stop - start, 0) + EACH)
        return self._inner.view(start, stop)


# --- a stream --------------------------------------------------------------------------------------


def _header(store: Store, at: int) -> Context | None:
    """What the configuration at `at` says, if there can be one, and an item's header behind it; else None."""
    context = Context()
    cur = Cursor(store.view(at, at + LOOK), at)
    try:
        cur.skip(len(BEGINNING))
        if cur.peek(1) == b"\x07":
            context.configuration = read_configuration(cur)
            machine = context.configuration.machine
            if not machine.isascii() or not machine.isprintable():
                return None
        return context if plausible(cur, cur.offset, Seen(context, {}), strict=True) else None
    except Truncated:
        return context  # it is longer, or ends here: the walk tells
    except ParseError:
        return None


class _Stream:
    """What begins as a stream does, read as far as it is one."""

    def __init__(self, store: Store, at: int, work: _Work, known: Context) -> None:
        self._store = store
        self._at = at
        self._work = work
        self._known = known
        self._begin()

    def found(self) -> Found:
        try:
            return self._read(None)
        except _Spent:
            return self._told("unread", None)

    def _told(self, state: State, size: int | None, error: MigstreamError | None = None) -> Found:
        configuration = self._known.configuration
        return Found(
            kind="stream",
            offset=self._at,
            size=size,
            state=state,
            machine=None if configuration is None else configuration.machine,
            devices=None if state == "unread" else self._devices,
            damage=None if error is None else str(error),
        )

    def _context(self, limit: int, page_size: int | None = None) -> Context:
        return Context(limit=limit, base=self._at, page_size=page_size)

    def _read(self, page_size: int | None) -> Found:
        """Walk it once; a second time where its records did not tell their page size and the description does."""
        reach = _Reach(self._store, self._at, self._work)
        walker = Walker(SECTIONS, context=self._context(reach.size, page_size))
        walker.alone, walker.seen.data_end = True, NEVER
        reach.push = push = Push(walker, whole=reach)
        self._begin()
        error: MigstreamError | None = None
        try:
            for item in push.items():
                self._count(item)
        except (StreamError, _TooFar) as damage:
            error = damage
        self._known = walker.context
        if error is not None:
            return self._damaged(error, push.mark, reach.size)
        stop = push.last
        described: Described | None = None
        if self._span is not None:
            try:
                described = described_at(reach, self._span)
            except (StreamError, _TooFar) as damage:
                return self._told("damaged", stop, damage)
            self._devices = len(described.description.devices)
            guessed = walker.context.guessed and page_size is None
            if guessed and described.page_size not in {None, walker.context.page_size}:
                return self._read(described.page_size)
        # a background snapshot has no end of its memory either, but devices
        if self._live and described is None and not self._devices:
            return self._told("damaged", stop, _unfinished(walker, self._live))
        if not walker.damage and (described is None or self._fits(stop)):
            return self._told("whole", stop)
        return self._again(stop) or self._told("damaged", stop, next(iter(walker.damage), None))

    def _begin(self) -> None:
        self._devices = self._sections = 0
        self._live: set[int] = set()  # sections that were begun and did not end
        self._span: Span | None = None  # of the description

    def _count(self, item: Item) -> None:
        if isinstance(item, VMDescription):
            self._span = item.span
        for one in flat((item,)):
            if not isinstance(one, Section):
                continue
            self._sections += 1
            match one.type:
                case SectionType.FULL:
                    self._devices += 1
                case SectionType.START:
                    self._live.add(one.section_id)
                case SectionType.END:
                    self._live.discard(one.section_id)

    def _fits(self, stop: int) -> bool:
        """Whether the description's sizes lead from the end to each device section."""
        return Tail(Until(Slice(self._store, self._at), stop), self._at).doubt is None

    def _again(self, stop: int) -> Found | None:
        """What a whole reading says of the stream that ends at `stop`; None where its end is another's."""
        self._work.take(stop)
        bounded = Until(Slice(self._store, self._at), stop)
        try:
            walked = read_stream(
                Opened("", bounded, None, []), lambda _: self._context(bounded.size)
            )
        except StreamError:
            return None
        if walked.described is None:
            return None
        self._devices = len(walked.described.description.devices)
        if walked.damage:
            return self._told("damaged", stop, walked.damage[0])
        return self._told("whole", stop)

    def _damaged(self, error: MigstreamError, mark: int, end: int) -> Found:
        """A stream that ends early: up to its description, where that stands behind the damage."""
        at = error.at if isinstance(error, StreamError) else None
        size = mark if at is None else max(mark, min(at, end))
        other = self._next()
        stop = self._end(mark, other) if self._sections else None
        found = None if stop is None else self._again(stop)
        if found is not None:
            return found
        if other is None and isinstance(error, Truncated) and end - size < AHEAD:
            return self._told("cut", end, error)  # further from the end a length is wrong
        return self._told("damaged", size if other is None else min(size, other), error)

    def _next(self) -> int | None:
        """Where behind its header another stream begins, counted from this one; None where none does."""
        reach = _Reach(self._store, 0, self._work)
        needles = Needles(reach, BEGINS, BEGINNING)
        at = self._at
        while (place := needles.after(at + 1)) is not None:
            at = place
            self._work.take(LOOK)
            if _header(self._store, at) is not None:
                return at - self._at
        return None

    def _end(self, start: int, stop: int | None) -> int | None:
        """Where the first description that stands in [start, stop) ends; None where there is none."""
        reach = _Reach(self._store, self._at, self._work)
        key = Needles(reach, IS_PAGE_SIZE, PAGE_SIZE).after(start, stop)
        if key is None:
            return None
        low = max(start - 1, key - MOST_CONFIGURATION, 0)
        hits = [hit.start() for hit in DESCRIPTION.finditer(reach.view(low, key + 1))]
        if not hits:
            return None
        at = low + hits[-1] + 1
        end = at + 5 + int.from_bytes(reach.view(at + 1, at + 5), "big")
        fits = end <= min(reach.size if stop is None else stop, at + MOST_AT_ONCE)
        return end if fits and bytes(reach.view(end - 1, end)) == b"}" else None


def _unfinished(walker: Walker, live: set[int]) -> ParseError:
    names = sorted(walker.starts[number].name for number in live if number in walker.starts)
    return ParseError(f"the stream ends before {', '.join(names)} does")


# --- what streams stand in -------------------------------------------------------------------------


def _libvirt(store: Store, at: int, work: _Work) -> Found | None:
    inner = _Reach(store, at, work)
    try:
        header = libvirt.read_header(bytes(inner.view(0, libvirt.HEADER)))
        if bytes(inner.view(libvirt.HEADER, libvirt.HEADER + 7)) != b"<domain":
            return None
        opened = libvirt.open_save(Opened("", inner, None, []))
    except SourceError:
        return None
    said = "" if opened is None else opened.layers[-1].said
    size = header.start if header.start < inner.size else None
    return Found(kind="libvirt", offset=at, size=size, said=said)


def _qcow2(store: Store, at: int, work: _Work) -> Found | None:
    inner = _Reach(store, at, work)
    head = bytes(inner.view(0, 36))
    version, bits = int.from_bytes(head[4:8], "big"), int.from_bytes(head[20:24], "big")
    encrypted = int.from_bytes(head[32:36], "big")
    if version not in qcow2.VERSIONS or bits not in qcow2.CLUSTER_BITS or encrypted > 2:
        return None
    try:
        snapshots = qcow2.Image(inner).snapshots
    except MigstreamError as error:
        if isinstance(error, _Spent):
            raise
        return Found(kind="qcow2", offset=at, damage=str(error))
    states = sum(bool(one.state) for one in snapshots)
    said = f"{many(len(snapshots), 'snapshot')}, {states} with the state of a guest"
    return Found(kind="qcow2", offset=at, said=said if snapshots else "no snapshots")
