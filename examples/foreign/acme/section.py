"""`acme-counters`, a live section: in each part how many counters follow, and they."""

from __future__ import annotations

import msgspec

from migstream.errors import BadSection
from migstream.wire.cursor import Cursor
from migstream.wire.model import SectionType
from migstream.wire.registry import Context

MOST = 64


class Content(msgspec.Struct, frozen=True):
    """The counters of one part."""

    counters: tuple[int, ...] = ()


class Counters:
    """Codec of `acme-counters` (protocol: migstream.wire.registry.Codec)."""

    def __init__(self, context: Context) -> None:
        self._content = Content()

    def begin(self, type_: SectionType, version_id: int) -> None:
        self._content = Content()

    def step(self, cur: Cursor) -> bool:
        at = cur.offset
        count = cur.u32()
        if count > MOST:
            raise BadSection(
                "acme-counters: too many", at=at, expected=f"at most {MOST}", found=count
            )
        self._content = Content(tuple(cur.u64() for _ in range(count)))
        cur.commit()
        return True

    def content(self) -> Content:
        return self._content
