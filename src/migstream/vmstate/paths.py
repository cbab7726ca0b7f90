"""Paths: how a value is named. The grammar is in docs/paths.md; this is all of its code.

    DEVICE[INSTANCE]/FIELD/FIELD[INDEX]/SUBSECTION/FIELD      `*` matches within one name,
    @OFFSET                                                   `[*]` all elements, `**` any depth

Names are matched as a whole against what is there, longest first, so names that hold `/`, `.` or
brackets (`0000:00:03.0/virtio-net`, `env.regs`, `config[1]`) need no quoting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from migstream.errors import NoSuchPath

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["find", "find_one", "match_names", "no_such"]

T = TypeVar("T")
MOST_GUESSES = 500  # names among which one that was meant is looked for
INDEX = re.compile(r"\[(\*|\d+)\]")
WILD = re.compile(r"[^/\[]*\*[^/\[]*")


def match_names(names: Iterable[tuple[str, T]], path: str) -> Iterator[tuple[T, str]]:
    """Named things that `path` begins with, longest name first, and the path that is left."""
    pairs = sorted(names, key=lambda pair: -len(pair[0]))
    wild = WILD.match(path)
    for name, thing in pairs:
        if path.startswith(name) and path[len(name) : len(name) + 1] in {"", "/", "["}:
            yield thing, path[len(name) :]
        elif wild and wild.group() != "**" and fnmatchcase(name, wild.group().replace("[", "[[]")):
            yield thing, path[wild.end() :]


def find(value: Value, path: str) -> Iterator[Value]:
    """Every value that `path` names under `value`; wildcards give several."""
    if path in {"", "/"}:
        yield value
        return
    index = INDEX.match(path)
    if index and value.count is not None:
        rest = path[index.end() :]
        if index.group(1) == "*":
            for one in value.elements():
                yield from find(one, rest)
        elif int(index.group(1)) < value.count:
            yield from find(value.element(int(index.group(1))), rest)
        return
    if value.count is not None:
        return
    path = path.removeprefix("/")
    if path.startswith("**"):
        rest = path[2:]
        if rest in {"", "/"}:
            yield from value.leaves()
            return
        yield from find(value, rest)
        for child in value.children:
            if child.count is None:
                yield from find(child, path)
            elif child.kind != "leaf":
                for one in child.elements():
                    yield from find(one, path)
        return
    found = False
    for child, rest in match_names(((c.name, c) for c in value.children), path):
        for one in find(child, rest):
            found = True
            yield one
        if found and not WILD.match(path):
            return
    if not found:
        short = ((c.name.rpartition("/")[2], c) for c in value.children if c.kind == "subsection")
        for child, rest in match_names(short, path):
            yield from find(child, rest)


def no_such(path: str, candidates: Iterable[str]) -> NoSuchPath:
    """The error for a path that names nothing, with what may have been meant."""
    from difflib import get_close_matches

    known = list(islice(candidates, MOST_GUESSES))
    close = get_close_matches(path, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else ""
    if not close and known:
        shown = ", ".join(known[:8])
        hint = f"there is {shown}{', ...' if len(known) > 8 else ''}"
    return NoSuchPath(f"nothing is called {path!r}", hint=hint)


def find_one(value: Value, path: str) -> Value:
    """The one value that `path` names; NoSuchPath where there is none or more than one."""
    found = list(find(value, path))
    if len(found) == 1:
        return found[0]
    if found:
        raise NoSuchPath(f"{path!r} names {len(found)} values", hint="take the wildcard away")
    raise no_such(path, (child.name for child in value.children))
