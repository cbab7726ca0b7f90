"""Modules of the standard library, loaded when something of them is used: libraries that every command loads import
them, and ask nothing of them, or next to nothing, before there is an error to be told or help to be shown. They are a
seventh of a small command's time.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DEFERRED", "cleandoc", "defer", "gettext", "ngettext", "system"]


def cleandoc(doc: str) -> str:
    """As inspect.cleandoc does it: click takes the indentation out of what verbs and options say of themselves."""
    first, *rest = doc.expandtabs().split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in rest if line.strip()), default=0)
    return "\n".join((first.lstrip(), *(line[margin:] for line in rest))).strip("\n")


def gettext(message: str) -> str:
    """As gettext.gettext does it where no translation is installed: none is, neither of click nor of ours."""
    return message


def ngettext(singular: str, plural: str, n: int) -> str:
    """As gettext.ngettext does it where no translation is installed."""
    return singular if n == 1 else plural


def system() -> str:
    """As platform.system does it on POSIX: uuid, which msgspec imports, asks for it."""
    return os.uname().sysname


DEFERRED: dict[str, dict[str, Callable[..., str]]] = {
    "gettext": {"gettext": gettext, "ngettext": ngettext},
    "inspect": {"cleandoc": cleandoc},
    "platform": {"system": system},
    "textwrap": {},
}
"""By module what is answered without it."""


class _Deferred(ModuleType):
    """Stands for the module until something else than that is asked of it."""

    def __getattr__(self, name: str) -> Any:
        if name == "__path__":  # `from … import` asks; none of these is a package
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def defer() -> None:
    """Have an import of these load nothing yet; what is loaded already stays."""
    for name, answered in DEFERRED.items():
        if name not in sys.modules:
            stands = _Deferred(name)
            stands.__dict__.update(answered)
            sys.modules[name] = stands
