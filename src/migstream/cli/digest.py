"""`migstream digest`."""

from __future__ import annotations

from functools import partial

import click

from migstream.cli.common import Out, Verb, begun, guarded, stream_options, watching
from migstream.cli.ignoring import IGNORE, ignored
from migstream.cli.printing import say, warn
from migstream.render.refreshed import Refreshed, refreshed_parts
from migstream.source.address import public
from migstream.stream import Stream, open_anything

__all__ = ["command"]

MOST = 20


@click.command("digest", cls=Verb, answers=(Refreshed,))
@click.argument("sources", nargs=-1, required=True, metavar="STREAM | FILES...")
@click.option("-o", "--output", type=click.Path(), metavar="FILE", help="Write the digest here.")
@click.option("--force", is_flag=True, help="With -o: replace what is there.")
@click.option("--refresh", is_flag=True, help="Make each of these digests again, as it was made.")
@click.option("--no-ram", is_flag=True, help="Leave guest memory out: instant on any size.")
@click.option("-v", "--verbose", is_flag=True, help="With --refresh: print all that changed.")
@click.option("--json", "as_json", is_flag=True, help="With --refresh: print what changed as JSON.")
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
    verbose: bool,
    as_json: bool,
) -> None:
    """A small text file of a stream's state: a hash and the values of each device, hashes of memory.

    `migstream check --golden` says what of a stream is otherwise. With --refresh all the digests
    named are made again from their streams.

    Exit status: 0 done, 2 wrong usage, 3 damaged stream.
    """
    if refresh:
        given = (like, channels, offset, walk, inside, container, ignore, no_ram)
        if output is not None or force or any(given):
            raise click.UsageError("--refresh makes each as it was made: without other options")
        out = Out(as_json=as_json, color="never", verbose=verbose)
        for path in sources:
            guarded(partial(_refresh, path, out), path)
        return
    if len(sources) > 1:
        raise click.UsageError("one STREAM; several files only with --refresh")
    if verbose or as_json:
        raise click.UsageError("-v and --json say how --refresh prints what changed")
    if force and output is None:
        raise click.UsageError("--force belongs to -o")
    names = tuple(ignored(ignore))
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
            _make(begun(stream), source, output, names, ram=not no_ram, force=force)

    guarded(work, source if source != "-" else "<stdin>")


command.params += [IGNORE, *stream_options()]


def _make(
    stream: Stream,
    source: str,
    output: str | None,
    ignore: tuple[str, ...],
    *,
    ram: bool,
    force: bool,
) -> None:
    from migstream.analysis.digest import digest_lines
    from migstream.analysis.golden import write

    if output is not None:
        write(stream, source, output, ignore=ignore, ram=ram, replace=force)
        _say(stream, ram=ram)
        return
    for line in digest_lines(stream, name=public(source), ignore=ignore, ram=ram):
        say(line)
    _say(stream, ram=ram)
    for error in stream.noticed:
        raise error


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
