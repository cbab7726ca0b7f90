"""Guest memory of a few pages in every encoding that QEMU has, as pieces."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from fuzz.tokens import Piece, Token, counted, footer, header, number
from support import channels
from support.build import MEM_SIZE, RAM_ID, xbzrle_delta

__all__ = ["SHAPES", "Memory", "guest_memory"]

ZERO, PAGE, EOS, CONTINUE, XBZRLE, COMPRESSED, FLUSH = 2, 8, 0x10, 0x20, 0x40, 0x100, 0x200
MAPPED_HEAD = 28


@dataclass
class Memory:
    """RAM's sections: `setup`, `parts`, and `end` (which background-snapshot leaves out).

    `capabilities` are those that the configuration has to record for it; `advise` is whether
    postcopy was announced; `recordings` are multifd channels beside the stream.
    """

    setup: list[Piece] = field(default_factory=list)
    parts: list[Piece] = field(default_factory=list)
    end: list[Piece] = field(default_factory=list)
    capabilities: tuple[str, ...] = ()
    advise: bool = False
    recordings: list[bytes] = field(default_factory=list)


class Maker:
    """Makes the records of some blocks, each of some pages."""

    def __init__(
        self, blocks: list[tuple[bytes, int]], page: int, footers: bool, random: Random
    ) -> None:
        self.blocks = blocks
        self.page = page
        self.footers = footers
        self.random = random
        self.contents: dict[tuple[int, int], bytes] = {}

    def content(self, key: tuple[int, int]) -> bytes:
        """A page: like the one before it but for a few bytes, if there was one."""
        random = self.random
        old = self.contents.get(key)
        if old is None or random.random() < 0.2:
            page = random.choice(
                [random.randbytes(16) * (self.page // 16), bytes(range(256)) * (self.page // 256),
                 b"/bin/sh\0root:x:0:0:\0".ljust(self.page, b"\xaa"), bytes(self.page - 8) + random.randbytes(8)]
            )  # fmt: skip
        else:
            changed = bytearray(old)
            for _ in range(random.randint(1, 4)):
                changed[random.randrange(self.page)] ^= random.randint(1, 255)
            page = bytes(changed)
        self.contents[key] = page
        return page

    def places(self, most: int = 6) -> list[tuple[int, int]]:
        """Some pages: (number of the block, offset), those of one block together."""
        chosen = []
        for index, (_, length) in enumerate(self.blocks):
            pages = -(-length // self.page)
            some = range(self.random.randint(0, 3) if pages else 0)
            chosen += [(index, self.random.randrange(min(pages, 64)) * self.page) for _ in some]
        return sorted(chosen[:most])

    def record(
        self,
        place: tuple[int, int],
        flag: int,
        current: int,
        body: list[Token],
        *,
        plain: bool = False,
    ) -> tuple[Piece, int]:
        """One record; the name is left out where the record before was of the same block."""
        index, offset = place
        same = index == current and not plain
        word = offset | flag | (CONTINUE if same else 0)
        tokens = [number("word", word, 8)]
        if not same:
            tokens += counted(self.blocks[index][0])
        return Piece("record", tokens + body), index

    def one_round(self, kinds: list[int]) -> list[Piece]:
        """Records of some pages, of the given kinds."""
        pieces, current = [], -1
        for place in self.places():
            kind = self.random.choice(kinds)
            old = self.contents.get(place)
            delta = b""
            if kind == XBZRLE and old is not None:
                delta = xbzrle_delta(old, self.content(place))
            if kind == XBZRLE and not 0 < len(delta) < self.page:
                kind = PAGE
            if kind == ZERO:
                body = [number("fill", 0, 1)]
                self.contents[place] = bytes(self.page)
            elif kind == PAGE:
                body = [Token("page", self.content(place))]
            elif kind == XBZRLE:
                body = [number("fill", 1, 1), number("size", len(delta), 2), Token("delta", delta)]
            else:
                packed = zlib.compress(self.content(place), 1)
                body = [number("size", len(packed), 4), Token("packed", packed)]
            one, current = self.record(place, kind, current, body)
            pieces.append(one)
        return pieces

    def section(self, kind: int, records: list[Piece], *, flush: bool = False) -> list[Piece]:
        """A PART or END with its records."""
        last = [number("word", FLUSH, 8)] if flush else []
        last.append(number("word", EOS, 8))
        if self.footers:
            last.append(footer(RAM_ID))
        return [
            Piece("ram part", [number("type", kind, 1), number("id", RAM_ID, 4)], "ram"),
            *records,
            Piece("ram stop", last, "ram"),
        ]

    def setup(
        self, extra: Callable[[int], list[Token]] = lambda _: [], *, flush: bool = False
    ) -> list[Piece]:
        """The START section: the list of blocks, with `extra` behind each."""
        total = sum(length for _, length in self.blocks)
        head = [*header(1, RAM_ID, b"ram", 0, 4), number("word", total | MEM_SIZE, 8)]
        pieces = [Piece("ram setup", head, "ram")]
        for index, (name, length) in enumerate(self.blocks):
            tokens = [*counted(name), number("size", length, 8), *extra(index)]
            pieces.append(Piece("ram block", tokens))
        return [*pieces, self.section(2, [], flush=flush)[-1]]


def linear(make: Maker) -> Memory:
    return Memory(make.setup(), make.section(2, make.one_round([ZERO, PAGE])), make.section(3, []))


def rounds(make: Maker) -> Memory:
    parts = [p for _ in range(3) for p in make.section(2, make.one_round([ZERO, PAGE]))]
    return Memory(make.setup(), parts, make.section(3, make.one_round([ZERO, PAGE])))


def xbzrle(make: Maker) -> Memory:
    first = make.section(2, make.one_round([PAGE]))
    parts = [p for _ in range(3) for p in make.section(2, make.one_round([XBZRLE, ZERO, PAGE]))]
    return Memory(make.setup(), first + parts, make.section(3, make.one_round([XBZRLE])))


def compressed(make: Maker) -> Memory:
    parts = [p for _ in range(2) for p in make.section(2, make.one_round([COMPRESSED, ZERO]))]
    return Memory(make.setup(), parts, make.section(3, make.one_round([COMPRESSED, PAGE])))


def background(make: Maker) -> Memory:
    return Memory(make.setup(), make.section(2, make.one_round([ZERO, PAGE])))


def ignore_shared(make: Maker) -> Memory:
    made = linear(make)
    made.setup = make.setup(lambda n: [number("address", 0x1000_0000 * n, 8)])
    made.capabilities = ("x-ignore-shared",)
    return made


def postcopy(make: Maker) -> Memory:
    made = rounds(make)
    made.setup = make.setup(lambda n: [number("size", 1 << 21, 8)] if n == 1 else [])
    made.advise = True
    return made


def multifd(make: Maker) -> Memory:
    """The main stream has zero pages and flushes only; everything else went through two channels."""
    recordings = [channels.initial(0), channels.initial(1)]
    page = make.page
    for turn in range(2):
        for which in range(2):
            for index, (name, length) in enumerate(make.blocks):
                if length < page or make.random.random() < 0.4:
                    continue
                offset = make.random.randrange(min(length // page, 8)) * page
                recordings[which] += channels.packet(
                    name, [offset], payload=make.content((index, offset)), number=10 * turn + index, page=page
                )  # fmt: skip
            recordings[which] += channels.sync(10 * turn + 9, page=page)
    parts = make.section(2, make.one_round([ZERO]), flush=True)
    return Memory(
        make.setup(flush=True), parts, make.section(3, [], flush=True), recordings=recordings
    )


def mapped(make: Maker) -> Memory:
    """Every block has its header, bitmap and page area, at offsets that `compose` puts right."""

    def area(index: int) -> list[Token]:
        length = make.blocks[index][1]
        pages = -(-length // make.page)
        bits, data = 0, b""
        for n in range(pages):
            present = make.random.random() < 0.5
            bits |= present << n
            data += make.content((index, n)) if present else bytes(make.page)
        bitmap = bits.to_bytes(-(-pages // 64) * 8, "little")
        return [
            number("version", 1, 4), number("size", make.page, 8), number("at bitmap", 0, 8), number("at pages", 0, 8),
            Token("bitmap", bitmap), Token("gap", b""), Token("area", data[:length]),
        ]  # fmt: skip

    return Memory(
        make.setup(area), make.section(2, []), make.section(3, []), capabilities=("mapped-ram",)
    )


# Those that the configuration has to tell of, which older machines do not have.
RECORDED = frozenset({ignore_shared, mapped})
SHAPES: tuple[Callable[[Maker], Memory], ...] = (
    linear, rounds, xbzrle, compressed, background, ignore_shared, postcopy, multifd, mapped,
)  # fmt: skip


def guest_memory(
    blocks: tuple[tuple[bytes, int], ...],
    page: int,
    random: Random,
    *,
    footers: bool,
    recorded: bool,
) -> Memory:
    """Memory of a few pages in blocks of these names, encoded in some way.

    `recorded` is whether the stream has a configuration, in which capabilities can be recorded.
    """
    shape = random.choice([one for one in SHAPES if recorded or one not in RECORDED])
    # Real lengths at times: the map of physical memory is then the real one, and most of it absent.
    real = random.random() < 0.1 and shape is not mapped
    chosen = [
        (
            name,
            length if real and length <= 32 << 20 else min(length, random.choice([1, 2, 4]) * page),
        )
        for name, length in blocks[:4]
    ]
    return shape(Maker(chosen, page, footers, random))


def place_areas(pieces: list[Piece], page: int) -> None:
    """Put the offsets of mapped-ram right: they are those of the file."""
    at = 0
    for piece in pieces:
        roles = {token.role: token for token in piece.tokens}
        if "at pages" in roles:
            here = at
            for token in piece.tokens:
                if token.role == "bitmap" and "at bitmap" in roles:
                    roles["at bitmap"].data = here.to_bytes(8, "big")
                elif token.role == "gap":
                    token.data = bytes(-here % page)
                elif token.role == "area":
                    roles["at pages"].data = here.to_bytes(8, "big")
                here += len(token.data)
        at += len(bytes(piece))
