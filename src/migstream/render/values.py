"""One value as one line or one object."""

from __future__ import annotations

from typing import Any

from migstream.render.text import escape, prose
from migstream.vmstate.values import Value

__all__ = ["is_several", "value_json", "value_line", "word"]


def is_several(path: str) -> bool:
    """Whether a path may name more than one value."""
    return "*" in path


def word(value: Value, *, hexadecimal: bool = False) -> str:
    """The value as one word; the elements of an array with spaces between them."""
    if value.kind == "leaf":
        if value.count is not None:
            return " ".join(word(one, hexadecimal=hexadecimal) for one in value.elements())
        return prose(value.hex if hexadecimal else value.text)
    from migstream.render.shape import to_json

    return prose(to_json(value.plain(), pretty=False).decode())


def value_line(value: Value, name: str, *, hexadecimal: bool, where: bool) -> str:
    """`path = ` where named, `offset+length` where asked for, and the value."""
    place = f"{value.span.start:#x}+{value.span.size:#x} " if where else ""
    label = f"{escape(name)} = " if name else ""
    return f"{place}{label}{word(value, hexadecimal=hexadecimal)}"


def value_json(value: Value) -> dict[str, Any]:
    """The value with its place."""
    return {
        "path": value.path,
        "type": value.type,
        "span": list(value.span),
        "value": value.plain(),
    }
