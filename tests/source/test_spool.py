"""Spools: what is filled in by two threads is what was appended, however it is cut; what fails says what it was."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.errors import SourceError
from migstream.source import sparse
from migstream.source.spool import Spool

PIECES = st.lists(
    st.tuples(st.sampled_from((b"\0", b"\1", b"ab")), st.integers(1, 200_000)), max_size=40
)


@given(pieces=PIECES, most=st.sampled_from((0, 1, 100_000, 1 << 30)), first=st.integers(0, 9000))
def test_filled_is_appended(pieces: list[tuple[bytes, int]], most: int, first: int) -> None:
    content = [byte * count for byte, count in pieces]
    filled, appended = Spool(most), Spool(most)
    for spool in (filled, appended):
        spool.append(b"x" * first)
    filled.fill(iter(content))
    for piece in content:
        appended.append(piece)
    for spool in (filled, appended):  # and it goes on after that
        spool.append(b"end")
    filled.fill(iter([b"more"]))
    appended.append(b"more")
    assert filled.size == appended.size
    assert filled.view(0, filled.size) == appended.view(0, appended.size)
    for spool in (filled, appended):
        spool.close()


def test_zeros_take_no_room() -> None:
    spool = Spool(0)
    spool.fill(iter([b"\1" * 4096, bytes(4 << 20), b"\1" * 4096]))
    whole = spool.whole()
    assert not isinstance(whole, bytes)
    assert os.fstat(whole.fd).st_blocks * 512 < 1 << 20
    assert spool.size == (4 << 20) + 8192
    spool.close()


def test_a_source_that_fails_is_not_the_temporary_file() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"\1" * (5 << 20)
        yield b"\1"
        raise SourceError("the pipe is gone")

    spool = Spool()
    with pytest.raises(SourceError, match="the pipe is gone"):
        spool.fill(pieces())
    spool.close()


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, pieces: object, at: int) -> int:
        del fd, pieces, at
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sparse, "write_at", full)
    spool = Spool(0)
    with pytest.raises(SourceError, match="temporary file cannot be written: no space left"):
        spool.fill(b"\1" * (1 << 20) for _ in range(16))
    spool.close()
