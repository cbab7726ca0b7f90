"""Streams that a QEMU has taken, and what a QEMU knows."""

from __future__ import annotations

import contextlib
import shlex
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from support.qemu import PATIENCE, Binary, Qemu


@contextlib.contextmanager
def arrived(
    binary: Binary, arguments: Sequence[str], path: Path, capabilities: Sequence[str] = ()
) -> Iterator[Qemu]:
    """A guest that stands where the stream has put it."""
    with Qemu(binary, [*arguments, "-incoming", "defer"]) as guest:
        guest.set_capabilities(capabilities)
        name = guest.lend(path)
        uri = f"file:{name}" if "mapped-ram" in capabilities else f"exec:cat {shlex.quote(name)}"
        guest.execute("migrate-incoming", {"uri": uri})
        until = time.monotonic() + PATIENCE
        while guest.execute("query-migrate").get("status") != "completed":
            assert not guest.ended(), guest.words()
            assert time.monotonic() < until
            time.sleep(0.02)
        yield guest


def knows(binary: Binary, capability: str) -> bool:
    with Qemu(binary, ["-M", "none"]) as guest:
        known = guest.execute("query-migrate-capabilities")
    return capability in {one["capability"] for one in known}
