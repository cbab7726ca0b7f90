"""Which releases have what in their VMStates: a table that dates streams (`analysis/identify`).

    python -m bench.evidence QEMU.git [TARGET-RELEASE.json ...]

From the sources of all releases, held against what the catalogues' binaries, and others of which a `-dump-vmstate`
is given, say themselves. Where the two disagree, or stable updates brought something to an older release, a row has two
bounds: between them only some have it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from bench.sources import Declared, Tree, trees
from migstream.catalogue.evidence import ORDER, TABLE, Element, Life, ranked, sources_of, written
from migstream.catalogue.files import Catalogue
from migstream.catalogue.model import State
from migstream.catalogue.shelf import own_shelf
from migstream.qemu.release import Version, following, machine_version, parse
from migstream.source.output import new_file, write_at
from migstream.vmstate.description import Group, parse_description
from migstream.vmstate.schema import Schema, SchemaField, parse_schema

__all__ = ["main", "table"]

# How many releases before one are given what is mended in it, and those that are for longer: until when.
UPDATED = 2
LONG: dict[Version, Version] = {(7, 2): (10, 2), (10, 0): (12, 0)}
# Declared in a library of its own since 4.1, where this does not look.
ELSEWHERE = {"slirp"}
NAMELESS = {"unused", "tmp"}  # names of fields that say nothing of them
DEFAULTS = "defaults"  # forms with devices that a user could have added elsewhere
BATCH = 500  # states of a catalogue that are read as one description
Key = tuple[str, str]  # the architecture whose CPUs have it, or nothing; the VMState's name


class Known(msgspec.Struct):
    """What binaries of one release say of one VMState.

    `fields` are those that it has somewhere, `always` those that are there each time, `whole` is whether nothing else can be.
    """

    versions: set[int] = msgspec.field(default_factory=set)
    fields: set[str] = msgspec.field(default_factory=set)
    types: dict[str, set[str]] = msgspec.field(default_factory=dict)
    always: set[str] | None = None
    whole: bool = False

    def add(self, version: int, fields: Iterable[str], always: Iterable[str]) -> None:
        self.versions.add(version)
        self.fields.update(fields)
        self.always = set(always) if self.always is None else self.always & set(always)


Binaries = dict[Version, dict[Key, Known]]


def table(every: Sequence[Tree], binaries: Binaries) -> dict[Element, Life]:
    """The elements of VMStates that not all releases have, or that all have from a release on."""
    keys = {key for tree in every for key in tree.states}
    keys |= {key for known in binaries.values() for key in known}
    found: dict[Element, Life] = {}
    for scope, name in sorted(key for key in keys if key[1] not in ELSEWHERE):
        history = _History((scope, name), every, binaries)
        whole = history.life("")
        for element in history.elements():
            life = history.life(element)
            if life is not None and (not element or life.bounds != (whole and whole.bounds)):
                found[Element(scope, name, element)] = life
    return found


class _History:
    """One VMState through the releases."""

    def __init__(self, key: Key, every: Sequence[Tree], binaries: Binaries) -> None:
        self.name = key[1]
        self.declared = {tree.release: tree.states.get(key, []) for tree in every}
        self.texts = {tree.release: tree.texts for tree in every}
        self.known = {release: known[key] for release, known in binaries.items() if key in known}
        parent = (key[0], key[1].rpartition("/")[0])
        # releases whose binaries, late updates, say that the VMState around it is there without it
        self.complete = [
            release
            for release, known in binaries.items()
            if parent in known and known[parent].whole and key not in known
        ]
        self.tip = every[-1].release
        self.releases = sorted({*self.declared, *binaries})

    def elements(self) -> list[str]:
        """`` itself, `=3` a version, `irq` a field, `irq:uint8` a type that it has."""
        found = {""}
        for one in (one for some in self.declared.values() for one in some):
            found |= {f"={one.version}"} if one.version is not None else set()
            found |= one.fields.keys()
        for known in self.known.values():
            found |= {f"={version}" for version in known.versions} | known.fields
            found |= {f"{name}:{type_}" for name, types in known.types.items() for type_ in types}
        return sorted(found - NAMELESS)

    def life(self, element: str) -> Life | None:
        """Since when there is one, and until when; None where that tells nothing."""
        has = {release: self._has(release, element) for release in self.releases}
        there = [release for release, one in has.items() if one]
        if not there:
            return None
        first, last = there[0], there[-1]
        since = self._since(element, has, first)
        gone = self._gone(element, has, last)
        always = self._always(element, has, first, last)
        if since == (None, None) and gone == (None, None):
            return None
        return Life(*since, *gone, always)

    def _has(self, release: Version, element: str) -> bool | None:
        """Whether a release has it; None where that is not known."""
        known, declared = self.known.get(release), self.declared.get(release)
        if known is not None and _in_binary(known, element):
            return True
        if ":" in element:
            other = known is not None and element.partition(":")[0] in known.types
            return False if other else None
        if declared is None or not self._understood(element):
            # only what some binary says is missed in another: of several VMStates of a name, one may be declared by hand
            told = element and any(_in_binary(one, element) for one in self.known.values())
            return False if told and known is not None and known.whole else None
        return any(_in_source(one, element) for one in declared)

    def _understood(self, element: str) -> bool:
        """Whether the sources show it at all: what a macro of their own makes is not seen there."""
        return any(_in_source(one, element) for some in self.declared.values() for one in some)

    def _since(
        self, element: str, has: Mapping[Version, bool | None], first: Version
    ) -> tuple[Version | None, Version | None]:
        """The first release that can have it, and the first from which on all do."""
        without = [release for release, one in has.items() if one is False and release < first]
        if not without:
            return None, None
        earliest = following(without[-1])
        if not element:
            named = [r for r, texts in self.texts.items() if self.name in texts and r < earliest]
            earliest = min([earliest, *named])
        if first == next(r for r in self.releases if self._has(r, "")):
            earliest = self._updated(earliest)
        sourced = [
            r for r, some in self.declared.items() if any(_in_source(one, element) for one in some)
        ]
        surely = max(first, sourced[0]) if sourced else first
        return earliest, surely

    def _updated(self, since: Version) -> Version:
        """The first release that has it in one of its stable updates, for all that is known: subsections come with them."""
        if "/" not in self.name:
            return since
        before = [release for release in self.releases if release < since]
        reached = before[-UPDATED:]
        reached += [release for release, until in LONG.items() if release < since <= until]
        lacking = [release for release in self.complete if release in before]
        return min([since, *(one for one in reached if not lacking or one > max(lacking))])

    def _gone(
        self, element: str, has: Mapping[Version, bool | None], last: Version
    ) -> tuple[Version | None, Version | None]:
        """The first release that may lack it, and the first from which on none has it."""
        without = [release for release, one in has.items() if one is False and release > last]
        if not without or (
            not element and any(self.name in t for r, t in self.texts.items() if r > last)
        ):
            return None, None
        # what is being developed has not everything yet that its release will have
        return following(last) if last != self.tip else last, without[0]

    def _always(
        self, element: str, has: Mapping[Version, bool | None], first: Version, last: Version
    ) -> bool:
        """Whether each release between has it each time that it has the VMState."""
        if not element or element[0] == "=" or ":" in element:
            return False
        between = [r for r in self.releases if first <= r <= last]
        if any(has[r] is False for r in between):
            return False
        declared = [one for r in between for one in self.declared.get(r, ())]
        known = [self.known[r] for r in between if r in self.known]
        return (
            bool(declared)
            and all(one.fields.get(element, False) for one in declared)
            and all(element in (one.always or ()) for one in known)
        )


def orders(catalogues: Iterable[Catalogue]) -> dict[Element, Life]:
    """Which of two sections stands before the other, where releases disagree about machines of one board.

    Their order is that in which a board makes its devices, and QEMU's priorities. Pairs are told that stand side by side
    on one of the machines.
    """
    boards: dict[str, dict[Version, list[dict[str, int]]]] = {}
    for one in catalogues:
        release = one.index.release[:2]
        for machine in {family: name for name, family in one.index.machines.items()}.values():
            family = one.family(machine)
            forms = [form for images in family.images.values() for form in images.items()]
            rows = [
                ranked(one.name for one in image.sections if not one.early)
                for name, image in forms
                if DEFAULTS not in name
            ]
            board = machine_version(machine)[0]
            boards.setdefault(board, {}).setdefault(release, []).extend(rows)
    found: dict[Element, Life] = {}
    for board, releases in boards.items():
        pairs = {
            pair
            for rows in releases.values()
            for row in rows
            for pair in pairwise(sorted(row, key=row.__getitem__))
        }
        for before, after in sorted(pairs):
            has = {
                release: _ordered(rows, before, after) for release, rows in sorted(releases.items())
            }
            since = [r for r, one in has.items() if one]
            lacks = [r for r, one in has.items() if one is False]
            if since and lacks and (lacks[-1] < since[0] or since[-1] < lacks[0]):
                newer = lacks[-1] < since[0]
                life = (
                    Life(following(lacks[-1]), since[0], None, None, False)
                    if newer
                    else Life(None, None, following(since[-1]), lacks[0], False)
                )
                found[Element(board, ORDER, f"{before}<{after}")] = life
    return found


def _ordered(rows: Sequence[Mapping[str, int]], before: str, after: str) -> bool | None:
    """Whether one stands before the other on all machines that have both; None where that is not so on all, or not known."""
    said = {row[before] < row[after] for row in rows if before in row and after in row}
    return said.pop() if len(said) == 1 else None


def _in_binary(known: Known, element: str) -> bool:
    if element.startswith("="):
        return int(element[1:]) in known.versions
    name, _, type_ = element.partition(":")
    return type_ in known.types.get(name, ()) if type_ else not element or element in known.fields


def _in_source(one: Declared, element: str) -> bool:
    if element.startswith("="):
        return one.version == int(element[1:])
    return not element or element in one.fields


# --- what binaries say ---------------------------------------------------------------------------


class _Said:
    """All that binaries said, by release."""

    def __init__(self, every: Sequence[Tree]) -> None:
        self.binaries: Binaries = {}
        self._scoped = {key for tree in every for key in tree.states if key[0]}

    def _known(self, release: Version, scope: str, name: str) -> Known:
        key = (scope if (scope, name) in self._scoped else "", name)
        return self.binaries.setdefault(release[:2], {}).setdefault(key, Known())

    def schema(self, release: Version, target: str, schema: Schema) -> None:
        """What a binary prints with `-dump-vmstate`."""
        scope = sources_of(target)
        for kind in schema.types.values():
            for state in kind.description.states() if kind.description is not None else ():
                known = self._known(release, scope, state.name)
                names = [field.name for field in state.fields]
                known.add(state.version_id, names, filter(None, map(_certain, state.fields)))
                known.whole = True

    def catalogue(self, one: Catalogue) -> None:
        """What the sections of a catalogue were described as."""
        self.schema(one.index.release, one.index.target, one.schema)
        scope = sources_of(one.index.target)
        for group in _described(one.states[:]):
            known = self._known(one.index.release, scope, group.vmsd_name)
            names = [field.name for field in group.fields]
            known.add(group.version, names, names)
            for field in group.fields:
                known.types.setdefault(field.name, set()).add(field.type)


def _certain(field: SchemaField) -> str:
    """The name of a field that is there whatever happens; nothing where it is not."""
    return "" if field.field_exists or field.version_id else field.name


def _described(states: Sequence[State]) -> Iterator[Group]:
    texts = [b'{"name": "x", "instance_id": 0, ' + state.text for state in states if state.text]
    for at in range(0, len(texts), BATCH):
        listed = b", ".join(texts[at : at + BATCH])
        for device in parse_description(
            b'{"page_size": 4096, "devices": [' + listed + b"]}"
        ).devices:
            yield from _groups(device.group)


def _groups(group: Group) -> Iterator[Group]:
    yield group
    for field in group.fields:
        for one in (*((field.struct,) if field.struct else ()), *field.inline):
            yield from _groups(one)
    for subsection in group.subsections:
        yield from _groups(subsection)


def main(words: Sequence[str]) -> None:
    """Write the table anew."""
    every = list(trees(Path(words[0])))
    said = _Said(every)
    for catalogue in own_shelf():
        said.catalogue(catalogue)
    for path in map(Path, words[1:]):
        target, _, release = path.stem.rpartition("-")
        said.schema(parse(release), target, parse_schema(path.read_bytes(), path.name))
    whole = table(every, said.binaries) | orders(own_shelf())
    text = "".join(f"{line}\n" for line in written(whole))
    with new_file(Path(TABLE), replace=True) as fd:
        write_at(fd, [text.encode()], 0)


if __name__ == "__main__":
    main(sys.argv[1:])
