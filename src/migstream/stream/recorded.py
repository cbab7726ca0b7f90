"""Recordings of multifd channels, as they are named: files, folders, patterns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from glob import glob, has_magic

from migstream.errors import SourceError
from migstream.ram.multifd import is_channel
from migstream.source.address import scheme_of
from migstream.source.layers import Opened
from migstream.source.opened import Openable, open_source

__all__ = ["open_channels"]

HEAD = 8


def open_channels(named: Sequence[Openable]) -> list[Opened]:
    """Open recordings, with all of their bytes at hand.

    Parameters
    ----------
    named : each what `open_source` takes. Of a folder, the files in it that begin as a channel does;
        a pattern that is no file's name stands for all that it fits

    Raises
    ------
    SourceError : one cannot be read, no file in a folder is a channel, or a pattern fits nothing
    """
    opened: list[Opened] = []
    try:
        for one in named:
            opened += _opened(one)
    except BaseException:
        for recording in opened:
            recording.close()
        raise
    return opened


def _opened(one: Openable) -> Iterator[Opened]:
    path = os.fspath(one) if isinstance(one, str | os.PathLike) else None
    if path is None or scheme_of(path):
        yield open_source(one, spool=True)
    elif os.path.isdir(path):  # noqa: PTH112 - as everywhere that opens a stream
        yield from _in_folder(path)
    elif has_magic(path) and not os.path.lexists(path):
        found = sorted(glob(path))  # noqa: PTH207
        if not found:
            raise SourceError(f"{path}: no file is called so")
        for name in found:
            yield open_source(name, spool=True)
    else:
        yield open_source(path, spool=True)


def _in_folder(folder: str) -> Iterator[Opened]:
    """The channels among the files of a folder: the stream itself may lie there, too."""
    none = True
    try:
        paths = sorted(entry.path for entry in os.scandir(folder) if entry.is_file())
    except OSError as error:
        raise SourceError(f"{folder}: {(error.strerror or str(error)).lower()}") from None
    for path in paths:
        try:
            found = open_source(path)
        except SourceError:
            continue  # of another kind, and broken
        except ValueError:
            continue  # a container that holds no stream
        try:
            if is_channel(found.head(HEAD)):
                none = False
                yield found.spool()
                continue
        except BaseException:
            found.close()
            raise
        found.close()
    if none:
        raise SourceError(
            f"{folder}: no file in it begins as a multifd channel does",
            hint="a recording of one begins with the bytes 11 22 33 44",
        )
