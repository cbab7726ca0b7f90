"""A stream held against a digest that was kept: what changed since, first things first."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path

import msgspec

from migstream.analysis.digest import (
    EQUALS,
    FIRST,
    Entry,
    Opening,
    digest_lines,
    entries,
    hashed,
    memory_entry,
    read_entries,
    word,
)
from migstream.analysis.ignore import Ignore
from migstream.errors import ParseError, SourceError
from migstream.names import brief, many, prose, unescape
from migstream.source.address import public, scheme_of
from migstream.source.layers import Watch
from migstream.stream import Stream, open_stream
from migstream.wire.model import Span

__all__ = ["Difference", "Golden", "compare", "load", "refresh", "write"]

MOST = 64 << 20  # bytes of a digest
HASH = ", sha256:"


class Difference(msgspec.Struct, frozen=True):
    """What changed; `old` is None where the digest had nothing, `new` where the stream has none.

    Parameters
    ----------
    path : of the value, as docs/paths.md has it; what comes twice gets a number behind it
    device : path of the device that it is in, or is; empty where that is none
    span : its bytes in the stream; None of guest memory, and where it is gone
    """

    path: str
    old: str | None
    new: str | None
    device: str = ""
    span: Span | None = None

    def __repr__(self) -> str:
        texts = " → ".join(filter(None, (self.old, self.new)))
        return brief("Difference", f"{self.path}:", texts)


class Golden(msgspec.Struct, frozen=True):
    """A digest: its own path, the stream it was made of, how, and its entries in their order.

    The paths of `stream` and of files in `opening` are relative to the digest's own.
    """

    name: str
    stream: str
    ignore: tuple[str, ...]
    ram: bool
    entries: dict[str, Entry]
    opening: Opening = Opening()

    def __repr__(self) -> str:
        return brief(
            "Golden", f"{self.name}:", f"{many(len(self.entries), 'entry')} of", self.stream
        )


def load(path: str | os.PathLike[str]) -> Golden:
    """Read a digest.

    Raises
    ------
    SourceError : it cannot be read, or is not a digest
    """
    try:
        with Path(path).open("rb") as file:
            raw = file.read(MOST + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SourceError(f"{path}: {reason}") from None
    lines = raw.decode("utf-8", "replace").split("\n")
    if lines[0] != FIRST or len(raw) > MOST:
        raise SourceError(
            f"{path} is not a digest", hint="`migstream digest STREAM -o FILE` makes one"
        )
    head = list(takewhile(lambda line: EQUALS not in line, lines[1:]))
    words = dict(line.partition(" ")[::2] for line in head)
    ignore = tuple(words.get("ignore", "").split())
    try:
        Ignore(ignore)
        opening = Opening.read(head)
    except ValueError as error:
        raise SourceError(
            f"{path}: {error}", hint="its line `ignore` or `offset` is damaged"
        ) from None
    return Golden(
        name=str(path),
        stream=unescape(words.get("stream", "")),
        ignore=ignore,
        ram="no-ram" not in words,
        entries=_by_path(read_entries(lines)),
        opening=opening,
    )


def _by_path(found: Iterable[Entry]) -> dict[str, Entry]:
    """Entries by their paths; what comes twice gets a number, a device with all that is in it."""
    seen: Counter[str] = Counter()
    table: dict[str, Entry] = {}
    device = ""
    for entry in found:
        inside = entry.device and not entry.is_device
        path = device + entry.path.removeprefix(entry.device) if inside else entry.path
        seen[path] += 1
        path = path if seen[path] == 1 else f"{path} ({seen[path]})"
        device = device if inside else path
        table[path] = entry
    return table


# --- what changed --------------------------------------------------------------------------------


def compare(stream: Stream, golden: Golden) -> list[Difference]:
    """Where a stream differs from a digest, which also says what to leave out.

    What changed inside is named, and not what it is in: a device only where nothing in it says how
    it changed, or where its version or size did. What is in something gone or new is not named.
    A page that cannot be unpacked is a difference.
    """
    made = _by_path(_made(stream, golden))
    found: list[Difference] = []
    for path in dict.fromkeys([*golden.entries, *made]):
        old, new = golden.entries.get(path), made.get(path)
        if old is None or new is None:
            found.append(_difference(path, old, new))
        elif old.text != new.text:
            found += _changed(path, old, new)
    return list(_telling(found))


def _made(stream: Stream, golden: Golden) -> Iterator[Entry]:
    ignore = Ignore(golden.ignore)
    yield from entries(stream, ignore)
    for name, block, tell in hashed(stream, ignore) if golden.ram else ():
        try:
            yield memory_entry(name, block, tell)
        except ParseError as error:
            yield Entry(f"ram/{word(name)}", f"not readable: {prose(error.message)}")


def _difference(path: str, old: Entry | None, new: Entry | None) -> Difference:
    there = new or old
    assert there is not None
    return Difference(
        path,
        None if old is None else old.text,
        None if new is None else new.text,
        there.device,
        None if new is None else new.span,
    )


def _changed(path: str, old: Entry, new: Entry) -> Iterator[Difference]:
    """A value that changed: of an array whose elements are listed, these."""
    before, after = old.text.split(" "), new.text.split(" ")
    if not new.stride or new.span is None or (before[0], len(before)) != (after[0], len(after)):
        yield _difference(path, old, new)
        return
    for index, (one, other) in enumerate(zip(before[1:], after[1:], strict=True)):
        if one != other:
            start = new.span.start + index * new.stride
            span = Span(start, start + new.stride)
            yield Difference(f"{path}[{index}]", one, other, new.device, span)


def _telling(found: list[Difference]) -> Iterator[Difference]:
    """Differences that no other one implies."""
    whole = {(one.path, one.old is None) for one in found if None in {one.old, one.new}}
    around = {above for one in found for above in _above(one.path)}
    for one in found:
        if None in {one.old, one.new}:
            if not any((above, one.old is None) in whole for above in _above(one.path)):
                yield one
        elif one.path in around and one.old is not None and one.new is not None:
            # something in this device is named: what is left to say is its version and size
            old, new = (text.partition(HASH)[0] for text in (one.old, one.new))
            if old != new:
                yield msgspec.structs.replace(one, old=old, new=new)
        else:
            yield one


def _above(path: str) -> Iterator[str]:
    """Every path that this one is inside of, by its slashes."""
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


# --- making them ---------------------------------------------------------------------------------


def write(
    stream: Stream,
    source: str,
    path: str | os.PathLike[str],
    *,
    ignore: tuple[str, ...] = (),
    ram: bool = True,
    replace: bool = False,
    opening: Opening | None = None,
) -> None:
    """Write a digest.

    Parameters
    ----------
    source : the stream's own path, kept relative to the digest
    opening : how the stream was opened; its paths become relative, too
    replace : whether a file that is there may be replaced

    Raises
    ------
    SourceError : a file is there already, or it cannot be written
    StreamError : the stream is damaged: nothing is written then
    """
    from migstream.source.output import new_file

    def near(name: str) -> str:
        return public(name) if name == "-" or scheme_of(name) else os.path.relpath(name, folder)

    folder = Path(path).parent
    how = None if opening is None else opening.moved(near)
    with new_file(path, replace=replace) as fd, open(fd, "wb", closefd=False) as out:
        lines = digest_lines(
            stream, name=near(os.fspath(source)), ignore=ignore, ram=ram, opening=how
        )
        out.writelines(f"{line}\n".encode() for line in lines)
        if stream.noticed:
            raise stream.noticed[0]


def refresh(path: str | os.PathLike[str], watch: Watch | None = None) -> list[Difference]:
    """Make a digest again from its stream, as it was made; what changed.

    Parameters
    ----------
    watch : told how far it is, as `open` has it

    Raises
    ------
    SourceError : the digest or its stream cannot be read, or not be written
    StreamError : the stream is damaged: the digest stays as it was
    """

    def found_at(name: str) -> str:
        return name if scheme_of(name) else str(Path(path).parent / name)

    golden = load(path)
    source, opening = found_at(golden.stream), golden.opening.moved(found_at)
    with open_stream(
        source, spool=golden.ram, watch=watch, **msgspec.structs.asdict(opening)
    ) as stream:
        found = compare(stream, golden)
        if found:
            write(
                stream, source, path,
                ignore=golden.ignore, ram=golden.ram, replace=True, opening=opening,
            )  # fmt: skip
    return found
