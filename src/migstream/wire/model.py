"""What a stream consists of. Every byte of a source belongs to exactly one item.

Items are plain values; the readers make them, nobody changes them afterwards.
Source of all layouts: QEMU, migration/savevm.c and migration/savevm.h.
"""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from migstream.names import brief

__all__ = [
    "GOES_ON",
    "Command",
    "Configuration",
    "End",
    "FileHeader",
    "Item",
    "Opaque",
    "Section",
    "SectionType",
    "Span",
    "Subsection",
    "Trailer",
    "VMDescription",
    "downtime",
    "flat",
    "item_at",
    "owned",
]


class Span(NamedTuple):
    """Bytes [start, stop) of the source, absolute offsets."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start

    def __contains__(self, offset: object) -> bool:
        return isinstance(offset, int) and self.start <= offset < self.stop

    def __str__(self) -> str:
        return f"{self.start:#x}-{self.stop:#x}"


class SectionType(enum.IntEnum):
    """The type byte that opens each item (migration/savevm.h: QEMU_VM_*)."""

    EOF = 0x00
    START = 0x01
    PART = 0x02
    END = 0x03
    FULL = 0x04
    SUBSECTION = 0x05
    VMDESCRIPTION = 0x06
    CONFIGURATION = 0x07
    COMMAND = 0x08
    FOOTER = 0x7E


GOES_ON = frozenset({SectionType.PART, SectionType.END})  # of a live section, behind its START


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of the stream; the items of a stream follow each other without gap or overlap."""

    span: Span

    def __repr__(self) -> str:
        return brief(type(self).__name__, *self._facts(), self.span)

    def _facts(self) -> tuple[object, ...]:
        """What a repr says besides the place."""
        return ()

    @property
    def label(self) -> str:
        """What this is, in one word of QEMU's."""
        return type(self).__name__.lower()


class FileHeader(Item, frozen=True, kw_only=True):
    """Magic and version (migration/savevm.c: qemu_savevm_state_header)."""

    version: int


class Subsection(msgspec.Struct, frozen=True, kw_only=True):
    """One subsection of the configuration: its whole span, its payload's, and what it says."""

    name: str
    version: int
    span: Span
    payload: Span
    value: Any

    def __repr__(self) -> str:
        return brief("Subsection", self.name, f"v{self.version}", self.span)


class Configuration(Item, frozen=True, kw_only=True):
    """Machine type and what else both sides must agree on (savevm.c: vmstate_configuration).

    `name_span` is the machine name's bytes, after the be32 length.
    """

    machine: str
    name_span: Span
    subsections: tuple[Subsection, ...] = ()

    def _facts(self) -> tuple[object, ...]:
        return (self.machine,)

    def _value(self, name: str) -> Any:
        return next((s.value for s in self.subsections if s.name == name), None)

    @property
    def page_bits(self) -> int | None:
        """`configuration/target-page-bits`, where sent."""
        value: int | None = self._value("configuration/target-page-bits")
        return value

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The capabilities that the stream records: QEMU records only those it validates."""
        return self._value("configuration/capabilities") or ()

    @property
    def uuid(self) -> str | None:
        value: str | None = self._value("configuration/uuid")
        return value


class Section(Item, frozen=True, kw_only=True):
    """START, PART, END or FULL: header, payload, and the footer where the stream has footers.

    `content` is what the section's codec made of the payload (its own type, None without codec).
    `how` says what bounds the payload: "codec", "description", "footer", "guess" (plausible
    headers only), "damage" (broken off), "rest" (nothing bounds it).
    """

    type: SectionType
    section_id: int
    name: str
    instance_id: int
    version_id: int | None
    payload: Span
    footer: Span | None = None
    content: Any = None
    how: str = "codec"

    def _facts(self) -> tuple[object, ...]:
        version = None if self.version_id is None else f"v{self.version_id}"
        return self.label, self.path, version, "damaged" if self.how == "damage" else ""

    @property
    def label(self) -> str:
        return self.type.name.lower()

    @property
    def key(self) -> tuple[str, int]:
        return self.name, self.instance_id

    @property
    def path(self) -> str:
        return f"{self.name}[{self.instance_id}]"


class Command(Item, frozen=True, kw_only=True):
    """A COMMAND with its payload decoded (savevm.c: mig_cmd_args).

    `items` are the nested ones of PACKAGED, which lie inside this item's span.
    """

    command: int
    name: str
    payload: Span
    value: Any = None
    items: tuple[Item, ...] = ()

    def _facts(self) -> tuple[object, ...]:
        return (self.name,)


class End(Item, frozen=True, kw_only=True):
    """The end marker: any QEMU stops reading device state here."""


class VMDescription(Item, frozen=True, kw_only=True):
    """The JSON description with its type byte and length; `text` is the JSON alone."""

    text: Span

    @property
    def label(self) -> str:
        return "description"


class Trailer(Item, frozen=True, kw_only=True):
    """Bytes after the stream: padding of a volume, or something else's."""

    zeros: bool


class Opaque(Item, frozen=True, kw_only=True):
    """Bytes that were not read, and why: damage before them, or RAM that nobody asked for."""

    reason: str

    def _facts(self) -> tuple[object, ...]:
        return (self.reason,)


def flat(items: Sequence[Item]) -> Iterator[Item]:
    """Items, and after each package what it holds."""
    for item in items:
        yield item
        if isinstance(item, Command):
            yield from flat(item.items)


def owned(items: Iterable[Item]) -> Iterator[tuple[int, int, Item]]:
    """Every byte once, as [start, stop) and the item whose own it is; of a package what is around the items in it."""
    for item in items:
        at = item.span.start
        for inner in item.items if isinstance(item, Command) else ():
            if inner.span.start > at:
                yield at, inner.span.start, item
            yield from owned([inner])
            at = inner.span.stop
        if at < item.span.stop:
            yield at, item.span.stop, item


def downtime(items: Sequence[Item]) -> int | None:
    """Where the part begins that is sent while the guest stands: behind the last RAM that was sent live.

    None where none was (migration/savevm.c: qemu_savevm_state_iterate, qemu_savevm_state_complete_precopy).
    """
    live = (
        item.span.stop
        for item in flat(items)
        if isinstance(item, Section) and item.type == SectionType.PART and item.name == "ram"
    )
    return max(live, default=None)


def item_at(items: Sequence[Item], offset: int) -> Item | None:
    """The item that owns a byte, the innermost of a package; `items` follow each other."""
    index = bisect_right(items, offset, key=lambda item: item.span.start) - 1
    if index < 0 or offset not in items[index].span:
        return None
    item = items[index]
    inner = item_at(item.items, offset) if isinstance(item, Command) else None
    return item if inner is None else inner
