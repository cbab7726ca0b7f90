"""A catalogue's file: an index, and behind it parts that are unpacked when somebody asks for them."""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, overload

import msgspec

from migstream.catalogue.model import (
    About,
    Family,
    Frame,
    Index,
    Like,
    Made,
    Provenance,
    State,
)
from migstream.catalogue.values import WHOLE
from migstream.errors import BadDescription, SourceError
from migstream.qemu.release import machine_version
from migstream.source.output import new_file, write_at
from migstream.vmstate.schema import Schema, parse_schema

if TYPE_CHECKING:
    from migstream.catalogue.build.about import Told

__all__ = ["DATA", "Catalogue", "write_catalogue"]

T = TypeVar("T")

KIND = b"migstream catalogue "
MAGIC = KIND + b"2\n"
NOT_ONE = "not a catalogue of `migstream catalogue build`"
DATA = Path(__file__).parent / "data"  # catalogues of the package
LEVEL = 19
CHUNK = 512 << 10  # bytes of states that are unpacked together
MOST = 16 << 20  # bytes of a part, unpacked
LARGEST = 4 << 20  # bytes of an index


def write_catalogue(
    path: Path,
    told: Told,
    families: Mapping[str, Family],
    states: Sequence[State],
    schema: bytes,
    made: Provenance,
    names: Sequence[str] = (),
    memory: Mapping[str, int] | None = None,
    *,
    like: Catalogue | None = None,
    replace: bool = False,
) -> Index:
    """Write what was learned of a binary; the index.

    Parameters
    ----------
    states : of all families, by number
    memory : bytes that each machine type has by itself, where that is known
    like : the catalogue that has the first of these states
    """
    from migstream.source.zstd import zstd

    encoder = msgspec.msgpack.Encoder()
    parts = {
        "about": encoder.encode(told.about),
        "schema": schema,
        "made": encoder.encode(made),
    }
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
        made=tuple(Made(f"-M {stem}…", len(one.lines)) for stem, one in made.families.items()),
        chunks=tuple(begins),
        like=None if like is None else Like(like.path.name, like.digest),
        digest=told.digest,
        names=tuple(names),
        memory=dict(memory or {}),
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
        self._first = len(self._before)
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
        if number < self._first:
            return self._before[number]
        at = bisect_right(self._begins, number) - 1
        begin = self._begins[at] if at >= 0 else number
        some = self._chunk(begin) if at >= 0 else []
        if number - begin >= len(some):
            raise self._catalogue.broken(f"it has no state {number}")
        return some[number - begin]

    def __iter__(self) -> Iterator[State]:
        yield from self._before
        for begin in self._begins:
            yield from self._chunk(begin)

    def _chunk(self, begin: int) -> list[State]:
        if begin not in self._known:
            self._known[begin] = self._catalogue.states_from(begin)
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
                head = file.read(len(MAGIC) + 4)
                size = int.from_bytes(head[len(MAGIC) :], "big")
                index = file.read(min(size, LARGEST))
        except OSError as error:
            raise SourceError(f"{path}: {(error.strerror or str(error)).lower()}") from None
        if not head.startswith(MAGIC):
            other = head.startswith(KIND)
            raise SourceError(
                f"{path}: {'a catalogue for another version of migstream' if other else NOT_ONE}",
                hint="`migstream catalogue build` makes one of a QEMU",
            )
        self.index = self._decoded(index, Index)
        self._begin = len(head) + size
        self._families: dict[str, Family] = {}

    def broken(self, why: object) -> SourceError:
        """The error that what is in it raises."""
        return SourceError(
            f"{self.path}: a broken catalogue: {why}",
            hint="`migstream catalogue build` makes it again",
        )

    def part(self, name: str) -> bytes:
        """One of its parts, unpacked.

        Raises
        ------
        SourceError : it has none of that name, or it is damaged
        """
        from migstream.source.zstd import zstd

        frame = self.index.frames.get(name)
        if frame is None:
            raise self.broken(f"it has no part {name!r}")
        if frame.unpacked > MOST:
            raise self.broken(f"the part {name!r} has {frame.unpacked} bytes, more than {MOST}")
        try:
            with self.path.open("rb") as file:
                file.seek(self._begin + frame.start)
                packed = file.read(frame.size)
            # one byte more than it says: too long is as wrong as too short
            raw = zstd.ZstdDecompressor().decompress(packed, frame.unpacked + 1)
        except (OSError, zstd.ZstdError) as error:
            raise self.broken(error) from None
        if len(raw) != frame.unpacked:
            raise self.broken(f"the part {name!r} is not {frame.unpacked} bytes long")
        return raw

    def _decoded(self, raw: bytes, kind: type[T]) -> T:
        try:
            return msgspec.msgpack.decode(raw, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self.broken(error) from None

    @cached_property
    def about(self) -> About:
        return self._decoded(self.part("about"), About)

    @cached_property
    def schema(self) -> Schema:
        """Its `-dump-vmstate`; without types where the QEMU cannot say them."""
        try:
            return parse_schema(self.part("schema"), self.path.name)
        except BadDescription as error:
            raise self.broken(error) from None

    @property
    def told(self) -> Schema | None:
        """The schema, where it has types."""
        return self.schema if self.schema.types else None

    @cached_property
    def provenance(self) -> Provenance:
        """The command lines that it was made with; none in a catalogue that was made before they were kept."""
        if "made" not in self.index.frames:
            return Provenance((), {})
        return self._decoded(self.part("made"), Provenance)

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
            path = folder / Path(like.name).name
            if path.is_file():
                found = Catalogue(path)
                if found.digest == like.digest and found.index.like is None:
                    return found
        raise SourceError(
            f"{self.path}: it goes with a {like.name} that is not beside it",
            hint="`migstream catalogue build --base` makes it again",
        )

    def refused(self, driver: str) -> str:
        """What it says of a device type that cannot be migrated; nothing of one that can.

        A supplement says it as the catalogue that it goes with: there devices were tried.
        """
        both = (self, self.like)
        kinds = (one.about.types.get(driver) for one in both if one is not None)
        return next((kind.refused for kind in kinds if kind is not None and kind.refused), "")

    def machine(self, name: str) -> str | None:
        """The machine type behind a name of its own or another one; None where it has none such."""
        name = self.index.aliases.get(name, name)
        return name if name in self.index.machines else None

    def nearest(self, name: str) -> str | None:
        """The machine type of the same board that is next to another, a newer one, else the newest; None where it has none."""
        stem, asked = machine_version(name)
        boards = set(self.index.machines.values())
        own = [b for b in boards if b == stem or stem.startswith(f"{b}-")]
        board = max(own, key=len, default=stem)
        same = [known for known, family in self.index.machines.items() if family == board]
        versions = {known: machine_version(known)[1] or () for known in same}
        newer = [known for known in same if asked is not None and versions[known] >= asked]
        return min(
            newer,
            key=versions.__getitem__,
            default=max(same, key=versions.__getitem__, default=None),
        )

    def family(self, machine: str) -> Family:
        """The part with that machine type, which it has."""
        return self._part_of(self.index.machines[machine], machine)

    def part_of(self, stem: str) -> Family | None:
        """The part of that family; None where it has none such."""
        return self._part_of(stem) if f"family {stem}" in self.index.frames else None

    def others(self, machine: str) -> Family:
        """The family from which that machine type's devices are, as far as its own has none."""
        like = self.like
        found = None if like is None else like.part_of(self.index.machines[machine])
        return found or self.family(machine)

    def tried(self, family: Family) -> Family:
        """Where to look for properties of devices: the family itself, else another board on which they were tried."""
        where = self if self.like is None else self.like
        others = (where.part_of(stem) for stem in WHOLE)
        return (
            family if family.options else next((one for one in others if one is not None), family)
        )

    def _part_of(self, stem: str, *machines: str) -> Family:
        if stem not in self._families:
            self._families[stem] = self._decoded(self.part(f"family {stem}"), Family)
        family = self._families[stem]
        lacking = {*machines, family.newest} - {
            m for m, forms in family.images.items() if "tcg" in forms
        }
        if lacking:
            raise self.broken(f"it has no image of {min(lacking)}")
        return family

    def states_from(self, begin: int) -> list[State]:
        """States that are unpacked together, by the number of the first of them."""
        return self._decoded(self.part(f"states {begin}"), list[State])
