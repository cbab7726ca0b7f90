"""Applying XBZRLE deltas against unpacking zlib, for as many bytes of memory."""

from __future__ import annotations

import random
import statistics
import time
import zlib

from bench.timing import Row

__all__ = ["xbzrle_row"]

PAGE, COUNT, CHANGES = 4096, 4096, 16


def _delta(source: random.Random) -> bytes:
    """Sixteen changes of eight bytes: what a counter here and a list there make of a page."""
    out, at = b"", 0
    for _ in range(CHANGES):
        kept = source.randint(1, 200)
        if at + kept + 8 > PAGE:
            break
        count = bytes((kept,)) if kept < 0x80 else bytes((kept & 0x7F | 0x80, kept >> 7))
        out += count + b"\x08" + source.randbytes(8)
        at += kept + 8
    return out


def xbzrle_row(runs: int) -> Row:
    """Median seconds for the same number of pages."""
    from migstream.ram import kernel

    source = random.Random(1)  # noqa: S311 - reproducible filler, no secret
    deltas = [memoryview(_delta(source)) for _ in range(COUNT)]
    words = [source.randbytes(8) for _ in range(64)]
    packed = [
        zlib.compress(b"".join(source.choice(words) for _ in range(PAGE // 8)), 1)
        for _ in range(COUNT)
    ]
    page = memoryview(bytearray(PAGE))
    ours, theirs = [], []
    for _ in range(runs + 1):
        begin = time.perf_counter()
        for delta in deltas:
            kernel.xbzrle(delta, 0, len(delta), page)
        ours.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        for piece in packed:
            zlib.decompress(piece)
        theirs.append(time.perf_counter() - begin)
    size = COUNT * PAGE >> 20
    return Row(
        f"XBZRLE, {size} MiB of pages",
        statistics.median(ours[1:]),
        f"zlib, {size} MiB",
        statistics.median(theirs[1:]),
        "<=",
        1,
    )
