"""Where bytes go that were unpacked and will be looked at again: memory, and a file when there are many."""

from __future__ import annotations

from collections.abc import Iterator

from migstream.errors import SourceError
from migstream.source.pieces import Bulk
from migstream.source.store import File
from migstream.source.temporary import Temporary

__all__ = ["Spool"]

IN_MEMORY = 4 << 20


class Spool:
    """A store that grows at its end (protocol: source.store.Store).

    Up to `most` bytes stay in memory; more go to a temporary file that no folder names, so that
    nothing is left behind whatever happens. Views stay good while the spool grows.

    Raises
    ------
    SourceError : the temporary file cannot be made or written, or would fill the disk
    """

    def __init__(self, most: int = IN_MEMORY) -> None:
        self.size = 0
        self._most = most
        self._memory = bytearray()
        self._file: Temporary | None = None
        self._read: File | None = None
        self._closed = False

    def append(self, piece: bytes | bytearray | memoryview) -> int:
        """Keep these bytes, and say at which offset."""
        start, stop = self.size, self.size + len(piece)
        if self._file is None and stop > self._most:
            self._file = Temporary()
            self._file.write(self._memory)
        if self._file is None:
            self._memory += piece
        elif bytes(piece) == bytes(len(piece)):
            self._file.skip(len(piece))
        else:
            self._file.write(piece)
        self.size = stop
        return start

    def fill(self, pieces: Iterator[bytes | memoryview]) -> None:
        """Keep all of these, each of at most some MiB: many are written by a second thread while the next are made."""
        for piece in pieces:
            self.append(piece)
            if self._file is not None:
                self._file.fill(pieces)
                self.size = self._file.size

    def view(self, start: int, stop: int) -> memoryview:
        """Bytes [start, stop), fewer at the end; raises SourceError once the spool is closed."""
        if self._closed:
            raise SourceError(f"bytes {start:#x}-{stop:#x}: what was unpacked is gone")
        stop = min(stop, self.size)
        if stop <= start:
            return memoryview(b"")
        if self._file is None:
            return memoryview(bytes(self._memory[start:stop]))
        if self._read is None or self._read.size < stop:
            self._read = File(self._file.fileno(), self.size)
        return self._read.view(start, stop)

    def whole(self) -> bytes | Bulk:
        """All of it, as a piece of something new: good until this is closed or grows."""
        if self._file is None:
            return bytes(self._memory)
        return Bulk(self._file.fileno(), 0, self.size)

    def close(self) -> None:
        """Let go of everything; views that are still held stay good."""
        self.size, self._memory, self._read = 0, bytearray(), None
        self._closed = True
        if self._file is not None:
            self._file.close()
            self._file = None
