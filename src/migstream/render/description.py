"""The description as text: every pair kept, also where a key comes twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from migstream.errors import BadDescription, StreamError
from migstream.names import json_line
from migstream.render.shown import Part
from migstream.stream import Stream

__all__ = ["description_parts", "description_text"]

SHORT = 100


class _Pairs(list[tuple[str, Any]]):
    """An object as its pairs."""


def description_text(stream: Stream) -> bytes:
    """The JSON alone, as it is in the stream; raises StreamError where there is none."""
    span = stream.description_span
    if span is not None:
        return bytes(stream.store.view(span.start + 5, span.stop))
    if stream.description is not None:
        return stream.description.text
    raise StreamError(
        "this stream has no description",
        hint="suppress-vmdesc, postcopy or a stream that is cut off; --like OTHER takes another's",
    )


def description_parts(text: bytes) -> Iterator[Part]:
    """Indented by two; what fits on a line stays on it."""
    try:
        table = json.loads(text.decode("utf-8", "surrogateescape"), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise BadDescription(
            f"not JSON: {type(error).__name__}", path=["description"], hint="--raw prints the bytes"
        ) from None
    yield from _lines(table, "", "")


def _inline(thing: Any) -> str:
    if isinstance(thing, _Pairs):
        return "{" + ", ".join(f"{json_line(k)}: {_inline(v)}" for k, v in thing) + "}"
    if isinstance(thing, list):
        return "[" + ", ".join(map(_inline, thing)) + "]"
    return json_line(thing)


def _flat(thing: Any) -> bool:
    values = [v for _, v in thing] if isinstance(thing, _Pairs) else thing
    return not isinstance(thing, list) or not any(isinstance(v, list) for v in values)


def _lines(thing: Any, lead: str, label: str, tail: str = "") -> Iterator[str]:
    if not isinstance(thing, list) or (_flat(thing) and len(line := _inline(thing)) <= SHORT):
        yield f"{lead}{label}{_inline(thing) if not isinstance(thing, list) else line}{tail}"
        return
    pairs = isinstance(thing, _Pairs)
    opening, closing = "{}" if pairs else "[]"
    yield f"{lead}{label}{opening}"
    for index, one in enumerate(thing):
        comma = "," if index < len(thing) - 1 else ""
        name, value = (f"{json_line(one[0])}: ", one[1]) if pairs else ("", one)
        yield from _lines(value, lead + "  ", name, comma)
    yield f"{lead}{closing}{tail}"
