"""Extraction: what is written where, holes, names, and that nothing half-written stays."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import migstream
from migstream.cli.group import cli
from migstream.errors import SourceError
from migstream.export.extract import file_name
from migstream.source.output import MANIFEST, new_file, new_folder
from support import build
from support.build import be64, counted
from support.samples import Sample

Named = Callable[[str], Sample]
P = 4096


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def page(block: str, number: int, data: bytes) -> bytes:
    flags = 8 if len(data) == P else 2
    return be64(number * P | flags) + counted(block) + data


def stream_of(sizes: dict[str, int], *records: bytes) -> bytes:
    return build.memory(records, sizes, P)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.mig"
    pages = [page("ram", n, b"\0") for n in range(1024)]
    pages += [page("ram", 3, b"x" * P), page("ram", 1000, b"y" * P)]
    path.write_bytes(stream_of({"ram": 1024 * P, "../up": P}, *pages, page("../up", 0, b"\7")))
    return path


def test_raw_is_one_file_for_each_block(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("extract", small, "-o", out, "-f", "raw")
    assert (done.exit_code, done.stderr) == (0, "")
    rows = json.loads((out / MANIFEST).read_text())
    assert {row["block"]: row["file"] for row in rows} == {"ram": "ram", "../up": "%2E.%2Fup"}
    want = bytes(3 * P) + b"x" * P + bytes(996 * P) + b"y" * P + bytes(23 * P)
    assert (out / "ram").read_bytes() == want
    assert (out / "%2E.%2Fup").read_bytes() == b"\7" * P
    assert (out / "ram").stat().st_blocks * 512 < 64 * P  # the zeros are holes
    assert names(tmp_path) == ["out", "small.mig"]


def test_only_the_blocks_that_are_named(small: Path, tmp_path: Path) -> None:
    done = run("extract", small, "-o", tmp_path / "out", "-f", "raw", "--block", "../up")
    assert done.exit_code == 0
    assert names(tmp_path / "out") == ["%2E.%2Fup", MANIFEST]
    assert run("extract", small, "-o", tmp_path / "no", "-f", "raw", "--block", "up").exit_code == 2
    assert not (tmp_path / "no").exists()


def test_phys_puts_blocks_where_they_are_mapped(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("extract", small, "-o", out, "-f", "phys", "--map", "ram@0x1000000", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["files"][0]["size"] == 0x1000000 + 1024 * P
    with out.open("rb") as file:
        file.seek(0x1000000 + 3 * P)
        assert file.read(P) == b"x" * P
    assert out.stat().st_blocks * 512 < 64 * P


def test_without_a_map_it_says_what_to_do(small: Path, tmp_path: Path) -> None:
    done = run("extract", small, "-o", tmp_path / "out", "-f", "phys", "--map", "nonsense")
    assert done.exit_code == 2
    assert "BLOCK@" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["elf", "lime", "phys", "raw"])
def test_every_format_of_a_real_guest(form: str, named_sample: Named, tmp_path: Path) -> None:
    sample = named_sample("q35-7.2.mig")
    out = tmp_path / "out"
    done = run("extract", sample.path, "-o", out, "-f", form)
    assert (done.exit_code, done.stderr) == (0, "")
    with migstream.open(sample.path) as stream:
        if form == "raw":
            for row in json.loads((out / MANIFEST).read_text()):
                assert (out / row["file"]).read_bytes() == stream.ram[row["block"]][:]
        elif form == "phys":
            for one in stream.memory.ranges[:2]:
                with out.open("rb") as file:
                    file.seek(one.start)
                    assert file.read(one.size) == stream.memory.read(one.start, one.size)
        elif form == "lime":
            first = stream.memory.ranges[0]
            raw = out.read_bytes()
            assert raw[:4] == b"EMiL"
            assert raw[32 : 32 + first.size] == stream.memory.read(first.start, first.size)


def test_what_is_there_stays(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("mine")
    done = run("extract", small, "-o", out, "-f", "phys", "--map", "ram@0")
    assert done.exit_code == 5
    assert "there already" in done.stderr
    assert out.read_text() == "mine"
    assert (
        run("extract", small, "-o", out, "-f", "phys", "--map", "ram@0", "--force").exit_code == 0
    )
    assert out.stat().st_size == 1024 * P
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "mine").write_text("mine")
    for extra in ([], ["--force"]):  # a folder that holds something else is not replaced at all
        assert run("extract", small, "-o", folder, "-f", "raw", *extra).exit_code == 5
    assert names(folder) == ["mine"]
    again = tmp_path / "again"
    for extra, status in (([], 0), ([], 5), (["--force"], 0)):
        assert run("extract", small, "-o", again, "-f", "raw", *extra).exit_code == status


def test_a_full_disk_is_said_and_leaves_nothing(small: Path, tmp_path: Path) -> None:
    """A limit on file sizes stands for the disk: the system answers a write in the same way."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    for form in ("raw", "phys"):
        done = subprocess.run(
            [sys.executable, "-m", "migstream", "extract", str(small), "-o", str(tmp_path / "out"),
             "-f", form, "--map", "ram@0"],
            capture_output=True, text=True, preexec_fn=limit, check=False,
        )  # fmt: skip
        assert done.returncode == 5
        assert "nothing was left behind" in done.stderr
        assert "Traceback" not in done.stderr
        assert names(tmp_path) == ["small.mig"]


@pytest.mark.parametrize("request_", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(request_: int, tmp_path: Path) -> None:
    path = tmp_path / "big.mig"
    pages = b"".join(page("ram", n, bytes([n & 0xFF or 1]) * P) for n in range(4096))
    path.write_bytes(stream_of({"ram": 4096 * P}, pages))
    folder = tmp_path / "out"
    folder.mkdir()
    slow = (
        "import migstream.source.sparse as e, signal, time, sys\n"
        # what a shell runs in the background ignores SIGINT, and so do its children
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "write = e.write_at\n"
        "def late(fd, piece, at):\n"
        "    time.sleep(0.5)\n"
        "    return write(fd, piece, at)\n"
        "e.write_at = late\n"
        "from migstream.cli import main\n"
        "main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", slow, "extract", str(path), "-o", str(folder / "x"), "-f", "raw"],
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 30
    while not names(folder) and time.monotonic() < until:
        time.sleep(0.01)
    assert names(folder)
    process.send_signal(request_)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + request_
    assert b"Traceback" not in said
    assert names(folder) == []


def test_names_of_blocks_never_choose_a_path() -> None:
    blocks = [
        "pc.ram",
        "/rom@etc/acpi/tables",
        "..",
        ".",
        "",
        "a/../b",
        "a\0b",
        "\udcff",
        "x" * 300,
        "%41",
    ]
    made = [file_name(name, number) for number, name in enumerate(blocks)]
    assert made[0] == "pc.ram"
    assert len(set(made)) == len(made)
    for name in made:
        assert name
        assert not set(name) & set("/\0")
        assert not name.startswith(".")
        assert len(name.encode()) <= 255


def test_new_file_takes_nobodys_place(tmp_path: Path) -> None:
    target = tmp_path / "x"

    def write() -> None:
        with new_file(target) as fd:
            os.write(fd, b"ours")
            target.write_text("theirs")  # came while we wrote

    with pytest.raises(SourceError, match="there already"):
        write()
    assert target.read_text() == "theirs"
    assert names(tmp_path) == ["x"]


def test_new_folder_leaves_nothing_behind(tmp_path: Path) -> None:

    def write() -> None:
        with new_folder(tmp_path / "x") as folder:
            (folder / "half").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert names(tmp_path) == []
    with pytest.raises(SourceError), new_file(tmp_path / "no" / "x"):
        pass


def test_absent_memory_is_left_out_and_said_to_be(named_sample: Named, tmp_path: Path) -> None:
    sample = named_sample("pc-ignore-shared-7.2.mig")
    done = run("extract", sample.path, "-o", tmp_path / "raw", "-f", "raw")
    assert done.exit_code == 1
    assert "left out" in done.stderr
    assert "x-ignore-shared" in done.stderr
    with migstream.open(sample.path) as stream:
        there = {name for name, block in stream.ram.items() if block.elsewhere is None}
    assert {row["block"] for row in json.loads((tmp_path / "raw" / MANIFEST).read_text())} == there
