"""What a source holds of a RAM block, and what it does not: zero, absent and unplugged are told apart.

Facts: QEMU, migration/ram.c (ram_save_iterate sends each page once at least;
migrate_ram_is_ignored), hw/virtio/virtio-mem.c (virtio_mem_rdm_replay_discarded: what is not
plugged in is not sent).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

__all__ = [
    "CHANNELS",
    "KINDS",
    "NEVER_SENT",
    "NOTHING_SENT",
    "ONE_VERSION",
    "PIPED",
    "SHARED",
    "SHARED_OR_CHANNELS",
    "UNPLUGGED",
    "ZEROS_SENT",
    "Presence",
    "Run",
    "Stretch",
    "without",
]

SHARED = (
    "it is shared memory that the stream leaves out (x-ignore-shared): look into its backing file"
)
CHANNELS = "they went through multifd channels: name the recordings of those with --channel"
SHARED_OR_CHANNELS = (
    "it is shared memory that the stream leaves out (x-ignore-shared), or its pages went through"
    " multifd channels: name the recordings of those with --channel"
)
NOTHING_SENT = (
    f"no page of it was sent. Perhaps {CHANNELS}; or the stream is cut off, or leaves memory out"
)
ZEROS_SENT = f"nothing but zeros was sent before. Perhaps {CHANNELS}; or the stream is cut off"
NEVER_SENT = (
    "the stream is cut off or was edited, postcopy would have sent them,"
    " or a balloon told which pages are free"
)
PIPED = "they passed through a pipe and were not kept: open it with spool=True, or save it to a file first"
ONE_VERSION = "mapped-ram keeps the last contents of a page only: `mem` shows them"
UNPLUGGED = "a virtio-mem device has nothing plugged in there"
KINDS = ("data", "zero", "absent", "unplugged")

Stretch = tuple[int, int]  # bytes [start, stop) of a block


class Run(msgspec.Struct, frozen=True):
    """Bytes [start, stop) of a block that are alike.

    `kind` is "data" or "zero" of what was sent, "absent" of what this source does not hold, though
    the guest had something there, "unplugged" where the guest had nothing (virtio-mem).
    """

    kind: str
    start: int
    stop: int


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a block went into the source. Pages are target pages of `page` bytes.

    `sent` are pages that were sent at least once (of mapped-ram all that the guest had), whether
    or not their contents can be read here; `unplugged` those where a virtio-mem device has nothing
    plugged in. `why` says why the others may be absent.
    """

    page: int
    pages: int
    sent: int
    unplugged: int
    why: str

    @property
    def absent(self) -> int:
        """Pages that the guest had and this source does not hold."""
        return self.pages - self.sent - self.unplugged

    @property
    def complete(self) -> bool:
        """Whether everything is there that the guest had."""
        return not self.absent


def without(runs: Iterable[Run], hollow: str, gone: Sequence[Stretch]) -> Iterator[Run]:
    """The same runs; what of those of kind `hollow` lies in `gone` is unplugged.

    Parameters
    ----------
    runs : ascending
    gone : ascending, without overlap
    """
    left = iter(gone)
    low, high = next(left, (-1, -1))
    for run in runs:
        at = run.start
        if run.kind != hollow:
            yield run
            continue
        while at < run.stop:
            while high >= 0 and high <= at:
                low, high = next(left, (-1, -1))
            if high < 0 or low >= run.stop:
                yield Run(run.kind, at, run.stop)
                break
            if low > at:
                yield Run(run.kind, at, low)
            stop = min(high, run.stop)
            yield Run("unplugged", max(low, at), stop)
            at = stop
