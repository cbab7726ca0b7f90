"""`migstream schema`."""

from __future__ import annotations

import click

from migstream.cli.printing import print_json

__all__ = ["command"]


@click.command("schema")
@click.argument("verb")
def command(verb: str) -> None:
    """The JSON Schema of what VERB prints with --json (docs/json.md).

    Exit status: 0 printed, 2 there is no such verb, or what it prints has another form.
    """
    from migstream.cli.common import Verb
    from migstream.cli.group import COMMANDS
    from migstream.names import json_text
    from migstream.render.answer import schema

    found = COMMANDS.find(verb)
    if found is None:
        raise click.UsageError(f"No such command {verb!r}.")
    answers = found.answers if isinstance(found, Verb) else ()
    if not answers:
        raise click.UsageError(f"{verb} prints no answer of migstream's own as JSON")
    print_json(json_text(schema(verb, answers), pretty=True))
