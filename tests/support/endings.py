"""Real runs of the command that are told to end at a chosen moment, and what is left of them.

The moment is never a guess: something that can be seen from outside has to have happened.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["COMMAND", "PATIENCE", "SIGNALS", "alive", "end", "start", "until"]

COMMAND = [sys.executable, "-m", "migstream"]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
SOON = 1.0  # seconds that a command has to end in
SLACK = 1.0  # and what a loaded machine may add
PATIENCE = 60.0


# As in a terminal: what runs in the background of a shell ignores INT and QUIT.
LISTEN = """
import signal
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
"""
RUN = "from migstream.cli import main\nmain()\n"


def start(
    *words: object, before: str = "", command: Sequence[str] = (), **settings: object
) -> subprocess.Popen[bytes]:
    """Start the command, or another one; `before` runs in it first, `settings` are those of Popen."""
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | settings
    command = command or [sys.executable, "-c", LISTEN + before + RUN]
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [*command, *map(str, words)], **settings
    )


def until(seen: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    """Wait for something that the process does."""
    late = time.monotonic() + PATIENCE
    while not seen():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < late, "it did not come to this moment"
        time.sleep(0.005)


def end(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal, and see that the command ends as it should."""
    sent = time.monotonic()
    process.send_signal(number)
    process.wait(PATIENCE)
    took = time.monotonic() - sent
    said = process.stderr.read() if process.stderr else b""
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()
    assert process.returncode == 128 + number, said
    assert b"Traceback" not in said, said
    assert b"Exception" not in said, said
    assert took < SOON + SLACK, f"{took:.2f} s"


def alive(word: str) -> list[int]:
    """Processes whose command line, or a part of whose environment, has this word."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            text = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if word.encode() in text:  # of a zombie it is empty
            found.append(int(entry.name))
    return found
