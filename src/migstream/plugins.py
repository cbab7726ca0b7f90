"""What other packages that are installed add to this one: their entry points, by group."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["plugins"]

FOLDERS = (".dist-info", ".egg-info")


def plugins(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group by name.

    importlib.metadata takes longer to import than a small stream takes to read: it is asked only
    where an installed package speaks of the group.
    """
    if not any(_spoken_of(group.encode(), folder) for folder in sys.path):
        return {}
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=group)}


def _spoken_of(group: bytes, folder: str) -> bool:
    """Whether a package in a folder of sys.path may have entry points of a group."""
    try:
        names = os.listdir(folder or ".")  # noqa: PTH208 - pathlib would cost more than all the rest
    except NotADirectoryError:
        return True  # an archive: not looked into here
    except OSError:
        return False
    for name in names:
        if name.endswith(FOLDERS):
            try:
                with open(f"{folder or '.'}/{name}/entry_points.txt", "rb") as file:  # noqa: PTH123
                    if group in file.read():
                        return True
            except OSError:
                continue
    return False
