"""A running QEMU, spoken to over QMP.

The monitor is a socket that the child inherits, and files go to it as descriptors: nothing has to be
a path that the QEMU can see, so a wrapper (a container, chroot(8)) may stand before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from migstream.errors import QemuError
from migstream.qemu.child import Child
from migstream.qemu.release import Version

if TYPE_CHECKING:
    from qemu.qmp import QMPClient

__all__ = ["PATIENCE", "Qemu", "Refused", "words"]

PATIENCE = 60.0  # seconds that a QEMU gets for an answer
POLL = 0.02
COMMON = ("-display", "none", "-S")
NAME = "qemu"  # what a binary has in its name, whatever a distribution calls it
FILES = (8, 2)  # the release that brought `file:`

T = TypeVar("T")


class Refused(QemuError):
    """It answered a command with an error; `said` is its text."""

    said = ""


def words(text: str) -> str:
    """What QEMU said, without warnings: they do not say why it ended."""
    return "\n".join(line for line in text.splitlines() if ": warning: " not in line).strip()


class Qemu:
    """A QEMU that stands still (`-S`) until it is told otherwise; leaving the `with` block ends it.

    Parameters
    ----------
    command : the beginning of its command line: a path, or a wrapper and what it runs
    arguments : the rest, without monitors
    patience : seconds that it gets for an answer

    Raises
    ------
    QemuError : it does not start, or ends before it answers
    """

    def __init__(
        self, command: Sequence[str], arguments: Sequence[str] = (), patience: float = PATIENCE
    ) -> None:
        self.command = list(command)
        self.arguments = list(arguments)
        self.patience = patience
        self._descriptors = 0

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._runner = stack.enter_context(asyncio.Runner())
            self._qmp = _client()
            stack.callback(self._hang_up)
            self._start(stack)
            self._exit = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def _start(self, stack: contextlib.ExitStack) -> None:
        ours, theirs = socket.socketpair()
        monitor = f"socket,id=migstream-qmp,fd={theirs.fileno()}"
        with theirs:
            try:
                child = Child(
                    [
                        *self.command,
                        *COMMON,
                        *("-chardev", monitor, "-mon", "chardev=migstream-qmp,mode=control"),
                        *self.arguments,
                    ],
                    pass_fds=(theirs.fileno(),),
                )
                self._child = stack.enter_context(child)
            except OSError as error:
                ours.close()
                reason = (error.strerror or str(error)).lower()
                raise QemuError(f"{self.command[0]}: {reason}") from None
        self._wait("does not answer", self._qmp.connect(ours))

    def _hang_up(self) -> None:
        # It was killed a moment ago: that the line is dead is no news. Where we were interrupted while
        # it was being connected, the library and the loop have more to say, which is no news either.
        self._runner.get_loop().set_exception_handler(lambda _loop, _context: None)
        with contextlib.suppress(Exception):
            self._runner.run(self._qmp.disconnect())

    def _wait(self, failure: str, answer: Awaitable[T]) -> T:
        """The answer; where there is none, QEMU's own words say why."""
        from qemu.qmp import ExecuteError, QMPError

        async def patient() -> T:
            return await asyncio.wait_for(answer, self.patience)

        try:
            return self._runner.run(patient())
        except ExecuteError as error:
            refused = Refused(f"{self.command[0]}: {failure}: {error}")
            refused.said = str(error)
            raise refused from error
        except (QMPError, EOFError, OSError, TimeoutError) as error:
            self.wait_for_the_end(1.0)
            raise QemuError(self.words() or f"{self.command[0]}: {failure}") from error

    @property
    def release(self) -> Version:
        """Its version, (10, 0, 13)."""
        greeting = self._qmp.greeting
        assert greeting is not None  # `connect` waits for it
        version: Any = greeting.QMP.version["qemu"]
        return int(version["major"]), int(version["minor"]), int(version["micro"])

    def execute(self, name: str, arguments: Mapping[str, object] | None = None) -> Any:
        """Run one QMP command; what it returns.

        Raises
        ------
        QemuError : it refuses, or ended
        """
        return self._wait(name, self._qmp.execute(name, arguments))

    def hmp(self, line: str) -> str:
        """Run one line of the human monitor, such as `info registers`."""
        return str(self.execute("human-monitor-command", {"command-line": line}))

    def give(self, descriptor: int) -> str:
        """Give it an open file; the migration URI that names it.

        References
        ----------
        QEMU, migration/file.c (8.2 and newer, which also reads and writes at places);
        migration/fd.c (`fd:` takes no file from 11.1 on)
        """
        self._descriptors += 1
        number = self._descriptors
        self._qmp.send_fd_scm(descriptor)
        if self.release >= FILES:
            self.execute("add-fd", {"fdset-id": number})
            return f"file:/dev/fdset/{number}"
        self.execute("getfd", {"fdname": f"migstream-{number}"})
        return f"fd:migstream-{number}"

    def capabilities(self) -> dict[str, bool]:
        """Migration capabilities that it has, and whether each is on.

        Raises
        ------
        Refused : it has no such question
        """
        rows = self.execute("query-migrate-capabilities")
        return {str(row["capability"]): bool(row["state"]) for row in rows}

    def set_capabilities(self, names: Sequence[str], *, on: bool = True) -> None:
        """Switch migration capabilities on, or off.

        Raises
        ------
        Refused : it does not have one of them, or not together with others, or not on this host
        """
        wanted = [{"capability": name, "state": on} for name in names]
        if wanted:
            self.execute("migrate-set-capabilities", {"capabilities": wanted})

    def finish_migration(self, patience: float = PATIENCE) -> dict[str, Any]:
        """Wait for the end of a migration; the last `query-migrate`.

        Raises
        ------
        QemuError : it failed, or does not end
        """
        until = time.monotonic() + patience
        while time.monotonic() < until:
            info: dict[str, Any] = self.execute("query-migrate")
            match info.get("status"):
                case "completed":
                    return info
                case "failed" | "cancelled":
                    said = info.get("error-desc") or self.words() or "migration failed"
                    raise QemuError(said)
            time.sleep(POLL)
        raise QemuError(f"{self.command[0]}: no end of the migration after {patience:.0f} s")

    def root(self) -> Path | None:
        """The root folder that it has where that is another one than ours, and can be seen from here.

        References
        ----------
        proc_pid_root(5)
        """
        with contextlib.suppress(OSError):
            there = self._proc() / "root"
            root = there.readlink()
            if not there.samefile("/") and root.is_dir():
                return root
        return None

    def executable(self) -> Path:
        """A path at which its file can be read.

        Raises
        ------
        OSError : it cannot be seen from here: it runs elsewhere, or the system does not tell
        """
        there = self._proc() / "exe"
        if NAME not in there.readlink().name:  # what starts it, and shows nothing of it
            raise FileNotFoundError(there)
        return there

    def _proc(self) -> Path:
        """What /proc has of it: of the processes that its command line made, the last one."""
        return next(reversed(self._child.processes()), Path("/nowhere"))

    def words(self) -> str:
        """What it printed so far, without warnings."""
        return words(self._child.said())

    def ended(self) -> bool:
        """Whether the process has come to an end by itself."""
        return self._child.wait(0) is not None

    def wait_for_the_end(self, patience: float) -> bool:
        """Wait until the process has come to an end by itself; whether it did."""
        return self._child.wait(patience) is not None


def _client() -> QMPClient:
    try:
        from qemu.qmp import QMPClient
    except ImportError:
        raise QemuError(
            "to speak to a QEMU takes the library qemu.qmp, which is not installed",
            hint="pip install 'migstream[qemu]'",
        ) from None
    # what it logs when a QEMU ends is in the error that is raised; without a handler it would be printed
    logging.getLogger("qemu.qmp").addHandler(logging.NullHandler())
    return QMPClient("migstream")
