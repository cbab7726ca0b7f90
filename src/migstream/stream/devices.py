"""The device sections of a stream with their values, found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import overload

from migstream.errors import MigstreamError, StreamError
from migstream.names import brief
from migstream.source.store import Store
from migstream.vmstate.description import Device as DescribedDevice
from migstream.vmstate.layout import Layout, fit_device
from migstream.vmstate.paths import no_such
from migstream.vmstate.values import Value, root
from migstream.wire.model import Section

__all__ = ["Device", "Devices", "contradicted", "laid_out", "opaque", "short_names"]

SHOWN = 8  # devices in a repr
CLOCK = "timer"  # the section that has the guest's virtual time


class Device:
    """One device section: where it is, what the description says of it, its values."""

    def __init__(
        self,
        section: Section,
        layout: Layout | None,
        store: Store,
        machine: str | None = None,
        guest: _Guest | None = None,
        *,
        meaning: bool = True,
    ) -> None:
        guest = guest or _Guest()
        self.section = section
        self.layout = layout
        self.value = root(
            layout or opaque(section),
            section.payload,
            section.path,
            store.view,
            device=section.name,
            machine=machine,
            described=layout is not None,
            now=guest.now,
            meaning=meaning,
            big_endian=guest.big_endian,
        )

    def __repr__(self) -> str:
        at = f"at {self.section.span}"
        return brief("Device", self.path, self.value.type, "" if self.described else "opaque", at)

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
        """The value that `path` names in this device; raises NoSuchPath (also a KeyError)."""
        return self.value[path]

    def __contains__(self, path: object) -> bool:
        """Whether `path` names anything in this device."""
        return path in self.value

    def __iter__(self) -> Iterator[Value]:
        return self.value.children

    def _ipython_key_completions_(self) -> list[str]:
        return self.value._ipython_key_completions_()

    def _row_(self) -> dict[str, object]:
        return {
            "path": self.path,
            "type": self.value.type,
            "version_id": self.section.version_id,
            "described": self.described,
            "payload.start": self.section.payload.start,
            "payload.stop": self.section.payload.stop,
        }

    def _repr_html_(self) -> str:
        return self.value._repr_html_()


def opaque(section: Section) -> Layout:
    """A payload that nothing describes, as one buffer (as savevm.c: vmstate_save_old_style has it)."""
    from migstream.vmstate.layout import Node

    size = section.payload.size
    data = Node(name="data", type="buffer", kind="leaf", offset=0, size=size, stride=size)
    return Layout(section.name, section.version_id or 0, size, (data,), exact=False)


def short_names(names: Iterable[str]) -> dict[str, list[str]]:
    """Names of devices without their places on a bus, each with those that end so."""
    short: dict[str, list[str]] = {}
    for name in names:
        if "/" in name:
            short.setdefault(name.rpartition("/")[2], []).append(name)
    return short


class Devices:
    """The device sections in their order on the wire.

    They are had by index, by name, by name and instance id, and by path: `devices[0]`,
    `devices["timer"]`, `devices["cpu", 0]`, `devices["cpu[0]"]`; and by what follows the place on a bus,
    `devices["e1000"]` for `0000:00:03.0/e1000`. `in` takes the same names, or a Device; no Sequence to a type checker, to whom nothing but a Device would be in one.
    """

    def __init__(self, devices: Sequence[Device]) -> None:
        self._devices = tuple(devices)

    def __len__(self) -> int:
        return len(self._devices)

    def __repr__(self) -> str:
        shown = ", ".join(device.path for device in self._devices[:SHOWN])
        more = ", …" if len(self) > SHOWN else ""
        return brief("Devices", f"{len(self)}{':' if self else ''}", f"{shown}{more}")

    @overload
    def __getitem__(self, key: int) -> Device: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Device, ...]: ...
    @overload
    def __getitem__(self, key: str) -> Device: ...
    @overload
    def __getitem__(self, key: tuple[str, int]) -> Device: ...
    def __getitem__(self, key: int | slice | str | tuple[str, int]) -> Device | tuple[Device, ...]:
        """The device of that index, name, (name, instance id) or path; a tuple of them for a slice.

        Raises
        ------
        NoSuchPath : no device is called so, or several are (also a KeyError)
        IndexError : there are not so many
        """
        if isinstance(key, int | slice):
            return self._devices[key]
        hits = self._called(key)
        if len(hits) == 1:
            return hits[0]
        name = key if isinstance(key, str) else f"{key[0]}[{key[1]}]"
        if hits:
            error = no_such(name, [d.path for d in hits])
            error.message = f"{len(hits)} devices are called {name!r}"
            raise error
        raise no_such(name, [d.path for d in self])

    def _called(self, key: str | tuple[str, int]) -> list[Device]:
        """Devices of a name, else of a path, else of the end of one; or of a name and an instance id."""
        match key:
            case str():
                end = f"/{key}"
                return (
                    [d for d in self if d.name == key]
                    or [d for d in self if d.path == key]
                    or [d for d in self if d.name.endswith(end) or d.path.endswith(end)]
                )
            case (str(), int()):
                return [d for d in self if d.section.key == key]
        raise TypeError(
            f"a device is named by 'cpu', 'cpu[0]' or ('cpu', 0), not by {type(key).__name__} {key!r}"
        )

    def __contains__(self, key: object) -> bool:
        """Whether this device is one of them, or any is called so."""
        if isinstance(key, str | tuple):
            return bool(self._called(key))
        return key in self._devices

    def at(self, offset: int) -> Device | None:
        """The device whose payload owns the byte at an absolute offset."""
        return next((device for device in self if offset in device.section.payload), None)

    def keys(self) -> tuple[tuple[str, int], ...]:
        """Name and instance id of each device."""
        return tuple(device.section.key for device in self)

    def __iter__(self) -> Iterator[Device]:
        return iter(self._devices)

    def _ipython_key_completions_(self) -> list[str]:
        return [device.path for device in self]

    def _repr_html_(self) -> str:
        from migstream.tables import MOST_ROWS, html_table, rows

        return html_table(repr(self), rows(self[:MOST_ROWS]), total=len(self))


def laid_out(
    sections: Sequence[Section],
    entries: Sequence[tuple[DescribedDevice, Layout | None]],
    store: Store,
    machine: str | None,
    *,
    meaning: bool = True,
) -> Devices:
    """Each section with its entry of the description, those of one key in turn; the layout where it is known."""
    described: dict[tuple[str, int], list[tuple[DescribedDevice, Layout | None]]] = {}
    for device, layout in entries:
        described.setdefault(device.key, []).append((device, layout))
    devices: list[Device] = []
    guest = _Guest()
    for section in sections:
        turn = described.get(section.key)
        entry = turn.pop(0) if turn else (None, None)
        layout = _fitted(section, store, *entry)
        guest.see(section, layout, store)
        devices.append(Device(section, layout, store, machine, guest, meaning=meaning))
    return Devices(devices)


def contradicted(
    devices: Iterable[Device],
    entries: Iterable[tuple[DescribedDevice, Layout | None]],
    store: Store,
) -> Iterator[StreamError]:
    """Where device state and the stream's own description disagree, whose `entries` are these."""
    from migstream.vmstate.contradictions import contradictions

    keys = {described.key for described, _ in entries}
    for device in devices if keys else ():
        section = device.section
        layout = device.layout or (opaque(section) if section.key in keys else None)
        yield from contradictions(section, layout, store.view)


class _Guest:
    """What a device's values need to know of others, asked of the section that has it when somebody wants to know.

    Devices hold this, and it holds no device.
    """

    def __init__(self) -> None:
        self._values: dict[str, Callable[[], Value]] = {}

    def see(self, section: Section, layout: Layout | None, store: Store) -> None:
        if layout is not None:
            value = partial(root, layout, section.payload, section.path, store.view)
            self._values.setdefault(section.name, value)

    def now(self) -> int | None:
        """The virtual time. It stands still in a guest that is saved (system/cpu-timers.c: vmstate_timers)."""
        if CLOCK not in self._values:
            return None
        try:
            return int(self._values[CLOCK]()["cpu_clock_offset"])
        except (MigstreamError, TypeError):
            return None

    def big_endian(self) -> bool:
        """Whether the first CPU is of an architecture that is."""
        from migstream.machine.arch import big_endian, cpu_architecture, is_cpu

        cpu = next((value for name, value in self._values.items() if is_cpu(name)), None)
        return cpu is not None and big_endian(cpu_architecture(cpu()))


def _fitted(
    section: Section, store: Store, described: DescribedDevice | None, layout: Layout | None
) -> Layout | None:
    """The layout of a device; fitted to the bytes where sizes alone do not tell."""
    if layout is not None and layout.size != section.payload.size:
        layout = None
    certain = layout is not None and layout.certain
    if not certain and described is not None and section.how != "damage":
        layout = fit_device(described, store.view(*section.payload)) or layout
    return layout
