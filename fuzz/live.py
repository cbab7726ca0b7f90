"""Live sections that the kept streams have little or nothing of, as QEMU writes them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from random import Random

from fuzz.tokens import Piece, Token, counted, footer, header, number

__all__ = ["live_section"]

VFIO = 0xFFFF_FFFF_EF10_0000

Content = tuple[list[Token], list[Token], list[Token]]


def _words(*values: int) -> list[Token]:
    return [number("word", value, 8) for value in values]


def _htab(random: Random) -> Content:
    def chunk() -> list[Token]:
        valid, invalid = random.randint(0, 3), random.randint(0, 9)
        head = [
            number("size", random.randrange(1 << 10), 4),
            number("count", valid, 2),
            number("count", invalid, 2),
        ]
        return [*head, Token("entries", random.randbytes(16 * valid))]  # fmt: skip

    stop = [number("size", 0, 4), number("count", 0, 2), number("count", 0, 2)]
    part = [number("size", 0, 4), *chunk(), *chunk(), *stop]
    return [number("size", 18, 4)], part, [number("size", 0, 4), *stop]


def _attributes(random: Random) -> Content:
    run = [*_words(0x1000 * random.randrange(99) | 2, 5), Token("bytes", random.randbytes(5))]
    return _words(1), [*run, *_words(1)], [*run, *_words(8, 1)]


def _bitmaps(random: Random) -> Content:
    name = b"\1d", b"\1b"
    start = [
        number("fill", 0x1C, 1), Token("name", name[0]), Token("name", name[1]),
        number("size", 65536, 4), number("fill", 1, 1),
    ]  # fmt: skip
    bits = [
        number("fill", 0x40, 1), number("word", 0, 8), number("size", 1024, 4), number("word", 8, 8),
        Token("bytes", random.randbytes(8)),
    ]  # fmt: skip
    zeros = [number("fill", 0x42, 1), number("word", 1024, 8), number("size", 1024, 4)]
    eos = [number("fill", 1, 1)]
    return [*start, *eos], [*bits, *zeros, *eos], [number("fill", 0x20, 1), *eos]


def _block(random: Random) -> Content:
    zero = [number("word", 2048 * random.randrange(9) << 9 | 9, 8), *counted(b"ide0-hd0")]
    progress = _words(50 << 9 | 4)
    return _words(2), [*zero, *progress, *_words(2)], _words(100 << 9 | 4, 2)


def _vfio(random: Random) -> Content:
    data = random.randbytes(random.randint(0, 40))
    record = [number("word", VFIO | 4, 8), number("word", len(data), 8), Token("bytes", data)]
    end = [number("word", VFIO | 1, 8)]
    return [number("word", VFIO | 3, 8), *end], [*record, *end], [*record, *end]


def _pbs(random: Random) -> Content:
    state = random.randbytes(9)
    return [number("word", len(state), 8), Token("bytes", state)], [], []


KINDS: dict[str, tuple[int, Callable[[Random], Content]]] = {
    "spapr/htab": (1, _htab),
    "s390-storage_attributes": (0, _attributes),
    "dirty-bitmap": (1, _bitmaps),
    "block": (1, _block),
    "0000:00:04.0/vfio": (1, _vfio),
    "pbs-state": (1, _pbs),
}


def live_section(
    section_id: int, footers: bool, random: Random
) -> tuple[Piece, Piece | None, Piece | None]:
    """START, PART and END of some live section."""
    name = random.choice(list(KINDS))
    version, make = KINDS[name]
    start, part, end = make(random)
    tail = [footer(section_id)] if footers else []
    head = header(1, section_id, name.encode(), 0, version)
    made = [Piece("start", [*head, *start, *tail], name)]
    for kind, label, content in ((2, "part", part), (3, "end", end)):
        where = [number("type", kind, 1), number("id", section_id, 4)]
        made.append(Piece(label, [*where, *content, *tail], name) if content else Piece(label))
    one, two, three = made
    return one, two if two.tokens else None, three if three.tokens else None


def storage_keys(section_id: int, random: Random) -> Piece:
    """`s390-skeys`, a device section of the old style."""
    pages = random.randint(0, 20)
    body = [*_words(0 | 2, pages), Token("bytes", random.randbytes(pages)), *_words(1)]
    return Piece(
        "full", [*header(4, section_id, b"s390-skeys", 0, 1), *body, footer(section_id)], "s390-skeys"
    )  # fmt: skip


def return_path(random: Random) -> bytes:
    """A recorded return path."""
    messages = [
        struct.pack(">HHI", 2, 4, 1),
        struct.pack(">HHQI", 4, 12, 4096 * random.randrange(9), 4096),
        struct.pack(">HHQIB", 3, 19, 4096, 4096, 6) + b"pc.ram",
        struct.pack(">HHB", 5, 7, 6) + b"pc.ram" + struct.pack(">Q", 8) + bytes(8) + bytes.fromhex("0123456789abcdef"),
        struct.pack(">HHI", 6, 4, 1),
        struct.pack(">HH", 7, 0),
        struct.pack(">HHI", 1, 4, 0),
    ]  # fmt: skip
    chosen = random.choices(messages, k=random.randint(1, 6))
    return b"".join([messages[0], *chosen])
