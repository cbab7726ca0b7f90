"""Addresses of any file system that fsspec knows: its memory, its local one, S3 as moto plays it."""

from __future__ import annotations

import gzip
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

import migstream
from migstream.cli.group import cli
from migstream.errors import NotAStream, SourceError
from migstream.source import ranged, remote
from migstream.source.address import public, scheme_of, scrub
from migstream.source.opened import open_source
from migstream.source.ranged import BLOCK, LARGEST, Ranged
from support import build
from support.samples import Sample

fsspec: Any = pytest.importorskip("fsspec", reason="the extra `url` is not installed: fsspec")

PLAIN = build.small()
COMPRESSED = gzip.compress(PLAIN)


@pytest.fixture
def put() -> Iterator[Callable[[str, bytes], str]]:
    """Keep bytes in fsspec's memory: `put("name", b"…")` gives the address."""
    memory = fsspec.filesystem("memory")

    def keep(name: str, data: bytes) -> str:
        memory.pipe(f"/{name}", data)
        return f"memory://{name}"

    yield keep
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def test_an_object_is_read_as_its_file_is(
    own_sample: Sample, put: Callable[[str, bytes], str]
) -> None:
    address = put("night/guest.mig", own_sample.path.read_bytes())
    for verb in ("check", "digest"):
        there, here = run(verb, address), run(verb, str(own_sample.path))
        assert there.stdout.replace(address, "X") == here.stdout.replace(str(own_sample.path), "X")
        assert there.exit_code == here.exit_code


def test_containers_and_offsets(put: Callable[[str, bytes], str]) -> None:
    with migstream.open(put("x.gz", COMPRESSED)) as stream:
        assert [layer.name for layer in stream.layers] == ["gzip"]
        assert stream["two/n"].value == 7
    with migstream.open(put("y", b"front" + PLAIN), offset=5) as stream:
        assert stream["two/n"].value == 7


def test_a_local_file_has_an_address_too(tmp_path: Path) -> None:
    path = tmp_path / "x.mig"
    path.write_bytes(PLAIN)
    for address in (f"file://{path}", f"local://{path}", f"simplecache::file://{path}"):
        with migstream.open(address) as stream:
            assert stream["two/n"].value == 7


def test_what_is_not_there(put: Callable[[str, bytes], str]) -> None:
    put("folder/x", PLAIN)
    with pytest.raises(SourceError, match="no such object"):
        migstream.open("memory://nothing")
    with pytest.raises(NotAStream, match="directory"):
        migstream.open("memory://folder")
    with pytest.raises(NotAStream):
        migstream.open(put("empty", b""))


def test_a_name_that_only_looks_like_an_address_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("odd:").mkdir()
    Path("odd:/x").write_bytes(PLAIN)
    with migstream.open("odd://x") as stream:
        assert stream["two/n"].value == 7
    with pytest.raises(SourceError, match="no such file"):
        migstream.open("even://x")


def test_an_object_that_changes_is_noticed(
    put: Callable[[str, bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "LOOKS", 0.0)
    opened = open_source(put("x", bytes(3 * BLOCK)), container="none")
    assert opened.store is not None
    assert bytes(opened.store.view(0, 1)) == b"\0"
    put("x", bytes(3 * BLOCK + 1))
    with pytest.raises(SourceError, match="changed while"):
        opened.store.view(2 * BLOCK, 2 * BLOCK + 1)
    opened.close()


# --- file systems that fail ------------------------------------------------------------------------


class File:
    """An open object of a file system that does not do as it should."""

    size = 9 * BLOCK

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self.read = read

    def seek(self, at: int) -> int:
        return at

    def close(self) -> None:
        """Nothing is held."""


def failing(monkeypatch: pytest.MonkeyPatch, read: Callable[[int], bytes]) -> None:
    class Files:
        def invalidate_cache(self, _: str) -> None: ...

        def info(self, _: str) -> dict[str, object]:
            return {"type": "file", "size": File.size}

        def open(self, *_: str, **__: str) -> File:
            return File(read)

    monkeypatch.setattr("fsspec.core.url_to_fs", lambda _: (Files(), "x"))
    monkeypatch.setattr("migstream.source.ranged.FIRST_WAIT", 0.01)


ADDRESS = "memory://alice:sekret1@x?token=sekret2"


@pytest.mark.parametrize(
    ("error", "expected", "tries"),
    [
        (PermissionError(13, "no access to memory://alice:sekret1@x"), "no access", 1),
        (ConnectionResetError("sekret2 was reset"), "was reset", 4),
        (RuntimeError("token=sekret2"), "RuntimeError", 1),
        (TimeoutError(), "TimeoutError", 4),
    ],
)
def test_errors_of_others_are_ours(
    error: Exception, expected: str, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def read(size: int) -> bytes:
        asked.append(size)
        raise error

    failing(monkeypatch, read)
    told = run("info", ADDRESS)
    assert told.exit_code == 5
    assert expected in told.stderr
    assert "sekret" not in told.output
    assert len(asked) == tries


def test_more_or_less_than_was_asked_for_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, lambda size: bytes(size + 1))
    with pytest.raises(SourceError, match="came"):
        migstream.open("memory://x")
    failing(monkeypatch, lambda _: b"")
    with pytest.raises(SourceError, match="changed while"):
        migstream.open("memory://x")
    failing(monkeypatch, lambda _: b"\0")
    with pytest.raises(SourceError, match="too little"):
        migstream.open("memory://x")


def test_what_never_answers_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "READING", 0.1)
    monkeypatch.setattr(remote, "SLOWEST", 1 << 30)

    def read(size: int) -> bytes:
        time.sleep(3)
        return b""

    failing(monkeypatch, read)
    began = time.monotonic()
    with pytest.raises(SourceError, match="no answer"):
        migstream.open("memory://x")
    assert time.monotonic() - began < 3


def test_what_fails_in_passing_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter([True, True])

    def read(size: int) -> bytes:
        if next(failures, False):
            raise ConnectionResetError
        return bytes(size)

    failing(monkeypatch, read)
    opened = open_source("memory://x", container="none")
    assert opened.store is not None
    assert opened.store.view(0, 3) == bytes(3)
    opened.close()


# --- the cache -------------------------------------------------------------------------------------


class Counted:
    """Ranges of a source whose bytes tell their place."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.asked: list[tuple[int, int]] = []

    def fetch(self, start: int, stop: int) -> bytes:
        self.asked.append((start, stop))
        return bytes(stop - start)


@pytest.mark.parametrize("back", [False, True])
def test_whoever_reads_on_is_read_ahead_of(back: bool) -> None:
    source = Counted(100 << 20)
    store = Ranged(source, "it")
    places = range(0, source.size, 1 << 16)
    for at in reversed(places) if back else places:
        assert len(store.view(at, at + (1 << 16))) == 1 << 16
    assert len(source.asked) < 20
    assert sum(stop - start for start, stop in source.asked) == source.size
    assert max(stop - start for start, stop in source.asked) == LARGEST * BLOCK


@given(
    st.integers(0, 40 * 16),
    st.lists(st.tuples(st.integers(-5, 700), st.integers(0, 700)), max_size=12),
    st.integers(1, 60),
)
def test_any_ranges_in_any_order_are_what_stands_there(
    size: int, ranges: list[tuple[int, int]], most: int
) -> None:
    """With blocks of 16 bytes, of which 5 are kept, from a source that gives `most` bytes at a time."""
    data = bytes(number % 251 for number in range(size))

    class Short:
        def __init__(self) -> None:
            self.size = size

        def fetch(self, start: int, stop: int) -> bytes:
            assert 0 <= start < stop <= size
            return data[start : min(stop, start + most)]

    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "BLOCK_BITS": 4,
            "BLOCK": 16,
            "MOST_BLOCKS": 5,
            "LARGEST": 3,
            "SHORT": 1,
        }.items():
            patch.setattr(ranged, name, value)
        store = Ranged(Short(), "it", data[:20])
        kept = [
            (
                store.view(max(start, 0), start + length),
                data[max(start, 0) : max(start + length, 0)],
            )
            for start, length in ranges
        ]
        assert all(bytes(view) == expected for view, expected in kept)
        assert len(store._blocks) <= 5


def test_who_jumps_about_reads_a_block_each(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Counted(100 << 20)
    store = Ranged(source, "it")
    for at in range(0, source.size, 7 << 20):
        store.view(at, at + 8)
    assert {stop - start for start, stop in source.asked} == {BLOCK}


def test_slow_sources_are_asked_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migstream.source.ranged.SLOW", -1.0)
    source = Counted(20 << 20)
    store = Ranged(source, "it")
    for at in range(0, source.size, 1 << 16):
        store.view(at, at + 1)
    assert source.asked[-1][1] - source.asked[-1][0] == BLOCK


# --- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown", "scheme"),
    [
        ("https://a.org/x", "https://a.org/x", "https"),
        ("https://u:p@a.org/x?X-Amz-Signature=1&b#c", "https://a.org/x?…", "https"),
        ("https://u:p@w@a.org/x", "https://a.org/x", "https"),
        ("https://u:p/w@a.org/x", "https://a.org/x", "https"),
        ("https://u:p?w#@a.org/x", "https://a.org/x", "https"),
        ("https://a.org:80/x@y", "https://a.org:80/x@y", "https"),
        ("https://[::1]:80/x@y", "https://[::1]:80/x@y", "https"),
        ("https://a.org/x?sig=a 'b\nc", "https://a.org/x?…", "https"),
        ("https://a b:c@a.org/x", "https://a.org/x", "https"),
        ("S3://bucket/x?versionId=3", "S3://bucket/x?…", "s3"),
        ("simplecache::sftp://u:p@h/x", "simplecache::sftp://h/x", "simplecache"),
        ("zip://inner::https://u:p@h/x?y=z", "zip://inner::https://h/x?…", "zip"),
        ("/srv/a?b=c@d", "/srv/a?b=c@d", ""),
        ("a b://u:p@x", "a b://u:p@x", ""),
    ],
)
def test_what_of_an_address_is_shown(name: str, shown: str, scheme: str) -> None:
    assert public(name) == shown
    assert scheme_of(name) == scheme


def test_words_of_others_are_scrubbed() -> None:
    address = "https://alice:se%2Fkret@h/x?sig=ab%2Bcd123&n=1"
    for said in (f"cannot open {address}", "user alice, password se/kret", "sig is ab+cd123 (ab%2Bcd123)",
                 "GET https://other/y?sig=fresh7 failed", "at ftp://bob:fresh7@z"):  # fmt: skip
        told = scrub(said, address)
        for secret in ("alice", "kret", "ab+cd", "ab%2B", "fresh7"):
            assert secret not in told, told


# --- what is lacking -------------------------------------------------------------------------------


def test_a_scheme_whose_package_is_lacking_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.registry import _registry

    monkeypatch.setitem(sys.modules, "gcsfs", None)
    for scheme in ("gs", "gcs"):
        monkeypatch.delitem(_registry, scheme, raising=False)
    told = run("info", "gs://bucket/x")
    assert told.exit_code == 5
    assert "needs gcsfs" in told.stderr
    assert "pip install gcsfs" in told.stderr


def test_without_fsspec_common_schemes_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    for scheme in ("s3", "gs", "https", "sftp", "memory"):
        told = run("info", f"{scheme}://alice:sekret@x/y")
        assert told.exit_code == 5
        assert "pip install 'migstream[url]'" in told.stderr
        assert "sekret" not in told.stderr
    assert "no such file" in run("info", "odd://x").stderr


# --- S3 --------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket `night` of a local S3, and a client of it."""
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    moto = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    boto3: Any = pytest.importorskip("boto3", reason="moto[server] is not installed")
    for name, value in (("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "sekret"),
                        ("AWS_DEFAULT_REGION", "us-east-1"), ("NO_PROXY", "127.0.0.1")):  # fmt: skip
        monkeypatch.setenv(name, value)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    client = boto3.client("s3")
    client.create_bucket(Bucket="night")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    yield client
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    client.close()
    server.stop()


# What moto, botocore and their pools leave open or call by old names is theirs.
@pytest.mark.filterwarnings("ignore")
def test_s3(bucket: Any, named_sample: Callable[[str], Sample]) -> None:
    path = named_sample("pc-7.2.mig").path
    bucket.put_object(Bucket="night", Key="guest.mig", Body=path.read_bytes())
    bucket.put_object(Bucket="night", Key="guest.mig.gz", Body=COMPRESSED)
    for verb in ("check", "registers"):
        there, here = run(verb, "s3://night/guest.mig"), run(verb, str(path))
        assert there.exit_code == here.exit_code
        assert there.stdout.replace("s3://night/guest.mig", "X") == here.stdout.replace(
            str(path), "X"
        )
    with migstream.open("s3://night/guest.mig.gz") as stream:
        assert stream["two/n"].value == 7
    told = run("info", "s3://night/nothing")
    assert told.exit_code == 5
    assert "no such object" in told.stderr


@pytest.mark.filterwarnings("ignore")
def test_s3_that_changes(bucket: Any) -> None:
    bucket.put_object(Bucket="night", Key="x", Body=bytes(3 * BLOCK))
    opened = open_source("s3://night/x", container="none")
    assert opened.store is not None
    assert bytes(opened.store.view(0, 1)) == b"\0"
    bucket.put_object(Bucket="night", Key="x", Body=b"\1" * 3 * BLOCK)
    with pytest.raises(SourceError, match="changed while"):
        opened.store.view(2 * BLOCK, 2 * BLOCK + 1)
    opened.close()


# --- SFTP ------------------------------------------------------------------------------------------


# What paramiko leaves open is its own.
@pytest.mark.filterwarnings("ignore")
def test_sftp(own_sample: Sample) -> None:
    pytest.importorskip("paramiko", reason="paramiko is not installed")
    from support.sftp import Sftp

    path = own_sample.path
    with Sftp(path.parent) as server:
        for scheme in ("sftp", "ssh"):
            address = f"{scheme}://alice:sekret1@{server.host}/{path.name}"
            there, here = run("digest", address), run("digest", str(path))
            assert there.exit_code == here.exit_code, there.output
            assert there.stdout.replace(public(address), "X") == here.stdout.replace(str(path), "X")
        told = run("info", f"sftp://alice:sekret1@{server.host}/nothing")
        assert told.exit_code == 5
        assert "no such object" in told.stderr
        told = run("info", f"sftp://alice:sekret2@{server.host}/{path.name}")
        assert told.exit_code == 5
        assert "sekret" not in told.stderr
