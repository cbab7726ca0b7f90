"""`migstream registers`: what is printed, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from migstream.cli.group import cli
from support.samples import Sample

Named = Callable[[str], Sample]


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, ["registers", *(str(word) for word in words)])


def test_one_block_for_each_cpu(named_sample: Named) -> None:
    path = named_sample("pc-7.2.mig").path
    result = run(path)
    assert result.exit_code == 0, result.output
    table = json.loads(run(path, "--json").stdout)["cpus"]
    heads = [line for line in result.stdout.splitlines() if line.startswith("CPU#")]
    assert heads == [f"CPU#{row['index']}" for row in table]
    assert f"EIP={table[0]['pc']:08x} EFL=" in result.stdout
    assert set(table[0]) == {"index", "arch", "pc", "root", "values"}
    assert table[0]["values"]["rip"] == table[0]["pc"]


def test_all_adds_what_is_not_shown(named_sample: Named) -> None:
    path = named_sample("pc-7.2.mig").path
    plain, all_ = run(path, "--cpu", 0).stdout, run(path, "--cpu", 0, "--all").stdout
    assert all_.startswith(plain)
    names = {line.split()[0] for line in all_[len(plain) :].splitlines()}
    values = json.loads(run(path, "--cpu", 0, "--json").stdout)["cpus"][0]["values"]
    assert {"hflags", "kernelgsbase", "xcr0", "ymm0"} <= names < set(values)
    assert not names & {"rax", "rip", "cr3", "st0", "xmm0", "es.flags"}


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("arm-virt-7.2.mig", ("CPU#0", " PC=")),
        ("arm-vexpress-7.2.mig", ("CPU#0", "R00=")),
        ("pseries-7.2.mig", ("CPU#0", "NIP ")),
        ("riscv64-virt-7.2.mig", ("CPU#0", " V ", " pc ")),
    ],
)
def test_the_layout_of_each(named_sample: Named, name: str, begins: tuple[str, ...]) -> None:
    result = run(named_sample(name).path, "--cpu", 0)
    assert result.exit_code == 0, result.output
    for line, begin in zip(result.stdout.splitlines(), begins, strict=False):
        assert line.startswith(begin)


def test_no_such_cpu(named_sample: Named) -> None:
    result = run(named_sample("pc-7.2.mig").path, "--cpu", 77)
    assert result.exit_code == 2
    assert "CPUs are 0 to" in result.stderr


def test_without_a_description(named_sample: Named) -> None:
    path = named_sample("pc-novmdesc-7.2.mig").path
    result = run(path)
    assert result.exit_code == 4
    assert "--like" in result.stderr
    assert run(path, "--like", named_sample("pc-7.2.mig").path).exit_code == 0
