"""XBZRLE: a page as runs of what stayed and what changed since it was sent last.

QEMU, migration/xbzrle.c (xbzrle_encode_buffer, xbzrle_decode_buffer). Lengths are ULEB128 of at
most two bytes (util/cutils.c: uleb128_encode_small).
"""

from __future__ import annotations

from migstream.errors import BadRam
from migstream.qemu.words import say
from migstream.ram import kernel

__all__ = ["XBZRLE_LIMIT", "xbzrle_decode", "xbzrle_encode"]

XBZRLE_LIMIT = 1 << 14  # what two bytes of LEB128 can say, and one
ERRORS = {
    1: "a length is cut off or too long",
    2: "a run goes past the page",
    3: "a run without new bytes",
    4: "new bytes are cut off",
}


def xbzrle_decode(delta: memoryview, at: int, out: memoryview) -> None:
    """Change a page in place; `at` is where the delta lies in the stream.

    Raises
    ------
    BadRam : no QEMU writes such a delta
    """
    wrong, where = kernel.xbzrle(delta, 0, len(delta), out)
    if wrong:
        raise BadRam(
            f"{say('xbzrle/decode')} ({ERRORS[wrong]})",
            at=at + where,
            expected=f"runs that fill at most {len(out)} bytes",
            found=bytes(delta[where : where + 4]).hex(" "),
            hint="the delta is damaged",
        )


def xbzrle_encode(old: bytes, new: bytes) -> bytes | None:
    """What changed from `old` to `new`, pages of at most `XBZRLE_LIMIT` bytes.

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
    return bytes((value,)) if value < 0x80 else bytes((value & 0x7F | 0x80, value >> 7))
