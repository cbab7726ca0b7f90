"""Two changes of one virtio device's state, each of which moves what stands behind: made field by field.

Such a state is one field for the description, so that its parts are found by reading it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from migstream.catalogue.capabilities import SIZES, carried, flipped
from migstream.catalogue.model import State
from migstream.names import encoded
from migstream.stream import open_stream
from migstream.wire import write
from migstream.wire.model import SectionType

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["is_virtio", "leaves", "merged", "resized"]

SIZE = re.compile(rb'("type"\s*:\s*"virtio",\s*"size"\s*:\s*)(\d+)')
FIELD = re.compile(rb'("name"\s*:\s*"([^"]+)",\s*"type"\s*:\s*"[^"]+",\s*"size"\s*:\s*)\d+')
VMSD = re.compile(rb'"vmsd_name"\s*:\s*"([^"]+)"')

INDEX = re.compile(r"\[(\d+)\]")
FIRST = "[0]"
CONFIG = "config"  # of PCI
SPACE, LENGTH = "device_config", "config_len"  # of virtio
MANY = 64  # elements of an array that are looked at one by one
VENDOR, REDHAT = slice(4, 6), b"\xf4\x1a"  # behind the version of what PCI saves
SOMEWHERE = "0000:00:01.0"

Path = tuple[str, ...]


def is_virtio(state: State) -> bool:
    """Whether it is one field that virtio wrote."""
    return SIZE.search(state.text) is not None


def resized(state: State, payload: bytes) -> State:
    """The state with other bytes, described as long as they are."""
    more = len(payload) - len(state.payload)
    text = SIZE.sub(lambda found: found[1] + b"%d" % (int(found[2]) + more), state.text)
    return State(state.version, payload, text)


def merged(here: State, before: State, after: State) -> State:
    """What becomes of a state by the change from one to another; what was changed already stays."""
    mine, old, new = _numbered([dict(one) for one in leaves((here, before, after))])
    order = list(mine)
    left = {element for path in new if (element := _element(path)) is not None}
    for path in old.keys() - new.keys():
        element = _element(path)
        if mine.get(path) == old[path] or (element is not None and element not in left):
            mine.pop(path, None)
    previous: Path | None = None
    for path, raw in new.items():
        if path not in old and path not in mine:
            at = 0 if previous is None else order.index(previous) + 1
            order.insert(at, path)
            before_it = _before(path)
            # as the element before it, where both are alike
            alike = before_it is not None and new.get(before_it) == raw
            mine[path] = mine.get(before_it, raw) if alike and before_it is not None else raw
        elif path in mine and mine[path] == old.get(path):
            mine[path] = raw
        elif path in mine and len(raw) == len(mine[path]) == len(old.get(path, b"")):
            mine[path] = _both(path, mine[path], old[path], raw)
        elif path in mine and path[-1] == CONFIG and len(mine[path]) == len(old.get(path, b"")):
            # its space becomes that of PCI Express: what was changed already is changed there
            mine[path] = carried(raw, old[path], mine[path])
        elif path in mine and path[-1] == CONFIG and len(raw) == len(old.get(path, b"")):
            # it is that of PCI Express already
            mine[path] = carried(mine[path], old[path], raw)
        previous = path if path in mine else previous
    for path in mine:
        if path[-1] == LENGTH:
            space = (*path[:-1], SPACE)
            mine[path] = _length(raw for one, raw in mine.items() if one[: len(space)] == space)
    kept = [path for path in order if path in mine]
    sizes: Counter[str] = Counter()
    for path in kept:
        sizes[path[0]] += len(mine[path])
    text = FIELD.sub(partial(_measured, sizes), here.text)
    return State(here.version, b"".join(mine[path] for path in kept), text)


def _length(parts: Iterable[bytes]) -> bytes:
    """How long a device's configuration space is, before it (hw/virtio/virtio.c: virtio_save)."""
    return sum(map(len, parts)).to_bytes(4, "big")


def _numbered(sides: Sequence[dict[Path, bytes]]) -> Iterator[dict[Path, bytes]]:
    """The same, where the one element of an array is called as it is where there are several."""
    arrays = {element[:-1] for one in sides for path in one if (element := _element(path))}
    for side in sides:
        yield {
            next(
                (
                    (*path[:n], FIRST, *path[n:])
                    for n in range(1, len(path))
                    if path[:n] in arrays and not INDEX.fullmatch(path[n])
                ),
                path,
            ): raw
            for path, raw in side.items()
        }


def _element(path: Path) -> Path | None:
    """The element of an array that a value belongs to."""
    at = next((n for n, name in enumerate(path) if INDEX.fullmatch(name)), None)
    return None if at is None else path[: at + 1]


def _before(path: Path) -> Path | None:
    """The same value of the element before."""
    element = _element(path)
    found = INDEX.fullmatch(element[-1]) if element is not None else None
    if element is None or found is None or found[1] == "0":
        return None
    return (*element[:-1], f"[{int(found[1]) - 1}]", *path[len(element) :])


def _measured(sizes: Counter[str], found: re.Match[bytes]) -> bytes:
    size = sizes.get(found[2].decode())
    return found[0] if size is None else found[1] + b"%d" % size


def _both(path: Path, here: bytes, before: bytes, after: bytes) -> bytes:
    """Bytes of which another change has changed some."""
    if path[-1] == CONFIG and len(here) in SIZES:
        return carried(here, before, after)
    return bytes(map(flipped, here, before, after))


def leaves(states: Sequence[State]) -> Iterator[Iterator[tuple[Path, bytes]]]:
    """The fields of states of one virtio device, those that have none inside, with their bytes."""
    out = bytearray(write.file_header())
    rows = []
    name = VMSD.search(states[0].text)
    kind = (name[1] if name is not None else b"virtio").decode()
    if states[0].payload[VENDOR] == REDHAT:  # its name is what says that a device is on PCI
        kind = f"{SOMEWHERE}/{kind}"
    for number, state in enumerate(states):
        out += write.named_header(
            SectionType.FULL, number, write.counted(kind), number, state.version
        )
        out += state.payload
        head = f'{{"name": "{kind}", "instance_id": {number}, '
        rows.append(encoded(head) + state.text)
    out.append(SectionType.EOF)
    out += write.description(b'{"page_size": 4096, "devices": [' + b", ".join(rows) + b"]}")
    with open_stream(bytes(out)) as stream:
        for device in stream.devices:
            yield _flat(device.value, ())


def _flat(value: Value, path: Path) -> Iterator[tuple[Path, bytes]]:
    whole = value.name == CONFIG or (value.count or 0) > MANY
    children = [] if whole else list(value)
    if not children:
        yield path, bytes(value.raw)
    at = value.span.start
    for child in children:
        if child.span.start > at:
            yield (
                (*path, f"before {child.name}"),
                bytes(value.raw[at - value.span.start : child.span.start - value.span.start]),
            )
        yield from _flat(child, (*path, child.name))
        at = child.span.stop
    if children and at < value.span.stop:
        yield (*path, "behind"), bytes(value.raw[at - value.span.start :])
