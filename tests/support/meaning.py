"""A blob of one type as the only field of a device, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterator

from migstream.vmstate.layout import Layout, Node
from migstream.vmstate.values import Value, root
from migstream.wire.model import Span


def device(
    kind: str,
    raw: bytes,
    *,
    section: str = "0000:00:03.0/virtio-net",
    machine: str | None = None,
    vmsd: str = "",
    field: str = "blob",
    described: bool = True,
    big_endian: bool = False,
) -> Value:
    """A device whose state is one field of this type."""
    leaf = Node(field, kind, "leaf", 0, len(raw), stride=len(raw))
    layout = Layout(vmsd or section.rpartition("/")[2], 1, len(raw), (leaf,))
    data = memoryview(raw)
    return root(
        layout,
        Span(0, len(raw)),
        f"{section}[0]",
        lambda start, stop: data[start:stop],
        device=section,
        machine=machine,
        described=described,
        big_endian=lambda: big_endian,
    )


def covered(value: Value) -> None:
    """The parts of a value follow each other and reach its end, inside as well."""
    at = value.span.start
    for part in value.children:
        assert part.span.start == at, part.path
        assert part.span.size > 0
        at = part.span.stop
        if part.kind == "struct" and part.count is not None:
            assert part.span.size == part.count * part.node.stride
            covered(part.element(0))
        elif part.count is None and any(True for _ in part.children):
            covered(part)
    assert at == value.span.stop


def expand(kind: str, raw: bytes, **where: str | bool | None) -> dict[str, Value]:
    """Parts of the blob by name, which cover it; nothing where it is not understood."""
    blob = next(iter(device(kind, raw, **where)))  # type: ignore[arg-type]
    parts = list(blob.children)
    if parts:
        covered(blob)
    assert len({part.name for part in parts}) == len(parts)
    return {part.name: part for part in parts}


def names(value: Value) -> Iterator[str]:
    """What a value's parts are called."""
    return (part.name for part in value.children)
