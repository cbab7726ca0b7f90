"""What the verbs that write an edited stream share: where it goes, the second reading, the report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migstream.cli.common import Run
from migstream.cli.options import force_option, output_option
from migstream.cli.printing import warn
from migstream.cli.sending import target
from migstream.errors import MigstreamError
from migstream.render.changes import Edited, change_lines, changed

if TYPE_CHECKING:
    from migstream.edit.change import Edit
    from migstream.stream import Stream

__all__ = ["OUTPUT", "edited"]

OUTPUT = (
    output_option("The stream to make; - is standard output."),
    click.Option(
        ["--in-place"], is_flag=True, help="Replace STREAM itself, once the result is complete."
    ),
    force_option(),
)


def edited(
    run: Run,
    answer: type[Edited],
    change: Callable[[Edit], object],
    output: str | None,
    in_place: bool,
    force: bool,
) -> None:
    """Make the changes, write the result, read it again, and list what was changed.

    Nothing is left behind, and nothing replaced, unless the result reads as it should.
    """
    from migstream.edit.change import Edit

    place = _place(run, output, in_place)
    edit = Edit(run.stream)
    try:
        change(edit)
    except ValueError as error:
        if isinstance(error, MigstreamError):
            raise
        raise click.UsageError(str(error)) from None
    with target(run, place, run.stream.size) as path:
        size = edit.save(path, force=force or in_place)
        if not _kept(run.stream):
            warn(
                f"migstream: the result is a bare stream: {run.stream.layers[0].name} images are not written"
            )
        changes = edit.changes()
        run.show(
            lambda: answer(output=place, size=size, changes=changed(changes)),
            change_lines(changes),
        )


def _place(run: Run, output: str | None, in_place: bool) -> str:
    if in_place == (output is not None):
        raise click.UsageError("say where to: -o OUTPUT, or --in-place")
    if output is not None:
        return output
    path = Path(run.stream.name)
    offset = click.get_current_context().params["offset"]
    if not path.is_file() or offset or not _kept(run.stream):
        raise click.UsageError(
            "only a file that is a stream, or holds one and nothing else, is changed in its place: use -o OUTPUT"
        )
    return run.stream.name


def _kept(stream: Stream) -> bool:
    """Whether the result stands in what the source stands in."""
    from migstream.edit.shell import BARE, shell_of

    return not stream.layers or shell_of(stream) != BARE
