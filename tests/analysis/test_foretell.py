"""Loads foretold from the catalogue: a release, and the arguments that the destination is started with."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.foretell import foretell
from migstream.analysis.compat.load import compat
from migstream.analysis.compat.model import Report
from migstream.catalogue.arguments import parse_arguments
from migstream.catalogue.compose import compose
from migstream.catalogue.places import Places
from migstream.catalogue.shelf import find, on_shelf, release_named
from migstream.errors import Unsupported
from migstream.qemu.release import parse
from migstream.stream import open_stream
from support.loads import ROWS, ROWS_KVM, Row, needs_loads, needs_loads_kvm, reasons, source


def _play(row: Row) -> Report:
    """By the release and the arguments alone."""
    [told] = foretell(
        source(row), parse(row["destination"])[:2], ["-nodefaults", *row["destination_args"]]
    )
    return told.report


def _wrong(row: Row, report: Report) -> str:
    """In what a report differs from the truth; nothing where it does not."""
    if report.accepted != row["accepted"]:
        return f"QEMU: {row['said']}; here: {report.first}"
    first = report.first
    if first is None:
        return ""
    named = re.search(r"(?:device|instance) '([^']*)'", row["said"])
    if named is not None and named[1] != first.device.rpartition("[")[0]:
        return f"device {first.device}, not {named[1]}"
    return "" if first.kind in reasons(row) else f"{first.kind}: {row['said']}"


def _rate(rows: list[Row]) -> None:
    wrong = [(row, why) for row in rows if (why := _wrong(row, _play(row)))]
    for row, why in wrong:
        print(row["stream"], row["destination"], row["change"], why)
    print(f"{len(rows) - len(wrong)} of {len(rows)} agree")
    assert len(wrong) <= 0.03 * len(rows)
    assert not [row for row, _ in wrong if row["accepted"]], "a false alarm"


@needs_loads
def test_agrees_with_what_qemu_did() -> None:
    _rate(ROWS)


@needs_loads_kvm
def test_agrees_with_loads_of_kvm_and_of_rare_devices() -> None:
    _rate(ROWS_KVM)


@needs_loads
@needs_loads_kvm
def test_without_arguments_no_alarm_is_false() -> None:
    for row in ROWS + ROWS_KVM:
        if row["change"] == "same" and row["accepted"]:
            [told] = foretell(source(row), parse(row["destination"])[:2])
            assert told.report.accepted
            assert told.report.assumptions


def test_the_catalogues_are_small() -> None:
    assert sum(one.path.stat().st_size for one in on_shelf()) < 10 << 20


def test_names_that_people_use() -> None:
    assert release_named("debian-13") == release_named("10.0") == (10, 0)
    assert release_named("guest.json") is None
    with pytest.raises(Unsupported, match="no catalogue"):
        find((1, 0), "x86_64")


ARGUMENTS = ["-nodefaults", "-M", "pc-i440fx-7.2", "-m", "1G", "-smp", "3"]


def test_arguments_make_the_machine_that_they_describe() -> None:
    words = [*ARGUMENTS, "-device", "virtio-net-pci,addr=7", "-device", "VGA,vgamem_mb=32"]
    made = compose(find((10, 0), "x86_64"), parse_arguments(words))
    with open_stream(made.stream) as stream:
        assert not stream.damage
        assert stream.machine == "pc-i440fx-7.2"
        blocks = {block.name: block.used_length for block in stream.blocks}
        assert blocks["pc.ram"] == 1 << 30
        assert blocks["0000:00:02.0/vga.vram"] == 32 << 20
        assert ("0000:00:07.0/virtio-net", 0) in stream.devices.keys()  # noqa: SIM118
        assert [d.instance_id for d in stream.devices if d.name == "cpu"] == [0, 1, 2]
        assert compat(stream, Destination(stream=stream)).accepted


def test_what_is_not_understood_is_said() -> None:
    words = [*ARGUMENTS, "-strange", "-device", "no-such-device"]
    made = compose(find((10, 0), "x86_64"), parse_arguments(words))
    assert any("-strange" in one for one in made.assumptions)
    assert made.lacking == ("no-such-device",)


def test_slots_are_given_as_qemu_gives_them() -> None:
    places = Places(("00.0", "01.0", "01.3"))
    assert places.pci("0000:00:", "", None) == "0000:00:02.0"
    assert places.pci("0000:00:", "", "1c") == "0000:00:1c.0"
    assert places.pci("0000:00:", "", None) == "0000:00:03.0"
    assert places.pci("0000:00:", "0000:00:1c.0", "0x1") == "0000:00:1c.0:01.0"


WORDS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["-M", "-m", "-smp", "-device", "-global", "-object", "-cpu", "-accel", "-numa"]
    ),
    st.sampled_from(
        ["kvm", "pc", "VGA,vgamem_mb=9999999999999", "cpus=99999", "e1000,addr=zz", "1T"]
    ),
)


@given(st.lists(WORDS, max_size=8))
def test_any_words_are_read(words: list[str]) -> None:
    parse_arguments(words)
