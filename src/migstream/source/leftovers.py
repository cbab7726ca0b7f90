"""What would be left behind if the process ended now: half-written files, temporary folders, children.

Each is taken away by the code that made it, however that ends. This is the list for the one case
in which such code has no time to: `cli.ending`, where the process is told to end and something
keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

__all__ = ["leftover", "no_more", "remove_all", "unfinished"]

_known: dict[object, Callable[[], None]] = {}
_outputs: dict[object, str] = {}  # of them, what would have become a file or folder to stay
_ending: list[bool] = []  # has something in it once the process ends


@contextmanager
def leftover(remove: Callable[[], None], output: str = "") -> Iterator[None]:
    """Call `remove` at the end of the block, however it ends.

    It may be called twice, from two threads, and before what it removes is there: it is entered
    first, so that no moment is left in which nobody would take the thing away. `output` is the name
    that it gets when it is complete, where it is to stay.
    """
    if _ending:
        raise SystemExit  # in whichever thread this is
    mark = object()
    _known[mark] = remove
    if output:
        _outputs[mark] = output
    try:
        yield
    finally:
        try:
            remove()
        finally:
            del _known[mark]
            _outputs.pop(mark, None)


def unfinished() -> list[str]:
    """Names of the files and folders that are being written."""
    return list(_outputs.values())


def no_more() -> None:
    """The process ends: what wants to make another thing that would be left ends instead."""
    _ending.append(True)


def remove_all() -> None:
    """Take away all that is there now, the latest first, for the end of the process."""
    no_more()
    for remove in reversed(list(_known.values())):
        with suppress(Exception):
            remove()
