"""A stream read once from its first byte to its last: one driver for files, pipes and compressed files.

1. Forward, through windows, without knowing any device's size: guest memory is walked by its
   records, device sections end at their footers. What a pipe will be asked for later is kept.
2. At the end stands the stream's own description. With its sizes the device sections are read
   again: a few kilobytes.
3. Where damage ends the first part, a description is looked for from the end of the source. It is
   used to go on behind the damage if nothing in front of it says otherwise; what is left of a
   pipe goes to a temporary file for that.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from migstream.errors import (
    BadDescription,
    BadRam,
    NotAStream,
    ParseError,
    StreamError,
    Truncated,
)
from migstream.iterable import SECTIONS
from migstream.source.forward import Forward
from migstream.source.layers import Opened
from migstream.source.store import Store, Until
from migstream.vmstate.description import Description, parse_description
from migstream.vmstate.layout import Layout, compile_device
from migstream.wire.cursor import Bytes
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
from migstream.wire.push import Push, drive, through
from migstream.wire.registry import Context
from migstream.wire.walk import Walker

if TYPE_CHECKING:
    from migstream.stream.pipe import Piped
    from migstream.wire.tail import Extent

__all__ = [
    "CHEAP",
    "CHEAP_AFAR",
    "Described",
    "Walked",
    "contradiction",
    "described_at",
    "read_stream",
]

# Up to this size a walk is made before anything is said: it takes less than a quarter of a second.
CHEAP = 256 << 20
CHEAP_AFAR = 8 << 20  # the same of what comes over a network: one request
MOST_OFFSET = 1 << 64


class Described(msgspec.Struct, frozen=True):
    """A description where it stands, and what it says of the device sections."""

    span: Span
    description: Description
    layouts: tuple[Layout, ...]

    @property
    def extents(self) -> list[Extent]:
        """Payload sizes of the device sections, in their order on the wire."""
        from migstream.wire.tail import Extent

        return [
            Extent(*device.key, layout.size, layout.exact)
            for device, layout in zip(self.description.devices, self.layouts, strict=True)
        ]

    @property
    def sizes(self) -> dict[tuple[str, int], list[int | None]]:
        """The same by name and instance id, one for each section of that key in turn."""
        sizes: dict[tuple[str, int], list[int | None]] = {}
        for device, layout in zip(self.description.devices, self.layouts, strict=True):
            sizes.setdefault(device.key, []).append(layout.size if layout.exact else None)
        return sizes

    @property
    def page_size(self) -> int | None:
        """The target page size that it gives, where that can be one."""
        page = self.description.page_size
        return page if 256 <= page <= 1 << 20 and not page & (page - 1) else None


def described_at(store: Bytes, span: Span) -> Described:
    """The description whose item lies at `span`; raises BadDescription."""
    text = bytes(store.view(span.start + 5, span.stop))
    description = parse_description(text, span.start + 5)
    return Described(span, description, tuple(compile_device(d) for d in description.devices))


class Walked(msgspec.Struct, kw_only=True):
    """What reading a stream gave.

    `items` cover every byte once. `described` is the stream's own description; None where it has
    none, or none that can be read (`damage` says so then). `store` has the bytes: all of a file's,
    of a pipe's what was kept.
    """

    items: tuple[Item, ...]
    damage: list[StreamError]
    described: Described | None
    description_span: Span | None
    walker: Walker
    store: Store


def read_stream(opened: Opened, context: Callable[[Store | None], Context]) -> Walked:
    """Read all of an opened source (see above).

    Parameters
    ----------
    context : makes the walk's context, for a store or for a pipe
    """
    reading = _Reading(opened, context)
    try:
        return reading.run()
    finally:
        reading.tell(None)


def contradiction(items: Iterable[Item], page_size: int | None, found: Described) -> str | None:
    """What the beginning of a stream says against a description that was found behind it; None where nothing.

    Parameters
    ----------
    items : those of the beginning, in order
    page_size : target page size of the beginning, where it is known
    """
    if page_size is not None and found.page_size not in {None, page_size}:
        return f"its pages have {found.page_size} bytes, those of the beginning {page_size}"
    full = [i for i in items if isinstance(i, Section) and i.type == SectionType.FULL]
    keys = {device.key for device in found.description.devices}
    if full and not any(section.key in keys for section in full):
        return f"it does not know {full[0].path}, with which the devices begin"
    return None


class _Reading:
    """One reading: state of the walk, and what it gave so far."""

    def __init__(
        self,
        opened: Opened,
        context: Callable[[Store | None], Context],
        page_size: int | None = None,
    ) -> None:
        self._opened = opened
        self._make = context
        self._context = context(opened.store)
        self._context.page_size = page_size
        self._walker = Walker(SECTIONS, context=self._context)
        self._items: list[Item] = []
        self._damage: list[StreamError] = []
        self._pipe: Piped | None = None
        self.tell = opened.told()
        if opened.store is None:
            from migstream.stream.pipe import Piped

            self._pipe = Piped(opened, self._walker, self.tell)
            self._push = self._pipe.push
        else:
            if opened.packed is not None:
                from migstream.stream.pipe import most_items

                self._walker.most = most_items(opened)
            self._push = Push(
                self._walker, whole=opened.store, view=Forward(opened.store).view, tell=self.tell
            )

    @property
    def _store(self) -> Store:
        return self._pipe.kept if self._pipe is not None else self._whole

    @property
    def _whole(self) -> Store:
        assert self._opened.store is not None
        return self._opened.store

    def run(self) -> Walked:
        found: Described | None = None
        span: Span | None = None
        error: ParseError | None = None
        source = self._pipe or self._push
        try:
            for item in source.items():
                self._items.append(item)
                if self._all_at_hand and self._needs_file(item):
                    return self._as_file()
        except ParseError as damage:
            error = damage
        if error is not None or not self._push.done:
            if self._all_at_hand:
                return self._as_file()
            span, found = self._go_on(error)
            if found is not None and self._misread(found):
                return _Reading(self._opened, self._make, found.page_size).run()
        else:
            self._damage += self._walker.damage
            span = self._own()
            found = None if span is None else self._parsed(span)
            if found is not None and self._misread(found):
                return _Reading(self._opened, self._make, found.page_size).run()
            if found is not None:
                self._again(found, len(self._items))
                if self._own() != span:
                    span = found = None  # with its sizes the devices end before it: it is another's
        return Walked(
            items=tuple(self._items),
            damage=self._damage if self._pipe is None else _with_cut(self._damage, self._pipe.cut),
            described=found,
            description_span=span,
            walker=self._walker,
            store=self._store,
        )

    @property
    def _all_at_hand(self) -> bool:
        """Whether nothing of a pipe has been read yet."""
        return self._pipe is not None and self._push.base == 0

    def _as_file(self) -> Walked:
        """The whole reading again, of a file made of the pipe."""
        assert self._pipe is not None
        self._opened.store = self._pipe.rest(0)
        again = _Reading(self._opened, self._make).run()
        again.damage = _with_cut(again.damage, self._pipe.cut)
        return again

    def _needs_file(self, item: Item) -> bool:
        """Whether a pipe cannot be read forward only: page areas lie anywhere, or the page size is a guess."""
        mapped = isinstance(item, Configuration) and "mapped-ram" in item.capabilities
        return mapped or self._context.guessed

    def _misread(self, found: Described) -> bool:
        """Whether guest memory was walked with a page size that was a guess, and a wrong one."""
        wrong = found.page_size not in {None, self._context.page_size}
        return wrong and self._context.guessed and self._pipe is None

    def _own(self) -> Span | None:
        return next((i.span for i in self._items if isinstance(i, VMDescription)), None)

    def _parsed(self, span: Span) -> Described | None:
        try:
            return described_at(self._store, span)
        except BadDescription as error:
            self._damage.append(error)
            return None

    # --- behind damage -------------------------------------------------------------------------

    def _go_on(self, error: ParseError | None) -> tuple[Span | None, Described | None]:
        """The second part where the first one ended early: with a description from the end, if one is there."""
        walker = self._walker
        first = self._devices_from(len(self._items))
        start = self._items[first].span.start if first < len(self._items) else walker.kept_from
        if walker.in_live or start is None:
            first, start = len(self._items), self._push.mark
        store = self._pipe.rest(start) if self._pipe is not None else self._whole
        span, tail = self._tail(store, start)
        known: list[int] = []
        if tail is not None:
            from migstream.wire.tail import locate_devices

            located = locate_devices(store, tail.span.start, tail.extents, start)
            known = [s.span.start for s in located]
        kept = self._items[:first]
        if start == self._push.mark:
            walker.sizes, walker.seen.known = {} if tail is None else tail.sizes, known
            again = walker
            if isinstance(error, BadRam) and self._context.page_size is None and tail is not None:
                # the records did not tell their page size; with it, the same record says what is wrong
                self._context.page_size = tail.page_size
                error = None if tail.page_size else error
            push = Push(walker, start, whole=store, view=Forward(store).view, tell=self.tell)
            if error is not None:
                push.last = self._push.last
                push.recover(error)
            going = through(push)
        else:
            again = walker.again({} if tail is None else tail.sizes, known)
            self._damage += [e for e in walker.damage if e.at is None or e.at < start]
            going = drive(store, again, start, self.tell, Forward(store).view)
        self._items = [*kept, *going]
        self._damage += again.damage
        own = self._own()
        if own is not None and own != span:
            span, tail = own, self._parsed(own)
        elif own is None and any(isinstance(i, End) for i in self._items):
            span = tail = None  # the stream ended without one: this is another's
        if tail is not None:
            self._again(tail, len(kept))
        return span, tail

    def _tail(self, store: Store, low: int) -> tuple[Span | None, Described | None]:
        from migstream.wire.tail import find_description

        span = find_description(store, low)
        if span is None:
            return None, None
        try:
            found = described_at(store, span)
        except BadDescription as error:
            self._damage.append(error)
            return span, None
        page = None if self._context.guessed else self._context.page_size
        said = contradiction(self._items, page, found)
        return (None, None) if said is not None else (span, found)

    # --- device sections, with their sizes -----------------------------------------------------

    def _devices_from(self, stop: int) -> int:
        """Index of the first of the device sections that stand last before item `stop`."""
        while stop and _is_device(self._items[stop - 1]):
            stop -= 1
        return stop

    def _again(self, found: Described, stop: int) -> None:
        """Read the device sections among the first `stop` items again, now that their sizes are known."""
        sizes: Mapping[tuple[str, int], Sequence[int | None]] = found.sizes
        end = stop  # of the devices that come last
        while end and isinstance(self._items[end - 1], End | VMDescription | Trailer):
            end -= 1
        stream_end = next(
            (n for n in range(end, stop) if isinstance(self._items[n], Trailer)), stop
        )
        spans: list[Span] = []
        damage: list[StreamError] = []
        items, n = [], 0
        while n < stop:
            item = self._items[n]
            last = n + 1
            if _is_device(item):
                while last < stop and _is_device(self._items[last]):
                    last += 1
                if last == end:
                    last = stream_end
            old = self._items[n:last]
            if _is_device(item) or (isinstance(item, Command) and item.items):
                part = not any(isinstance(i, End) for i in old)
                again = self._walker.again(sizes, part=part)
                span = Span(item.span.start, old[-1].span.stop)
                fresh = list(drive(Until(self._store, span.stop), again, span.start))
                if [i.span.stop for i in fresh[-1:]] == [span.stop]:
                    spans.append(span)
                    damage += again.damage
                    sizes, old = again.sizes, fresh
            items += old
            n = last
        self._items[:stop] = items
        self._damage = [
            e for e in self._damage if e.at is None or not _inside(e.at, spans)
        ] + damage


def _with_cut(damage: list[StreamError], cut: Truncated | None) -> list[StreamError]:
    """Damage of a source that could not be read to its end: why it ends there, and no more of it."""
    if cut is None:
        return damage
    return [*(e for e in damage if type(e) not in {Truncated, NotAStream} or e.at != cut.at), cut]


def _inside(at: int, spans: Sequence[Span]) -> bool:
    """Whether an offset lies in one of some spans in ascending order."""
    index = bisect_right(spans, (at, MOST_OFFSET)) - 1
    return index >= 0 and at in spans[index]


def _is_device(item: Item) -> bool:
    return isinstance(item, Section) and item.type == SectionType.FULL
