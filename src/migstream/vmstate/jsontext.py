"""The description's JSON as text: read to a tree that keeps everything, written back byte for byte.

QEMU has had two writers, and both leave their mark on every brace (`Style`): migration/qjson.c up
to 5.2, qobject/json-writer.c from 6.0 on. The tree is plain: `Object`, list, str and int.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Iterator
from typing import Any

from migstream.errors import BadDescription, Unsupported
from migstream.names import decoded, encoded

__all__ = ["Object", "Style", "objects", "read_text", "write_text"]


class Style(enum.Enum):
    """Who wrote the text; the value is what stands inside braces, around a colon, and its escapes."""

    QJSON = " ", " : ", False
    """2.3 to 5.2 (migration/qjson.c); strings as they are."""
    COMPACT = "", ": ", True
    """6.0 and newer (qobject/json-writer.c); what is not printable ASCII is escaped."""


class Object:
    """A JSON object as its pairs, in their order; the same key may come several times."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs

    def __repr__(self) -> str:
        return f"Object({self.pairs!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Object) and self.pairs == other.pairs

    __hash__ = None  # type: ignore[assignment]

    def get(self, key: str) -> Any:
        """The first value of a key, None where it is absent."""
        return next((value for name, value in self.pairs if name == key), None)

    def all(self, key: str) -> Iterator[Any]:
        """Every value of a key."""
        return (value for name, value in self.pairs if name == key)

    def put(self, key: str, value: Any) -> None:
        """Change the first value of a key in its place, or add it behind the others."""
        for index, (name, _) in enumerate(self.pairs):
            if name == key:
                self.pairs[index] = key, value
                return
        self.pairs.append((key, value))

    def remove(self, value: Any) -> None:
        """Take away the pair whose value is this very object."""
        self.pairs = [pair for pair in self.pairs if pair[1] is not value]


def objects(value: Any) -> list[Object]:
    """The objects of a list; none where it is something else, as a description may have anything."""
    return [one for one in value if isinstance(one, Object)] if isinstance(value, list) else []


_ESCAPED = re.compile(r"[^ !#-\[\]-~]")
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    if char in _SHORT:
        return _SHORT[char]
    raw = char.encode("utf-16-be", "surrogatepass").hex().upper()
    return "".join(f"\\u{raw[i : i + 4]}" for i in range(0, len(raw), 4))


def read_text(text: bytes) -> tuple[Any, Style]:
    """The tree of a description, and the style it is written in.

    Raises
    ------
    BadDescription : not JSON
    Unsupported : JSON, but not as any QEMU writes it, so that nothing could be written back alike
    """
    try:
        tree = json.loads(decoded(text), object_pairs_hook=Object)
    except (RecursionError, ValueError) as error:
        raise BadDescription(f"not JSON: {error}", path=["description"]) from None
    for style in Style:
        if write_text(tree, style) == text:
            return tree, style
    raise Unsupported(
        "the description is not written as any QEMU writes it",
        path=["description"],
        hint="another tool has written it; only what leaves the description alone can be changed",
    )


def write_text(tree: Any, style: Style) -> bytes:
    """The text of a tree.

    Raises
    ------
    Unsupported : it holds what no description does, or is nested beyond reason
    """
    out: list[str] = []
    try:
        _write(tree, style, out)
    except RecursionError:
        raise Unsupported("a description that is nested beyond reason") from None
    return encoded("".join(out))


def _write(value: Any, style: Style, out: list[str]) -> None:
    inside, colon, escapes = style.value
    if isinstance(value, str):
        out.append(f'"{_ESCAPED.sub(_escape, value) if escapes else value}"')
    elif isinstance(value, int) and not isinstance(value, bool):
        out.append(str(value))
    elif isinstance(value, Object):
        out.append("{" + inside)
        for index, (key, one) in enumerate(value.pairs):
            out.append(", " if index else "")
            _write(key, style, out)
            out.append(colon)
            _write(one, style, out)
        out.append(inside + "}")
    elif isinstance(value, list):
        out.append("[" + inside)
        for index, one in enumerate(value):
            out.append(", " if index else "")
            _write(one, style, out)
        out.append(inside + "]")
    else:
        raise Unsupported(f"{value!r} in a description")
