"""A stream as pieces, each of them a list of tokens: what the damage to structure works on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from support import build

__all__ = ["NUMBERS", "Piece", "Token", "counted", "joined", "number"]

NUMBERS = frozenset(
    {"type", "id", "length", "instance", "version", "count", "word", "size", "address", "fill", "command", "at bitmap", "at pages"}
)  # fmt: skip


@dataclass
class Token:
    """Some bytes that mean one thing; `role` says what: one of NUMBERS, a name, bytes."""

    role: str
    data: bytes


@dataclass
class Piece:
    """An item of the stream, or one record of guest memory; `name` is a section's."""

    kind: str
    tokens: list[Token] = field(default_factory=list)
    name: str = ""

    def __bytes__(self) -> bytes:
        return b"".join(token.data for token in self.tokens)

    def copy(self) -> Piece:
        """One that can be damaged without the other."""
        return Piece(self.kind, [Token(t.role, t.data) for t in self.tokens], self.name)


def number(role: str, value: int, width: int) -> Token:
    """A big-endian number, cut to its width."""
    return Token(role, (value & (1 << 8 * width) - 1).to_bytes(width, "big"))


def counted(name: bytes) -> list[Token]:
    """A name behind its length of one byte."""
    return [number("length", len(name), 1), Token("name", name)]


def joined(pieces: Iterable[Piece]) -> bytes:
    """The bytes of all pieces."""
    return b"".join(map(bytes, pieces))


def header(kind: int, section_id: int, name: bytes, instance: int, version: int) -> list[Token]:
    """The header of a START or FULL section."""
    return [
        number("type", kind, 1),
        number("id", section_id, 4),
        *counted(name),
        number("instance", instance, 4),
        number("version", version, 4),
    ]


def footer(section_id: int) -> Token:
    return Token("footer", build.footer(section_id))
