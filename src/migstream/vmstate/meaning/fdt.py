"""A flattened device tree: what firmware or the kernel was told of the machine (Devicetree Specification 0.4, 5).

hw/ppc/spapr.c: vmstate_spapr_dtb.
"""

from __future__ import annotations

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts, Unclear, fields

__all__ = ["tree"]

MAGIC = 0xD00DFEED
BEGIN_NODE, END_NODE, PROPERTY, NOP, END = 1, 2, 3, 4, 9
DEEPEST = 32
CELL = 4

_HEADER = (
    "magic", "totalsize", "off_dt_struct", "off_dt_strings", "off_mem_rsvmap", "version", "last_comp_version",
    "boot_cpuid_phys", "size_dt_strings", "size_dt_struct",
)  # fmt: skip
_RESERVED = fields(("address", "uint64", 8), ("size", "uint64", 8))


def tree(raw: memoryview, _: Inside) -> list[Node]:
    """The header, then its three blocks in the order in which they stand, each node a struct of its own."""
    out = Parts(raw)
    head = {name: out.u32(name) for name in _HEADER}
    if head["magic"] != MAGIC or head["totalsize"] > len(raw):
        raise Unclear("no device tree begins here")
    at = head["off_dt_strings"]
    strings = bytes(raw[at : at + head["size_dt_strings"]])
    for start, block in sorted(
        (head[f"off_{name}"], name) for name in ("mem_rsvmap", "dt_struct", "dt_strings")
    ):
        if start < out.at:
            raise Unclear(f"{block} begins inside of what is before it")
        if start > out.at:
            out.add(f"before_{block}", "buffer", start - out.at)
        if block == "mem_rsvmap":
            _reserved(out)
        elif block == "dt_struct":
            inner = Parts(raw[start : start + head["size_dt_struct"]])
            _structure(inner, strings)
            out.close(block, inner)
        else:
            out.add(block, "buffer", len(strings))
    return out.nodes


def _reserved(out: Parts) -> None:
    """Regions of memory that are taken; one of no bytes at 0 ends them."""
    count = 1
    while any(out.raw[out.at + 16 * (count - 1) : out.at + 16 * count]):
        count += 1
    out.struct("mem_rsvmap", _RESERVED, count)


def _structure(out: Parts, strings: bytes) -> None:
    _nops(out)
    _node(out, strings, 0)
    _nops(out)
    if out.u32("end") != END:
        raise Unclear("a device tree has one root")


def _token(out: Parts) -> int:
    """The token that comes next, which is not taken."""
    return int.from_bytes(out.raw[out.at : out.at + CELL], "big")


def _nops(out: Parts) -> None:
    """What was deleted in place."""
    start = Parts(out.raw[out.at :])
    while start.left >= CELL and _token(start) == NOP:
        start.at += CELL
    out.add(f"nops_{out.at:x}", "buffer", start.at)


def _node(out: Parts, strings: bytes, depth: int) -> None:
    """A node, with its properties and the nodes in it, under its own name."""
    inner = out.inside()
    if inner.u32("begin") != BEGIN_NODE or depth > DEEPEST:
        raise Unclear("no node begins here")
    name = _text(inner.raw, inner.at)
    inner.add("name", "buffer", _padded(len(name) + 1))
    while _token(inner) != END_NODE:
        _nops(inner)
        if _token(inner) == PROPERTY:
            _property(inner, strings)
        elif _token(inner) == BEGIN_NODE:
            _node(inner, strings, depth + 1)
        elif _token(inner) != END_NODE:
            raise Unclear("neither a node nor a property")
    inner.u32("end")
    out.close(name.decode("latin-1") or "root", inner)


def _property(out: Parts, strings: bytes) -> None:
    inner = out.inside()
    inner.u32("token")
    size = inner.u32("length")
    name = _text(strings, inner.u32("name_offset"))
    if size == CELL:
        inner.u32("value")
    else:
        inner.add("value", "buffer", size)
    inner.add("padding", "buffer", _padded(size) - size)
    out.close(name.decode("latin-1"), inner)


def _padded(size: int) -> int:
    return (size + CELL - 1) // CELL * CELL


def _text(raw: memoryview | bytes, at: int) -> bytes:
    """What begins here and ends before a NUL."""
    piece = bytes(raw[at : at + 256])
    text, nul, _ = piece.partition(b"\0")
    if not nul:
        raise Unclear("a name without an end")
    return text
