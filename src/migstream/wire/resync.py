"""What may begin at a place: how the end of an undescribed payload is found, and the way on behind damage.

Everything here looks ahead through a cursor and moves nothing. Source: QEMU, migration/savevm.c.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence

import msgspec

from migstream.errors import NeedData
from migstream.wire.cursor import LONGEST, Cursor
from migstream.wire.frames import COMMANDS, SectionStart
from migstream.wire.model import SectionType
from migstream.wire.registry import Context
from migstream.wire.write import footer

__all__ = ["Search", "Seen", "bound", "described_at", "end_of", "plausible", "resume"]

HEADER_SIZE = 8
AFTER_HEADER = {SectionType.CONFIGURATION, SectionType.START, SectionType.FULL, SectionType.COMMAND}
HEADER = rb"[\x01\x04]\0"
UNANNOUNCED = rb"(?=\x04\0|\0\x06)"  # a device's header, or the end marker and a description
# What comes last where neither footers nor a description are written (pseries up to 2.2), and its size in bytes:
# migration/global_state.c: vmstate_globalstate; hw/ppc/spapr.c: vmstate_spapr, of a guest that runs.
LAST_DEVICES = {("globalstate", 104), ("spapr", 16)}
FOOTERS = rb"\x7e\0"
NEAR = 1 << 20
LOOKAHEAD = 1 + 4 + 1 + 255 + 8  # the longest section header


class Seen(msgspec.Struct):
    """What a walk knows by now that tells what may follow.

    `starts` are the sections that were begun, by id; `known` offsets at which device sections are
    known to begin, ascending; `nested` tells a package, in which no end marker is.
    """

    context: Context
    starts: Mapping[int, SectionStart]
    known: Sequence[int] = ()
    nested: bool = False
    data_end: int | None = None

    def ends(self, cur: Cursor, at: int) -> bool:
        """Whether nothing but zeros follows: an end marker, and padding.

        Zeros inside a device's state look like one too, where no description tells them apart.
        """
        if self.data_end is None:
            self.data_end = cur.data_end()
        return at >= self.data_end


def end_of(cur: Cursor) -> int:
    """Where the source ends; NeedData where that is not known yet."""
    if cur.end is None:
        raise NeedData
    return cur.end


# --- what may begin here -------------------------------------------------------------------------


def plausible(cur: Cursor, at: int, seen: Seen, *, strict: bool = False) -> bool:
    """Whether an item may begin at `at`: what can be told from its first bytes.

    The end of the source, and an end marker without a description, will do unless `strict`.
    """
    head = cur.at(at, LOOKAHEAD)
    if not head:
        return not strict
    looks_right = BEGINS.get(head[0])
    return looks_right is not None and looks_right(cur, at, head, seen, strict)


def _end_marker(cur: Cursor, at: int, head: bytes, seen: Seen, strict: bool) -> bool:
    rest = head[1:7]
    ends = at + 6 + int.from_bytes(rest[1:5], "big") == cur.end
    json = rest[5:6] == b"{"
    if rest[:1] == b"\x06" and (json or len(rest) < 6):
        return True
    if ends and (json or rest[:1] == b"\x06"):
        return True
    return not strict and not seen.nested and not any(rest) and seen.ends(cur, at)


def _named(_cur: Cursor, _at: int, head: bytes, _seen: Seen, _strict: bool) -> bool:
    length = head[5] if len(head) > 5 else 0
    name, tail = head[6 : 6 + length], head[6 + length : 14 + length]
    whole = len(name) == length > 0 and len(tail) == 8
    return whole and name.isascii() and name.decode().isprintable() and head[1] == 0


def _numbered(_cur: Cursor, _at: int, head: bytes, seen: Seen, _strict: bool) -> bool:
    return int.from_bytes(head[1:5], "big") in seen.starts


def _command(_cur: Cursor, _at: int, head: bytes, _seen: Seen, _strict: bool) -> bool:
    kind = COMMANDS.get(int.from_bytes(head[1:3], "big"))
    if kind is None:
        return False
    return kind.sizes is None or int.from_bytes(head[3:5], "big") in kind.sizes


Begins = Callable[[Cursor, int, bytes, Seen, bool], bool]
BEGINS: dict[int, Begins] = {
    SectionType.EOF: _end_marker,
    SectionType.START: _named,
    SectionType.FULL: _named,
    SectionType.PART: _numbered,
    SectionType.END: _numbered,
    SectionType.COMMAND: _command,
}


def described_at(cur: Cursor, at: int) -> bool:
    """Whether a description follows whose type byte is damaged: a length that ends with the source, and JSON."""
    head = cur.at(at, 6)
    if head[5:] != b"{":
        return False
    return at + 5 + int.from_bytes(head[1:5], "big") == end_of(cur)


# --- the end of what nothing describes -----------------------------------------------------------


class Search(msgspec.Struct):
    """How far the end of a payload was looked for: what was looked at is not looked at again each time that more comes."""

    at: int = 0
    ended: int | None = None  # own footer and end marker, in front of what is not the stream's
    end: int | None = None  # of the source, where that was known


def bound(cur: Cursor, head: SectionStart, seen: Seen, search: Search) -> tuple[int, str]:
    """Where the payload from the cursor on ends, and how that was told: by its "footer", or a "guess".

    Raises
    ------
    Truncated : the stream has footers, and ends inside this section
    """
    if seen.context.footers is not False:
        stop = _bound_by_footer(cur, footer(head.section_id), seen, search)
        if stop is not None:
            return stop, "footer"
        cur.seek(end_of(cur))
        cur.skip(5)  # the stream ends inside this section
    end = end_of(cur)
    for at in cur.search(UNANNOUNCED, cur.offset):
        if plausible(cur, at, seen, strict=True):
            return at, "guess"
    # Nothing but the end marker, without a description, behind the device that comes last.
    last = (head.name, end - cur.offset - 1) in LAST_DEVICES
    return end - 1 if last and cur.at(end - 1, 1) == b"\0" else end, "guess"


def _bound_by_footer(cur: Cursor, own: bytes, seen: Seen, search: Search) -> int | None:
    if search.end != cur.end:  # what is plausible depends on it
        search.at, search.ended, search.end = 0, None, cur.end
    hits = cur.search(FOOTERS, max(search.at, cur.offset))
    while True:
        try:
            at = next(hits, None)
        except NeedData:
            search.at = max(search.at, cur.base + len(cur.view) - LONGEST)
            raise
        if at is None:
            return search.ended
        search.at = at
        mine = cur.at(at, 5) == own
        if plausible(cur, at + 5, seen, strict=not mine):
            return at if mine or search.ended is None else search.ended
        if search.ended is not None and at > search.ended + NEAR:
            return search.ended
        if mine and search.ended is None and cur.at(at + 5, 1) == b"\0":
            search.ended = at


# --- behind damage -------------------------------------------------------------------------------


def resume(cur: Cursor, at: int, seen: Seen, inside: SectionStart | None) -> tuple[int, str]:
    """Where to go on behind damage at `at`, and why there.

    Behind the "footer" of the section that it is `inside`; behind the file's "header"; else ("") at
    the next item that looks right, or at the next place where a device is known to begin.
    """
    end = end_of(cur)
    index = bisect_left(seen.known, at)
    stop = seen.known[index] if index < len(seen.known) else end
    if inside is not None and seen.context.footers:
        needle = re.escape(footer(inside.section_id))
        for hit in cur.search(needle, at, stop):
            if plausible(cur, hit + 5, seen):
                return hit + 5, "footer"
    if inside is None and at < end:
        if at < HEADER_SIZE < end and cur.at(HEADER_SIZE, 1)[0] in AFTER_HEADER:
            return HEADER_SIZE, "header"
        for head in cur.search(HEADER, at + 1, min(stop, at + NEAR)):
            if plausible(cur, head, seen, strict=True):
                return head, ""
    return stop, ""
