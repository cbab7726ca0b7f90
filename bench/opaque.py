"""Bytes that are one value to a description, and what is left of them that nobody explains: by type, over streams.

python -m bench.opaque STREAM...
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import migstream
from migstream.names import prose
from migstream.vmstate.values import Value

__all__ = ["count", "left"]

SAID = frozenset({"unused_buffer"})  # says what it is: nothing
NOTHING = ("reserved", "unused")  # names of parts that say the same


def blobs(device: Value) -> Iterator[Value]:
    """Values of a device that are bytes of which the description says no more, single or many."""
    return (v for v in device.leaves() if v.wire.kind == "bytes" and v.type not in SAID)


def left(value: Value) -> Iterator[Value]:
    """What of it is bytes even with all that is known of their meaning."""
    for one in value.leaves():
        said = one.symbol or one.description
        if one.wire.kind == "bytes" and not said and not one.name.startswith(NOTHING):
            yield one


def count(streams: Iterable[Path]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Bytes by the type of the description's value: all of them, those left, and those left that are not zero."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    nonzero: Counter[str] = Counter()
    for path in streams:
        with migstream.open(path, meaning=False) as bare, migstream.open(path) as named:
            for device, known in zip(bare.devices, named.devices, strict=True):
                if not device.described:
                    before["not described"] += device.value.span.size
                    after["not described"] += device.value.span.size
                    nonzero["not described"] += device.value.span.size
                    continue
                for blob in blobs(device.value):
                    kind = blob.type
                    if kind == "buffer":
                        kind = f"buffer {device.value.type}/{blob.name}"
                    before[kind] += blob.span.size
                    for one in left(known[blob.path[len(device.path) + 1 :]]):
                        after[kind] += one.span.size
                        nonzero[kind] += one.span.size if any(one.raw) else 0
    return before, after, nonzero


def main(streams: list[str]) -> None:
    """Print a table, what is left most first."""
    before, after, nonzero = count(map(Path, streams))
    print(f"{'before':>10}  {'left':>10}  {'not zero':>10}  type")
    for kind in sorted(
        before, key=lambda kind: (-nonzero[kind], -after[kind], -before[kind], kind)
    ):
        print(f"{before[kind]:10}  {after[kind]:10}  {nonzero[kind]:10}  {prose(kind)}")
    print(f"{before.total():10}  {after.total():10}  {nonzero.total():10}  in all")


if __name__ == "__main__":
    main(sys.argv[1:])
