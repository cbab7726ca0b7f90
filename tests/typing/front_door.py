"""What a type checker has to know of the library: nothing here runs, `test_typing.py` gives it to mypy.

A wrong call has a `type: ignore` of its own: mypy complains of one that is not needed.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import numpy as np

import migstream
from migstream.analysis.check import Report as CheckReport
from migstream.analysis.compat.model import Report as CompatReport
from migstream.analysis.diff.model import Diff
from migstream.analysis.digest import Digest
from migstream.analysis.explain.log import Explanation
from migstream.edit.convert import Converted
from migstream.edit.heal.model import Healed
from migstream.edit.minimise.search import Minimum
from migstream.errors import StreamError
from migstream.export.files import Extracted
from migstream.machine.physical import PhysicalMemory, Range
from migstream.machine.registers.read import Cpu
from migstream.ram.history import Versions
from migstream.ram.image import Block, Ram
from migstream.ram.model import BlockRecords, Tally
from migstream.ram.presence import Presence
from migstream.stream import Devices
from migstream.vmstate import U8, U16, VMState, array, local, since, subsection
from migstream.wire.model import Section, Span


def devices(stream: migstream.Stream) -> None:
    assert_type(stream.devices, Devices)
    assert_type(stream.devices["cpu", 0], migstream.Device)
    assert_type(stream.devices["cpu[0]"], migstream.Device)
    assert_type(stream.devices[0], migstream.Device)
    assert_type(stream.devices[:2], tuple[migstream.Device, ...])
    assert_type(stream.devices.keys(), tuple[tuple[str, int], ...])
    assert_type(stream.devices["cpu", 0]["env.eip"], migstream.Value)
    assert_type("cpu" in stream.devices, bool)
    assert_type(("cpu", 0) in stream.devices, bool)
    assert_type(iter(stream.devices), Iterator[migstream.Device])
    assert_type(iter(stream.devices[0]), Iterator[migstream.Value])
    stream.devices[1.5]  # type: ignore[call-overload]
    stream.devices["cpu", "0"]  # type: ignore[index]
    _ = stream.devices["cpu", 0].eip  # type: ignore[attr-defined]


def values(value: migstream.Value) -> None:
    assert_type(value.value, Any)
    assert_type(value.span, Span)
    assert_type(value.raw, memoryview)
    assert_type(value.array(), np.ndarray[Any, Any])
    assert_type(value["channels"][0]["count"], migstream.Value)
    assert_type(int(value), int)
    assert_type(operator.index(value), int)
    assert_type(bytes(value), bytes)
    assert_type("count" in value, bool)


def readme() -> None:
    """Every expression of README's block."""
    with migstream.open("guest.mig") as stream:
        assert_type(stream, migstream.Stream)
        assert_type(stream.machine, str | None)
        assert_type(stream.capabilities, tuple[str, ...])
        assert_type(stream["cpu[0]/env.eip"], migstream.Value)
        assert_type(iter(stream), Iterator[Section])
        for section in stream:
            assert_type(section, Section)
        assert_type(stream.sections, tuple[Section, ...])
        assert_type(stream.ram, Ram)
        assert_type(stream.ram["pc.ram"], Block)
        assert_type(stream.ram["pc.ram"][0x7C00:0x7E00], bytes)
        assert_type(stream.ram["pc.ram"].array(), np.ndarray[Any, Any])
        assert_type(stream.ram["pc.ram"].presence(), Presence)
        assert_type(stream.ram.blocks, tuple[BlockRecords, ...])
        assert_type(stream.ram.rounds, tuple[Tally, ...])
        assert_type(stream.memory, PhysicalMemory)
        assert_type(stream.memory[0xFFFFFFF0:0x100000000], bytes)
        assert_type(stream.memory.ranges, tuple[Range, ...])
        assert_type(stream.registers, tuple[Cpu, ...])
        assert_type(stream.registers[0].values["rip"], int)
        assert_type(stream.registers[0].root, int | None)
        assert_type(stream.history("pc.ram", 0x7C00), Versions)
        assert_type(stream.damage, list[StreamError])


class Serial(VMState, name="serial", version=3):
    """Constructor, defaults, and what an attribute is."""

    divider: U16 = 0
    lines: list[U8] = array(2, default=0)
    fcr: U8 = since(3, default=0)
    more: Serial | None = subsection(default=None)
    chip: str = local(default="")


class Strict(VMState):
    """What has no default must be given, or nothing."""

    number: U16


def declarations() -> None:
    one = Serial(divider=3, lines=[1, 2], chip="16550")
    assert_type(one.divider, int)
    assert_type(one.lines, list[int])
    assert_type(one.more, Serial | None)
    assert_type(Serial.blank(divider=3), Serial)
    Serial(dvider=3)  # type: ignore[call-arg]
    Serial(divider="x")  # type: ignore[arg-type]
    Serial(lines=["x"])  # type: ignore[list-item]
    Serial(3)  # type: ignore[call-arg]
    one.divider = "x"  # type: ignore[assignment]
    Strict(number=1)
    Strict.blank()
    Strict()  # type: ignore[call-arg]


def questions(stream: migstream.Stream, path: Path, text: str) -> None:
    """Each takes a stream, or whatever opens."""
    assert_type(migstream.check(stream), CheckReport)
    assert_type(migstream.check(path), CheckReport)
    assert_type(migstream.diff(stream, b"QEVM"), Diff)
    assert_type(migstream.compat(path, stream), CompatReport)
    assert_type(migstream.compat(text, migstream.Destination(release=(10, 0))), CompatReport)
    assert_type(migstream.explain(text, path, text), Explanation)
    migstream.check(42)  # type: ignore[arg-type]
    assert_type(migstream.digest(path, ignore=["clocks"]), Digest)


def writing(stream: migstream.Stream, path: Path) -> None:
    """What makes new files, of a stream or whatever opens."""
    assert_type(migstream.edit(stream), migstream.Edit)
    assert_type(migstream.edit(path).set("cpu[0]/env.eip", 1).drop("cpu[0]/xsave"), migstream.Edit)
    assert_type(migstream.edit(path).redact().save(path, force=True), int)
    assert_type(migstream.edit(b"QEVM").changes(), list[migstream.Change])
    assert_type(migstream.convert(stream, path, ram="linear", release="7.2"), Converted)
    assert_type(migstream.extract(path, "guest.core", form="elf"), Extracted)
    assert_type(migstream.heal(path, (10, 0), ["-M", "pc"]), Healed)
    assert_type(migstream.minimise(path, path, ["false", "{}"]), Minimum)
    assert_type(migstream.minimise(path, path, lambda one: one.stat().st_size > 9), Minimum)
    migstream.edit(42)  # type: ignore[arg-type]
    migstream.convert(path)  # type: ignore[call-arg]
