"""Device values as JSON, and the same bytes from that JSON again, through the description's layout.

Numbers, booleans and null are themselves, bytes are hexadecimal digits, arrays lists, structs and
subsections objects. A value that would not give its own bytes again is `{"raw": "hex"}`: `Reader`
tries each one. Bytes that nobody edits by hand are a reference (`edit.bulk`).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from migstream.document.bulk import RAW, RESERVED
from migstream.errors import BadValue, ParseError
from migstream.source.pieces import Bulk, Piece, size_of
from migstream.vmstate.layout import Layout, Node, header_of, subsection_header
from migstream.vmstate.types import WireType, wire_type

__all__ = ["LARGE", "Find", "Keep", "Reader", "Writer", "express", "pack", "what"]

LARGE = 4096  # bytes of one value from which on they are put aside
LONG = 1 << 20  # elements of one array from which on they are put aside
SHOWN = 60

Keep = Callable[[int, int], dict[str, Any]]
Find = Callable[[dict[str, Any]], Bulk]


def what(value: Any) -> str:
    """A word on what was found in place of something else."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _digits(value: Any) -> bytes:
    """Bytes of hexadecimal digits; raises BadValue."""
    if isinstance(value, str):
        try:
            return bytes.fromhex(value)
        except ValueError:
            pass
    raise BadValue("no bytes", expected="hexadecimal digits, two for each byte", found=what(value))


def _is_aside(value: Any) -> bool:
    """Whether this stands for bytes: `raw`, or a reference. No field has such a name."""
    return isinstance(value, dict) and not RESERVED.isdisjoint(value)


# --- one value -----------------------------------------------------------------------------------


def _integer(value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise BadValue("out of range", expected=f"{low} to {high}", found=what(value))
    return value


def _limits(code: str) -> tuple[int, int]:
    bits = 8 * struct.calcsize(f">{code}")
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if code.islower() else (0, (1 << bits) - 1)


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise BadValue("no boolean", expected="true or false", found=what(value))
    return value


def _float(value: Any) -> float:
    try:
        if type(value) in {int, float} and math.isfinite(number := float(value)):
            return number
    except OverflowError:
        pass
    raise BadValue("no number", expected="a finite number", found=what(value))


def _words(wire: WireType, value: Any) -> list[int]:
    count = len(struct.unpack(wire.words, bytes(wire.size or 0)))
    if not isinstance(value, list) or len(value) != count:
        raise BadValue("wrong length", expected=f"{count} numbers", found=what(value))
    most = (1 << 8 * (wire.size or 0) // count) - 1
    return [_integer(word, 0, most) for word in value]


def _decoded(wire: WireType, value: Any) -> Any:
    """What `WireType.decode` would have given for this JSON; its kind and range are checked."""
    if wire.code == "?":
        return _boolean(value)
    if wire.code == "d":
        return _float(value)
    if wire.code:
        return _integer(value, *_limits(wire.code))
    if wire.words:
        return _words(wire, value)
    if wire.kind == "uint":
        return _integer(value, 0, (1 << 8 * (wire.size or 0)) - 1)
    if wire.kind == "marker":
        return value if value is None or isinstance(value, bool) else _integer(value, 0, 255)
    return value if wire.kind == "text" else _digits(value)


def pack(wire: WireType, value: Any, size: int | None = None) -> bytes:
    """The bytes of one value.

    Parameters
    ----------
    value : as JSON has it
    size : how many bytes its place has, None where it has as many as there are

    Raises
    ------
    BadValue : of another kind, range or length
    """
    decoded = _decoded(wire, value)
    try:
        raw = wire.encode(decoded)
    except ValueError:
        place = "a value" if size is None else f"a value of {size} bytes"
        raise BadValue(
            "does not fit", expected=f"{place} for {wire.name}", found=what(value)
        ) from None
    if size not in {None, len(raw)}:
        raise BadValue("wrong length", expected=f"{size} bytes", found=f"{len(raw)} bytes")
    return raw


def express(wire: WireType, raw: memoryview) -> Any:
    """One value as JSON; `raw` in hexadecimal where that would not give the same bytes again."""
    try:
        value: Any = wire.decode(raw)
        if isinstance(value, bytes):
            value = value.hex()
        elif isinstance(value, tuple):
            value = list(value)
        if pack(wire, value, len(raw)) == raw:
            return value
    except (ParseError, BadValue):
        pass
    return {RAW: raw.hex()}


# --- layouts -------------------------------------------------------------------------------------


class _Shapes:
    """The fields of structs, worked out once for each."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Node, tuple[tuple[str, Node], ...] | None]] = {}

    def fields(self, node: Node) -> tuple[tuple[str, Node], ...] | None:
        """Children under names that differ; None where they do not account for every byte."""
        if id(node) not in self._known:
            self._known[id(node)] = node, _fields(node)
        return self._known[id(node)][1]


def _fields(node: Node) -> tuple[tuple[str, Node], ...] | None:
    at = subsection_header(node.name) if node.kind == "subsection" else 0
    names: set[str] = set(RESERVED)
    turns: dict[str, int] = {}
    found = []
    for child in node.children:
        if child.offset != at:
            return None
        at += child.size
        name = child.name
        while name in names:
            turns[child.name] = turns.get(child.name, 1) + 1
            name = f"{child.name}#{turns[child.name]}"
        names.add(name)
        found.append((name, child))
    return tuple(found) if at == node.size else None


def _element(node: Node) -> Node:
    return msgspec.structs.replace(node, count=None, size=node.stride)


def _whole(layout: Layout) -> Node:
    return Node(
        name="",
        type=layout.vmsd_name,
        kind="struct",
        offset=0,
        size=layout.size,
        stride=layout.size,
        children=layout.children,
    )


class Reader:
    """Bytes to JSON.

    Parameters
    ----------
    payload : the device section's payload
    keep : puts bytes [start, stop) of the payload aside and gives the reference
    """

    def __init__(self, payload: memoryview, keep: Keep) -> None:
        self._payload = payload
        self._keep = keep
        self._shapes = _Shapes()

    def read(self, layout: Layout) -> Any:
        """The whole payload."""
        return self._value(_whole(layout), 0)

    def _value(self, node: Node, at: int) -> Any:
        if not node.size:
            return "" if node.count is None else []
        if node.kind == "sequence":
            return self._sequence(node, at)
        if node.count is not None:
            return self._array(node, at)
        if node.kind == "leaf":
            return self._leaf(wire_type(node.type, node.size), at, node.size)
        return self._struct(node, at)

    def _sequence(self, node: Node, at: int) -> list[Any]:
        out: list[Any] = []
        for child in node.children:
            inner = self._value(child, at + child.offset)
            out.extend(inner if isinstance(inner, list) and child.count is not None else [inner])
        return out

    def _array(self, node: Node, at: int) -> Any:
        count, stride = node.count or 0, node.stride
        if count > LONG:
            return self._keep(at, at + node.size)
        places = range(at, at + node.size, stride)
        if node.kind != "leaf":
            one = _element(node)
            return [self._struct(one, place) for place in places]
        wire = wire_type(node.type, stride)
        if wire.code:
            values = wire.bulk(self._payload[at : at + node.size], count)
            exact = wire.encode_all(values)
            finite = wire.code != "d" or all(map(math.isfinite, values))
            if finite and exact == self._payload[at : at + node.size]:
                return values
        return [self._leaf(wire, place, stride) for place in places]

    def _leaf(self, wire: WireType, at: int, size: int) -> Any:
        if size > LARGE:
            return self._keep(at, at + size)
        return express(wire, self._payload[at : at + size])

    def _struct(self, node: Node, at: int) -> Any:
        fields = self._shapes.fields(node)
        head = header_of(node) if node.kind == "subsection" else b""
        if fields is None or self._payload[at : at + len(head)] != head:
            if node.size > LARGE:
                return self._keep(at, at + node.size)
            return {RAW: self._payload[at : at + node.size].hex()}
        return {name: self._value(child, at + child.offset) for name, child in fields}


class Writer:
    """JSON to bytes, which are `pieces` in their order.

    Parameters
    ----------
    find : the bytes of a reference
    """

    def __init__(self, find: Find) -> None:
        self.pieces: list[Piece] = []
        self._find = find
        self._shapes = _Shapes()

    def write(self, layout: Layout, value: Any) -> None:
        """A whole payload; raises BadValue with the path inside of it."""
        self._value(_whole(layout), value)

    def aside(self, value: Any, size: int | None = None) -> int:
        """Bytes that are hexadecimal digits, `raw` or a reference; how many they are."""
        piece: Piece
        if _is_aside(value) and RAW not in value:
            piece = self._find(value)
        else:
            piece = _digits(value[RAW] if _is_aside(value) and len(value) == 1 else value)
        length = size_of(piece)
        if size is not None and length != size:
            raise BadValue("wrong length", expected=f"{size} bytes", found=f"{length} bytes")
        self.pieces.append(piece)
        return length

    def _value(self, node: Node, value: Any) -> None:
        if not node.size:
            if value not in ("", []):
                raise BadValue("nothing can be here", expected="nothing", found=what(value))
        elif _is_aside(value):
            self.aside(value, node.size)
        elif node.kind == "sequence":
            self._sequence(node, value)
        elif node.count is not None:
            self._array(node, value)
        elif node.kind == "leaf":
            self.pieces.append(pack(wire_type(node.type, node.size), value, node.size))
        else:
            self._struct(node, value)

    def _sequence(self, node: Node, value: Any) -> None:
        if not isinstance(value, list):
            raise BadValue("no list", expected="a list", found=what(value))
        at = 0
        for child in node.children:
            count = 1 if child.count is None else child.count if child.size else 0
            if count > LONG and at < len(value) and _is_aside(value[at]):
                count = 1
            run = value[at : at + count]
            if len(run) < count:
                break
            if child.count is None or (child.count > LONG and count == 1):
                self._indexed(child, run[0], at)
            else:
                self._elements(child, run, at)
            at += count
        if at != len(value):
            raise BadValue("wrong length", expected=f"{node.count} elements", found=what(value))

    def _array(self, node: Node, value: Any) -> None:
        count = node.count or 0
        if not isinstance(value, list) or len(value) != count:
            raise BadValue("wrong length", expected=f"a list of {count}", found=what(value))
        self._elements(node, value, 0)

    def _elements(self, node: Node, values: Sequence[Any], first: int) -> None:
        """As many elements as the array has, the first under the index `first`."""
        wire = wire_type(node.type, node.stride)
        if node.kind == "leaf" and wire.code:
            whole = _alike(wire, values)
            if whole is not None:
                self.pieces.append(whole)
                return
        one = _element(node)
        for index, element in enumerate(values, first):
            self._indexed(one, element, index)

    def _indexed(self, node: Node, value: Any, index: int) -> None:
        try:
            self._value(node, value)
        except BadValue as error:
            error.under(f"[{index}]")
            raise

    def _struct(self, node: Node, value: Any) -> None:
        fields = self._shapes.fields(node)
        if fields is None:
            self.aside(value, node.size)
            return
        if not isinstance(value, dict):
            raise BadValue("no object", expected="an object", found=what(value))
        if len(value) != len(fields) or any(name not in value for name, _ in fields):
            raise _other_fields([name for name, _ in fields], value)
        if node.kind == "subsection":
            self.pieces.append(header_of(node))
        for name, child in fields:
            try:
                self._value(child, value[name])
            except BadValue as error:
                error.under(name)
                raise


def _alike(wire: WireType, values: Sequence[Any]) -> bytes | None:
    """All elements at once, None where one of them has to be looked at."""
    kind = {"?": bool, "d": float}.get(wire.code, int)
    if set(map(type, values)) != {kind} or (kind is float and not all(map(math.isfinite, values))):
        return None
    try:
        return wire.encode_all(values)
    except ValueError:
        return None


def _other_fields(names: Sequence[str], value: dict[str, Any]) -> BadValue:
    missing = [name for name in names if name not in value]
    more = [name for name in value if name not in set(names)]
    hint = "`migstream drop` leaves out devices and subsections and mends the description"
    if missing:
        return BadValue("a field is missing", expected=missing[0], found="nothing", hint=hint)
    return BadValue("a field too many", expected="only what is described", found=more[0], hint=hint)
