"""The kept streams, taken apart: heads, devices with their bytes and descriptions, small live sections."""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzz import tree
from fuzz.tokens import Piece, Token, footer, header, number
from migstream.stream import Stream, open_anything
from migstream.wire.model import Command, Configuration, Section, SectionType, flat
from support import build, samples

__all__ = ["Device", "Kept", "kept_streams"]

MOST = 6000  # bytes of a device and its description together: cases are small to be many
# These differ from `pc` in their memory and live sections alone, which are made anew for every case.
ALIKE = frozenset(
    {"pc-background", "pc-bitmaps", "pc-compress", "pc-ignore-shared", "pc-uuid", "pc-xbzrle"}
)


@dataclass(frozen=True)
class Device:
    """A device section, and its entry of the description (None where there is none)."""

    piece: Piece
    entry: Any
    size: int


@dataclass(frozen=True)
class Kept:
    """What streams are made of. `blocks` are names and lengths of the RAM blocks."""

    name: str
    machine: str | None
    page_bits: bytes
    page: int
    footers: bool
    described: bool
    blocks: tuple[tuple[bytes, int], ...]
    devices: tuple[Device, ...]
    live: tuple[tuple[Piece, Piece | None, Piece | None], ...]
    commands: tuple[Piece, ...]


def kept_streams() -> tuple[Kept, ...]:
    """The kept streams of this repository, in the order of their names."""
    paths = sorted(samples.OWN.glob("*.mig.xz"))
    return tuple(
        _kept(path) for path in paths if path.name.removesuffix("-7.2.mig.xz") not in ALIKE
    )


def _kept(path: Path) -> Kept:
    data = lzma.decompress(path.read_bytes())
    stream = open_anything(data)
    found = tree.load(data[slice(*_text(stream))]) if stream.description_span else None
    sections = [i for i in flat(stream.items) if isinstance(i, Section)]
    entries: dict[tuple[str, int], list[Any]] = {}
    for entry in tree.get(found, "devices") or ():
        entries.setdefault((tree.get(entry, "name"), tree.get(entry, "instance_id")), []).append(
            entry
        )
    devices = []
    for section in sections:
        if section.type is not SectionType.FULL:
            continue
        turn = entries.get(section.key)
        entry = turn.pop(0) if turn else None
        size = section.payload.size + len(tree.dump(entry))
        if size <= MOST and (entry is not None or found is None):
            devices.append(Device(_section(section, data), entry, size))
    config = next((i for i in stream.items if isinstance(i, Configuration)), None)
    return Kept(
        name=path.name.removesuffix(".mig.xz"),
        machine=None if config is None else config.machine,
        page_bits=b"" if config is None else _page_bits(config, data),
        page=tree.get(found, "page_size") or 4096,
        footers=any(s.footer for s in sections),
        described=found is not None,
        blocks=tuple((b.name.encode(), b.used_length) for b in stream.blocks),
        devices=tuple(devices),
        live=_live(sections, data),
        commands=tuple(_command(i, data) for i in stream.items if isinstance(i, Command)),
    )  # fmt: skip


def _page_bits(config: Configuration, data: bytes) -> bytes:
    found = [s.span for s in config.subsections if s.name == "configuration/target-page-bits"]
    return b"".join(data[slice(*span)] for span in found)


def _text(stream: Stream) -> tuple[int, int]:
    span = stream.description_span
    assert span is not None
    return span.start + 5, span.stop


def _section(section: Section, data: bytes) -> Piece:
    name = section.name.encode()
    if section.type in {SectionType.START, SectionType.FULL}:
        version = section.version_id or 0
        tokens = header(section.type, section.section_id, name, section.instance_id, version)
    else:
        tokens = [number("type", section.type, 1), number("id", section.section_id, 4)]
    tokens.append(Token("payload", data[slice(*section.payload)]))
    if section.footer:
        tokens.append(footer(section.section_id))
    return Piece(section.type.name.lower(), tokens, section.name)


def _live(
    sections: list[Section], data: bytes
) -> tuple[tuple[Piece, Piece | None, Piece | None], ...]:
    """START, one PART and END of every live section but RAM."""
    found: dict[int, dict[SectionType, Piece]] = {}
    for section in sections:
        if section.name != "ram" and section.type is not SectionType.FULL:
            found.setdefault(section.section_id, {})[section.type] = _section(section, data)
    return tuple(
        (one[SectionType.START], one.get(SectionType.PART), one.get(SectionType.END))
        for one in found.values()
    )


def _command(item: Command, data: bytes) -> Piece:
    payload = data[slice(*item.payload)]
    return command(item.command, payload)


def command(which: int, payload: bytes = b"") -> Piece:
    """A COMMAND."""
    head = build.command(which, payload)
    return Piece(
        "command",
        [
            number("type", 8, 1),
            Token("command", head[1:3]),
            Token("length", head[3:5]),
            Token("payload", payload),
        ],
    )
