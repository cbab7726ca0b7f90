"""Completion in real shells: bash, zsh and fish with the scripts that the command prints."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from migstream.cli.group import VERBS
from support import pcap
from support.lacking import lacks, open_terminal
from support.samples import Sample
from support.terminal import MIGSTREAM
from support.transcript import MADE

Named = Callable[[str], Sample]
Complete = Callable[[str], list[str]]
STILL = 120  # seconds: far longer than any answer takes

# What bash does on TAB, with the function that the command itself prints: the line is cut into
# words as bash cuts it, and COMPREPLY is what bash puts in place of the last of them.
BASH = r"""
migstream() { "$PYTHON" -m migstream "$@"; }
eval "$(migstream completion bash)"
compopt() { :; }
COMP_LINE=$1 COMP_POINT=${#1}
_migstream_completion migstream
printf '%s\n' "${COMPREPLY[@]}"
"""
FISH = r"""
function env; set -lx _MIGSTREAM_COMPLETE fish_complete; set -lx COMP_WORDS (commandline -cp); set -lx COMP_CWORD (commandline -t); $PYTHON -m migstream; end
$PYTHON -m migstream completion fish | source
complete -C "$argv[1]"
"""


def shell(name: str) -> str:
    """The path of a shell; the test is skipped where there is none."""
    found = shutil.which(name)
    if found is None:
        lacks(f"{name} is not installed")
    return found


def ended(words: list[str], **environment: str) -> str:
    done = subprocess.run(
        words,
        env={**os.environ, "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    return done.stdout


@pytest.fixture
def complete() -> Complete:
    bash = shell("bash")
    return lambda line: ended([bash, "--norc", "-c", BASH, "bash", line]).split()


def test_verbs_and_options_are_completed(complete: Complete) -> None:
    assert complete("migstream ") == list(VERBS)
    assert complete("migstream dec") == ["decode"]
    assert complete("migstream get --wh") == ["--where"]
    assert complete("migstream ls file --color ") == ["auto", "always", "never"]


def test_devices_and_fields_are_completed(named_sample: Named, complete: Complete) -> None:
    line = f"migstream get {named_sample('pc-7.2.mig').path} "
    assert {"cpu[0]", "timer[0]", "dma[0]", "dma[1]"} <= set(complete(line))
    assert complete(f"{line}i8259[1]") == ["i8259[1]"]
    assert complete(f"{line}cpu[0]/env.ei") == ["cpu[0]/env.eip"]
    assert complete(f"{line}cpu[0]/env.segs[1]/s") == ["cpu[0]/env.segs[1]/selector"]
    assert complete(f"{line}nothing") == []


def test_a_word_with_colons_is_completed_from_its_last_part(
    named_sample: Named, complete: Complete
) -> None:
    line = f"migstream tree {named_sample('pc-7.2.mig').path} "
    assert complete(f"{line}0000:00:01.1") == ["01.1/ide[0]"]
    assert complete(f"{line}0000:00:01.1/ide[0]/par") == ["01.1/ide[0]/parent_obj"]


def test_what_bash_calls_is_click_s_protocol(named_sample: Named) -> None:
    line = f"migstream tree {named_sample('pc-7.2.mig').path} time"
    done = subprocess.run(
        MIGSTREAM,
        env={**os.environ, "_MIGSTREAM_COMPLETE": "bash_complete", "COMP_LINE": line},
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"more,timer[0]\n"


@pytest.mark.parametrize("content", [None, b"", b"no stream\n", b"QEVM"])
def test_completion_of_no_stream_says_nothing(
    complete: Complete, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    assert complete(f"migstream tree {path} cpu") == []
    assert complete("migstream tree - cpu") == []


# --- what is in a file -----------------------------------------------------------------------------


def test_a_pipe_is_left_to_its_reader(tmp_path: Path, complete: Complete) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert complete(f"migstream get {tmp_path}/pipe i82") == []


def test_a_field_that_is_set_gets_its_sign(named_sample: Named, complete: Complete) -> None:
    line = f"migstream set {named_sample('pc-7.2.mig').path} "
    assert complete(f"{line}cpu[0]/env.ei") == ["cpu[0]/env.eip="]
    assert complete(f"{line}cpu[0]/env.segs[1]") == ["cpu[0]/env.segs[1]"]  # goes on
    assert complete(f"{line}cpu[0]/env.eip=0x") == []
    assert complete(f"{line}cpu[0]/env.eip=1 cpu[0]/env.efl") == ["cpu[0]/env.eflags="]


def test_ram_blocks_are_completed(named_sample: Named, complete: Complete) -> None:
    path = named_sample("pc-7.2.mig").path
    blocks = ["pc.ram", "pc.bios", "pc.rom"]
    assert complete(f"migstream mem {path} --block pc.") == blocks
    assert complete(f"migstream extract {path} --block pc.b") == ["pc.bios"]
    assert complete(f"migstream mem {path} --map pc.b") == ["pc.bios@"]


def test_snapshots_of_a_disk_are_completed(tmp_path: Path, complete: Complete) -> None:
    path = tmp_path / "disk.qcow2"
    path.write_bytes(MADE["disk.qcow2"]())
    assert complete(f"migstream info {path} --inside ") == ["before", "after"]
    assert complete(f"migstream info {path} --inside b") == ["before"]
    # and of the one that is named, its devices
    line = f"migstream get --inside before {path} "
    assert "timer[0]" in complete(f"{line}time")


def test_connections_of_a_capture_are_completed(
    named_sample: Named, tmp_path: Path, complete: Complete
) -> None:
    path = tmp_path / "lo.pcap"
    flow = pcap.Flow("127.0.0.1", 50000, "127.0.0.1", 4444)
    stream = named_sample("none-7.2.mig").read()
    path.write_bytes(pcap.pcap(pcap.spoken(flow, stream)))
    line = f"migstream info {path} --inside 127"
    assert complete(line) == ["127.0.0.1:50000-127.0.0.1:4444"]
    assert complete(f"{line}.0.0.1:5") == ["50000-127.0.0.1:4444"]  # behind what bash keeps
    assert ended([*MIGSTREAM, "info", str(path), "--inside", "127.0.0.1:50000-127.0.0.1:4444"])


# --- what is of migstream --------------------------------------------------------------------------


def test_codes_are_completed(complete: Complete) -> None:
    assert complete("migstream explain MS51")[:2] == ["MS510", "MS511"]
    assert complete("migstream explain ms103") == ["MS103"]
    assert complete("migstream check x --select MS10") == ["MS100", "MS101", "MS102", "MS103"]
    assert complete("migstream check x --ignore MS501,MS50")[:2] == ["MS501,MS501", "MS501,MS502"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("migstream info x --container q", ["qcow2"]),
        ("migstream info x --container n", ["none"]),
        ("migstream convert x --to-container z", ["zstd"]),
        ("migstream extract x -f l", ["lime"]),
        ("migstream check x -f s", ["sarif"]),
        ("migstream desc x -f k", ["kaitai"]),
        ("migstream diff x y --ignore c", ["clocks", "counters"]),
        ("migstream diff x y --ignore clocks,t", ["clocks,timers"]),
        ("migstream schema his", ["history"]),
        ("migstream man his", ["history"]),
        ("migstream completion ", ["bash", "zsh", "fish"]),
        ("migstream compat x --to debian-13", ["debian-13"]),
        ("migstream compat x --to 7", ["7.2"]),
        ("migstream catalogue sh", ["show"]),
        ("migstream catalogue show x86_64-7", ["x86_64-7.2"]),
    ],
)
def test_kinds_and_forms_are_completed(line: str, expected: list[str], complete: Complete) -> None:
    assert complete(line) == expected


def test_other_spellings_are_not_offered(complete: Complete) -> None:
    assert complete("migstream info x --colo") == ["--color"]
    assert complete("migstream minim") == ["minimise"]


def test_a_message_may_be_a_file(complete: Complete) -> None:
    assert complete("migstream explain libv") == []  # bash completes files itself


# --- other shells ----------------------------------------------------------------------------------


def test_fish(named_sample: Named) -> None:
    fish = shell("fish")

    def complete(line: str) -> list[str]:
        lines = ended([fish, "--no-config", "-c", FISH, line]).splitlines()
        return [line.partition("\t")[0] for line in lines]

    path = named_sample("pc-7.2.mig").path
    assert "decode" in complete("migstream dec")
    assert complete(f"migstream get {path} cpu[0]/env.ei") == ["cpu[0]/env.eip"]
    assert complete("migstream explain MS103") == ["MS103"]


def test_zsh(named_sample: Named, tmp_path: Path) -> None:
    """A zsh on a terminal, in which TAB is pressed; what the line has become is told by a key of our own."""
    zsh = shell("zsh")
    path = tmp_path / "guest.mig"
    shutil.copy(named_sample("pc-7.2.mig").path, path)
    command = tmp_path / "migstream"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m migstream "$@"\n')
    command.chmod(0o755)
    told = tmp_path / "told"
    (tmp_path / ".zshrc").write_text(
        "PS1='> '; unsetopt zle_bracketed_paste\n"
        "autoload -Uz compinit; compinit -D -u\n"
        'eval "$(migstream completion zsh)"\n'
        f'tell() {{ print -r -- "$BUFFER|" >> {told}; BUFFER=; print told; }}; zle -N tell\n'
        "bindkey '^I' complete-word; bindkey '^X' tell\n"
        "print ready\n"
    )
    lines = {
        "migstream dec": "migstream decode |",
        r"migstream get guest.mig cpu\[0\]/env.ei": r"migstream get guest.mig cpu\[0\]/env.eip|",
        r"migstream set guest.mig cpu\[0\]/env.ei": r"migstream set guest.mig cpu\[0\]/env.eip=|",
        "migstream mem guest.mig --block pc.b": "migstream mem guest.mig --block pc.bios |",
        "migstream explain MS51": "migstream explain MS51|",
    }
    assert typed(zsh, tmp_path, told, list(lines)) == list(lines.values())


def _shown(terminal: int) -> bytes:
    """What comes next on a terminal; a shell that stands still has failed."""
    assert select.select([terminal], [], [], STILL)[0], "the shell stands still"
    return os.read(terminal, 1 << 16)


def typed(zsh: str, folder: Path, told: Path, lines: list[str]) -> list[str]:
    """What each line is after TAB, by a zsh whose settings are in `folder`."""
    ours, theirs = open_terminal()
    process = subprocess.Popen(
        [zsh, "-i", "--no-globalrcs"],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={
            **os.environ,
            "ZDOTDIR": str(folder),
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "TERM": "xterm",
        },
    )
    os.close(theirs)
    try:
        shown = b""
        while b"ready" not in shown:
            shown += _shown(ours)
        for number, line in enumerate(lines, 1):
            os.write(ours, f"{line}\t\x18".encode())
            while not told.exists() or len(told.read_text().splitlines()) < number:
                shown += _shown(ours)  # it echoes what it does, so this comes to an end
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return told.read_text().splitlines()
