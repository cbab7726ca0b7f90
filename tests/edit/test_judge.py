"""The smallest stream that fails, as a function or a command judges it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import migstream
from migstream.edit.minimise.judge import Outcome
from migstream.errors import NoFailure, NotAStream, SourceError
from support.samples import Sample

SOURCE = "pc-7.2.mig"


@pytest.fixture
def source(named_sample: Callable[[str], Sample]) -> Path:
    return named_sample(SOURCE).path


def has(name: str) -> Callable[[Path], bool]:
    def fails(path: Path) -> bool:
        with migstream.open(path) as stream:
            return name in stream.devices

    return fails


def test_a_function_says_what_fails(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "small.mig"
    found = migstream.minimise(source, target, has("pcspk"))
    assert [left.piece.path for left in found.left] == ["pcspk[0]"]
    assert found.outcome is True
    assert target.stat().st_size == found.after < found.before
    with migstream.open(target) as made:
        assert [device.path for device in made.devices] == ["pcspk[0]"]


def test_what_a_function_says_has_to_be_the_same(source: Path, tmp_path: Path) -> None:
    """Not just anything true: the number of these devices."""

    def fails(path: Path) -> int:
        with migstream.open(path) as stream:
            return sum(device.name == "i8259" for device in stream.devices)

    found = migstream.minimise(source, tmp_path / "small.mig", fails)
    assert found.outcome == 2
    assert {left.piece.path for left in found.left} == {"i8259[0]", "i8259[1]"}


def test_a_command_says_what_fails(source: Path, tmp_path: Path) -> None:
    words = ["sh", "-c", 'grep -aq pcspk "$1" && echo broken: $1 && exit 3', "sh", "{}"]
    with migstream.open(source) as stream:
        found = migstream.minimise(stream, tmp_path / "small.mig", words, match="broken")
        assert stream.machine is not None
    assert [left.piece.path for left in found.left] == ["pcspk[0]"]
    assert isinstance(found.outcome, Outcome)
    assert found.outcome.failure.status == 3
    assert found.outcome.telling == "broken: STREAM"


def test_what_does_not_fail_leaves_nothing(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "small.mig"
    for fails in (has("nothing"), ["true"]):
        with pytest.raises(NoFailure, match="does not fail"):
            migstream.minimise(source, target, fails)
    answers = iter([True])
    with pytest.raises(NoFailure, match="no more"):
        migstream.minimise(source, target, lambda _: next(answers, False), tries=2)
    with pytest.raises(ValueError, match="does not match"):
        migstream.minimise(source, target, ["false"], match="words")
    with pytest.raises(SourceError, match="no-such-command"):
        migstream.minimise(source, target, ["no-such-command"])
    with pytest.raises(TypeError, match="list of words"):
        migstream.minimise(source, target, "false")
    with pytest.raises(NotAStream):
        migstream.minimise(b"not a stream" * 100, target, ["false"])
    assert not list(tmp_path.iterdir())
