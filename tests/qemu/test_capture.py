"""A real QEMU migrates to another over TCP while a real tcpdump looks on: the capture is the migration."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import migstream
from migstream.stream import open_anything
from support.lacking import lacks
from support.qemu import Binary, Qemu
from support.recorder import FIRST, UNHURRIED, boot_disk, converge, memory, started

pytestmark = pytest.mark.qemu

SIZE = 48 << 20
MACHINE = ("-M", "pc", "-m", "48")
FLUSHED = 1.5  # seconds in which the kernel hands over what it has


def free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as one:
            one.bind((host, 0))
            port: int = one.getsockname()[1]
            return port
    except OSError as error:
        lacks(f"no address {host} here ({error})")


@contextmanager
def captured(path: Path, port: int, *options: str) -> Iterator[None]:
    """What goes over this port meanwhile ends up in a file."""
    if shutil.which("tcpdump") is None:
        lacks("tcpdump is not installed")
    words = ["tcpdump", "-i", "lo", "-s", "0", "-B", "65536", "-U", "-w", str(path), *options]
    user = ["-Z", "root"] if path.owner() == "root" else []
    with subprocess.Popen(
        [*words, *user, "tcp", "port", str(port)], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = ""
        while "listening on" not in said:
            line = process.stderr.readline()
            if not line:
                lacks(f"tcpdump cannot capture here: {said.strip()}")
            said += line
        try:
            yield
            time.sleep(FLUSHED)
        finally:
            process.send_signal(signal.SIGINT)
            rest = process.stderr.read()
    if "\n0 packets dropped by kernel" not in rest:
        lacks(f"tcpdump lost packets: {'; '.join(rest.split(chr(10)))}")


def migrated(
    qemu: Binary, source: Qemu, host: str, path: Path, *options: str, channels: int = 0
) -> bytes:
    """Migrate a guest whose memory changes, and return its memory."""
    names = ["return-path", *(["multifd"] if channels else [])]
    port = free_port(host)
    address = f"[{host}]" if ":" in host else host
    path.touch()
    with (
        boot_disk(qemu) as drive,
        Qemu(qemu, [*MACHINE, *drive, "-incoming", "defer", "-S"]) as target,
        captured(path, port, *options),
    ):
        for one in (target, source):
            one.set_capabilities(names)
            if channels:
                one.set_parameters(multifd_channels=channels)
        target.execute("migrate-incoming", {"uri": f"tcp:{address}:{port}"})
        source.set_parameters(**UNHURRIED)
        source.execute("migrate", {"uri": f"tcp:{address}:{port}"})
        converge(source)
        source.finish_migration()
        return memory(source, 0, SIZE)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("channels", [0, 3])
def test_a_migration_is_what_its_capture_says(
    qemu: Binary, tmp_path: Path, host: str, channels: int
) -> None:
    path = tmp_path / "lo.pcap"
    with boot_disk(qemu) as drive, Qemu(qemu, [*MACHINE, *drive]) as source:
        source.execute("cont")
        started(source)
        truth = migrated(qemu, source, host, path, channels=channels)
    with migstream.open(path) as stream:
        assert not stream.damage
        facts = stream.layers[0].facts
        assert len(facts["channels"]) == channels == len(stream.channels)
        assert facts["return_path"]
        ram = stream.ram["pc.ram"]
        assert bytes(ram[FIRST:SIZE]) == truth[FIRST:]
        assert (stream.machine or "").startswith("pc-i440fx")
        assert len(stream.devices) > 10
    with open_anything(path, inside=facts["return_path"]) as back:
        assert bytes(back.store.view(0, 2)) == b"\0\2"  # a PONG


def test_a_capture_that_cuts_packets_off_says_so(qemu: Binary, tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    with Qemu(qemu, [*MACHINE, "-S"]) as source:
        port = free_port("127.0.0.1")
        path.touch()
        with (
            Qemu(qemu, [*MACHINE, "-incoming", f"tcp:127.0.0.1:{port}"]),
            captured(path, port, "-s", "200"),
        ):
            source.execute("migrate", {"uri": f"tcp:127.0.0.1:{port}"})
            source.finish_migration()
    with migstream.open(path) as stream:
        (error,) = (e for e in stream.damage if "missing in the capture" in str(e))
        assert error.hint is not None
        assert "tcpdump -s 0" in error.hint
