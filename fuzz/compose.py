"""A whole, good stream of some KB, made of parts of the kept ones, by chance."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from fuzz import tree
from fuzz.kept import Device, Kept, command
from fuzz.live import live_section
from fuzz.memory import Memory, guest_memory, place_areas
from fuzz.tokens import Piece, Token, joined, number
from support import build

__all__ = ["Composed", "compose"]

BUDGET = 8000  # bytes of devices and their description
ADVISED = 4096 | 1 << 21  # sizes of the pages behind guest memory


@dataclass
class Composed:
    """A stream in pieces, its description as a tree (None where it has none), and `tail`, which
    `describe` makes of that. `shape` is what it is, in words.
    """

    pieces: list[Piece]
    described: Any
    page: int
    footers: bool
    shape: str
    recordings: list[bytes] = field(default_factory=list)
    tail: list[Piece] = field(default_factory=list)

    def describe(self) -> None:
        """Make the tail: end marker and description, as the tree is now."""
        self.tail = [Piece("end", [number("type", 0, 1)])]
        if self.described is not None:
            text = tree.dump(self.described)
            tokens = [number("type", 6, 1), number("length", len(text), 4), Token("json", text)]
            self.tail.append(Piece("description", tokens))

    def data(self) -> bytes:
        """The stream's bytes."""
        return joined(self.pieces) + joined(self.tail)


def _configuration(kept: Kept, memory: Memory, random: Random) -> list[Piece]:
    if kept.machine is None:
        return []
    name = kept.machine.encode()
    tokens = [number("type", 7, 1), number("length", len(name), 4), Token("name", name)]
    if memory.capabilities:
        names = b"".join(build.counted(one) for one in memory.capabilities)
        raw = build.subsection(
            "configuration/capabilities", build.be32(len(memory.capabilities)) + names
        )
        tokens.append(Token("subsection", raw))
    if kept.page_bits:
        tokens.insert(3, Token("subsection", kept.page_bits))
    if random.random() < 0.1:
        tokens.append(Token("subsection", build.subsection("configuration/uuid", bytes(range(16)))))
    return [Piece("configuration", tokens)]


def _devices(kept: Kept, random: Random) -> list[Device]:
    """Some devices within the budget, in their order."""
    left, chosen = random.choice([1000, BUDGET, BUDGET]), set()
    for n in random.sample(range(len(kept.devices)), len(kept.devices)):
        if kept.devices[n].size <= left:
            left -= kept.devices[n].size
            chosen.add(n)
    return [kept.devices[n] for n in sorted(chosen)]


def _packaged(devices: list[Piece], random: Random) -> list[Piece]:
    """The end of a stream that went over to postcopy: its devices in a package."""
    inside = [command(4), *devices, command(2, build.be32(3)), command(5)]
    content = joined(inside)
    tokens = [number("type", 8, 1), number("command", 7, 2), number("length", 4, 2)]
    tokens.append(number("size", len(content), 4))
    for piece in inside:
        tokens += piece.tokens
    discard = b"\0" + build.counted("pc.ram") + b"\0" + build.be64(0) + build.be64(4096)
    before = [command(11)] if random.random() < 0.5 else []
    return [*before, command(6, discard), command(2, build.be32(2)), Piece("package", tokens), command(2, build.be32(4))]  # fmt: skip


def compose(streams: tuple[Kept, ...], random: Random) -> Composed:
    """A good stream: some machine, some devices, memory and live sections in some encoding."""
    kept = random.choice(streams)
    memory = guest_memory(
        kept.blocks, kept.page, random, footers=kept.footers, recorded=kept.machine is not None
    )
    devices = _devices(kept, random)
    package = memory.advise and kept.footers and random.random() < 0.7
    live = [tuple(p and p.copy() for p in one) for one in kept.live]
    if random.random() < 0.25:
        live.append(live_section(90, kept.footers, random))
    head = [Piece("header", [Token("magic", b"QEVM"), number("version", 3, 4)])]
    head += _configuration(kept, memory, random)
    if memory.advise:
        head += [
            command(1),
            command(2, build.be32(1)),
            command(3, build.be64(ADVISED) + build.be64(kept.page)),
        ]
    elif random.random() < 0.2:
        head += [piece.copy() for piece in kept.commands]
    pieces = [*head, *memory.setup, *(one[0] for one in live if one[0])]
    pieces += [*memory.parts, *(one[1] for one in live if one[1])]
    sections = [device.piece.copy() for device in devices]
    if package:
        pieces += _packaged(sections, random)
        pieces += [*memory.end, *(one[2] for one in live if one[2])]
    else:
        pieces += [*memory.end, *(one[2] for one in live if one[2]), *sections]
    described = None
    if kept.described and not package:
        entries = [tree.load(tree.dump(device.entry)) for device in devices]
        described = tree.Pairs([("page_size", kept.page), ("devices", entries)])
    shape = (
        f"{kept.name}{' package' if package else ''}{' ' + ' '.join(memory.capabilities)}".strip()
    )
    place_areas(pieces, kept.page)
    return Composed(pieces, described, kept.page, kept.footers, shape, memory.recordings)
