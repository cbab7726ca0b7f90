"""A QEMU asked for its side: its schema, and a stream that it saves as it was started.

QEMU stands still from the start (`-S`), so the stream is that of a machine after reset, which is
all that a destination is before it loads.
"""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from migstream.errors import SourceError

__all__ = ["Asked", "ask"]

PATIENCE = 60.0  # seconds that a QEMU gets for each of its two answers
POLL = 0.05
LONGEST_REPLY = 1 << 20


class Asked:
    """Files with the answers, as long as the `with` block of `ask` lasts."""

    def __init__(self, schema: Path, stream: Path, release: tuple[int, ...]) -> None:
        self.schema = schema
        self.stream = stream
        self.release = release


@contextmanager
def ask(binary: str, arguments: Sequence[str]) -> Iterator[Asked]:
    """Start a QEMU twice: for `-dump-vmstate`, and to save itself.

    Parameters
    ----------
    binary : its path or name
    arguments : as it will be started for the load, without `-incoming`

    Raises
    ------
    SourceError : it does not start, or does not answer
    """
    with tempfile.TemporaryDirectory(prefix="migstream-") as name:
        folder = Path(name)
        schema, stream = folder / "schema.json", folder / "stream.mig"
        _run([binary, *arguments, "-display", "none", "-S", "-dump-vmstate", str(schema)], binary)
        release = _save(binary, arguments, stream, folder)
        yield Asked(schema, stream, release)


def _run(command: list[str], name: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - the user names the QEMU to ask
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except OSError as error:
        raise SourceError(f"{name}: {(error.strerror or str(error)).lower()}") from None
    except subprocess.TimeoutExpired:
        raise SourceError(f"{name} did not write its schema within {PATIENCE:.0f} s") from None
    if done.returncode:
        raise SourceError(f"{name}: {done.stderr.strip() or 'ended without a word'}")


def _save(binary: str, arguments: Sequence[str], stream: Path, folder: Path) -> tuple[int, ...]:
    """Let it save itself to `stream`; its release."""
    ours, theirs = socket.socketpair()
    command = [binary, *arguments, "-display", "none", "-S"]
    command += ["-chardev", f"socket,id=migstream-qmp,fd={theirs.fileno()}"]
    command += ["-mon", "chardev=migstream-qmp,mode=control"]
    with ours, (folder / "errors").open("w+b") as errors:
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - the user names the QEMU to ask
                command,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                pass_fds=(theirs.fileno(),),
            )
        try:
            return _talk(ours, stream)
        except (OSError, ValueError, KeyError) as error:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip()
            raise SourceError(f"{binary}: {said or error}") from None
        finally:
            process.kill()
            process.wait()


def _talk(ours: socket.socket, stream: Path) -> tuple[int, ...]:
    """The conversation: greeting, migration into a descriptor, its end."""
    ours.settimeout(PATIENCE)
    until = time.monotonic() + PATIENCE
    with ours.makefile("rb") as lines, stream.open("wb") as out:
        version = _reply(lines, "QMP")["version"]["qemu"]
        _execute(ours, lines, "qmp_capabilities")
        request = {"execute": "getfd", "arguments": {"fdname": "migstream"}}
        socket.send_fds(ours, [json.dumps(request).encode()], [out.fileno()])
        _reply(lines, "return")
        _execute(ours, lines, "migrate", {"uri": "fd:migstream"})
        while True:
            status = _execute(ours, lines, "query-migrate").get("status")
            if status == "completed":
                return int(version["major"]), int(version["minor"])
            if status in {"failed", "cancelled"} or time.monotonic() > until:
                raise ValueError(f"migration to a file: {status}")
            time.sleep(POLL)


def _execute(
    ours: socket.socket, lines: BinaryIO, command: str, arguments: dict[str, Any] | None = None
) -> Any:
    ours.sendall(json.dumps({"execute": command, "arguments": arguments or {}}).encode())
    return _reply(lines, "return")


def _reply(lines: BinaryIO, key: str) -> Any:
    """The next answer; events go by."""
    while True:
        line = lines.readline(LONGEST_REPLY)
        if not line:
            raise ValueError("it ended")
        message = json.loads(line)
        if "error" in message:
            raise ValueError(message["error"].get("desc", "it refused"))
        if key in message:
            return message[key]
