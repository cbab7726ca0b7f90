"""`migstream decode`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from migstream.cli.common import Run, begun, verb
from migstream.cli.options import force_option, output_option
from migstream.cli.sending import no_folder
from migstream.cli.terminal import is_terminal
from migstream.render.shape import Decoded, Folder, decoded
from migstream.render.written import written_line

__all__ = ["command"]


@verb(
    click.Option(["--pretty"], is_flag=True, help="Indented, not in one line."),
    click.Option(
        ["--meaning"],
        is_flag=True,
        help="What values mean beside them: parts of blobs, names of numbers.",
    ),
    click.Option(
        ["--full"], is_flag=True, help="All of the stream, as a folder to edit and to encode."
    ),
    output_option("With --full: the folder to make."),
    click.Option(
        ["--no-ram"],
        is_flag=True,
        help="With --full: refer to STREAM for guest memory and other bulk instead of copying it.",
    ),
    force_option("With --full: replace such a folder."),
    any_source=True,  # a pipe of which --full makes a file must not have been read before
    answers=(Decoded, Folder),
)
def command(
    run: Run, pretty: bool, meaning: bool, full: bool, output: str | None, no_ram: bool, force: bool
) -> None:
    """The whole device state as JSON (docs/decode.md); guest memory is not read.

    With --full everything that is in the stream, guest memory included, goes to a folder: values as
    JSON that can be edited, bulk beside them. `migstream encode` makes a stream of it again.
    """
    if full != bool(output):
        raise click.UsageError("--full and -o belong together")
    if meaning and full:
        raise click.UsageError("--full makes what `encode` reads: values without --meaning")
    no_folder(output, "what --full makes")
    if (no_ram or force) and not full:
        raise click.UsageError("--no-ram and --force belong to --full")
    if run.stream.seekable or not full:
        begun(run.stream)
    if output:
        _full(run, output, no_ram=no_ram, force=force)
        return
    run.emit(decoded(run.stream, meaning=meaning), pretty=pretty or is_terminal(sys.stdout))


def _full(run: Run, output: str, *, no_ram: bool, force: bool) -> None:
    from migstream.document.folder import decode
    from migstream.errors import Unsupported

    source = click.get_current_context().params["source"]
    if no_ram and not run.stream.seekable:
        raise Unsupported(
            "--no-ram refers to a plain file",
            hint="save or unpack the stream to a file first, or leave --no-ram out",
        )
    stream = begun(run.stream.spool())
    decode(stream, output, original=Path(source) if no_ram else None, replace=force)
    made = Folder(output=output, size=stream.size)
    run.show(lambda: made, [written_line(made, "decoded")])
    run.damage(stream.damage)
