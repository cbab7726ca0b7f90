"""Bytes that the kernel copies from one file to another: they never come into this process.

Holes stay holes. Where both files are on one file system that can share what they hold (btrfs, XFS),
nothing is copied at all, as long as the bytes stand alike in its blocks in both.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator

__all__ = ["copy_range"]

STEP = 64 << 20  # bytes after which signals are looked at, and somebody is told
ABLE = hasattr(os, "copy_file_range") and hasattr(os, "SEEK_DATA")


def copy_range(
    source: int, at: int, target: int, to: int, size: int, tell: Callable[[int], object]
) -> tuple[int, int]:
    """Copy bytes to a place where the target has nothing yet: a hole, or behind its end.

    Parameters
    ----------
    source, at : descriptor of a file, and where in it the first byte is
    target, to : the same of the file that they go to
    tell : told how many bytes were done since the last time

    Returns how many bytes are done, and how many of these are no holes. The rest has to be read and
    written: pipes, devices and some file systems give nothing by this way, and what is wrong with a
    file is said by whoever reads it.
    """
    if not ABLE:
        return 0, 0
    done = written = 0
    try:
        before = os.lseek(source, 0, os.SEEK_CUR)
        try:
            grain = os.fstat(target).st_blksize
            for start, stop in _data(source, at, at + size):
                if start > at + done:
                    tell(start - at - done)
                    done = start - at
                for low, high in _steps(start, stop, grain):
                    copied = _copied(source, low, target, to + low - at, high - low)
                    done += copied
                    written += copied
                    tell(copied)
                    if copied < high - low:
                        return done, written
        finally:
            os.lseek(source, before, os.SEEK_SET)
    except OSError:
        return done, written
    tell(size - done)
    return size, written


def _data(fd: int, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Where in [start, stop) a file has data; raises OSError where it cannot say."""
    if stop > os.fstat(fd).st_size:
        raise OSError(errno.EINVAL, "behind the end")
    while start < stop:
        try:
            low = os.lseek(fd, start, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                return
            raise
        if low >= stop:
            return
        start = min(os.lseek(fd, low, os.SEEK_HOLE), stop)
        yield low, start


def _steps(start: int, stop: int, grain: int) -> Iterator[tuple[int, int]]:
    """A range in parts, of which all but the first begin with a block: only those can be shared."""
    while start < stop:
        border = start - start % grain + (STEP if start % grain == 0 else grain)
        yield start, min(border, stop)
        start = border


def _copied(source: int, at: int, target: int, to: int, size: int) -> int:
    """How many bytes the kernel copied; fewer than asked for where it can do no more."""
    done = 0
    while done < size:
        try:
            more = os.copy_file_range(source, target, size - done, at + done, to + done)
        except InterruptedError:
            continue
        except OSError:
            return done
        if not more:
            return done
        done += more
    return done
