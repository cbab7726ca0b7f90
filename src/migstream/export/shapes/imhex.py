"""ImHex's pattern language: structs, and each device placed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migstream.export.shapes.model import Item, Place, Shape
from migstream.names import prose

__all__ = ["lines"]

KEYWORDS = frozenset(
    [
        "struct",
        "union",
        "using",
        "enum",
        "bitfield",
        "be",
        "le",
        "if",
        "else",
        "match",
        "false",
        "true",
        "this",
        "parent",
        "addressof",
        "sizeof",
        "typenameof",
        "while",
        "for",
        "fn",
        "return",
        "namespace",
        "in",
        "out",
        "break",
        "continue",
        "ref",
        "null",
        "const",
        "u8",
        "u16",
        "u24",
        "u32",
        "u48",
        "u64",
        "u96",
        "u128",
        "s8",
        "s16",
        "s24",
        "s32",
        "s48",
        "s64",
        "s96",
        "s128",
        "float",
        "double",
        "bool",
        "char",
        "char16",
        "str",
        "auto",
        "padding",
        "import",
        "as",
        "is",
        "try",
        "catch",
    ]
)
FLOATS = {4: "float", 8: "double"}


def lines(shapes: Sequence[Shape], places: Sequence[Place]) -> Iterator[str]:
    """A pattern file: numbers are big-endian but those that say `le`."""
    yield "#pragma description Device state of a QEMU migration stream, at the places of one stream"
    yield "#pragma endian big"
    for shape in shapes:
        yield ""
        yield f"struct qemu_{shape.name} {{"
        for item in shape.items:
            many = "" if item.count is None else f"[{item.count}]"
            yield f"    {_type(item)} {_name(item)}{many};{_remark(item)}"
        yield "};"
    yield ""
    for place in places:
        yield f"qemu_{place.shape.name} at_{place.name} @ {place.offset:#x}; // {prose(place.path)}"


def _type(item: Item) -> str:
    if item.shape is not None:
        return f"qemu_{item.shape.name}"
    order = "le " if item.little and item.width > 1 else ""
    if item.kind == "float":
        return f"{order}{FLOATS[item.width]}"
    return f"{order}{'s' if item.kind == 'int' else 'u'}{8 * item.width}"


def _name(item: Item) -> str:
    return f"{item.name}_" if item.name in KEYWORDS else item.name


def _remark(item: Item) -> str:
    return f" // {prose(f'{item.label} {item.type}')}" if item.label else ""
