"""A value as JSON has it, together with what is known of it: parts of blobs, names of numbers."""

from __future__ import annotations

from typing import Any

from migstream.vmstate.meaning.symbols import has_symbols
from migstream.vmstate.values import Value

__all__ = ["told"]


def told(value: Value) -> Any:
    """As `Value.plain`, but with what the description leaves open.

    A blob whose parts are known is an object of them. A number that has a name is an object of `value`
    and, where there is one, `symbol` and `description`; others are themselves.
    """
    if value.kind == "leaf":
        return _leaf(value)
    if value.count is not None:
        return [told(one) for one in value.elements()]
    return {child.name: told(child) for child in value.children}


def _leaf(value: Value) -> Any:
    if value.count is not None:
        if value.device.meaning and has_symbols(value):
            return [_named(one) for one in value.elements()]
        return value.plain()
    inside = {child.name: told(child) for child in value.children}
    return inside or _named(value)


def _named(value: Value) -> Any:
    plain, symbol, description = value.plain(), value.symbol, value.description
    if not symbol and not description:
        return plain
    found = {"value": plain, "symbol": symbol, "description": description}
    return {key: one for key, one in found.items() if one != ""}
