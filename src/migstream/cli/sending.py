"""`-o -`: what a verb writes as a file goes to standard output instead, once it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migstream.cli.options import STDOUT

if TYPE_CHECKING:
    from migstream.cli.common import Out

__all__ = ["no_folder", "only_bytes", "target"]

CHUNK = 1 << 20
NAME = "output"


@contextmanager
def target(out: Out, output: str, room: int = 0) -> Iterator[str]:
    """The path to write to: `output` itself, or for `-` that of a temporary file.

    What was written there is sent when the block ends, and what the verb says meanwhile goes to standard
    error: standard output is the file's.

    Parameters
    ----------
    room : bytes that it will have, as far as anybody knows before

    Raises
    ------
    SourceError : a temporary file of that size would take the last part of the disk
    """
    if output != STDOUT:
        yield output
        return
    only_bytes(out, output)
    from migstream.source.temporary import need_room, temporary_folder

    need_room(room)
    out.aside = True
    with temporary_folder() as folder:
        path = folder / NAME
        yield str(path)
        _send(out, path)


def _send(out: Out, path: Path) -> None:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            out.write(piece)


def only_bytes(out: Out, output: str | None) -> None:
    """Refuse to print a result where a file is sent."""
    if output == STDOUT and (out.as_json or out.ndjson):
        form = "--json" if out.as_json else "--ndjson"
        raise click.UsageError(f"{form} and -o - both mean standard output: choose one")


def no_folder(output: str | None, what: str) -> None:
    """Refuse to send a folder."""
    if output == STDOUT:
        raise click.UsageError(f"{what} is a folder, which cannot go to standard output")
