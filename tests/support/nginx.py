"""A web server that was not written for tests: nginx, with a folder of one's own, and what it counts of what it sends.

with Nginx(folder, scratch) as server:
    migstream.open(f"{server.url}/guest.mig")
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

__all__ = ["PROGRAM", "Nginx"]

PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
STARTING = 20.0  # seconds
SETTINGS = """
daemon off;
master_process off;
pid {scratch}/nginx.pid;
error_log {scratch}/error.log;
events {{}}
http {{
    log_format sent '$request_method $status $bytes_sent';
    access_log {scratch}/access.log sent;
    client_body_temp_path {scratch}/body;
    proxy_temp_path {scratch}/proxy;
    fastcgi_temp_path {scratch}/fastcgi;
    uwsgi_temp_path {scratch}/uwsgi;
    scgi_temp_path {scratch}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder};
        autoindex on;
    }}
}}
"""


class Nginx:
    """nginx on a free port of this machine.

    Parameters
    ----------
    folder : what it serves
    scratch : where it may write
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._log = scratch / "access.log"
        self._settings = scratch / "nginx.conf"
        self._settings.write_text(SETTINGS.format(scratch=scratch, folder=folder, port=self._port))

    def __enter__(self) -> Self:
        assert PROGRAM is not None
        self._process = subprocess.Popen(
            [PROGRAM, "-p", str(self._settings.parent), "-c", str(self._settings)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + STARTING
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise OSError("nginx does not start")
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def _listens(self) -> bool:
        with socket.socket() as line:
            return line.connect_ex(("127.0.0.1", self._port)) == 0

    def answers(self) -> list[tuple[str, int, int]]:
        """Method, status and bytes of each answer."""
        lines = [line.split() for line in self._log.read_text().splitlines()]
        return [(method, int(status), int(size)) for method, status, size in lines]
