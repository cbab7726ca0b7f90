"""Damage to a composed stream: to its description, its structure, its numbers and names, its bytes."""

from __future__ import annotations

import bz2
import copy
import gzip
import lzma
from collections.abc import Callable
from random import Random
from typing import Any

from fuzz import tree
from fuzz.compose import Composed
from fuzz.kept import command
from fuzz.tokens import NUMBERS, Piece, Token, footer, header, number
from migstream.source.zstd import zstd
from support import build
from support.pcap import Flow, pcap, spoken

__all__ = ["CONTAINERS", "bytes_changed", "pieces_changed", "tail_changed", "tree_changed"]

NAMES = [name.encode("utf-8", "surrogatepass")[:255] for name in tree.NAMES] + [
    b"\xff\xfe", b"\xc3", b"pc.ram\0", b"\xed\xa0\x80", b"ram", b"spapr/htab", b"dirty-bitmap", b"block", b"a/vfio",
]  # fmt: skip


def extreme(old: int, width: int, random: Random) -> int:
    """A number that is at some limit, or near the old one."""
    bits = 8 * width
    around = [
        old + 1,
        old - 1,
        old * 2,
        old // 2,
        old ^ 1 << random.randrange(bits),
        old << 8,
        old >> 8,
    ]
    limits = [0, 1, 2, 3, 4, 8, 0xFF, 0x7F, 0x80, 0x1000, 0xFFFF, 0x10000, 1 << 20, 1 << 30, 1 << 31, (1 << 32) - 1,
              1 << 40, 1 << 52, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 4096, (1 << 64) - 1]  # fmt: skip
    limits += [
        1 << random.randrange(bits),
        (1 << bits) - 1,
        (1 << bits - 1) - 1,
        random.getrandbits(bits),
    ]
    return random.choice(around if random.random() < 0.4 else limits) & (1 << bits) - 1


# --- the description, alone or with the bytes that it describes ----------------------------------------------


def tree_changed(made: Composed, random: Random) -> str:
    """One thing wrong in the description; what it was, in a word."""
    what = random.randrange(8)
    found = tree.get(made.described, "devices")
    entries = found if type(found) is list else []
    if what == 0 and entries:
        fields = tree.get(random.choice(entries), "fields")
        if type(fields) is list:
            fields.insert(random.randrange(len(fields) + 1), tree.nothing_many_times(random))
            return "nothing many times"
    if what == 1 and entries:
        return _renamed(made, entries, random)
    if what == 2 and entries:
        return _both_gone(made, entries, random)
    made.described = tree.damage(made.described, random)
    return "description"


def _device_pieces(made: Composed) -> list[int]:
    return [n for n, piece in enumerate(made.pieces) if piece.kind == "full"]


def _renamed(made: Composed, entries: list[Any], random: Random) -> str:
    """A device gets another name, in its section and in its entry."""
    places = _device_pieces(made)
    if len(places) != len(entries):
        return "nothing"
    which = random.randrange(len(entries))
    entry = entries[which]
    text = random.choice(tree.NAMES)
    raw = text.encode(
        "utf-8",
        "surrogateescape" if "\udc80" <= max(text, default="") <= "\udcff" else "surrogatepass",
    )
    if isinstance(entry, tree.Pairs):
        tree.put(entry, "name", text)
    tokens = made.pieces[places[which]].tokens
    for at, token in enumerate(tokens):
        if token.role == "name" and at:
            token.data = raw[:255]
            tokens[at - 1] = number("length", len(token.data), 1)
    return "renamed"


def _both_gone(made: Composed, entries: list[Any], random: Random) -> str:
    """Devices dropped, repeated or exchanged in the stream and in the description alike."""
    places = _device_pieces(made)
    if len(places) != len(entries):
        return "nothing"
    one, two = random.randrange(len(entries)), random.randrange(len(entries))
    what = random.randrange(3)
    if what == 0:
        del made.pieces[places[one]], entries[one]
        return "device dropped"
    if what == 1:
        made.pieces.insert(places[one], made.pieces[places[one]].copy())
        entries.insert(one, copy.deepcopy(entries[one]))
        return "device twice"
    pieces, a, b = made.pieces, places[one], places[two]
    pieces[a], pieces[b] = pieces[b], pieces[a]
    entries[one], entries[two] = entries[two], entries[one]
    return "devices exchanged"


# --- pieces and tokens -----------------------------------------------------------------------------------------


def _number(pieces: list[Piece], random: Random) -> str:
    """A number at a limit."""
    found = [t for p in pieces for t in p.tokens if t.role in NUMBERS and t.data]
    if not found:
        return "nothing"
    token = random.choice(found)
    old = int.from_bytes(token.data, "big")
    token.data = extreme(old, len(token.data), random).to_bytes(len(token.data), "big")
    return f"number {token.role}"


def _flags(pieces: list[Piece], random: Random) -> str:
    """The flags of a record of guest memory."""
    found = [t for p in pieces for t in p.tokens if t.role == "word" and len(t.data) == 8]
    if not found:
        return "nothing"
    token = random.choice(found)
    value = int.from_bytes(token.data, "big")
    flag = 1 << random.randrange(12)
    value = value ^ flag if random.random() < 0.5 else value & -4096 | flag
    token.data = value.to_bytes(8, "big")
    return "flags"


def _name(pieces: list[Piece], random: Random) -> str:
    """Another name, its length put right or not."""
    found = [(p, n) for p in pieces for n, t in enumerate(p.tokens) if t.role == "name"]
    if not found:
        return "nothing"
    piece, at = random.choice(found)
    piece.tokens[at].data = random.choice(NAMES)
    if at and random.random() < 0.8 and piece.tokens[at - 1].role == "length":
        width = len(piece.tokens[at - 1].data)
        piece.tokens[at - 1] = number("length", len(piece.tokens[at].data), width)
    return "name"


def _content(pieces: list[Piece], random: Random) -> str:
    """A bit, a byte, a run of some content; or its length."""
    found = [t for p in pieces for t in p.tokens if t.role not in NUMBERS and t.data]
    if not found:
        return "nothing"
    token = random.choice(found)
    token.data = _bytes(token.data, random)
    return f"content {token.role}"


def _token_gone(pieces: list[Piece], random: Random) -> str:
    piece = random.choice(pieces)
    if piece.tokens:
        del piece.tokens[random.randrange(len(piece.tokens))]
    return "token gone"


def _piece_gone(pieces: list[Piece], random: Random) -> str:
    return f"{pieces.pop(random.randrange(len(pieces))).kind} gone"


def _piece_twice(pieces: list[Piece], random: Random) -> str:
    piece = random.choice(pieces)
    where = random.randrange(len(pieces) + 1)
    many = random.choice([1, 1, 1, 2, 9, 200])
    if len(bytes(piece)) * many > 1 << 16:
        many = 1
    pieces[where:where] = [piece.copy() for _ in range(many)]
    return f"{piece.kind} again"


def _pieces_exchanged(pieces: list[Piece], random: Random) -> str:
    a, b = random.randrange(len(pieces)), random.randrange(len(pieces))
    pieces[a], pieces[b] = pieces[b], pieces[a]
    return "exchanged"


def _piece_new(pieces: list[Piece], random: Random) -> str:
    """A command, an end, a description, a section of nothing where none belongs."""
    which = random.randrange(7)
    if which == 0:
        piece = command(
            random.choice([*range(13), 0xFFFF]), random.randbytes(random.choice([0, 4, 16, 1, 40]))
        )
        if random.random() < 0.3:
            piece.tokens[2] = number("length", random.getrandbits(16), 2)
    elif which == 1:
        piece = Piece("end", [number("type", 0, 1)])
    elif which == 2:
        raw = random.choice([b"{}", b'{"devices": []}', b"[]", b"x", b""])
        piece = Piece("description", [Token("json", build.description(raw))])
    elif which == 3:
        name, section_id = random.choice(NAMES), random.randrange(300)
        body = Token("payload", random.randbytes(9))
        tokens = [*header(4, section_id, name, 0, 1), body, footer(section_id)]
        piece = Piece("full", tokens, "x")
    elif which == 4:
        content = random.choice(
            [b"", build.full(3, "one", b"1"), build.packaged(b""), b"\x04", bytes(20)]
        )
        length = random.choice([None, None, 0, 1, 1 << 31, (1 << 32) - 1])
        piece = Piece("package", [Token("package", build.packaged(content, length))])
    elif which == 5:
        deep = b""
        for _ in range(random.choice([2, 10, 300])):
            deep = build.packaged(deep)
        piece = Piece("package", [Token("package", deep)])
    else:
        piece = Piece("bytes", [Token("bytes", random.randbytes(random.choice([1, 8, 100])))])
    pieces.insert(random.randrange(len(pieces) + 1), piece)
    return f"{piece.kind} put in"


KINDS: tuple[Callable[[list[Piece], Random], str], ...] = (
    _number, _number, _number, _flags, _name, _content, _content, _token_gone, _piece_gone, _piece_twice,
    _pieces_exchanged, _piece_new,
)  # fmt: skip


def pieces_changed(pieces: list[Piece], random: Random) -> str:
    """One thing wrong with the structure; what it was, in a word."""
    return random.choice(KINDS)(pieces, random) if pieces else "nothing"


# --- bytes -------------------------------------------------------------------------------------------------------


def _bytes(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data))
    size = random.choice([1, 1, 2, 4, 5, 8, 17, 300])
    what = random.randrange(8)
    if what <= 1:
        return data[:at] + bytes((data[at] ^ 1 << random.randrange(8),)) + data[at + 1 :]
    if what == 2:
        return (
            data[:at] + random.choice([b"\0", b"\xff", b"\x7f", b"\x80"]) * size + data[at + size :]
        )
    if what == 3:
        return data[:at] + data[at + size :]
    if what == 4:
        return data[:at] + random.randbytes(size) + data[at:]
    if what == 5:
        return data[: at + size] + data[at:]
    if what == 6:
        other = random.randrange(len(data))
        return data[:at] + data[other : other + size] + data[at + size :]
    return data[:at] + random.randbytes(size) + data[at + size :]


def bytes_changed(data: bytes, random: Random) -> tuple[bytes, str]:
    """One thing wrong with the bytes, wherever they are; and what it was, in a word."""
    if not data:
        return data, "nothing"
    if random.random() < 0.2:
        return data[: random.randrange(len(data))], "cut"
    return _bytes(data, random), "bytes"


# --- what follows, and what it is packed in -----------------------------------------------------------------------


def tail_changed(data: bytes, other: bytes, random: Random) -> tuple[bytes, str]:
    """Something behind the stream, or in front; and what, in a word."""
    what = random.randrange(8)
    if what == 0:
        return data + other, "second stream"
    if what == 1:
        return data + bytes(random.choice([1, 511, 4096, 70_000])), "zeros behind"
    if what == 2:
        return data + random.randbytes(random.choice([1, 40, 5000])), "rubbish behind"
    if what == 3:  # an older, longer stream on the same volume
        return data + other[len(data) :], "older stream behind"
    if what == 4:
        end = other.rfind(b"\0\x06")
        return data + other[max(end, 0) :], "older description behind"
    if what == 5:
        return random.randbytes(random.choice([1, 512])) + data, "rubbish in front"
    if what == 6:
        return data + bytes(600) + other + bytes(9), "zeros and a second stream"
    return other[: random.randrange(len(other) + 1)] + data, "part of another in front"


def _in_blocks(pack: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Compress four pieces, each by itself: such files are read in ranges."""

    def packed(data: bytes) -> bytes:
        size = len(data) // 4 + 1
        return b"".join(pack(data[at : at + size]) for at in range(0, len(data), size))

    return packed


def _captured(data: bytes) -> bytes:
    return pcap(spoken(Flow("10.0.0.1", 40000, "10.0.0.2", 4444), data))


CONTAINERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, 1, mtime=0),
    "bz2": lambda data: bz2.compress(data, 1),
    "xz": lambda data: lzma.compress(data, preset=0),
    "zst": lambda data: zstd.compress(data, 1),
    "blocks.xz": _in_blocks(lambda data: lzma.compress(data, preset=0)),
    "blocks.zst": _in_blocks(lambda data: zstd.compress(data, 1)),
    "pcap": _captured,
}
