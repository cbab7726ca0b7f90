"""Standard output on a terminal: what is longer than the screen goes through a pager, as git has it.

Lines are held until they are more than the screen has; then a pager gets them, and all that follows
while it is made, errors too. What comes slower than it is read is printed as it comes and not paged.

It is MIGSTREAM_PAGER, else PAGER, else `less` with LESS=FRX; none where that is empty or `cat`, or
with --no-pager.
"""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO, cast

from migstream.cli.ending import wait_for
from migstream.cli.terminal import clear_status, height, is_terminal, paged, width

if TYPE_CHECKING:
    import subprocess

__all__ = ["Screen", "overdue", "screen"]

PATIENCE = 0.5  # seconds that lines are held
DEFAULT = "less"
OPTIONS = {"LESS": "FRX", "LV": "-c"}
NONE = {"", "cat"}
_MARKS = re.compile("\x1b\\[[0-9;]*m")


def screen(inner: TextIO) -> TextIO:
    """The same, paged, where it is a terminal."""
    return cast("TextIO", Screen(inner)) if is_terminal(inner) else inner


def overdue() -> None:
    """Print what has been held for long: somebody has come by who knows that it takes time."""
    out: object = sys.stdout
    if isinstance(out, Screen):
        out.overdue()


class Screen(io.TextIOBase):
    """A text file over a terminal; behind it may be a pager."""

    def __init__(self, inner: TextIO) -> None:
        self._inner = inner
        rows = height(inner) or 0
        self._held: list[str] | None = [] if rows else None
        self._room = rows - 1  # the last one is the shell's
        self._columns = width(inner)
        self._since = 0.0

    def write(self, text: str) -> int:
        if self._held is None or not isinstance(text, str):  # bytes: the file itself refuses them
            clear_status()
            return self._inner.write(text)
        if not self._held:
            self._since = time.monotonic()
        self._held.append(text)
        self._room -= self._rows(text)
        if self._room < 0:
            self._page()
        else:
            self.overdue()
        return len(text)

    def _rows(self, text: str) -> int:
        rows = text.count("\n")
        if self._columns:
            for line in _MARKS.sub("", text).split("\n"):
                rows += max(len(line) - 1, 0) // self._columns
        return rows

    def overdue(self) -> None:
        """Hold no longer what was held for long."""
        if self._held and time.monotonic() - self._since > PATIENCE:
            self._release()

    def flush(self) -> None:
        """Hold nothing: something else is written now, where all that was should be seen."""
        if self._held:
            self._release()
        self._inner.flush()

    def _release(self) -> None:
        held, self._held = self._held or [], None
        clear_status()
        self._inner.write("".join(held))
        self._inner.flush()

    def _page(self) -> None:
        clear_status()  # as long as standard error is the terminal
        command = _pager()
        if command and self._columns and paged(self._inner):
            _Pager(command, self._inner)
        self._release()

    # --- what a text file has besides ------------------------------------------------------------

    @property
    def buffer(self) -> Any:
        """For bytes: they follow what was written before."""
        self.flush()
        return self._inner.buffer

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._inner.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self._inner.errors

    def fileno(self) -> int:
        return self._inner.fileno()

    def isatty(self) -> bool:
        """Whether a person reads it: through a pager, too."""
        return True

    def writable(self) -> bool:
        return True


def _pager() -> str:
    """The command line of the pager; empty where there is none."""
    import shlex
    import shutil

    chosen = os.environ.get("MIGSTREAM_PAGER", os.environ.get("PAGER", DEFAULT)).strip()
    try:
        program = shlex.split(chosen)[:1]
    except ValueError:
        return ""
    return chosen if chosen not in NONE and program and shutil.which(program[0]) else ""


class _Pager:
    """A pager in the place of standard output, and of standard error where that is the terminal, too."""

    def __init__(self, command: str, out: TextIO) -> None:
        import subprocess

        self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603
            ["sh", "-c", command],  # noqa: S607 - the user's own words, as a shell reads them
            stdin=subprocess.PIPE,
            env={**OPTIONS, **os.environ},
        )
        assert self._process.stdin is not None
        self._out = out
        self._replaced: list[tuple[int, int]] = []
        for stream in (out, sys.stderr):
            if is_terminal(stream):
                number = stream.fileno()
                self._replaced.append((number, os.dup(number)))
                os.dup2(self._process.stdin.fileno(), number)
        self._process.stdin.close()
        wait_for(self._ended)

    def _ended(self) -> None:
        """Give it the end of all, and let the person read: Ctrl-C is for the pager then."""
        with suppress(ValueError):  # not in the second thread
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        with suppress(OSError):
            self._out.flush()
            sys.stderr.flush()
        for number, kept in self._replaced:
            os.dup2(kept, number)
        self._process.wait()
