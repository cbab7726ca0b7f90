"""The flame graph of the downtime part: speedscope's own rules, and the bytes that `stat` says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

import migstream
from migstream.cli.group import cli
from migstream.export.speedscope import SCHEMA, flames
from migstream.render.stat import stat
from support.samples import Sample

Named = Callable[[str], Sample]


def boxes(document: dict[str, Any]) -> tuple[Counter[tuple[str, ...]], Counter[str]]:
    """Bytes that are a box's own, by the names below and of it; and of each name all of them.

    What speedscope's importer asserts is asserted: events in their order, and what is closed was opened last.
    """
    assert document["$schema"] == SCHEMA
    frames = document["shared"]["frames"]
    assert all(frame.keys() <= {"name", "file"} and frame["name"] for frame in frames)
    (profile,) = document["profiles"]
    assert (profile["type"], profile["unit"]) == ("evented", "bytes")
    at: int = profile["startValue"]
    stack: list[int] = []
    own: Counter[tuple[str, ...]] = Counter()
    whole: Counter[str] = Counter()
    for event in profile["events"]:
        assert at <= event["at"] <= profile["endValue"]
        names = tuple(frames[n]["name"] for n in stack)
        own[names] += event["at"] - at
        whole.update(dict.fromkeys(names, event["at"] - at))
        at = event["at"]
        if event["type"] == "O":
            stack.append(event["frame"])
        else:
            assert event["type"] == "C"
            assert stack.pop() == event["frame"]
    assert not stack
    own[()] += profile["endValue"] - at
    return own, whole


def test_the_boxes_are_the_bytes_that_stat_says(sample: Sample) -> None:
    with migstream.open(sample.path) as stream:
        told = stat(stream)
        document = json.loads(flames(stream))
        own, whole = boxes(document)
        part = stream.size if told.downtime_bytes is None else told.downtime_bytes
        assert sum(own.values()) == part
        assert own[()] == 0  # every byte is in a box
        sizes = {one.name: one.bytes for one in told.parts}
        assert whole["devices"] == sizes.get("devices", 0)
        assert whole["description"] == sizes.get("description", 0)
        for device in stream.devices:
            if device.section.span.size > 0 and device.described:
                assert whole[device.path] >= device.section.span.size


def test_a_field_has_its_bytes(named_sample: Named) -> None:
    with migstream.open(named_sample("pc-7.2.mig").path) as stream:
        own, _ = boxes(json.loads(flames(stream)))
        assert own["devices", "cpu[0]", "env.regs"] == stream["cpu[0]/env.regs"].span.size
    with migstream.open(named_sample("pc-xbzrle-7.2.mig").path) as stream:
        own, _ = boxes(json.loads(flames(stream)))
        assert own["ram", "pc.ram", "xbzrle"] > own["ram", "pc.ram"] == 0


def test_what_is_not_asked_for_together(named_sample: Named) -> None:
    path = str(named_sample("pc-7.2.mig").path)
    for words in (
        ["-o", "x"],
        ["--force"],
        ["--speedscope", "--force"],
        ["--speedscope", "--json"],
    ):
        ended = CliRunner().invoke(cli, ["stat", path, *words])
        assert ended.exit_code == 2, ended.output
    ended = CliRunner().invoke(cli, ["stat", path, "--speedscope"])
    assert ended.exit_code == 0
    boxes(json.loads(ended.stdout))


@pytest.mark.parametrize("name", ['"\\', "\x1b[31m", "\udc80", "\u202e"])
def test_names_are_json_and_nothing_that_a_terminal_obeys(name: str, named_sample: Named) -> None:
    with migstream.open(named_sample("microvm-7.2.mig").path) as stream:
        stream.name = name
        text = flames(stream).decode()
        assert text.isprintable()
        json.loads(text)
