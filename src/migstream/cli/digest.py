"""`migstream digest`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from migstream.cli.common import Out, Run, Verb, guarded, watching, with_stream
from migstream.cli.ignoring import IGNORE, ignored
from migstream.cli.options import all_option, force_option, output_options, printed, stream_options
from migstream.cli.printing import say
from migstream.render.digested import Digested, DigestWritten, digested_line
from migstream.render.refreshed import Refreshed, refreshed_parts
from migstream.source.address import public

__all__ = ["command"]

MOST = 20
RAM = "ram/"


@click.command("digest", cls=Verb, answers=(Digested, DigestWritten, Refreshed))
@click.argument("sources", nargs=-1, required=True, metavar="STREAM | FILES...")
@click.option(
    "-o",
    "--output",
    type=click.Path(allow_dash=True),
    metavar="FILE",
    callback=printed,
    help="Write the digest here; - is standard output.",
)
@click.option("--refresh", is_flag=True, help="Make each of these digests again, as it was made.")
@click.option("--no-ram", is_flag=True, help="Leave guest memory out: instant on any size.")
def command(
    sources: tuple[str, ...],
    output: str | None,
    force: bool,
    refresh: bool,
    like: str | None,
    channels: tuple[str, ...],
    offset: int,
    inside: str | None,
    container: str | None,
    walk: bool,
    no_ram: bool,
    ignore: tuple[str, ...],
    everything: bool,
    **printing: Any,
) -> None:
    """A small text file of a stream's state: a hash and the values of each device, hashes of memory.

    `migstream check --golden` says what of a stream is otherwise. With --refresh all the digests
    named are made again from their streams, opened as they were (--inside, --offset, --like, ...).

    Exit status: 0 done, 2 wrong usage, 3 damaged stream.
    """
    if refresh:
        out = Out(**printing)
        given = (like, channels, offset, walk, inside, container, ignore, no_ram)
        if output is not None or force or any(given):
            raise click.UsageError("--refresh makes each as it was made: without other options")
        for path in sources:
            guarded(partial(_refresh, path, out, everything=everything), path)
        return
    if len(sources) > 1:
        raise click.UsageError("one STREAM; several files only with --refresh")
    if everything:
        raise click.UsageError("--all says how much --refresh prints of what changed")
    if force and output is None:
        raise click.UsageError("--force belongs to -o")
    from migstream.analysis.digest import Opening

    opening = Opening(
        inside=inside, container=container, offset=offset, like=like, channels=channels
    )
    how = {"ignore": tuple(ignored(ignore)), "ram": not no_ram, "opening": opening}
    source = sources[0]

    def make(run: Run) -> None:
        if output is None:
            _printed(run, source, **how)
        else:
            _written(run, source, output, force=force, **how)
        if not no_ram:
            from migstream.render.missing import missing

            run.missing(missing(run.stream.ram))

    with_stream(
        source,
        make,
        spool=not no_ram,
        like=like,
        channels=channels,
        offset=offset,
        inside=inside,
        container=container,
        walk=walk,
        **printing,
    )


command.params += [
    force_option("With -o: replace what is there."),
    all_option("With --refresh: print all that changed."),
    IGNORE,
    *stream_options(),
    *output_options(),
]


def _printed(run: Run, source: str, **how: Any) -> None:
    from migstream.analysis.digest import digest_lines

    lines = digest_lines(run.stream, name=public(source), **how)
    if run.as_json:
        run.emit(Digested(file=run.stream.name, lines=list(lines)))
        return
    for line in lines:
        say(line)


def _written(run: Run, source: str, output: str, *, force: bool, **how: Any) -> None:
    from migstream.analysis.golden import load, write

    write(run.stream, source, output, replace=force, **how)
    entries = load(output).entries
    made = DigestWritten(
        output=output,
        size=Path(output).stat().st_size,
        file=run.stream.name,
        devices=sum(one.is_device for one in entries.values()),
        blocks=sum(path.startswith(RAM) for path in entries),
    )
    run.show(lambda: made, [digested_line(made)])


def _refresh(path: str, out: Out, *, everything: bool) -> None:
    from migstream.analysis.golden import refresh

    found = refresh(path, watching())
    made = Refreshed(file=path, same=not found, differences=found)
    most = None if everything or out.verbose else MOST
    out.show(lambda: made, refreshed_parts(made, most=most))
