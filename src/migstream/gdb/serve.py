"""A session over file descriptors or a connection; whatever its end is, it is quiet."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable

from migstream.gdb.session import Session

__all__ = ["over_descriptors", "over_socket"]

CHUNK = 1 << 16


def over_descriptors(session: Session, reading: int, writing: int) -> None:
    """Until the debugger closes its end, or takes its leave."""

    def send(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(writing, view) :]

    _serve(session, lambda: os.read(reading, CHUNK), send)


def over_socket(session: Session, listening: socket.socket) -> None:
    """The same with the first who connects."""
    with listening:
        connection, _ = listening.accept()
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _serve(session, lambda: connection.recv(CHUNK), connection.sendall)


def _serve(session: Session, receive: Callable[[], bytes], send: Callable[[bytes], None]) -> None:
    with contextlib.suppress(ConnectionError):  # a broken pipe is one
        while not session.ended and (data := receive()):
            send(session.feed(data))
