"""Streams of a web server: few requests, bounded time and memory, whatever the server does."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import migstream
from migstream.cli.group import cli
from migstream.errors import MigstreamError, NotAStream, SourceError
from migstream.source.opened import open_source
from migstream.source.ranged import BLOCK
from support import build, endings
from support.samples import Sample
from support.web import Bytes, Handler, Server, Sparse

pytest.importorskip("aiohttp", reason="the extra `url` is not installed: aiohttp")
pytest.importorskip("fsspec", reason="the extra `url` is not installed: fsspec")

PLAIN = build.small()
GIB = 1 << 30


@pytest.fixture(autouse=True)
def _straight(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy stands between the test and its server, and no test waits for long."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("migstream.source.ranged.FIRST_WAIT", 0.01)
    monkeypatch.setattr("migstream.source.ranged.LONGEST_WAIT", 0.02)


@pytest.fixture
def large(named_sample: Callable[[str], Sample]) -> Sparse:
    """A stream of 100 GiB: a real guest's, whose memory was sent six thousand times."""
    return Sparse.of(named_sample("pc-7.2.mig").path, 100 * GIB)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


# --- few requests ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        "info URL",
        "info URL --json",
        "get URL timer",
        "registers URL",
        "tree URL",
        "tree URL timer",
        "decode URL",
        "digest URL --no-ram",
    ],
)
def test_device_state_of_100_gib_takes_a_few_requests(
    command: str, large: Sparse, named_sample: Callable[[str], Sample]
) -> None:
    verb, _, *rest = command.split()
    path = str(named_sample("pc-7.2.mig").path)
    with Server(large) as server:
        told = run(verb, server.url, *rest)
        assert told.exit_code == 0, told.output
        assert len(server.asked) <= 10
        assert server.sent < 6 << 20
    if verb in {"get", "registers", "tree"}:
        assert told.stdout == run(verb, path, *rest).stdout


def test_a_long_walk_reads_ahead_and_each_byte_once(
    named_sample: Callable[[str], Sample],
) -> None:
    small = Sparse.of(named_sample("pc-7.2.mig").path, 200 << 20)
    with Server(small) as server, migstream.open(server.url, walk=True) as stream:
        assert not stream.damage
        assert stream.walked
        assert len(server.asked) < 200 // 8 + 12
        assert server.sent < small.size + (4 << 20)


def test_what_is_kept_is_bounded(large: Sparse) -> None:
    with Server(large) as server:
        opened = open_source(server.url)
        store: Any = opened.store
        for at in range(0, 400 * BLOCK, BLOCK):
            assert bytes(store.view(at, at + 9)) == large.read(at, at + 9)
        assert sum(map(len, store._blocks.values())) <= 64 << 20
        opened.close()


def test_any_range_is_what_stands_there() -> None:
    data = bytes(range(251)) * 30_000
    with Server(data) as server:
        opened = open_source(server.url, container="none")
        assert opened.store is not None
        for start, stop in ((7_000_000, 7_600_000), (0, 5), (BLOCK - 1, BLOCK + 1), (6_500_000, 7_100_000),
                            (0, 10**9), (3, 3), (10**9, 10**9 + 1)):  # fmt: skip
            assert bytes(opened.store.view(start, stop)) == data[start:stop]
        opened.close()


# --- the same as a file ----------------------------------------------------------------------------


def test_every_sample_is_read_as_its_file_is(own_sample: Sample) -> None:
    with Server(own_sample.path.read_bytes()) as server:
        for verb in ("check", "digest"):
            there, here = run(verb, server.url), run(verb, str(own_sample.path))
            assert there.stdout.replace(server.url, "X") == here.stdout.replace(
                str(own_sample.path), "X"
            )
            assert there.exit_code == here.exit_code


def test_containers_are_opened_where_they_lie(tmp_path: Path) -> None:
    with Server(gzip.compress(PLAIN)) as server, migstream.open(server.url) as stream:
        assert [layer.name for layer in stream.layers] == ["gzip"]
        assert stream["two/n"].value == 7
    with Server(b"front" + PLAIN) as server, migstream.open(server.url, offset=5) as stream:
        assert stream["two/n"].value == 7
        assert stream.origin == 5


def test_like_and_channels_are_addresses_too(
    named_sample: Callable[[str], Sample], tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    bare.write_bytes(PLAIN.split(build.END + b"\x06")[0] + build.END)
    with Server(PLAIN) as server:
        told = run("get", str(bare), "two/n", "--like", server.url)
        assert (told.exit_code, told.stdout) == (0, "7\n")
    with Server(b"no channel") as server:
        told = run("info", str(bare), "--channel", server.url + "?token=sekret")
        assert server.asked
        assert "sekret" not in told.output


def test_an_empty_object_is_no_stream() -> None:
    with Server(b"") as server, pytest.raises(NotAStream):
        migstream.open(server.url)


def test_an_index_needs_a_file(tmp_path: Path) -> None:
    with Server(PLAIN) as server:
        for arguments in (["index", server.url], ["index", server.url, "-o", str(tmp_path / "x")],
                          ["mem", server.url, "--text", "word", "--index", str(tmp_path / "x")]):  # fmt: skip
            told = run(*arguments)
            assert told.exit_code == 4
            assert "plain file" in told.stderr
        assert not [*tmp_path.iterdir()]


def test_what_lies_on_a_server_is_not_edited_in_place() -> None:
    with Server(PLAIN) as server:
        told = run("set", server.url, "two/n=8", "--in-place")
        assert told.exit_code != 0
        assert "-o" in told.stderr


# --- servers without ranges ------------------------------------------------------------------------


def test_a_server_without_ranges_is_a_pipe() -> None:
    with Server(PLAIN, ranges=False) as server:
        with migstream.open(server.url) as stream:
            assert not stream.seekable
            assert stream["two/n"].value == 7
        with migstream.open(server.url, spool=True) as stream:
            assert stream.read("pc.ram", 0, 4) == bytes(range(4))
        assert len(server.asked) == 2


def test_a_part_of_unknown_size_is_a_pipe() -> None:
    def unknown(handler: Handler, start: int, stop: int) -> bool:
        if handler.headers.get("Range"):
            handler.answer(206, {"Content-Range": f"bytes {start}-{stop - 1}/*"}, start, stop)
            return True
        return False

    with Server(PLAIN, unknown) as server, migstream.open(server.url) as stream:
        assert not stream.seekable
        assert stream["two/n"].value == 7


def test_a_pipe_that_ends_early_is_damage(large: Sparse) -> None:
    def cut(handler: Handler, start: int, stop: int) -> bool:
        size = handler.server_of.object.size
        handler.answer(200, {}, 0, 4 << 20, length=size)
        handler.close_connection = True
        return True

    # what aiohttp holds when a connection ends is lost with it: some 100 KiB
    with Server(large, cut) as server, migstream.open(server.url) as stream:
        assert any("ended early" in str(error) for error in stream.damage)
        assert stream.machine == "pc-i440fx-7.2"


def test_a_pipe_that_stalls_is_damage_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migstream.source.web.STALL", 0.5)

    def stall(handler: Handler, start: int, stop: int) -> bool:
        handler.answer(200, {}, 0, 5000, length=handler.server_of.object.size)
        handler.server_of.stall()
        return True

    began = time.monotonic()
    with Server(PLAIN, stall) as server, migstream.open(server.url) as stream:
        assert any("ended early" in str(error) for error in stream.damage)
        assert time.monotonic() - began < 10


# --- servers that fail in passing ------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_fails_in_passing_is_asked_again(status: int) -> None:
    failures = iter([True, True, False])

    def busy(handler: Handler, start: int, stop: int) -> bool:
        if next(failures, False):
            handler.answer(status, {"Retry-After": "0"}, 0, 0)
            return True
        return False

    with Server(PLAIN, busy) as server, migstream.open(server.url) as stream:
        assert stream["two/n"].value == 7
        assert len(server.asked) == 3


def test_a_body_that_ends_early_is_asked_for_again() -> None:
    failures = iter([True, False])

    def cut(handler: Handler, start: int, stop: int) -> bool:
        if next(failures, False):
            said = {"Content-Range": f"bytes {start}-{stop - 1}/{len(PLAIN)}"}
            handler.answer(206, said, start, stop - 100, length=stop - start)
            handler.close_connection = True
            return True
        return False

    with Server(PLAIN, cut) as server, migstream.open(server.url) as stream:
        assert stream["two/n"].value == 7


def test_a_server_that_stays_broken_is_given_up() -> None:
    def broken(handler: Handler, start: int, stop: int) -> bool:
        handler.answer(503, {"Retry-After": "3600"}, 0, 0)
        return True

    with Server(PLAIN, broken) as server:
        told = run("info", server.url)
        assert told.exit_code == 5
        assert "503" in told.stderr
        assert "tried 4 times" in told.stderr
        assert len(server.asked) == 4


@pytest.mark.parametrize("how", ["silent", "headers", "drip"])
def test_a_server_that_stalls_ends_in_an_error(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migstream.source.web.STALL", 0.4)
    monkeypatch.setattr("migstream.source.web.SLOWEST", 1 << 20)

    def stall(handler: Handler, start: int, stop: int) -> bool:
        if how != "silent":
            size = handler.server_of.object.size
            handler.begin(
                206,
                {
                    "Content-Range": f"bytes {start}-{stop - 1}/{size}",
                    "Content-Length": str(stop - start),
                },
            )
        if how == "drip":
            handler.drip(0.05)
        handler.server_of.stall()
        return True

    began = time.monotonic()
    with Server(bytes(BLOCK), stall) as server:
        with pytest.raises(SourceError, match=r"no answer|imeout") as caught:
            migstream.open(server.url)
        assert "tried 4 times" in caught.value.hint
        assert time.monotonic() - began < 20


def test_nobody_there_is_said_at_once() -> None:
    with Server(PLAIN) as server:
        gone = server.url
    with pytest.raises(SourceError, match=r"127\.0\.0\.1"):
        migstream.open(gone)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_final(status: int) -> None:
    def refuse(handler: Handler, start: int, stop: int) -> bool:
        handler.answer(status, {}, 0, 0)
        return True

    with Server(PLAIN, refuse) as server:
        with pytest.raises(SourceError, match=str(status)) as caught:
            migstream.open(server.url)
        assert caught.value.hint
        assert len(server.asked) == 1


def test_redirects_are_followed_and_end() -> None:
    def lead(handler: Handler, start: int, stop: int) -> bool:
        if handler.path.startswith("/to/"):
            return False
        target = "/to/it" if handler.path == "/once" else handler.path
        handler.answer(302, {"Location": target}, 0, 0)
        return True

    with Server(PLAIN, lead) as server:
        with migstream.open(f"http://{server.host}/once") as stream:
            assert stream["two/n"].value == 7
        with pytest.raises(SourceError, match="never ends"):
            migstream.open(f"http://{server.host}/circle")


# --- servers that lie ------------------------------------------------------------------------------

Lie = Callable[[Handler, int, int], None]


def other_range(handler: Handler, start: int, stop: int) -> None:
    size = handler.server_of.object.size
    handler.answer(
        206, {"Content-Range": f"bytes {start - 5}-{stop - 6}/{size}"}, start - 5, stop - 5
    )


def no_range(handler: Handler, start: int, stop: int) -> None:
    handler.answer(206, {}, start, stop)


def nonsense(handler: Handler, start: int, stop: int) -> None:
    handler.answer(206, {"Content-Range": "bytes 9-3/x"}, start, stop)


def huge_numbers(handler: Handler, start: int, stop: int) -> None:
    handler.answer(206, {"Content-Range": f"bytes {start}-{'9' * 5000}/{'9' * 5000}"}, start, stop)


def more(handler: Handler, start: int, stop: int) -> None:
    size = handler.server_of.object.size
    handler.begin(206, {"Content-Range": f"bytes {start}-{stop - 1}/{size}", "Connection": "close"})
    handler.drip(0, 1 << 14)


def everything(handler: Handler, start: int, stop: int) -> None:
    handler.answer(200, {}, 0, handler.server_of.object.size)


def further(handler: Handler, start: int, stop: int) -> None:
    size = handler.server_of.object.size
    handler.answer(206, {"Content-Range": f"bytes {start}-{size + 9}/{size}"}, start, stop)


def shorter(handler: Handler, start: int, stop: int) -> None:
    size = handler.server_of.object.size
    handler.answer(206, {"Content-Range": f"bytes {start}-{start}/{size}"}, start, start + 1)


def of_another_size(handler: Handler, start: int, stop: int) -> None:
    size = handler.server_of.object.size
    handler.answer(206, {"Content-Range": f"bytes {start}-{stop - 1}/{size + 1}"}, start, stop)


def of_another_tag(handler: Handler, start: int, stop: int) -> None:
    size = handler.server_of.object.size
    handler.server_of.tag = '"two"'
    handler.answer(206, {"Content-Range": f"bytes {start}-{stop - 1}/{size}"}, start, stop)


def gone(handler: Handler, start: int, stop: int) -> None:
    handler.answer(416, {"Content-Range": "bytes */0"}, 0, 0)


@pytest.mark.parametrize("lie", [other_range, no_range, nonsense, huge_numbers, more, everything, further,
                                 shorter, of_another_size, of_another_tag, gone])  # fmt: skip
def test_a_lie_after_the_first_answer_is_an_error(lie: Lie, large: Sparse) -> None:
    first = iter([True])

    def instead(handler: Handler, start: int, stop: int) -> bool:
        if next(first, False):
            return False
        lie(handler, start, stop)
        return True

    with Server(large, instead) as server:
        with pytest.raises(SourceError) as caught, migstream.open(server.url) as stream:
            stream.devices[0]
        assert server.url in caught.value.message
        assert caught.value.hint
        words = (
            "changed while"
            if lie in {of_another_size, of_another_tag, gone}
            else "range|too little|not HTTP"
        )
        assert any(word in caught.value.message for word in words.split("|"))
        assert len(server.asked) < 30
        assert server.sent < 64 << 20


@pytest.mark.parametrize(
    "lie", [other_range, no_range, nonsense, huge_numbers, more, further, gone]
)
def test_a_lie_in_the_first_answer_is_an_error_too(lie: Lie) -> None:
    def instead(handler: Handler, start: int, stop: int) -> bool:
        lie(handler, start, stop)
        return True

    with Server(PLAIN, instead) as server, pytest.raises(MigstreamError):
        migstream.open(server.url)


def test_other_bytes_are_a_damaged_stream(large: Sparse) -> None:
    """Nobody can tell them from the object; whatever they are, no more than our errors comes of it."""

    class Noise:
        size = 3 << 20

        def read(self, start: int, stop: int) -> bytes:
            return (b"QEVM\0\0\0\x03" + bytes(range(256)) * 12288)[start:stop]

    with Server(Noise()) as server:
        assert run("info", server.url).exit_code in {0, 3}
        assert run("check", server.url).exit_code in {1, 3}


# --- secrets ---------------------------------------------------------------------------------------


@pytest.fixture
def secret() -> Iterator[tuple[Server, str]]:
    with Server(PLAIN) as server:
        yield (
            server,
            f"http://alice:sekret1@{server.host}/night.mig?X-Amz-Signature=sekret2&token=sekret%33#sekret4",
        )


def test_what_was_signed_is_sent_as_it_was_given(secret: tuple[Server, str]) -> None:
    server, address = secret
    with migstream.open(address) as stream:
        assert stream["two/n"].value == 7
    assert server.paths == ["/night.mig?X-Amz-Signature=sekret2&token=sekret%33"]
    assert server.headers[0]["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "verb", ["info", "check", "ls", "digest", "mem", "index", "decode", "stat"]
)
@pytest.mark.parametrize("form", [[], ["--json"]])
@pytest.mark.parametrize("state", ["good", "damaged", "no stream", "refused", "changed"])
def test_no_verb_prints_a_secret(
    secret: tuple[Server, str], verb: str, form: list[str], state: str
) -> None:
    server, address = secret
    if state == "damaged":
        server.object = Bytes(PLAIN[:6000])
    elif state == "no stream":
        server.object = Bytes(b"no stream")
    elif state in {"refused", "changed"}:

        def refuse(handler: Handler, start: int, stop: int) -> bool:
            said = f"no {handler.path}"  # a server may say it all again
            handler.send_response(403, said)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return True

        server.instead = refuse
    told = run(verb, address, *form)
    assert "sekret" not in told.output
    assert "alice" not in told.output
    assert not isinstance(told.exception, MigstreamError)


def test_wrong_usage_shows_none(secret: tuple[Server, str], tmp_path: Path) -> None:
    _, address = secret
    path = tmp_path / "x.mig"
    path.write_bytes(PLAIN)
    for arguments in (["info", str(path), address], ["set", str(path), "two/n=8", "-o", address],
                      [address], ["info", f"--container={address}", str(path)]):  # fmt: skip
        told = run(*arguments)
        assert told.exit_code
        assert "sekret" not in told.output, told.output
        assert "alice" not in told.output, told.output


def test_nor_does_the_library(secret: tuple[Server, str]) -> None:
    _, address = secret
    with migstream.open(address) as stream:
        assert "sekret" not in stream.name + repr(stream)
    for bad in (
        address.replace("127.0.0.1", "127.0.0.1:x"),
        address.replace("http://", "https://"),
    ):
        with pytest.raises(SourceError) as caught:
            migstream.open(bad)
        assert "sekret" not in str(caught.value) + caught.value.hint
        assert "alice" not in str(caught.value) + caught.value.hint


def test_diff_and_compat_show_none(secret: tuple[Server, str], tmp_path: Path) -> None:
    _, address = secret
    path = tmp_path / "other.mig"
    path.write_bytes(
        build.small(
            build.described(build.ONE, build.device("two", [build.field("n", "uint16", 2)]))
        )
    )
    for arguments in (["diff", address, str(path)], ["diff", str(path), address],
                      ["compat", address, "--to-stream", str(path)], ["compat", str(path), "--to-stream", address],
                      ["explain", "--stream", address, "error while loading state"],
                      ["get", str(path), "nothing", "--like", address]):  # fmt: skip
        for form in ([], ["--json"]):
            told = run(*arguments, *form)
            assert "sekret" not in told.output, arguments
            assert "alice" not in told.output, arguments


# --- without the extra -----------------------------------------------------------------------------


@pytest.mark.parametrize("package", ["fsspec", "aiohttp"])
def test_without_the_extra_it_says_what_to_install(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [*sys.modules]:
        if name == package or name.startswith((f"{package}.", "migstream.source.web")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    told = run("info", "https://alice:sekret@example.org/x")
    assert told.exit_code == 5
    assert "pip install 'migstream[url]'" in told.stderr
    assert "sekret" not in told.stderr


def test_json_names_the_address(secret: tuple[Server, str]) -> None:
    server, address = secret
    told = json.loads(run("info", address, "--json").stdout)
    assert f"http://{server.host}/night.mig?…" in json.dumps(told, ensure_ascii=False)


def test_a_plain_stream_loads_nothing_of_it(tmp_path: Path) -> None:

    path = tmp_path / "x.mig"
    path.write_bytes(PLAIN)
    code = f"import sys, migstream; migstream.open({str(path)!r}).close(); print([m for m in sys.modules if 'fsspec' in m or 'remote' in m])"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "[]\n"
    )


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_while_a_server_stalls(how: signal.Signals) -> None:
    def stall(handler: Handler, start: int, stop: int) -> bool:
        handler.server_of.stall()
        return True

    with Server(PLAIN, stall) as server:
        process = endings.start("info", server.url)
        while not server.asked:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(how)
        began = time.monotonic()
        _, errors = process.communicate(timeout=20)
        assert time.monotonic() - began < 5
        assert process.returncode == 128 + how
        assert b"Traceback" not in errors


def test_a_web_page_is_named() -> None:
    page = b"<!DOCTYPE html><html><body>Please log in</body></html>" * 9
    with Server(page) as server, pytest.raises(NotAStream) as caught:
        migstream.open(server.url)
    assert "a web page" in str(caught.value) + caught.value.hint
