"""A process that ends with us, with all that it starts, and of whose words the first are kept.

It joins a process group of its own, whose leader is a shell that waits for the end of a pipe. We
hold the other end: when we are gone, for whatever reason (kill -9 included), the shell kills the
group. A Ctrl-C of the terminal does not reach the group; what is to end in it, we end.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
from collections.abc import Collection, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from migstream.source.leftovers import leftover

__all__ = ["Child", "end_children"]

KEEPER = ("/bin/sh", "-c", "read -r _ || kill -s KILL 0")
SAID = 1 << 20  # bytes of its words that are kept
PIECE = 1 << 16
LOOK = 200  # milliseconds between looks whether anybody still wants to read
ENDING = 5.0  # seconds for the system to end what was killed

_living: set[Child] = set()


class Child:
    """A running process; leaving the `with` block ends it, and the rest of its group.

    Parameters
    ----------
    command : its words
    stdin : an open file; nothing otherwise
    stdout : an open file for what it writes there, which is not kept with its words then
    pass_fds : open files that it inherits under their numbers

    Raises
    ------
    OSError : it cannot be started
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self._command = list(command)
        self._stdout = stdout
        self._stdin = subprocess.DEVNULL if stdin is None else stdin
        self._pass = tuple(pass_fds)
        self._keeper: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.get_ident()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._said = stack.enter_context(_Said())
            stack.enter_context(leftover(self.end))
            end, line = os.pipe()
            stack.callback(os.close, line)
            try:
                self._keeper = subprocess.Popen(  # noqa: S603 - our own
                    KEEPER,
                    stdin=end,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    process_group=0,
                )
            finally:
                os.close(end)
            self._process = subprocess.Popen(  # noqa: S603 - the user names the command
                self._command,
                stdin=self._stdin,
                stdout=self._said.writer if self._stdout is None else self._stdout,
                stderr=self._said.writer,
                pass_fds=self._pass,
                process_group=self._keeper.pid,
            )
            self._said.begin()
            _living.add(self)
            stack.callback(_living.discard, self)
            self._exit = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def wait(self, patience: float | None = None) -> int | None:
        """The exit status (−N where signal N ended it), None where it still runs then."""
        assert self._process is not None
        try:
            return self._process.wait(patience)
        except subprocess.TimeoutExpired:
            return None

    def said(self) -> str:
        """What it and all that it started printed so far: the first MiB."""
        return self._said.text()

    def processes(self) -> list[Path]:
        """Folders of /proc of it and of what it started, the latest last; none where nothing tells.

        References
        ----------
        proc_pid_stat(5): the third field behind the name is the group, the twentieth the time of the start
        """
        assert self._keeper is not None
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, ValueError, IndexError):
                fields = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
                if int(fields[2]) == self._keeper.pid != int(process.name):
                    found.append((int(fields[19]), int(process.name), process))
        return [process for *_, process in sorted(found)]

    def end(self) -> None:
        """Kill it and its group, if that was not done yet."""
        if self._keeper is None or self._keeper.returncode is not None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._keeper.pid, signal.SIGKILL)
        for one in (self._process, self._keeper):
            if one is not None:
                with suppress(subprocess.TimeoutExpired):  # what runs as somebody else may go on
                    one.wait(ENDING)

    def belongs_to(self, threads: Collection[int]) -> bool:
        """Whether one of these threads made it."""
        return self._thread in threads


def end_children(threads: Collection[int]) -> None:
    """End what these threads have started, so that they do not wait for it any longer."""
    for child in list(_living):
        if child.belongs_to(threads):
            child.end()


class _Said:
    """Reads a pipe as long as something is written to it, so that the writer never waits; keeps SAID bytes."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        return self

    def begin(self) -> None:
        """The process has its end of the pipe: from now on nobody else writes."""
        os.close(self.writer)
        self.writer = -1
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self.writer >= 0:
            os.close(self.writer)
        else:
            self._thread.join()
        os.close(self._reader)

    def _listen(self) -> None:
        waiting = select.poll()
        waiting.register(self._reader, select.POLLIN)
        while not self._over.is_set():
            if waiting.poll(LOOK) and self._take() == b"":
                return

    def _take(self) -> bytes | None:
        """Some bytes, none at the end; None where nothing was written since the last ones."""
        with self._lock:
            try:
                piece = os.read(self._reader, PIECE)
            except BlockingIOError:
                return None
            self._kept += piece[: SAID - len(self._kept)]
            return piece

    def text(self) -> str:
        while len(self._kept) < SAID and self._take():
            pass  # what was written a moment ago, before the thread comes to it
        return self._kept.decode(errors="replace")
