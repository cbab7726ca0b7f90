"""Whether a real QEMU takes a stream, and its words where it does not.

A stream alone goes to it as a descriptor. One with multifd channels needs connections, which QEMU
takes over sockets only: then it listens on the loopback, at a port of its own choice.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress

import msgspec

from migstream.errors import QemuError, SourceError
from migstream.qemu.process import PATIENCE, Qemu, Refused

__all__ = ["Verdict", "load"]

LOOPBACK = "tcp:127.0.0.1:0"
FATAL = 2.0  # seconds between a refusal and the end of a QEMU that refused


class Verdict(msgspec.Struct, frozen=True):
    """What became of a stream that a QEMU was told to load; `said` is what it printed."""

    accepted: bool
    said: str


def load(
    command: Sequence[str],
    arguments: Sequence[str],
    path: str | os.PathLike[str],
    capabilities: Sequence[str] = (),
    patience: float = PATIENCE,
    channels: Sequence[str | os.PathLike[str]] = (),
    parameters: Mapping[str, object] | None = None,
) -> Verdict:
    """Let a QEMU load a stream.

    Parameters
    ----------
    command : the QEMU, or a wrapper and what it runs
    arguments : as the guest is started, without `-incoming`
    path : the stream itself, not compressed
    capabilities : that the destination is to have
    patience : seconds that it may take
    channels : recordings of its multifd channels, in their order
    parameters : migration parameters that the destination is to have

    Raises
    ------
    QemuError : it does not start with these arguments, or neither loads nor refuses
    Refused : it does not take one of the capabilities
    SourceError : the stream cannot be opened
    """
    with Qemu(command, [*arguments, "-incoming", "defer"]) as guest:
        guest.set_capabilities(capabilities)
        if parameters:
            guest.execute("migrate-set-parameters", parameters)
        with ExitStack() as stack:
            descriptors = [_open(one) for one in (path, *channels)]
            for descriptor in descriptors:
                stack.callback(os.close, descriptor)
            return _loaded(guest, descriptors, patience)


def _open(path: str | os.PathLike[str]) -> int:
    try:
        return os.open(path, os.O_RDONLY)
    except OSError as error:
        raise SourceError(f"{os.fspath(path)}: {(error.strerror or str(error)).lower()}") from None


def _loaded(guest: Qemu, descriptors: Sequence[int], patience: float) -> Verdict:
    """What becomes of a stream, or of a stream and its channels."""
    try:
        with ExitStack() as stack:
            if len(descriptors) == 1:
                guest.execute("migrate-incoming", {"uri": guest.give(descriptors[0])})
            else:
                stack.enter_context(_fed(guest, descriptors))
            guest.finish_migration(patience)
    except QemuError as error:
        if isinstance(error, Refused) and not guest.words():
            return Verdict(False, error.said)
        # one that refuses says why and ends; newer ones may be told not to
        if not guest.wait_for_the_end(FATAL) and not guest.words():
            raise
        return Verdict(False, guest.words())
    return Verdict(True, guest.words())


@contextmanager
def _fed(guest: Qemu, descriptors: Sequence[int]) -> Iterator[None]:
    """A connection for each file, the main one first, as QEMU makes them."""
    guest.execute("migrate-incoming", {"uri": LOOPBACK})
    address = guest.execute("query-migrate")["socket-address"][0]
    place = address["host"], int(address["port"])
    with ExitStack() as stack:
        for descriptor in descriptors:
            connection = stack.enter_context(socket.create_connection(place, PATIENCE))
            feeder = threading.Thread(target=_feed, args=(connection, descriptor))
            feeder.start()
            stack.callback(feeder.join)
            # wakes a feeder to which nobody listens
            stack.callback(_hang_up, connection)
        yield


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _feed(connection: socket.socket, descriptor: int) -> None:
    """Send a file; one that hears no more has said why by other means."""
    with suppress(OSError), os.fdopen(os.dup(descriptor), "rb") as file:
        connection.sendfile(file)
