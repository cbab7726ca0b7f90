"""Deltas between what was sent of a page before and what it is now.

QEMU, migration/xbzrle.c (xbzrle_encode_buffer).
"""

from __future__ import annotations

__all__ = ["XBZRLE_LIMIT", "xbzrle_encode"]

XBZRLE_LIMIT = 1 << 14  # what two bytes of LEB128 can say, and one


def xbzrle_encode(old: bytes, new: bytes) -> bytes | None:
    """What changed from `old` to `new`: runs of equal and of new bytes (xbzrle_encode_buffer).

    Returns b"" where nothing changed, None where the delta would be no smaller than the page.
    """
    import numpy as np

    before, after = np.frombuffer(old, "u1"), np.frombuffer(new, "u1")
    differs = np.concatenate(([False], before != after, [False]))
    edges = np.flatnonzero(differs[1:] != differs[:-1]).tolist()
    out = bytearray()
    at = 0
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        out += _uleb128(start - at) + _uleb128(stop - start) + new[start:stop]
        at = stop
        if len(out) >= len(new):
            return None
    return bytes(out)


def _uleb128(value: int) -> bytes:
    """At most two bytes: 14 bits (util/cutils.c: uleb128_encode_small)."""
    return bytes((value,)) if value < 0x80 else bytes((value & 0x7F | 0x80, value >> 7))
