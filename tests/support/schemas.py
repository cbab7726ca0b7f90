"""Documents held against the JSON Schema that `migstream schema` prints, by another's validator."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from click.testing import CliRunner
from jsonschema import Draft202012Validator

from migstream.cli.group import cli

__all__ = ["hold", "schema_of"]


@cache
def schema_of(verb: str) -> dict[str, Any]:
    """What `migstream schema VERB` prints."""
    ended = CliRunner().invoke(cli, ["schema", verb])
    assert ended.exit_code == 0, ended.output
    found: dict[str, Any] = json.loads(ended.stdout)
    Draft202012Validator.check_schema(found)
    return found


def hold(verb: str, document: bytes) -> None:
    """Hold what `verb` printed under ``--json`` against its schema; all the keys of it are in there, too."""
    schema = schema_of(verb)
    text = document.decode()
    table, stop = json.JSONDecoder().raw_decode(text)
    if rest := text[stop:].lstrip():  # one for each of several files
        hold(verb, rest.encode())
    Draft202012Validator(schema).validate(table)
    assert list(table)[:2] == ["migstream", "format"], list(table)
    assert table["migstream"] == verb
    assert table["format"] == 1
    answers = [
        schema["$defs"][ref["$ref"].rpartition("/")[2]] for ref in schema.get("anyOf", [schema])
    ]
    assert any(table.keys() <= answer["properties"].keys() for answer in answers), list(table)
