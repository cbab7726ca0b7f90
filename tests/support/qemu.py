"""Real QEMUs: find them, run one, let it write a stream, let it read one.

Used by the tests marked ``qemu`` and by ``tests/streams/capture.py``. QEMU is the judge of what a stream means, so
nothing here imitates it.

    with Qemu(find("qemu-system-x86_64")[0], ["-M", "pc", "-m", "16"]) as guest:
        guest.migrate(Path("pc.mig"))
        guest.hmp("info registers")
    verdict = load(binary, ["-M", "pc", "-m", "16"], Path("pc.mig"))
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import pytest

from migstream.qemu import load as loading
from migstream.qemu import process
from migstream.qemu.load import Verdict
from migstream.qemu.process import PATIENCE
from support.lacking import lacks

__all__ = ["COMMON", "PATIENCE", "REQUIRED", "Binary", "Qemu", "Verdict", "find", "load", "own"]

REQUIRED = "qemu-system-x86_64"  # what `MIGSTREAM_REQUIRE_QEMU=1` requires
# Postcopy makes QEMU wait for a message SHUT from the destination. A file cannot answer, so the shell does, when the
# few MB of a test have long been written: "the type, the length, no error".
ANSWERED = (
    r"""exec 3<&0; cat <&3 3<&- > {} & exec 3<&- <&-; sleep 2; printf '\0\1\0\4\0\0\0\0'; wait"""
)
BARE = ("-nodefaults",)
COMMON = (*process.COMMON, *BARE)  # what every command line begins with


@dataclass(frozen=True)
class Binary:
    """An installed ``qemu-system-*``; `root` is the folder it is started in with chroot(8), if it has its own."""

    name: str
    version: str
    root: Path | None = None

    @property
    def command(self) -> list[str]:
        """The beginning of a command line that starts it."""
        return [self.name] if self.root is None else ["chroot", str(self.root), self.name]

    def __str__(self) -> str:
        return f"{self.name}-{self.version}"


@cache
def find(name: str) -> list[Binary]:
    """Return every installed QEMU of that name, the distribution's first.

    Others are looked for in the folders below ``MIGSTREAM_QEMUS``, each of which is the root of a whole system.
    """
    roots: list[Path | None] = [None]
    if folder := os.environ.get("MIGSTREAM_QEMUS"):
        roots += sorted(
            root for root in Path(folder).iterdir() if (root / "usr" / "bin" / name).exists()
        )
    found = []
    for root in roots:
        if root is None and shutil.which(name) is None:
            continue
        said = subprocess.run(
            [*Binary(name, "", root).command, "--version"],
            capture_output=True,
            text=True,
            check=False,
        )
        if said.returncode == 0:
            found.append(Binary(name, said.stdout.split("version ")[1].split()[0], root))
    return found


def own(name: str) -> Binary:
    """Return the system's own QEMU of that name, or skip the test: what is required is the one for x86."""
    __tracebackhide__ = True
    for binary in find(name):
        if binary.root is None:
            return binary
    why = f"no {name} of the system's own"
    return pytest.skip(why) if name == REQUIRED else lacks(why)


class Qemu(process.Qemu):
    """A running QEMU without default devices, with a folder that both it and the test see."""

    def __init__(self, binary: Binary, arguments: Sequence[str]) -> None:
        super().__init__(binary.command, [*BARE, *arguments])
        self.binary = binary

    def __enter__(self) -> Self:
        inside = self.binary.root or Path("/")
        self._folder = Path(
            tempfile.mkdtemp(prefix="migstream-", dir=inside / "tmp" if self.binary.root else None)
        )
        try:
            return super().__enter__()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _seen(self, path: Path) -> str:
        """Return `path` as this QEMU sees it."""
        return str(path) if self.binary.root is None else f"/{path.relative_to(self.binary.root)}"

    def set_parameters(self, **parameters: object) -> None:
        """Set migration parameters; ``max_bandwidth=…`` is QEMU's ``max-bandwidth``."""
        self.execute(
            "migrate-set-parameters", {k.replace("_", "-"): v for k, v in parameters.items()}
        )

    def start_migration(self, capabilities: Sequence[str] = ()) -> Path:
        """Begin to write a stream and return the file it goes to, in this QEMU's own folder."""
        self.set_capabilities(capabilities)
        target = self._folder / "stream"
        if "mapped-ram" in capabilities:  # written at places, so it needs a file and not a pipe
            uri = f"file:{self._seen(target)}"
        else:
            write = ANSWERED if "postcopy-ram" in capabilities else "cat > {}"
            uri = "exec:" + write.format(shlex.quote(self._seen(target)))
        self.execute("migrate", {"uri": uri})
        return target

    def migrate(self, path: Path, capabilities: Sequence[str] = ()) -> dict[str, Any]:
        """Write the guest's state to `path` and return the last ``query-migrate``."""
        target = self.start_migration(capabilities)
        info = self.finish_migration()
        shutil.move(target, path)
        return info

    def lend(self, path: Path) -> str:
        """Copy `path` to where this QEMU can read it, and return the name to use."""
        shutil.copyfile(path, self._folder / path.name)
        return self._seen(self._folder / path.name)


def load(
    binary: Binary,
    arguments: Sequence[str],
    path: Path,
    capabilities: Sequence[str] = (),
    patience: float = PATIENCE,
) -> Verdict:
    """Tell a QEMU to load the stream at `path` and return its verdict, in its own words where it refuses."""
    return loading.load(binary.command, [*BARE, *arguments], path, capabilities, patience)
