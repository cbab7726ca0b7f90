"""What firmware and kernel left in memory: ACPI, SMBIOS, a banner, a command line; and a kernel's virtqueues."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import migstream
from migstream.cli.group import cli
from migstream.machine.firmware import acpi_tables, smbios
from migstream.machine.system import system
from support.lacking import lacks
from support.qemu import Qemu, find, own

NAME = "qemu-system-x86_64"
UUID = "11223344-5566-7788-99aa-bbccddeeff00"
KERNELS = sorted(Path("/boot").glob("vmlinuz-*")) if Path("/boot").is_dir() else []
PATIENCE = 120.0


@pytest.mark.parametrize("machine", ["pc", "q35"])
@pytest.mark.parametrize("number", range(max(len(find(NAME)), 1)))
def test_the_firmwares_tables(number: int, machine: str, tmp_path: Path) -> None:
    own(NAME)
    path = tmp_path / "guest.mig"
    words = f"type=1,manufacturer=Acme,product=Beacon,version=9.1,serial=S-77,uuid={UUID},sku=K1,family=Lamps"
    arguments = ("-M", machine, "-m", "64", "-accel", "tcg", "-nic", "none", "-smbios", words)
    with Qemu(find(NAME)[number], arguments) as qemu:
        qemu.execute("cont")
        end = time.monotonic() + PATIENCE
        while True:
            qemu.execute("stop")
            told = str(qemu.execute("human-monitor-command", {"command-line": "info registers"}))
            if "HLT=1" in told or time.monotonic() > end:
                break
            qemu.execute("cont")
            time.sleep(0.2)
        qemu.migrate(path)
    with migstream.open(path) as stream:
        tables = acpi_tables(stream.memory)
        assert {one.signature for one in tables} >= {"RSDT", "FACP", "FACS", "DSDT", "APIC", "HPET"}
        assert ("MCFG" in {one.signature for one in tables}) == (machine == "q35")
        assert all(one.good for one in tables)
        assert {one.oem for one in tables if one.oem} == {"BOCHS"}
        said = smbios(stream.memory)
    assert said is not None
    assert (said.manufacturer, said.product, said.product_version) == ("Acme", "Beacon", "9.1")
    assert (said.serial, said.uuid, said.sku, said.family) == ("S-77", UUID, "K1", "Lamps")
    assert said.bios_vendor == "SeaBIOS"


def test_a_kernels_banner_and_command_line(tmp_path: Path) -> None:
    """That of the distribution, which finds nothing to start and waits: `panic=0` is its default."""
    own(NAME)
    kernel = next((one for one in reversed(KERNELS) if one.is_file()), None)
    if kernel is None:
        lacks("no kernel in /boot")
    serial, path = tmp_path / "serial", tmp_path / "guest.mig"
    line = "console=ttyS0 nokaslr beacon.lamp=42"
    arguments = ("-M", "q35", "-m", "256", "-accel", "tcg", "-nic", "none", "-kernel", str(kernel),
                 "-append", line, "-serial", f"file:{serial}")  # fmt: skip
    with Qemu(own(NAME), arguments) as qemu:
        qemu.execute("cont")
        end = time.monotonic() + PATIENCE
        while b"Kernel panic" not in (text := serial.read_bytes() if serial.exists() else b""):
            assert time.monotonic() < end, text[-500:]
            time.sleep(0.5)
        qemu.execute("stop")
        qemu.migrate(path)
    [banner] = re.findall(rb"\] (Linux version [^\r\n]+)", serial.read_bytes())[:1]
    with migstream.open(path) as stream:
        found = system(stream.ram)
        assert {one.signature for one in acpi_tables(stream.memory)} >= {"DSDT", "APIC"}
    # the number of the build is left out of what is printed, and of one of those that stand in memory
    assert re.sub(r"#\d* ", "# ", found.banner) == re.sub(r"#\d* ", "# ", banner.decode())
    assert found.command_line == line
    done = CliRunner().invoke(cli, ["info", str(path), "--guest"])
    assert done.exit_code == 0
    assert f"started with  {line}\n" in done.stdout
    told = json.loads(CliRunner().invoke(cli, ["info", str(path), "--guest", "--json"]).stdout)[
        "guest"
    ]
    assert told["command_line"] == line
    assert told["virtual_time"] > 1
    assert {one["signature"] for one in told["acpi"]} >= {"DSDT", "APIC"}
    assert told["firmware"]["manufacturer"] == "QEMU"
