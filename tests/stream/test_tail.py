"""A tail belongs to its head: what stands behind a stream is named, and never answered from."""

from __future__ import annotations

import io
import lzma
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import migstream
from migstream.cli.group import cli as main
from migstream.stream import Stream
from support import build
from support.samples import Sample, own_streams

Named = Callable[[str], Sample]

SHORT, LONG = "microvm-7.2.mig", "pc-7.2.mig"
BEHIND: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda raw: raw,
    "zeros": lambda raw: raw + bytes(3 << 20),
    "noise": lambda raw: raw + random.Random(1).randbytes(1 << 20),  # noqa: S311 - no secret
    "brace": lambda raw: raw + b"}",
}


def overwritten(short: bytes, long: bytes) -> bytes:
    """A volume on which a longer stream lay before."""
    return short + long[len(short) :]


def said(stream: Stream) -> dict[str, Any]:
    """What a stream says of itself, from its devices to its memory's checksums."""
    return {
        "machine": stream.machine,
        "devices": [(d.path, bytes(d.value.raw), d.section.span) for d in stream.devices],
        "description": stream.description_span,
        "blocks": [(b.name, b.used_length) for b in stream.blocks],
        "damage": [str(error) for error in stream.noticed],
    }


@pytest.fixture(params=[None, 0], ids=["walked", "tail"])
def cheap(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int | None:
    """Once as small files are read, and once as if every file were too large to be walked unasked."""
    if request.param is not None:
        monkeypatch.setattr("migstream.stream.bare.CHEAP", request.param)
    limit: int | None = request.param
    return limit


class Unseekable(io.BytesIO):
    """A pipe."""

    def fileno(self) -> int:
        raise io.UnsupportedOperation


def piped(raw: bytes) -> Any:
    """What is read once, from front to back."""
    return io.BufferedReader(Unseekable(raw))


@pytest.mark.parametrize("behind", BEHIND)
def test_an_older_stream_behind_is_never_answered_from(
    named_sample: Named, cheap: int | None, behind: str
) -> None:
    short, long = named_sample(SHORT).read(), named_sample(LONG).read()
    raw = BEHIND[behind](overwritten(short, long))
    with migstream.open(short) as alone:
        expected = said(alone)
    for source in (raw, piped(raw)):
        with migstream.open(source) as stream:
            assert said(stream) == expected
            assert stream.walked
            assert stream.trailer is not None
            span, what = stream.trailer[0].span, stream.trailer[1]
            assert span == (len(short), len(raw))
            assert "another, longer stream" in what or not stream.seekable


def test_every_pair_of_kept_streams(unpack: Callable[[Any], Sample]) -> None:
    kept = [unpack(packed).read() for packed in own_streams()]
    pairs = [
        (a, b)
        for a, b in permutations(kept, 2)
        if len(a) < len(b) < 4 * len(a) and not b.startswith(a[:-1000])
    ]
    # where the younger stream ends just before the older one's description, no byte tells that it is not its own
    pairs = [(a, b) for a, b in pairs if b[len(a) - 1 : len(a) + 1] != b"\0\6"]
    assert len(pairs) > 10
    for short, long in pairs:
        with (
            migstream.open(short, walk=True) as alone,
            migstream.open(overwritten(short, long)) as stream,
        ):
            assert said(stream) == said(alone) or stream.noticed


def test_two_streams_one_after_the_other(named_sample: Named, cheap: int | None) -> None:
    first, second = named_sample(SHORT).read(), named_sample(LONG).read()
    with migstream.open(first) as alone, migstream.open(first + second) as both:
        assert said(both) == said(alone)
        assert both.trailer is not None
        assert f"--offset {len(first):#x}" in both.trailer[1]
    with (
        migstream.open(second) as alone,
        migstream.open(first + second, offset=len(first)) as behind,
        migstream.open(piped(first + second), offset=len(first)) as third,
    ):
        assert said(behind) == said(alone) == said(third)


@contextmanager
def same_machine(named_sample: Named) -> Iterator[tuple[bytes, bytes]]:
    """Two streams of one machine type, the second one longer and with other registers."""
    raw = named_sample(LONG).read()
    with migstream.open(raw) as stream:
        first = next(s for s in stream.sections if s.name == "ram" and s.type == 3)
        page = bytes(range(256)) * 16
        pages = [build.be64(n << 12 | 0x28) + page for n in range(1, 40)]
        records = build.be64(0x08) + build.counted("pc.ram") + page + b"".join(pages)
        at = first.payload.start
        cpu = stream.devices["cpu", 0]["env.eip"]
        changed = bytearray(raw)
        changed[cpu.span.start : cpu.span.stop] = (0x1234).to_bytes(cpu.span.size, "big")
        longer = bytes(changed[:at]) + records + bytes(changed[at:])
    yield raw, longer


def test_where_nothing_speaks_against_the_tail_a_walk_still_finds_out(
    named_sample: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The accepted limit of instant answers from a large file: they say where they come from, and --walk proves them."""
    monkeypatch.setattr("migstream.stream.bare.CHEAP", 0)
    with same_machine(named_sample) as (raw, longer):
        volume = overwritten(raw, longer)
    with migstream.open(volume) as stream:  # a short one is found out in any case
        assert stream.devices["cpu", 0]["env.eip"].value == 0xFFF0
    monkeypatch.setattr("migstream.stream.locate.NEAR", 0)
    with migstream.open(volume) as stream:
        assert said(stream)["damage"] == []
        assert stream.devices["cpu", 0]["env.eip"].value == 0x1234
        assert stream.items  # this walks it
        assert stream.devices["cpu", 0]["env.eip"].value == 0xFFF0
        assert [e.code for e in stream.noticed] == ["MS130"]
    for walk, spool in ((True, False), (False, True)):
        with migstream.open(volume, walk=walk, spool=spool) as stream:
            assert stream.devices["cpu", 0]["env.eip"].value == 0xFFF0
            assert not stream.noticed
    with migstream.open(volume + bytes(9)) as stream:  # padding: a volume, so it is walked
        assert stream.devices["cpu", 0]["env.eip"].value == 0xFFF0
    monkeypatch.undo()
    with migstream.open(volume) as stream:
        assert stream.devices["cpu", 0]["env.eip"].value == 0xFFF0


def test_every_verb_answers_for_the_stream_at_the_beginning(
    named_sample: Named, tmp_path: Path
) -> None:
    with same_machine(named_sample) as (raw, longer):
        volume = tmp_path / "volume"
        volume.write_bytes(overwritten(raw, longer))
        alone = tmp_path / "alone"
        alone.write_bytes(raw)
    verbs = [
        ["registers"], ["get", "cpu[0]/env.eip"], ["tree", "cpu"], ["show", "cpu[0]/env.eip"],
        ["ls", "--devices"], ["desc"], ["mem", "0", "-n", "64"], ["mem", "0xf0000", "-n", "64"], ["digest"],
        ["history", "pc.bios@0"],
    ]  # fmt: skip
    for words in verbs:
        both = [
            CliRunner().invoke(main, [words[0], str(path), *words[1:]]) for path in (volume, alone)
        ]
        assert both[0].exit_code == both[1].exit_code == 0, words
        assert both[0].stdout.replace("volume", "alone") == both[1].stdout, words
    writing = [
        ["convert", "--ram", "linear"], ["convert", "--ram", "mapped"], ["set", "cpu[0]/env.eip=5"], ["drop", "i8254"],
        ["rename", "i8254", "pit"], ["redact"], ["extract"],
    ]  # fmt: skip
    for words in writing:
        for path in (volume, alone):
            made = CliRunner().invoke(
                main, [words[0], str(path), *words[1:], "-o", f"{path}.out", "--force"]
            )
            assert made.exit_code == 0, (words, made.output)
        # what is behind it may be kept
        assert Path(f"{volume}.out").read_bytes().startswith(Path(f"{alone}.out").read_bytes()), (
            words
        )
    assert CliRunner().invoke(main, ["diff", str(volume), str(alone)]).exit_code == 0
    info = CliRunner().invoke(main, ["info", str(volume)])
    assert "behind it" in info.stdout
    assert "another, longer stream" in info.stdout


def test_info_decode_and_digest_say_what_they_come_from(
    named_sample: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(named_sample(LONG).path)
    run = CliRunner().invoke
    assert '"from":"walk"' in run(main, ["decode", path]).stdout
    monkeypatch.setattr("migstream.stream.bare.CHEAP", 0)
    assert "from the tail; guest memory was not walked" in run(main, ["info", path]).stdout
    assert '"from": "tail"' in run(main, ["info", path, "--json"]).stdout
    assert '"from":"tail"' in run(main, ["decode", path]).stdout
    assert '"from":"walk"' in run(main, ["decode", path, "--walk"]).stdout
    assert "from tail" not in run(main, ["digest", path]).stdout.splitlines()


@pytest.mark.parametrize("lead", [1, 512, 100_000])
def test_an_offset_is_named_where_following_it_gives_the_stream(
    named_sample: Named, tmp_path: Path, lead: int
) -> None:
    raw = named_sample(SHORT).read()
    path = tmp_path / "file"
    path.write_bytes(b"\x17" * lead + raw)
    result = CliRunner().invoke(main, ["info", str(path)])
    assert result.exit_code == 3
    assert f"--offset {lead:#x}" in result.stderr
    followed = CliRunner().invoke(main, ["decode", str(path), "--offset", hex(lead)])
    assert followed.exit_code == 0
    alone = CliRunner().invoke(main, ["decode", str(named_sample(SHORT).path)])
    assert followed.stdout[-5000:] == alone.stdout[-5000:]
    for wrong in ("-1", "x", ""):
        assert CliRunner().invoke(main, ["info", str(path), "--offset", wrong]).exit_code == 2


def test_no_offset_is_named_where_there_are_two_or_in_a_qcow2(
    named_sample: Named, tmp_path: Path
) -> None:
    raw = named_sample(SHORT).read()
    path = tmp_path / "file"
    for before in (b"QFI\xfb" + bytes(508) + raw, b"\x17" + raw + b"\x17" + raw):
        path.write_bytes(before)
        result = CliRunner().invoke(main, ["registers", str(path)])
        assert result.exit_code == 3
        assert "--offset" not in result.stderr
        assert "EIP" not in result.stdout or before[:1] == b"\x17"


def test_a_compressed_stream_is_opened_at_an_offset(named_sample: Named) -> None:
    raw = named_sample(SHORT).read()
    with (
        migstream.open(raw) as alone,
        migstream.open(io.BytesIO(b"head" + raw), offset=4) as plain,
    ):
        assert said(plain) == said(alone)
    with migstream.open(piped(b"head" + raw), offset=4) as third:
        assert len(third.devices) > 5


def test_a_compressed_stream_inside_a_file(named_sample: Named, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"head" + lzma.compress(named_sample(SHORT).read()))
    with migstream.open(path, offset=4) as packed:
        assert len(packed.devices) > 5


@pytest.mark.skipif(shutil.which("losetup") is None, reason="losetup is not installed")
def test_a_block_device_is_walked(
    named_sample: Named, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with same_machine(named_sample) as (raw, longer):
        volume = overwritten(raw, longer)
    path = tmp_path / "volume"
    path.write_bytes(volume + bytes(-len(volume) % 4096))
    made = subprocess.run(
        ["losetup", "--find", "--show", str(path)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no loop device can be made here: {made.stderr.strip()}")
    device = made.stdout.strip()
    try:
        monkeypatch.setattr("migstream.stream.bare.CHEAP", 0)
        with migstream.open(device) as stream:
            assert stream.walked
            assert stream.devices["cpu", 0]["env.eip"].value == 0xFFF0
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
