"""The distribution's kernel in a guest, stopped at work: once in a while a test needs page tables that somebody uses."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.initramfs import archive
from support.lacking import lacks
from support.qemu import Qemu, own

__all__ = ["running_linux", "running_programs", "symbols"]

KERNELS = sorted(Path("/boot").glob("vmlinuz-*")) if Path("/boot").is_dir() else []
PATIENCE = 600.0  # a machine with much else to do proves nothing
APPEND = "console=ttyS0 panic=0"
# It has mounted nothing and waits, or is about to.
SAID = (b"Freeing unused", b"Unable to mount")


# Both have work: the second CPU is in the kernel nearly all the time, and its stack is deep.
INIT = b"""#!/busybox sh
/busybox mkdir /dev
/busybox mount -t devtmpfs none /dev
/busybox insmod /qemu_fw_cfg.ko
/busybox sleep 1000 &
/busybox dd if=/dev/urandom of=/dev/null bs=16M &
/busybox sleep 1
echo All is up
exec /busybox sleep 2000
"""
UP = b"All is up"


def kernel() -> Path:
    """The distribution's newest, or the test is skipped."""
    found = next((one for one in reversed(KERNELS) if one.is_file()), None)
    return found or lacks("no kernel in /boot")


def symbols() -> Path:
    """Its debug information, or the test is skipped."""
    name = kernel().name.replace("vmlinuz", "vmlinux")
    folders = (os.environ.get("MIGSTREAM_SYMBOLS", "/usr/lib/debug/boot"), "/usr/lib/debug/boot")
    found = next((path for one in folders if (path := Path(one) / name).is_file()), None)
    return found or lacks(
        f"no {name}: it is in the package {name.replace('vmlinux', 'linux-image')}-dbg"
    )


@contextmanager
def running_linux(folder: Path) -> Iterator[Qemu]:
    """x86-64 on two CPUs without a disk, stopped when its kernel has started."""
    with _booted(folder, ("-append", f"{APPEND} nokaslr"), SAID) as guest:
        yield guest


@contextmanager
def running_programs(folder: Path, options: str) -> Iterator[Qemu]:
    """The same with a few programs and VMCOREINFO, stopped at work; `options` are the kernel's."""
    busybox = Path(shutil.which("busybox") or lacks("no busybox"))
    release = kernel().name.removeprefix("vmlinuz-")
    driver = Path(f"/lib/modules/{release}/kernel/drivers/firmware/qemu_fw_cfg.ko")
    if not driver.is_file():
        lacks(f"no {driver}")
    files = {path.name: path.read_bytes() for path in (busybox, driver)}
    initramfs = archive(folder / "initramfs", {"init": INIT, **files})
    more = ("-initrd", str(initramfs), "-append", f"{APPEND} {options}", "-device", "vmcoreinfo")
    with _booted(folder, more, (UP,)) as guest:
        yield guest


@contextmanager
def _booted(folder: Path, arguments: Sequence[str], said: Sequence[bytes]) -> Iterator[Qemu]:
    """Stopped when one of these lines is on its console."""
    console = folder / "console"
    own_arguments = (
        "-M", "q35", "-m", "256", "-smp", "2", "-accel", "tcg", "-nic", "none",
        "-kernel", str(kernel()), "-serial", f"file:{console}", *arguments,
    )  # fmt: skip
    with Qemu(own("qemu-system-x86_64"), own_arguments) as guest:
        guest.execute("cont")
        end = time.monotonic() + PATIENCE
        while not any(words in _bytes(console) for words in said):
            assert time.monotonic() < end, "the kernel does not come up"
            time.sleep(0.5)
        guest.execute("stop")
        yield guest


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
