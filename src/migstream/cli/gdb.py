"""`migstream gdb`."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import click

from migstream.cli import terminal
from migstream.cli.common import Run, verb
from migstream.cli.options import STDOUT
from migstream.cli.printing import warn
from migstream.errors import SourceError

if TYPE_CHECKING:
    from io import BufferedReader

    from migstream.gdb.guest import Guest

__all__ = ["command"]

LOOPBACK = ("127.0.0.1", "localhost")


class _Address(click.ParamType):  # type: ignore[type-arg]
    """A port of this machine."""

    name = "address"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        host, _, port = value.rpartition(":")
        if host not in ("", *LOOPBACK):
            self.fail(f"{host!r} is not this machine: only 127.0.0.1 is listened on", param, ctx)
        if not (port.isascii() and port.isdecimal() and int(port) < 1 << 16):
            self.fail(f"{port!r} is not a port", param, ctx)
        return int(port)


@verb(
    click.Option(
        ["--listen", "port"],
        type=_Address(),
        metavar="[127.0.0.1:]PORT",
        help="Wait for one debugger at a port of this machine; 0 is any that is free.",
    ),
    memory=True,
)
def command(run: Run, port: int | None) -> None:
    """A saved guest for gdb, as QEMU's gdbstub has a stopped one: registers, memory, `monitor help`.

    In gdb: target remote | migstream gdb STREAM. The guest cannot run or be changed.
    """
    from migstream.gdb.guest import Guest
    from migstream.gdb.serve import CHUNK, serve, serve_one
    from migstream.gdb.session import Session

    if run.as_json:
        raise click.UsageError("--json prints a result, and this is a conversation")
    if port is None:
        _refuse_terminal()
    guest = Guest(run.stream)
    _remark(guest)
    session = Session(guest)
    if port is not None:
        serve_one(session, _listening(port))
    else:
        with _spared():
            pipe = cast("BufferedReader", sys.stdin.buffer)
            serve(session, lambda: pipe.read1(CHUNK), run.write)


@contextmanager
def _spared() -> Iterator[None]:
    """Ctrl-C at the debugger's prompt is the debugger's: the terminal sends it to us, too."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _refuse_terminal() -> None:
    """Standard input and output are the debugger's."""
    ctx = click.get_current_context()
    if ctx.params["source"] == STDOUT:
        raise click.UsageError(
            "- and gdb both mean standard input: --listen PORT leaves it to STREAM"
        )
    if terminal.is_terminal(sys.stdin):
        raise click.UsageError(
            "nobody types this protocol: in gdb, target remote | migstream gdb STREAM; or --listen PORT"
        )


def _remark(guest: Guest) -> None:
    """What a reader should know before; gdb shows it with its own words."""
    if guest.target.order == "big":
        warn(
            "migstream: big-endian: `set endian big` before `target remote`, unless gdb has a file"
        )
    if guest.untranslated:
        warn(f"migstream: {guest.untranslated}: `monitor physical on` reads by physical addresses")


def _listening(port: int) -> socket.socket:
    try:
        found = socket.create_server((LOOPBACK[0], port))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SourceError(f"port {port} cannot be listened on: {reason}") from None
    warn(f"migstream: target remote {LOOPBACK[0]}:{found.getsockname()[1]}", "note")
    return found
