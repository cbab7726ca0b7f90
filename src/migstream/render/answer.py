r"""What verbs answer under `--json` and `--ndjson`: structs, of which each document says whose answer it is.

A document is an object that begins with `migstream`, the verb, and `format`, a number that grows
when something in it is renamed or removed; what is added does not change it. Common to all:

- a `span` is [start, stop) in bytes of the stream, sizes and offsets are in bytes;
- names are as `migstream.names` writes them: what is no character is an escape (`\\x80`);
- what is not known, or not there, is null: no key comes and goes unless its struct says so.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from migstream.names import json_text

__all__ = [
    "Answer",
    "Line",
    "Pair",
    "Printed",
    "PrintedType",
    "line_schema",
    "line_text",
    "schema",
]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Pair = tuple[int, int]  # [start, stop) in bytes


class Answer(msgspec.Struct, frozen=True, tag_field="migstream"):
    """A document; the `tag` of its class is the verb. Classes of it are `kw_only`: `format` comes first."""

    format: Literal[1] = 1


class Line(Answer, frozen=True, kw_only=True):
    """How a line of --ndjson begins: the source that it is of; the keys of one thing follow."""

    file: str


# What is printed as one line: a document that is short, or the beginning of a line and the thing it is about.
Printed = Answer | tuple[Line, msgspec.Struct]
PrintedType = type[Answer] | tuple[type[Line], type[msgspec.Struct]]


def line_text(printed: Printed) -> bytes:
    """A line of --ndjson, without its end: one object with the keys of both."""
    if isinstance(printed, Answer):
        return json_text(printed, pretty=False)
    begun, rest = (json_text(one, pretty=False) for one in printed)
    return begun[:-1] + b"," + rest[1:]


def schema(verb: str, answers: Sequence[type[Answer]]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what a verb answers: one of `answers`."""
    refs, defs = _components(answers)
    return _whole(f"migstream {verb} --json", refs, defs)


def line_schema(verb: str, lines: Sequence[PrintedType]) -> dict[str, Any]:
    """The JSON Schema of a line that a verb prints: one of `lines`."""
    parts = [one if isinstance(one, tuple) else (one,) for one in lines]
    _, defs = _components([kind for part in parts for kind in part])
    for begun, rest in (part for part in parts if len(part) > 1):
        defs[begun.__name__] = _joined(defs[begun.__name__], defs[rest.__name__])
    refs = [{"$ref": f"#/$defs/{part[0].__name__}"} for part in parts]
    return _whole(f"migstream {verb} --ndjson", refs, defs)


def _components(kinds: Sequence[type]) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    return msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")


def _whole(title: str, refs: Sequence[dict[str, Any]], defs: dict[str, Any]) -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "title": title,
        **(refs[0] if len(refs) == 1 else {"anyOf": list(refs)}),
        "$defs": {name: _described(one) for name, one in defs.items()},
    }


def _joined(begun: dict[str, Any], rest: dict[str, Any]) -> dict[str, Any]:
    """An object with the keys of both."""
    told = [inspect.cleandoc(one.get("description", "")) for one in (begun, rest)]
    return begun | {
        "description": "\n\n".join(filter(None, told)),
        "properties": begun["properties"] | rest["properties"],
        "required": [*begun.get("required", ()), *rest.get("required", ())],
    }


def _described(one: dict[str, Any]) -> dict[str, Any]:
    """The same; a docstring's indentation is not a part of what it says."""
    if "description" in one:
        one["description"] = inspect.cleandoc(one["description"])
    return one
