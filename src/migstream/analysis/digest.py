"""A stream's state as lines of text: a value of each field, a hash of each device and RAM block.

    migstream digest 1
    stream pc.mig
    ignore clocks timers
    machine = pc-i440fx-7.2
    cpu[0] = version 12, sha256:1c0e…
      env.regs = uint64[16] 0 0 1635 …
    ram/pc.ram = 134217728 bytes, sha256:99ab…

Lines `inside`, `container`, `offset`, `like` and `channel` say how the stream was opened (`Opening`), where that
was not left to the bytes. A line `from tail` says that guest memory was not walked, so that only the end of a large file was believed.
Equal states give equal lines, however guest memory was sent, and a change of state changes as few
lines as it can, so that diff(1) and a reviewer can read what happened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from migstream.analysis.ignore import Ignore
from migstream.names import brief, escape, unescape
from migstream.source.layers import Tell, telling
from migstream.stream import Device, Stream, as_stream
from migstream.vmstate.layout import header_of, subsection_header
from migstream.vmstate.values import Value
from migstream.wire.model import Span

if TYPE_CHECKING:
    from migstream.ram.image import Block
    from migstream.source.opened import Openable

__all__ = [
    "FIRST",
    "Digest",
    "Entry",
    "Opening",
    "digest",
    "digest_lines",
    "entries",
    "hash_of",
    "hashed",
    "memory_entry",
    "read_entries",
    "word",
]

FIRST = "migstream digest 1"
STREAM = "stream "
FROM_TAIL = "from tail"
SUBSECTION = "subsection"
FEW = 16  # elements of an array, bytes of a buffer that are written out
SHORT = 16  # hexadecimal digits of a hash
CHUNK = 1 << 16  # bytes of guest memory: those without anything but zeros are not hashed
WORDS = {"absent": "never sent", "unplugged": "not plugged in"}
EQUALS = " = "
INSIDE = "  "  # before the name of what belongs to a device
HEAD = re.compile(r"version \S+, \d+ bytes, sha256:")  # of a device


class Entry(msgspec.Struct, frozen=True):
    """A line of a digest: a path and what is there.

    Parameters
    ----------
    path : as docs/paths.md has it
    text : the value, with its type before it
    device : the path of the device that it is, or belongs to; empty where that is none
    span : its bytes in the stream; None of guest memory, and where it was read from a digest
    stride : bytes from one element to the next of an array whose elements `text` lists; else 0
    """

    path: str
    text: str
    device: str = ""
    span: Span | None = None
    stride: int = 0

    def __repr__(self) -> str:
        return brief("Entry", self.path, f"= {self.text}")

    @property
    def is_device(self) -> bool:
        return self.path == self.device

    @property
    def line(self) -> str:
        """How a digest has it."""
        inside = self.device and not self.is_device
        name = INSIDE + self.path.removeprefix(f"{self.device}/") if inside else self.path
        return f"{name}{EQUALS}{self.text}"


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """How a stream is opened, in the words of `open_stream`: what is needed to make its digest again."""

    inside: str | None = None
    container: str | None = None
    offset: int = 0
    like: str | None = None
    channels: tuple[str, ...] = ()

    def moved(self, path: Callable[[str], str]) -> Opening:
        """The same with other names of files."""
        like = None if self.like is None else path(self.like)
        return msgspec.structs.replace(self, like=like, channels=tuple(map(path, self.channels)))

    @property
    def lines(self) -> Iterator[str]:
        """What a digest says of it: nothing where all is left to the bytes."""
        words = {
            "inside": self.inside,
            "container": self.container,
            "offset": hex(self.offset) if self.offset else None,
            "like": self.like,
        }
        yield from (f"{key} {word(said)}" for key, said in words.items() if said is not None)
        yield from (f"channel {word(channel)}" for channel in self.channels)

    @classmethod
    def read(cls, lines: Iterable[str]) -> Opening:
        """What the head of a digest says. Raises ValueError where `offset` is no number."""
        words: dict[str, str] = {}
        channels = []
        for line in lines:
            key, _, said = line.partition(" ")
            words[key] = unescape(said)
            channels += [words[key]] if key == "channel" else []
        return cls(
            inside=words.get("inside"),
            container=words.get("container"),
            offset=int(words.get("offset", "0"), 0),
            like=words.get("like"),
            channels=tuple(channels),
        )


class Digest(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The digest of a stream: two are equal where they say the same of the state, whatever the file's name.

    Parameters
    ----------
    lines : of the text, as `migstream digest` prints them; `str` is all of it
    """

    lines: tuple[str, ...]

    def __repr__(self) -> str:
        return brief("Digest", f"{len(self.lines)} lines of", self.lines[1].removeprefix(STREAM))

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Digest) and self._said == other._said

    def __hash__(self) -> int:
        return hash(self._said)

    @property
    def _said(self) -> tuple[str, ...]:
        """What is said of the state: how it was found out does not matter."""
        return tuple(line for line in self.lines[2:] if line != FROM_TAIL)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Each path and what is there."""
        return tuple(read_entries(self.lines))


def digest(stream: Stream | Openable, *, ignore: Sequence[str] = (), ram: bool = True) -> Digest:
    """A stream's state as lines of text, to be kept and to be compared.

    Parameters
    ----------
    stream : a Stream, or whatever `open` takes
    ignore : "clocks", "timers" and other sets, and globs over paths: what they cover is left out
    ram : whether to hash guest memory, which reads all of the stream

    Raises
    ------
    ValueError : no such set, or a glob that cannot be
    StreamError : the stream is damaged
    """
    with as_stream(stream, spool=ram) as one:
        lines = tuple(digest_lines(one, name=one.name, ignore=ignore, ram=ram))
        for error in one.noticed:
            raise error
        return Digest(lines=lines)


def digest_lines(
    stream: Stream,
    *,
    name: str,
    ignore: Sequence[str] = (),
    ram: bool = True,
    opening: Opening | None = None,
) -> Iterator[str]:
    """The lines.

    Parameters
    ----------
    name : where the stream is found again, for a refresh
    ignore : sets and globs (`analysis.ignore`); what they cover is left out
    ram : whether to hash guest memory, which reads all of the stream
    opening : how the stream was opened, for a refresh

    Raises
    ------
    ParseError : a page of guest memory cannot be unpacked
    """
    left_out = Ignore(ignore)
    yield FIRST
    yield f"{STREAM}{word(name)}"
    if left_out.names:
        yield f"ignore {' '.join(left_out.names)}"
    if not ram:
        yield "no-ram"
    if not stream.walked:
        yield FROM_TAIL
    if opening is not None:
        yield from opening.lines
    for entry in entries(stream, left_out):
        yield entry.line
    if ram:
        for name, block, tell in hashed(stream, left_out):
            yield memory_entry(name, block, tell).line


def hashed(stream: Stream, ignore: Ignore) -> Iterator[tuple[str, Block, Tell]]:
    """RAM blocks that are not left out, and whom to tell how much of them is done."""
    found = [
        (name, block)
        for name, block in sorted(stream.ram.items())
        if not ignore.covers(f"ram/{name}")
    ]
    with telling(stream.watch, "hashing", sum(block.size for _, block in found)) as tell:
        yield from ((name, block, tell) for name, block in found)


def entries(stream: Stream, ignore: Ignore) -> Iterator[Entry]:
    """Everything but guest memory."""
    if stream.machine is not None:
        yield Entry("machine", word(stream.machine))
    yield from (Entry(f"capability/{word(name)}", "on") for name in sorted(stream.capabilities))
    for sub in stream.configuration.subsections if stream.configuration is not None else ():
        if sub.name != "configuration/capabilities":
            yield Entry(word(sub.name), word(str(sub.value)))
    for device in stream.devices:
        if not ignore.covers(device.path):
            yield from _device(device, ignore)


def read_entries(lines: Sequence[str]) -> Iterator[Entry]:
    """Entries of the lines of a digest."""
    device = ""
    for line in lines:
        name, equals, text = line.partition(EQUALS)
        if not equals:
            continue
        if device and name.startswith(INSIDE):
            yield Entry(f"{device}/{name.removeprefix(INSIDE)}", text, device)
            continue
        device = name if HEAD.match(text) else ""
        yield Entry(name, text, device)


def word(name: str) -> str:
    """The name as the beginning of a line, or a word of it: nothing in it is part of the line's own shape."""
    text = escape(name).replace(EQUALS, " \\x3d ")
    return f"\\x20{text[1:]}" if text.startswith(" ") else text


def hash_of(raw: bytes | bytearray | memoryview) -> str:
    """What a digest says of the bytes of a device, or of a value."""
    return f"sha256:{sha256(raw).hexdigest()[:SHORT]}"


def _device(device: Device, ignore: Ignore) -> Iterator[Entry]:
    """The head with a hash of every byte that counts, then the fields."""
    payload = bytearray(device.value.raw)
    span = device.section.payload
    name = word(device.path)
    inside: list[Entry] = []
    for value in device.value.children:
        inside += _value(value, name, ignore, payload, span.start)
    head = f"version {device.section.version_id}, {len(payload)} bytes"
    yield Entry(name, f"{head}, {hash_of(payload)}", name, span)
    yield from inside


def _value(
    value: Value, device: str, ignore: Ignore, payload: bytearray, base: int
) -> Iterator[Entry]:
    """Entries of one value; what is left out becomes zeros in `payload`, which begins at `base`."""
    at = value.span.start - base
    path = word(value.path)
    if ignore.covers(value.path, value.type):
        payload[at : at + value.span.size] = bytes(value.span.size)
        return
    if value.kind == "leaf" and value.count is None and not any(True for _ in value.children):
        stride = 1
    elif value.kind == "leaf" and value.count is not None:
        stride = value.node.stride
    elif value.count is not None and value.count > FEW and value.kind == "struct":
        for one in value.elements() if value.node.stride else ():
            _erase(one, device, ignore, payload, base)
        text = f"{_kind(value)} {hash_of(payload[at : at + value.span.size])}"
        yield Entry(path, text, device, value.span)
        return
    else:
        if SUBSECTION in {value.kind, value.type}:  # described, or one inside of a blob
            yield _subsection(value, path, device, payload[at : at + subsection_header(value.name)])
        for child in value.children:
            yield from _value(child, device, ignore, payload, base)
        return
    for start, stop in ignore.indexes(value.path):
        first, last = at + start * stride, min(at + stop * stride, at + value.span.size)
        payload[first:last] = bytes(max(last - first, 0))
    text = _leaf(value, payload[at : at + value.span.size])
    yield Entry(path, text, device, value.span, stride if _listed(value) else 0)


def _subsection(value: Value, path: str, device: str, raw: bytearray) -> Entry:
    """What begins here, and its header where that is not the one of the description."""
    version = value.node.version
    text = SUBSECTION if version is None else f"{SUBSECTION}, version {version}"
    if value.kind != SUBSECTION or version is None:
        return Entry(path, text, device, value.span)
    right = header_of(value.node)
    wrong = [at for at, (one, other) in enumerate(zip(raw, right, strict=False)) if one != other]
    if not wrong:
        return Entry(path, text, device, value.span)
    span = Span(value.span.start + wrong[0], value.span.start + wrong[-1] + 1)
    return Entry(path, f"{text}, header {raw[: len(right)].hex()}", device, span)


def _erase(value: Value, device: str, ignore: Ignore, payload: bytearray, base: int) -> None:
    for _ in _value(value, device, ignore, payload, base):
        pass


def _kind(value: Value) -> str:
    kind = word(value.type)
    return kind if value.count is None else f"{kind}[{value.count}]"


def _listed(value: Value) -> bool:
    """Whether the elements of an array are written out."""
    return value.count is not None and value.count <= FEW and bool(value.wire.code)


def _leaf(value: Value, raw: bytearray) -> str:
    kind = _kind(value)
    if value.count is not None:
        if not _listed(value):
            return f"{kind} {hash_of(raw)}"
        return " ".join([kind, *map(str, value.wire.bulk(memoryview(raw), value.count))])
    if value.wire.kind in {"bytes", "bitmap", "group"}:
        return (
            f"{kind} {raw.hex()}" if len(raw) <= FEW else f"{kind} {len(raw)} bytes {hash_of(raw)}"
        )
    return f"{kind} {word(str(value.plain()))}"


def memory_entry(name: str, block: Block, tell: Tell = lambda _: None) -> Entry:
    """A RAM block: length, how much was never sent or is not plugged in, and a hash of where what is not zero stands.

    Raises
    ------
    ParseError : a page cannot be unpacked
    """
    told = sha256()
    blank = bytes(CHUNK)
    without = {"absent": 0, "unplugged": 0}
    done = 0
    for run in block.runs():
        if run.kind in without:
            without[run.kind] += run.stop - run.start
        if run.kind != "data":
            tell(run.stop - run.start)
            continue
        for at in range(max(run.start - run.start % CHUNK, done), run.stop, CHUNK):
            done = min(at + CHUNK, block.size)
            tell(min(done, run.stop) - max(at, run.start))
            piece = block.read(at, done)
            if piece != blank[: len(piece)]:
                told.update(at.to_bytes(8, "big"))
                told.update(piece)
    missing = "".join(f", {without[kind]} {WORDS[kind]}" for kind in without if without[kind])
    text = f"{block.size} bytes{missing}, sha256:{told.hexdigest()[:SHORT]}"
    return Entry(f"ram/{word(name)}", text)
