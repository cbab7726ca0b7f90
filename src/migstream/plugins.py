"""What a name stands for, in this package and in others that are installed: one kind of table for all of it.

A built-in is a line of a table, `"name": "package.module:attribute"`, or a module alone. Another package adds a line by an
entry point of the table's group. Nothing is imported before somebody asks for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from migstream.errors import PluginError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["Registry", "falls_under", "plugins"]

FOLDERS = (".dist-info", ".egg-info")
OURS = b"migstream."  # what the names of all groups begin with

T = TypeVar("T")


class Registry(Generic[T]):
    """Names to what they stand for. A name may hold wildcards (`*/vfio`); exact names win.

    Built-ins answer first. Entry points are looked for when none of them does, once.

    Parameters
    ----------
    group : of the entry points, such as "migstream.sections"
    builtin : by name or wildcard, where it is: "package.module:attribute"
    """

    def __init__(self, group: str, builtin: Mapping[str, str] | None = None) -> None:
        self.group = group
        self._builtin = dict(builtin or {})
        self._wild = _wild(self._builtin)
        self._plugins: dict[str, EntryPoint] | None = None
        self._wild_plugins: list[tuple[str, str, str]] = []

    def find(self, name: str, *, plugins: bool = True) -> T | None:
        """What has this name, None when nobody claims it.

        Parameters
        ----------
        plugins : whether other packages are asked, too

        Raises
        ------
        PluginError : of another package: two claim one name, or it cannot be imported
        """
        claim = name if name in self._builtin else next(_under(self._wild, name), None)
        if claim is not None:
            return self._get(claim)
        claim = self._claimed(name) if plugins else None
        return None if claim is None else self._get(claim)

    def names(self) -> list[str]:
        """All names, in the order of the table and then of the alphabet; raises PluginError."""
        return [*self._builtin, *sorted(self._others)]

    def each(self) -> Iterator[tuple[str, T]]:
        """All names with what they stand for, each imported when it is its turn, others' last."""
        for name in self._builtin:
            yield name, self._get(name)
        for name in sorted(self._others):
            yield name, self._get(name)

    @property
    def _others(self) -> dict[str, EntryPoint]:
        if self._plugins is None:
            found = plugins(self.group)
            twice = next((name for name in found if name in self._builtin), None)
            if twice is not None:
                raise PluginError(
                    f"{_owner(found[twice])} claims {twice!r} in {self.group}, which is migstream's own",
                    hint=f"uninstall it, or use a version of it with another name in {self.group}",
                )
            self._plugins, self._wild_plugins = found, _wild(found)
        return self._plugins

    def _claimed(self, name: str) -> str | None:
        """The one claim of another package that a name falls under."""
        if name in self._others:
            return name
        claims = [*islice(_under(self._wild_plugins, name), 2)]
        if len(claims) > 1:
            raise _both(self._others[claims[0]], self._others[claims[1]], name)
        return claims[0] if claims else None

    def _get(self, claim: str) -> T:
        where = self._builtin.get(claim)
        if where is not None:
            module, _, attribute = where.partition(":")
            found = import_module(module)
            return cast("T", getattr(found, attribute) if attribute else found)
        entry = self._others[claim]
        try:
            return cast("T", entry.load())
        except Exception as error:  # another's module: whatever happens while it is imported
            raise PluginError(
                f"{_owner(entry)} adds {claim!r} to {self.group}, and {entry.value} cannot be imported:"
                f" {type(error).__name__}: {error}",
                hint="repair or uninstall that package",
            ) from error


def _wild(claims: Mapping[str, object]) -> list[tuple[str, str, str]]:
    """Those with wildcards, each with what a name begins with that falls under it, and ends with."""
    return [(c, c.partition("*")[0], c.rpartition("*")[2]) for c in claims if "*" in c]


def _under(wild: list[tuple[str, str, str]], name: str) -> Iterator[str]:
    """Claims that a name falls under. Both its ends are looked at first: most claims are somebody else's."""
    for claim, begin, end in wild:
        if name.startswith(begin) and name.endswith(end) and falls_under(name, claim):
            yield claim


def falls_under(name: str, claim: str) -> bool:
    """Whether a claim, in which `*` stands for any characters, is one of this name."""
    first, *rest = claim.split("*")
    if not name.startswith(first):
        return False
    if not rest:
        return name == first
    at = len(first)
    *between, last = rest
    for part in between:
        at = name.find(part, at) + len(part)
        if at < len(part):
            return False
    return len(name) - at >= len(last) and name.endswith(last)


def _both(one: EntryPoint, other: EntryPoint, name: str) -> PluginError:
    return PluginError(
        f"{_owner(one)} and {_owner(other)} both claim {name!r} in {one.group}",
        hint="uninstall one of them",
    )


def plugins(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group by name.

    importlib.metadata takes longer to import than a small stream takes to read: it is asked only
    where an installed package speaks of the group.

    Raises
    ------
    PluginError : two packages claim one name
    """
    if not any(_may_claim(group.encode(), folder or ".") for folder in sys.path):
        return {}
    from importlib.metadata import entry_points

    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=group):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise _both(other, entry, entry.name)
    return found


def _owner(entry: EntryPoint) -> str:
    """The package that an entry point is of, in words."""
    return "a package" if entry.dist is None else f"the package {entry.dist.name}"


def _may_claim(group: bytes, folder: str) -> bool:
    """Whether a package in a folder of sys.path may have entry points of a group."""
    try:
        said = _spoken_of(folder, os.stat(folder).st_mtime_ns)  # noqa: PTH116 - pathlib would cost more than all the rest
    except NotADirectoryError:
        return True  # an archive: not looked into here
    except OSError:
        return False
    return group in said


@cache
def _spoken_of(folder: str, _changed: int) -> bytes:
    """What packages in a folder, as it was at that time, say in their entry points, if they may be ours.

    A command asks for several groups, and a folder can hold hundreds of packages.
    """
    said = []
    for name in os.listdir(folder):  # noqa: PTH208
        if name.endswith(FOLDERS):
            try:
                with open(f"{folder}/{name}/entry_points.txt", "rb") as file:  # noqa: PTH123
                    said.append(file.read())
            except OSError:
                continue
    return b"\n".join(text for text in said if OURS in text)
