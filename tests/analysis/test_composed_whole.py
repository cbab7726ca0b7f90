"""Whatever is put together is a whole stream: one that is damaged says nothing of what is behind the damage."""

from __future__ import annotations

import os
from random import Random

import pytest

from migstream.catalogue.arguments import parse_arguments
from migstream.catalogue.compose import compose
from migstream.catalogue.files import Catalogue
from migstream.catalogue.shelf import find, own_shelf
from migstream.stream import open_stream
from support.foretold import KINDS
from support.rounds import words

SHELF = list(own_shelf())
SEED = os.environ.get("MIGSTREAM_ROUNDS_SEED", "7")
TIMES = int(os.environ.get("MIGSTREAM_ROUNDS", "8"))
MEMORY = "-object memory-backend-ram,id=m,size=128M -device virtio-mem-pci,memdev=m"


def damage(catalogue: Catalogue, line: list[str]) -> list[str]:
    made = compose(catalogue, parse_arguments(line))
    with open_stream(made.stream) as stream:
        list(stream.devices)
        return [f"{line}: {one}" for one in stream.damage]


@pytest.mark.parametrize("catalogue", SHELF, ids=lambda one: one.path.stem)
def test_every_machine_type_by_itself(catalogue: Catalogue) -> None:
    for machine in catalogue.index.machines:
        assert damage(catalogue, ["-M", machine]) == []


@pytest.mark.parametrize("board", KINDS)
def test_machines_made_at_random(board: str) -> None:
    kind = KINDS[board]
    target = kind.binary.rpartition("-")[2]
    for catalogue in (one for one in SHELF if one.index.target == target):
        machines = [one for one in catalogue.index.machines if one.startswith(kind.stem)]
        for number in range(TIMES if machines else 0):
            random = Random(f"{SEED}-{catalogue.path.stem}-{number}")  # noqa: S311 (to be made again)
            line = words(kind.draft(random, random.choice(machines)))
            assert damage(catalogue, line) == []


@pytest.mark.parametrize(
    ("release", "target", "line"),
    [
        # what a section holds is told of no machine type that has it so
        ((7, 2), "x86_64", "-M pc-i440fx-2.0"),
        # memory that is no block of its own
        ((10, 0), "arm", "-M ast1030-evb"),
        # each CPU's part of the interrupt controller is a longer one than it is by itself
        ((7, 2), "arm", "-M virt-2.12,virtualization=on,gic-version=max -smp 2,maxcpus=4"),
        ((7, 2), "aarch64", "-M virt-7.2,virtualization=on,gic-version=3 -smp 3"),
        # a section before guest memory, without a footer
        (
            (11, 1),
            "aarch64",
            f"-M virt-9.2 -global migration.send-section-footer=off {MEMORY}",
        ),
    ],
)
def test_those_that_were_not(release: tuple[int, int], target: str, line: str) -> None:
    assert damage(find(release, target), ["-nodefaults", *line.split()]) == []


def test_each_cpu_has_all_of_its_part_of_the_interrupt_controller() -> None:
    line = "-nodefaults -M virt-7.2,virtualization=on,gic-version=3 -smp 3"
    made = compose(find((7, 2), "aarch64"), parse_arguments(line.split()))
    with open_stream(made.stream) as stream:
        cpus = stream.devices["arm_gicv3", 0].value["cpu"]
        parts = [[one.name for one in cpu if one.kind == "subsection"] for cpu in cpus]
    assert parts == [["arm_gicv3_cpu/virt", "arm_gicv3_cpu/sre_el1"]] * 3
