"""What comes of a machine that is put together."""

from __future__ import annotations

import msgspec

__all__ = ["Composed"]


class Composed(msgspec.Struct, frozen=True):
    """The stream, the machine type that it is of, and what was assumed for it.

    `blocked` are devices that cannot be migrated: with one of them no stream is taken. `unknown` is what the names of
    sections and RAM blocks begin with of which nothing is known. `places` are the paths of the parts that were asked
    for, in their order (empty where one has none), `taken` the slots of the root bus that the machine's own devices have,
    `twice` a path that two parts would have, `lacking` device types that this QEMU does not have: it starts with neither.
    """

    stream: bytes
    machine: str
    assumptions: tuple[str, ...]
    blocked: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    max_cpus: int | None = None
    twice: str = ""
    lacking: tuple[str, ...] = ()
