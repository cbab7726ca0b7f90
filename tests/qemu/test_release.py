"""Releases: bounds and their names, versions of machine types."""

from __future__ import annotations

import pytest

from migstream.qemu.release import Bounds, Version, following, machine_version, parse


@pytest.mark.parametrize(
    ("machine", "family", "version"),
    [
        ("pc-i440fx-7.2", "pc-i440fx", (7, 2)),
        ("virt-10.0", "virt", (10, 0)),
        ("pc-i440fx-jammy", "pc-i440fx", (6, 2)),
        ("pc-q35-impish-hpb", "pc-q35", (6, 0)),
        ("pc-i440fx-mantic-hpb-maxcpus", "pc-i440fx", (8, 0)),
        ("pc-q35-noble-hpb", "pc-q35", (8, 2)),
        ("pc-q35-rhel8.6.0", "pc-q35", (6, 2)),
        ("pc-q35-rhel99.6.0", "pc-q35-rhel99.6.0", None),
        ("none", "none", None),
        ("jammy", "jammy", None),
    ],
)
def test_versions_of_machine_types(
    machine: str, family: str, version: tuple[int, ...] | None
) -> None:
    assert machine_version(machine) == (family, version)


@pytest.mark.parametrize("text", ["", "x", "7", "7.", "7.2.", "-7.2", "7.2x", "9" * 9 + ".1"])
def test_what_is_not_a_release(text: str) -> None:
    with pytest.raises(ValueError, match="is not a QEMU version"):
        parse(text)


@pytest.mark.parametrize(
    ("bounds", "text", "named"),
    [
        (Bounds(), "unknown", ""),
        (Bounds((11, 1)), "11.1 or newer", "11.1 or later"),
        (Bounds((2, 3), (6, 0)), "2.3 or newer, older than 6.0", "2.3 to 5.2"),
        (Bounds((2, 3), (3, 0)), "2.3 or newer, older than 3.0", "2.3 to 2.12"),
        (Bounds((8, 2), (9, 0)), "8.2 or newer, older than 9.0", "8.2"),
        (Bounds(None, (8, 2)), "older than 8.2", "8.1 or earlier"),
        (Bounds.of((10, 0)), "10.0", "10.0"),
    ],
)
def test_bounds_say_what_is_known(bounds: Bounds, text: str, named: str) -> None:
    assert (str(bounds), bounds.named()) == (text, named)


def test_a_release_has_its_corrections_in_it() -> None:
    bounds = Bounds.of((10, 0))
    assert (10, 0, 13) in bounds
    assert (10, 1) not in bounds
    assert bounds.since((10, 0))
    assert not bounds.until((10, 0))
    assert bounds.until((10, 1))


def test_where_they_contradict_each_other_the_newer_ones_count() -> None:
    assert Bounds((9, 0)).narrowed(Bounds(None, (8, 2))) == Bounds((9, 0))


@pytest.mark.parametrize(
    ("release", "next_"),
    [((2, 12), (3, 0)), ((3, 1), (4, 0)), ((5, 2), (6, 0)), ((10, 0), (10, 1)), ((1, 7), (2, 0))],
)
def test_releases_follow_each_other(release: Version, next_: Version) -> None:
    assert following(release) == next_


def test_bounds_are_narrowed_by_each_other() -> None:
    assert Bounds((8, 0)).narrowed(Bounds((6, 0), (11, 1))) == Bounds((8, 0), (11, 1))
