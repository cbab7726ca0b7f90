"""A session over whatever carries bytes: a pair of pipes, a connection."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

from migstream.gdb.session import Session

__all__ = ["CHUNK", "serve", "serve_one"]

CHUNK = 1 << 16


def serve(session: Session, receive: Callable[[], bytes], send: Callable[[bytes], None]) -> None:
    """Until the debugger closes its end (`receive` gives nothing), or takes its leave."""
    while not session.ended and (data := receive()):
        send(session.feed(data))


def serve_one(session: Session, listening: socket.socket) -> None:
    """The same with the first who connects; a connection that breaks has ended."""
    with listening:
        connection, _ = listening.accept()
    with connection, contextlib.suppress(ConnectionError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        serve(session, lambda: connection.recv(CHUNK), connection.sendall)
