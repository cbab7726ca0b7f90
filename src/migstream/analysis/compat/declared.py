"""Fields held against a schema, which has names, C sizes and conditions, but no wire types.

Both sides are lists of pieces. Pieces of one name stand for each other; what stands between them is
the same where it can have as many bytes. A size that a schema does not tell (arrays of releases that
wrote no `num`, timers, buffers behind pointers) proves nothing, so it breaks nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from difflib import SequenceMatcher
from itertools import groupby, islice
from typing import TYPE_CHECKING, Literal, NamedTuple

from migstream.analysis.compat.align import COUNTED, Token, flatten

if TYPE_CHECKING:
    from migstream.vmstate.schema import SchemaField, State

__all__ = [
    "Class",
    "Difference",
    "Stretch",
    "differences",
    "first_names",
    "pieces_of",
    "pieces_of_tokens",
    "singles_of",
    "together",
]

Class = Literal["break", "same bytes", "depends"]
PLAIN_SIZES = {1, 2, 4, 8}
MOST_SUMS = 1 << 12
DEEPEST = 32
UNUSED = "unused"


class Stretch(NamedTuple):
    """A value: `size` bytes on the wire, at least `least`; `size` None where nothing tells.

    `optional` where a condition decides whether it is there.
    """

    name: str
    size: int | None
    least: int
    optional: bool = False
    offset: int = 0


class Difference(NamedTuple):
    """Pieces that stand for each other without being alike; `at` is the index of the first of ours."""

    ours: tuple[Stretch, ...]
    theirs: tuple[Stretch, ...]
    verdict: Class
    at: int


def pieces_of(
    state: State,
    *,
    numbered: bool,
    version: int | None = None,
    singles: AbstractSet[str] | None = None,
    path: str = "",
    depth: int = 0,
) -> Iterator[Stretch]:
    """Pieces of a VMState as a schema has it, those of one name that follow each other as one.

    Parameters
    ----------
    numbered : whether the schema has `num` for fixed arrays (10.0 and newer)
    version : that of the section, without which every field counts
    singles : structs that are known to be there once, by path; an array of variable length, perhaps
        empty, looks the same in a schema. Without them whatever has no `num` is taken for single
    """
    found: list[Stretch] = []
    alternatives = _alternatives(state)
    for field in state.fields:
        if version is not None and field.version_id > version:
            continue
        name = COUNTED.sub("", f"{path}{field.name}")
        if field.name in alternatives:
            found.append(Stretch(name, None, 0, optional=True))
            continue
        if field.description is None or depth >= DEEPEST:
            found.append(_leaf(field, name, numbered=numbered, sure=singles is None))
            continue
        once = numbered and field.num is None if singles is None else name in singles
        inner = pieces_of(
            field.description,
            numbered=numbered,
            singles=singles,
            path=f"{name}.",
            depth=depth + 1,
        )
        found += [
            piece._replace(
                size=piece.size if once else None,
                least=piece.least if once else 0,
                optional=piece.optional or field.field_exists,
            )
            for piece in inner
        ]
    return _joined(found)


def _alternatives(state: State) -> set[str]:
    """Structs that are there more than once under a condition: one of them is read, and nothing says which."""
    structs = [field for field in state.fields if field.description is not None]
    times = Counter(field.name for field in structs)
    return {field.name for field in structs if field.field_exists and times[field.name] > 1}


def _leaf(field: SchemaField, name: str, *, numbered: bool, sure: bool) -> Stretch:
    plain = field.size in PLAIN_SIZES
    if field.name == UNUSED and field.num is None:
        return Stretch(name, field.size, field.size, field.field_exists)
    exact = plain and numbered and (sure or field.num is not None)
    size = field.size * (1 if field.num is None else field.num) if exact else None
    # a struct of C can be a timer of 8 bytes, or anything; an array of variable length can be empty
    return Stretch(name, size, size or 0, field.field_exists)


def _joined(pieces: Iterable[Stretch]) -> Iterator[Stretch]:
    """Pieces, those of one name that follow each other as one: they are alternatives, or an array."""
    for name, same in groupby(pieces, key=lambda piece: piece.name):
        run = list(same)
        if len(run) == 1 or name.rpartition(".")[2] == UNUSED:
            yield from run
            continue
        needed = [piece for piece in run if not piece.optional]
        sizes = [piece.size for piece in needed]
        size = None if len(needed) < len(run) else sum(s for s in sizes if s is not None)
        yield run[0]._replace(
            size=None if None in sizes else size,
            least=sum(piece.least for piece in needed),
            optional=not needed,
        )


def singles_of(tokens: Iterable[Token]) -> set[str]:
    """Paths of structs that a stream has once."""
    found: set[str] = set()
    for token in tokens:
        parts = token.path.split(".")[:-1]
        found |= {COUNTED.sub("", ".".join(parts[:at])) for at in range(1, len(parts) + 1)}
    return found


def pieces_of_tokens(tokens: Iterable[Token], times: int = 1, path: str = "") -> Iterator[Stretch]:
    """Pieces of what a stream has: all sizes are known."""
    for token in tokens:
        name = COUNTED.sub("", f"{path}{token.path}")
        node = token.node
        if node.children and node.kind == "struct" and node.count is not None:
            inner = flatten(node.children)
            yield from (
                piece._replace(offset=token.offset)
                for piece in pieces_of_tokens(inner, times * node.count, f"{name}.")
            )
        else:
            # a schema does not say which version of its struct a field has
            unknown = token.self_sized or node.kind == "vstruct"
            size = None if unknown else token.size * times
            yield Stretch(name, size, size or 0, offset=token.offset)


def differences(ours: Iterable[Stretch], theirs: Iterable[Stretch]) -> Iterator[Difference]:
    """Where the two are not the same pieces in the same order."""
    ours, theirs = list(_joined(ours)), list(_joined(theirs))
    matcher = SequenceMatcher(
        None, [p.name for p in ours], [p.name for p in theirs], autojunk=False
    )
    for op, i1, i2, j1, j2 in matcher.get_opcodes():
        if op != "equal":
            mine, other = tuple(ours[i1:i2]), tuple(theirs[j1:j2])
            yield Difference(mine, other, _class(mine, other), i1)
            continue
        for at, (one, two) in enumerate(zip(ours[i1:i2], theirs[j1:j2], strict=True), i1):
            if one.size is not None and two.size is not None and one.size != two.size:
                yield Difference((one,), (two,), _class((one,), (two,)), at)


def together(found: Iterable[Difference]) -> Class:
    """What all differences of a VMState come to: bytes too many in one place can be missing in another."""
    several = list(found)
    ours = tuple(piece for one in several for piece in one.ours)
    return _class(ours, tuple(piece for one in several for piece in one.theirs))


def _class(ours: tuple[Stretch, ...], theirs: tuple[Stretch, ...]) -> Class:
    mine, other = _sums(ours), _sums(theirs)
    if mine is not None and other is not None:
        if len(mine) == len(other) == 1:
            return "same bytes" if mine == other else "break"
        return "depends" if mine & other else "break"
    if not _reachable(ours, theirs) or not _reachable(theirs, ours):
        return "break"
    return "depends" if any(p.optional for p in (*ours, *theirs)) else "same bytes"


def _sums(pieces: tuple[Stretch, ...]) -> set[int] | None:
    """Every number of bytes that the pieces can have together; None where that is not known."""
    sums = {0}
    for piece in pieces:
        if piece.size is None or len(sums) > MOST_SUMS:
            return None
        with_it = {total + piece.size for total in sums}
        sums = sums | with_it if piece.optional else with_it
    return sums


def _reachable(ours: tuple[Stretch, ...], theirs: tuple[Stretch, ...]) -> bool:
    """Whether the first can be as long as the second, some of whose sizes are known."""
    most = None if any(p.size is None for p in ours) else sum(p.size or 0 for p in ours)
    least = sum(p.least if p.size is None else p.size for p in theirs if not p.optional)
    return most is None or most >= least


def first_names(pieces: tuple[Stretch, ...], most: int = 4) -> str:
    """The names of some of the pieces, for a message."""
    names = [piece.name for piece in islice(pieces, most)]
    return ", ".join(names) + (", …" if len(pieces) > most else "") if names else "nothing"
