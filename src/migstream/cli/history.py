"""`migstream history`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

import click

from migstream.cli.common import Run, verb
from migstream.cli.options import Option, all_option, force_option, output_option, raw_options
from migstream.cli.printing import warn
from migstream.cli.sending import only_bytes, target
from migstream.errors import NoSuchAddress
from migstream.names import unescape
from migstream.render.heat import HeatMap, heat_line, heat_map, heat_parts
from migstream.render.history import (
    Change,
    ChangeLine,
    Changes,
    Contents,
    History,
    Version,
    VersionLine,
    change_lines,
    changes,
    changes_parts,
    contents,
    contents_parts,
    history,
    history_parts,
    version_lines,
)

if TYPE_CHECKING:
    from migstream.ram.history import PageVersion, Versions

__all__ = ["command"]

TOP = 15  # ranges
CHANGED = 1
NOTHING = 1


def _place(run: Run, place: str) -> tuple[str, int]:
    """Block and offset that BLOCK@OFFSET, or a guest-physical address, means."""
    from migstream.places import memory_range

    one = next(memory_range(run.stream, place))
    assert one.block is not None  # of memory
    return one.block, one.start


def _version(versions: Versions, number: int) -> PageVersion:
    if not 0 <= number < len(versions):
        raise NoSuchAddress(
            f"no version {number} of this page", hint=f"the stream holds {len(versions)} of it"
        )
    return versions[number]


@verb(
    click.Argument(["place"], type=unescape, required=False, metavar="[BLOCK@OFFSET|ADDRESS]"),
    click.Option(["--heat"], is_flag=True, help="Which memory was sent again, by place and round."),
    output_option("With --heat: a picture to make, PNG or PPM; - is standard output."),
    Option(
        ["--dump", "number"],
        also=["-n", "--version"],
        type=int,
        metavar="N",
        help="The contents of one version, by its number in the list.",
    ),
    *raw_options(
        "With --dump: the bytes themselves.",
        force_option("With -o: replace what is there; with -r: write to a terminal, too."),
    ),
    all_option("Every line of --dump, every range of --heat."),
    click.Option(
        ["--diff", "pair"], nargs=2, type=int, metavar="A B", help="What changed from A to B."
    ),
    memory=True,
    answers=(History, Contents, Changes, HeatMap),
    lines=((VersionLine, Version), (ChangeLine, Change), Contents, HeatMap),
)
def command(
    run: Run,
    place: str | None,
    heat: bool,
    output: str | None,
    number: int | None,
    raw: bool,
    force: bool,
    everything: bool,
    pair: tuple[int, int] | None,
) -> None:
    """Every version of a page that the stream holds, by dirty round; the last is the final one.

    With --heat, which needs no page: what the guest wrote to while it was sent, as ranges of pages that were sent
    again, and a picture whose rows are places and whose columns are rounds.

    Exit status: 0 done, 1 no version of it is in the stream, or with --diff the two differ.
    """
    if heat:
        if place is not None or number is not None or raw or pair:
            raise click.UsageError("--heat is of all memory: without a page, --dump, --diff, -r")
        _heat(run, output, everything=everything or run.verbose, force=force)
        return
    if output is not None:
        raise click.UsageError("-o belongs to --heat")
    if place is None:
        raise click.UsageError("which page? BLOCK@OFFSET or an address; or --heat, for all of them")
    block, offset = _place(run, place)
    versions = run.stream.history(block, offset)
    page = offset - offset % run.stream.ram[block].page
    where = run.stream.name, block, page
    if raw and number is None:
        raise click.UsageError("-r needs --dump N: which version?")
    if pair:
        old, new = (_version(versions, n) for n in pair)
        found = changes(*where, old, new)
        run.show(lambda: found, changes_parts(page, old, new), change_lines(found))
        run.damage(run.stream.noticed)
        sys.exit(CHANGED if old.data != new.data else 0)
    if number is not None:
        one = _version(versions, number)
        if raw:
            run.write(one.data)
        else:
            told = contents(*where, one)
            parts = contents_parts(page, one, everything=everything or run.verbose)
            run.show(lambda: told, parts, [told])
    else:
        all_ = history(*where, versions)
        run.show(lambda: all_, history_parts(all_), version_lines(all_))
    if not versions:
        _say_nothing(run, block, offset)


def _heat(run: Run, output: str | None, *, everything: bool, force: bool) -> None:
    """Print the table and the picture, or write the picture."""
    only_bytes(run, output)
    stream = run.stream
    found = stream.heat()
    ranges = found.ranges if everything else found.ranges[:TOP]
    if output is None:
        told = heat_map(stream.name, found, ranges, stream.sent_in(ranges))
        run.show(lambda: told, heat_parts(told, found), [told])
    else:
        from migstream.export.heat import picture
        from migstream.export.picture import encoded, format_of, write

        data = encoded(picture(found), format_of(output))
        with target(run, output, len(data)) as path:
            write(data, path, replace=force)
            rounds = stream.sent_in(ranges) if run.as_json else [[] for _ in ranges]
            told = heat_map(stream.name, found, ranges, rounds, output=output, written=len(data))
            run.show(lambda: told, [heat_line(told)], [told])
    run.damage(stream.noticed)


def _say_nothing(run: Run, block: str, offset: int) -> NoReturn:
    """Why there is no version; ends the command."""
    why = run.stream.ram[block].reason(offset)
    warn(f"migstream: no version of this page is in the stream: {why}")
    run.damage(run.stream.noticed)
    sys.exit(NOTHING)
