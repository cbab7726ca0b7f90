"""Ranges of a source as files of their own: streams that were found in something large."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from migstream.source.output import new_file, new_folder
from migstream.source.sparse import SparseWriter
from migstream.source.store import Store
from migstream.wire.model import Span

__all__ = ["carve", "carve_all", "file_name"]

CHUNK = 4 << 20
NAME = re.compile(r"0x[0-9a-f]+\.mig")


def file_name(span: Span) -> str:
    """What the file of a range is called in a folder of them: after its offset."""
    return f"{span.start:#x}.mig"


def carve(
    store: Store,
    span: Span,
    path: str | os.PathLike[str],
    *,
    force: bool = False,
    tell: Callable[[int], object] = lambda _: None,
) -> None:
    """Write bytes [start, stop) of a source as a new file; stretches of zeros become holes.

    Parameters
    ----------
    force : replace a plain file that is there
    tell : is told how many bytes were copied since the last time

    Raises
    ------
    SourceError : the source cannot be read, or the file not be written; nothing is left behind then
    """
    with new_file(path, replace=force) as fd:
        _copy(store, span, fd, tell)


def carve_all(
    store: Store,
    spans: Sequence[Span],
    folder: str | os.PathLike[str],
    *,
    force: bool = False,
    tell: Callable[[int], object] = lambda _: None,
) -> list[str]:
    """Write each range as a file in a new folder, all of them or none; their names.

    Parameters
    ----------
    force : replace a folder of such files that is there

    Raises
    ------
    SourceError : as `carve` has it
    """
    names = [file_name(span) for span in spans]
    with new_folder(folder, replace=force, holds=_carved) as part:
        for span, name in zip(spans, names, strict=True):
            with new_file(part / name) as fd:
                _copy(store, span, fd, tell)
    return names


def _carved(folder: Path) -> Collection[str]:
    """The files of a folder that was made here."""
    return [entry.name for entry in folder.iterdir() if NAME.fullmatch(entry.name)]


def _copy(store: Store, span: Span, fd: int, tell: Callable[[int], object]) -> None:
    with SparseWriter(fd) as out:
        for at in range(span.start, span.stop, CHUNK):
            piece = store.view(at, min(at + CHUNK, span.stop))
            out.copy(piece)
            tell(len(piece))
        out.finish()
