"""What a compressed file holds, at hand: the blocks that a range lies in are unpacked when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from migstream.errors import SourceError
from migstream.source.blocks import MOST_BLOCK, Block, Blocks
from migstream.source.layers import UNPACKED_FLOOR, UNPACKED_RATIO
from migstream.source.spool import Spool
from migstream.source.store import Store, Whole

if TYPE_CHECKING:
    from migstream.source.compressed import Start

__all__ = ["Seekable", "measured"]

CHUNK = 1 << 16
MOST_AT_ONCE = 1 << 20
KEPT = 96 << 20  # bytes of unpacked blocks that are kept: three of those that xz -T makes
IN_MEMORY = 32 << 20  # a larger block goes to a temporary file


def _unpacked(store: Store, start: Start, block: Block) -> Iterator[bytes]:
    """What a block unpacks to, piece after piece; raises SourceError where it is damaged."""
    make, errors = start
    member, at = make(), block.start
    feed, ended = block.before, False
    while not member.eof:
        if not feed and member.needs_input:
            if at < block.stop:
                feed = bytes(store.view(at, min(at + CHUNK, block.stop)))
                at += len(feed)
                if not feed:
                    raise _damaged(block, "the file ends before it")
            elif ended:
                raise _damaged(block, "it is cut off, or longer than the file says")
            else:
                feed, ended = block.behind, True
        try:
            piece = member.decompress(feed, MOST_AT_ONCE)
        except errors as error:
            raise _damaged(block, str(error)) from None
        feed = b""
        if piece:
            yield piece
    if member.unused_data or at < block.stop:
        raise _damaged(block, "it is shorter than the file says")


def _bounded(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """No more of the pieces than it takes to see that they are more than `size` bytes."""
    for piece in pieces:
        yield piece
        size -= len(piece)
        if size < 0:
            break


def _damaged(block: Block, reason: str) -> SourceError:
    return SourceError(
        f"the compressed file is damaged: its block at {block.start:#x}: {reason}",
        hint="another copy of the file may be whole",
    )


def measured(store: Store, start: Start, begin: int, stop: int) -> int:
    """Bytes that bytes [begin, stop) of a file unpack to; raises SourceError where they are damaged, or too many."""
    block, size = Block(begin, stop, 0, 0), 0
    for piece in _unpacked(store, start, block):
        size += len(piece)
        if size > MOST_BLOCK:
            raise _damaged(block, f"it unpacks to more than {MOST_BLOCK >> 30} GiB")
    return size


class Seekable:
    """The bytes inside a compressed file whose blocks are known (protocol: source.store.Store).

    A few blocks are kept. One that is wanted again after it was let go is kept in a temporary file,
    so that no order of asking unpacks a block more than twice as long as there is room.

    Parameters
    ----------
    store : the compressed file
    start : makes a decoder
    blocks : what is in it
    """

    def __init__(self, store: Store, start: Start, blocks: Blocks) -> None:
        self.size = blocks.size
        self._store = store
        self._start = start
        self._blocks = blocks
        self._kept: dict[int, Whole | Spool] = {}
        self._room = KEPT
        self._once: set[int] = set()
        self._again: Spool | None = None
        self._where: dict[int, int] = {}
        self._full = False

    def view(self, start: int, stop: int) -> memoryview:
        """Bytes [start, stop), fewer at the end.

        Raises
        ------
        SourceError : a block that they lie in is damaged, or unpacks to more or less than the file says
        """
        stop = min(stop, self.size)
        if stop <= start:
            return memoryview(b"")
        pieces = [self._piece(n, start, stop) for n in self._blocks.among(start, stop)]
        return pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))

    def close(self) -> None:
        """Let go of what is unpacked."""
        for one in self._kept.values():
            if isinstance(one, Spool):
                one.close()
        self._kept.clear()
        self._where.clear()
        if self._again is not None:
            self._again.close()

    def _piece(self, number: int, start: int, stop: int) -> memoryview:
        block = self._blocks[number]
        begin = max(start - block.at, 0)
        end = min(stop - block.at, block.size)
        at = self._where.get(number)
        if at is not None and self._again is not None:
            return self._again.view(at + begin, at + end)
        kept = self._kept.pop(number, None)
        if kept is None:
            kept = self._unpack(number, block)
            if number in self._where:  # it went to the temporary file
                return kept.view(begin, end)
            self._room -= block.size
            for old in list(self._kept):
                if self._room >= 0:
                    break
                self._let_go(old)
        self._kept[number] = kept  # the last one is let go last
        return kept.view(begin, end)

    def _let_go(self, number: int) -> None:
        kept = self._kept.pop(number)
        self._room += kept.size
        if isinstance(kept, Spool):
            kept.close()

    def _unpack(self, number: int, block: Block) -> Whole | Spool:
        pieces = _bounded(_unpacked(self._store, self._start, block), block.size)
        unpacked: Whole | Spool
        if block.size > IN_MEMORY:
            unpacked = Spool(0)
            unpacked.fill(pieces)
        else:
            unpacked = Whole(b"".join(pieces))
        if unpacked.size != block.size:
            more = "more" if unpacked.size > block.size else "less"
            raise _damaged(block, f"it unpacks to {more} than the {block.size} bytes it claims")
        if number in self._once and not self._full:
            self._keep(number, unpacked)
        self._once.add(number)
        return unpacked

    def _keep(self, number: int, unpacked: Whole | Spool) -> None:
        """Into the temporary file, as long as that stays within its bounds and there is room."""
        self._again = self._again or Spool(0)
        begin, size = self._again.size, unpacked.size
        if begin + size > UNPACKED_FLOOR + UNPACKED_RATIO * self._store.size:
            self._full = True
            return
        try:
            self._again.fill(
                unpacked.view(at, at + MOST_AT_ONCE) for at in range(0, size, MOST_AT_ONCE)
            )
        except SourceError:
            self._full = True
            return
        self._where[number] = begin
