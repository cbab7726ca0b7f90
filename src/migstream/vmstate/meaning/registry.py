"""Names to what is known under them: built-ins first, other packages' entry points on first miss."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from importlib import import_module
from typing import Any, Generic, TypeVar

from migstream.plugins import plugins

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Generic[T]):
    """Names, which may hold `*`, to "module:attribute". Exact names win."""

    def __init__(self, group: str, builtin: Mapping[str, str]) -> None:
        self._group = group
        self._where = dict(builtin)
        self._plugins: dict[str, Any] | None = None

    def names(self) -> list[str]:
        """The names of the built-ins."""
        return sorted(self._where)

    def find(self, name: str) -> T | None:
        """What is known under a name, None where nobody claims it."""
        known = _named(self._where, name)
        if known is not None:
            module, _, attribute = known.partition(":")
            found: T = getattr(import_module(module), attribute)
            return found
        if self._plugins is None:
            self._plugins = plugins(self._group)
        entry = _named(self._plugins, name)
        return None if entry is None else entry.load()


def _named(table: Mapping[str, Any], name: str) -> Any:
    exact = table.get(name)
    if exact is not None:
        return exact
    return next((v for k, v in table.items() if "*" in k and fnmatchcase(name, k)), None)
