"""Tail first: what a file says of itself from its end, without its guest memory being read.

It is believed only where nothing says otherwise; `Tail.doubt` names what does.
"""

from __future__ import annotations

import re
from functools import cached_property

from migstream.errors import BadDescription, ParseError, StreamError
from migstream.iterable import SECTIONS
from migstream.source.store import Store, Until
from migstream.stream.reading import Described, contradiction, described_at
from migstream.wire.cursor import WINDOW, Cursor
from migstream.wire.frames import BEGINNING
from migstream.wire.model import GOES_ON, End, FileHeader, Item, Section, SectionType
from migstream.wire.push import Push, drive, through
from migstream.wire.registry import Context
from migstream.wire.tail import find_description, locate_devices
from migstream.wire.walk import Walker

__all__ = ["Tail"]

# The VMState of a board, and how the names of its machine types begin (hw/pci-host/i440fx.c, q35.c, hw/ppc/spapr.c).
BOARDS = {"I440FX": ("pc-", "xenfv"), "mch": ("pc-q35",), "spapr": ("pseries",)}
PCI = r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]/"

FEW = (
    128 << 10
)  # bytes of what is dear that are read at once: most streams have no more before guest memory
NEAR = 32 << 20  # bytes that are walked whatever the tail says: a fiftieth of a second


class Tail:
    """The end of a source whose bytes are at hand, and its first items.

    `errors` are what is wrong with either.

    Parameters
    ----------
    base : where the store begins in the file that QEMU wrote to, in bytes
    dear : each range costs much, a round trip or unpacking: no more than the end and the head are asked for
    """

    def __init__(self, store: Store, base: int = 0, *, dear: bool = False) -> None:
        self._store = store
        self._base = base
        self._dear = dear
        self.errors: list[StreamError] = []

    @cached_property
    def described(self) -> Described | None:
        """The description found from the end, None where there is none that can be read."""
        span = find_description(self._store)
        if span is None:
            return None
        try:
            return described_at(self._store, span)
        except BadDescription as error:
            self.errors.append(error)
            return None

    @cached_property
    def late(self) -> list[Section]:
        """Device sections before the end marker, verified; none where they cannot be located."""
        found = self.described
        if found is None:
            return []
        return locate_devices(self._store, found.span.start, found.extents)

    @cached_property
    def walker(self) -> Walker:
        """What walked the head."""
        found = self.described
        context = Context(limit=self._store.size, base=self._base)
        if found is None:
            return Walker(SECTIONS, context=context)
        context.page_size = found.page_size
        known = [section.span.start for section in self.late]
        return Walker(SECTIONS, found.sizes, context, known)

    @cached_property
    def head(self) -> tuple[Item, ...]:
        """What precedes the first PART, END or located device: header, configuration, setup."""
        stop = self.late[0].span.start if self.late else self._store.size
        items: list[Item] = []
        window = FEW if self._dear else WINDOW
        for item in through(Push(self.walker, whole=self._store, window=window)):
            if item.span.start >= stop or self.walker.damage:
                break
            if isinstance(item, Section) and item.type in GOES_ON:
                break
            items.append(item)
            at = item.span.stop
            if at >= stop or bytes(self._store.view(at, at + 1)) in {b"\x02", b"\x03"}:
                break
        if not items:
            self.errors += self.walker.damage
        return tuple(items)

    @cached_property
    def located(self) -> list[Section] | None:
        """All device sections without reading RAM; None where that does not verify."""
        if self.described is None:
            return None
        extents = self.described.extents
        missing = extents[: len(extents) - len(self.late)]
        early = [s for s in self.head if isinstance(s, Section) and s.how == "description"]
        if [s.key for s in early] != [(e.name, e.instance_id) for e in missing]:
            return None
        return early + self.late

    @property
    def start(self) -> int:
        """Where what was found from the end begins: the first device behind guest memory, or the end marker."""
        assert self.described is not None
        return self.late[0].span.start if self.late else self.described.span.start - 1

    @cached_property
    def damage(self) -> list[StreamError]:
        """What is wrong from there on: that much is walked, behind the head, as all of a stream would be."""
        sizes: dict[tuple[str, int], list[int]] = {}
        for section in self.late:
            sizes.setdefault(section.key, []).append(section.payload.size)
        _ = self.head  # which sections were begun
        walker = self.walker.again(sizes, [section.span.start for section in self.late])
        for _ in drive(self._store, walker, self.start):
            pass
        return walker.damage

    @cached_property
    def doubt(self) -> str | None:
        """What says that this end may not be the end of what begins here; None where nothing does."""
        found, store = self.described, self._store
        if found is None:
            return "no description was found from the end"
        if found.span.stop < store.size:
            return f"bytes follow the description at {found.span.start:#x}"
        if not self.head or not isinstance(self.head[0], FileHeader):
            return "no stream begins at the first byte"
        if self.located is None:
            return "the description's sizes do not lead to the device sections"
        first = self.late[0].span.start if self.late else found.span.start
        if Cursor(b"", first, eof=False, whole=store).find(BEGINNING, first) >= 0:
            return "another stream's header stands among the device sections"
        live = {
            i: start.name
            for i, start in self.walker.starts.items()
            if start.type == SectionType.START
        }
        clash = next((s for s in self.late if s.section_id in live), None)
        if clash is not None:
            return f"{clash.path} has the section id of {live[clash.section_id]}"
        if self.late and live and self.walker.context.footers:
            footer = bytes(store.view(first - 5, first))
            if footer[:1] == b"\x7e" and int.from_bytes(footer[1:], "big") not in live:
                return f"section {int.from_bytes(footer[1:], 'big')}, which ends before the devices, was not begun"
        context = self.walker.context
        bits = None if context.configuration is None else context.configuration.page_bits
        page = 1 << bits if bits is not None and bits < 32 else None
        return contradiction(self.late, page, found) or self._foreign(found) or self._short(found)

    def _short(self, found: Described) -> str | None:
        """A stream that ends soon, on what an older one of the same machine ends."""
        if self._dear:
            return None
        context = Context(limit=self._store.size, base=self._base)
        push = Push(Walker(SECTIONS, context=context), whole=Until(self._store, NEAR))
        try:
            end = next((item for item in push.items() if isinstance(item, End)), None)
        except ParseError:
            return None  # cut off there, or damaged: the walk says which
        if end is None or end.span.stop == found.span.start:
            return None
        return f"the stream that begins here ends at {end.span.stop:#x}"

    def _foreign(self, found: Described) -> str | None:
        """Devices that the machine at the beginning does not have, or lacks."""
        configuration = self.walker.context.configuration
        for device in found.description.devices:
            prefixes = BOARDS.get(device.group.vmsd_name)
            if (
                configuration is not None
                and prefixes is not None
                and not configuration.machine.startswith(prefixes)
            ):
                return f"{configuration.machine} has no {device.group.vmsd_name}"
        places = {_place(device.name) for device in found.description.devices}
        setup = next(
            (i.content for i in self.head if isinstance(i, Section) and i.name == "ram"), None
        )
        for block in setup.blocks if setup is not None else ():
            if (place := _place(block.name)) and place not in places:
                return f"no device is described to which the RAM block {block.name} could belong"
        return None


def _place(name: str) -> str:
    """The PCI address that a device's or RAM block's name begins with, "" where it does not."""
    return name.partition("/")[0] if re.match(PCI, name) else ""
