"""`migstream diff`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import click
from msgspec.structs import replace

from migstream.cli.common import Run, naming, verb, watching
from migstream.cli.ignoring import IGNORE, ignored
from migstream.cli.options import OFFSET, all_option, as_is_option, hex_option
from migstream.errors import MigstreamError
from migstream.names import unescape
from migstream.render.diff import (
    ChangeAnswer,
    DiffAnswer,
    DiffLine,
    LackingLine,
    Look,
    diff_answer,
    diff_lines,
    diff_parts,
)
from migstream.render.missing import Missing, missing
from migstream.stream import open_anything

__all__ = ["command"]

DIFFERENT = 1
OPTIONS = re.compile(r"--(channel|inside|offset|container|like)\b")


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
        ["--other-offset"],
        type=OFFSET,
        default=0,
        metavar="N",
        help="Where in OTHER the stream begins.",
    ),
    click.Option(
        ["--other-container"],
        metavar="KIND",
        help="What the stream of OTHER stands in.",
    ),
    click.Option(
        ["--other-like"],
        type=click.Path(allow_dash=True),
        metavar="FILE",
        help="Take the description of OTHER from another stream.",
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
    hex_option(),
    as_is_option(),
    click.Option(["--where"], is_flag=True, help="Offset and length of each value, too."),
    all_option("Every range, byte and page that differs, and values in full."),
    memory=True,
    answers=(DiffAnswer,),
    lines=((DiffLine, ChangeAnswer), (LackingLine, Missing)),
)
def command(
    run: Run,
    other: str,
    ignore: tuple[str, ...],
    other_channels: tuple[str, ...],
    other_inside: str | None,
    other_offset: int,
    other_container: str | None,
    other_like: str | None,
    hexadecimal: bool,
    where: bool,
    everything: bool,
    **parts: bool,
) -> None:
    """What changed from STREAM to OTHER: configuration, devices, fields, memory.

    `+` is in OTHER only, `-` in STREAM only, `~` differs; -v shows `=` too, and everything in full. Each change is shown to the byte: its offset (in brackets that in OTHER, where it is another), and
    the bytes of both, those that differ in brackets; `+IF -bit 3` are bits that OTHER has more, and less.

    Exit status: 0 same, 1 different, 2 wrong usage, 3 damaged stream.
    """
    from migstream.analysis.diff.compare import diff
    from migstream.analysis.diff.memory import page_of
    from migstream.analysis.diff.model import PARTS

    left_out = ignored(ignore)
    wanted = [part for part, on in parts.items() if on] or PARTS
    with ExitStack() as stack:
        with naming(other), _advising():
            opened = open_anything(
                other,
                channels=other_channels,
                inside=other_inside,
                offset=other_offset,
                container=other_container,
                like=other_like,
                spool=True,
                meaning=run.stream.meaning,
                watch=watching(),
            )
            second = stack.enter_context(opened)
            if second.not_begun is not None:
                raise second.not_begun
        found = diff(run.stream, second, ignore=left_out, parts=wanted)
        names = run.stream.name, second.name
        whole = "memory" in wanted
        lacking: tuple[list[Missing], list[Missing]] = ([], [])
        if whole:
            theirs = [replace(one, why=_theirs(one.why)) for one in missing(second.ram)]
            lacking = missing(run.stream.ram), theirs
        run.show(
            lambda: diff_answer(found, names, lacking),
            diff_parts(
                found,
                Look(
                    everything=everything or run.verbose,
                    alike=run.verbose,
                    hexadecimal=hexadecimal,
                    where=where,
                    pages=partial(page_of, run.stream, second),
                ),
            ),
            diff_lines(found, names, lacking),
        )
        for name, entries in zip(names, lacking, strict=True):
            run.missing(entries, name)
        noticed = second.noticed
        for error in noticed:
            error.hint = _theirs(error.hint)
    run.damage(run.stream.noticed)
    run.damage(noticed, second.name)
    if found:
        sys.exit(DIFFERENT)


def _theirs(text: str) -> str:
    """What is said of a stream, of OTHER: the options for it are called otherwise."""
    return OPTIONS.sub(r"--other-\1", text)


@contextmanager
def _advising() -> Iterator[None]:
    """Errors about OTHER name its options."""
    try:
        yield
    except MigstreamError as error:
        error.hint = _theirs(error.hint)
        raise
