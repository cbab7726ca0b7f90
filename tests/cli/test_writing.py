"""Every verb that writes: one rule for what is there, for modes and for links."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from migstream.cli.group import cli
from support.samples import Sample

Named = Callable[[str], Sample]

# Each makes `made`, a file or a folder.
VERBS = {
    "set": "set {} cpu/env.eip=0 -o made",
    "drop": "drop {} cpu -o made",
    "rename": "rename {} cpu other -o made",
    "redact": "redact {} -o made",
    "minimise": "minimise {} -o made --tries 1 -- false",
    "convert": "convert {} -o made --ram linear",
    "encode": "encode folder -o made",
    "extract": "extract {} -o made",
    "extract raw": "extract {} -o made -f raw",
    "decode": "decode {} --full -o made",
    "digest": "digest {} -o made",
    "index": "index {} -o made",
    "screen": "screen ../pc-vga-7.2.mig -o made -f ppm",
    "stat": "stat {} --speedscope -o made",
    "history": "history {} --heat -o made.ppm",
    "check": "check {} --report made.sarif",
}
FILES = {name: words for name, words in VERBS.items() if name not in {"extract raw", "decode"}}
every = pytest.mark.parametrize("words", VERBS.values(), ids=VERBS)
every_file = pytest.mark.parametrize("words", FILES.values(), ids=FILES)


@pytest.fixture
def stream(named_sample: Named, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A stream that others may read, in a folder of its own, beside one with a screen; what is made is made beside them."""
    folder, here = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    path = Path(shutil.copy(named_sample("microvm-7.2.mig").path, folder / "guest.mig"))
    path.chmod(0o644)
    shutil.copy(named_sample("pc-vga-7.2.mig").path, tmp_path)
    before = os.umask(0o022)
    yield path
    os.umask(before)


def run(words: str, stream: Path, *more: str) -> Result:
    if words.startswith("encode") and not Path("folder").exists():
        assert run("decode {} --full -o folder", stream).exit_code == 0
    verb, *rest = (word.format(stream) for word in words.split())
    return CliRunner().invoke(cli, [verb, *more, *rest])


def made(words: str) -> Path:
    return next(Path(word) for word in words.split() if word.startswith("made"))


def files(path: Path) -> list[Path]:
    return list(path.iterdir()) if path.is_dir() else [path]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@every
def test_what_is_new_is_its_owner_s_alone(words: str, stream: Path) -> None:
    done = run(words, stream)
    assert done.exit_code in {0, 1}, done.output
    assert {mode(path) for path in files(made(words))} == {0o600}


@every
def test_what_is_there_stays_without_force(words: str, stream: Path) -> None:
    assert run(words, stream).exit_code in {0, 1}
    target = made(words)
    for path in files(target):
        path.chmod(0o640)
    before = {path: (path.read_bytes(), path.stat().st_ino) for path in files(target)}
    done = run(words, stream)
    assert done.exit_code == 5, done.output
    assert "is there already" in done.stderr
    assert "--force replaces it" in done.stderr
    assert {p: (p.read_bytes(), p.stat().st_ino) for p in files(target)} == before
    done = run(words, stream, "--force")
    assert done.exit_code in {0, 1}, done.output
    assert {path: path.read_bytes() for path in files(target)} == {
        path: content for path, (content, _) in before.items()
    }
    assert all(path.stat().st_ino != number for path, (_, number) in before.items())
    assert {mode(path) for path in files(target)} == {0o640}


@every_file
@pytest.mark.parametrize("force", [(), ("--force",)], ids=["", "force"])
def test_no_link_and_no_device_is_written_to(
    words: str, force: tuple[str, ...], stream: Path
) -> None:
    target, real = made(words), Path("real")
    real.write_text("old")
    target.symlink_to(real)
    done = run(words, stream, *force)
    assert done.exit_code == 5, done.output
    assert "a symbolic link to real" in done.stderr
    assert target.readlink() == real
    assert real.read_text() == "old"
    target.unlink()
    os.mkfifo(target)
    done = run(words, stream, *force)
    assert done.exit_code == 5, done.output
    assert "is not a plain file" in done.stderr
    target.unlink()
    os.link(real, target)
    done = run(words, stream, *force)
    assert done.exit_code == 5, done.output
    assert ("hard links" if force else "there already") in done.stderr
    assert real.read_text() == "old"


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o644])
@pytest.mark.parametrize(
    "words",
    ["set {} cpu/env.eip=0 --in-place", "redact {} --in-place", "drop {} cpu --in-place"],
)
def test_in_place_keeps_the_mode(words: str, kept: int, stream: Path) -> None:
    stream.chmod(kept)
    before = stream.read_bytes()
    assert run(words, stream).exit_code == 0
    assert stream.read_bytes() != before
    assert mode(stream) == kept
    assert [path.name for path in stream.parent.iterdir()] == [stream.name]


def test_in_place_through_a_link_is_refused(stream: Path) -> None:
    before = stream.read_bytes()
    link = Path("latest.mig")
    link.symlink_to(stream)
    done = run("set {} cpu/env.eip=0 --in-place", link)
    assert done.exit_code == 5
    assert f"is a symbolic link to {stream}" in done.stderr
    os.link(stream, "other.mig")
    done = run("redact {} --in-place", stream)
    assert done.exit_code == 5
    assert "2 names (hard links)" in done.stderr
    assert stream.read_bytes() == before
    assert link.readlink() == stream


def test_a_refreshed_digest_keeps_its_mode(stream: Path) -> None:
    assert run("digest {} -o made", stream).exit_code == 0
    digest = Path("made")
    digest.chmod(0o644)
    assert run("set {} cpu/env.eip=0 --in-place", stream).exit_code == 0
    before = digest.read_text()
    assert run("digest made --refresh", stream).exit_code == 0
    assert digest.read_text() != before
    assert mode(digest) == 0o644


def test_force_alone_says_nothing(stream: Path) -> None:
    assert run("digest {} --force", stream).exit_code == 2


def test_analyze_migration_writes_for_its_owner_and_through_no_link(stream: Path) -> None:
    assert run("analyze-migration -x -f {}", stream).exit_code == 0
    made = [path for path in Path().rglob("*") if path.is_file()]
    assert len(made) > 2
    assert {mode(path) for path in made} == {0o600}
    Path("state.json").chmod(0o644)
    Path("desc.json").unlink()
    Path("desc.json").symlink_to("elsewhere")
    done = run("analyze-migration -x -f {}", stream)
    assert done.exit_code == 5
    assert "a symbolic link" in done.stderr
    Path("desc.json").unlink()
    assert run("analyze-migration -x -f {}", stream).exit_code == 0
    assert mode(Path("state.json")) == 0o644
