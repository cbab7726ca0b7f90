"""An SSH server of one's own, on this machine, that serves the files of one folder (paramiko's)."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Any, Self

import pytest

paramiko: Any = pytest.importorskip("paramiko", reason="paramiko is not installed")

__all__ = ["Sftp"]


class _Door(paramiko.ServerInterface):  # type: ignore[misc]
    def check_auth_password(self, username: str, password: str) -> int:
        good = (username, password) == ("alice", "sekret1")
        return int(paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED)

    def get_allowed_auths(self, _: str) -> str:
        return "password"

    def check_channel_request(self, *_: object) -> int:
        return int(paramiko.OPEN_SUCCEEDED)


class _Files(paramiko.SFTPServerInterface):  # type: ignore[misc]
    folder: Path

    def stat(self, path: str) -> Any:
        try:
            return paramiko.SFTPAttributes.from_stat((self.folder / path.lstrip("/")).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    lstat = stat

    def open(self, path: str, flags: int, _: object) -> Any:
        handle = paramiko.SFTPHandle(flags)
        try:
            handle.readfile = (self.folder / path.lstrip("/")).open("rb")
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        handle.stat = lambda: paramiko.SFTPAttributes.from_stat(os.fstat(handle.readfile.fileno()))
        return handle


class Sftp:
    """Serves a folder to alice, whose password is sekret1."""

    def __init__(self, folder: Path) -> None:
        self._files = type("Bound", (_Files,), {"folder": folder})
        self._key = paramiko.ECDSAKey.generate()
        self._open: list[Any] = []

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        for transport in self._open:
            transport.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self._key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, self._files)
            self._open.append(transport)
            transport.start_server(server=_Door())
