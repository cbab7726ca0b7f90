"""Which releases can have written a stream: right for every stream whose release is known."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from migstream.analysis.dating import written_by
from migstream.cli.group import cli
from migstream.edit.change import Edit
from migstream.qemu.release import Bounds, parse
from migstream.stream import open_stream
from support import build
from support.samples import Sample


def test_the_release_that_wrote_a_stream_is_one_of_those_that_are_named(sample: Sample) -> None:
    with open_stream(sample.path) as stream:
        assert parse(sample.meta["qemu"]) in written_by(stream)


def test_info_says_the_same(own_sample: Sample) -> None:
    with open_stream(own_sample.path) as stream:
        named = written_by(stream).named()
    shown = CliRunner().invoke(cli, ["info", str(own_sample.path)]).stdout
    line = next((one for one in shown.splitlines() if "a hint" in one), "")
    assert named in line
    assert bool(named) == bool(line)


def test_a_machine_type_is_not_older_than_the_qemu_that_has_it(
    named_sample: Callable[[str], Sample],
) -> None:
    raw = named_sample("pc-7.2.mig").read()
    with open_stream(raw) as stream:
        assert written_by(stream) == Bounds((7, 2), (8, 2))
        edit = Edit(stream)
        edit.machine("pc-i440fx-8.0")
        edit.write(changed := io.BytesIO())
    with open_stream(changed.getvalue()) as stream:
        assert written_by(stream) == Bounds((8, 0), (8, 2))


@pytest.mark.parametrize(("control", "newer"), [(0x60000010, True), (0x80050033, False)])
def test_what_a_guest_switched_on_is_no_mark_of_a_release(control: int, *, newer: bool) -> None:
    """Every release sends the new way of plugging CPUs in, once a guest's system has asked for it."""
    subsection = {"vmsd_name": "piix4_pm/cpuhp", "version": 1, "fields": []}
    devices = [
        build.device("cpu", [build.field("env.cr[0]", "uint64", 8)]),
        build.device("piix4_pm", []) | {"subsections": [subsection]},
    ]
    raw = (
        build.HEADER + build.configuration("pc-i440fx-7.2")
        + build.full(3, "cpu", build.be64(control))
        + build.full(4, "piix4_pm", build.subsection("piix4_pm/cpuhp", b""))
        + build.END + build.description(build.described(*devices))
    )  # fmt: skip
    with open_stream(raw) as stream:
        assert written_by(stream).since((11, 1)) is newer
        assert ((7, 2) in written_by(stream)) is not newer
