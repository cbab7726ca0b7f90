"""Telling a `Watch` how far something has come, for whoever knows only how much was done since the last time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from migstream.source.layers import Watch

__all__ = ["Tell", "telling"]

Tell = Callable[[int], None]


def _nothing(_: int) -> None:
    pass


@contextmanager
def telling(watch: Watch | None, what: str, total: int) -> Iterator[Tell]:
    """Tell it in steps, how many bytes were done since the last one; at the end, however it ends, all are."""
    if watch is None or not total:
        yield _nothing
        return
    done = 0

    def tell(more: int) -> None:
        nonlocal done
        done = min(done + more, total)
        if done < total:
            watch(what, done, total)

    try:
        yield tell
    finally:
        watch(what, total, total)
