"""What a machine may lack, and how a test says so: it is skipped, with the reason.

A skip that an installation could have avoided hides a test, so ``MIGSTREAM_REQUIRE_QEMU=1`` makes a failure of every
skip of a test marked ``qemu``, but not of these: another release, another architecture's QEMU, ``/dev/kvm``, ``/proc``
or terminals are not what was required.
"""

from __future__ import annotations

import pty
from pathlib import Path
from typing import NoReturn

from _pytest import outcomes

__all__ = ["Skipped", "lacks", "needs_proc", "open_terminal"]


class Skipped(outcomes.Skipped):
    """Skips a test that installing the system's QEMU would not have made run."""

    __module__ = (
        "builtins"  # so that pytest prints the reason alone, as for its own class of this name
    )


def lacks(what: str) -> NoReturn:
    """Skip this test: neither the machine nor its QEMU, as it is meant to be, offers what it needs."""
    __tracebackhide__ = True
    raise Skipped(what)


def open_terminal() -> tuple[int, int]:
    """Open a pseudo-terminal: our end, and the program's. Where there is none, the test is skipped."""
    __tracebackhide__ = True
    try:
        return pty.openpty()
    except OSError as error:
        lacks(f"no terminal can be opened here ({error}): no /dev/ptmx, or no /dev/pts")


def needs_proc() -> None:
    """Skip this test where /proc is not mounted: nothing else tells of other processes."""
    __tracebackhide__ = True
    if not Path("/proc/self/status").exists():
        lacks("no /proc is mounted here")
