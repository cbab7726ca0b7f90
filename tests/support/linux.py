"""The distribution's kernel in a guest, stopped at work: once in a while a test needs page tables that somebody uses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.lacking import lacks
from support.qemu import Qemu, own

__all__ = ["running_linux"]

KERNELS = sorted(Path("/boot").glob("vmlinuz-*")) if Path("/boot").is_dir() else []
PATIENCE = 600.0  # a machine with much else to do proves nothing
# It has mounted nothing and waits, or is about to.
SAID = (b"Freeing unused", b"Unable to mount")


@contextmanager
def running_linux(folder: Path) -> Iterator[Qemu]:
    """x86-64 on two CPUs without a disk, stopped when its kernel has started."""
    kernel = next((one for one in reversed(KERNELS) if one.is_file()), None)
    if kernel is None:
        lacks("no kernel in /boot")
    console = folder / "console"
    arguments = (
        "-M", "q35", "-m", "256", "-smp", "2", "-accel", "tcg", "-nic", "none", "-kernel", str(kernel),
        "-append", "console=ttyS0 nokaslr panic=0", "-serial", f"file:{console}",
    )  # fmt: skip
    with Qemu(own("qemu-system-x86_64"), arguments) as guest:
        guest.execute("cont")
        end = time.monotonic() + PATIENCE
        while not any(words in _bytes(console) for words in SAID):
            assert time.monotonic() < end, "the kernel does not come up"
            time.sleep(0.5)
        guest.execute("stop")
        yield guest


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
