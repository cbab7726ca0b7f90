"""What tells one state of an object from another, as far as its store says: it is not opened for that."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import msgspec

from migstream.source.address import scheme_of
from migstream.source.remote import WEB

__all__ = ["Mark", "facts_mark", "is_address", "mark_of", "status_mark"]

# By which names stores tell an object's tag, and when it was written.
TAGS = ("ETag", "etag", "generation", "version_id", "md5")
TIMES = (
    "LastModified",
    "Last-Modified",
    "last_modified",
    "updated",
    "mtime",
    "modified",
    "created",
)


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Size in bytes, tag, and when it was written last; None where that is not said."""

    size: int | None = None
    etag: str | None = None
    mtime: datetime | None = None


def is_address(name: str) -> bool:
    """Whether a name is an address, and not a file's."""
    if not scheme_of(name):
        return False
    from migstream.source.containers import SCHEMES
    from migstream.source.remote import opener_of

    return (SCHEMES.find(scheme_of(name)) or opener_of(name)) is not None


def status_mark(found: os.stat_result) -> Mark:
    """The mark of a file."""
    return Mark(size=found.st_size, mtime=datetime.fromtimestamp(found.st_mtime, UTC))


def facts_mark(facts: dict[str, Any]) -> Mark:
    """The mark of an object, from what a store's list says of it."""
    size = facts.get("size")
    tag = next((facts[name] for name in TAGS if facts.get(name)), None)
    when = next((facts[name] for name in TIMES if facts.get(name)), None)
    return Mark(
        size=size if isinstance(size, int) else None,
        etag=None if tag is None else str(tag).strip('"'),
        mtime=_time(when),
    )


def _time(when: Any) -> datetime | None:
    if isinstance(when, str):
        when = _said(when)
    if isinstance(when, int | float) and 0 <= when < 1 << 33:
        return datetime.fromtimestamp(when, UTC)
    if isinstance(when, datetime):
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    return None


def _said(when: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        with suppress(ValueError):
            return read(when)
    return None


def mark_of(url: str) -> Mark:
    """What the store says of one object, unopened; nothing where it does not, as who opens it says why."""
    try:
        if not is_address(url):
            return status_mark(Path(url).stat())
        if scheme_of(url) in WEB:
            from migstream.source.web import marks_of

            return facts_mark(marks_of(url))
        from fsspec.core import url_to_fs

        files, path = url_to_fs(url)
        files.invalidate_cache(path)
        return facts_mark(files.info(path))
    except Exception:  # noqa: BLE001 - a store's library raises what it likes
        return Mark()
