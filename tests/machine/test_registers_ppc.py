"""Registers of PowerPC in kept streams."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from migstream.machine.registers.ppc import root
from migstream.machine.registers.read import registers
from migstream.render.registers.ppc import lines
from migstream.stream import open_stream
from support import build, samples
from support.samples import Packed, Sample

STREAMS = [p for p in samples.streams() if p.name.startswith(("ppc-", "ppc64-"))]


@pytest.mark.parametrize("packed", STREAMS, ids=lambda p: p.label)
def test_every_cpu(packed: Packed, unpack: Callable[[Packed], Sample]) -> None:
    with open_stream(unpack(packed).path) as stream:
        found = registers(stream)
    assert found
    for cpu in found:
        values = cpu.values
        assert cpu.arch in ("ppc", "ppc64")
        assert {f"r{n}" for n in range(32)} <= values.keys()
        assert {"nip", "msr", "lr", "ctr", "xer", "cr", "pvr", "srr0", "f31"} <= values.keys()
        assert not {"crf0", "tb", "dec"} & values.keys()
        assert ("v31" in values) == ("vscr" in values)
        assert cpu.arch == "ppc" or {"lpcr", "cfar", "vsl31", "v0"} <= values.keys()
        assert cpu.pc % 4 == 0
        assert 0 < values["pvr"] < 1 << 32
        assert values["cr"] < 1 << 32
        printed = lines(values, cpu.arch)
        assert printed[0].startswith(f"NIP {cpu.pc:0{16 if cpu.arch == 'ppc64' else 8}x} ")
        assert not any("{" in line for line in printed)


def test_root_of_radix_trees() -> None:
    host_radix = 1 << 20
    assert root({"ptcr": 0x2000_0004, "lpcr": host_radix}) == 0x2000_0000
    assert root({"ptcr": 0x2000_0004, "lpcr": 0}) is None
    assert root({"sdr1": 0x2000_0004}) is None


def test_halves_of_the_spe() -> None:
    values = {f"r{n}": n for n in range(32)} | {f"ev{n}h": 0xAB00 + n for n in range(32)}
    assert lines(values, "ppc")[0] == (
        "GPR00 0000ab0000000000 0000ab0100000001 0000ab0200000002 0000ab0300000003"
    )


@pytest.mark.parametrize(
    ("kind", "size", "expected"),
    [("avr", 16, {"v1": 0x3 << 64 | 0x2}), ("avr", 8, {}), ("uint64", 8, {}), ("buffer", 4, {})],
)
def test_vector_registers_of_another_type(
    kind: str, size: int, expected: dict[str, int], tmp_path: Path
) -> None:
    payload = b"".join(build.be64(n) for n in range(64))[: 32 * size]
    text = build.described(
        build.device(
            "cpu",
            [build.field("env.nip", "uint64", 8)],
            subsections=[
                {
                    "vmsd_name": "cpu/altivec",
                    "version": 1,
                    "fields": [build.field("env.vsr", kind, size, array_len=32)],
                }
            ],
        )
    )
    path = tmp_path / "made.mig"
    path.write_bytes(
        build.HEADER
        + build.configuration()
        + build.full(3, "cpu", build.be64(4) + build.subsection("cpu/altivec", payload))
        + build.END
        + build.description(text)
    )
    with open_stream(path) as stream:
        (cpu,) = registers(stream)
    assert {name: cpu.values[name] for name in cpu.values if name == "v1"} == expected
