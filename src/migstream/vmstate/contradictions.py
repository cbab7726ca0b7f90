"""Where the description, the bytes of a device section and its name contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

from migstream.errors import BadSection, ParseError
from migstream.names import encoded
from migstream.vmstate.layout import Layout
from migstream.vmstate.values import Fetch, root
from migstream.wire.model import Section

__all__ = ["contradictions", "wrong_subsections"]


def contradictions(section: Section, layout: Layout | None, fetch: Fetch) -> Iterator[ParseError]:
    """What in a device section is not as the stream's own description, or its name, says.

    `layout` is None for a section that the description does not list at all.
    """
    name_size = len(encoded(section.name))
    instance_at = section.span.start + 6 + name_size
    if layout is None:
        yield BadSection(
            "the description lists no such device and instance",
            at=instance_at,
            path=[section.path],
            hint="the section's name or instance id is damaged, or the stream was edited",
        )
        return
    if layout.version is not None and section.version_id != layout.version:
        yield BadSection(
            "the section's version is not the description's",
            at=instance_at + 4,
            path=[section.path],
            expected=layout.version,
            found=section.version_id,
        )
    if layout.beyond:
        yield BadSection(
            "the description tells of more values without bytes than there can be",
            at=section.payload.start,
            path=[section.path],
            hint="arrays of nothing, one in another; the payload is shown as it is",
        )
    yield from wrong_subsections(section, layout, fetch)
    from migstream.vmstate.meaning.pci_ids import wrong_identity  # not needed where nobody checks

    value = root(layout, section.payload, section.path, fetch, device=section.name)
    yield from wrong_identity(value)


def wrong_subsections(section: Section, layout: Layout, fetch: Fetch) -> Iterator[ParseError]:
    """Described subsections whose first bytes do not name them (vmstate.c: vmstate_subsection_load)."""
    for node, at, path in layout.walk(section.payload.start, section.path):
        if node.kind != "subsection":
            continue
        raw = encoded(node.name)
        head = bytes((5, len(raw) & 0xFF)) + raw
        found = bytes(fetch(at, at + len(head)))
        if found != head:
            place = next(i for i, byte in enumerate(head) if found[i] != byte)
            yield BadSection(
                "the bytes are not those of the described subsection",
                at=at + place,
                path=[path.removesuffix(f"/{node.name}"), node.name],
                expected=repr(head),
                found=repr(found),
                hint="QEMU takes this as the end of the device and misses its footer",
            )
