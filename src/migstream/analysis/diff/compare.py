"""What differs between two streams, by meaning: `diff(a, b)`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec

from migstream.analysis.diff.model import PARTS, Change, Diff, Mark, PartName, Range
from migstream.analysis.diff.values import values
from migstream.analysis.ignore import Ignore
from migstream.names import many
from migstream.stream import Device, Stream, as_stream
from migstream.vmstate.layout import Node
from migstream.vmstate.values import Fetch, Value
from migstream.wire.model import Command, FileHeader, SectionType, flat

if TYPE_CHECKING:
    from migstream.ram.beside import Beside
    from migstream.source.opened import Openable
    from migstream.vmstate.description import Description

__all__ = ["diff"]

EXCERPT = 16  # bytes of a description's text before and behind the first difference
LIVE = {SectionType.START, SectionType.PART, SectionType.END}


def diff(
    a: Stream | Openable,
    b: Stream | Openable,
    *,
    ignore: Iterable[str] = (),
    parts: Collection[str] = PARTS,
) -> Diff:
    """Compare two streams by what they mean.

    Parameters
    ----------
    a, b : open, or anything that `migstream.open` takes
    ignore : names of sets (`analysis.ignore.SETS`: clocks, timers, counters) and path globs
    parts : some of `values` (configuration, values of fields), `schema` (devices, versions,
        fields, types, subsections) and `memory` (RAM, other live sections, commands). Without
        `memory`, a file's guest memory is not touched.

    Raises
    ------
    ParseError : a page of guest memory cannot be unpacked, or what was opened is not a stream
    ValueError : not a part, or not a glob
    """
    if unknown := set(parts) - set(PARTS):
        raise ValueError(f"no such part: {', '.join(sorted(unknown))}")
    left_out = Ignore(ignore)
    with as_stream(a, spool=True) as one, as_stream(b, spool=True) as two:
        known = _walk(one, two) if "memory" in parts else None  # before anything else walks them
        found = list(_stream(one, two))
        pairs = _pairs(one, two)
        fetches = one.store.view, two.store.view
        for old, new in pairs:
            found += _device(old, new, fetches)
        found += _order(pairs)
        found = list(_once(one, two, found))
        if "memory" in parts:
            found += _live(one, two, known)
    kept = tuple(
        less
        for change in found
        if change.part in parts and (less := _without(change, left_out)) is not None
    )
    named = {change.device for change in kept}
    alike = (old.path for old, new in pairs if old is not None and new is not None)
    return Diff(kept, tuple(dict.fromkeys(path for path in alike if path not in named)))


def _without(change: Change, ignore: Ignore) -> Change | None:
    """The change without what is to be left out; None where nothing remains."""
    if ignore.covers(change.path, change.type):
        return None
    gone = ignore.indexes(change.path) if change.ranges and change.page is None else ()
    if not gone:
        return change
    kept = tuple(piece for one in change.ranges for piece in _cut(one, gone))
    return msgspec.structs.replace(change, ranges=kept) if kept else None


def _cut(one: Range, gone: Iterable[tuple[int, int]]) -> Iterator[Range]:
    """What is left of a range, as far as its elements can be told apart."""
    keep = [i for i in range(one.start, one.stop) if not any(s <= i < e for s, e in gone)]
    for _, group in groupby(enumerate(keep), lambda pair: pair[1] - pair[0]):
        run = [i for _, i in group]
        start, stop = run[0], run[-1] + 1
        yield Range(
            start=start,
            stop=stop,
            old=_slice(one.old, start - one.start, stop - one.start),
            new=_slice(one.new, start - one.start, stop - one.start),
        )


def _slice(values: Any, start: int, stop: int) -> Any:
    """Elements of a list, or bytes of a hexadecimal text."""
    return (
        values[2 * start : 2 * stop] if isinstance(values, str) else values and values[start:stop]
    )


# --- the stream as a whole -----------------------------------------------------------------------


def _told(what: str, path: str, old: Any, new: Any, part: PartName = "values") -> Iterator[Change]:
    """A single fact that each side may have."""
    if old == new:
        return
    mark: Mark = "+" if old is None else "-" if new is None else "~"
    texts = ["" if fact is None else str(fact) for fact in (old, new)]
    yield Change(
        mark=mark, part=part, what=what, path=path, old=old, new=new,
        old_text=texts[0], new_text=texts[1],
    )  # fmt: skip


def _stream(a: Stream, b: Stream) -> Iterator[Change]:
    yield from _told("header", "version", _version(a), _version(b))
    yield from _told("machine", "machine", a.machine, b.machine)
    for name in sorted({*a.capabilities, *b.capabilities}):
        old, new = (name if name in s.capabilities else None for s in (a, b))
        yield from _told("capability", f"capability/{name}", old, new)
    left, right = _configured(a), _configured(b)
    for name in dict.fromkeys([*left, *right]):
        yield from _told("configuration", name, left.get(name), right.get(name))


def _version(stream: Stream) -> int | None:
    return next((item.version for item in stream.head if isinstance(item, FileHeader)), None)


def _configured(stream: Stream) -> dict[str, Any]:
    """Subsections of the configuration; capabilities are told one by one instead."""
    if stream.configuration is None:
        return {}
    capabilities = "configuration/capabilities"
    return {s.name: s.value for s in stream.configuration.subsections if s.name != capabilities}


def _once(a: Stream, b: Stream, found: Iterable[Change]) -> Iterator[Change]:
    """The changes, and what of the descriptions no device shows.

    Where one stream has no description at all that is one change, not one of each device.
    """
    one, two = a.description, b.description
    alone = (one is None) != (two is None)
    schema = False
    for change in found:
        if not (alone and change.what == "description"):
            schema |= change.part == "schema"
            yield change
    if alone or not schema:
        yield from _description(one, two)


def _description(one: Description | None, two: Description | None) -> Iterator[Change]:
    if one is None or two is None:
        old, new = ("there" if d is not None else None for d in (one, two))
        yield from _told("description", "description", old, new, "schema")
        return
    yield from _told("description", "page_size", one.page_size, two.page_size, "schema")
    if one.text != two.text:  # in a key that says nothing of the bytes, too, such as `index`
        old_text, new_text = _excerpts(one.text, two.text)
        yield Change(
            mark="~", part="schema", what="description", path="description",
            old_text=old_text, new_text=new_text,
        )  # fmt: skip


def _excerpts(one: bytes, two: bytes) -> tuple[str, str]:
    """Both texts around the first byte in which they differ."""
    same = min(len(one), len(two))
    at = next((n for n in range(same) if one[n] != two[n]), same)
    start = max(at - EXCERPT, 0)
    old, new = (text[start : at + EXCERPT].decode("ascii", "replace") for text in (one, two))
    return f"…{old}…", f"…{new}…"


# --- devices -----------------------------------------------------------------------------------------


def _pairs(a: Stream, b: Stream) -> list[tuple[Device | None, Device | None]]:
    """Devices by name and instance id, several of one key in turn, in the order of the first."""
    left, right = _keyed(a.devices), _keyed(b.devices)
    return [(left.get(key), right.get(key)) for key in dict.fromkeys([*left, *right])]


def _keyed(devices: Iterable[Device]) -> dict[tuple[str, int, int], Device]:
    turns: dict[tuple[str, int], int] = {}
    keyed = {}
    for device in devices:
        key = device.section.key
        turn = turns[key] = turns.get(key, -1) + 1
        keyed[(*key, turn)] = device
    return keyed


def _device(a: Device | None, b: Device | None, fetches: tuple[Fetch, Fetch]) -> Iterator[Change]:
    one = a or b
    assert one is not None
    if a is None or b is None:
        size = one.section.payload.size
        text = f"version {one.section.version_id}, {many(size, 'byte')}"
        old, new = ("" if side is None else text for side in (a, b))
        yield Change(
            mark="+" if a is None else "-", part="schema", what="device", path=one.path,
            device=one.path, old_text=old, new_text=new,
            old_span=None if a is None else a.section.span,
            new_span=None if b is None else b.section.span,
        )  # fmt: skip
        return
    for change in (*_headers(a, b), *_contents(a, b, fetches)):
        yield msgspec.structs.replace(change, device=b.path)


def _headers(a: Device, b: Device) -> Iterator[Change]:
    old, new = a.section.version_id, b.section.version_id
    yield from _told("version", b.path, old, new, "schema")
    if a.layout is not None and b.layout is not None:
        names = a.layout.vmsd_name, b.layout.vmsd_name
        yield from _told("vmsd", b.path, names[0], names[1], "schema")


def _contents(a: Device, b: Device, fetches: tuple[Fetch, Fetch]) -> Iterator[Change]:
    """Values first: what is another kind of thing may be because of them."""
    old, new = (
        _payload(one, b.path, reader, fetch)
        for one, reader, fetch in zip((a, b), _readers(a, b), fetches, strict=True)
    )
    found = list(values(old, new))
    if (a.layout is None) != (b.layout is None):
        found += _told("description", b.path, a.described, b.described, "schema")
    yield from sorted(found, key=lambda change: change.part != "values")


def _readers(a: Device, b: Device) -> tuple[Device | None, Device | None]:
    """By whose fields each side is read; None where it is only bytes.

    Where the fields of one side are known they are the other's too, if version and size agree: one
    wrong byte (in the header of a subsection) is enough for a description not to fit.
    """
    if (a.layout is None) == (b.layout is None):
        return a, b
    one, other = a.section, b.section
    if (one.version_id, one.payload.size) != (other.version_id, other.payload.size):
        return None, None
    known = a if b.layout is None else b
    return known, known


def _payload(device: Device, path: str, reader: Device | None, fetch: Fetch) -> Value:
    """The payload without name and version of its own: those are the header's."""
    value = (reader or device).value
    children = value.node.children
    if reader is None:
        size = device.section.payload.size
        children = (
            Node(name="data", type="buffer", kind="leaf", offset=0, size=size, stride=size),
        )
    node = msgspec.structs.replace(value.node, name=path, type="", version=None, children=children)
    where = msgspec.structs.replace(value.device, path=path, fetch=fetch)
    return Value(node, device.section.payload.start, path, where)


def _order(pairs: Iterable[tuple[Device | None, Device | None]]) -> Iterator[Change]:
    """Devices that both have, in another order on the wire."""
    both = [(a.section.span.start, b) for a, b in pairs if a is not None and b is not None]
    left = [b.path for _, b in sorted(both, key=lambda pair: pair[0])]
    right = [b.path for b in sorted((b for _, b in both), key=lambda b: b.section.span.start)]
    for old, new in zip(left, right, strict=True):
        if old != new:
            yield Change(
                mark="~", part="schema", what="order", path="devices",
                old=left, new=right, old_text=f"{old} first", new_text=f"{new} first",
            )  # fmt: skip
            return


# --- what only a walk shows ----------------------------------------------------------------------


def _walk(a: Stream, b: Stream) -> Beside | None:
    from migstream.analysis.diff.memory import walk

    return walk(a, b)


def _live(a: Stream, b: Stream, known: Beside | None) -> Iterator[Change]:
    """Guest memory, other live sections by their bytes, commands."""
    from migstream.analysis.diff.memory import memory

    old, new = _commands(a), _commands(b)
    if old != new:
        yield Change(
            mark="~", part="memory", what="commands", path="commands", old=old, new=new,
            old_text=", ".join(old) or "none", new_text=", ".join(new) or "none",
        )  # fmt: skip
    yield from _told("version", "ram", _ram_header(a), _ram_header(b), "memory")
    yield from memory(a, b, known)
    sections = _live_sections(a), _live_sections(b)
    for key in dict.fromkeys([*sections[0], *sections[1]]):
        yield from _live_section(f"{key[0]}[{key[1]}]", *(s.get(key) for s in sections))


def _commands(stream: Stream) -> list[str]:
    """Commands in their order, with what they say."""
    return [
        item.name if item.value is None else f"{item.name} {item.value}"
        for item in flat(stream.items)
        if isinstance(item, Command)
    ]


def _ram_header(stream: Stream) -> str | None:
    """Instance and version of the RAM section, whose contents are compared page by page."""
    for section in stream.sections:
        if section.name == "ram" and section.type == SectionType.START:
            return f"{section.path}, version {section.version_id}"
    return None


def _live_sections(stream: Stream) -> dict[tuple[str, int], tuple[int | None, int, bytes]]:
    """Version, bytes and hash of each live section but RAM, START to END as one."""
    from hashlib import sha256

    found: dict[tuple[str, int], tuple[int | None, int, Any]] = {}
    for section in stream.sections:
        if section.type not in LIVE or section.name == "ram":
            continue
        version, size, told = found.get(section.key, (section.version_id, 0, sha256()))
        told.update(stream.store.view(*section.payload) if stream.seekable else b"")
        found[section.key] = version, size + section.payload.size, told
    return {key: (version, size, told.digest()) for key, (version, size, told) in found.items()}


def _live_section(
    path: str,
    old: tuple[int | None, int, bytes] | None,
    new: tuple[int | None, int, bytes] | None,
) -> Iterator[Change]:
    if old == new:
        return
    texts = [
        "" if one is None else f"version {one[0]}, {many(one[1], 'byte')} {one[2].hex()[:8]}"
        for one in (old, new)
    ]
    yield Change(
        mark="+" if old is None else "-" if new is None else "~",
        part="memory", what="section", path=path,
        old=None if old is None else old[1], new=None if new is None else new[1],
        old_text=texts[0], new_text=texts[1],
    )  # fmt: skip
