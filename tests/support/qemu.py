"""Real QEMUs: find them, run one, let it write a stream, let it read one.

Used by the tests marked ``qemu`` and by ``tests/streams/capture.py``. QEMU is the judge of what a stream means, so
nothing here imitates it.

    with Qemu(find("qemu-system-x86_64")[0], ["-M", "pc", "-m", "16"]) as guest:
        guest.migrate(Path("pc.mig"))
        guest.hmp("info registers")
    verdict = load(binary, ["-M", "pc", "-m", "16"], Path("pc.mig"))
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

from qemu.qmp import ExecuteError, QMPClient, QMPError

# Postcopy makes QEMU wait for a message SHUT from the destination. A file cannot answer, so the shell does, when the
# few MB of a test have long been written: "the type, the length, no error".
ANSWERED = (
    r"""exec 3<&0; cat <&3 3<&- > {} & exec 3<&- <&-; sleep 2; printf '\0\1\0\4\0\0\0\0'; wait"""
)
# `-S`: the guest stands still until told otherwise, so that a stream and every other answer mean the same state.
COMMON = ("-nodefaults", "-display", "none", "-S")
PATIENCE = 60.0


class QemuFailedError(Exception):
    """QEMU would not do what it was asked; the message is in its own words."""


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


@dataclass(frozen=True)
class Verdict:
    """What became of a stream that a QEMU was told to load."""

    accepted: bool
    said: str


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


class Qemu:
    """A running QEMU, spoken to over QMP. Leaving the ``with`` block ends it."""

    def __init__(self, binary: Binary, arguments: Sequence[str]) -> None:
        self.binary = binary
        self.arguments = list(arguments)

    def __enter__(self) -> Self:
        inside = self.binary.root or Path("/")
        self._folder = Path(
            tempfile.mkdtemp(prefix="migstream-", dir=inside / "tmp" if self.binary.root else None)
        )
        self._runner = asyncio.Runner()
        self._qmp = QMPClient("migstream")
        try:
            self._runner.run(self._start())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    async def _start(self) -> None:
        """Listen, start QEMU, and wait until it calls: no polling for a socket to appear."""
        address = self._folder / "qmp"
        await self._qmp.start_server(str(address))
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - nobody else runs in this loop
                [
                    *self.binary.command,
                    *COMMON,
                    *("-qmp", f"unix:{self._seen(address)}"),
                    *self.arguments,
                ],
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
            )
        calls = asyncio.ensure_future(self._qmp.accept())
        until = time.monotonic() + PATIENCE
        while not calls.done():
            if self._process.poll() is not None or time.monotonic() > until:
                calls.cancel()
                await asyncio.gather(calls, return_exceptions=True)
                raise QemuFailedError(self.words())
            await asyncio.wait({calls}, timeout=0.02)
        await calls

    def _stop(self) -> None:
        process = getattr(self, "_process", None)
        if process is not None:
            process.kill()
            process.wait()
        self._runner.run(self._hang_up())
        self._runner.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _hang_up(self) -> None:
        # It was killed a moment ago: that the line is dead is no news.
        with contextlib.suppress(QMPError, EOFError, OSError):
            await self._qmp.disconnect()

    @property
    def _errors(self) -> Path:
        return self._folder / "errors"

    def _seen(self, path: Path) -> str:
        """Return `path` as this QEMU sees it."""
        return str(path) if self.binary.root is None else f"/{path.relative_to(self.binary.root)}"

    def words(self) -> str:
        """Return what QEMU printed so far, without the warnings that have nothing to do with the matter."""
        lines = self._errors.read_text(errors="replace").splitlines()
        return "\n".join(line for line in lines if ": warning: " not in line)

    def ended(self) -> bool:
        """Whether the process has come to an end by itself."""
        return self._process.poll() is not None

    def execute(self, command: str, arguments: Mapping[str, object] | None = None) -> Any:
        """Run one QMP command and return its answer."""
        try:
            return self._runner.run(self._qmp.execute(command, arguments))
        except ExecuteError as error:
            raise QemuFailedError(f"{command}: {error}") from error

    def hmp(self, line: str) -> str:
        """Run one line of the human monitor, such as ``info registers``."""
        answer = self.execute("human-monitor-command", {"command-line": line})
        assert isinstance(answer, str)
        return answer

    def set_capabilities(self, names: Iterable[str]) -> None:
        """Switch migration capabilities on."""
        wanted = [{"capability": name, "state": True} for name in names]
        if wanted:
            self.execute("migrate-set-capabilities", {"capabilities": wanted})

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

    def finish_migration(self) -> dict[str, Any]:
        """Wait for the end of the migration and return the last ``query-migrate``."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            info: dict[str, Any] = self.execute("query-migrate")
            match info.get("status"):
                case "completed":
                    return info
                case "failed" | "cancelled":
                    raise QemuFailedError(
                        info.get("error-desc") or self.words() or "migration failed"
                    )
            time.sleep(0.02)
        raise QemuFailedError(f"no end of the migration after {PATIENCE:.0f} s")

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
    with Qemu(binary, [*arguments, "-incoming", "defer"]) as guest:
        guest.set_capabilities(capabilities)
        name = guest.lend(path)
        uri = f"file:{name}" if "mapped-ram" in capabilities else f"exec:cat {shlex.quote(name)}"
        until = time.monotonic() + patience
        try:
            guest.execute("migrate-incoming", {"uri": uri})
            while time.monotonic() < until:
                info: dict[str, Any] = guest.execute("query-migrate")
                match info.get("status"):
                    case "completed":
                        return Verdict(True, guest.words())
                    case "failed":
                        break
                time.sleep(0.02)
            else:
                return Verdict(False, f"still waiting after {patience:.0f} s")
        except (QMPError, QemuFailedError, EOFError, OSError):
            # A QEMU that refuses a stream says why and ends. Another reason to lose it would be news.
            for _ in range(100):
                if guest.ended():
                    break
                time.sleep(0.02)
            else:
                raise
        return Verdict(False, guest.words())
