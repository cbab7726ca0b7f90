"""Two values of one device: where they differ, down to fields and elements of arrays.

Whatever the fields say, bytes that differ are a difference: where no field owns up to one (the
header of a subsection, markers between the elements of a list, what makes a blob be read in another
way), the enclosing value does, and says so first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import msgspec

from migstream.analysis.diff.model import Change, Mark, PartName, Range
from migstream.analysis.diff.sides import differing_ranges, octets, sides
from migstream.names import many
from migstream.vmstate.layout import Node, subsection_header
from migstream.vmstate.values import Value

__all__ = ["values", "whole"]

LONG_TEXT = 200


def values(a: Value, b: Value) -> Iterator[Change]:
    """Differences of two values that stand in the same place."""
    shape = _shape(a.node) == _shape(b.node)
    if shape and bytes(a.raw) == bytes(b.raw):
        return
    found = list(_inside(a, b, shape=shape))
    if shape:
        yield from _unowned(a, b, found)
    elif not found and bytes(a.raw) != bytes(b.raw):
        yield _octets(a, b)
    elif not found:
        yield _typed(a, b)
    yield from found


def _unowned(a: Value, b: Value, found: Iterable[Change]) -> Iterator[Change]:
    """The bytes that differ and that none of the changes in them has: as the first side reads them."""
    left, theirs = bytearray(a.raw), b.raw
    for change in found:
        if change.sides is not None:
            start = change.sides.old.span.start - a.span.start
            stop = start + change.sides.size
            left[start:stop] = theirs[start:stop]
    if left == theirs:
        return
    nobodys = []
    for start, stop in differing_ranges(memoryview(left), theirs, 1):
        at = start
        while at < stop:
            owner = a.owner(a.span.start + at)
            if owner.kind != "leaf" or owner.span == a.span:
                nobodys.append((at, stop))
                break
            [there] = _read_as([owner], a, b)
            yield from values(owner, there)
            at = owner.span.stop - a.span.start
    if nobodys:
        yield _octets(a, b, nobodys)


def _read_as(known: Iterable[Value], a: Value, b: Value) -> list[Value]:
    """The bytes of `b` as those of `a` are read in which what is `known` stands."""
    moved = b.span.start - a.span.start
    return [Value(one.node, one.span.start + moved, one.path, b.device, b) for one in known]


def whole(mark: Mark, value: Value) -> Change:
    """A field or subsection that one side only has."""
    what = "subsection" if value.kind == "subsection" else "field"
    text = _text(value)
    plain = value.plain()
    span = (value.span.start, value.span.stop)
    if mark == "+":
        return Change(
            mark=mark, part="schema", what=what, path=value.path, type=_kind(value),
            new=plain, new_text=text, new_span=span, within=value.name_around,
        )  # fmt: skip
    return Change(
        mark=mark, part="schema", what=what, path=value.path, type=_kind(value),
        old=plain, old_text=text, old_span=span, within=value.name_around,
    )  # fmt: skip


# --- by kind -------------------------------------------------------------------------------------


def _shape(node: Node) -> Node:
    """The node without its place: what precedes it may have another length."""
    return msgspec.structs.replace(node, offset=0, name="")


def _inside(a: Value, b: Value, *, shape: bool) -> Iterator[Change]:
    if a.kind != b.kind or (a.count is None) != (b.count is None):
        yield _typed(a, b)
    elif a.kind == "sequence" and shape:
        for one, other in zip(a.elements(), b.elements(), strict=True):
            yield from values(one, other)
    elif a.kind == "sequence":
        yield from _named(a.children, b.children)
    elif a.count is not None:
        yield from _array(a, b, shape=shape)
    elif a.kind == "leaf":
        yield from _single(a, b)
    else:
        if a.type != b.type:
            yield _typed(a, b)
        if a.kind == "subsection" or a.node.version != b.node.version:
            yield from _header(a, b)
        yield from _named(a.children, b.children)


def _single(a: Value, b: Value) -> Iterator[Change]:
    if a.type != b.type:
        yield _typed(a, b)
        return
    inner, other = list(a.children), list(b.children)
    if a.span.size == b.span.size:  # a byte that is wrong may be why one of them is not understood
        inner, other = inner or _read_as(other, b, a), other or _read_as(inner, a, b)
    if inner and other:
        yield from _named(inner, other)
    elif a.wire.kind in {"bytes", "bitmap", "group"} or a.wire != b.wire:
        yield _octets(a, b)
    else:
        yield _scalar(a, b)


def _array(a: Value, b: Value, *, shape: bool) -> Iterator[Change]:
    if a.node.stride != b.node.stride or (a.kind == "leaf" and a.type != b.type):
        yield _typed(a, b)
        if a.kind == "leaf":
            return
    counts = a.count or 0, b.count or 0
    common = min(counts)
    if counts[0] != counts[1]:
        yield _length(a, b, common)
    if not a.node.stride:  # as many elements as one likes, and not a byte
        return
    if not shape and a.kind == "struct":
        for i in range(common):
            yield from values(a.element(i), b.element(i))
        return
    size = common * a.node.stride
    ranges = differing_ranges(a.raw[:size], b.raw[:size], a.node.stride)
    if not ranges:
        return
    if a.kind == "struct":
        for i in chain.from_iterable(range(*one) for one in ranges):
            yield from values(a.element(i), b.element(i))
        return
    yield _both(
        a, b, "field", "values",
        ranges=tuple(
            Range(start=s, stop=e, old=_elements(a, s, e), new=_elements(b, s, e))
            for s, e in ranges
        ),
        sides=sides(a, b),
    )  # fmt: skip


def _named(a: Iterable[Value], b: Iterable[Value]) -> Iterator[Change]:
    """Children by name; several of one name in turn."""
    left, right = _by_name(a), _by_name(b)
    for key, value in left.items():
        if key in right:
            yield from values(value, right[key])
        else:
            yield whole("-", value)
    for key, value in right.items():
        if key not in left:
            yield whole("+", value)
    common = [key for key in right if key in left]
    if common != [key for key in left if key in right]:
        moved = next(
            key for key, old in zip(common, (k for k in left if k in right), strict=True)
            if key != old
        )  # fmt: skip
        one = right[moved]
        yield Change(
            mark="~", part="schema", what="order", path=one.path, type=_kind(one),
            old_text="fields in this order", new_text="another order from here on",
        )  # fmt: skip


def _by_name(children: Iterable[Value]) -> dict[tuple[str, int], Value]:
    turns: dict[str, int] = {}
    named = {}
    for child in children:
        turn = turns[child.name] = turns.get(child.name, -1) + 1
        named[child.name, turn] = child
    return named


def _header(a: Value, b: Value) -> Iterator[Change]:
    if a.node.version != b.node.version:
        yield _both(
            a, b, "version", "schema", old=a.node.version, new=b.node.version,
            old_text=f"version {a.node.version}", new_text=f"version {b.node.version}",
        )  # fmt: skip
    if a.kind == "subsection" and a.name == b.name:
        size = subsection_header(a.name)
        if a.node.version == b.node.version and bytes(a.raw[:size]) != bytes(b.raw[:size]):
            old, new = bytes(a.raw[:size]).hex(), bytes(b.raw[:size]).hex()
            yield _both(
                a, b, "bytes", "schema", old=old, new=new, old_text=old, new_text=new,
                sides=sides(octets(a, size), octets(b, size)),
            )  # fmt: skip


# --- changes ---------------------------------------------------------------------------------------


def _kind(value: Value) -> str:
    if value.kind == "subsection":
        return "subsection"
    return value.type if value.count is None else f"{value.type}[{value.count}]"


def _text(value: Value) -> str:
    """What a field that one side only has is worth."""
    if value.kind == "subsection":
        return f"version {value.node.version}"
    if value.kind == "leaf" and value.count is None:
        return value.text
    if value.kind == "leaf" and value.count is not None:
        some = bytes(value.raw[: 8 * value.node.stride])
        return f"{many(len(value.raw), 'byte')}, {some.hex()}{'…' if len(value.raw) > len(some) else ''}"
    return ""


def _elements(value: Value, start: int, stop: int) -> Any:
    """Elements of an array of plain values as JSON has them."""
    stride = value.node.stride
    found = value.wire.bulk(value.raw[start * stride : stop * stride], stop - start)
    return [one.hex() if isinstance(one, bytes) else one for one in found]


def _both(a: Value, b: Value, what: str, part: PartName, **more: Any) -> Change:
    kinds = _kind(a), _kind(b)
    return Change(
        mark="~",
        part=part,
        what=what,
        path=b.path,
        type=kinds[0] if kinds[0] == kinds[1] else f"{kinds[0]} → {kinds[1]}",
        old_span=(a.span.start, a.span.stop),
        new_span=(b.span.start, b.span.stop),
        within=b.name_around,
        **more,
    )


def _scalar(a: Value, b: Value) -> Change:
    texts = a.text, b.text
    if texts[0] == texts[1]:  # bools other than 0 and 1, numbers that are no number
        texts = bytes(a.raw).hex(), bytes(b.raw).hex()
    return _both(
        a, b, "field", "values",
        old=a.plain(), new=b.plain(), old_text=texts[0], new_text=texts[1], sides=sides(a, b),
    )  # fmt: skip


def _octets(a: Value, b: Value, ranges: Iterable[tuple[int, int]] | None = None) -> Change:
    """By bytes: their ranges, all or those given, where the lengths agree."""
    old, new = a.raw, b.raw
    both = sides(a, b) if a.kind == "leaf" and a.count is None else sides(octets(a), octets(b))
    if len(old) != len(new):
        return _both(
            a, b, "bytes", "values", old=old.hex(), new=new.hex(),
            old_text=_sized(old), new_text=_sized(new), sides=both,
        )  # fmt: skip
    if len(old) == 1:
        return _both(
            a, b, "bytes", "values",
            old=old.hex(), new=new.hex(), old_text=old.hex(), new_text=new.hex(), sides=both,
        )  # fmt: skip
    found = differing_ranges(old, new, 1) if ranges is None else ranges
    return _both(
        a, b, "bytes", "values", sides=both,
        ranges=tuple(
            Range(start=s, stop=e, old=old[s:e].hex(), new=new[s:e].hex()) for s, e in found
        ),
    )  # fmt: skip


def _sized(raw: memoryview) -> str:
    some = raw.hex()
    return f"{many(len(raw), 'byte')}, {some[:LONG_TEXT]}{'…' if len(some) > LONG_TEXT else ''}"


def _typed(a: Value, b: Value) -> Change:
    """The same name means something else, or has another size."""
    old = f"{_kind(a)}, {many(a.span.size, 'byte')}"
    new = f"{_kind(b)}, {many(b.span.size, 'byte')}"
    if a.kind == b.kind == "leaf":
        old, new = f"{old}: {_text(a)}", f"{new}: {_text(b)}"
    return _both(a, b, "type", "schema", old=_kind(a), new=_kind(b), old_text=old, new_text=new)


def _length(a: Value, b: Value, common: int) -> Change:
    longer = max(a, b, key=lambda value: value.count or 0)
    rest = Range(start=common, stop=longer.count or 0)
    return _both(
        a, b, "length", "schema", old=a.count, new=b.count, ranges=(rest,),
        old_text=f"{a.count} elements", new_text=f"{b.count} elements",
    )  # fmt: skip
