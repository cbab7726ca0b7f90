"""A web server of one's own: objects of any size with ranges, and servers that do not keep to the rules.

with Server(bytes) as server:
    migstream.open(server.url)
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol, Self

import migstream
from migstream.wire.model import Section, SectionType
from support import build

__all__ = ["Bytes", "Handler", "Server", "Sparse"]

PIECE = 1 << 20
PAGE = 4096


class Object(Protocol):
    """What is served."""

    size: int

    def read(self, start: int, stop: int) -> bytes: ...


class Bytes:
    """An object in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, start: int, stop: int) -> bytes:
        return self.data[start:stop]


class Sparse:
    """A stream of any size: one of a guest, in which the pages of its memory are sent over and over.

    Parameters
    ----------
    head, tail : what precedes a part of guest memory, and what follows it
    section : the id of the section
    block, pages : a RAM block, and how many pages of it there are
    least : bytes of the whole, more or less
    """

    def __init__(
        self, head: bytes, tail: bytes, section: int, block: str, pages: int, least: int
    ) -> None:
        first = build.be64(8) + build.counted(block) + bytes(PAGE)
        self._head = head + b"\x02" + build.be32(section) + first
        self._tail = build.be64(build.EOS) + build.footer(section) + tail
        self._pages = pages
        self._end = len(self._head) + least // (8 + PAGE) * (8 + PAGE)
        self.size = self._end + len(self._tail)

    @classmethod
    def of(cls, path: Path, least: int) -> Sparse:
        """That of a PC whose stream is in a file."""
        with migstream.open(path) as stream:
            part = next(
                one
                for one in stream.items
                if isinstance(one, Section) and one.type == SectionType.PART
            )
            head = bytes(stream.store.view(0, part.span.start))
            tail = bytes(stream.store.view(part.span.start, stream.size))
            pages = stream.ram["pc.ram"].size // PAGE
        return cls(head, tail, part.section_id, "pc.ram", pages, least)

    def read(self, start: int, stop: int) -> bytes:
        out = bytearray()
        stop = min(stop, self.size)
        while start < stop:
            if start < len(self._head):
                piece = self._head[start:stop]
            elif start < self._end:
                number, at = divmod(start - len(self._head), 8 + PAGE)
                record = build.be64((number + 1) % self._pages * PAGE | 8 | 0x20) + bytes(PAGE)
                piece = record[at : at + min(stop, self._end) - start]
            else:
                piece = self._tail[start - self._end : stop - self._end]
            out += piece
            start += len(piece)
        return bytes(out)


Answer = Callable[["Handler", int, int], bool]


class Server:
    """Serves one object at any path, on this machine.

    Parameters
    ----------
    object_ : what is served
    instead : is asked first, with the handler and the range [start, stop) that is wanted; true where it answered
    ranges : whether there are ranges at all
    """

    def __init__(
        self, object_: Object | bytes, instead: Answer | None = None, *, ranges: bool = True
    ) -> None:
        self.object: Object = Bytes(object_) if isinstance(object_, bytes) else object_
        self.instead = instead
        self.ranges = ranges
        self.tag = '"one"'
        self.asked: list[tuple[int, int] | None] = []
        self.paths: list[str] = []
        self.headers: list[Any] = []
        self.sent = 0
        self.over = threading.Event()

    def __enter__(self) -> Self:

        self._http = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Bound", (Handler,), {"server_of": self})
        )
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=lambda: self._http.serve_forever(0.02), daemon=True)
        self._thread.start()
        self.host = f"127.0.0.1:{self._http.server_address[1]}"
        self.url = f"http://{self.host}/night/guest.mig"
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._http.shutdown()
        self._http.server_close()

    def stall(self) -> None:
        """Wait until the test is over."""
        self.over.wait(60)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server_of: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server_of
        size = server.object.size
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        wanted = (int(found[1]), min(int(found[2]) + 1, size)) if found else None
        server.asked.append(wanted)
        server.paths.append(self.path)
        server.headers.append(self.headers)
        start, stop = wanted or (0, size)
        if server.instead is not None and server.instead(self, start, stop):
            return
        if wanted is None or not server.ranges:
            self.answer(200, {}, 0, size)
        elif start >= size:
            self.answer(416, {"Content-Range": f"bytes */{size}"}, 0, 0)
        else:
            self.answer(206, {"Content-Range": f"bytes {start}-{stop - 1}/{size}"}, start, stop)

    def answer(
        self, status: int, headers: dict[str, str], start: int, stop: int, length: int | None = None
    ) -> None:
        """Answer with bytes [start, stop) of the object."""
        length = stop - start if length is None else length
        self.begin(status, {"Content-Length": str(length), **headers})
        try:
            while start < stop:
                piece = self.server_of.object.read(start, min(stop, start + PIECE))
                self.server_of.sent += len(piece)  # before the client can have it, and ask
                self.wfile.write(piece)
                start += len(piece)
        except OSError:
            self.close_connection = True

    def begin(self, status: int, headers: dict[str, str]) -> None:
        """Send status and headers."""
        self.send_response(status)
        for name, value in {"ETag": self.server_of.tag, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def drip(self, pause: float, size: int = 1) -> None:
        """Send some bytes from time to time until the test is over."""
        while not self.server_of.over.is_set():
            try:
                self.wfile.write(bytes(size))
                self.wfile.flush()
            except OSError:
                return
            time.sleep(pause)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""
