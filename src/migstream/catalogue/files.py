"""A catalogue's file: an index, and behind it parts that are unpacked when somebody asks for them."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, overload

import msgspec

from migstream.catalogue.model import About, Family, Frame, Index, Made, State
from migstream.errors import SourceError
from migstream.qemu.release import machine_version
from migstream.source.output import new_file, write_at
from migstream.vmstate.schema import Schema, parse_schema

if TYPE_CHECKING:
    from migstream.catalogue.build.about import Told

__all__ = ["Catalogue", "write_catalogue"]

MAGIC = b"migstream catalogue 1\n"
LEVEL = 19
CHUNK = 512 << 10  # bytes of states that are unpacked together
MOST = 256 << 20  # bytes of a part, unpacked


def write_catalogue(
    path: Path,
    told: Told,
    families: Mapping[str, tuple[Family, Sequence[State]]],
    schema: bytes,
    made: Sequence[Made],
    *,
    replace: bool = False,
) -> Index:
    """Write what was learned of a binary; the index. The states of each family go to parts of their own."""
    from migstream.source.zstd import zstd

    encoder = msgspec.msgpack.Encoder()
    parts = {"about": encoder.encode(told.about), "schema": schema}
    for stem, (family, states) in families.items():
        begins = []
        for first, some in _chunks(states):
            parts[f"states {stem} {first}"] = encoder.encode(some)
            begins.append(first)
        whole = msgspec.structs.replace(family, chunks=tuple(begins))
        parts[f"family {stem}"] = encoder.encode(whole)
    frames, packed, at = {}, [], 0
    for name, raw in parts.items():
        packed.append(zstd.compress(raw, LEVEL))
        frames[name] = Frame(at, len(packed[-1]), len(raw))
        at += len(packed[-1])
    index = Index(
        release=told.release,
        package=told.package,
        target=told.target,
        machines={name: stem for stem, (family, _) in families.items() for name in family.images},
        aliases={m.alias: m.name for m in told.machines if m.alias},
        ram={m.name: m.ram for m in told.machines},
        frames=frames,
        made=tuple(made),
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
    """The states of a family, unpacked as they are asked for."""

    def __init__(self, catalogue: Catalogue, stem: str, begins: Sequence[int]) -> None:
        self._catalogue = catalogue
        self._stem = stem
        self._begins = begins
        self._known: dict[int, list[State]] = {}

    def __len__(self) -> int:
        return (self._begins[-1] + len(self._chunk(self._begins[-1]))) if self._begins else 0

    @overload
    def __getitem__(self, number: int) -> State: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[State]: ...
    def __getitem__(self, number: int | slice) -> State | Sequence[State]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        begin = self._begins[bisect_right(self._begins, number) - 1]
        return self._chunk(begin)[number - begin]

    def _chunk(self, begin: int) -> list[State]:
        if begin not in self._known:
            raw = self._catalogue.part(f"states {self._stem} {begin}")
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
        self._families: dict[str, tuple[Family, States]] = {}

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

    def machine(self, name: str) -> str | None:
        """The machine type behind a name of its own or another one; None where it has none such."""
        name = self.index.aliases.get(name, name)
        return name if name in self.index.machines else None

    def nearest(self, name: str) -> str | None:
        """The newest machine type of the same board as another; None where it has none."""
        stem, _ = machine_version(name)
        same = [known for known, family in self.index.machines.items() if family == stem]
        return max(same, key=lambda known: machine_version(known)[1] or (), default=None)

    def family(self, machine: str) -> tuple[Family, States]:
        """The part with that machine type, which it has, and its states."""
        stem = self.index.machines[machine]
        if stem not in self._families:
            family = msgspec.msgpack.decode(self.part(f"family {stem}"), type=Family)
            self._families[stem] = family, States(self, stem, family.chunks)
        return self._families[stem]
