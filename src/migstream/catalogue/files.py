"""A catalogue's file: an index, and behind it parts that are unpacked when somebody asks for them."""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, overload

import msgspec

from migstream.catalogue.model import About, Family, Frame, Index, Like, Made, State
from migstream.errors import SourceError
from migstream.qemu.release import machine_version
from migstream.source.output import new_file, write_at
from migstream.vmstate.schema import Schema, parse_schema

if TYPE_CHECKING:
    from migstream.catalogue.build.about import Told

__all__ = ["DATA", "Catalogue", "write_catalogue"]

MAGIC = b"migstream catalogue 2\n"
DATA = Path(__file__).parent / "data"  # catalogues of the package
LEVEL = 19
CHUNK = 512 << 10  # bytes of states that are unpacked together
MOST = 256 << 20  # bytes of a part, unpacked


def write_catalogue(
    path: Path,
    told: Told,
    families: Mapping[str, Family],
    states: Sequence[State],
    schema: bytes,
    made: Sequence[Made],
    *,
    like: Catalogue | None = None,
    replace: bool = False,
) -> Index:
    """Write what was learned of a binary; the index.

    Parameters
    ----------
    states : of all families, by number
    like : the catalogue that has the first of these states
    """
    from migstream.source.zstd import zstd

    encoder = msgspec.msgpack.Encoder()
    parts = {"about": encoder.encode(told.about), "schema": schema}
    known = 0 if like is None else len(like.states)
    begins = []
    for first, some in _chunks(states[known:]):
        parts[f"states {known + first}"] = encoder.encode(some)
        begins.append(known + first)
    for stem, family in families.items():
        parts[f"family {stem}"] = encoder.encode(family)
    frames, packed, at = {}, [], 0
    for name, raw in parts.items():
        packed.append(zstd.compress(raw, LEVEL))
        frames[name] = Frame(at, len(packed[-1]), len(raw))
        at += len(packed[-1])
    index = Index(
        release=told.release,
        package=told.package,
        target=told.target,
        machines={name: stem for stem, family in families.items() for name in family.images},
        aliases={m.alias: m.name for m in told.machines if m.alias},
        ram={m.name: m.ram for m in told.machines},
        frames=frames,
        made=tuple(made),
        chunks=tuple(begins),
        like=None if like is None else Like(like.path.name, like.digest),
    )
    head = encoder.encode(index)
    with new_file(path, replace=replace) as fd:
        write_at(fd, [MAGIC + len(head).to_bytes(4, "big") + head, *packed], 0)
    return index


def _chunks(states: Sequence[State]) -> Iterator[tuple[int, list[State]]]:
    """States that are unpacked together, and the number of the first of them."""
    first, some, size = 0, [], 0
    for number, state in enumerate(states):
        some.append(state)
        size += len(state.payload) + len(state.text)
        if size >= CHUNK:
            yield first, some
            first, some, size = number + 1, [], 0
    if some:
        yield first, some


class States(Sequence[State]):
    """The states of a catalogue, unpacked as they are asked for."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._begins = catalogue.index.chunks
        like = catalogue.like
        self._before: Sequence[State] = () if like is None else like.states
        self._known: dict[int, list[State]] = {}

    def __len__(self) -> int:
        if not self._begins:
            return len(self._before)
        return self._begins[-1] + len(self._chunk(self._begins[-1]))

    @overload
    def __getitem__(self, number: int) -> State: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[State]: ...
    def __getitem__(self, number: int | slice) -> State | Sequence[State]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        if not self._begins or number < self._begins[0]:
            return self._before[number]
        begin = self._begins[bisect_right(self._begins, number) - 1]
        return self._chunk(begin)[number - begin]

    def _chunk(self, begin: int) -> list[State]:
        if begin not in self._known:
            raw = self._catalogue.part(f"states {begin}")
            self._known[begin] = msgspec.msgpack.decode(raw, type=list[State])
        return self._known[begin]


class Catalogue:
    """One binary's catalogue, read as far as it is asked.

    Raises
    ------
    SourceError : the file cannot be read, or is not a catalogue
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            with self.path.open("rb") as file:
                if file.read(len(MAGIC)) != MAGIC:
                    raise SourceError(f"{path}: not a catalogue of `migstream catalogue build`")
                size = int.from_bytes(file.read(4), "big")
                self.index = msgspec.msgpack.decode(file.read(size), type=Index)
        except OSError as error:
            raise SourceError(f"{path}: {(error.strerror or str(error)).lower()}") from None
        except msgspec.DecodeError as error:
            raise SourceError(f"{path}: a broken catalogue: {error}") from None
        self._begin = len(MAGIC) + 4 + size

    def part(self, name: str) -> bytes:
        """One of its parts, unpacked."""
        from migstream.source.zstd import zstd

        frame = self.index.frames[name]
        with self.path.open("rb") as file:
            file.seek(self._begin + frame.start)
            packed = file.read(frame.size)
        try:
            return zstd.ZstdDecompressor().decompress(packed, min(frame.unpacked, MOST))
        except zstd.ZstdError as error:
            raise SourceError(f"{self.path}: a broken catalogue: {error}") from None

    @cached_property
    def about(self) -> About:
        return msgspec.msgpack.decode(self.part("about"), type=About)

    @cached_property
    def schema(self) -> Schema:
        """Its `-dump-vmstate`."""
        return parse_schema(self.part("schema"), self.path.name)

    @cached_property
    def states(self) -> States:
        return States(self)

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    @cached_property
    def like(self) -> Catalogue | None:
        """The catalogue that it is a supplement to: beside it, or of the package.

        Raises
        ------
        SourceError : it is not there, or another one than it was
        """
        like = self.index.like
        if like is None:
            return None
        for folder in (self.path.parent, DATA):
            path = folder / like.name
            if path.is_file():
                found = Catalogue(path)
                if found.digest == like.digest:
                    return found
        raise SourceError(
            f"{self.path}: it goes with a {like.name} that is not beside it",
            hint="`migstream catalogue build --like` makes it again",
        )

    def machine(self, name: str) -> str | None:
        """The machine type behind a name of its own or another one; None where it has none such."""
        name = self.index.aliases.get(name, name)
        return name if name in self.index.machines else None

    def nearest(self, name: str) -> str | None:
        """The newest machine type of the same board as another; None where it has none."""
        stem, _ = machine_version(name)
        same = [known for known, family in self.index.machines.items() if family == stem]
        return max(same, key=lambda known: machine_version(known)[1] or (), default=None)

    def family(self, machine: str) -> Family:
        """The part with that machine type, which it has."""
        return self.part_of(self.index.machines[machine])

    def part_of(self, stem: str) -> Family:
        """The part of that family, which it has."""
        return msgspec.msgpack.decode(self.part(f"family {stem}"), type=Family)

    def others(self, machine: str) -> Family:
        """The family from which that machine type's devices are, as far as its own has none."""
        stem = self.index.machines[machine]
        like = self.like
        if like is None or f"family {stem}" not in like.index.frames:
            return self.family(machine)
        return like.part_of(stem)
