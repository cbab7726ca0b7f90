"""Where bytes go that were unpacked and will be looked at again: memory, and a file when there are many."""

from __future__ import annotations

import mmap
from tempfile import TemporaryFile
from typing import IO

from migstream.errors import SourceError

__all__ = ["Spool"]

IN_MEMORY = 4 << 20


class Spool:
    """A store that grows at its end (protocol: source.store.Store).

    Up to `most` bytes stay in memory; more go to a temporary file that no folder names, so that
    nothing is left behind whatever happens. Views stay good while the spool grows.

    Raises
    ------
    SourceError : the temporary file cannot be made or written
    """

    def __init__(self, most: int = IN_MEMORY) -> None:
        self.size = 0
        self._memory = memoryview(bytearray(most))
        self._file: IO[bytes] | None = None
        self._map: mmap.mmap | None = None

    def append(self, piece: bytes | bytearray | memoryview) -> int:
        """Keep these bytes, and say at which offset."""
        start, stop = self.size, self.size + len(piece)
        if self._file is None and stop <= len(self._memory):
            self._memory[start:stop] = piece
        else:
            try:
                self._write(piece)
            except OSError as error:
                raise SourceError(
                    f"cannot keep what was unpacked: {error.strerror or error}",
                    hint="TMPDIR names the folder for temporary files; choose one with room",
                ) from None
        self.size = stop
        return start

    def _write(self, piece: bytes | bytearray | memoryview) -> None:
        if self._file is None:
            self._file = TemporaryFile(prefix="migstream-")  # noqa: SIM115 - `close` closes it
            self._file.write(self._memory[: self.size])
        self._file.write(piece)

    def view(self, start: int, stop: int) -> memoryview:
        """Bytes [start, stop); raises SourceError where nothing was kept."""
        if not 0 <= start <= stop <= self.size:
            raise SourceError(f"bytes {start:#x}-{stop:#x} of {self.size:#x} were not kept")
        if self._file is None or stop == start:
            return self._memory[start:stop] if stop > start else memoryview(b"")
        if self._map is None or len(self._map) < stop:
            # A map has the size that the file had; the old one lives as long as views of it do.
            self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return memoryview(self._map)[start:stop]

    def close(self) -> None:
        """Let go of everything; views that are still held stay good."""
        self.size, self._memory, self._map = 0, memoryview(b""), None
        if self._file is not None:
            self._file.close()
            self._file = None
