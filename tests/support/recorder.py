"""Record the channels of a real multifd migration: listen where QEMU calls, keep what it says.

    with boot_disk(binary) as drive, Qemu(binary, [*PC, *drive]) as guest:
        guest.execute("cont")
        started(guest)
        guest.set_parameters(**UNHURRIED)
        main, channels = record_multifd(guest, tmp_path, during=converge)
        truth = memory(guest, 0x100000, 31 << 20)

Without a return path the source of a precopy migration expects no answer, so listening is enough.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from migstream.errors import QemuError
from support.qemu import PATIENCE, Binary, Qemu

CHANNEL = bytes.fromhex("11223344")
FIRST, LAST = 1 << 20, 32 << 20  # what the guest writes to

# How a migration must begin that is to have several rounds: without a pause in the first QEMU has no idea yet of the
# bandwidth, and ends with it. From then on it takes a downtime of 1 ms for too short.
UNHURRIED = {"max_bandwidth": 1 << 20, "downtime_limit": 1}
PAUSE = 300  # ms; QEMU measures for 100
FAST = (
    32 << 20
)  # in 1 ms eight pages: a guest that gets little of the processor dirties more in a round

HERE = 0x7C00  # where the BIOS puts a boot sector
REAL_MODE = bytes.fromhex(
    "fa"  # cli
    "31c0 8ed8"  # ds = 0
    "e492 0c02 e692"  # A20 on
    "0f0116 607c"  # lgdt [7c60]
    "0f20c0 0c01 0f22c0"  # protected mode on
    "ea 207c 0800"  # jump to 08:7c20
)
PROTECTED_MODE = bytes.fromhex(
    "66b81000 8ed8"  # ds = all memory
    "bb00001000"  # again: ebx = 1 MiB
    "fe03 802303"  # next: increment the byte there, modulo 4
    "81c300100000"  # a page further
    "81fb00000002 72ed"  # below 32 MiB: next
    "ebe6"  # again
)
TABLE = struct.pack("<HI", 23, HERE + 0x68) + bytes(2) + bytes.fromhex(
    "0000000000000000"
    "ffff0000009acf00"  # 08: code, 4 GiB
    "ffff00000092cf00"  # 10: data, 4 GiB
)  # fmt: skip


def boot_sector() -> bytes:
    """Return one that increments a byte in every page from 1 MiB to 32 MiB, for ever.

    Every page is dirty in every round, and a zero page in one of four: modulo 4 it does not take
    long until one that held something is zero again, which is sent in another way.
    """
    code = REAL_MODE.ljust(0x20, b"\x90") + PROTECTED_MODE.ljust(0x40, b"\0") + TABLE
    return code.ljust(510, b"\0") + b"\x55\xaa"


@contextlib.contextmanager
def boot_disk(binary: Binary) -> Iterator[list[str]]:
    """Give the arguments that make a PC boot the sector; its file is where this QEMU can see it."""
    inside = binary.root or Path("/")
    with tempfile.NamedTemporaryFile(
        prefix="migstream-", dir=inside / "tmp" if binary.root else None
    ) as file:
        file.write(boot_sector().ljust(1 << 20, b"\0"))
        file.flush()
        path = Path(file.name)
        seen = path if binary.root is None else Path("/") / path.relative_to(inside)
        yield ["-drive", f"file={seen},format=raw,if=ide,snapshot=on"]


def started(guest: Qemu) -> None:
    """Wait until the guest writes to all its pages: until its last one keeps changing."""
    until = time.monotonic() + PATIENCE
    seen: set[bytes] = set()
    while len(seen) < 4:  # more than the BIOS makes of it
        if time.monotonic() > until:
            raise QemuError("the guest did not begin to write")
        seen.add(memory(guest, LAST - 0x1000, 1))
        time.sleep(0.02)


def converge(guest: Qemu, rounds: int = 3) -> None:
    """Let some rounds of a migration that began `UNHURRIED` go by, then allow it to end."""
    _await(guest, lambda info: info.get("total-time", 0) > PAUSE)
    guest.set_parameters(max_bandwidth=FAST)
    _await(guest, lambda info: info["ram"]["dirty-sync-count"] >= rounds)
    guest.set_parameters(max_bandwidth=1 << 40, downtime_limit=60_000)


def _await(guest: Qemu, reached: Callable[[dict[str, Any]], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not reached(info := guest.execute("query-migrate")):
        if info.get("status") == "completed" or time.monotonic() > until:
            raise QemuError(f"the rounds did not come: {info}")
        time.sleep(0.01)


def memory(guest: Qemu, start: int, size: int) -> bytes:
    """Return guest-physical memory as QEMU saves it."""
    path = guest._folder / "memory"
    guest.execute("pmemsave", {"val": start, "size": size, "filename": guest._seen(path)})
    return path.read_bytes()


@contextlib.contextmanager
def listening(address: Path, folder: Path) -> Iterator[list[Path]]:
    """Record every connection to a unix socket to a file of its own, listed as they come.

    Leaving the block waits until the other side has closed them all.
    """
    files: list[Path] = []
    recorders: list[threading.Thread] = []

    def accept() -> None:
        with contextlib.suppress(OSError):  # the end of `server`
            while True:
                connection, _ = server.accept()
                files.append(folder / f"connection{len(files)}")
                recorders.append(threading.Thread(target=keep, args=(connection, files[-1])))
                recorders[-1].start()

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(address))
        server.listen()
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield files
        finally:
            server.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for recorder in recorders:
                recorder.join()


def keep(connection: socket.socket, path: Path) -> None:
    """Write all that comes to a file."""
    with connection, connection.makefile("rb") as stream, path.open("wb") as file:
        shutil.copyfileobj(stream, file)


def record_multifd(
    guest: Qemu,
    folder: Path,
    channels: int = 3,
    compression: str = "zlib",
    during: Callable[[Qemu], None] | None = None,
    **parameters: object,
) -> tuple[Path, list[Path]]:
    """Migrate a guest and return the main channel's recording and the channels', by their number.

    Parameters
    ----------
    guest : stopped or running; it stands still afterwards, in the state that was sent
    folder : where ``main.mig`` and ``ch0.bin`` and so on are put
    during : called while the migration runs, such as `converge`
    parameters : more migration parameters: ``zero_page_detection="legacy"``
    """
    guest.set_capabilities(["multifd"])
    guest.set_parameters(multifd_channels=channels, multifd_compression=compression, **parameters)
    address = guest._folder / "migration"
    with listening(address, folder) as files:
        guest.execute("migrate", {"uri": f"unix:{guest._seen(address)}"})
        if during is not None:
            during(guest)
        guest.finish_migration()
    named = {}
    for path in files:
        with path.open("rb") as file:
            head = file.read(25)
        name = f"ch{head[24]}.bin" if head[:4] == CHANNEL else "main.mig"
        named[name] = path.rename(folder / name)
    if len(named) != channels + 1:
        raise QemuError(f"{len(files)} connections, of which came {sorted(named)}")
    return named["main.mig"], [named[f"ch{number}.bin"] for number in range(channels)]
