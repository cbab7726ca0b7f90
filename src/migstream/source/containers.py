"""What a stream may stand in: containers, told by their first bytes, opened one inside the other.

A container is a function of what is open (`Container`); a table names them, and other packages add
theirs. Addresses that no file system knows are opened by their scheme in the same way.
"""

from __future__ import annotations

from typing import Protocol

from migstream.errors import SourceError
from migstream.plugins import Registry
from migstream.source.layers import Opened

__all__ = ["CONTAINERS", "NONE", "SCATTERED", "SCHEMES", "Container", "Opener", "unwrap"]

DEEPEST = 8
SCATTERED = (b"QFI\xfb",)  # what begins somewhere inside of these is not to be read on from there
NONE = "none"  # what is asked for where something looks like a container and is not one


class Container(Protocol):
    """Opens one kind of container."""

    def __call__(self, outer: Opened, /) -> Opened | None:
        """What stands inside `outer` (`outer.inside(…)`), None where its bytes are not of this kind.

        `outer.head(size)` tells; then ranges of `outer.store` are read as they are asked for where
        there is a store, and `outer.reader()` forward where there is not. `outer.spool().store` is
        for what cannot be read forward.

        Raises
        ------
        SourceError, NotAStream : they are of this kind, and broken
        """
        ...


class Opener(Protocol):
    """Opens what is at an address, such as `https://host/path`."""

    def __call__(self, address: str, /) -> Opened: ...


CONTAINERS: Registry[Container] = Registry(
    "migstream.containers",
    {
        "gzip": "migstream.source.compressed:GZIP",
        "bzip2": "migstream.source.compressed:BZIP2",
        "xz": "migstream.source.compressed:XZ",
        "zstd": "migstream.source.compressed:ZSTD",
        "lz4": "migstream.source.compressed:LZ4",
        "lzop": "migstream.source.compressed:LZOP",
        "libvirt": "migstream.source.libvirt:open_save",
        "qcow2": "migstream.source.qcow2:open_image",
        "capture": "migstream.source.capture:open_capture",
    },
)
SCHEMES: Registry[Opener] = Registry("migstream.schemes")


def unwrap(opened: Opened, bare: bytes = b"") -> Opened:
    """What stands in the innermost container: this itself where it is in none.

    Parameters
    ----------
    bare : what begins so is in no container: none is asked

    `opened.asked` says which container it is where its bytes are not to tell.

    Raises
    ------
    SourceError : a container is broken, is not the one that was asked for, or holds nothing of the
        name that was asked for; or more than eight stand in one another
    """
    forced = opened.asked.container
    if forced == NONE:
        return opened
    if forced is not None:
        opened = _forced(opened, forced)
    inner = _innermost(opened, bare)
    if inner.asked.left is not None:
        kinds = " in ".join(layer.name for layer in reversed(inner.layers))
        raise SourceError(
            f"nothing in it is called {inner.asked.left!r}: "
            + (f"{kinds} holds one thing" if kinds else "it is not a container"),
            hint="leave --inside out",
        )
    return inner


def _forced(opened: Opened, name: str) -> Opened:
    open_ = CONTAINERS.find(name)
    if open_ is None:
        known = ", ".join([NONE, *CONTAINERS.names()])
        raise SourceError(f"no container is called {name!r}", hint=f"there are: {known}")
    inner = open_(opened)
    if inner is None:
        raise SourceError(
            f"it does not begin as {name} does", hint="--container none takes it as it is"
        )
    return inner


def _innermost(opened: Opened, bare: bytes) -> Opened:
    for _ in range(DEEPEST + 1):
        if bare and opened.head(len(bare)) == bare:
            return opened
        inner = _inside(opened)
        if inner is None:
            return opened
        opened = inner
    chain = " in ".join(layer.name for layer in reversed(opened.layers))
    raise SourceError(
        f"more than {DEEPEST} containers stand in one another: {chain}",
        hint="no tool makes that by itself: take the stream out first, then open that",
    )


def _inside(opened: Opened) -> Opened | None:
    return next(
        (inner for _, open_ in CONTAINERS.each() if (inner := open_(opened)) is not None), None
    )
