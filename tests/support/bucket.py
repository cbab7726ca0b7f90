"""An S3 server of one's own: moto's, which counts what it is asked for, and fails when it is told to.

with Bucket() as bucket:
    bucket.put("night/guest.mig", b"…")
    migstream.open(bucket.url("night/guest.mig"))
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any, Self

__all__ = ["Bucket"]

NAME = "fleet"
SETTINGS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}

Failing = Callable[[int, dict[str, Any]], bool]


class Bucket:
    """A server with one bucket; what it needs to be found is in the environment meanwhile.

    Parameters
    ----------
    failing : of a request's number, from 1, and its WSGI environment, whether it is answered with 503
    """

    def __init__(self, failing: Failing = lambda _, __: False) -> None:
        self.failing = failing
        self.asked = 0
        self.failed = 0
        self.sent = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        import boto3
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log(self, *_: object) -> None:
                """Print nothing."""

        self._inner = DomainDispatcherApplication(create_backend_app)
        self._http = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=Quiet)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()
        address = f"http://127.0.0.1:{self._http.server_port}"
        self._before = dict(os.environ)
        os.environ.update(SETTINGS, AWS_ENDPOINT_URL=address)
        self._s3: Any = boto3.client("s3")
        self._s3.create_bucket(Bucket=NAME)
        return self

    def __exit__(self, *_: object) -> None:
        from moto.backends import get_backend

        self._s3.close()
        self._http.shutdown()
        self._http.server_close()
        get_backend("s3").reset()
        os.environ.clear()
        os.environ.update(self._before)

    def put(self, key: str, data: bytes) -> str:
        """Keep an object; its address."""
        self._s3.put_object(Bucket=NAME, Key=key, Body=data)
        return self.url(key)

    def delete(self, key: str) -> None:
        self._s3.delete_object(Bucket=NAME, Key=key)

    def url(self, key: str = "") -> str:
        """The address of an object, or of all."""
        return f"s3://{NAME}/{key}"

    def _answer(self, environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with self._lock:
            self.asked += 1
            number = self.asked
        if self.failing(number, environment):
            self.failed += 1
            start("503 Slow Down", [("Content-Length", "0")])
            return [b""]
        pieces: list[bytes] = list(self._inner(environment, start))
        with self._lock:
            self.sent += sum(map(len, pieces))
        return pieces
