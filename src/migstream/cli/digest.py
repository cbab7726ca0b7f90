"""`migstream digest`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from migstream.cli.common import Out, Verb, begun, guarded, watching
from migstream.cli.ignoring import IGNORE, ignored
from migstream.cli.options import printed, stream_options
from migstream.cli.printing import say, warn
from migstream.render.digested import Digested, DigestWritten, digested_line
from migstream.render.refreshed import Refreshed, refreshed_parts
from migstream.source.address import public
from migstream.stream import Stream, open_anything

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
@click.option("--force", is_flag=True, help="With -o: replace what is there.")
@click.option("--refresh", is_flag=True, help="Make each of these digests again, as it was made.")
@click.option("--no-ram", is_flag=True, help="Leave guest memory out: instant on any size.")
@click.option("--all", "everything", is_flag=True, help="With --refresh: print all that changed.")
@click.option("-v", "--verbose", is_flag=True, help="With --refresh: as --all.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
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
    verbose: bool,
    as_json: bool,
) -> None:
    """A small text file of a stream's state: a hash and the values of each device, hashes of memory.

    `migstream check --golden` says what of a stream is otherwise. With --refresh all the digests
    named are made again from their streams, opened as they were (--inside, --offset, --like, ...).

    Exit status: 0 done, 2 wrong usage, 3 damaged stream.
    """
    out = Out(as_json=as_json, color="never", verbose=verbose or everything)
    if refresh:
        given = (like, channels, offset, walk, inside, container, ignore, no_ram)
        if output is not None or force or any(given):
            raise click.UsageError("--refresh makes each as it was made: without other options")
        for path in sources:
            guarded(partial(_refresh, path, out), path)
        return
    if len(sources) > 1:
        raise click.UsageError("one STREAM; several files only with --refresh")
    if verbose or everything:
        raise click.UsageError("-v and --all say how --refresh prints what changed")
    if force and output is None:
        raise click.UsageError("--force belongs to -o")
    from migstream.analysis.digest import Opening

    opening = Opening(
        inside=inside, container=container, offset=offset, like=like, channels=channels
    )
    how = {"ignore": tuple(ignored(ignore)), "ram": not no_ram, "opening": opening}
    source = sources[0]

    def work() -> None:
        with open_anything(
            source,
            like=like,
            channels=channels,
            spool=not no_ram,
            walk=walk,
            offset=offset,
            inside=inside,
            container=container,
            watch=watching(),
        ) as stream:
            begun(stream)
            if output is None:
                _printed(stream, source, out, **how)
            else:
                _written(stream, source, output, out, force=force, **how)
            _say(stream, ram=not no_ram)
            for error in stream.noticed:
                raise error

    guarded(work, source if source != "-" else "<stdin>")


command.params += [IGNORE, *stream_options()]


def _printed(stream: Stream, source: str, out: Out, **how: Any) -> None:
    from migstream.analysis.digest import digest_lines

    lines = digest_lines(stream, name=public(source), **how)
    if out.as_json:
        out.emit(Digested(file=stream.name, lines=list(lines)))
        return
    for line in lines:
        say(line)


def _written(
    stream: Stream, source: str, output: str, out: Out, *, force: bool, **how: Any
) -> None:
    from migstream.analysis.golden import load, write

    write(stream, source, output, replace=force, **how)
    entries = load(output).entries
    made = DigestWritten(
        output=output,
        size=Path(output).stat().st_size,
        file=stream.name,
        devices=sum(one.is_device for one in entries.values()),
        blocks=sum(path.startswith(RAM) for path in entries),
    )
    out.show(lambda: made, [digested_line(made)])


def _say(stream: Stream, *, ram: bool) -> None:
    """What of guest memory the hashes cannot cover."""
    if ram:
        from migstream.render.missing import missing, missing_lines

        for line in missing_lines(missing(stream.ram)):
            warn(f"migstream: {line}")


def _refresh(path: str, out: Out) -> None:
    from migstream.analysis.golden import refresh

    found = refresh(path, watching())
    made = Refreshed(file=path, same=not found, differences=found)
    out.show(lambda: made, refreshed_parts(made, most=None if out.verbose else MOST))
