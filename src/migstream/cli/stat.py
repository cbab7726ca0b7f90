"""`migstream stat`."""

from __future__ import annotations

import click

from migstream.cli.common import Run, verb
from migstream.cli.options import STDOUT, all_option, force_option, output_option
from migstream.cli.sending import only_bytes, target
from migstream.render.stat import Flames, Stat, stat, stat_parts
from migstream.render.written import written_line

__all__ = ["command"]


@verb(
    all_option("Every device, not the largest."),
    click.Option(
        ["--speedscope"],
        is_flag=True,
        help="The downtime part as a flame graph, for speedscope: a JSON file.",
    ),
    output_option("With --speedscope: the file to write; - is standard output."),
    force_option("With -o: replace what is there."),
    answers=(Stat, Flames),
)
def command(run: Run, everything: bool, speedscope: bool, output: str | None, force: bool) -> None:
    """Where the bytes go: RAM by block and kind, dirty rounds, devices, the downtime part."""
    if (output is not None or force) and not speedscope:
        raise click.UsageError("-o and --force belong to --speedscope")
    if force and output is None:
        raise click.UsageError("--force belongs to -o")
    if speedscope:
        _flames(run, output or STDOUT, force=force)
        return
    one = stat(run.stream)
    run.show(lambda: one, stat_parts(one, everything=everything or run.verbose))
    run.damage()


def _flames(run: Run, output: str, *, force: bool) -> None:
    """Write the graph; a damaged stream's, too, of which the end is told."""
    from migstream.export.picture import write
    from migstream.export.speedscope import flames

    only_bytes(run, output)
    data = flames(run.stream)
    with target(run, output, len(data)) as path:
        write(data, path, replace=force)
        made = Flames(output=output, size=len(data), file=run.stream.name)
        run.show(lambda: made, [written_line(made)])
    run.damage()
