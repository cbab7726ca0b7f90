r"""What verbs answer under `--json`: structs, of which each document says whose answer it is.

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

__all__ = ["Answer", "Pair", "schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Pair = tuple[int, int]  # [start, stop) in bytes


class Answer(msgspec.Struct, frozen=True, tag_field="migstream"):
    """A document; the `tag` of its class is the verb. Classes of it are `kw_only`: `format` comes first."""

    format: Literal[1] = 1


def schema(verb: str, answers: Sequence[type[Answer]]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what a verb answers: one of `answers`."""
    refs, defs = msgspec.json.schema_components(answers, ref_template="#/$defs/{name}")
    return {
        "$schema": DIALECT,
        "title": f"migstream {verb} --json",
        **(refs[0] if len(refs) == 1 else {"anyOf": list(refs)}),
        "$defs": {name: _described(one) for name, one in defs.items()},
    }


def _described(one: dict[str, Any]) -> dict[str, Any]:
    """The same; a docstring's indentation is not a part of what it says."""
    if "description" in one:
        one["description"] = inspect.cleandoc(one["description"])
    return one
