"""`migstream tui`."""

from __future__ import annotations

import os
import sys

import click

from migstream.cli import terminal
from migstream.cli.common import Run, verb
from migstream.cli.options import STDOUT
from migstream.errors import Unsupported

__all__ = ["command"]


@verb(
    click.Option(
        ["--no-mouse"], is_flag=True, help="Leave the mouse to the terminal, which copies with it."
    ),
    memory=True,
    later=True,
)
def command(run: Run, no_mouse: bool) -> None:
    """The stream on the whole terminal: a tree of its values, their bytes, guest memory, search.

    Keys are listed by ? there; q ends it. It reads what is looked at, and writes nothing.
    """
    if run.as_json:
        raise click.UsageError("--json prints a result, and this is to be looked at")
    _refuse()
    try:
        from migstream.tui.app import Browser
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in {"textual", "rich"}:
            raise
        raise Unsupported(
            "the terminal is drawn by Textual, which is not installed",
            hint="pip install 'migstream[tui]'; `migstream tree` and `show` need nothing",
        ) from None
    if run.colour:
        os.environ.pop("NO_COLOR", None)
    else:
        os.environ["NO_COLOR"] = "1"  # by which Textual knows, whoever said it
    Browser(run.stream).run(mouse=not no_mouse)


def _refuse() -> None:
    """It needs a terminal for keys and for what it draws."""
    if click.get_current_context().params["source"] == STDOUT:
        raise click.UsageError("keys are typed on standard input: put the stream into a file")
    if os.environ.get("TERM", "dumb") == "dumb" or not all(
        terminal.is_terminal(one) for one in (sys.stdin, sys.stdout, sys.stderr)
    ):
        raise click.UsageError(
            "this is no terminal to draw on: `migstream tree` and `show` print the same"
        )
