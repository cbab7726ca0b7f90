"""The real gdb with a saved guest, in batch mode, over a pipe and over a port."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import migstream
from migstream.cli.common import BROKEN_PIPE
from support.gdbsaved import packet
from support.lacking import lacks
from support.samples import Sample

Named = Callable[[str], Sample]
PATIENCE = 60


def debugger(name: str = "gdb") -> str:
    found = shutil.which(name)
    if found is None:
        lacks(f"{name} is not installed")
    return found


def ours(path: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "migstream", "gdb", str(path), *options]


def gdb(target: str, *commands: str, name: str = "gdb", before: str = "") -> str:
    """What it prints, on either output."""
    lines = ["set pagination off", before, f"target remote {target}", *commands]
    words = [word for line in lines if line for word in ("-ex", line)]
    done = subprocess.run(
        [debugger(name), "-nx", "-batch", *words],
        capture_output=True, text=True, check=False, timeout=PATIENCE, errors="replace",
    )  # fmt: skip
    return done.stdout + done.stderr


def piped(path: Path) -> str:
    return "| " + " ".join(ours(path))


def test_a_session(named_sample: Named) -> None:
    path = named_sample("pc-7.2.mig").path
    said = gdb(
        piped(path),
        "info threads", "info registers rip eflags cr0 edx", "p $xmm0.uint128", "x/16xb 0xfffffff0",
        "monitor help", "monitor get i8254/channels[0]/count", "set var $rax = 1", "stepi", "continue",
        "maintenance packet Qqemu.PhyMemMode:1", "monitor physical", "x/1xb 0x500000000",
        "p/x $gdt_limit",
    )  # fmt: skip
    assert re.search(r"\* 1 +Thread 1 \(CPU#0 \[running\]\)", said)
    assert re.search(r"^rip +0xfff0 +0xfff0$", said, re.MULTILINE)
    assert re.search(r"^eflags +0x2 ", said, re.MULTILINE)
    assert re.search(r"^cr0 +0x60000010 +\[ ET NW CD \]$", said, re.MULTILINE)
    with migstream.open(path) as stream:
        there = stream.memory[0xFFFFFFF0:0x100000000]
        count = stream["i8254/channels[0]/count"].value
    assert "\t".join(f"0x{byte:02x}" for byte in there[:8]) in said
    assert re.search(rf"^{count} \(18.21 Hz\)$", said, re.MULTILINE)
    assert "it cannot be changed" in said
    assert said.count("it cannot run") == 2
    assert said.count("received signal SIGINT") == 2
    assert "addresses are guest-physical" in said
    assert "0xffff" in said
    assert "Cannot access memory at address 0x500000000" in said
    assert "detached]" in said
    assert "warning: while parsing" not in said
    assert "Traceback" not in said


ARCHITECTURES = {
    "arm-virt-7.2.mig": (("pc", "sp", "cpsr"), ("pc", "sp", "pstate")),
    "arm-vexpress-7.2.mig": (("pc", "lr", "cpsr"), ("r15", "r14", "cpsr")),
    "riscv64-virt-7.2.mig": (("pc", "satp", "a0"), ("pc", "satp", "x10")),
    "pseries-7.2.mig": (("pc", "msr", "r1"), ("nip", "msr", "r1")),
    "s390x-7.2.mig": (("pswa", "r15", "cr0"), ("psw.addr", "r15", "c0")),
}
BIG = {"pseries-7.2.mig", "s390x-7.2.mig"}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_other_architectures(named_sample: Named, name: str) -> None:
    path = named_sample(name).path
    theirs, names = ARCHITECTURES[name]
    with migstream.open(path) as stream:
        values = stream.registers[0].values
    before = "set endian big" if name in BIG else "set endian little"
    commands = [f'printf "<%lx>\\n", (unsigned long) ${one}' for one in theirs]
    said = gdb(piped(path), "info threads", *commands, name="gdb-multiarch", before=before)
    assert "warning: while parsing" not in said
    assert re.findall(r"<(\w+)>", said) == [f"{values[one]:x}" for one in names]


def test_over_a_port(named_sample: Named) -> None:
    with subprocess.Popen(
        ours(named_sample("pc-7.2.mig").path, "--listen", "0"), stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        address = re.search(r"127\.0\.0\.1:\d+", server.stderr.readline())
        assert address is not None
        assert "Thread 1 (CPU#0" in gdb(address[0], "info threads")
        assert server.wait(PATIENCE) == 0
        assert server.stderr.read() == ""


def test_whoever_goes_away_is_let_go(named_sample: Named) -> None:
    path = named_sample("pc-7.2.mig").path
    for request in (b"", packet("qC"), packet("D"), b"$half of a pack"):
        done = subprocess.run(
            ours(path), input=request, capture_output=True, check=False, timeout=PATIENCE
        )
        assert (done.returncode, done.stderr) == (0, b"")
    # nobody reads what is said
    reader, writer = os.pipe()
    with subprocess.Popen(
        ours(path), stdin=subprocess.PIPE, stdout=writer, stderr=subprocess.PIPE
    ) as one:
        os.close(writer)
        os.close(reader)
        _, errors = one.communicate(packet("g") * 1000, PATIENCE)
        assert (one.returncode, errors) == (BROKEN_PIPE, b"")
    # a connection that is reset
    with subprocess.Popen(ours(path, "--listen", "0"), stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        port = int(server.stderr.readline().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.sendall(packet("g"))
        assert server.wait(PATIENCE) == 0
        assert server.stderr.read() == ""


def test_interrupts_are_the_debuggers(named_sample: Named) -> None:
    """A terminal sends Ctrl-C to all who are before it; TERM ends, as of every verb."""
    with subprocess.Popen(
        ours(named_sample("pc-7.2.mig").path), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as one:
        assert one.stdin is not None
        assert one.stdout is not None
        one.stdin.write(packet("qC"))
        one.stdin.flush()
        assert one.stdout.read(8) == b"+$QC1#c5"
        one.send_signal(signal.SIGINT)
        time.sleep(0.1)
        one.stdin.write(packet("qC"))
        one.stdin.flush()
        assert one.stdout.read(8) == b"+$QC1#c5"
        one.send_signal(signal.SIGTERM)
        assert one.wait(PATIENCE) == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--listen", "0.0.0.0:1"), "not this machine"),
        (("--listen", "70000"), "not a port"),
        (("--listen", "x"), "not a port"),
        (("--json",), "conversation"),
    ],
)
def test_wrong_usage(named_sample: Named, options: tuple[str, ...], said: str) -> None:
    done = subprocess.run(
        ours(named_sample("pc-7.2.mig").path, *options),
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 2
    assert said in done.stderr


def test_standard_input_is_the_debuggers(named_sample: Named) -> None:
    done = subprocess.run(
        ours(Path("-")), input=named_sample("pc-7.2.mig").read(), capture_output=True, check=False, timeout=PATIENCE
    )  # fmt: skip
    assert done.returncode == 2
    assert b"--listen" in done.stderr


def test_a_port_that_is_taken(named_sample: Named) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            ours(named_sample("pc-7.2.mig").path, "--listen", str(port)),
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
    assert done.returncode == 5
    assert f"port {port} cannot be listened on" in done.stderr
