"""The command on a terminal of its own: what is on it, keys that are pressed there, how it ended.

Nothing here waits for a clock: a key is pressed when what it answers is on the screen.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from support.lacking import open_terminal

__all__ = ["MIGSTREAM", "SILENT", "Terminal", "shown"]

MIGSTREAM = (sys.executable, "-m", "migstream")
LATE, GLANCE = 60.0, 0.2  # seconds: for what has to happen, for a look whether it has
# Those that say what a terminal can do, or what is wanted on it: none is inherited.
SILENT = ("NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "COLUMNS", "LINES",
          "PAGER", "MIGSTREAM_PAGER", "LESS")  # fmt: skip


NOT_RUN = 255  # what a child ends with that could not become the program


def _lead(terminal: int, told: int, free: int) -> None:
    """In the child, which leads the terminal's session from here on: the program is a child of it.

    What is on its way through a terminal may be lost when the session's leader ends, or when nobody has the program's
    end any more (tty_vhangup_session and n_tty_read in Linux). So the leader tells how the program ended, and stays
    until all is read. Ctrl-C is not ignored, as it is by what a shell put into the background.
    """
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    program = os.fork()
    if program == 0:
        return
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    low, high = sorted((told, free))
    os.closerange(3, low)  # above all the pipe by which is said that the program runs
    os.closerange(low + 1, high)
    os.closerange(high + 1, os.sysconf("SC_OPEN_MAX"))
    ended = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
    if ended != NOT_RUN:
        os.write(told, str(ended).encode())
        os.read(free, 1)
    os._exit(0)


class Terminal:
    """A program on a terminal of `rows` and `columns`; it is the terminal's session, so that keys reach it.

    Without `errors` standard error is /dev/null, without `results` standard output.
    """

    def __init__(
        self,
        *words: object,
        columns: int = 80,
        rows: int = 0,
        results: bool = True,
        errors: bool = True,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        pass_fds: Collection[int] = (),
    ) -> None:
        self._ours, theirs = open_terminal()
        self._told, told = os.pipe()
        free, self._free = os.pipe()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        clean = {key: value for key, value in os.environ.items() if key not in SILENT}
        self.shown = b""
        self.process = subprocess.Popen(
            [*map(str, words)],
            stdin=theirs,
            stdout=theirs if results else subprocess.DEVNULL,
            stderr=theirs if errors else subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: _lead(theirs, told, free),  # noqa: PLW1509
            cwd=cwd,
            pass_fds=tuple(pass_fds),
            env={**clean, "TERM": "xterm", **(environment or {})},
        )
        for end in (theirs, told, free):
            os.close(end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for end in (self._ours, self._told, self._free):
            os.close(end)

    def until(self, text: str) -> None:
        """Wait until it is on the screen."""
        late = time.monotonic() + LATE
        seen = len(self.shown)
        while text.encode() not in self.shown:
            assert self._more(), (text, self.shown[seen:])
            assert time.monotonic() < late, (text, self.shown[seen:])

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def end(self, pressing: str = "") -> int:
        """Its exit status, when all that it writes is on the screen; `pressing` these keys again and again."""
        late = time.monotonic() + LATE
        while self._more():
            assert time.monotonic() < late, self.shown[-2000:]
            if pressing and not _readable(self._told):
                self.press(pressing)
        return int(os.read(self._told, 16))

    def text(self) -> str:
        """What is on the screen, as lines."""
        return self.shown.decode().replace("\r\n", "\n")

    def _more(self) -> bool:
        """Look for a while; False where the program has ended and all that it wrote is read."""
        over = self._told in select.select([self._ours, self._told], [], [], GLANCE)[0]
        if _readable(self._ours):
            self.shown += os.read(self._ours, 1 << 16)
            return True
        return not over


def _readable(end: int) -> bool:
    return bool(select.select([end], [], [], 0)[0])


def shown(*words: object, columns: int = 80, **environment: str) -> str:
    """What our command prints on a terminal, from its beginning to its end."""
    with Terminal(*MIGSTREAM, *words, columns=columns, environment=environment) as terminal:
        terminal.end()
        return terminal.text()
