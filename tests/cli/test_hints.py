"""Where people stumble: what is said then names what is wrong, and the next step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import migstream
from migstream.cli.group import cli
from support.samples import Sample

Named = Callable[[str], Sample]


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def stream(named_sample: Named) -> Path:
    return named_sample("pc-7.2.mig").path


def test_several_files_behind_one_channel(stream: Path) -> None:
    """As a shell makes them of a pattern."""
    ended = run("info", stream, "--channel", "ch0", "ch1", "ch2")
    assert ended.exit_code == 2
    assert "a pattern in quotes" in ended.stderr
    assert "a pattern in quotes" not in run("info", stream, "ch0").stderr


@pytest.mark.parametrize(("typed", "hint"), [("7c00", "0x7c00?"), ("word", "such as 16 or 0x10")])
def test_an_address_without_its_beginning(stream: Path, typed: str, hint: str) -> None:
    ended = run("mem", stream, typed)
    assert ended.exit_code == 2
    assert hint in ended.stderr


@pytest.mark.parametrize(
    ("typed", "size"), [("1k", 1024), ("1K", 1024), ("0x10", 16), ("2M", 2 << 20)]
)
def test_a_length_in_either_case(stream: Path, typed: str, size: int) -> None:
    assert len(run("mem", stream, "0", "-n", typed, "-r").stdout_bytes) == size


def test_nothing_to_change_is_wrong_usage(stream: Path, tmp_path: Path) -> None:
    ended = run("set", stream, "-o", tmp_path / "out")
    assert ended.exit_code == 2
    assert "PATH=VALUE" in ended.stderr
    assert not (tmp_path / "out").exists()
    # none of something is a change
    assert run("set", stream, "--capabilities", "", "-o", tmp_path / "out").exit_code == 0


def test_the_file_that_is_wrong_is_the_one_that_is_named(stream: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{")
    for words in (
        ("compat", stream, "--to", wrong),
        ("static-checker", "-s", stream, "-d", wrong),
        ("explain", "Missing section footer for x", "--stream", stream, "--from", wrong),
    ):
        ended = run(*words)
        name = stream if words[0] == "static-checker" else wrong  # the first of the two
        assert ended.exit_code == 3, words
        assert ended.stderr.startswith(f"migstream: {name}: it is not a -dump-vmstate file")


@pytest.mark.parametrize(
    ("machine", "hint"),
    [("pc-i440fx-10.0", "convert --to-machine"), ("pc-i440fx-6.2", "-machine pc-i440fx-6.2")],
)
def test_a_destination_that_is_too_old_is_not_told_to_start_that(
    stream: Path, tmp_path: Path, machine: str, hint: str
) -> None:
    other = tmp_path / "other.mig"
    with migstream.edit(stream) as edit:
        edit.machine(machine)
        edit.save(other)
    ended = run("compat", other, "--to-stream", stream, "--release", "7.2")
    assert ended.exit_code == 1
    assert hint in ended.stdout


def test_all_devices_are_listed_on_request(stream: Path) -> None:
    with migstream.open(stream) as opened:
        names = [device.path for device in opened.devices]
    for option in ("--all", "-v"):
        shown = run("info", stream, option).stdout
        assert all(name in shown for name in names)
    assert not all(name in run("info", stream).stdout for name in names)


def test_a_digest_goes_to_standard_output(stream: Path) -> None:
    assert run("digest", stream, "-o", "-").stdout == run("digest", stream).stdout != ""
