"""A whole stream as a folder that a person can edit, and a stream from that folder.

`decode` writes `stream.json`, the description as it is, and bulk beside them; `encode` writes the
stream again: the same bytes where nothing was changed. docs/decode.md has the shape.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from migstream.document.bulk import ORIGINAL, Aside, Sources
from migstream.document.encode import Encoder, Layouts
from migstream.document.items import BULK, RAM, Tables
from migstream.document.text import DESCRIPTION, LIKE, MARKER, ItemWriter, load, read
from migstream.document.values import what
from migstream.errors import BadDescription, BadValue, Unsupported
from migstream.source.layers import Watch, telling
from migstream.source.output import new_file, new_folder
from migstream.source.pieces import Piece, write
from migstream.stream import Stream
from migstream.vmstate.description import Description, parse_description
from migstream.wire.model import Span, VMDescription

__all__ = ["decode", "encode"]

FILES = frozenset({MARKER, DESCRIPTION, LIKE, RAM, BULK})
PathLike = str | os.PathLike[str]


def decode(
    stream: Stream, folder: PathLike, *, original: PathLike | None = None, replace: bool = False
) -> None:
    """Write all of a stream into a new folder.

    Parameters
    ----------
    stream : all of its bytes have to be at hand: a file, or opened with `spool=True`
    folder : made by this, whole or not at all
    original : the stream's own file, to which the document then refers for RAM and other bulk
    replace : whether a folder that was made by this function may be replaced

    Raises
    ------
    Unsupported : a pipe, whose bytes are gone, or `original` is not this stream's file
    SourceError : the folder cannot be written
    """
    if not stream.seekable:
        raise Unsupported("the guest memory of a pipe is not kept", hint="open it with spool=True")
    if original is not None and not _is_file_of(stream, Path(original)):
        raise Unsupported(
            f"{os.fspath(original)} is not the file of this stream",
            hint="references need the plain file that the stream is read from",
        )
    with (
        new_folder(folder, replace=replace, holds=_files) as place,
        telling(stream.watch, "writing", stream.size) as tell,
        Aside(place, stream.store, original=original is not None, tell=tell) as aside,
        (place / MARKER).open("wb") as out,
    ):
        span, description, name = _description(stream)
        if span is not None:
            with (place / DESCRIPTION).open("xb") as copy:
                write([span], copy.fileno(), stream.store)
        if name == LIKE and description is not None:
            (place / LIKE).write_bytes(description.text)
        head: dict[str, Any] = {
            "source": {"file": stream.name, "size": stream.size},
            "layout": name,
        }
        if original is not None:
            head[ORIGINAL] = aside.head(Path(original))
        layouts = Layouts(description, own=name == DESCRIPTION)
        tables = Tables(stream.store, layouts, aside, span)
        document = ItemWriter(out, head)
        for item in stream.items:
            document.item(tables.table(item))
        document.end()
        aside.finish()


def _files(folder: Path) -> Collection[str]:
    """What a folder that was made by `decode` consists of."""
    return FILES if (folder / MARKER).is_file() else ()


def _is_file_of(stream: Stream, path: Path) -> bool:
    return path.is_file() and path.stat().st_size == stream.size


def _description(stream: Stream) -> tuple[Span | None, Description | None, str | None]:
    """Where the text of the description is; the one that says how devices lie; that one's file."""
    span = next((i.text for i in stream.items if isinstance(i, VMDescription)), None)
    if span is None and stream.description_span is not None:
        # the walk did not come that far
        span = Span(stream.description_span.start + 5, stream.description_span.stop)
    description = stream.description
    if description is None:
        return span, None, None
    own = span is not None and bytes(stream.store.view(*span)) == description.text
    return span, description, DESCRIPTION if own else LIKE


def encode(
    folder: PathLike,
    path: PathLike,
    *,
    original: PathLike | None = None,
    replace: bool = False,
    watch: Watch | None = None,
) -> int:
    """Write the stream of a folder that `decode` made, as it is now; how many bytes there are.

    Parameters
    ----------
    path : the stream to write, whole or not at all
    original : where the file is now to which the document refers for its bulk, if it was moved
    replace : whether a file that is there may be replaced
    watch : told how much was written, as `open` has it

    Raises
    ------
    BadValue : something in the document cannot be written; the path says what
    SourceError : something cannot be read or written
    """
    with Sources(folder, None if original is None else Path(original)) as sources:
        document = load(sources)
        if ORIGINAL in document:
            sources.known(document[ORIGINAL])
        encoder = Encoder(
            sources.find, _layouts(sources, document), lambda: sources.file(DESCRIPTION)
        )
        items = document.get("items")
        if not isinstance(items, list):
            raise BadValue("no items", path=["items"], expected="a list", found=what(items))
        with (
            new_file(path, replace=replace) as fd,
            telling(watch, "writing", sources.size) as tell,
        ):
            return write(_pieces(encoder, items), fd, tell=tell)


def _layouts(sources: Sources, document: dict[str, Any]) -> Layouts:
    name = document.get("layout")
    if name is None:
        return Layouts(None, own=True)
    try:
        return Layouts(parse_description(read(sources, name)), own=name != LIKE)
    except BadDescription as error:
        raise BadValue(error.message, path=[what(name)], hint=error.hint) from None


def _pieces(encoder: Encoder, items: list[Any]) -> Iterator[Piece]:
    for index, item in enumerate(items):
        try:
            yield from encoder.pieces(item)
        except BadValue as error:
            error.under(f"items[{index}]")
            raise
