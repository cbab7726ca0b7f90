"""A run over files of this machine: it may be ended at any time, and no object can hold it up."""

from __future__ import annotations

import lzma
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from migstream.errors import SourceError
from migstream.fleet.ahead import Ahead
from migstream.fleet.child import Answer, Asker, Limits, Work
from migstream.fleet.compact import compact
from migstream.fleet.dataset import Dataset, Writer
from migstream.fleet.engines import Local
from migstream.fleet.known import RECENT, Known
from migstream.fleet.listing import Listed
from migstream.fleet.query import Fleet
from migstream.fleet.run import Counts, run
from migstream.fleet.scan import Questions
from support import build
from support.fleet import WHEN, WORKER, children, peak, saved_in, scanned, sorted_rows
from support.samples import Sample
from support.terminal import MIGSTREAM, Terminal
from support.web import Server, Sparse

for package in ("pyarrow", "duckdb"):
    pytest.importorskip(package, reason=f"{package} is not installed")

COUNT = 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return saved_in(tmp_path / "saved", COUNT, [build.small()])


def counted(fleet: Path) -> tuple[int, ...]:
    """Objects, and scans of them; devices, and different ones."""
    with Fleet(Dataset.open(fleet)) as one:
        rows = one.ask(
            "select count(distinct object), count(*), (select count(*) from devices),"
            " (select count(*) from (select distinct object, path from devices)) from history"
        )
        return tuple(column[0].as_py() for column in rows.columns)


# --- one object ------------------------------------------------------------------------------------


def work(url: str, limits: Limits = Limits(30.0, 1 << 30), known: int | None = None) -> bytes:  # noqa: B008
    return msgspec.msgpack.encode(
        Work(url=url, mark=None, known=known, questions=Questions(), time=WHEN, limits=limits)
    )


@contextmanager
def asking() -> Iterator[Callable[[bytes], Answer]]:
    asker = Asker()
    try:
        yield lambda asked: msgspec.msgpack.decode(asker.ask(asked), type=Answer)
    finally:
        asker.end()


def test_an_object_that_takes_too_long_is_a_row(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # nobody ever writes to it
    (tmp_path / "good").write_bytes(build.small())
    with asking() as ask:
        saved = ask(work(str(tmp_path / "good"))).scan
        assert saved is not None
        began = time.monotonic()
        late = ask(work(str(tmp_path / "pipe"), Limits(0.5, 1 << 30))).scan
        assert late is not None
        assert (late.saved.error, late.saved.state, late.saved.again) == ("MS430", "unread", True)
        assert time.monotonic() - began < 90
        again = ask(work(str(tmp_path / "good"))).scan
        assert again == saved
    assert not children()


def test_an_object_that_takes_too_much_memory_is_a_row(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 64 << 20}]
    path = tmp_path / "x.xz"
    path.write_bytes(lzma.compress(build.small(), filters=filters))
    with asking() as ask:
        found = ask(work(str(path), Limits(30.0, 64 << 20))).scan
        assert found is not None
        assert found.saved.state != "whole"
        whole = ask(work(str(path), Limits(30.0, 1 << 30))).scan
        assert whole is not None
        assert whole.saved.state == "whole"


def test_a_process_that_is_killed_is_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "good").write_bytes(build.small())

    def kill(times: int) -> None:
        for _ in range(times):
            while not (there := children()):
                time.sleep(0.02)
            time.sleep(1.0)
            os.kill(there[0], signal.SIGKILL)
            while there == children():
                time.sleep(0.02)

    with asking() as ask:
        thread = threading.Thread(target=kill, args=(2,))
        thread.start()
        found = ask(work(str(tmp_path / "pipe"))).scan
        thread.join()
        assert found is not None
        assert (found.saved.error, found.saved.again) == ("MS430", True)
        assert "2 times, by SIGKILL" in (found.saved.message or "")
        good = ask(work(str(tmp_path / "good"))).scan
        assert good is not None
        assert good.saved.state == "whole"


def test_what_is_as_it_was_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "good"
    path.write_bytes(build.small())
    with asking() as ask:
        first = ask(work(str(path))).scan
        assert first is not None
        assert ask(work(str(path), known=first.saved.mark)).scan is None
        path.write_bytes(build.small() + b"\0")
        assert ask(work(str(path), known=first.saved.mark)).scan is not None


def test_a_child_ends_with_who_asks(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    program = (
        "import sys; from migstream.fleet.child import Asker; Asker().ask(sys.stdin.buffer.read())"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as one:
        assert one.stdin is not None
        one.stdin.write(work(str(tmp_path / "pipe")))
        one.stdin.close()
        while not (there := children(one.pid)):
            time.sleep(0.02)
        one.kill()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{there[0]}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{there[0]}").exists()


def test_device_questions_of_2_gib_take_less_than_2_mib(
    named_sample: Callable[[str], Sample],
) -> None:
    pytest.importorskip("aiohttp", reason="the extra `url` is not installed: aiohttp")
    large = Sparse.of(named_sample("pc-7.2.mig").path, 2 << 30)
    asked = msgspec.msgpack.encode(
        Work(
            url="",
            mark=None,
            known=None,
            questions=Questions(to=("all",), fields=("cpu[*]/env.eip",), check=True),
            time=WHEN,
            limits=Limits(60.0, 1 << 30),
        )
    )
    with Server(large) as server, asking() as ask:
        found = ask(
            asked.replace(
                msgspec.msgpack.encode({"url": ""})[1:],
                msgspec.msgpack.encode({"url": server.url})[1:],
            )
        ).scan
        assert found is not None
        assert (found.saved.state, found.saved.size) == ("unproven", large.size)
        assert found.saved.devices == len(found.devices) > 20
        assert len(found.verdicts) > 3
        assert server.sent <= 2 << 20
        assert len(server.asked) <= 6
        [child] = children()
        assert peak(child) <= WORKER


# --- many ------------------------------------------------------------------------------------------


def test_a_run_that_is_ended_goes_on_where_it_was(folder: Path, tmp_path: Path) -> None:
    scanned(tmp_path / "whole", [str(folder)], Local(2))
    os.mkfifo(folder / "pipe")
    for number, status in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
        command = [*MIGSTREAM, "fleet", "scan", "-", "-o", str(tmp_path / "f"), "--workers", "1"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as one:
            assert one.stdin is not None
            names = [path for path in sorted(folder.rglob("*")) if path.is_file()]
            done = names[: COUNT // 3] if number == signal.SIGINT else names[: COUNT // 2]
            one.stdin.write(b"".join(b"%s\n" % bytes(path) for path in (*done, folder / "pipe")))
            one.stdin.flush()  # the list is not at its end: who writes it may be slow
            while not _asleep_on_pipe(one.pid):
                time.sleep(0.05)
            one.send_signal(number)
            assert one.stdout is not None
            said = one.stdout.read().decode()
        assert one.returncode == status
        if number == signal.SIGINT:
            assert "told to end" in said
            assert counted(tmp_path / "f")[:2] == (COUNT // 3, COUNT // 3)
    (folder / "pipe").unlink()
    scanned(tmp_path / "f", [str(folder)], Local(2))
    found = counted(tmp_path / "f")
    assert found[:2] == (COUNT, COUNT)
    assert found[2] == found[3] == counted(tmp_path / "whole")[2]


def test_nothing_waits_for_a_slow_list(folder: Path, tmp_path: Path) -> None:
    stop = threading.Event()

    def slow() -> Iterator[Listed]:
        yield from (Listed(str(path), None) for path in sorted(folder.rglob("*.*"))[:3])
        stop.wait(60)

    def tell(counts: Counts) -> None:
        if counts.scanned == 3:
            stop.set()

    with closing(Local(2)) as engine, Writer(Dataset.make(tmp_path / "f"), "2026-11-28") as keep:
        counts = run(
            slow(), engine, keep, Known(), questions=Questions(), time=WHEN, tell=tell, stop=stop
        )
    assert counts.scanned == 3
    assert counted(tmp_path / "f")[:2] == (3, 3)


def test_what_a_list_raises_is_raised_in_its_turn() -> None:
    def wrong() -> Iterator[int]:
        yield 1
        raise SourceError("no such bucket")

    with closing(Ahead(wrong())) as ahead:
        assert ahead.next(20.0) == 1
        with pytest.raises(SourceError, match="no such bucket"):
            ahead.next(20.0)
        assert ahead.ended
        assert ahead.next(20.0) is None


def _asleep_on_pipe(of: int) -> bool:
    """Whether the only child waits for somebody to write to a pipe."""
    for child in children(of):
        with suppress(OSError):
            wchan = Path(f"/proc/{child}/syscall").read_text().split()[0]
            return wchan in {"257", "56"}  # openat
    return False


def test_files_are_whole_or_do_not_count(folder: Path, tmp_path: Path) -> None:
    fleet = tmp_path / "f"
    scanned(fleet, [str(folder)], Local(2))
    before = counted(fleet)
    rows = sorted_rows(fleet)
    orphan = next((fleet / "devices").rglob("*.parquet"))
    (orphan.parent / "p0000.parquet").write_bytes(orphan.read_bytes())  # of a run that was ended
    (orphan.parent / ".p1.part").write_bytes(b"PAR1")
    assert counted(fleet) == before
    (folder / "0" / "00000.copy").write_bytes(build.small() + bytes(9))
    assert scanned(fleet, [str(folder)], Local(2)).scanned == 1
    done = compact(Dataset.open(fleet))
    assert done.files < done.files_before
    assert not (orphan.parent / "p0000.parquet").exists()
    assert counted(fleet)[:2] == (COUNT, COUNT + 1)
    assert scanned(fleet, [str(folder)], Local(2)).scanned == 0
    assert compact(Dataset.open(fleet)).files == done.files
    assert set(sorted_rows(fleet)) == set(rows)


def test_what_a_compaction_was_ended_in_counts_once(folder: Path, tmp_path: Path) -> None:
    """The old files are still there beside the new one."""
    fleet = tmp_path / "f"
    scanned(fleet, [str(folder)], Local(2))
    (folder / "0" / "00000.copy").write_bytes(build.small() + bytes(9))
    scanned(fleet, [str(folder)], Local(2))
    before = counted(fleet)
    old = {path: path.read_bytes() for path in fleet.rglob("*.parquet")}
    compact(Dataset.open(fleet))
    for path, data in old.items():
        path.write_bytes(data)
    assert counted(fleet) == before
    compact(Dataset.open(fleet))
    assert counted(fleet) == before


def test_known_objects_are_found_in_any_order() -> None:
    known = Known((number * 7919 % (1 << 64), number) for number in range(2 * RECENT + 9))
    known[7919] = 5
    assert len(known) == 2 * RECENT + 9
    assert known.get(7919) == 5
    assert known.get(2 * 7919) == 2
    assert known.get((2 * RECENT + 8) * 7919) == 2 * RECENT + 8
    assert known.get(1) is None
    assert 1 not in known


def test_a_person_sees_how_far_it_is(folder: Path, tmp_path: Path) -> None:
    at_once = (
        sys.executable,
        "-c",
        "from migstream.cli import main, watching; watching.SOON = watching.EVERY = -1; main()",
    )
    with Terminal(
        *at_once, "fleet", "scan", folder, "-o", tmp_path / "f", results=False
    ) as terminal:
        terminal.end()
        said: Any = terminal.text()
    assert "unread" in said
    assert "objects" in said
    assert "/s" in said
