"""What a machine was started with: kept streams, whose command lines are known, and blocks made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from click.testing import CliRunner

from migstream.cli.group import cli
from migstream.machine.map.setup import Block, machine_setup
from migstream.ram.model import RamBlock
from migstream.stream import open_stream
from migstream.wire.model import Span
from support.samples import Sample

MIB = 1 << 20


@dataclass
class Machine:
    """A state without devices."""

    machine: str | None
    listed: tuple[tuple[str, int], ...]
    devices: list[Any] = field(default_factory=list)

    @property
    def blocks(self) -> tuple[RamBlock, ...]:
        return tuple(RamBlock(name=n, used_length=size, span=Span(0, 0)) for n, size in self.listed)


@pytest.mark.parametrize(
    ("name", "accelerator"),
    [
        ("pc-7.2.mig", "tcg"),
        ("q35-7.2.mig", "tcg"),
        ("microvm-7.2.mig", "tcg"),
        ("arm-virt-7.2.mig", "tcg"),
        ("riscv64-virt-7.2.mig", "tcg"),
        ("s390x-7.2.mig", "tcg"),
        ("pseries-7.2.mig", None),
    ],
)
def test_kept_streams(
    named_sample: Callable[[str], Sample], name: str, accelerator: str | None
) -> None:
    with open_stream(named_sample(name).path) as stream:
        setup = machine_setup(stream)
        largest = max(b.used_length for b in stream.blocks if b.name.endswith(".ram"))
    assert setup.cpus == (2 if name.startswith("q35") else 1)
    assert setup.memory == largest
    assert setup.accelerator == accelerator
    assert not setup.backends
    assert not setup.plugged


def test_a_stream_without_a_machine_tells_nothing(named_sample: Callable[[str], Sample]) -> None:
    with open_stream(named_sample("none-7.2.mig").path) as stream:
        setup = machine_setup(stream)
    assert (setup.cpus, setup.memory, setup.accelerator) == (None, None, None)


def test_backends_are_memory_and_what_was_plugged_in_is_not() -> None:
    numa = machine_setup(
        Machine(
            "pc-i440fx-7.2",
            (("m0", 16 * MIB), ("m1", 32 * MIB), ("dimm0", 64 * MIB), ("pc.bios", MIB)),
        )
    )
    assert numa.memory == 48 * MIB
    assert numa.backends == (Block("m0", 16 * MIB), Block("m1", 32 * MIB))
    assert numa.plugged == (Block("dimm0", 64 * MIB),)
    plain = machine_setup(Machine("pc-q35-7.2", (("pc.ram", MIB), ("extra", MIB))))
    assert (plain.memory, plain.backends, plain.plugged) == (MIB, (), (Block("extra", MIB),))


def test_info_shows_it(named_sample: Callable[[str], Sample]) -> None:
    path = str(named_sample("pc-7.2.mig").path)
    table = json.loads(CliRunner().invoke(cli, ["info", path, "--json"]).output)
    assert (table["vcpus"], table["accelerator"]) == (1, "tcg")
    assert table["memory"] == max(b["size"] for b in table["ram"]["blocks"])
    text = CliRunner().invoke(cli, ["info", path]).output
    [line] = [line for line in text.splitlines() if line.startswith("guest")]
    assert "1 CPU, " in line
    assert "under TCG" in line
