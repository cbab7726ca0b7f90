"""Streams made of other streams: `Edit` changes one, and everything that follows is made right again.

`migstream.edit` is this package, and may be called: `migstream.edit("guest.mig")` is an Edit of it.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from migstream.edit.change import Change as Change
    from migstream.edit.change import Edit as Edit
    from migstream.source.opened import Openable
    from migstream.stream import Stream

__all__ = ["Change", "Edit"]


def __getattr__(name: str) -> Any:
    """Load a public name on first use, so that each verb loads its own part only."""
    if name not in __all__:
        raise AttributeError(f"module 'migstream.edit' has no attribute {name!r}")
    from migstream.edit import change

    return getattr(change, name)


def __dir__() -> list[str]:
    """The promised names, used or not."""
    return sorted(__all__)


def edit(stream: Stream | Openable) -> Edit:
    """Changes of a stream, to be made by calls that chain, and saved; what an `Edit` takes and raises.

    migstream.edit("guest.mig").set("cpu[0]/env.eip", 0x7C00).drop("cpu[0]/xsave").save("new.mig")
    """
    from migstream.edit.change import Edit

    return Edit(stream)


class _Callable(ModuleType):
    """The package, which shares its name in `migstream` with the function: once it is imported, it is found there."""

    def __call__(self, stream: Stream | Openable) -> Edit:
        return edit(stream)


_Callable.__call__.__doc__ = edit.__doc__
sys.modules[__name__].__class__ = _Callable
