"""Paths: how a value is named. The grammar is in docs/paths.md; this is all of its code.

    DEVICE[INSTANCE]/FIELD/FIELD[INDEX]/SUBSECTION/FIELD      `*` matches within one name,
    @OFFSET                                                   `[*]` all elements, `**` any depth

Names are matched as a whole against what is there, longest first, so names that hold `/`, `.` or
brackets (`0000:00:03.0/virtio-net`, `env.regs`, `config[1]`) need no quoting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from migstream.errors import NoSuchPath
from migstream.names import many

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["find", "find_one", "match_names", "no_such", "no_such_below"]

T = TypeVar("T")
MOST_GUESSES = 500  # names among which one that was meant is looked for
MOST_BELOW = 5000  # values among which one of exactly this name is looked for
FEW_GUESSES = 3
FEW_SHOWN = 8
# Patterns as text: few paths need one, and `re` keeps what it has compiled.
INDEX = r"\[(\*|\d+)\]"
WILD = r"[^/\[]*\*[^/\[]*"


def _fits(name: str, wild: str) -> bool:
    from fnmatch import fnmatchcase

    return fnmatchcase(name, wild.replace("[", "[[]"))


def match_names(names: Iterable[tuple[str, T]], path: str) -> Iterator[tuple[T, str]]:
    """Named things that `path` begins with, longest name first, and the path that is left."""
    pairs = sorted(names, key=lambda pair: -len(pair[0]))
    wild = re.match(WILD, path) if "*" in path else None
    for name, thing in pairs:
        if path.startswith(name) and path[len(name) : len(name) + 1] in {"", "/", "["}:
            yield thing, path[len(name) :]
        elif wild and wild.group() != "**" and _fits(name, wild.group()):
            yield thing, path[wild.end() :]


def find(value: Value, path: str) -> Iterator[Value]:
    """Every value that `path` names under `value`; wildcards give several."""
    if path in {"", "/"}:
        yield value
        return
    index = re.match(INDEX, path) if path[0] == "[" else None
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
    if index and index.group(1) == "*":  # all elements of a list, whose bytes are a struct's
        for one in value.children:
            if re.fullmatch(INDEX, one.name):
                yield from find(one, path[index.end() :])
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
    wild = "*" in path and re.match(WILD, path)
    for child, rest in match_names(((c.name, c) for c in value.children), path):
        for one in find(child, rest):
            found = True
            yield one
        if found and not wild:
            return
    if not found:
        short = ((c.name.rpartition("/")[2], c) for c in value.children if c.kind == "subsection")
        for child, rest in match_names(short, path):
            yield from find(child, rest)


def no_such(path: str, candidates: Iterable[str]) -> NoSuchPath:
    """The error for a path that names nothing, with what may have been meant."""
    known = list(islice(candidates, MOST_GUESSES))
    return NoSuchPath(f"nothing is called {path!r}", hint=_guess(path, known, known))


def no_such_below(value: Value, path: str, *, said: str, begins: int = 0) -> NoSuchPath:
    """The same for a path that leads nowhere from `value` on: an index, or the first name that is not there.

    Parameters
    ----------
    said : what somebody wrote, of which `path` is the end
    begins : how much of the paths of values is not shown
    """
    error = NoSuchPath(f"nothing is called {said!r}")
    plain = "*" not in path
    for index in re.finditer(INDEX, path) if plain else ():
        array = next(find(value, path[: index.start()]), None) if index.start() else None
        if array is not None and array.count is not None and array.count <= int(index[1]):
            name = array.path[begins:].lstrip("/")
            error.hint = f"{name} has {many(array.count, 'element')}, counted from 0"
            return error
    cuts = [at for at, char in enumerate(path) if char == "/" and at] if plain else []
    for cut in reversed(cuts):
        above = next(find(value, path[:cut]), None)
        if above is not None and next(above.children, None) is not None:
            value, path = above, path[cut:]
            break
    known = list(islice(value.children, MOST_GUESSES))
    name = re.split(INDEX, path.lstrip("/"), maxsplit=1)[0]
    deep = [one for one in islice(_below(value), MOST_BELOW) if _ends(one.name, name)]
    found = deep or known
    shown = [one.path[begins:].lstrip("/") for one in found]
    error.hint = _guess(name, [one.name for one in found], shown)
    return error


def _below(value: Value) -> Iterator[Value]:
    """Everything inside; arrays are not gone into."""
    for child in value.children:
        yield child
        if child.count is None:
            yield from _below(child)


def _ends(whole: str, name: str) -> bool:
    """Whether a name ends in a word, or words, of somebody: `env.eip` in `eip`."""
    before = whole.removesuffix(name)
    return bool(name) and len(before) < len(whole) and not before[-1:].isalnum()


def _guess(name: str, known: list[str], shown: list[str]) -> str:
    """What a name may stand for: what ends so, what comes close, what has it inside; else what there is."""
    from difflib import get_close_matches

    close = [one for one in known if _ends(one, name)]
    close = close or get_close_matches(name, known, n=FEW_GUESSES, cutoff=0.5)
    close = close or [one for one in known if len(name) > 1 and name in one]
    if close:
        meant = [
            path
            for one in dict.fromkeys(close[:FEW_GUESSES])
            for other, path in zip(known, shown, strict=True)
            if other == one
        ]
        return f"did you mean {' or '.join(meant[:FEW_GUESSES])}?"
    some = ", ".join(shown[:FEW_SHOWN])
    return f"there is {some}{', ...' if len(shown) > FEW_SHOWN else ''}" if shown else ""


def find_one(value: Value, path: str) -> Value:
    """The one value that `path` names; NoSuchPath where there is none or more than one."""
    found = list(find(value, path))
    if len(found) == 1:
        return found[0]
    if found:
        raise NoSuchPath(f"{path!r} names {len(found)} values", hint="take the wildcard away")
    raise no_such_below(value, path, said=path, begins=len(value.path))
