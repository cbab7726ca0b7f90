"""`migstream diff`."""

from __future__ import annotations

import sys
from contextlib import ExitStack

import click

from migstream.cli.common import Run, begun, naming, verb, watching
from migstream.cli.ignoring import IGNORE, ignored
from migstream.names import unescape
from migstream.render.diff import DiffAnswer, diff_answer, diff_parts
from migstream.render.missing import missing
from migstream.stream import open_anything

__all__ = ["command"]

DIFFERENT = 1


@verb(
    click.Argument(["other"], type=click.Path(allow_dash=True), metavar="OTHER"),
    IGNORE,
    click.Option(
        ["--other-channel", "other_channels"],
        type=click.Path(),
        multiple=True,
        metavar="FILE",
        help="A recorded multifd channel of OTHER; a folder or a pattern for several.",
    ),
    click.Option(
        ["--other-inside"],
        type=unescape,
        metavar="NAME",
        help="Which one of several that OTHER holds.",
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
    answers=(DiffAnswer,),
)
def command(
    run: Run,
    other: str,
    ignore: tuple[str, ...],
    other_channels: tuple[str, ...],
    other_inside: str | None,
    **parts: bool,
) -> None:
    """What changed from STREAM to OTHER: configuration, devices, fields, memory.

    `+` is in OTHER only, `-` in STREAM only, `~` differs; -v shows `=` too, and everything in full.

    Exit status: 0 same, 1 different, 2 wrong usage, 3 damaged stream.
    """
    from migstream.analysis.diff.compare import diff
    from migstream.analysis.diff.model import PARTS

    left_out = ignored(ignore)
    wanted = [part for part, on in parts.items() if on] or PARTS
    with ExitStack() as stack:
        with naming(other):
            opened = open_anything(
                other, channels=other_channels, inside=other_inside, spool=True, watch=watching()
            )
            second = begun(stack.enter_context(opened))
        found = diff(run.stream, second, ignore=left_out, parts=wanted)
        names = run.stream.name, second.name
        whole = "memory" in wanted
        lacking = (missing(run.stream.ram), missing(second.ram)) if whole else ([], [])
        run.show(
            lambda: diff_answer(found, names, lacking),
            diff_parts(found, everything=run.verbose),
        )
        for name, entries in zip(names, lacking, strict=True):
            run.missing(entries, name)
        noticed = second.noticed
    run.damage(run.stream.noticed)
    run.damage(noticed, second.name)
    if found:
        sys.exit(DIFFERENT)
