"""Find bytes, text, patterns and strings in guest memory.

Memory is looked through in windows that overlap by the longest that a hit may be, so a hit is
found once wherever the borders of windows, pages and ranges lie. Zero pages are passed over
where nothing that is looked for can begin in zeros.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import prod
from typing import NamedTuple, Protocol

import msgspec

from migstream.machine.paging.tables import Registers
from migstream.machine.paging.walk import pages
from migstream.machine.physical import PhysicalMemory

__all__ = [
    "LONGEST",
    "Blocks",
    "Gap",
    "Hit",
    "Needle",
    "Segment",
    "block_segments",
    "gaps",
    "hex_needles",
    "physical_segments",
    "regex_needle",
    "search",
    "strings_needles",
    "surroundings",
    "text_needles",
    "virtual_segments",
]

WINDOW = 1 << 20
# Bytes of the longest hit of a regular expression or string.
LONGEST = 1 << 12
# What precedes a window is kept, so that `^` and `\b` know what stands before.
BEFORE = 16

LOWER = bytes(range(256)).lower()
# Every printable byte as one and the same, 0 as itself, all others as another
PRINTABLE = b"x"
STRINGS = b"\0" + bytes(ord(PRINTABLE) if b == 9 or 32 <= b < 127 else 1 for b in range(1, 256))


class Run(Protocol):
    """Bytes of a block that are alike (`ram.image.Run`)."""

    @property
    def kind(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def stop(self) -> int: ...


class Block(Protocol):
    """A RAM block (`ram.image.Block`)."""

    def read(self, start: int, stop: int) -> bytes: ...
    def runs(self, start: int, stop: int) -> Iterable[Run]: ...


class Blocks(Protocol):
    """RAM blocks by name (`ram.image.Ram`)."""

    def __getitem__(self, name: str, /) -> Block: ...


class Segment(NamedTuple):
    """`size` bytes at `address` (of whatever is looked through): those of a RAM block from `offset` on."""

    address: int
    size: int
    block: str
    offset: int


class Gap(NamedTuple):
    """`size` bytes at `address` whose contents are not in the stream; `kind` as in `ram.presence.Run`."""

    address: int
    size: int
    kind: str
    block: str


class Hit(msgspec.Struct, frozen=True):
    """Something found: its address, its bytes, which kind of needle it was."""

    address: int
    data: bytes
    kind: str


class Needle(msgspec.Struct, frozen=True):
    """What to look for.

    Parameters
    ----------
    pattern : compiled over bytes
    reach : bytes of the longest hit; all hits are as long if `fixed`
    kind : a word that goes to its hits
    literal : bytes that stand `lead` bytes behind the beginning of each hit; found faster than a pattern
    fold : a table for bytes.translate; the literal is looked for in what it makes of memory
    fixed : hits may overlap; others are looked for behind the last one
    """

    pattern: re.Pattern[bytes]
    reach: int
    kind: str
    literal: bytes = b""
    lead: int = 0
    fold: bytes | None = None
    fixed: bool = True

    @property
    def in_zeros(self) -> bool:
        """Whether a hit may begin in zeros and see nothing but them."""
        return not any(self.literal) and self.pattern.search(bytes(2 * self.reach)) is not None

    def hits(self, window: bytes, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Hits that begin in [start, stop) of a window, ascending."""
        folded = window if self.fold is None else window.translate(self.fold)
        at = start
        while at < stop:
            found = self._next(window, folded, at, stop)
            if found is None:
                return
            first, last = found.span()
            if last > first:  # what matches nothing would do so everywhere
                yield first, window[first:last]
            at = first + 1 if self.fixed else max(last, first + 1)

    def _next(self, window: bytes, folded: bytes, at: int, stop: int) -> re.Match[bytes] | None:
        while at < stop:
            if self.literal:
                end = stop + self.lead + len(self.literal) - 1
                at = folded.find(self.literal, at + self.lead, end) - self.lead
                if at + self.lead < 0:
                    return None
            else:
                found = self.pattern.search(window, at)
                if found is None or found.start() >= stop:
                    return None
                at = found.start()
            # once more, with no more bytes than a hit may have: so it is the same in every window
            found = self.pattern.match(window, at, at + self.reach)
            if found is not None:
                return found
            at += 1
        return None


def hex_needles(text: str) -> list[Needle]:
    """Bytes in hexadecimal; `??` stands for any byte: `de ad ?? ef`.

    Raises
    ------
    ValueError : it is something else
    """
    words = re.split(r"[\s,:]+", text.strip())
    if not all(re.fullmatch(r"(?:0[xX])?(?:[0-9a-fA-F]{2}|\?\?)+", word) for word in words):
        raise ValueError(f"{text!r} is not bytes in hexadecimal, such as 'de ad ?? ef'")
    digits = "".join(word.lower().removeprefix("0x") for word in words)
    pairs = [digits[n : n + 2] for n in range(0, len(digits), 2)]
    return [_fixed([[b""] if p == "??" else [bytes.fromhex(p)] for p in pairs], "hex")]


def text_needles(text: str, *, ignore_case: bool = False) -> list[Needle]:
    """Text as UTF-8, of which ASCII is a part, and as UTF-16LE.

    Parameters
    ----------
    ignore_case : letters that are as long in the other case match in both
    """
    found = []
    for encoding in ("utf-8", "utf-16-le"):
        choices = []
        for char in text:
            forms = [char, char.lower(), char.upper()] if ignore_case else [char]
            coded = [
                form.encode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")
                for form in forms
            ]
            choices.append([one for one in dict.fromkeys(coded) if len(one) == len(coded[0])])
        found.append(_fixed(choices, encoding))
    return found


def _fixed(parts: Iterable[Sequence[bytes]], kind: str) -> Needle:
    """A needle of parts that follow each other, each one of some choices of one length; b"" is any byte."""
    source, size, fold = b"", 0, None
    literals: list[tuple[int, bytes]] = [(0, b"")]
    for choices in (narrow for part in parts for narrow in _bytewise(part)):
        escaped = b"|".join(map(re.escape, choices))
        source += b"(?:%b)" % escaped if len(choices) > 1 else escaped or b"."
        size += len(choices[0]) or 1
        if len({choice.lower() for choice in choices}) == 1 and choices[0]:
            at, last = literals[-1]
            literals[-1] = at, last + choices[0]
            fold = LOWER if len(choices) > 1 else fold
        else:
            literals.append((size, b""))
    lead, literal = max(literals, key=lambda one: (any(one[1]), len(one[1])))
    if not any(literal) and len(literal) < size:  # zeros are everywhere: no help
        lead, literal = 0, b""
    literal = literal if fold is None else literal.lower()
    return Needle(re.compile(source, re.DOTALL), size, kind, literal, lead, fold)


def _bytewise(choices: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    """The same choices byte by byte where that says the same: an engine finds single bytes faster."""
    columns = [sorted(set(column)) for column in zip(*choices, strict=True)]
    if prod(map(len, columns)) != len(choices) or not columns:
        return [choices]
    return [[bytes([byte]) for byte in column] for column in columns]


def regex_needle(pattern: str, *, ignore_case: bool = False) -> Needle:
    r"""A regular expression over bytes: `\x7fELF[\x01\x02]`. Characters stand for their UTF-8.

    A hit has at most LONGEST bytes; what would be longer is looked for in no more than these.

    Raises
    ------
    ValueError : it is not a regular expression
    """
    try:
        compiled = re.compile(
            pattern.encode("utf-8", "surrogateescape"), re.IGNORECASE if ignore_case else 0
        )
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    return Needle(compiled, LONGEST, "regex", fixed=False)


def strings_needles(minimum: int = 4) -> list[Needle]:
    """Printable ASCII, and the same as UTF-16LE, of at least so many characters, as strings(1).

    Longer ones than LONGEST bytes come in pieces.
    """
    found = []
    for kind, end in (("ascii", b""), ("utf-16-le", b"\0")):
        pattern = re.compile(rb"(?:[\t -~]%b){%d,}" % (end, minimum))
        reach = max(LONGEST, minimum * (1 + len(end)))
        literal = (PRINTABLE + end) * minimum
        found.append(Needle(pattern, reach, kind, literal, fold=STRINGS, fixed=False))
    return found


def block_segments(name: str, start: int, stop: int) -> Iterator[Segment]:
    """Bytes [start, stop) of one block; addresses are offsets in it."""
    yield Segment(start, stop - start, name, start)


def physical_segments(memory: PhysicalMemory, start: int, stop: int) -> Iterator[Segment]:
    """The guest memory in [start, stop) of guest-physical addresses."""
    for one, address, size in memory.pieces(start, stop - start):
        if one is not None:
            yield Segment(address, size, one.block, one.offset + address - one.start)


def virtual_segments(
    cpu: Registers, memory: PhysicalMemory, start: int, stop: int
) -> Iterator[Segment]:
    """The guest memory in [start, stop) of a CPU's virtual addresses."""
    for run in pages(cpu, memory):
        low, high = max(run.virtual, start), min(run.virtual + run.size, stop)
        if low < high:
            shift = run.virtual - run.physical
            for part in physical_segments(memory, low - shift, high - shift):
                yield part._replace(address=part.address + shift)


class _Zeros(int):
    """So many zero bytes."""


def _parts(
    segments: Iterable[Segment],
    blocks: Blocks,
    window: int,
    missed: Callable[[Gap], None],
    tell: Callable[[int], object],
) -> Iterator[tuple[int, bytes | _Zeros]]:
    """Segments as (address, bytes of at most a window, or zeros); what is not in the stream is missed."""
    for segment in segments:
        block: Block = blocks[segment.block]
        shift = segment.address - segment.offset
        for run in block.runs(segment.offset, segment.offset + segment.size):
            size = run.stop - run.start
            if run.kind != "data":
                tell(size)
            if run.kind not in {"data", "zero"}:
                missed(Gap(run.start + shift, size, run.kind, segment.block))
                continue
            if run.kind == "zero":
                yield run.start + shift, _Zeros(size)
                continue
            for at in range(run.start, run.stop, window):
                yield at + shift, block.read(at, min(at + window, run.stop))
                tell(min(window, run.stop - at))


def surroundings(segments: Iterable[Segment], blocks: Blocks, address: int) -> tuple[int, bytes]:
    """Where the bytes around an address begin that are there without a gap, and these; none where it is in one."""
    start, found = address, bytearray()
    parts = _parts(segments, blocks, WINDOW, lambda _: None, lambda _: None)
    for at, part in parts:
        if at != start + len(found):
            if start <= address < start + len(found):
                break
            start, found = at, bytearray()
        found += bytes(part)  # of so many zeros too
    here = start <= address < start + len(found)
    return (start, bytes(found)) if here else (address, b"")


def gaps(segments: Iterable[Segment], blocks: Blocks) -> Iterator[Gap]:
    """What of the segments is not in the stream."""
    for segment in segments:
        shift = segment.address - segment.offset
        for run in blocks[segment.block].runs(segment.offset, segment.offset + segment.size):
            if run.kind not in {"data", "zero"}:
                yield Gap(run.start + shift, run.stop - run.start, run.kind, segment.block)


def search(
    segments: Iterable[Segment],
    blocks: Blocks,
    needles: Sequence[Needle],
    window: int = WINDOW,
    missed: Callable[[Gap], None] = lambda _: None,
    tell: Callable[[int], object] = lambda _: None,
) -> Iterator[Hit]:
    """All hits, ascending in each run of neighbouring segments. No hit goes over what is missed.

    Parameters
    ----------
    blocks : RAM blocks by name (`stream.ram`)
    window : bytes to read at once
    missed : told of what cannot be looked through: it is not in the stream
    tell : told how many bytes were passed since the last time

    Raises
    ------
    ParseError : the records of a page are damaged
    """
    finder = _Finder(needles)
    for address, part in _parts(segments, blocks, window, missed, tell):
        if address != finder.stop:
            yield from finder.finish(address)
        if isinstance(part, _Zeros):
            yield from finder.zeros(part, window)
        else:
            yield from finder.data(part)
    yield from finder.finish(0)


class _Finder:
    """A window that moves on: bytes that were looked at, kept for what stands behind; bytes to look at."""

    def __init__(self, needles: Sequence[Needle]) -> None:
        self._needles = needles
        self._reach = max(needle.reach for needle in needles)
        self._in_zeros = any(needle.in_zeros for needle in needles)
        self._begin(0)

    def _begin(self, address: int) -> None:
        self._window = b""
        self._start = address  # of the window
        self._todo = address  # what begins before it was found
        self._behind = [address] * len(self._needles)  # where each needle may begin again
        self.stop = address

    def finish(self, address: int) -> Iterator[Hit]:
        """Nothing follows: look at the rest, and begin anew at an address."""
        yield from self._look(self.stop)
        self._begin(address)

    def data(self, data: bytes) -> Iterator[Hit]:
        """More bytes."""
        self._window += data
        self.stop += len(data)
        yield from self._look(self.stop - self._reach + 1)

    def zeros(self, size: int, window: int) -> Iterator[Hit]:
        """More bytes, all zero: those in the midst, which nothing can begin at, are not looked at."""
        edge = self._reach + BEFORE
        if self._in_zeros or size <= 2 * edge:
            for at in range(0, size, window):
                yield from self.data(bytes(min(window, size - at)))
            return
        yield from self.data(bytes(edge))
        self._window, skipped = bytes(edge), size - 2 * edge
        self.stop += skipped
        self._start, self._todo = self.stop - edge, max(self.stop - self._reach + 1, self._todo)
        yield from self.data(bytes(edge))

    def _look(self, stop: int) -> Iterator[Hit]:
        """Look at what begins before an address."""
        if stop <= self._todo:
            return
        found: list[tuple[int, int, bytes]] = []
        for number, needle in enumerate(self._needles):
            start = max(self._todo, self._behind[number])
            for at, data in needle.hits(self._window, start - self._start, stop - self._start):
                found.append((self._start + at, number, data))
                if not needle.fixed:
                    self._behind[number] = self._start + at + len(data)
        for address, number, data in sorted(found):
            yield Hit(address, data, self._needles[number].kind)
        self._todo = stop
        keep = max(stop - BEFORE, self._start)
        self._window, self._start = self._window[keep - self._start :], keep
