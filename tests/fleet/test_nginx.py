"""A fleet behind a plain web server: a few ranges of each object, as the server itself counts them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from migstream.fleet.dataset import Dataset
from migstream.fleet.engines import Local
from migstream.fleet.query import Fleet
from migstream.fleet.scan import Questions, scan
from support import build
from support.fleet import KINDS, saved_in, scanned
from support.nginx import PROGRAM, Nginx
from support.samples import Sample
from support.web import Sparse

for package in ("pyarrow", "duckdb", "aiohttp"):
    pytest.importorskip(package, reason=f"{package} is not installed")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="nginx is not installed")

COUNT = 2 * len(KINDS)
PIECE = 1 << 20
SAID = "select regexp_extract(url, '[^/]*/[^/]*$') as name, * exclude (object, scan, url, time, mark, etag, mtime, message) from streams order by all"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return saved_in(tmp_path / "saved", COUNT, [build.small()])


@pytest.fixture
def server(saved: Path, tmp_path: Path) -> Iterator[Nginx]:
    (tmp_path / "nginx").mkdir()
    with Nginx(saved, tmp_path / "nginx") as one:
        yield one


def test_it_finds_there_what_it_finds_in_the_folder(
    saved: Path, server: Nginx, tmp_path: Path
) -> None:
    for fleet, name in (("near", str(saved)), ("far", f"{server.url}/")):
        counts = scanned(tmp_path / fleet, [name], Local(2), Questions(to=("11.1",)))
        assert counts.scanned == COUNT
    near, far = (Fleet(Dataset.open(tmp_path / one)) for one in ("near", "far"))
    with near, far:
        assert far.ask(SAID).to_pylist() == near.ask(SAID).to_pylist()
    assert (
        scanned(tmp_path / "far", [f"{server.url}/"], Local(1), Questions(to=("11.1",))).scanned
        == 0
    )


def test_of_a_large_stream_it_sends_little(
    saved: Path, server: Nginx, named_sample: Callable[[str], Sample]
) -> None:
    stream = Sparse.of(named_sample("pc-7.2.mig").path, 64 << 20)
    with (saved / "large.mig").open("wb") as file:
        for at in range(0, stream.size, PIECE):
            file.write(stream.read(at, at + PIECE))
    found = scan(f"{server.url}/large.mig", questions=Questions(to=("11.1",), check=True))
    assert (found.saved.state, found.saved.size) == ("unproven", stream.size)
    assert found.saved.devices == len(found.devices) > 20
    assert found.verdicts[0].loads
    answers = server.answers()
    assert {status for _, status, _ in answers} == {206}
    assert sum(size for *_, size in answers) <= 2 << 20
