"""How guest memory was sent, capabilities and commands, for releases that no machine here has."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import migstream
from migstream.analysis.compat.capabilities import CAPABILITIES, has_capability
from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.model import Report
from migstream.cli.group import cli
from migstream.edit.capabilities import capabilities_section
from migstream.qemu.load import Verdict
from migstream.qemu.release import Bounds
from migstream.render import paint
from migstream.render.compat import compat_answer, compat_parts
from migstream.stream import open_stream
from support.samples import Sample

Named = Callable[[str], Sample]
COMPRESSED, PLAIN, SHARED, POSTCOPY = (
    f"{name}-7.2.mig" for name in ("pc-compress", "pc", "pc-ignore-shared", "pc-postcopy")
)


def _report(
    sample: Sample, release: tuple[int, int], *on: str, other: Path | None = None
) -> Report:
    with open_stream(sample.path) as stream:
        if other is None:
            return migstream.compat(stream, Destination(None, None, release, "x", None, on))
        with open_stream(other) as there:
            return migstream.compat(stream, Destination(None, there, release, capabilities=on))


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.mark.parametrize(
    ("release", "on", "line"),
    [
        ((7, 2), ("compress",), None),
        ((9, 0), ("compress",), None),
        ((7, 2), (), "Received an unexpected compressed page"),
        ((9, 0), (), "Unexpected RAM flags: 256"),
        ((9, 1), (), "Unknown combination of migration flags: 0x120"),
        ((11, 1), (), "Unknown combination of migration flags: 0x120"),
    ],
)
def test_compressed_pages_by_release(
    release: tuple[int, int], on: tuple[str, ...], line: str | None, named_sample: Named
) -> None:
    report = _report(named_sample(COMPRESSED), release, *on)
    ram = [p for p in report.problems if p.kind == "ram"]
    if line is None:
        assert not ram
        return
    assert ram[0].said[0] == line if release < (10, 2) else line in ram[0].said[0]
    assert "convert --ram linear" in ram[0].hint
    word = named_sample(COMPRESSED).read()[ram[0].span.start : ram[0].span.stop]
    assert int.from_bytes(word, "big") & 0x100


def test_a_capability_that_went_is_no_help(named_sample: Named) -> None:
    report = _report(named_sample(COMPRESSED), (9, 1), "compress")
    assert "no capability compress" in report.problems[0].message
    assert "no longer in 9.1" in report.problems[0].hint
    assert report.problems[1].kind == "ram"


def test_what_its_own_stream_has_is_on_there(named_sample: Named) -> None:
    for name in (COMPRESSED, SHARED, POSTCOPY):
        sample = named_sample(name)
        assert _report(sample, (7, 2), other=sample.path).accepted, name
        assert not _report(sample, (7, 2), other=named_sample(PLAIN).path).accepted, name


def test_capabilities_are_compared_together(named_sample: Named) -> None:
    report = _report(named_sample(SHARED), (10, 0), "mapped-ram")
    assert report.first is not None
    assert report.first.said == (
        "Capability x-ignore-shared is off, but received capability is on",
        "Capability mapped-ram is on, but received capability is off",
        "load of migration failed: Invalid argument",
    )
    assert _report(named_sample(SHARED), (10, 0), "x-ignore-shared").accepted


@pytest.mark.parametrize(("release", "known"), [((8, 2), False), ((9, 0), True)])
def test_a_recorded_capability_by_release(
    release: tuple[int, int], known: bool, named_sample: Named, tmp_path: Path
) -> None:
    data = named_sample(PLAIN).read()
    with open_stream(data) as stream:
        assert stream.configuration is not None
        at = stream.configuration.span.stop
        changed = data[:at] + capabilities_section(["mapped-ram", "xbzrle"]) + data[at:]
    with open_stream(changed) as stream:
        report = migstream.compat(stream, Destination(None, None, release))
    assert report.first is not None
    unknown = report.first.said[0] == "Received unknown capability mapped-ram"
    assert unknown is not known


def test_every_capability_has_its_time() -> None:
    for name, life in CAPABILITIES.items():
        at = Bounds(life.since, (*life.since, 0))
        assert has_capability(name, at) is True
        assert has_capability(name, Bounds(None, life.since)) is False
        if life.until is not None:
            assert has_capability(name, Bounds(life.until, None)) is False
        else:
            assert has_capability(name, Bounds((99, 0), None)) is True
        assert has_capability(name, Bounds()) is None
    assert has_capability("no-such", Bounds((11, 1), (11, 1, 0))) is False
    assert has_capability("no-such", Bounds((12, 0), (12, 0, 0))) is None


def test_a_wrong_prediction_says_so(named_sample: Named) -> None:
    """Never "loads" beside "refused": one of the two is wrong, and somebody wants to know of it."""
    good = _report(named_sample(PLAIN), (7, 2))
    bad = _report(named_sample(COMPRESSED), (7, 2))
    for report in (good, bad):
        for accepted in (True, False):
            tried = Verdict(accepted, "" if accepted else "words")
            text = "\n".join(paint.text(compat_parts(report, verbose=False, tried=tried)))
            wrong = accepted is not report.accepted
            assert ("The prediction is wrong. Please report it" in text) is wrong
            told = compat_answer(report, tried).tried
            assert told is not None
            assert told.as_predicted is not wrong
            if wrong and not accepted:
                assert "loads in" not in text
                assert "devices load" not in text


def test_the_option(named_sample: Named) -> None:
    sample, there = named_sample(COMPRESSED), named_sample(PLAIN)
    command = ("compat", sample.path, "--to-stream", there.path, "--release", "7.2", "--json")
    refused = run(*command)
    assert refused.exit_code == 1, refused.output
    assert json.loads(refused.output)["problems"][0]["path"] == "ram"
    assert run(*command, "--cap", "compress").exit_code == 0
    assert run("compat", "--from-qemu", "a", "--to-qemu", "b", "--cap", "x").exit_code == 2
