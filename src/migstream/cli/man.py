"""`migstream man`."""

from __future__ import annotations

import click

from migstream.cli.common import Verb, guarded
from migstream.cli.completed import completed
from migstream.cli.options import force_option
from migstream.cli.sending import no_folder

__all__ = ["command"]


@click.command("man", cls=Verb)
@click.argument("verb", required=False, shell_complete=completed("verbs"))
def command(verb: str | None, output: str | None, force: bool) -> None:
    """The manual's page of VERB, or of the command itself, as man(1) reads it: `migstream man get | man -l -`.

    With -o all pages, each a file NAME.1 of a folder, such as the man1 of one that MANPATH names.
    """
    from migstream.cli.manual import page, write_pages
    from migstream.cli.printing import say

    no_folder(output, "what -o makes")
    if verb is not None and output is not None:
        raise click.UsageError("-o is for all pages: leave VERB out")

    def work() -> None:
        if output is None:
            say(page(verb).rstrip())
        else:
            write_pages(output, replace=force)

    guarded(work, output or "man")


command.params += [
    click.Option(
        ["-o", "--output"],
        type=click.Path(allow_dash=True),
        metavar="FOLDER",
        help="The folder to make.",
    ),
    force_option(),
]
