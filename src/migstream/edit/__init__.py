"""Streams made of other streams: `Edit` changes one, and everything that follows is made right again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from migstream.edit.change import Change as Change
    from migstream.edit.change import Edit as Edit

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
