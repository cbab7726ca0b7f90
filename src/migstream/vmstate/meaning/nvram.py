"""Partitions of an NVRAM as Open Firmware keeps it (CHRP 1.8, 8.2; LoPAR, 2.9.1; QEMU, include/hw/nvram/chrp_nvram.h)."""

from __future__ import annotations

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts, Unclear

__all__ = ["partitions"]

BLOCK = 16
NAME = 12
VARIABLES = 0x70  # the signature of partitions that hold `name=value`, NUL after each
MOST_VARIABLES = 1024


def partitions(raw: memoryview, _: Inside) -> list[Node]:
    """One after another until the end, each with its checksum."""
    out = Parts(raw)
    rows = out.inside()
    while rows.left >= BLOCK and any(rows.raw[rows.at : rows.at + BLOCK]):
        one = rows.inside()
        head = bytes(one.raw[:BLOCK])
        signature, checksum = one.u8("signature"), one.u8("checksum")
        size = BLOCK * one.u16("length")
        one.add("name", "buffer", NAME)
        if checksum != _checksum(head) or size < BLOCK or size - BLOCK > one.left:
            raise Unclear("no partition begins here")
        end = one.at + size - BLOCK
        if signature == VARIABLES:
            _variables(one, end)
        one.add("unused" if signature == VARIABLES else "data", "buffer", end - one.at)
        rows.close(f"[{len(rows.nodes)}]", one)
    if not rows.nodes:
        raise Unclear
    out.sequence("partition", rows)
    return out.nodes


def _checksum(head: bytes) -> int:
    """The sum of the header's other bytes, each carry added again (chrp_nvram_finish_partition)."""
    total = head[0]
    for byte in head[2:]:
        total += byte
        total = (total & 0xFF) + (total >> 8)
    return total & 0xFF


def _variables(out: Parts, end: int) -> None:
    for _ in range(MOST_VARIABLES):
        text = bytes(out.raw[out.at : end])
        length = text.find(b"\0")
        name = text[: max(length, 0)].partition(b"=")[0]
        if not name or not name.isascii():
            return
        out.add(name.decode("ascii"), "buffer", length + 1)
