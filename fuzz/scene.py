"""What the questions of one case have at hand: the bytes, files of them, paths and places in them."""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, BinaryIO, cast

from fuzz.change import CONTAINERS
from fuzz.guard import Broken
from migstream.errors import MigstreamError
from migstream.stream import Stream, open_anything

__all__ = ["MANY", "Pipe", "Scene", "pipe", "same"]

MANY = 300  # values of one device that are looked at


class Pipe(io.RawIOBase):
    """Bytes that go by once, some at a time."""

    def __init__(self, data: bytes, random: Random | None = None) -> None:
        self._data, self._random, self._at = data, random, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        most = len(self._data) if size < 0 else size
        if self._random is not None:
            most = min(most, self._random.choice([1, 7, 100, 4096, 65536]))
        piece = self._data[self._at : self._at + most]
        self._at += len(piece)
        return piece

    def readinto(self, room: Any) -> int:
        piece = self.read(len(room))
        room[: len(piece)] = piece
        return len(piece)


def pipe(data: bytes, random: Random | None = None) -> BinaryIO:
    """A file object that is a pipe; it gives pieces of lengths by chance where there is some."""
    made: Any = Pipe(data, random)
    return cast("BinaryIO", made)


@dataclass
class Scene:
    """One case.

    Attributes
    ----------
    data : the stream
    whole : whether no damage was done to it
    other : another stream, a good one
    packed : data compressed, and cut at times
    folder : empty; what is written there goes with the case
    """

    data: bytes
    whole: bool
    other: bytes
    recordings: list[bytes]
    random: Random
    folder: Path
    packed: dict[str, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.data)

    def open(self, **options: Any) -> Stream:
        """The stream, from its bytes."""
        return open_anything(self.data, **options)

    def file(self, name: str = "a.mig") -> str:
        """A file of the stream."""
        path = self.folder / name
        if not path.exists():
            path.write_bytes(self.data)
        return str(path)

    def other_file(self) -> str:
        path = self.folder / "other.mig"
        path.write_bytes(self.other)
        return str(path)

    def channels(self) -> list[str]:
        """Files of the multifd channels."""
        paths = [self.folder / f"ch{n}.bin" for n in range(len(self.recordings))]
        for path, recording in zip(paths, self.recordings, strict=True):
            path.write_bytes(recording)
        return [str(path) for path in paths]

    def compressed(self) -> tuple[str, bytes]:
        """The stream in some container: its suffix, and the bytes."""
        kind = self.random.choice(list(CONTAINERS))
        return kind, CONTAINERS[kind](self.data)

    @cached_property
    def paths(self) -> list[str]:
        """Paths of some values, as the stream names them."""
        found = []
        try:
            for device in islice(self.open().devices, 40):
                found.append(device.path)
                found += [v.path for v in islice(device.value.leaves(), 12)]
        except MigstreamError:
            pass
        return found or ["x/y"]

    @cached_property
    def places(self) -> list[str]:
        """Places in guest memory."""
        blocks = [block.name for block in self.open().blocks][:4] or ["pc.ram"]
        return [f"{name}@{at:#x}" for name in blocks for at in (0, 0x1000, 0x2FFF, 1 << 40)]

    def clear(self) -> None:
        """Empty the folder."""
        for path in self.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def same(what: str, one: Any, other: Any) -> None:
    """Raise Broken where two answers differ; says where."""
    if one == other:
        return
    if isinstance(one, list) and isinstance(other, list):
        for at, (a, b) in enumerate(zip(one, other, strict=False)):
            if a != b:
                raise Broken(what, f"{at} of {len(one)}, {len(other)}:\n  {a!r:.600}\n  {b!r:.600}")
        raise Broken(
            what, f"{len(one)}, {len(other)}: {(one + other)[min(len(one), len(other))]!r:.600}"
        )
    raise Broken(what, f"\n  {one!r:.600}\n  {other!r:.600}")
