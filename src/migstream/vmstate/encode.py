"""Values to bytes: the other direction of `vmstate.types`, from the same table.

Text is taken as a person types it and as `WireType.text` prints it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import Any

from migstream.names import many
from migstream.vmstate.layout import Node
from migstream.vmstate.types import WireType, wire_type

__all__ = ["encode_value"]

TRUTH = {"true": 1, "false": 0}
NOT_ARMED = {"not armed", "none", "off"}
BETWEEN = re.compile(r"[\s,]+")


def encode_value(node: Node, value: Any) -> bytes:
    """The bytes of a value, as many as the node has.

    Parameters
    ----------
    node : what the description says of it
    value : a number, bool, bytes, a sequence of them for an array, or text: numbers in decimal or
        with 0x, `true`, timers in ns or `not armed`, bytes in hexadecimal or in quotes, the
        elements of an array with commas or spaces between

    Raises
    ------
    ValueError : it does not fit, or the bytes of this type cannot be made from a value
    """
    if node.kind != "leaf":
        raise ValueError(f"{node.name} is a {node.kind}: give its values one by one")
    wire = wire_type(node.type, node.stride)
    if node.count is None:
        raw = _one(wire, value, node.size)
    else:
        raw = _array(wire, node, value)
    if len(raw) != node.size:
        raise ValueError(
            f"{node.name} has {many(node.size, 'byte')}, and keeps them; {len(raw)} were given"
        )
    return raw


def _array(wire: WireType, node: Node, value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str):
        value = BETWEEN.split(value.strip().strip("[]").strip())
    if not isinstance(value, Sequence):
        raise ValueError(f"{node.name} is an array of {node.count} elements")  # noqa: TRY004 - as below
    if len(value) != node.count:
        raise ValueError(f"{node.name} has {node.count} elements, {len(value)} were given")
    return b"".join(_one(wire, one, node.stride) for one in value)


def _one(wire: WireType, value: Any, size: int) -> bytes:
    """One element of `size` bytes."""
    if wire.kind in {"marker", "group"}:
        raise ValueError(f"a value of type {wire.name} says what follows it; it cannot be set")
    if wire.kind == "float":
        return _float(value)
    if wire.code or wire.kind == "uint":
        number = _number(value, timer=wire.kind == "timer")
        return _integer(number, wire.size or size, "little" if wire.little else "big")
    if wire.words:
        return _words(wire, value)
    count = 1 if wire.kind == "text" else 4 if wire.name == "GByteArray" else 0
    raw = _bytes(value, size - count)
    if len(raw) >= 1 << 8 * count:
        return raw  # of the wrong size, or without a count
    return len(raw).to_bytes(count, "big") + raw


def _number(value: Any, *, timer: bool) -> int:
    if isinstance(value, int):
        return int(value)
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not an integer")  # noqa: TRY004 - one kind of error for the caller
    text = value.strip().lower()
    if timer:
        if text in NOT_ARMED:
            return -1
        text = text.removesuffix("ns").strip()
    if text in TRUTH:
        return TRUTH[text]
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f"{value!r} is not a number: 4660, 0x1234, -1") from None


def _integer(number: int, size: int, order: Any) -> bytes:
    """Two's complement; a signed value may be given by its bits, an unsigned one as negative."""
    bits = 8 * size
    if not -(1 << (bits - 1)) <= number < 1 << bits:
        raise ValueError(f"{number} does not fit into {bits} bits")
    return (number & ((1 << bits) - 1)).to_bytes(size, order)


def _float(value: Any) -> bytes:
    if isinstance(value, str) and value.strip().lower().startswith("0x"):
        return _integer(_number(value, timer=False), 8, "big")
    try:
        return struct.pack(">d", float(value))
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is not a number: 1.5, inf, or its bits as 0x3ff8...") from None


def _words(wire: WireType, value: Any) -> bytes:
    """A fixed tuple of integers, such as the four levels of `pci irq state`."""
    words = BETWEEN.split(value.strip()) if isinstance(value, str) else value
    numbers = [_number(word, timer=False) for word in words] if isinstance(words, Sequence) else []
    try:
        return struct.pack(wire.words, *numbers)
    except struct.error as error:
        raise ValueError(f"{wire.name}: {error}") from None


def _bytes(value: Any, size: int) -> bytes:
    """Bytes from bytes, hexadecimal, or quoted text, which is filled up with NULs."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is neither hexadecimal nor text")  # noqa: TRY004 - as above
    text = value.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].encode("utf-8", "surrogateescape").ljust(size, b"\0")
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise ValueError(f"{value!r} is not hexadecimal; text stands in quotes") from None
