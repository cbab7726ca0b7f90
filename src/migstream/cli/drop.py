"""`migstream drop`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migstream.cli.common import Run, paths, verb
from migstream.cli.editing import OUTPUT, edited
from migstream.render.changes import Drop

if TYPE_CHECKING:
    from migstream.edit.change import Edit

__all__ = ["command"]


@verb(paths(required=True), *OUTPUT, memory=True, later=True, answers=(Drop,))
def command(
    run: Run, paths: tuple[str, ...], output: str | None, in_place: bool, force: bool
) -> None:
    """A stream without some devices, subsections (PATH) or RAM blocks (ram/BLOCK).

    The description no longer names them, and the sizes in it are right again.
    """

    def change(edit: Edit) -> None:
        for path in paths:
            edit.drop(path)

    edited(run, Drop, change, output, in_place, force)
