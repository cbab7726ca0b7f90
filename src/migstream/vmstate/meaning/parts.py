"""What a decoder builds its nodes with: fields one after another over bytes that may end anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from migstream.vmstate.layout import Node

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["Inside", "Meaning", "Parts", "Subsection", "Unclear", "fields", "node", "size_of"]

SUBSECTION = 0x05  # migration/savevm.h: QEMU_VM_SUBSECTION
DEEPEST = 8  # subsections in one another


class Unclear(Exception):
    """The bytes are not what they would have to be here."""


class Inside(msgspec.Struct, frozen=True):
    """Where bytes stand that a decoder is asked about.

    Attributes
    ----------
    device : the section's name: `0000:00:03.0/virtio-net`
    vmsd : the name of the device's VMState: `virtio-net`
    path : from the device to the field: `virtio/device`
    field : the field's own name
    type : QEMU's word for its type: `buffer`
    version : of the device's VMState, None where it is not known
    machine : the machine type that the stream names, None where it names none
    beside : the value of this name in the same struct, None where there is none
    big_endian : whether the guest's CPUs are of an architecture that is
    """

    device: str
    vmsd: str
    path: str
    field: str
    type: str
    version: int | None
    machine: str | None
    beside: Callable[[str], Value | None]
    big_endian: Callable[[], bool]

    def number(self, name: str) -> int:
        """The number beside this field that is called so. Raises Unclear where there is none."""
        found = self.beside(name)
        try:
            return int(found) if found is not None else self._missing(name)
        except TypeError:
            return self._missing(name)

    def _missing(self, name: str) -> int:
        raise Unclear(f"no number {name} is beside {self.field}")


Meaning = Callable[[memoryview, Inside], Sequence[Node]]


def node(
    name: str, kind: str, offset: int, size: int, count: int = 1, children: Iterable[Node] = ()
) -> Node:
    """`count` elements of a type in `size` bytes; a struct where an element has children."""
    inner = tuple(children)
    return Node(
        name=name,
        type=kind,
        kind="struct" if inner else "leaf",
        offset=offset,
        size=size,
        count=count if count > 1 else None,
        stride=size // count if count > 1 else size,
        children=inner,
    )


def fields(*described: tuple[str, str, int] | tuple[str, str, int, int]) -> tuple[Node, ...]:
    """Nodes from (name, type, size of one[, count]), one after another."""
    out: list[Node] = []
    at = 0
    for name, kind, size, *more in described:
        count = more[0] if more else 1
        out.append(node(name, kind, at, size * count, count))
        at += size * count
    return tuple(out)


def size_of(nodes: Sequence[Node]) -> int:
    """Bytes up to the end of the last node."""
    return nodes[-1].offset + nodes[-1].size if nodes else 0


class Parts:
    """Nodes one after another over `raw`. What does not fit raises Unclear."""

    def __init__(self, raw: memoryview) -> None:
        self.raw = raw
        self.at = 0
        self.nodes: list[Node] = []

    @property
    def left(self) -> int:
        return len(self.raw) - self.at

    def add(
        self, name: str, kind: str, size: int, count: int = 1, children: Iterable[Node] = ()
    ) -> memoryview:
        """A node of `size` bytes; one without bytes is left out."""
        if not 0 <= size <= self.left:
            raise Unclear(f"{name}: {size} bytes, where {self.left} are left")
        piece = self.raw[self.at : self.at + size]
        if size:
            self.nodes.append(node(name, kind, self.at, size, count, children))
        self.at += size
        return piece

    def number(self, name: str, kind: str, size: int) -> int:
        order: Literal["little", "big"] = "little" if kind.startswith("le") else "big"
        return int.from_bytes(self.add(name, kind, size), order)

    def u8(self, name: str) -> int:
        return self.number(name, "uint8", 1)

    def u16(self, name: str) -> int:
        return self.number(name, "uint16", 2)

    def u32(self, name: str) -> int:
        return self.number(name, "uint32", 4)

    def u64(self, name: str) -> int:
        return self.number(name, "uint64", 8)

    def struct(self, name: str, inner: Sequence[Node], count: int = 1) -> memoryview:
        """A struct, or an array of `count` of them, whose element consists of `inner`."""
        return self.add(name, "struct", size_of(inner) * count, count, inner)

    def with_rest(self, name: str, inner: tuple[Node, ...], size: int) -> None:
        """A struct of `size` bytes, of which `inner` are known."""
        known = size_of(inner)
        if size > known:
            inner += (node("rest", "buffer", known, size - known),)
        self.add(name, "struct", size, 1, inner)

    def inside(self) -> Parts:
        """The same for a struct that begins here and whose size is not known yet: `close` adds it."""
        return Parts(self.raw[self.at :])

    def close(self, name: str, inner: Parts, kind: str = "struct") -> None:
        self.add(name, kind, inner.at, 1, inner.nodes)

    def sequence(self, name: str, elements: Parts) -> None:
        """The structs of `elements`, which began here, as an array of which each has a size of its own."""
        if elements.nodes:
            self.add(name, "struct", elements.at)
            self.nodes[-1] = msgspec.structs.replace(
                self.nodes[-1],
                kind="sequence",
                count=len(elements.nodes),
                children=tuple(elements.nodes),
            )

    def done(self) -> list[Node]:
        """The nodes, which cover every byte."""
        if self.left:
            raise Unclear(f"{self.left} bytes are left")
        return self.nodes

    # --- subsections -------------------------------------------------------------------------

    def subsection_name(self) -> bytes | None:
        """The name of a subsection that begins here."""
        head = bytes(self.raw[self.at : self.at + 2])
        if len(head) < 2 or head[0] != SUBSECTION:
            return None
        name = bytes(self.raw[self.at + 2 : self.at + 2 + head[1]])
        return name if len(name) == head[1] and name.isascii() else None

    def subsection(self, known: Subsection | None, level: int = 0) -> None:
        """The subsection that begins here, whose fields, and those that may follow them, are known."""
        name = self.subsection_name()
        if name is None or known is None or level > DEEPEST:
            raise Unclear("no subsection that is known begins here")
        inner = self.inside()
        header(inner, name)
        for one in known.fields:
            inner.add(one.name, one.type, one.size, one.count or 1, one.children)
        inner.subsections(known.inside, level + 1)
        self.close(name.decode("ascii"), inner, "subsection")

    def subsections(self, known: dict[bytes, Subsection], level: int = 0) -> None:
        """Those of these names that follow each other from here on."""
        while (name := self.subsection_name()) in known:
            self.subsection(known[name or b""], level)


class Subsection(msgspec.Struct, frozen=True):
    """What a subsection holds: its fields, then subsections of its own by name."""

    fields: tuple[Node, ...] = ()
    inside: dict[bytes, Subsection] = {}


def header(out: Parts, name: bytes) -> None:
    """What stands before a subsection's fields (migration/vmstate.c: vmstate_subsection_save)."""
    out.u8("type")
    out.add("idstr", "capability", 1 + len(name))
    out.u32("version_id")
