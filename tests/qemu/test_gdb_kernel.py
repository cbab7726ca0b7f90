"""A kernel with its debug information, saved: what gdb, drgn and crash say of it is what they say of the guest itself.

It needs the distribution's kernel in /boot and the `vmlinux` of its package `linux-image-…-dbg`, which is looked for in
``/usr/lib/debug/boot`` and in the folder that ``MIGSTREAM_SYMBOLS`` names.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from migstream.cli.group import cli
from support.lacking import lacks
from support.linux import running_programs, symbols
from support.qemu import Qemu

pytestmark = pytest.mark.qemu

PATIENCE = 600
PROGRAMS = 3  # the first one and two that it has started, all busybox
TASKS = """
define look
  thread apply all bt
  set $offset = (unsigned long)&((struct task_struct *)0)->tasks
  set $task = &init_task
  set $more = 1
  while $more
    printf "%d %s %#lx\\n", $task->pid, $task->comm, $task->stack
    set $task = (struct task_struct *)((unsigned long)$task->tasks.next - $offset)
    set $more = $task != &init_task
  end
end
"""
DRGN = """
from drgn.helpers.linux import for_each_task
for task in for_each_task(prog):
    print(task.pid.value_(), task.comm.string_().decode())
    try:
        print(prog.stack_trace(task))
    except ValueError as error:  # at work on a CPU that stands in user mode
        print(error)
"""
CRASH = "ps\nbt -a\nlog\nsys\nquit\n"


class Stopped(NamedTuple):
    """A guest that stands still, its symbols and how far they are moved, its stream, and cores by our hand and by QEMU's."""

    guest: Qemu
    symbols: Path
    moved: int
    stream: Path
    ours: Mapping[str, Path]
    theirs: Mapping[str, Path]


@pytest.fixture(scope="module", params=["nokaslr", "kaslr"])
def stopped(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stopped]:
    found, folder = symbols(), tmp_path_factory.mktemp("kernel")
    stream = folder / "guest.mig"
    with running_programs(folder, request.param) as guest:
        theirs = {kind: folder / f"theirs-{kind}" for kind in ("plain", "paging")}
        for kind, path in theirs.items():
            core = guest._folder / "core"
            where = {"paging": kind == "paging", "protocol": f"file:{guest._seen(core)}"}
            guest.execute("dump-guest-memory", where)
            shutil.move(core, path)
        guest.migrate(stream)
        ours = {kind: folder / f"ours-{kind}" for kind in theirs}
        for kind, path in ours.items():
            words = ["extract", str(stream), "-o", str(path), *["--paging"] * (kind == "paging")]
            assert cli.main(words, standalone_mode=False) in (None, 0)
        offset = re.search(rb"\nKERNELOFFSET=([0-9a-f]+)\n", ours["plain"].read_bytes())
        assert offset is not None
        moved = int(offset[1], 16)
        assert bool(moved) == (request.param == "kaslr")
        yield Stopped(guest, found, moved, stream, ours, theirs)


def test_gdb(stopped: Stopped, tmp_path: Path) -> None:
    """Of the stream by its page tables, of the core by its virtual addresses, and of the guest itself."""
    if shutil.which("gdb") is None:
        lacks("no gdb")
    socket = stopped.guest._folder / "stub"
    stopped.guest.hmp(f"gdbserver unix:{stopped.guest._seen(socket)},server=on,wait=off")
    (tmp_path / "look").write_text(TASKS)
    saved = f"{sys.executable} -m migstream gdb {stopped.stream}"
    commands = [
        "set pagination off", "set width 0", "set confirm off", "set filename-display basename",
        f"symbol-file -o {stopped.moved:#x} {stopped.symbols}", f"source {tmp_path / 'look'}",
        f"target remote | {saved}", "echo \\n#####\\n", "look", "echo \\n#####\\n", "disconnect",
        f"core-file {stopped.ours['paging']}", "echo \\n#####\\n", "look", "echo \\n#####\\n", "core-file",
        f"target remote {socket}", "echo \\n#####\\n", "look", "echo \\n#####\\n", "disconnect",
    ]  # fmt: skip
    words = [word for command in commands for word in ("-ex", command)]
    said = printed(["gdb", "-q", "-nx", "-batch", *words])
    stream, core, live = (plainly(part) for part in said.split("#####")[1::2])
    assert live.count("\nThread ") == 2
    assert "start_kernel" in live or "entry_SYSCALL_64" in live
    assert len(re.findall(r"^\d+ busybox 0x", live, re.MULTILINE)) >= PROGRAMS
    assert stream == live
    assert core == live


def plainly(text: str) -> str:
    """Stacks without what else is said of a thread: a core knows its number only, and QEMU puts a process before it."""
    return re.sub(r"^(Thread \d+) \(.*\):$", r"\1", text, flags=re.MULTILINE)


@pytest.mark.parametrize("kind", ["plain", "paging"])
def test_drgn(stopped: Stopped, tmp_path: Path, kind: str) -> None:
    if importlib.util.find_spec("drgn") is None:
        lacks("no drgn")
    (tmp_path / "look.py").write_text(DRGN)

    def look(core: Path) -> str:
        words = [sys.executable, "-m", "drgn", "-q", "-c", str(core), "-s", str(stopped.symbols)]
        return printed([*words, str(tmp_path / "look.py")])

    ours = look(stopped.ours[kind])
    assert len(re.findall(r"^\d+ busybox$", ours, re.MULTILINE)) >= PROGRAMS
    assert "context_switch (kernel/sched/core.c:" in ours
    theirs = look(stopped.theirs[kind])
    if kind == "paging":
        # QEMU's has a program's pages at the upper end of all addresses (target/i386/arch_memory_mapping.c: walk_pml4e)
        ours, theirs = (
            re.sub(r"^#\d+ 0x.*\n", "", text, flags=re.MULTILINE) for text in (ours, theirs)
        )
    assert ours == theirs


def test_crash(stopped: Stopped) -> None:
    """Releases differ in what they know of a kernel (8.0.2 lists idle tasks only of 6.1): it says the same of both cores."""
    if shutil.which("crash") is None:
        lacks("no crash")
    ours, theirs = (
        printed(["crash", "-s", str(stopped.symbols), str(cores["plain"])], CRASH)
        for cores in (stopped.ours, stopped.theirs)
    )
    assert "[swapper/1]" in ours
    assert "Linux version" in ours
    drop = re.compile(r"^ *DUMPFILE: .*$", re.MULTILINE)
    assert drop.sub("", ours) == drop.sub("", theirs)


def printed(command: list[str], typed: str = "") -> str:
    done = subprocess.run(
        command, input=typed, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
