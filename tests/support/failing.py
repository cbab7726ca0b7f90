"""A device that cannot read some of its sectors, as the kernel shows it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

import pytest

__all__ = ["PAGE", "failing_at"]

PAGE = 4096  # what the kernel reads at once


def failing_at(patch: pytest.MonkeyPatch, places: Iterable[int], number: int = errno.EIO) -> None:
    """From now on a read ends before a page in which one of `places` lies, and fails at it."""
    bad = sorted({at // PAGE * PAGE for at in places})
    pread = os.pread

    def failing(fd: int, size: int, start: int) -> bytes:
        for page in bad:
            if page <= start < page + PAGE:
                raise OSError(number, os.strerror(number))
            if start < page < start + size:
                return pread(fd, page - start, start)
        return pread(fd, size, start)

    patch.setattr(os, "pread", failing)
