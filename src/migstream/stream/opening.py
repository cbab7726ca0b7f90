"""Opening: from a path, a pipe, an address, bytes, to a Stream."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from migstream.errors import StreamError
from migstream.source.layers import Watch
from migstream.source.opened import Openable, open_source
from migstream.stream.stream import Stream
from migstream.wire.frames import MAGIC

__all__ = ["as_stream", "open_anything", "open_stream"]


def open_stream(
    what: Openable,
    *,
    like: Openable | None = None,
    channels: Sequence[Openable] = (),
    maps: Sequence[tuple[str, int]] = (),
    spool: bool = False,
    walk: bool = False,
    offset: int = 0,
    index: str | os.PathLike[str] | None = None,
    container: str | None = None,
    inside: str | None = None,
    meaning: bool = True,
    watch: Watch | None = None,
) -> Stream:
    """Open a path, `-` (standard input), a file object or bytes.

    Parameters
    ----------
    like : another stream, whose description is used where this one has none
    channels : recordings of the stream's multifd channels, in any order; of a folder, those in it; a
        pattern such as `ch*.bin`, all that it names. Those in a capture of a network are found in it
    maps : RAM blocks and the guest-physical addresses they are at, where the stream does not say
        or says wrong
    spool : copy a pipe or a compressed file to a temporary file first, so that guest memory is at
        hand too
    walk : read all of the stream before anything is said of it, however large it is
    offset : bytes that stand before the stream; offsets in answers are counted from its beginning
    index : an index of guest memory (`write_index`) to be used wherever it lies. The one beside
        a plain file is used by itself where nobody else can have written it
    container : what the stream stands in, a name of `source.containers.CONTAINERS`, "none" for nothing;
        the bytes tell without it
    inside : which one of a container that holds several: a snapshot's id or name, a
        migration's number in a capture or a connection's name
    meaning : whether bytes that are one blob to the description are gone into, and numbers have names;
        without it values are what the description alone says
    watch : called again and again while something takes long (reading, unpacking, and what is done with
        guest memory later): with what is done, how many bytes of it are, and of how many, 0 where
        nobody knows. At the end, however it ends, all of them are

    Raises
    ------
    SourceError : the source cannot be read
    NotAStream : it is something else, or empty (also a ValueError). A stream that is damaged
        behind its header opens: `damage` says what is wrong. What comes through a pipe, or out of
        a compressed file that is not spooled, and begins as a stream, is refused when it is first
        asked for anything
    Truncated, BadFraming : its header is cut off, or is that of another version
    """
    stream = open_anything(
        what,
        like=like,
        channels=channels,
        maps=maps,
        spool=spool,
        walk=walk,
        offset=offset,
        index=index,
        container=container,
        inside=inside,
        meaning=meaning,
        watch=watch,
    )
    try:
        stream.demand()
    except BaseException:
        stream.close()
        raise
    return stream


def open_anything(
    what: Openable,
    *,
    like: Openable | None = None,
    channels: Sequence[Openable] = (),
    maps: Sequence[tuple[str, int]] = (),
    spool: bool = False,
    walk: bool = False,
    offset: int = 0,
    index: str | os.PathLike[str] | None = None,
    container: str | None = None,
    inside: str | None = None,
    meaning: bool = True,
    watch: Watch | None = None,
    later: bool = False,
) -> Stream:
    """`open_stream` for who says what is wrong with a source: what is not a stream opens, too.

    Parameters
    ----------
    later : what is spooled is not walked before anything is said: guest memory is looked into later, if
        at all

    Raises
    ------
    SourceError : the source cannot be read
    """
    description = None
    if like is not None:
        with open_anything(like) as other:
            description = other.description
        if description is None:
            raise StreamError(f"{other.name} has no description to take")
    opened = open_source(
        what,
        spool=spool,
        offset=offset,
        bare=MAGIC,
        container=container,
        inside=inside,
        watch=watch,
    )
    try:
        recorded = [*opened.beside]
        if channels:
            from migstream.stream.recorded import open_channels

            recorded += open_channels(channels)
    except BaseException:
        opened.close()
        raise
    return Stream(
        opened,
        description,
        maps,
        recorded,
        walk=walk,
        memory=spool,
        later=later,
        index=index,
        meaning=meaning,
    )


@contextmanager
def as_stream(
    what: Stream | Openable, *, spool: bool = False, anything: bool = False, later: bool = False
) -> Iterator[Stream]:
    """A stream as it is, to stay open; anything else opened, and closed afterwards.

    Parameters
    ----------
    spool : as `open_stream` has it
    anything : what is not a stream is opened as well
    later : as `open_anything` has it
    """
    if isinstance(what, Stream):
        yield what
        return
    with open_anything(what, spool=spool, later=later) as stream:
        if not anything:
            stream.demand()
        yield stream
