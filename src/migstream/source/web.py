"""Objects of a web server, by ranges where it gives them (RFC 9110, 14), as a pipe where it does not.

Nothing that a server says is taken for granted: of every answer the range, the size and the object's tag are held
against what was asked for and seen before, and no more of it is read than was asked for.
The connection is fsspec's (aiohttp's), so its settings count: headers, proxies, certificates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar, cast

import aiohttp
from fsspec.asyn import sync
from fsspec.core import url_to_fs
from fsspec.exceptions import FSTimeoutError
from yarl import URL

from migstream.errors import SourceError
from migstream.source.address import public, scrub
from migstream.source.layers import Opened
from migstream.source.ranged import BLOCK, Passing, Ranged, patiently
from migstream.source.store import Whole

__all__ = ["marks_of", "open_web"]

CONNECT, STALL = 15.0, 30.0  # seconds
SLOWEST = 1 << 16  # bytes in a second: what a range may take is reckoned with it
PASSING = {408, 425, 429, 500, 502, 503, 504}
WHOLE, PART, CHANGED, OUTSIDE = 200, 206, 412, 416
SAID = {
    401: "it asks for a user and a password: https://USER:PASSWORD@…, or a line in ~/.netrc",
    403: "a signed address may have expired; else it needs credentials",
    404: "look at the address",
    407: "the proxy asks for a user and a password",
    410: "look at the address",
}
P = ParamSpec("P")
T = TypeVar("T")
_RANGE = re.compile(r"bytes (?:(\d{1,19})-(\d{1,19})|\*)/(\d{1,19}|\*)")
_PLAIN = re.compile("[!-~]+")
COPY = "copy it to a file with another program, then open that"


def open_web(address: str) -> Opened:
    """Open `http://…` or `https://…` (protocol: source.containers.Opener).

    Raises
    ------
    SourceError : there is nothing, it is refused, or the server does not answer in time
    """
    name = public(address)
    web = _Web(address, name)
    try:
        head = patiently(web.begin, name)
    except BaseException:
        web.close()
        raise
    if head is None:
        return Opened(name, None, web, [web])
    if not web.size:
        return Opened(name, Whole(b""), None, [web])
    opened = Opened(name, Ranged(web, name, head), None, [web])
    opened.far = True
    return opened


def marks_of(address: str) -> dict[str, str | int]:
    """Size, `ETag` and `Last-Modified` of an object, as far as the server says them, for one byte of it.

    Raises
    ------
    SourceError : there is nothing, it is refused, or the server does not answer in time
    """
    web = _Web(address, public(address))
    try:
        patiently(web.look, public(address))
        return {**web.tags, **({"size": web.size} if web.size else {})}
    finally:
        web.close()


class _Web:
    """An object at an address: its ranges, or all of it once (protocols: ranged.Ranges, layers.Pipe)."""

    def __init__(self, address: str, name: str) -> None:
        self.size = 0
        self._address = address
        self._name = name
        self.tags: dict[str, str] = {}
        self._whole: aiohttp.ClientResponse | None = None
        self._came = 0  # bytes of it
        try:
            self._files: Any = url_to_fs(address, skip_instance_cache=True)[0]
            # what was signed is sent as it was given
            self._url = URL(address, encoded=_PLAIN.fullmatch(address) is not None)
        except ValueError as error:
            raise SourceError(f"{name}: {scrub(str(error), address)}") from None
        # Ranges are of the bytes as they are sent; proxies and ~/.netrc are what other programs use.
        self._files.client_kwargs = {
            "trust_env": True, **self._files.client_kwargs, "auto_decompress": False,
        }  # fmt: skip

    # --- ranges --------------------------------------------------------------------------------

    def begin(self) -> bytes | None:
        """The first bytes of what is there; None where it has to be read as a whole, once."""
        return self._sync(self._begin, STALL + BLOCK / SLOWEST, True)

    def look(self) -> None:
        """What the server says of it, for its first byte."""
        self._sync(self._look, STALL, True)

    async def _look(self) -> None:
        answer = await self._ask(0, 1)
        try:
            self._succeeded(answer)
            self.size = self._range(answer)[2] or 0
            self._remember(answer)
        finally:
            _done(answer)

    def fetch(self, start: int, stop: int) -> bytes:
        return self._sync(self._fetch, STALL + (stop - start) / SLOWEST, False, start, stop)

    async def _begin(self) -> bytes | None:
        answer = await self._ask(0, BLOCK)
        try:
            start, stop, size = self._range(answer)
            if answer.status == OUTSIDE and size in {0, None}:
                return b""
            self._succeeded(answer)
            if answer.status == PART and size is not None:
                self.size = size
                self._remember(answer)
                return await self._body(answer, 0, min(BLOCK, size), start, stop)
            if answer.status == PART:  # of something whose end it does not know
                answer.close()
                answer = await self._ask(0, None)
                self._succeeded(answer)
                if answer.status == PART:
                    raise self._lied("a part where all was asked for")
            self._whole = answer
            return None
        finally:
            if answer is not self._whole:
                _done(answer)

    async def _fetch(self, start: int, stop: int) -> bytes:
        answer = await self._ask(start, stop)
        try:
            self._same(answer)
            self._succeeded(answer)
            if answer.status == WHOLE:
                raise self._lied("the whole object")
            return await self._body(answer, start, stop, *self._range(answer)[:2])
        finally:
            _done(answer)

    async def _ask(self, start: int, stop: int | None) -> aiohttp.ClientResponse:
        session = await self._files.set_session()
        kept = dict(self._files.kwargs)
        headers = {**kept.pop("headers", {}), "Accept-Encoding": "identity"}
        if stop is not None:
            headers["Range"] = f"bytes={start}-{stop - 1}"
        patience = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=STALL)
        answer: aiohttp.ClientResponse = await session.get(
            self._url, headers=headers, **{"timeout": patience, **kept}
        )
        return answer

    async def _body(
        self,
        answer: aiohttp.ClientResponse,
        start: int,
        stop: int,
        first: int | None,
        behind: int | None,
    ) -> bytes:
        """Bytes [start, stop) out of an answer, which says that it has those of [first, behind)."""
        if first != start or behind is None or not start < behind <= stop:
            raise self._lied(f"bytes {first}-{behind} instead of {start}-{stop}")
        data = bytearray()
        async for piece in answer.content.iter_chunked(BLOCK):
            data += piece
            if len(data) > behind - start:
                raise self._lied(f"more than the {behind - start} bytes that it announced")
        if len(data) < behind - start:
            raise Passing(f"{len(data)} of {behind - start} bytes came")
        return bytes(data)

    # --- all of it, once -----------------------------------------------------------------------

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, none at the end."""
        try:
            return self._sync(self._more, STALL, False, size)
        except Passing as error:
            raise SourceError(
                f"the connection ended early: {error}",
                hint="the server gives no ranges, so it cannot be read on from there: " + COPY,
            ) from None

    async def _more(self, size: int) -> bytes:
        assert self._whole is not None
        data = await self._whole.content.read(size)
        self._came += len(data)
        announced = self._whole.content_length
        if not data and size and announced is not None and self._came < announced:
            raise Passing(f"{self._came} of {announced} bytes came")
        return data

    def close(self) -> None:
        async def end() -> None:
            if self._whole is not None:
                self._whole.close()
            session = self._files._session  # noqa: SLF001 - set_session makes one where there is none
            if session is not None:
                await session.close()

        # whatever happens: it is of no use any more
        with suppress(FSTimeoutError, RuntimeError, OSError, aiohttp.ClientError):
            sync(self._files.loop, end, timeout=CONNECT)

    # --- what a server says ----------------------------------------------------------------------

    def _sync(
        self,
        work: Callable[P, Coroutine[Any, Any, T]],
        seconds: float,
        opening: bool,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Wait for `work`; what may be tried again is Passing, anything else SourceError."""
        try:
            return cast("T", sync(self._files.loop, work, *args, timeout=seconds, **kwargs))
        except (FSTimeoutError, TimeoutError):
            raise Passing(f"no answer in {seconds:.0f} seconds") from None
        except aiohttp.ClientConnectorError as error:
            told = self._told(error)
            if opening or isinstance(error, aiohttp.ClientSSLError):
                raise SourceError(told, hint="look at the host in the address") from None
            raise Passing(told) from None
        except aiohttp.TooManyRedirects:
            said = "it leads from one address to another, and never ends"
            raise SourceError(f"{self._name}: {said}", hint="look at the address") from None
        except aiohttp.ClientResponseError as error:
            raise SourceError(
                f"{self._name}: the server's answer is not HTTP: {self._told(error)}", hint=COPY
            ) from None
        except SourceError:
            raise
        except ValueError as error:  # an address that a redirection leads to, too
            raise SourceError(
                f"{self._name}: {self._told(error)}", hint="look at the address"
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise Passing(self._told(error)) from None

    def _told(self, error: Exception) -> str:
        said = " ".join(scrub(getattr(error, "message", str(error)), self._address).split())[:200]
        return said or type(error).__name__

    def _succeeded(self, answer: aiohttp.ClientResponse) -> None:
        if answer.status in {WHOLE, PART}:
            return
        reason = " ".join((answer.reason or "").split())[:80]
        said = scrub(f"the server says {answer.status} {reason}".rstrip(), self._address)
        if answer.status in PASSING:
            after = answer.headers.get("Retry-After", "")
            raise Passing(said, float(after) if re.fullmatch(r"\d{1,4}", after) else 0.0)
        raise SourceError(f"{self._name}: {said}", hint=SAID.get(answer.status, COPY))

    def _range(self, answer: aiohttp.ClientResponse) -> tuple[int | None, int | None, int | None]:
        """First byte, byte behind the last one and size that an answer is about, None where it does not say."""
        found = _RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
        if found is None:
            if answer.status == PART:
                raise self._lied("a part without saying which")
            return None, None, None
        first, last, size = found.groups()
        return (
            None if first is None else int(first),
            None if last is None else int(last) + 1,
            None if size == "*" else int(size),
        )

    def _remember(self, answer: aiohttp.ClientResponse) -> None:
        for tag in ("ETag", "Last-Modified"):
            if tag in answer.headers:
                self.tags[tag] = answer.headers[tag]

    def _same(self, answer: aiohttp.ClientResponse) -> None:
        """Refuse an answer about another object than the first one was about."""
        if answer.status not in {WHOLE, PART, CHANGED, OUTSIDE}:
            return
        size = None if answer.status == CHANGED else self._range(answer)[2]
        changed = answer.status in {CHANGED, OUTSIDE} or size not in {None, self.size}
        tag = next(iter(self.tags), "")  # the first says more than the second
        if tag and answer.headers.get(tag, self.tags[tag]) != self.tags[tag]:
            changed = True
        if changed:
            raise SourceError(
                f"{self._name}: changed while it was read",
                hint="something else writes to it: wait for that to end, or copy it first",
            )

    def _lied(self, what: str) -> SourceError:
        return SourceError(
            f"{self._name}: the server was asked for a range, and sends {what}", hint=COPY
        )


def _done(answer: aiohttp.ClientResponse) -> None:
    """Keep the connection where an answer was read to its end."""
    if answer.content.at_eof():
        answer.release()
    else:
        answer.close()
