"""A stream as it is read: its bytes, its items, its description, and what is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Self

from migstream.errors import (
    BadDescription,
    NotAStream,
    SourceError,
    StreamError,
    Truncated,
    Unsupported,
)
from migstream.source.containers import SCATTERED
from migstream.source.layers import Layer, Opened, Watch
from migstream.source.store import Store, Whole
from migstream.stream.reading import CHEAP, CHEAP_AFAR, Described, Walked, read_stream
from migstream.vmstate.description import Description
from migstream.vmstate.description import Device as DescribedDevice
from migstream.vmstate.layout import Layout
from migstream.wire.cursor import Cursor
from migstream.wire.frames import BEGINNING, LEAD, read_file_header
from migstream.wire.model import (
    GOES_ON,
    FileHeader,
    Item,
    Section,
    SectionType,
    Span,
    Trailer,
    flat,
)
from migstream.wire.registry import Context

if TYPE_CHECKING:
    from migstream.ram.awaited import AwaitedImage
    from migstream.ram.builder import ImageBuilder
    from migstream.ram.records import Seen
    from migstream.ram.sidecar import Index
    from migstream.stream.locate import Tail

__all__ = ["Bare"]


FIRST = 4096  # bytes in which what is not a stream shows what it is


class Bare:
    """The bytes of a stream, read from its end where that can be believed, else walked once."""

    def __init__(
        self,
        opened: Opened,
        like: Description | None = None,
        maps: Sequence[tuple[str, int]] = (),
        channels: Sequence[Opened] = (),
        *,
        walk: bool = False,
        memory: bool = False,
        later: bool = False,
        index: str | os.PathLike[str] | None = None,
        meaning: bool = True,
    ) -> None:
        self.meaning = meaning
        self._opened = opened
        self._like = like
        self._maps = maps
        self._channels = channels
        self._prove = walk
        self._memory = memory
        self._later = later
        self._index = index
        self._closing: list[AwaitedImage | ImageBuilder] = []
        self.index_refused: str | None = None  # why an index that is there was not used
        self._channel_damage: list[StreamError] = [
            Truncated(f"{one.name}: {one.cut.message}", hint=one.cut.hint)
            for one in channels
            if one.cut is not None
        ]
        self._noticed: list[StreamError] = []
        self._awaited: AwaitedImage | None = None
        self._seen: Seen | None = None
        self._refused: StreamError | None = None
        self._demanding = False
        self.name = opened.name
        self._note_cut()

    def _note_cut(self) -> None:
        """That what was spooled ended early is damage of the stream."""
        cut, store = self._opened.cut, self._opened.store
        if cut is not None:
            end = None if store is None else store.size
            self._noticed.append(Truncated(cut.message, at=end, hint=cut.hint))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for image in (self._awaited, *self._closing):
            if image is not None:
                image.close()
        index = vars(self).get("_indexed")
        if index is not None:
            index.close()
        for opened in (self._opened, *self._channels):
            opened.close()

    @property
    def watch(self) -> Watch | None:
        """Who is told of what takes long, as it was opened with."""
        return self._opened.asked.watch

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

    def spool(self) -> Self:
        """Make a temporary file of a pipe that nobody has read from yet, so that all bytes are at hand.

        Raises
        ------
        Unsupported : it was read from
        SourceError : there is no room for it
        """
        if not self.seekable:
            if "_walk" in vars(self):
                raise Unsupported("the pipe was read and not kept: open it with spool=True")
            self._opened.spool()
            self._note_cut()
        return self

    @property
    def origin(self) -> int:
        """Offset in the source at which the stream begins: all other offsets are counted from there."""
        return self._opened.origin

    @property
    def base(self) -> int:
        """Offset of the stream's first byte in the file that QEMU wrote to: mapped-ram's offsets count from there."""
        return self._opened.base

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
        if store is not None and not self._noticed and store.size > CHEAP:
            try:
                read_file_header(Cursor(store.view(0, FIRST)))
            except (
                NotAStream
            ) as error:  # what follows may be very large, and nothing can come of it
                error.hint = "; ".join(filter(None, (error.hint, self._inside())))
                return error
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

    @property
    def far(self) -> bool:
        """Whether each range of it is a request to somebody else."""
        return self._opened.far

    # --- from the end, or from the beginning ---------------------------------------------------

    @property
    def _cheap(self) -> int:
        """Bytes up to which all is read before anything is said."""
        return CHEAP_AFAR if self._opened.far else CHEAP

    @cached_property
    def _tail(self) -> Tail | None:
        """The end of a large file as long as nothing speaks against it; None where the stream is walked."""
        store = self._opened.store
        if store is None or self._prove or self._opened.device or store.size <= self._cheap:
            return None
        if self._memory and not self._later and self._indexed is None:
            return None  # all of it will be read in any case: better before anything is said
        from migstream.stream.locate import Tail

        dear = self._opened.far or self._opened.packed is not None
        tail = Tail(store, self._opened.base, dear=dear)
        try:
            return tail if tail.doubt is None else None
        except SourceError:
            if self._opened.far:
                raise  # all of it would be fetched, from what does not give its end
            return None  # the walk says more of it

    @cached_property
    def _indexed(self) -> Index | None:
        """The index of a plain file, where one is there and fits (`ram.sidecar.load`)."""
        if self._opened.far and self._index is not None:
            raise Unsupported(
                "only a plain file has an index, and this is at an address",
                hint="copy it to a file first",
            )
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

    @property
    def walked(self) -> bool:
        """Whether all of the stream was read, or will be for any answer; else they come from its end."""
        return "_walk" in vars(self) or self._tail is None

    @property
    def read_from(self) -> int | None:
        """Where what was read from the end begins, behind guest memory; None where all of the stream is walked."""
        return None if self.walked or self._tail is None else self._tail.start

    @cached_property
    def _walk(self) -> Walked:
        """The whole stream, read once."""
        if self._refused is not None:
            raise self._refused  # a pipe went by, and was not one
        piped = not self.seekable
        walk = self._read()
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

    def _read(self) -> Walked:
        try:
            return read_stream(self._opened, self._context)
        except SourceError:
            if not self._opened.go_forward():
                raise
        if self._awaited is not None:
            self._closing.append(self._awaited)
        if self._memory:
            self._opened.spool()
            self._note_cut()
        return read_stream(self._opened, self._context)

    def _inside(self) -> str:
        """Where a stream begins, if that is not at the first byte."""
        store = self._opened.store
        if store is None or bytes(store.view(0, 4)) in SCATTERED:
            return ""
        from migstream.stream.around import stream_inside

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
        if not self.seekable:
            return last, "zeros" if last.zeros else "bytes of something else"
        from migstream.stream.around import followed_by

        return last, followed_by(self.store, last)

    def _context(self, store: Store | None) -> Context:
        from migstream.ram.awaited import AwaitedImage

        # of a pipe, pages go by: which of them were sent is known, what was in them is not
        source = Whole(b"") if store is None else store
        self._awaited = AwaitedImage(source, hold=bool(self._channels))
        limit = None if store is None else store.size
        if self._seen is not None:
            self._seen.begin()
        base = self._opened.base
        return Context(limit=limit, base=base, pages=self._awaited, seen=self._seen)

    @property
    def shows(self) -> bool:
        """Whether `walk_with` shows all pages: it was not walked yet, need be, and none of them lie in channels."""
        unwalked = self.seekable and not self._channels and "_walk" not in vars(self)
        return unwalked and self._indexed is None

    def walk_with(self, seen: Seen) -> None:
        """Walk, and show the pages of the stream's own records while their bytes are at hand."""
        self._seen = seen
        try:
            self._walk  # noqa: B018 - kept by asking for it
        finally:
            self._seen = None

    @property
    def _image(self) -> ImageBuilder | None:
        """What the walk has told of guest memory; None before it."""
        return None if self._awaited is None else self._awaited.image

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
    def noticed(self) -> list[StreamError]:
        """What is known to be wrong without reading any more."""
        if not self.seekable and "_walk" not in vars(self):
            return list(self._noticed)  # a pipe that nobody has read from yet
        if self.walked:
            read = self._walk.damage  # which may notice more
            return [*self._noticed, *read, *self._channel_damage]
        return [*self._noticed, *([] if self._tail is None else self._tail.errors)]


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
