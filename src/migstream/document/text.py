"""`stream.json`: its name, its version, how it is written for people and read back with care."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

from migstream.document.bulk import Sources
from migstream.document.values import what
from migstream.errors import BadValue
from migstream.names import json_line, unescape

__all__ = [
    "DESCRIPTION",
    "FORMAT",
    "LIKE",
    "MARKER",
    "ItemWriter",
    "load",
    "number",
    "read",
    "text",
]

MARKER = "stream.json"
DESCRIPTION = "description.json"
LIKE = "like.json"
FORMAT = 1
KIND = "stream"

WIDTH = 100
FEW = 8  # entries of an object that may stand in one line
MOST = 1 << 30  # bytes of a document that is read whole


# --- written -------------------------------------------------------------------------------------


def _simple(value: Any) -> bool:
    return not isinstance(value, dict | list)


def _flat(value: Any) -> bool:
    return _simple(value) or (len(value) <= FEW and all(map(_simple, _inside(value))))


def _inside(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _text(value: Any) -> str:
    """In one line. ASCII: what is not text is an escape, which `load` undoes."""
    return json_line(value)


def _lines(value: Any, indent: str) -> Iterator[str]:
    """Pieces of the text: objects a line for each entry, numbers as many as fit into a line."""
    if _simple(value):
        yield _text(value)
        return
    inside = _inside(value)
    if len(inside) <= FEW and all(map(_flat, inside)):
        line = _text(value)
        if len(line) + len(indent) <= WIDTH:
            yield line
            return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    deeper = indent + "  "
    yield opening
    comma = ""
    if isinstance(value, list) and all(map(_simple, value)):
        for row in _rows(value, WIDTH - len(deeper)):
            yield f"{comma}\n{deeper}{row}"
            comma = ","
    else:
        names = value if isinstance(value, dict) else [None] * len(value)
        for name, inner in zip(names, inside, strict=True):
            yield f"{comma}\n{deeper}" + ("" if name is None else f"{_text(name)}: ")
            yield from _lines(inner, deeper)
            comma = ","
    yield f"\n{indent}{closing}"


def _rows(values: list[Any], width: int) -> Iterator[str]:
    """Elements of an array, the same number in each line."""
    longest = max((len(_text(one)) for one in values[:1024]), default=1)
    step = max(1, width // (longest + 2))
    step = 1 << step.bit_length() - 1
    for at in range(0, len(values), step):
        yield _text(values[at : at + step])[1:-1]


class ItemWriter:
    """Writes the document item by item, so that a stream of many never is in memory whole.

    Parameters
    ----------
    head : what the document says before its items
    """

    def __init__(self, out: BinaryIO, head: dict[str, Any]) -> None:
        self._out = out
        self._comma = ""
        out.write(b'{\n  "migstream": "%b",\n  "format": %d' % (KIND.encode(), FORMAT))
        for name, value in head.items():
            self._put(f",\n  {_text(name)}: ", value, "  ")
        out.write(b',\n  "items": [')

    def _put(self, before: str, value: Any, indent: str) -> None:
        self._out.write((before + "".join(_lines(value, indent))).encode("ascii"))

    def item(self, table: dict[str, Any]) -> None:
        self._put(f"{self._comma}\n    ", table, "    ")
        self._comma = ","

    def end(self) -> None:
        self._out.write(b"\n  ]\n}\n")


# --- read ----------------------------------------------------------------------------------------


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in table if names.count(name) > 1)
        raise BadValue("a key occurs twice", expected="each key once", found=twice)
    return table


def _meant(thing: Any) -> Any:
    """The same with every text as it was before `json_line` wrote it."""
    if isinstance(thing, str):
        return unescape(thing)
    if isinstance(thing, dict):
        return _object([(unescape(name), _meant(value)) for name, value in thing.items()])
    return [_meant(one) for one in thing] if isinstance(thing, list) else thing


def read(sources: Sources, name: str) -> bytes:
    """A document of the folder; raises BadValue where it is too large to be one."""
    whole = sources.file(name)
    if whole.size > MOST:
        raise BadValue(
            "too large", path=[name], expected=f"at most {MOST} bytes", found=f"{whole.size} bytes"
        )
    pieces = []
    at = 0
    while piece := os.pread(whole.fd, whole.size, at):
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces)


def load(sources: Sources) -> dict[str, Any]:
    """The document, of a format that is known.

    Raises
    ------
    BadValue : not JSON, or something else than what `decode --full` writes
    """
    try:
        raw = read(sources, MARKER)
        table = json.loads(raw, object_pairs_hook=_object)
        if rb"\\" in raw:
            table = _meant(table)
    except json.JSONDecodeError as error:
        raise BadValue(
            f"not JSON: {error.msg.lower()} in line {error.lineno}, column {error.colno}",
            path=[MARKER],
        ) from None
    except BadValue as error:
        error.path = [MARKER]
        raise
    except (RecursionError, ValueError):
        # ValueError: bytes that are no text, or a number of thousands of digits
        raise BadValue("not JSON: nested, long or coded beyond reason", path=[MARKER]) from None
    named = (table.get("migstream"), table.get("format")) if isinstance(table, dict) else None
    if named != (KIND, FORMAT):
        raise BadValue(
            "no document of `migstream decode --full`",
            path=[MARKER],
            expected=f"migstream {KIND!r}, format {FORMAT}",
            found=what(table) if named is None else f"{what(named[0])}, {what(named[1])}",
        )
    return dict(table)


def _get(table: dict[str, Any], key: str, kind: type, word: str) -> Any:
    value = table.get(key)
    if type(value) is not kind:
        found = what(value) if key in table else "nothing"
        raise BadValue("wrong kind", path=[key], expected=word, found=found)
    return value


def number(table: dict[str, Any], key: str, bits: int) -> int:
    """An unsigned number; raises BadValue."""
    value: int = _get(table, key, int, "a number")
    if not 0 <= value < 1 << bits:
        raise BadValue(
            "out of range", path=[key], expected=f"0 to {(1 << bits) - 1}", found=what(value)
        )
    return value


def text(table: dict[str, Any], key: str) -> str:
    """A text; raises BadValue."""
    value: str = _get(table, key, str, "a text")
    return value
