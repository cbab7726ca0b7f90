"""`migstream schema`."""

from __future__ import annotations

import click

from migstream.cli.common import Out, Verb, guarded
from migstream.cli.completed import completed

__all__ = ["command"]


@click.command("schema", cls=Verb)
@click.argument("verb", shell_complete=completed("verbs"))
@click.option("--ndjson", is_flag=True, help="Of a line of JSON, as VERB --ndjson prints them.")
def command(verb: str, ndjson: bool) -> None:
    """The JSON Schema of what VERB prints with --json (docs/json.md).

    Exit status: 0 printed, 2 there is no such verb, or what it prints has another form.
    """
    from migstream.cli.group import COMMANDS
    from migstream.cli.verbs import SPELLINGS
    from migstream.render.answer import line_schema, schema

    found = COMMANDS.find(SPELLINGS.get(verb, verb))
    if found is None:
        raise click.UsageError(f"No such command {verb!r}.")
    option = "--ndjson" if ndjson else "--json"
    made = None
    if isinstance(found, Verb):  # another package's is any command
        if ndjson and found.lines:
            made = line_schema(verb, found.lines)
        elif not ndjson and found.answers:
            made = schema(verb, found.answers)
    if made is None:
        raise click.UsageError(f"{verb} prints no answer of migstream's own with {option}")
    out = Out(as_json=True, color="never", verbose=False)
    guarded(lambda: out.emit(made), "schema")
