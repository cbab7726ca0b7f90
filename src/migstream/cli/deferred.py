"""`inspect`, loaded when something of it is used: it is a tenth of a small command's time, and at each start nothing is
asked of it but to take the indentation out of what verbs and options say of themselves.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["cleandoc", "defer"]

NAME = "inspect"


def cleandoc(doc: str) -> str:
    """As inspect.cleandoc does it."""
    first, *rest = doc.expandtabs().split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in rest if line.strip()), default=0)
    return "\n".join((first.lstrip(), *(line[margin:] for line in rest))).strip("\n")


class _Deferred(ModuleType):
    """Stands for the module until something else than that is asked of it."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(NAME) is self:
            del sys.modules[NAME]
        return getattr(import_module(NAME), name)


def defer() -> None:
    """Have `import inspect` load nothing yet; where it is loaded already it stays."""
    if NAME not in sys.modules:
        stands = _Deferred(NAME)
        stands.__dict__["cleandoc"] = cleandoc
        sys.modules[NAME] = stands
