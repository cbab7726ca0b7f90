"""What a binary says of itself over QMP: machines, device types and their properties, CPU models."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from migstream.catalogue.model import About, Option, Type
from migstream.errors import QemuError
from migstream.qemu.process import Qemu, Refused

__all__ = ["Machine", "Told", "called", "tell"]

# info qdm, a line for each type: system/qdev-monitor.c: qdev_print_devinfo
DEVICE = re.compile(r'name "([^"]+)"(?:, bus ([^,\n]+))?(?:, alias "([^"]+)")?')
CPU_TYPE = re.compile(r"(.+)-[^-]+-cpu")
LARGEST = "max"
NO_USER = ", no-user"
NOT_DEVICES = ("-cpu", "-cpu-core")  # CPUs that are plugged are not added by users of -device


class Machine(NamedTuple):
    """A machine type: another name of it, its memory's RAM block, its CPU model, its options."""

    name: str
    alias: str
    ram: str
    cpu: str
    options: tuple[Option, ...]


class Told(NamedTuple):
    """The answers of one binary; `models` are the properties of CPU models, those of its machines and the largest one."""

    release: tuple[int, ...]
    package: str
    target: str
    machines: tuple[Machine, ...]
    about: About
    models: dict[str, tuple[Option, ...]]
    digest: str


def called(command: Sequence[str]) -> tuple[str, str]:
    """Target and release of a QEMU (`x86_64`, `7.2`).

    Raises
    ------
    QemuError : it does not start, or does not answer
    """
    with Qemu(command, ["-M", "none"]) as guest:
        release = ".".join(map(str, guest.release[:2]))
        return str(guest.execute("query-target")["arch"]), release


def tell(command: Sequence[str]) -> Told:
    """Ask a QEMU that has no machine.

    Raises
    ------
    QemuError : it does not start, or does not answer
    """
    with Qemu(command, ["-M", "none"]) as guest:
        numbers, package = guest.release, str(guest.execute("query-version")["package"])
        rows: list[Any] = guest.execute("query-machines")
        target = str(guest.execute("query-target")["arch"])
        cpus = _names(guest, "query-cpu-definitions", "name") or _models(guest)
        capabilities = _names(guest, "query-migrate-capabilities", "capability")
        commands = _names(guest, "query-commands", "name")
        buses, aliases = _types(guest)
        digest = _digest(guest)
    options = _properties(command, "device-list-properties", buses)
    types = {name: Type(bus, options.get(name, ())) for name, bus in buses.items()}
    names = {f"{row['name']}-machine": row for row in rows if row["name"] != "none"}
    of_machines = _properties(command, "qom-list-properties", names)
    machines = tuple(
        Machine(
            row["name"],
            row.get("alias", ""),
            row.get("default-ram-id", ""),
            _model(row.get("default-cpu-type", "")),
            of_machines.get(name, ()),
        )
        for name, row in names.items()
    )
    about = About(types, aliases, cpus, capabilities, commands)
    kinds = {row["default-cpu-type"] for row in rows if "default-cpu-type" in row}
    kinds |= {f"{LARGEST}-{kind.removeprefix(_model(kind)).lstrip('-')}" for kind in kinds}
    asked = _properties(command, "device-list-properties", sorted(kinds))
    models = {_model(kind): found for kind, found in asked.items()}
    return Told(numbers, package.strip("() "), target, machines, about, models, digest)


def _model(kind: str) -> str:
    """The CPU model of a type of CPUs: `cortex-a15-arm-cpu`."""
    found = CPU_TYPE.fullmatch(kind)
    return "" if found is None else found[1]


def _digest(guest: Qemu) -> str:
    """The SHA-256 of the file that runs; nothing where it is not to be seen from here."""
    try:
        with guest.executable().open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _names(guest: Qemu, command: str, key: str) -> tuple[str, ...]:
    try:
        return tuple(sorted(str(row[key]) for row in guest.execute(command)))
    except Refused:  # a target without CPU models has no such question
        return ()


def _models(guest: Qemu) -> tuple[str, ...]:
    """CPU models of a target that is not asked for them: they are part of their types' names (`rv64-riscv-cpu`)."""
    rows: list[Any] = guest.execute("qom-list-types", {"implements": "cpu", "abstract": False})
    return tuple(sorted({_model(row["name"]) for row in rows} - {""}))


def _types(guest: Qemu) -> tuple[dict[str, str], dict[str, str]]:
    """The bus of each device type that users can add, and other names for them."""
    buses, aliases = {}, {}
    for line in guest.hmp("info qdm").splitlines():
        found = DEVICE.match(line.strip())
        if found is None or NO_USER in line or found[1].endswith(NOT_DEVICES):
            continue
        name, bus, alias = found[1], found[2] or "", found[3]
        buses[name] = bus
        if alias:
            aliases[alias] = name
    return buses, aliases


def _properties(
    command: Sequence[str], question: str, names: Iterable[str]
) -> dict[str, tuple[Option, ...]]:
    """Properties of each type. Some types end a binary when it makes one to look at: it is started again for the rest."""
    found: dict[str, tuple[Option, ...]] = {}
    left = list(names)
    while left:
        with suppress(QemuError), Qemu(command, ["-M", "none"]) as guest:
            while left:
                found[left[0]] = _asked(guest, question, left[0])
                left.pop(0)
        left = left[1:]
    return found


def _asked(guest: Qemu, question: str, name: str) -> tuple[Option, ...]:
    try:
        rows: list[Any] = guest.execute(question, {"typename": name})
    except Refused:
        return ()
    return tuple(
        Option(row["name"], row["type"], row.get("default-value"))
        for row in sorted(rows, key=lambda row: str(row["name"]))
    )
