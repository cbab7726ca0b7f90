"""A machine's image: it is started, stands still, saves itself, and its stream is taken apart."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from migstream.catalogue.model import Image, Live, Placed, State
from migstream.qemu.process import COMMON, Qemu, Refused
from migstream.stream import Stream, open_stream
from migstream.wire.model import Command, Configuration, Section, SectionType, flat

__all__ = ["WORDS", "Bench", "image"]

SAME = ("-rtc", "base=2020-01-01T00:00:00")  # so that two runs give the same bytes
WORDS = (*COMMON, *SAME)  # what each command line has beside its own
PATIENCE = 30.0  # seconds: of thousands of command lines, some lead nowhere; a host may be busy

# What the description of a device begins with; the rest is the same for every device of that kind and state.
KEYS = re.compile(r'\{\s*"name"\s*:\s*"(?:[^"\\]|\\.)*",\s*"instance_id"\s*:\s*-?\d+,?\s*')
DEVICES = re.compile(r'"devices"\s*:\s*\[\s*')
LATER = re.compile(r"[\s,]*")


class States:
    """States of sections, each kept once."""

    def __init__(self, known: Iterable[State] = ()) -> None:
        self._numbers: dict[State, int] = {}
        for state in known:
            self.number(state)

    def number(self, state: State) -> int:
        return self._numbers.setdefault(state, len(self._numbers))

    @property
    def all(self) -> tuple[State, ...]:
        return tuple(self._numbers)


class Bench:
    """One binary, started again and again; all that it saves goes to the same states.

    Parameters
    ----------
    command : the beginning of its command line
    path : a file that is written over
    known : states that have numbers already

    Attributes
    ----------
    lines : the command lines that were run for a family so far, without what all of them have
    noisy : sections that differ from run to run
    """

    def __init__(self, command: Sequence[str], path: Path, known: Iterable[State] = ()) -> None:
        self.command = list(command)
        self.states = States(known)
        self.lines: list[str] = []
        self.noisy: set[tuple[str, int]] = set()
        self._path = path

    def take(self, arguments: Sequence[str]) -> Image:
        """Start it with these arguments and take what it saves.

        Raises
        ------
        QemuError : it does not start with them, or does not save itself
        """
        self.lines.append(shlex.join(arguments))
        with Qemu(self.command, [*SAME, *arguments], PATIENCE) as guest:
            taken = addresses(guest)
            with self._path.open("wb") as out:
                guest.execute("migrate", {"uri": guest.give(out.fileno())})
                guest.finish_migration(PATIENCE)
        with open_stream(self._path) as stream:
            found = image(stream, self.states, taken)
        return msgspec.structs.replace(found, run=len(self.lines) - 1)

    def alike(self, one: Image, other: Image) -> bool:
        """Whether two images have the same blocks, and sections of the same form."""
        return one.blocks == other.blocks and self._forms(one) == self._forms(other)

    def _forms(self, image: Image) -> dict[tuple[str, int], tuple[int, int, bytes]]:
        every = self.states.all
        found = {}
        for placed in image.sections:
            state = every[placed.state]
            found[placed.key] = state.version, len(state.payload), state.text
        return found


def addresses(guest: Qemu) -> tuple[str, ...]:
    """Slot and function of each device on PCI's root bus."""
    try:
        buses: list[Any] = guest.execute("query-pci")
    except Refused:  # a binary without PCI
        return ()
    return tuple(
        f"{device['slot']:02x}.{device['function']:x}"
        for bus in buses[:1]
        for device in bus["devices"]
    )


def image(stream: Stream, states: States, taken: Sequence[str] = ()) -> Image:
    """A stream's parts; of guest memory only the blocks."""
    items = list(flat(stream.items))
    view = stream.store.view
    head = next((bytes(view(*i.span)) for i in items if isinstance(i, Configuration)), b"")
    sections = [i for i in items if isinstance(i, Section)]
    ram_at = next((s.span.start for s in sections if s.name == "ram"), 0)
    intro, texts = _described(stream)
    placed = []
    for device in stream.devices:
        section = device.section
        state = State(
            section.version_id or 0,
            bytes(view(*section.payload)),
            texts.get(section.key, b""),
        )
        early = section.span.start < ram_at
        placed.append(Placed(section.name, section.instance_id, states.number(state), early))
    starts = [s for s in sections if s.type is SectionType.START]
    return Image(
        head=head,
        intro=intro,
        footers=any(s.footer is not None for s in sections),
        switchover=any(isinstance(i, Command) and i.name == "SWITCHOVER_START" for i in items),
        ram_version=next((s.version_id or 0 for s in starts if s.name == "ram"), 4),
        blocks={block.name: block.used_length for block in stream.blocks},
        live=tuple(_live(s, sections, stream) for s in starts if s.name != "ram"),
        sections=tuple(placed),
        pci=tuple(taken),
    )


def _live(start: Section, sections: Sequence[Section], stream: Stream) -> Live:
    ends = [
        s
        for s in sections
        if s.section_id == start.section_id and s.type in (SectionType.PART, SectionType.END)
    ]
    view = stream.store.view
    return Live(
        start.name,
        start.instance_id,
        start.version_id or 0,
        bytes(view(*start.payload)),
        bytes(view(*ends[-1].payload)) if ends else b"",
    )


def _described(stream: Stream) -> tuple[bytes, dict[tuple[str, int], bytes]]:
    """The description in pieces: up to the devices, and of each device what stands behind its instance id.

    Pieces of text, not of a table: keys occur several times in one object.
    """
    if stream.description is None:
        return b"", {}
    text = stream.description.text.decode("utf-8", "surrogateescape")
    begin = DEVICES.search(text)
    if begin is None:
        return b"", {}
    found: dict[tuple[str, int], bytes] = {}
    decoder, at = json.JSONDecoder(), begin.end()
    while text[at] == "{":
        device, stop = decoder.raw_decode(text, at)
        keys = KEYS.match(text, at)
        if keys is not None:
            rest = text[keys.end() : stop].encode("utf-8", "surrogateescape")
            found[device["name"], device["instance_id"]] = rest
        later = LATER.match(text, stop)
        at = stop if later is None else later.end()
    return text[: begin.end()].encode("utf-8", "surrogateescape"), found
