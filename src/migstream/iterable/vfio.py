"""Devices passed through, `<path>/vfio`.

All records begin with a tag that ordinary data hardly holds. The device's configuration has no
length, so its end is looked for: an END_OF_STATE with something after it that can follow a record.

References
----------
QEMU, hw/vfio/migration.c: ``vfio_save_iterate``, ``vfio_save_state``, ``vfio_load_state``
"""

from __future__ import annotations

import msgspec

from migstream.errors import BadSection
from migstream.iterable.common import bounded
from migstream.wire.cursor import Cursor
from migstream.wire.model import SectionType, Span
from migstream.wire.registry import Context

__all__ = ["Vfio", "VfioContent", "config_end"]

TAG = 0xFFFF_FFFF_EF10_0000
END, CONFIG, SETUP, DATA, INIT_DATA_SENT, CONFIG_LOAD_READY = (TAG | n for n in range(1, 7))
END_BYTES = END.to_bytes(8, "big")
TAG_BYTE = 0xFF
FOLLOWS = frozenset((0x00, 0x01, 0x02, 0x03, 0x04, 0x08, 0x7E, TAG_BYTE))
MOST = (
    1 << 40
)  # of one DATA record; QEMU sends 1 MiB, other releases what the driver's region holds
CONFIG_MOST = 1 << 20  # a PCI device's configuration is a few hundred bytes to a few KiB


class VfioContent(msgspec.Struct, frozen=True, kw_only=True):
    """One section.

    `records` and `data` count the DATA records and their bytes; `config` is where the device's
    configuration lies. `delimited` is false where the end of that could not be found: then no
    byte of the section was passed over and its bounds must come from elsewhere.
    """

    setup: bool = False
    records: int = 0
    data: int = 0
    init_data_sent: bool = False
    config_load_ready: bool = False
    config: Span | None = None
    delimited: bool = True


def config_end(cur: Cursor) -> int | None:
    """Absolute offset of the END_OF_STATE that closes a configuration beginning at the cursor.

    The cursor does not move. None where there is none within a sane distance; NeedData where the
    window ends before that is known.
    """
    here = at = cur.offset
    while (at := cur.find(END_BYTES, at)) >= 0 and at - here <= CONFIG_MOST:
        after = at + len(END_BYTES) - here
        following = cur.peek(after + 1)[after:]
        if not following or following[0] in FOLLOWS:
            return at
        at += 1
    if at < 0:
        cur.peek(CONFIG_MOST)  # it may be further on: NeedData, unless the source ends here
    return None


class Vfio:
    """Codec of `*/vfio`: START, PART and END, and the FULL with the configuration."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.begin(SectionType.START, 1)

    def begin(self, type_: SectionType, version_id: int) -> None:  # noqa: ARG002  (Codec)
        self._full = type_ is SectionType.FULL
        self._fresh = True
        self._setup = False  # the record before was SETUP: END must follow
        self._open = True  # a record is due, whatever the next byte is
        self._part = VfioContent()

    def step(self, cur: Cursor) -> bool:
        if not self._open and (cur.peek(1) or b"\0")[0] != TAG_BYTE:
            return True
        start, fresh, part = cur.offset, self._fresh, self._part
        tag = cur.u64()
        last = tag == END
        following = True
        if tag == DATA and not self._setup:
            size = bounded(cur.u64(), MOST, "device data", start + 8)
            cur.skip(size)
            part = msgspec.structs.replace(part, records=part.records + 1, data=part.data + size)
        elif tag == SETUP and not self._setup:
            part = msgspec.structs.replace(part, setup=True)
        elif tag == INIT_DATA_SENT and not self._setup:  # stands where END would
            part = msgspec.structs.replace(part, init_data_sent=True)
            last = True
        elif tag == CONFIG_LOAD_READY and not self._setup:  # no END need follow
            part = msgspec.structs.replace(part, config_load_ready=True)
            following = False
        elif tag == CONFIG and not self._setup:
            stop = config_end(cur)
            if stop is None:
                return self._unbounded(cur, start, fresh)
            part = msgspec.structs.replace(part, config=Span(cur.offset, stop))
            cur.skip(stop + len(END_BYTES) - cur.offset)
            last, following = self._full, False  # 5.2 goes on with DATA
        elif not last:
            if self._full and fresh:
                return self._unbounded(cur, start, fresh)
            expected = f"{END:#x}" if self._setup else f"{END:#x} to {CONFIG_LOAD_READY:#x}"
            raise BadSection("no such tag", at=start, expected=expected, found=tag)
        self._part, self._open, self._fresh = part, following, False
        self._setup = tag == SETUP
        cur.commit()
        return last

    def content(self) -> VfioContent:
        return self._part

    def _unbounded(self, cur: Cursor, start: int, fresh: bool) -> bool:
        """A FULL section whose end only others know; anywhere else that is damage."""
        if not (self._full and fresh):
            expected = f"{END:#x} within {CONFIG_MOST:#x} bytes"
            raise BadSection("a configuration without end", at=start, expected=expected, found=None)
        cur.seek(start)
        self._part = VfioContent(delimited=False)
        return True
