"""A stream held against a digest that was kept: what changed since, first things first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from migstream.analysis.digest import FIRST, digest_lines
from migstream.analysis.ignore import Ignore
from migstream.errors import SourceError
from migstream.stream import Stream, open_stream

__all__ = ["Difference", "Golden", "compare", "load", "refresh", "write"]

MOST = 64 << 20  # bytes of a digest


class Difference(msgspec.Struct, frozen=True):
    """A line that changed; `old` is None where the digest had none, `new` where the stream has none.

    `path` names the value as docs/paths.md does.
    """

    path: str
    old: str | None
    new: str | None


class Golden(msgspec.Struct, frozen=True):
    """A digest: the stream it was made of, how, and its lines by path, in their order."""

    stream: str
    ignore: tuple[str, ...]
    ram: bool
    values: dict[str, str]


def load(path: str | os.PathLike[str]) -> Golden:
    """Read a digest.

    Raises
    ------
    SourceError : it cannot be read, or is none
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
            f"{path} is no digest", hint="`migstream digest STREAM -o FILE` makes one"
        )
    words = dict(line.partition(" ")[::2] for line in lines[1:4] if " = " not in line)
    ignore = tuple(words.get("ignore", "").split())
    try:
        Ignore(ignore)
    except ValueError as error:
        raise SourceError(f"{path}: {error}", hint="its line `ignore` is damaged") from None
    return Golden(words.get("stream", ""), ignore, "no-ram" not in words, dict(_values(lines)))


def _values(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Path and text of each value; several of one path get a number."""
    device = ""
    seen: dict[str, int] = {}
    for line in lines:
        name, equals, text = line.partition(" = ")
        if not equals:
            continue
        inside = name.startswith("  ")
        path = f"{device}/{name[2:]}" if inside else name
        device = device if inside else name
        turn = seen[path] = seen.get(path, 0) + 1
        yield path if turn == 1 else f"{path} ({turn})", text


def compare(stream: Stream, file: str | os.PathLike[str]) -> list[Difference]:
    """What a stream says otherwise than a digest, which also says what to leave out.

    A device stands before its fields, and alone where only its bytes differ.

    Raises
    ------
    SourceError : the file cannot be read, or is no digest
    ParseError : a page of guest memory cannot be unpacked
    """
    golden = load(file)
    made = digest_lines(stream, name=golden.stream, ignore=golden.ignore, ram=golden.ram)
    found = dict(_values(list(made)))
    return [
        Difference(path, golden.values.get(path), found.get(path))
        for path in dict.fromkeys([*golden.values, *found])
        if golden.values.get(path) != found.get(path)
    ]


def write(
    stream: Stream,
    source: str,
    path: str | os.PathLike[str],
    *,
    ignore: tuple[str, ...] = (),
    ram: bool = True,
) -> None:
    """Write a digest, in place of one that is there.

    Parameters
    ----------
    source : the stream's own path, kept relative to the digest

    Raises
    ------
    SourceError : it cannot be written
    StreamError : the stream is damaged: nothing is written then
    """
    from migstream.source.output import new_file

    name = source if source == "-" else os.path.relpath(source, Path(path).parent)
    lines = digest_lines(stream, name=name, ignore=ignore, ram=ram)
    text = "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
    if stream.noticed:
        raise stream.noticed[0]
    with new_file(path, replace=True) as fd, open(fd, "wb", closefd=False) as out:
        out.write(text)


def refresh(path: str | os.PathLike[str]) -> list[Difference]:
    """Make a digest again from its stream, as it was made; what changed.

    Raises
    ------
    SourceError : the digest or its stream cannot be read, or not be written
    StreamError : the stream is damaged: the digest stays as it was
    """
    golden = load(path)
    source = str(Path(path).parent / golden.stream)
    with open_stream(source, spool=golden.ram) as stream:
        found = compare(stream, path)
        if found:
            write(stream, source, path, ignore=golden.ignore, ram=golden.ram)
    return found
