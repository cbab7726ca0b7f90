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


def _at_home(terminal: int) -> None:
    """In the child: this terminal is its own, and Ctrl-C is not ignored, as it is by what a shell put into the background."""
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


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
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        clean = {key: value for key, value in os.environ.items() if key not in SILENT}
        self.shown = b""
        self.process = subprocess.Popen(
            [*map(str, words)],
            stdin=theirs,
            stdout=theirs if results else subprocess.DEVNULL,
            stderr=theirs if errors else subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: _at_home(theirs),  # noqa: PLW1509
            cwd=cwd,
            pass_fds=tuple(pass_fds),
            env={**clean, "TERM": "xterm", **(environment or {})},
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self._ours)

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
            if pressing and self.process.poll() is None:
                self.press(pressing)
        return self.process.wait(LATE)

    def text(self) -> str:
        """What is on the screen, as lines."""
        return self.shown.decode().replace("\r\n", "\n")

    def _more(self) -> bool:
        """Look for a while; False where nobody has the terminal any more."""
        if not select.select([self._ours], [], [], GLANCE)[0]:
            return True
        try:
            piece = os.read(self._ours, 1 << 16)
        except OSError:  # Linux says EIO when nobody has the other end any more
            piece = b""
        self.shown += piece
        return bool(piece)


def shown(*words: object, columns: int = 80, **environment: str) -> str:
    """What our command prints on a terminal, from its beginning to its end."""
    with Terminal(*MIGSTREAM, *words, columns=columns, environment=environment) as terminal:
        terminal.end()
        return terminal.text()
