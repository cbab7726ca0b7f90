"""What the verbs that write an edited stream share: where it goes, the second reading, the report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migstream.cli.common import Run
from migstream.errors import MigstreamError
from migstream.render.changes import Edited, change_lines, changed
from migstream.wire.frames import MAGIC

if TYPE_CHECKING:
    from migstream.edit.change import Edit

__all__ = ["OUTPUT", "edited"]

OUTPUT = (
    click.Option(["-o", "--output"], type=click.Path(), help="The stream to make."),
    click.Option(
        ["--in-place"], is_flag=True, help="Replace STREAM itself, once the result is complete."
    ),
    click.Option(["--force"], is_flag=True, help="Replace what is there."),
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

    target = _target(run, output, in_place)
    edit = Edit(run.stream)
    try:
        change(edit)
    except ValueError as error:
        if isinstance(error, MigstreamError):
            raise
        raise click.UsageError(str(error)) from None
    size = edit.save(target, force=force or in_place)
    changes = edit.changes()
    run.show(
        lambda: answer(output=target, size=size, changes=changed(changes)), change_lines(changes)
    )


def _target(run: Run, output: str | None, in_place: bool) -> str:
    if in_place == (output is not None):
        raise click.UsageError("say where to: -o OUTPUT, or --in-place")
    if output is not None:
        return output
    path = Path(run.stream.name)
    if not path.is_file() or not _plain(path):
        raise click.UsageError("only a plain file is changed in its place: use -o OUTPUT")
    return run.stream.name


def _plain(path: Path) -> bool:
    """Whether the file itself is the stream, and not a compressed one."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC
