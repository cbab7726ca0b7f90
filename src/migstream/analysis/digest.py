"""A stream's state as lines of text: a value of each field, a hash of each device and RAM block.

    migstream digest 1
    stream pc.mig
    ignore clocks timers
    machine = pc-i440fx-7.2
    cpu[0] = version 12, sha256:1c0e…
      env.regs = uint64[16] 0 0 1635 …
    ram/pc.ram = 134217728 bytes, sha256:99ab…

Equal states give equal lines, however guest memory was sent, and a change of state changes as few
lines as it can, so that diff(1) and a reviewer can read what happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from migstream.analysis.ignore import Ignore
from migstream.stream import Device, Stream
from migstream.vmstate.values import Value

if TYPE_CHECKING:
    from migstream.ram.image import Block

__all__ = ["FIRST", "digest_lines"]

FIRST = "migstream digest 1"
FEW = 16  # elements of an array, bytes of a buffer that are written out
SHORT = 16  # hexadecimal digits of a hash
CHUNK = 1 << 16  # bytes of guest memory: those without anything but zeros are not hashed


def digest_lines(
    stream: Stream, *, name: str, ignore: Sequence[str] = (), ram: bool = True
) -> Iterator[str]:
    """The lines.

    Parameters
    ----------
    name : where the stream is found again, for a refresh
    ignore : sets and globs (`analysis.ignore`); what they cover is left out
    ram : whether to hash guest memory, which reads all of the stream

    Raises
    ------
    ParseError : a page of guest memory cannot be unpacked
    """
    left_out = Ignore(ignore)
    yield FIRST
    yield f"stream {name}"
    if left_out.names:
        yield f"ignore {' '.join(left_out.names)}"
    if not ram:
        yield "no-ram"
    if stream.machine is not None:
        yield f"machine = {_word(stream.machine)}"
    yield from (f"capability/{name} = on" for name in sorted(stream.capabilities))
    for sub in stream.configuration.subsections if stream.configuration is not None else ():
        if sub.name != "configuration/capabilities":
            yield f"{_word(sub.name)} = {_word(str(sub.value))}"
    for device in stream.devices:
        if not left_out.covers(device.path):
            yield from _device(device, left_out)
    if ram:
        blocks: Mapping[str, Block] = stream.ram or {}
        for name in sorted(blocks):
            if not left_out.covers(f"ram/{name}"):
                yield f"ram/{_word(name)} = {_memory(blocks[name])}"


def _word(text: str) -> str:
    """The text in one line."""
    return text if text.isascii() and text.isprintable() else ascii(text)[1:-1]


def _hash(raw: bytes | bytearray | memoryview) -> str:
    return f"sha256:{sha256(raw).hexdigest()[:SHORT]}"


def _device(device: Device, ignore: Ignore) -> Iterator[str]:
    """The head with a hash of every byte that counts, then the fields."""
    payload = bytearray(device.value.raw)
    base = device.section.payload.start
    lines: list[str] = []
    for value in device.value.children:
        lines += _value(value, f"{device.path}/", ignore, payload, base)
    size = len(payload)
    yield (
        f"{_word(device.path)} = version {device.section.version_id}, {size} bytes, {_hash(payload)}"
    )
    yield from lines


def _value(
    value: Value, above: str, ignore: Ignore, payload: bytearray, base: int
) -> Iterator[str]:
    """Lines of one value; what is left out becomes zeros in `payload`, which begins at `base`."""
    at = value.span.start - base
    name = _word(value.path.removeprefix(above))
    if ignore.covers(value.path, value.type):
        payload[at : at + value.span.size] = bytes(value.span.size)
        return
    if value.kind == "leaf" and value.count is None and not any(True for _ in value.children):
        stride = 1
    elif value.kind == "leaf" and value.count is not None:
        stride = value.node.stride
    elif value.count is not None and value.count > FEW and value.kind == "struct":
        for one in value.elements() if value.node.stride else ():
            _erase(one, ignore, payload, base)
        yield f"  {name} = {_kind(value)} {_hash(payload[at : at + value.span.size])}"
        return
    else:
        if value.kind == "subsection":
            yield f"  {name} = subsection, version {value.node.version}"
        for child in value.children:
            yield from _value(child, above, ignore, payload, base)
        return
    gone = ignore.indexes(value.path)
    for start, stop in gone:
        first, last = at + start * stride, min(at + stop * stride, at + value.span.size)
        payload[first:last] = bytes(max(last - first, 0))
    yield f"  {name} = {_leaf(value, payload[at : at + value.span.size])}"


def _erase(value: Value, ignore: Ignore, payload: bytearray, base: int) -> None:
    for _ in _value(value, "", ignore, payload, base):
        pass


def _kind(value: Value) -> str:
    return value.type if value.count is None else f"{value.type}[{value.count}]"


def _leaf(value: Value, raw: bytearray) -> str:
    kind = _kind(value)
    if value.count is not None:
        if value.count > FEW or not value.wire.code:
            return f"{kind} {_hash(raw)}"
        return " ".join([kind, *map(str, value.wire.bulk(memoryview(raw), value.count))])
    if value.wire.kind in {"bytes", "bitmap", "group"}:
        return f"{kind} {raw.hex()}" if len(raw) <= FEW else f"{kind} {len(raw)} bytes {_hash(raw)}"
    return f"{kind} {_word(str(value.plain()))}"


def _memory(block: Block) -> str:
    """Length, how much was never sent, and a hash of where what is not zero stands."""
    told = sha256()
    blank = bytes(CHUNK)
    absent = 0
    done = 0
    for run in block.runs():
        if run.kind == "absent":
            absent += run.stop - run.start
        if run.kind != "data":
            continue
        for at in range(max(run.start - run.start % CHUNK, done), run.stop, CHUNK):
            done = min(at + CHUNK, block.size)
            piece = block.read(at, done)
            if piece != blank[: len(piece)]:
                told.update(at.to_bytes(8, "big"))
                told.update(piece)
    missing = f", {absent} never sent" if absent else ""
    return f"{block.size} bytes{missing}, sha256:{told.hexdigest()[:SHORT]}"
