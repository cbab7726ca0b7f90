"""`diff` names the byte: in its first lines, of whatever field, and to the bit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import migstream
from migstream.cli.group import cli
from migstream.names import escape
from migstream.vmstate.layout import subsection_header
from migstream.vmstate.values import Value
from support.samples import Packed, Sample, streams

Unpack = Callable[[Packed], Sample]
FIRST = 6  # lines of the first screen that have to say it all
MOST = 2000  # children of a value among which one is drawn


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def flipped(raw: bytes, offset: int, mask: int, *words: object) -> Result:
    """`diff` of a stream and itself with a byte changed."""
    other = bytearray(raw)
    other[offset] ^= mask
    with tempfile.TemporaryDirectory() as folder:
        good, bad = Path(folder) / "good.mig", Path(folder) / "bad.mig"
        good.write_bytes(raw)
        bad.write_bytes(other)
        return run("diff", good, bad, *words)


@st.composite
def a_byte(draw: st.DrawFn, value: Value) -> tuple[Value, int]:
    """A byte of what is drawn step by step below a value, and the innermost value that has it.

    So a field of a struct in an array is as likely as one at the top. The header of a subsection is
    one of the things in it, and belongs to nobody but itself.
    """
    while True:
        if value.count is not None:
            if not (value.count and value.node.size):
                return value, -1
            value = value.element(draw(st.integers(0, value.count - 1)))
            continue
        start, stop = value.span
        children = [child for child in islice(value.children, MOST) if child.span.size]
        header = value.kind == "subsection"
        if not children or (header and draw(st.integers(0, len(children))) == 0):
            stop = start + subsection_header(value.name) if header else stop
            return value, draw(st.integers(start, stop - 1)) if stop > start else -1
        value = draw(st.sampled_from(children))


def said(result: Result, device: str, labels: set[str], offset: int, old: int, new: int) -> bool:
    lines = result.stdout.splitlines()[:FIRST]
    return (
        lines[0] == f"~ {escape(device)}"
        and any(lines[1].startswith(f"  ~ {escape(label)}  ") for label in labels)
        and any(one.strip().startswith(f"{offset:#x}: {old:02x} → {new:02x}") for one in lines[2:])
    )


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_flipped_bit_of_any_field_is_on_the_first_screen(
    unpack: Unpack, data: st.DataObject
) -> None:
    sample = unpack(data.draw(st.sampled_from(streams())))
    raw = sample.read()
    with migstream.open(sample.path) as stream:
        full = [device for device in stream.devices if device.section.payload.size]
        if not full:
            return
        device = data.draw(st.sampled_from(full))
        value, offset = data.draw(a_byte(device.value))
        if offset < 0:
            return
        mask = 1 << data.draw(st.integers(0, 7))
        path = value.path.removeprefix(device.path).lstrip("/")
        labels = {path, f"{path}[{offset - value.span.start}]"}
        result = flipped(raw, offset, mask, "--values", "--schema")
        assert said(result, device.path, labels, offset, raw[offset], raw[offset] ^ mask), (
            sample.name,
            value.path,
            hex(offset),
            mask,
            result.output[:2000],
        )
