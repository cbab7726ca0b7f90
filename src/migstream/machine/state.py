"""What this layer needs of a stream: names, values and blocks. `Stream` fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from migstream.ram.model import RamBlock
from migstream.vmstate.values import Value

__all__ = ["DeviceState", "State", "child", "number"]


class DeviceState(Protocol):
    """One device section (`stream.Device`)."""

    @property
    def name(self) -> str: ...
    @property
    def instance_id(self) -> int: ...
    @property
    def path(self) -> str: ...
    @property
    def described(self) -> bool: ...
    @property
    def value(self) -> Value: ...


class State(Protocol):
    """The device half of a stream, and the list of its RAM blocks in the stream's order."""

    @property
    def machine(self) -> str | None: ...
    @property
    def devices(self) -> Iterable[DeviceState]: ...
    @property
    def blocks(self) -> tuple[RamBlock, ...]: ...


def child(value: Value, *names: str) -> Value | None:
    """The value under `value` by the exact names of fields and subsections, None where absent."""
    for name in names:
        found: Iterator[Value] = (c for c in value.children if c.name == name)
        one = next(found, None)
        if one is None:
            return None
        value = one
    return value


def number(value: Value, *names: str) -> int | None:
    """An integer by the exact names that lead to it, None where it is absent or no integer."""
    one = child(value, *names)
    if one is None or one.kind != "leaf" or one.count is not None:
        return None
    found = one.value
    return int(found) if isinstance(found, int) else None
