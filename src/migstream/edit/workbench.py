"""Where a new stream is made of an old one: the source, what becomes of its bytes, and what was asked for.

Every way of changing a stream works on it: `drop`, `rename`, `configuration`, `memory`, the rules
between releases, `redact`, the parts of `minimise`. `Edit` holds one and is its front; `verify` holds
the result against what is entered here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from migstream.edit import memory
from migstream.edit.description import Described
from migstream.edit.rewrite import Rewrite
from migstream.errors import Unsupported
from migstream.names import brief
from migstream.places import RAM
from migstream.wire import write
from migstream.wire.model import Command, Section, SectionType, Span, flat

if TYPE_CHECKING:
    from migstream.source.spool import Spool
    from migstream.stream import Stream

__all__ = ["Change", "Workbench"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change: what was done to what, and how it read before and after.

    `span` are the bytes of the source, `at` is where they are, or would be, in the result.
    """

    what: str
    path: str
    before: str
    after: str
    span: Span
    at: int = 0

    def __repr__(self) -> str:
        texts = " → ".join(filter(None, (self.before, self.after)))
        return brief("Change", self.what, self.path, texts)


class Workbench:
    """A stream that is being changed.

    Parameters
    ----------
    stream : all of whose bytes are at hand: a pipe is opened with `spool=True`
    describe : whether the description follows; one that cannot be read stays as it is

    `rewrite` is what becomes of the bytes, `description` the text's tree. What is asked of the result:
    `dropped` and `renamed` are paths, `reshaped` those of devices that have other fields now, `pages` the guest memory that was set, by block and offset (those
    in `added` have no record to be written over), `kept` the ranges by block outside of which memory is
    to be zeros, None where it stays. `aside` has what was made and may be large; it is good as long as
    this is.

    Raises
    ------
    Unsupported : it is a pipe, or has channels besides, which would be lost
    BadDescription : it is to follow, and cannot be read
    """

    def __init__(self, stream: Stream, *, describe: bool = True) -> None:
        if not stream.seekable:
            raise Unsupported("the pipe was read and not kept: open it with spool=True to edit it")
        if stream.channels:
            raise Unsupported(
                "pages that went through channels are not in a stream that can be edited",
                hint="make one stream of it first: migstream convert",
            )
        self.stream = stream
        self.rewrite = Rewrite(stream.size)
        self.description = Described(stream, readable=describe)
        self._described_at = stream.description_span
        self.dropped: set[str] = set()
        self.renamed: dict[str, str] = {}
        self.kept: dict[str, list[tuple[int, int]]] | None = None
        self.reshaped: set[str] = set()
        self.pages: dict[tuple[str, int], bytes] = {}
        self.added: set[tuple[str, int]] = set()
        self.domain: str | None = None
        self.aside: list[Spool] = []
        self._changes: list[Change] = []

    def __bool__(self) -> bool:
        return bool(self.rewrite) or bool(self.added)

    def note(self, what: str, path: str, before: str, after: str, span: Span) -> None:
        """Enter a change into the list."""
        change = Change(what=what, path=path, before=before, after=after, span=span)
        self._changes.append(change)

    @cached_property
    def taken(self) -> frozenset[tuple[SectionType, str, int | None]]:
        """Kind, name and instance id of every section that the stream had, before any change."""
        types = {SectionType.START, SectionType.FULL}
        stream = self.stream
        items = [*stream.head, *(d.section for d in stream.devices)]
        return frozenset(
            (s.type, s.name, s.instance_id)
            for s in flat(stream.items if stream.read_from is None else items)
            if isinstance(s, Section) and s.type in types
        )

    def packages(self, start: int) -> Iterator[Command]:
        """The commands that hold sections behind an offset, and tell how many bytes these have.

        Behind guest memory there is none: with one a stream has no description at its end.
        """
        if self.stream.read_from is not None and start >= self.stream.read_from:
            return
        for item in flat(self.stream.items):
            if isinstance(item, Command) and item.name == "PACKAGED":
                yield item

    def spares_memory(self, whole: Rewrite) -> bool:
        """Whether all up to the devices behind guest memory goes over as it is, of a stream that is read from its end."""
        start = self.stream.read_from
        return start is not None and whole.untouched >= start

    # --- the result ------------------------------------------------------------------------------

    def settled(self, base: int = 0) -> Rewrite:
        """All changes, and what follows from them: lengths, offsets, the description.

        `base` is where the result begins in the file that it is written to.
        """
        if self.stream.description_span != self._described_at:
            raise Unsupported(
                "the description at the end belongs to another stream",
                hint="--walk (in Python walk=True) reads all of the stream before anything is changed",
            )
        whole = self.rewrite.copy()
        if self.added:
            at = memory.last_place(self.stream)
            whole.replace(at, at, b"".join(self._records()))
        text = self.description.text
        span = self.stream.description_span
        if text is not None and span is not None:
            whole.replace(*span, write.description(text))
        memory.settle_areas(self.stream, whole, base)
        if not whole:
            return whole
        for package in self.packages(whole.untouched):
            if (by := whole.growth(package.span)) and not whole.gone(package.span):
                whole.patch(package.payload.start, (package.value + by).to_bytes(4, "big"))
        return whole

    def _records(self) -> Iterator[bytes]:
        """Pages that no record can be written over for: each again, under the name it has now."""
        for name, offset in sorted(self.added):
            path = f"{RAM}{name}"
            if path not in self.dropped:
                new = self.renamed.get(path, path).removeprefix(RAM)
                yield memory.page_record(new, offset, self.pages[name, offset])

    def changes(self) -> list[Change]:
        """What was changed, in the order of the calls, with its place in the result."""
        places = self.settled().places()
        return [msgspec.structs.replace(c, at=places(c.span.start)) for c in self._changes]
