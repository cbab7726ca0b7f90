"""Fields held against fields by the bytes that they are, not by what they are called.

Both sides are flattened to tokens (a value, or an array of structs); tokens are aligned by name
and size, and what does not align is the same all the same where it has as many bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

from migstream.vmstate.layout import Node

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["Gap", "Placed", "Token", "align", "flatten", "parts", "subsections"]

# Types whose length their own bytes say, or the destination takes as it comes.
SELF_SIZED = {
    "GByteArray",
    "blob",
    "capability",
    "gtree",
    "nullptr",
    "ptr-marker",
    "qlist",
    "qtailq",
    "scsi-requests",
    "shpc",
    "tmp",
    "usb-redir-bufpq",
    "usb-redir-packet-id-q",
    "usb-redir-parser",
    "vdagent/cbinfos",
    "virtio",
    "virtio-fs back-end state",
    "virtio-gpu",
    "virtio-net vhost-user backend state",
    "virtqueue_extra_state",
}
COUNTED = re.compile(r"\[\d+\]")


class Token(NamedTuple):
    """One value, array, or array of structs; `offset` in bytes from the start of the device."""

    path: str
    offset: int
    size: int
    node: Node

    @property
    def key(self) -> tuple[str, int]:
        return COUNTED.sub("", self.path), self.size

    @property
    def kind(self) -> str:
        return self.node.type

    @property
    def self_sized(self) -> bool:
        return self.node.type in SELF_SIZED or (
            self.node.type not in KNOWN_SIZED and _blob(self.node)
        )


KNOWN_SIZED = {"buffer", "unused_buffer", "bitmap", "pci config", "msix state", "struct"}


def _blob(node: Node) -> bool:
    """A type that nothing is known of."""
    from migstream.vmstate.types import TYPES

    return node.kind == "leaf" and node.type not in TYPES


class Gap(NamedTuple):
    """Tokens of the two sides that stand for each other without being alike."""

    ours: tuple[Token, ...]
    theirs: tuple[Token, ...]
    offset: int

    @property
    def sizes(self) -> tuple[int, int]:
        return sum(t.size for t in self.ours), sum(t.size for t in self.theirs)

    @property
    def same_bytes(self) -> bool:
        return len(set(self.sizes)) == 1

    @property
    def self_sized(self) -> bool:
        return any(t.self_sized for t in (*self.ours, *self.theirs))


def flatten(nodes: Iterable[Node], base: int = 0, path: str = "") -> Iterator[Token]:
    """Tokens of the fields, subsections left out."""
    for node in nodes:
        if node.kind == "subsection":
            continue
        name = f"{path}.{node.name}" if path else node.name
        at = base + node.offset
        if node.children and not node.repeats:
            yield from flatten(node.children, at, name)
        elif node.size:
            yield Token(name, at, node.size, node)


def parts(value: Value) -> dict[str, Value]:
    """What is directly inside a value, by name."""
    return {child.name: child for child in value.children}


class Placed(NamedTuple):
    """A subsection: `at` in bytes from the start of the device, `path` of the structs it is in."""

    at: int
    node: Node
    path: tuple[str, ...]


def subsections(
    nodes: Iterable[Node], base: int = 0, path: tuple[str, ...] = ()
) -> Iterator[Placed]:
    """Subsections of a VMState and of the structs in it, those inside other subsections left out."""
    for node in nodes:
        at = base + node.offset
        if node.kind == "subsection":
            yield Placed(at, node, path)
        elif node.children and not node.repeats:
            yield from subsections(node.children, at, (*path, node.name))


def align(ours: Sequence[Token], theirs: Sequence[Token]) -> list[Gap | tuple[Token, Token]]:
    """Pairs of tokens that stand for each other, and gaps where that is not one to one."""
    if [t.size for t in ours] == [t.size for t in theirs]:
        return list(zip(ours, theirs, strict=True))
    found: list[Gap | tuple[Token, Token]] = []
    matcher = SequenceMatcher(None, [t.key for t in ours], [t.key for t in theirs], autojunk=False)
    for op, i1, i2, j1, j2 in matcher.get_opcodes():
        if op == "equal":
            found += zip(ours[i1:i2], theirs[j1:j2], strict=True)
            continue
        left, right = tuple(ours[i1:i2]), tuple(theirs[j1:j2])
        at = left[0].offset if left else ours[i1].offset if i1 < len(ours) else _end(ours)
        found.append(Gap(left, right, at))
    return found


def _end(tokens: Sequence[Token]) -> int:
    return tokens[-1].offset + tokens[-1].size if tokens else 0
