"""The device sections of a stream with their values, found by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from migstream.source.store import Store
from migstream.vmstate.layout import Layout
from migstream.vmstate.paths import no_such
from migstream.vmstate.values import Value, root
from migstream.wire.model import Section

__all__ = ["Device", "Devices", "opaque"]


class Device:
    """One device section: where it is, what the description says of it, its values."""

    def __init__(self, section: Section, layout: Layout | None, store: Store) -> None:
        self.section = section
        self.layout = layout
        self.value = root(layout or opaque(section), section.payload, section.path, store.view)

    def __repr__(self) -> str:
        return f"<Device {self.path} {self.section.span}>"

    @property
    def name(self) -> str:
        return self.section.name

    @property
    def instance_id(self) -> int:
        return self.section.instance_id

    @property
    def path(self) -> str:
        return self.section.path

    @property
    def described(self) -> bool:
        """Whether the payload has a layout; if not, it is one opaque `data` buffer."""
        return self.layout is not None

    def __getitem__(self, path: str) -> Value:
        return self.value[path]

    def __iter__(self) -> Iterator[Value]:
        return self.value.children


def opaque(section: Section) -> Layout:
    """A payload that nothing describes, as one buffer (as savevm.c: vmstate_save_old_style has it)."""
    from migstream.vmstate.layout import Node

    size = section.payload.size
    data = Node(name="data", type="buffer", kind="leaf", offset=0, size=size, stride=size)
    return Layout(section.name, section.version_id or 0, size, (data,), exact=False)


class Devices(Sequence[Device]):
    """The device sections in their order on the wire; by index, by name, by (name, instance id)."""

    def __init__(self, devices: Sequence[Device]) -> None:
        self._devices = tuple(devices)

    def __len__(self) -> int:
        return len(self._devices)

    def __getitem__(self, key: Any) -> Any:  # Device, or a tuple of them for a slice
        if isinstance(key, int | slice):
            return self._devices[key]
        name, instance = (key, None) if isinstance(key, str) else key
        hits = [d for d in self if d.name == name and instance in {None, d.instance_id}]
        if len(hits) == 1:
            return hits[0]
        if hits:
            error = no_such(name, [d.path for d in hits])
            error.message = f"{len(hits)} devices are called {name!r}"
            raise error
        raise no_such(name if instance is None else f"{name}[{instance}]", [d.path for d in self])

    def __iter__(self) -> Iterator[Device]:
        return iter(self._devices)
