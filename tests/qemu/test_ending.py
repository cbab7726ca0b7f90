"""A QEMU that was started ends with us, whatever ends us, and so does what a wrapper started."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.endings import SIGNALS, alive, end, start, until
from support.lacking import needs_proc
from support.qemu import Binary, Qemu

pytestmark = pytest.mark.qemu

GUEST = ["-M", "none"]
EVERY = pytest.mark.parametrize(
    "number", [*SIGNALS, signal.SIGKILL], ids=lambda n: signal.Signals(n).name
)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[str]:
    """A guest's name by which its QEMUs are found again; what a failed test left is ended."""
    needs_proc()
    word = f"migstream-test-{os.getpid()}-{tmp_path.name}"
    yield word
    for pid in alive(word):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def stream(qemu: Binary, tmp_path: Path) -> Path:
    path = tmp_path / "guest.mig"
    with Qemu(qemu, GUEST) as guest:
        guest.migrate(path)
    return path


def wrapped(binary: Binary, tmp_path: Path, mark: str) -> str:
    """A wrapper that waits for its QEMU, and one more child of it, which has nothing to do with us."""
    script = tmp_path / "wrapper"
    script.write_text(
        f'#!/bin/sh\nsh -c "sleep 600; : {mark}" &\n{shlex.join(binary.command)} "$@"\n'
    )
    script.chmod(0o755)
    return str(script)


def running(mark: str) -> list[int]:
    """QEMUs of that name: ours and the wrapper have it on their command line too."""
    found = []
    for pid in alive(mark):
        with contextlib.suppress(OSError):  # it has just ended
            if "qemu" in Path(f"/proc/{pid}/comm").read_text():
                found.append(pid)
    return found


def gone(mark: str) -> bool:
    late = time.monotonic() + 10
    while alive(mark):
        if time.monotonic() > late:
            return False
        time.sleep(0.01)
    return True


def ends(process: object, number: int, mark: str, temporary: Path) -> None:
    if number == signal.SIGKILL:
        process.kill()  # type: ignore[attr-defined]
        process.communicate()  # type: ignore[attr-defined]
        assert gone(mark)
        return
    end(process, number)  # type: ignore[arg-type]
    assert not alive(mark)
    assert not list(temporary.iterdir())


@EVERY
@pytest.mark.parametrize("wrapper", [False, True], ids=["itself", "wrapper"])
def test_the_destination_that_is_asked(
    qemu: Binary,
    number: int,
    wrapper: bool,
    stream: Path,
    temporary: Path,
    tmp_path: Path,
    mark: str,
) -> None:
    command = wrapped(qemu, tmp_path, mark) if wrapper else shlex.join(qemu.command)
    process = start("compat", stream, "--to-qemu", command, "--", *GUEST, "-name", mark)
    until(lambda: running(mark), process)
    ends(process, number, mark, temporary)


@EVERY
def test_every_machine_of_two_binaries(
    qemu: Binary, number: int, temporary: Path, tmp_path: Path, mark: str
) -> None:
    command = shlex.join(qemu.command)
    words = ("compat", "--from-qemu", command, "--to-qemu", command, "--machine", "pc-*")
    process = start(*words, "--", "-name", mark)
    until(lambda: len(running(mark)) > 1, process)  # two at a time
    ends(process, number, mark, temporary)


@EVERY
def test_the_one_that_refuses_smaller_and_smaller_streams(
    qemu: Binary, number: int, stream: Path, temporary: Path, tmp_path: Path, mark: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    words = ("minimise", stream, "-o", out / "made", "--qemu", shlex.join(qemu.command))
    process = start(*words, "--", "-M", "isapc", "-name", mark)
    until(lambda: running(mark), process)
    ends(process, number, mark, temporary)
    if number != signal.SIGKILL:
        assert not list(out.iterdir())
