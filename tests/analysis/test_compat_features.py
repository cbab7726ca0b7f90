"""virtio features against what a destination is said to offer; a real QEMU judges in tests/qemu/test_compat_features.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.features import acked
from migstream.analysis.compat.load import compat
from migstream.analysis.compat.model import Report
from migstream.edit.change import Edit
from migstream.qemu.release import Version
from migstream.stream import open_stream
from support.samples import Sample

NET = ("0000:00:01.0/virtio-net", 0)
MERGED, CONTROL, MQ, VERSION_1 = 1 << 15, 1 << 17, 1 << 22, 1 << 32


@pytest.fixture
def play(
    named_sample: Callable[[str], Sample], tmp_path: Path
) -> Callable[[int, Version, Mapping[tuple[str, int], int] | None], Report]:
    """The load of a guest whose network card has these features, for itself after a reset."""
    path = named_sample("q35-7.2.mig").path

    def play(taken: int, release: Version, offered: Mapping[tuple[str, int], int] | None) -> Report:
        with open_stream(path) as own:
            edit = Edit(own)
            for wide in (False, True):
                found = acked(own.devices[NET], wide=wide)
                assert found is not None
                size = found.field.span.size
                edit.put(found.field, (taken % (1 << 8 * size)).to_bytes(size, "big"), "features")
            with (tmp_path / "taken.mig").open("wb") as out:
                edit.write(out.fileno())
            with open_stream(tmp_path / "taken.mig") as stream:
                return compat(stream, Destination(None, own, release, features=offered))

    return play


Play = Callable[[int, Version, Mapping[tuple[str, int], int] | None], Report]


def _notes(report: Report) -> list[str]:
    (net,) = [one for one in report.verdicts if one.device.startswith(NET[0])]
    return [note.message for note in net.notes if "whether all are offered" in note.message]


def test_what_is_offered_loads(play: Play) -> None:
    report = play(MERGED | VERSION_1, (7, 2), {NET: MERGED | CONTROL | VERSION_1})
    assert report.accepted
    assert not _notes(report)


def test_words_up_to_10_1(play: Play) -> None:
    report = play(MERGED | CONTROL | VERSION_1, (10, 1), {NET: CONTROL | VERSION_1})
    (problem,) = report.problems
    assert problem.kind == "features"
    assert problem.message.startswith("the guest uses MRG_RXBUF, which")
    assert problem.said == (
        "Features 0x100028000 unsupported. Allowed features: 0x100020000",
        "Failed to load virtio-net:virtio",
        f"error while loading state for instance 0x0 of device '{NET[0]}'",
        "load of migration failed: Operation not permitted",
    )


def test_words_of_newer_ones(play: Play) -> None:
    report = play(MERGED | CONTROL | VERSION_1, (11, 1), {NET: CONTROL | VERSION_1})
    (problem,) = report.problems
    assert problem.said == (
        (
            "Features 0x00000000000000000000000100020000 unsupported."
            " Allowed features: 0x00000000000000000000000100020000"
        ),
        (
            "load of migration failed: Invalid argument: error while loading state for instance 0x0"
            f" of device '{NET[0]}': Failed to load element of type virtio for virtio"
        ),
    )


def test_nobody_says_what_is_offered(play: Play) -> None:
    report = play(MERGED | VERSION_1, (7, 2), None)
    assert report.accepted
    assert _notes(report) == ["the guest uses MRG_RXBUF, VERSION_1: whether all are offered is not known"]  # fmt: skip


def test_a_short_configuration_proves_it(play: Play) -> None:
    """Queue pairs have a number in the configuration, which this card's is too short for."""
    report = play(MQ | VERSION_1, (7, 2), None)
    (problem,) = report.problems
    assert problem.kind == "features"
    assert problem.said[0] == "Features 0x100400000 unsupported. Allowed features: 0x…"


def test_a_guest_without_features_asks_for_nothing(play: Play) -> None:
    class Never(dict[tuple[str, int], int]):
        def get(self, *_: object) -> int:
            raise AssertionError

        __contains__ = get  # type: ignore[assignment]

    assert play(0, (7, 2), Never()).accepted
