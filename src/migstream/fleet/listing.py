"""Objects of folders, stores and lists, one after the other: at no time more than a page of names is in memory."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fnmatch import translate
from functools import cache
from pathlib import Path
from typing import IO, Any, NamedTuple

from migstream.errors import SourceError
from migstream.fleet.marks import Mark, facts_mark, is_address, status_mark
from migstream.source.address import public, scheme_of, scrub

__all__ = ["Listed", "Place", "listed"]

STDIN = "-"
MAGIC = re.compile(r"[*?\[]")
LONGEST = 1 << 16  # bytes of a line of a list
S3 = frozenset(("s3", "s3a"))


class Listed(NamedTuple):
    """An object: its path or address, and its mark, None where no list said it."""

    url: str
    mark: Mark | None


class Place(NamedTuple):
    """What a folder, a prefix or a pattern stands for: how names in it begin, and what of the rest fits."""

    front: str
    fits: re.Pattern[str]

    def holds(self, url: str) -> bool:
        """Whether an object of that name, without secrets, is one of it."""
        return url.startswith(self.front) and bool(self.fits.fullmatch(url[len(self.front) :]))


def listed(
    names: Iterable[str], lines: IO[bytes], over: list[Place] | None = None
) -> Iterator[Listed]:
    """All objects that some names stand for.

    Parameters
    ----------
    names : files, folders with all that is below them, patterns (`*`, `?`, `[…]`, `**` for any folders), the same at
        an address; `-` for a list of such names
    lines : that list, a name each; what is in it is taken as it is, and looked at when its turn comes
    over : is given each place once all that is in it was listed

    Raises
    ------
    SourceError : a folder or a store cannot be listed
    """
    over = [] if over is None else over
    for name in names:
        if name == STDIN:
            yield from _from_list(lines)
        elif is_address(name):
            yield from _far(name, over)
        else:
            yield from _near(name, over)


def _from_list(lines: IO[bytes]) -> Iterator[Listed]:
    while line := lines.readline(LONGEST):
        name = os.fsdecode(line.rstrip(b"\r\n\0"))
        if name:
            yield Listed(name, None)


# --- folders of this machine -------------------------------------------------------------------------


def _near(name: str, over: list[Place]) -> Iterator[Listed]:
    """Plain files; links to folders are not followed, names that begin with a dot are left out."""
    try:
        if not MAGIC.search(name) or os.path.lexists(name):
            try:
                found = Path(name).stat()
            except FileNotFoundError:
                yield Listed(os.path.abspath(name), None)  # noqa: PTH100 - its row says so
                return
            if not stat.S_ISDIR(found.st_mode):
                yield Listed(os.path.abspath(name), status_mark(found))  # noqa: PTH100
                return
            yield from _below(name, "**", over)
            return
        fixed, pattern = _split(name)
        yield from _below(fixed or ".", pattern, over)
    except OSError as error:
        raise SourceError(
            f"{error.filename or name}: {(error.strerror or str(error)).lower()}"
        ) from None


def _below(folder: str, pattern: str, over: list[Place]) -> Iterator[Listed]:
    """Files below a folder that fit; one folder is open for each that is above."""
    fits = _pattern(pattern)
    deep = "**" in pattern or "/" in pattern
    top = os.path.abspath(folder)  # noqa: PTH100
    front = top.rstrip("/") + "/"
    above = [os.scandir(top)]
    try:
        while above:
            entry = next(above[-1], None)
            if entry is None:
                above.pop().close()
            elif entry.name.startswith("."):
                continue
            elif entry.is_dir(follow_symlinks=False):
                if deep:
                    try:
                        above.append(os.scandir(entry.path))
                    except PermissionError:
                        yield Listed(entry.path, None)  # which says so in its row
            elif fits.fullmatch(entry.path.removeprefix(front)):
                with suppress(OSError):  # gone, or a link that leads nowhere
                    found = entry.stat()
                    if stat.S_ISREG(found.st_mode):
                        yield Listed(entry.path, status_mark(found))
        over.append(Place(front, fits))
    finally:
        for one in above:
            one.close()


def _split(name: str) -> tuple[str, str]:
    """What of a pattern is fixed, up to a slash, and what follows."""
    wild = MAGIC.search(name)
    slash = name.rfind("/", 0, wild.start() if wild else len(name))
    return name[: slash + 1], name[slash + 1 :]


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """As shells have it: `*` stays in a folder, `**` does not."""
    parts = [
        "(?:.*/)?" if part == "**/" else ".*" if part == "**" else _within(part)
        for part in re.split(r"(\*\*/|\*\*)", pattern)
    ]
    return re.compile("".join(parts), re.DOTALL)


def _within(part: str) -> str:
    return (
        re.sub(r"^\(\?s:|\)\\[zZ]$", "", translate(part))
        .replace(".*", "[^/]*")
        .replace("(?s:", "(?:")
    )


# --- stores ------------------------------------------------------------------------------------------


def _far(name: str, over: list[Place]) -> Iterator[Listed]:
    """Objects at an address: one, all below a prefix that ends with a slash, or those of a pattern."""
    fixed, pattern = (name, "") if name.endswith("/") else _split(name)
    if not name.endswith("/") and not MAGIC.search(pattern):
        yield Listed(name, None)
        return
    try:
        from fsspec.core import url_to_fs

        files, root = url_to_fs(fixed, use_listings_cache=False)
        found = _pages(files, root) if scheme_of(name) in S3 else _folders(files, root)
        front = fixed.partition("://")[0] + "://"
        root = root.rstrip("/") + "/"
        fits = _pattern(pattern or "**")
        for path, facts in found:
            if fits.fullmatch(path.removeprefix(root)):
                mark = facts_mark(facts)  # of which a page of links has nothing
                yield Listed(_address(front, path), None if mark == Mark() else mark)
        over.append(Place(public(_address(front, root)), fits))
    except SourceError:
        raise
    except Exception as error:  # noqa: BLE001 - a store's library raises what it likes
        raise SourceError(
            f"{public(name)}: cannot be listed: {scrub(str(error), name) or type(error).__name__}",
            hint="credentials and settings are those of fsspec and of the package for this scheme",
        ) from None


def _address(front: str, path: str) -> str:
    return path if "://" in path else f"{front}{path}"


def _pages(files: Any, root: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of S3 a thousand at a time: its file system would keep the list of all."""
    bucket, _, prefix = root.strip("/").partition("/")
    asked: dict[str, Any] = {"Bucket": bucket, "Prefix": f"{prefix}/" if prefix else ""}
    while True:
        page = files.call_s3("list_objects_v2", **asked)
        for one in page.get("Contents", ()):
            if not one["Key"].endswith("/"):
                yield f"{bucket}/{one['Key']}", {**one, "size": one.get("Size")}
        token = page.get("NextContinuationToken")
        if not token:
            return
        asked["ContinuationToken"] = token


def _folders(files: Any, root: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of any other a folder at a time."""
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        for one in files.ls(folder, detail=True):
            if one["name"].rstrip("/") == folder.rstrip("/"):
                continue
            if one["type"] == "directory":
                waiting.append(one["name"])
            else:
                yield one["name"], one
