"""State of Proxmox's backups, `pbs-state`: the bitmaps' bookkeeping of libproxmox-backup-qemu.

References
----------
pve-qemu, migration/pbs-state.c: ``pbs_state_save_setup``, ``pbs_state_load``
"""

from __future__ import annotations

import msgspec

from migstream.iterable.common import bounded
from migstream.wire.cursor import Cursor
from migstream.wire.model import SectionType, Span
from migstream.wire.registry import Context

__all__ = ["PbsState", "PbsStateContent"]

MOST = 1 << 30


class PbsStateContent(msgspec.Struct, frozen=True, kw_only=True):
    """The library's own bytes; None before they were read."""

    data: Span | None = None


class PbsState:
    """Codec of `pbs-state`, which is a START section and nothing else."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._part = PbsStateContent()

    def begin(self, type_: SectionType, version_id: int) -> None:  # noqa: ARG002  (Codec)
        self._part = PbsStateContent()

    def step(self, cur: Cursor) -> bool:
        at = cur.offset
        size = bounded(cur.u64(), MOST, "a state", at)
        start = cur.offset
        cur.skip(size)
        self._part = PbsStateContent(data=cur.span(start))
        cur.commit()
        return True

    def content(self) -> PbsStateContent:
        return self._part
