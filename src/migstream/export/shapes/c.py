"""C: packed structs, whose places the compiler proves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migstream.export.shapes.model import Item, Place, Shape
from migstream.names import prose

__all__ = ["lines"]

KEYWORDS = frozenset(
    [
        "auto",
        "break",
        "case",
        "char",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extern",
        "float",
        "for",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "register",
        "restrict",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "typedef",
        "union",
        "unsigned",
        "void",
        "volatile",
        "while",
        "bool",
        "true",
        "false",
        "asm",
        "typeof",
    ]
)
HEAD = """\
/* Device state of a QEMU migration stream: places are of one stream, numbers as they stand in it. */
#include <stddef.h>
#include <stdint.h>

/* A number's name says in which order its bytes are: be32toh(3), le32toh(3). */
typedef uint16_t be16_t; typedef uint32_t be32_t; typedef uint64_t be64_t;
typedef uint16_t le16_t; typedef uint32_t le32_t; typedef uint64_t le64_t;
"""


def lines(shapes: Sequence[Shape], places: Sequence[Place]) -> Iterator[str]:
    """A header that gcc and clang take."""
    yield from HEAD.splitlines()
    for shape in shapes:
        name = f"qemu_{shape.name}"
        yield ""
        yield f"struct {name} {{" if shape.items else f"struct {name} {{ char none[0];"
        for item in shape.items:
            yield f"    {_type(item)} {_name(item)}{_many(item)};{_remark(item)}"
        yield "} __attribute__((packed));"
        yield f"_Static_assert(sizeof(struct {name}) == {shape.size}, {_quoted(shape.name)});"
        for item in shape.items:
            place = f"offsetof(struct {name}, {_name(item)}) == {item.offset}"
            yield f"_Static_assert({place}, {_quoted(item.name)});"
    yield ""
    yield "/* Where each device's state begins in the stream. */"
    yield "enum {"
    for one in places:
        yield f"    QEMU_AT_{one.name} = {one.offset}, /* struct qemu_{one.shape.name}, {_comment(one.path)} */"
    yield "};"


def _type(item: Item) -> str:
    if item.shape is not None:
        return f"struct qemu_{item.shape.name}"
    if item.width == 1:
        return "int8_t" if item.kind == "int" else "uint8_t"
    return f"{'le' if item.little else 'be'}{8 * item.width}_t"


def _name(item: Item) -> str:
    return f"{item.name}_" if item.name in KEYWORDS else item.name


def _many(item: Item) -> str:
    return "" if item.count is None else f"[{item.count}]"


def _remark(item: Item) -> str:
    said = " ".join(filter(None, (item.label if item.label != item.name else "", item.type)))
    return f" /* {_comment(said)} */" if said else ""


def _comment(text: str) -> str:
    return prose(text).replace("*/", "* /").replace("\\", "/")


def _quoted(text: str) -> str:
    return f'"{text}"'
