"""The walk through a stream, item after item, from its first byte.

One state machine for files and pipes: `Walker.step` reads one item (or a part of a long section)
and either moves the cursor's mark or raises. Source: QEMU, migration/savevm.c (qemu_loadvm_state_main).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from migstream.errors import BadFraming, NeedData, NotAStream, ParseError, StreamError, Unsupported
from migstream.plugins import Registry
from migstream.wire import write
from migstream.wire.cursor import Cursor, zeros
from migstream.wire.frames import (
    BEGINNING,
    LEAD,
    SectionStart,
    read_command,
    read_configuration,
    read_file_header,
    read_section_start,
)
from migstream.wire.model import (
    Command,
    End,
    Item,
    Opaque,
    Section,
    SectionType,
    Span,
    Trailer,
    VMDescription,
)
from migstream.wire.push import Push, through
from migstream.wire.registry import Codec, Context, Factory
from migstream.wire.resync import Search, Seen, bound, described_at, end_of, plausible, resume

__all__ = ["Walker"]

Key = tuple[str, int]
MAX_ITEMS = 1 << 21
MAX_NESTED = 2


class _Open(msgspec.Struct):
    """The section being read."""

    start: int
    type: SectionType
    head: SectionStart
    payload: int
    codec: Codec | None
    how: str = "codec"
    content: Any = None
    stop: int | None = None
    search: Search = msgspec.field(default_factory=Search)

    @property
    def path(self) -> str:
        """What damage of this section is called: its name and instance id, as `Section.path` has them."""
        return f"{self.head.name}[{self.head.instance_id}]"


class Walker:
    """State of a walk.

    Parameters
    ----------
    registry : codecs of section kinds
    sizes : payload sizes in bytes that the description gives to device sections, one for each
        section of that name and instance id in turn; None where it does not say
    known : offsets at which device sections are known to begin, ascending; after damage the walk
        goes on at the next of them
    """

    def __init__(
        self,
        registry: Registry[Factory],
        sizes: Mapping[Key, Sequence[int | None]] | None = None,
        context: Context | None = None,
        known: Sequence[int] = (),
    ) -> None:
        self.registry = registry
        self.sizes = {key: list(each) for key, each in (sizes or {}).items()}
        self.context = context or Context()
        self.damage: list[StreamError] = []
        self._noted: set[int | None] = set()
        self.codecs: dict[Key, Codec] = {}  # by whose they are: an id can be given twice
        self.starts: dict[int, SectionStart] = {}
        self.seen = Seen(self.context, self.starts, known)
        self.done = False
        self.alone = (
            False  # whether the walk ends with the stream: what follows it is not looked at
        )
        self._open: _Open | None = None
        self._next: Callable[[Cursor], Item | None] = self._file_header
        self.pending: list[Item] = []
        self._trail: int | None = None
        self._zeros = True
        self.most = MAX_ITEMS
        self._count = 0
        self._depth = 0

    # --- driving -----------------------------------------------------------------------------

    def step(self, cur: Cursor) -> Item | None:
        """Read on; the next item where one is complete. NeedData leaves everything as it was."""
        if self.pending:
            return self.pending.pop(0)
        item = self._next(cur)
        cur.commit()
        if item is not None:
            self._count += 1
            if self._count > self.most:
                raise Unsupported(f"more than {self.most} sections and commands", at=item.span.stop)
        return item

    @property
    def kept_from(self) -> int | None:
        """Where the device section being read begins, whose bytes a pipe's reader has to keep."""
        open_ = self._open
        live = open_ is None or (open_.codec is not None and open_.type != SectionType.FULL)
        return None if open_ is None or live else open_.start

    @property
    def in_live(self) -> bool:
        """Whether what is being read is a live section."""
        return self._open is not None and self.kept_from is None

    def again(
        self,
        sizes: Mapping[Key, Sequence[int | None]],
        known: Sequence[int] = (),
        *,
        part: bool = False,
    ) -> Walker:
        """A walker for the device sections, now that their sizes are known; `part` ends before the end marker."""
        other = Walker(self.registry, sizes, self.context)
        other.codecs, other.starts = self.codecs, self.starts
        other.seen = Seen(self.context, self.starts, known, nested=part)
        other._next = other._frame
        return other

    def nested(self) -> Walker:
        """A walker for the contents of PACKAGED: no header, no end marker, same sections."""
        inner = Walker(self.registry, None, self.context)
        inner.sizes = self.sizes
        inner.codecs, inner.starts = self.codecs, self.starts
        inner.seen = Seen(self.context, self.starts, nested=True)
        inner._depth = self._depth + 1
        inner._next = inner._frame
        return inner

    def recover(self, cur: Cursor, error: StreamError, last: int) -> Item:
        """What to do about damage: keep what was read since `last`, and go on where possible.

        All of the source has to be at hand, in the window or beside it.
        """
        self.note(error)
        end = end_of(cur)
        at = min(max(error.at or 0, cur.mark, last), end)
        open_, self._open = self._open, None
        onward, how = resume(cur, at, self.seen, None if open_ is None else open_.head)
        self._next = self._after_header if how == "header" else self._frame
        items: list[Item] = []
        if open_ is not None:
            error.under(open_.path)
            stop = onward if how == "footer" else at
            items.append(self._section(open_, open_.start, stop, stop, None, "damage"))
            last = stop
        if onward > last:
            items.append(Opaque(span=Span(last, onward), reason="not read: damage before it"))
        if onward >= end:
            self.done = True
        cur.seek(onward)
        cur.commit()
        if not items:
            # damage in an item that has no bytes left to show: the end of the source
            self.done = True
            return Opaque(span=Span(last, end), reason="damaged")
        self.pending = items[1:]
        return items[0]

    # --- items -------------------------------------------------------------------------------

    def _file_header(self, cur: Cursor) -> Item:
        at = cur.offset
        try:
            item = read_file_header(cur)
        except ParseError as error:
            # what is known to be something else is not searched: which of the streams in it is meant?
            begin = -1
            if isinstance(error, NotAStream) and not error.hint:
                begin = cur.find(BEGINNING, at, at + LEAD)
            if begin <= at:
                raise
            self.note(error)
            cur.seek(begin)
            return Opaque(span=Span(at, begin), reason="before the stream")
        self._next = self._after_header
        return item

    def _after_header(self, cur: Cursor) -> Item | None:
        there = cur.peek(1) == b"\x07"
        item = read_configuration(cur) if there else None
        self._next = self._frame
        if item is None:
            return None
        self.context.configuration = item
        if self.context.page_size is None and item.page_bits is not None and item.page_bits < 32:
            self.context.page_size = 1 << item.page_bits
        return item

    def _frame(self, cur: Cursor) -> Item | None:
        at = cur.offset
        if self.seen.nested and cur.offset == cur.end:
            self.done = True
            return None
        kind = (cur.peek(1) or cur.take(1).tobytes())[0]
        if kind == SectionType.EOF and not self.seen.nested:
            cur.take(1)
            self._next = self._after_end
            return End(span=cur.span(at))
        if kind == SectionType.COMMAND:
            return self._command(cur)
        if kind in {SectionType.START, SectionType.FULL}:
            self._section_start(cur)
            return None
        if kind in {SectionType.PART, SectionType.END}:
            self._section_part(cur)
            return None
        raise BadFraming(
            f"unknown section type {kind}",
            at=at,
            expected="a section, a command or the end marker",
            found=f"{kind:#04x}",
            hint="the section before this place is longer or shorter than it should be, or this byte is damaged",
        )

    def _command(self, cur: Cursor) -> Command:
        item = read_command(cur)
        if item.name == "POSTCOPY_ADVISE":
            self.context.advise = item.value
        if item.name != "PACKAGED":
            return item
        if self._depth >= MAX_NESTED:
            raise BadFraming("a package inside a package", at=item.span.start, path=["PACKAGED"])
        start = cur.offset
        walker = self.nested()
        push = Push(walker, start)
        push.feed(cur.take(item.value))
        push.end()
        items = tuple(through(push))
        self.damage += walker.damage
        return msgspec.structs.replace(item, span=cur.span(item.span.start), items=items)

    def _section_start(self, cur: Cursor) -> None:
        head = read_section_start(cur)
        turn = self.sizes.get((head.name, head.instance_id), [])
        size = turn[0] if turn and head.type == SectionType.FULL else None
        factory = self.registry.find(head.name, plugins=size is None)
        codec = None
        if factory is not None:
            codec = factory(self.context)
            if head.type == SectionType.START:
                self.codecs[head.name, head.instance_id] = codec
        self.starts[head.section_id] = head
        self._open = _Open(head.span.start, head.type, head, cur.offset, codec)
        self._enter(cur, head.type, size)
        if turn and head.type == SectionType.FULL:
            turn.pop(0)  # only now: on shortage this is read again

    def _section_part(self, cur: Cursor) -> None:
        at = cur.offset
        kind = SectionType(cur.u8())
        section_id = cur.u32()
        head = self.starts.get(section_id)
        if head is None:
            raise BadFraming(
                f"unknown section {section_id}",
                at=at + 1,
                expected="the id of a section that was started",
                found=section_id,
                hint="what precedes this place was read with a wrong length, or its START is missing",
            )
        codec = self.codecs.get((head.name, head.instance_id))
        self._open = _Open(at, kind, head, cur.offset, codec)
        self._enter(cur, kind, None)

    def _enter(self, cur: Cursor, kind: SectionType, size: int | None) -> None:
        open_ = self._open
        assert open_ is not None
        if size is not None and self._fits(cur, size, open_.head.section_id):
            open_.how, open_.stop = "description", cur.offset + size
            at = cur.offset
            if open_.codec is not None:
                open_.content = _content(open_, Cursor(cur.take(size), at))
            elif cur.whole:
                cur.skip(size)
            else:
                cur.take(size)  # it has to be in the window: a pipe's reader keeps it
            self._next = self._footer
            return
        if size is not None and self.context.footers is not False:
            self._misfit(cur, size, open_)
        if open_.codec is not None and open_.stop is None:
            open_.codec.begin(kind, open_.head.version_id)
            self._next = self._body
        else:
            self._next = self._opaque

    def _fits(self, cur: Cursor, size: int, section_id: int) -> bool:
        """Whether a payload of this size ends at a footer, or where another section begins in a stream that has none."""
        stop, footers = cur.offset + size, self.context.footers
        if footers is False or cur.at(stop, 5) == write.footer(section_id):
            return True
        return footers is None and plausible(cur, stop, self.seen, strict=True)

    def _misfit(self, cur: Cursor, size: int, open_: _Open) -> None:
        """The description's size does not lead to this section's footer: say so, once."""
        at = cur.offset + size
        found = cur.at(at, 5)
        if len(found) < 5:
            return  # the stream is cut off: the search for the footer will say so
        if found[:1] == b"\x7e" and plausible(cur, at + 5, self.seen):
            open_.stop = at  # a footer, but not of this section: reading it says so
            return
        self.note(
            BadFraming(
                "missing section footer",
                at=at,
                path=[open_.path],
                expected=write.footer(open_.head.section_id).hex(" "),
                found=found.hex(" ") or "nothing",
                hint=f"the description gives this payload {size} bytes; they do not end at a footer",
            )
        )
        own = cur.at(at - 5, 5) == write.footer(open_.head.section_id)
        if found and not own and plausible(cur, at, self.seen, strict=True):
            open_.stop = at

    def _body(self, cur: Cursor) -> None:
        assert self._open is not None
        codec = self._open.codec
        assert codec is not None
        if codec.step(cur):
            self._open.stop = cur.offset
            self._open.content = codec.content()
            self._next = self._footer

    def _opaque(self, cur: Cursor) -> None:
        """A payload that nothing describes: bounded by its footer and a plausible next header."""
        open_ = self._open
        assert open_ is not None
        if open_.stop is None:
            open_.stop, open_.how = bound(cur, open_.head, self.seen, open_.search)
        cur.seek(open_.stop)
        self._next = self._footer

    def _footer(self, cur: Cursor) -> Section:
        open_ = self._open
        assert open_ is not None
        stop = cur.offset
        lead = cur.peek(1)
        footer = None
        if self.context.footers is None:
            self.context.footers = lead == b"\x7e"
        if self.context.footers and lead == b"\x7e":
            cur.take(1)
            at = cur.offset
            read = cur.u32()
            if read != open_.head.section_id:
                self.note(
                    BadFraming(
                        "mismatched section id in footer",
                        at=at,
                        path=[open_.path],
                        expected=open_.head.section_id,
                        found=read,
                    )
                )
            footer = cur.span(stop)
        elif self.context.footers:
            if not lead:
                cur.take(1)
            error = BadFraming(
                "missing section footer",
                at=stop,
                path=[open_.path],
                expected=write.footer(open_.head.section_id).hex(" "),
                found=cur.peek(5).hex(" "),
                hint="this section's payload is longer or shorter than the source meant it to be",
            )
            if not plausible(cur, stop, self.seen, strict=True):
                error.path = []
                raise error
            self.note(error)
        item = self._section(open_, open_.start, stop, cur.offset, footer, open_.how)
        self._open = None
        self._next = self._frame
        return item

    def note(self, error: StreamError) -> None:
        """Damage that does not stop the walk; the same place is noted once."""
        if error.at not in self._noted:
            self._noted.add(error.at)
            self.damage.append(error)

    def _section(
        self, open_: _Open, start: int, stop: int, end: int, footer: Span | None, how: str
    ) -> Section:
        content = open_.content
        if how == "damage" and open_.codec is not None:
            content = open_.codec.content()
        payload = Span(min(open_.payload, stop), stop)
        if footer is None and how == "damage":
            payload = Span(payload.start, end)
        return Section(
            span=Span(start, end),
            type=open_.type,
            section_id=open_.head.section_id,
            name=open_.head.name,
            instance_id=open_.head.instance_id,
            version_id=open_.head.version_id,
            payload=payload,
            footer=footer,
            content=content,
            how=how,
        )

    def _after_end(self, cur: Cursor) -> Item | None:
        at = cur.offset
        described = cur.peek(1) == b"\x06" or described_at(cur, at)
        self._next = self._trailer
        if not described:
            return None
        text_at = at + 5
        try:
            lead = cur.u8()
            if lead != SectionType.VMDESCRIPTION:
                self.note(
                    BadFraming(
                        "the description's type byte is another",
                        at=at,
                        path=["description"],
                        expected=f"{SectionType.VMDESCRIPTION:02x}",
                        found=f"{lead:02x}",
                    )
                )
            length = cur.u32()
            if cur.whole:
                cur.skip(length)
            else:
                cur.take(length)
        except NeedData:
            self._next = self._after_end
            raise
        except ParseError as error:
            if b"{" not in cur.at(text_at, 16) and end_of(cur) - text_at > 16:
                cur.seek(at)  # a 06 among bytes that are not the stream's
                return None
            error.under("description")
            self._next = self._after_end
            raise
        return VMDescription(span=cur.span(at), text=Span(text_at, cur.offset))

    def _trailer(self, cur: Cursor) -> Item | None:
        """Whatever follows the stream, however long: looked at in pieces, not kept."""
        if self.alone:
            self.done = True
            return None
        if self._trail is None:
            self._trail = cur.offset
        while cur.left > 0:
            if not zeros(cur.take(min(1 << 20, cur.left))):
                self._zeros = False
            cur.commit()
        if not cur.eof:
            raise NeedData
        self.done = True
        span = cur.span(self._trail)
        return Trailer(span=span, zeros=self._zeros) if span.size else None


def _content(open_: _Open, cur: Cursor) -> Any:
    """What the codec makes of an old-style payload whose size is known; None if it does not fit."""
    assert open_.codec is not None
    try:
        open_.codec.begin(open_.type, open_.head.version_id)
        while not open_.codec.step(cur):
            cur.commit()
    except ParseError:
        return None
    return None if cur.left else open_.codec.content()
