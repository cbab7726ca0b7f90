"""A fleet in a bucket: processes and a cluster give the same table, whatever fails meanwhile, and nothing twice."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import migstream
from migstream.cli.group import cli
from migstream.errors import SourceError
from migstream.fleet import engines
from migstream.fleet.dataset import Dataset
from migstream.fleet.engines import Dask, Local
from migstream.fleet.query import Fleet
from migstream.fleet.run import Counts
from migstream.fleet.scan import Questions
from support import build
from support.bucket import Bucket
from support.fleet import KINDS, WORKER, children, objects, peak, scanned, sorted_rows
from support.samples import REPOSITORY, Sample

for package in ("pyarrow", "duckdb", "distributed", "moto", "boto3", "s3fs", "flask"):
    pytest.importorskip(package, reason=f"{package} is not installed")

# `MIGSTREAM_FLEET=2000` is the whole of it, which takes minutes.
COUNT = int(os.environ.get("MIGSTREAM_FLEET", "200"))
LOOK = 10  # objects between two looks at the memory of who scans
QUESTIONS = Questions(to=("11.1",), fields=("cpu[*]/env.eip",))
NAMES = ("pc-7.2.mig", "none-7.2.mig", "isapc-7.2.mig", "arm-musicpal-7.2.mig", "microvm-7.2.mig")


@pytest.fixture(scope="module")
def bucket(unpack: Callable[[Any], Sample]) -> Iterator[Bucket]:
    from support.samples import own_streams

    kept = {packed.name: packed for packed in own_streams()}
    streams = [unpack(kept[name]).read() for name in NAMES]
    with Bucket() as one:
        for name, data in objects(COUNT, [*streams, build.small()]):
            one.put(f"night/{name}", data)
        yield one


@pytest.fixture(scope="module")
def table(
    bucket: Bucket, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, bytes]]:
    """What two processes find."""
    folder = tmp_path_factory.mktemp("fleet") / "one"
    most = 0

    def look(counts: Counts) -> None:
        nonlocal most
        if counts.scanned % LOOK == 0:
            most = max(most, *map(peak, children()), 0)

    counts = scanned(folder, [bucket.url("night/")], Local(2), QUESTIONS, tell=look)
    assert 0 < most <= WORKER
    assert (counts.seen, counts.scanned, counts.repeated) == (COUNT, COUNT, 0)
    assert counts.unread == COUNT // len(KINDS) + _unread_cuts(folder)
    return folder, sorted_rows(folder)


def _unread_cuts(folder: Path) -> int:
    """Streams that were cut off within their header."""
    with Fleet(Dataset.open(folder)) as fleet:
        sql = "select count(*) from streams where state = 'unread' and not contains(url, '.text')"
        return int(fleet.ask(sql)[0][0].as_py())


def test_a_cluster_finds_the_same_though_a_worker_is_killed(
    bucket: Bucket, table: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    from distributed import LocalCluster

    make: Any = LocalCluster
    with make(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        killed: list[int] = []

        def kill(counts: Counts) -> None:
            if counts.scanned > COUNT // 3 and not killed:
                killed.append(next(iter(cluster.workers.values())).pid)
                os.kill(killed[0], signal.SIGKILL)

        engine = Dask(cluster.scheduler_address)
        counts = scanned(tmp_path / "f", [bucket.url("night/")], engine, QUESTIONS, tell=kill)
    assert killed
    assert counts.scanned == COUNT
    assert sorted_rows(tmp_path / "f") == table[1]


def test_a_scheduler_goes_away_and_another_comes(
    bucket: Bucket, table: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    scheduler = ("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    worker = ("worker", address, "--nthreads", "2", "--no-nanny", "--no-dashboard")

    def begin() -> list[subprocess.Popen[bytes]]:
        return [
            subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{one[0]}", *one[1:]],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for one in (scheduler, worker)
        ]

    def end() -> None:
        for one in running:
            one.kill()
            one.wait()

    running = begin()
    restarted: list[int] = []

    def restart(counts: Counts) -> None:
        if counts.scanned > COUNT // 3 and not restarted:
            restarted.append(counts.scanned)
            end()
            running[:] = begin()

    try:
        counts = scanned(
            tmp_path / "f", [bucket.url("night/")], Dask(address), QUESTIONS, tell=restart
        )
    finally:
        end()
    assert restarted
    assert counts.scanned == COUNT
    assert sorted_rows(tmp_path / "f") == table[1]


def test_a_server_that_fails_each_tenth_time(
    bucket: Bucket, table: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    bucket.failing = lambda number, _: number % 10 == 0
    try:
        counts = scanned(tmp_path / "f", [bucket.url("night/**")], Local(2), QUESTIONS)
    finally:
        bucket.failing = lambda _, __: False
    assert bucket.failed > COUNT // 10
    assert counts.scanned == COUNT
    assert sorted_rows(tmp_path / "f") == table[1]


def test_only_what_changed_is_scanned_again(
    bucket: Bucket, table: tuple[Path, dict[str, bytes]]
) -> None:
    folder, _ = table
    bucket.asked = 0
    names = [bucket.url("night/"), bucket.url("night/0/")]
    counts = scanned(folder, names, Local(1), QUESTIONS)
    assert counts.scanned == 0
    assert counts.unchanged == COUNT
    assert counts.repeated == counts.seen - COUNT > 0
    assert bucket.asked <= 2 + COUNT // 500  # the lists alone
    bucket.put("night/0/00000.copy", build.small())
    bucket.put("other/new", build.small())
    counts = scanned(folder, [bucket.url("night/"), bucket.url("other/*")], Local(1), QUESTIONS)
    assert (counts.scanned, counts.unchanged) == (2, COUNT - 1)
    with Fleet(Dataset.open(folder)) as fleet:
        rows = fleet.ask("select count(*), count(distinct object) from streams")
        assert [column[0].as_py() for column in rows.columns] == [COUNT + 1, COUNT + 1]
        orphans = fleet.ask("select count(*) from devices anti join streams using (scan)")
        assert orphans[0][0].as_py() == 0


def test_each_row_says_what_info_says(
    bucket: Bucket, table: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    """The table against the verb, over a part of all kinds."""
    with Fleet(Dataset.open(table[0])) as fleet:
        sql = "select url, state, machine, devices, container from history where time = (select min(time) from history) order by object limit 40"
        for url, state, machine, devices, container in zip(
            *(column.to_pylist() for column in fleet.ask(sql).columns), strict=True
        ):
            if url.endswith("night/0/00000.copy"):
                continue  # which another test replaces
            try:
                with migstream.open(url) as stream:
                    assert machine == stream.machine
                    assert devices == len(stream.devices)
                    assert state == ("damaged" if stream.damage else "whole")
                    assert (container or "") == ", ".join(one.name for one in stream.layers)
            except (ValueError, SourceError):
                assert state == "unread"


def test_the_page_leads_from_an_empty_machine_to_the_answer(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands of docs/fleet.md, with this bucket for the one that is named there."""
    pytest.importorskip("jinja2", reason="the extra `report` is not installed: jinja2")
    page = (REPOSITORY / "docs" / "fleet.md").read_text()
    block = page.partition("## From an empty machine to the answer")[2].split("```")[1]
    install, *commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    assert len(commands) == 4
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    [extras] = re.findall(r"migstream\[(.*)\]", install)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    monkeypatch.chdir(tmp_path)
    for command in commands:
        words = shlex.split(command.replace("s3://saved-guests/", bucket.url("night/0/")))
        result = CliRunner().invoke(cli, words[1:])
        assert result.exit_code == 0, result.output
        assert result.stdout or words[2] == "report"
    assert "<html" in (tmp_path / "fleet.html").read_text()


def test_what_is_not_there_is_said(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "CONNECT", 1.0)
    with pytest.raises(SourceError, match="cannot be listed"):
        scanned(tmp_path / "f", ["s3://no-such-bucket/"], Local(1))
    with pytest.raises(SourceError, match="no scheduler"):
        Dask("tcp://127.0.0.1:9")
