"""What of a comparison is left out: an option that several verbs have."""

from __future__ import annotations

import click

from migstream.cli.completed import completed

__all__ = ["IGNORE", "ignored"]

IGNORE = click.Option(
    ["--ignore"],
    multiple=True,
    metavar="WHAT",
    shell_complete=completed("ignorable"),
    help="Leave out clocks, timers, counters, or paths by globs; with commas, or once for each.",
)


def ignored(texts: tuple[str, ...]) -> list[str]:
    """What --ignore names, checked."""
    from migstream.analysis.ignore import Ignore

    names = [name for text in texts for name in text.split(",") if name]
    try:
        Ignore(names)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--ignore") from None
    return names
