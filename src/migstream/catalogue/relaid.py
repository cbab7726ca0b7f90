"""A change that gives a state other fields, made in one that is laid out otherwise already: field by field.

References
----------
QEMU, migration/vmstate.c: vmstate_save_state_v, vmsd_desc_field_start, vmstate_subsection_save
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from migstream.catalogue.arrays import HEADER, described
from migstream.catalogue.capabilities import flipped
from migstream.catalogue.model import State
from migstream.names import encoded

__all__ = ["parted", "relaid"]

UNCOMPARED = frozenset({"spapr_dtb"})  # a device tree, as long as it is, that no load looks into
DEEPEST = 32
Key = tuple[str, str, int]  # what it is, its name, how many of that name are before it


class Node(msgspec.Struct):
    """A field, a subsection, or all of a state: the entry that describes it, and its bytes, or what it has inside.

    `head` is what stands before the first of these.
    """

    entry: dict[str, Any]
    raw: bytes = b""
    head: bytes = b""
    inside: dict[Key, Node] | None = None

    def bytes_of(self) -> bytes:
        """All of its bytes."""
        if self.inside is None:
            return self.raw
        return self.head + b"".join(node.bytes_of() for node in self.inside.values())


def relaid(here: State, before: State, after: State) -> State | None:
    """What becomes of a state by the change from one to another; None where the change is not one of its own fields."""
    trees = [_tree(state) for state in (here, before, after)]
    mine, old, new = trees
    if mine is None or old is None or new is None or not _merge(mine, old, new):
        return None
    text = encoded(json.dumps(_written(mine))[1:])
    return State(here.version, mine.bytes_of(), text)


def parted(state: State) -> dict[tuple[Key, ...], bytes]:
    """The fields of a state, those that have none inside, with their bytes; nothing where that is not told."""
    tree = _tree(state)
    return {} if tree is None else dict(_parts(tree, ()))


def _parts(node: Node, path: tuple[Key, ...]) -> Iterator[tuple[tuple[Key, ...], bytes]]:
    if node.inside is None:
        yield path, node.raw
    for key, one in (node.inside or {}).items():
        yield from _parts(one, (*path, key))


# --- a state as a tree -----------------------------------------------------------------------------


def _tree(state: State) -> Node | None:
    table = described(state)
    if table is None:
        return None
    node = Node(table)
    try:
        end = _read(node, table, state.payload, 0, 0)
    except (TypeError, ValueError):  # not as a QEMU describes
        return None
    return node if end == len(state.payload) else None


def _read(node: Node, table: dict[str, Any], payload: bytes, at: int, depth: int) -> int:
    """Take apart what a table of fields and subsections describes; where it ends."""
    if depth > DEEPEST:
        raise ValueError("deeper than any state")
    node.inside = {}
    for entry in table.get("fields", ()):
        field = Node(entry)
        size = int(entry.get("size", 0)) * int(entry.get("array_len", 1))
        inner = entry.get("struct")
        if isinstance(inner, dict) and "array_len" not in entry:
            at = _read(field, inner, payload, at, depth + 1)
        else:
            field.raw = payload[at : at + size]
            at += size
        _put(node.inside, "field", str(entry.get("name", "")), field)
    for part in table.get("subsections", ()):
        name = str(part.get("vmsd_name", ""))
        size = HEADER + len(name)
        subsection = Node(part, head=payload[at : at + size])
        at = _read(subsection, part, payload, at + size, depth + 1)
        _put(node.inside, "subsection", name, subsection)
    return at


def _put(inside: dict[Key, Node], kind: str, name: str, node: Node) -> None:
    number = sum(key[:2] == (kind, name) for key in inside)
    inside[kind, name, number] = node


def _written(node: Node, inner: dict[str, Any] | None = None) -> dict[str, Any]:
    """The entry of a state or a subsection, or the `inner` one of a field, as its parts are now."""
    table = dict(node.entry if inner is None else inner)
    inside = node.inside or {}
    for name, kind in (("fields", "field"), ("subsections", "subsection")):
        parts = [_described(one) for key, one in inside.items() if key[0] == kind]
        table.pop(name, None)
        if parts:
            table[name] = parts
    return table


def _described(node: Node) -> dict[str, Any]:
    inner = node.entry.get("struct")
    if node.inside is None:
        return node.entry
    if not isinstance(inner, dict):
        return _written(node)
    return node.entry | {"struct": _written(node, inner), "size": len(node.bytes_of())}


# --- the change ------------------------------------------------------------------------------------


def _merge(mine: Node, old: Node, new: Node) -> bool:
    """Make the change in a tree; whether it could be made."""
    if mine.inside is None or old.inside is None or new.inside is None:
        return _bytes(mine, old, new)
    kept = {key: node for key, node in mine.inside.items() if not _gone(key, old, new)}
    if not all(
        key[1] in UNCOMPARED or _merge(kept[key], *both) for key, both in _both(kept, old, new)
    ):
        return False
    order = list(kept)
    previous: Key | None = None
    for key, node in new.inside.items():
        if key not in old.inside and key not in kept:
            order.insert(_behind(order, previous, key), key)
            kept[key] = node
        previous = key if key in kept else previous
    mine.inside = {key: kept[key] for key in order}
    return True


def _behind(order: list[Key], previous: Key | None, key: Key) -> int:
    """Where something new stands: behind what it stood behind, subsections behind all fields."""
    if previous in order:
        return order.index(previous) + 1
    return 0 if key[0] == "field" else sum(one[0] == "field" for one in order)


def _gone(key: Key, old: Node, new: Node) -> bool:
    return key in (old.inside or {}) and key not in (new.inside or {})


def _both(kept: dict[Key, Node], old: Node, new: Node) -> Iterator[tuple[Key, tuple[Node, Node]]]:
    """What all three have."""
    before, after = old.inside or {}, new.inside or {}
    return ((key, (before[key], after[key])) for key in kept if key in before and key in after)


def _bytes(mine: Node, old: Node, new: Node) -> bool:
    raw = [node.bytes_of() for node in (mine, old, new)]
    if raw[1] == raw[2]:
        return True
    if raw[0] == raw[1]:
        mine.entry, mine.head, mine.raw, mine.inside = new.entry, new.head, new.raw, new.inside
        return True
    if mine.inside is not None or len(raw[0]) != len(raw[1]):
        return False
    if len(raw[1]) != len(raw[2]):  # a field of another length: what was in it is not kept
        mine.entry, mine.raw = new.entry, raw[2]
        return True
    mine.raw = bytes(map(flipped, *raw))
    return True
