"""Devices and values by their paths: the grammar of docs/paths.md that begins with a device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from migstream.errors import MigstreamError, NoSuchPath
from migstream.stream.devices import Device, Devices, short_names
from migstream.vmstate.paths import find, match_names, no_such, no_such_below
from migstream.vmstate.values import Value

if TYPE_CHECKING:
    from migstream.machine.state import State

__all__ = ["find_devices", "find_values", "register_hint"]

FEW = 8


def find_values(devices: Devices, path: str) -> Iterator[Value]:
    """Every value that a path names; raises NoSuchPath where there is none."""
    found = False
    for device, rest in find_devices(devices, path):
        for value in find(device.value, rest):
            found = True
            yield value
    if not found:
        raise _no_such(devices, path)


def find_devices(devices: Devices, path: str) -> Iterator[tuple[Device, str]]:
    """Devices that a path begins with, and what is left of the path.

    What follows the place on a bus is enough where one device is called so: `e1000` for
    `0000:00:03.0/e1000`.
    """
    names: dict[str, list[Device]] = {}
    for device in devices:
        names.setdefault(device.name, []).append(device)
    found = list(match_names(names.items(), path))
    if not found:
        short = short_names(names)
        alone = {name: names[full[0]] for name, full in short.items() if len(full) == 1}
        found = list(match_names(alone.items(), path))
    for some, rest in found:
        for device in some:
            mine = f"[{device.instance_id}]"
            if rest.startswith((mine, "[*]")):
                yield device, rest[rest.index("]") + 1 :]
            elif not rest.startswith("["):
                yield device, rest


def _no_such(devices: Devices, path: str) -> NoSuchPath:
    for device, rest in find_devices(devices, path):
        return no_such_below(device.value, rest, said=path)
    short = short_names(dict.fromkeys(device.name for device in devices))
    for full, _rest in match_names(short.items(), path):
        error = no_such(path, ())
        error.hint = f"{len(full)} devices end so: {', '.join(full[:FEW])}"
        return error
    return no_such(path, [*(d.path for d in devices), *short])


def register_hint(state: State, path: str, hint: str) -> str:
    """The hint to a path that names nothing; where it ends in the name of a register, what shows those."""
    from migstream.machine.registers.read import registers

    name = path.rpartition("/")[2].lower()
    try:
        known = registers(state)[0].values
    except MigstreamError:
        return hint
    if name not in known and not (name[:1] == "e" and f"r{name[1:]}" in known):
        return hint
    shows = f"{name} is a register: `migstream registers STREAM` has those of every CPU"
    return f"{shows}; {hint}" if "/" in path and hint else shows
