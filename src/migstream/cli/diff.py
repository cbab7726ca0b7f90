"""`migstream diff`."""

from __future__ import annotations

import sys

import click

from migstream.cli.common import Run, begun, verb
from migstream.stream import open_anything

__all__ = ["IGNORE", "command", "ignored"]

DIFFERENT = 1
IGNORE = click.Option(
    ["--ignore"],
    multiple=True,
    metavar="WHAT",
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


@verb(
    click.Argument(["other"], type=click.Path(allow_dash=True), metavar="OTHER"),
    IGNORE,
    click.Option(
        ["--other-channel", "other_channels"],
        type=click.Path(),
        multiple=True,
        metavar="FILE",
        help="A recorded multifd channel of OTHER; once for each.",
    ),
    click.Option(
        ["--values"],
        is_flag=True,
        help="Only values: configuration and fields.",
    ),
    click.Option(
        ["--schema"],
        is_flag=True,
        help="Only what there is: devices, versions, fields, types, subsections.",
    ),
    click.Option(
        ["--memory"],
        is_flag=True,
        help="Only guest memory, other live sections, commands.",
    ),
    memory=True,
)
def command(
    run: Run, other: str, ignore: tuple[str, ...], other_channels: tuple[str, ...], **parts: bool
) -> None:
    """What changed from STREAM to OTHER: configuration, devices, fields, memory.

    `+` is in OTHER only, `-` in STREAM only, `~` differs; -v shows `=` too, and everything in full.

    Exit status: 0 same, 1 different, 2 wrong usage, 3 damaged stream.
    """
    from migstream.analysis.diff.compare import diff
    from migstream.analysis.diff.model import PARTS
    from migstream.render.diff import diff_json, diff_lines
    from migstream.render.missing import missing_table

    names = ignored(ignore)
    wanted = [part for part, on in parts.items() if on] or PARTS
    with open_anything(other, channels=other_channels, spool=True) as second:
        begun(second)
        found = diff(run.stream, second, ignore=names, parts=wanted)
        whole = "memory" in wanted
        missing = [missing_table(s.ram) if whole else [] for s in (run.stream, second)]
        if run.as_json:
            run.emit(diff_json(found, (run.stream.name, second.name), missing))
        else:
            run.print(diff_lines(found, run.palette, everything=run.verbose))
        for one, entries in zip((run.stream, second), missing, strict=True):
            run.missing(entries, one.name)
        noticed = second.noticed
    run.damage(run.stream.noticed)
    run.damage(noticed, second.name)
    if found:
        sys.exit(DIFFERENT)
