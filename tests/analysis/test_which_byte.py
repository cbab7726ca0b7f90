"""`diff` names the byte: in its first lines, of whatever field, and to the bit."""

from __future__ import annotations

import json
import lzma
import re
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import migstream
from migstream.analysis.diff.sides import Sides, page_sides
from migstream.analysis.diff.values import values
from migstream.cli.group import cli
from migstream.names import escape
from migstream.render.marked import bits_text, place_text, run_line, run_lines, side_lines
from migstream.render.paint import text
from migstream.vmstate.layout import Layout, Node, subsection_header
from migstream.vmstate.values import Value, root
from migstream.wire.model import Span
from support import build
from support.samples import Packed, Sample, streams

Named = Callable[[str], Sample]
Unpack = Callable[[Packed], Sample]
FIRST = 6  # lines of the first screen that have to say it all
MOST = 2000  # children of a value among which one is drawn
COLUMNS = 80


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def changed(raw: bytes, masks: dict[int, int]) -> bytes:
    other = bytearray(raw)
    for offset, mask in masks.items():
        other[offset] ^= mask
    return bytes(other)


def differing(raw: bytes, other: bytes, *words: object) -> Result:
    """`diff` of two streams."""
    with tempfile.TemporaryDirectory() as folder:
        good, bad = Path(folder) / "good.mig", Path(folder) / "bad.mig"
        good.write_bytes(raw)
        bad.write_bytes(other)
        return run("diff", good, bad, *words)


@st.composite
def a_byte(draw: st.DrawFn, value: Value) -> tuple[Value, int] | None:
    """A byte of what is drawn step by step below a value, and the innermost value that has it.

    So a field of a struct in an array is as likely as one at the top. The header of a subsection is
    one of the things in it, and belongs to nobody but itself. Nothing where what is drawn has no bytes.
    """
    while value.span.size:
        if value.count is not None:
            value = value.element(draw(st.integers(0, value.count - 1)))
            continue
        start, stop = value.span
        children = [child for child in islice(value.children, MOST) if child.span.size]
        header = value.kind == "subsection"
        if not children or (header and draw(st.integers(0, len(children))) == 0):
            stop = start + subsection_header(value.name) if header else stop
            return value, draw(st.integers(start, stop - 1))
        value = draw(st.sampled_from(children))
    return None


def said(result: Result, device: str, labels: set[str], byte: str) -> bool:
    """Whether the first lines name device, field, and byte.

    What a field stands in has a name at times: `virtio/queues[0]/num (receiveq1)`.
    """
    first, second, *lines = result.stdout.splitlines()[:FIRST]
    return (
        first == f"~ {escape(device)}"
        and any(
            re.match(rf"  ~ {re.escape(escape(label))}( \(\w+\))?  ", second) for label in labels
        )
        and any(re.match(rf" +{byte}(  |$)", one) for one in lines)
    )


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_flipped_bit_of_any_field_is_on_the_first_screen(
    unpack: Unpack, data: st.DataObject
) -> None:
    """Device, field with its elements, offset, both bytes: whatever else the flip does to the stream.

    It may make a subsection's header one that no description fits, a blob one that nobody understands,
    a capability another one: it is told all the same, as the good stream is read. Nothing is left
    out but what has no bytes: a stream without devices (one of a hundred), a device or a value of size 0.
    """
    sample = unpack(data.draw(st.sampled_from(streams())))
    raw = sample.read()
    with migstream.open(sample.path) as stream:
        full = [device for device in stream.devices if device.section.payload.size]
        if not full:
            return
        device = data.draw(st.sampled_from(full))
        drawn = data.draw(a_byte(device.value))
        if drawn is None:
            return
        value, offset = drawn
        mask = 1 << data.draw(st.integers(0, 7))
        path = value.path.removeprefix(device.path).lstrip("/")
        labels = {path, f"{path}[{offset - value.span.start}]", f"{path} (header)"}
    words = data.draw(st.sampled_from([(), ("--values", "--schema")]))
    result = differing(raw, changed(raw, {offset: mask}), *words)
    byte = f"{offset:#x}: {raw[offset]:02x} → {raw[offset] ^ mask:02x}"
    assert said(result, device.path, labels, byte), (path, byte, result.output)


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_flipped_bit_of_guest_memory_is_shown(own_sample: Sample, data: st.DataObject) -> None:
    """Its RAM block, its offset there, both bytes, marked in a line of them.

    Not of pages that were sent in another form than as they are: there a flip is another thing.
    """
    raw = own_sample.read()
    with migstream.open(own_sample.path, spool=True) as stream:
        kept = {
            (name, start)
            for name, block in stream.ram.items()
            for run in block.runs()
            if run.kind == "data"
            for start in range(run.start, run.stop, block.page)
        }
        if not kept:
            return
        name, start = data.draw(st.sampled_from(sorted(kept)))
        [*_, last] = stream.history(name, start)
        if last.kind != "page" or last.source or last.at is None:
            return
        within = data.draw(st.integers(0, len(last.data) - 1))
        at = last.at + within
    assert raw[at] == last.data[within]
    mask = 1 << data.draw(st.integers(0, 7))
    result = differing(raw, changed(raw, {at: mask}), "--memory")
    line, byte, old, new, _ = result.stdout.splitlines()
    assert line.startswith(f"~ ram/{escape(name)}[{start:#x}:")
    pair = [f"{one:02x}" for one in (raw[at], raw[at] ^ mask)]
    assert byte.strip().startswith(f"{start + within:#x}: {pair[0]} → {pair[1]}")
    assert f"[{pair[0]}]" in old
    assert f"[{pair[1]}]" in new


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_bytes_of_json_are_those_that_differ(own_sample: Sample, data: st.DataObject) -> None:
    """Exactly those, once each, of several at once in one device, with what each side has there."""
    raw = own_sample.read()
    with migstream.open(own_sample.path) as stream:
        device = data.draw(st.sampled_from([d for d in stream.devices if d.section.payload.size]))
    start, stop = device.section.payload
    masks = data.draw(
        st.dictionaries(st.integers(start, stop - 1), st.integers(1, 255), min_size=1, max_size=6)
    )
    other = changed(raw, masks)
    answer = json.loads(differing(raw, other, "--values", "--schema", "--json").stdout)
    found = list(_bytes_of(answer))
    for one in found:
        for span, said, side in (
            (one["old_span"], one["old"], raw),
            (one["new_span"], one["new"], other),
        ):
            assert side[slice(*span)].hex() == said
    spans = [offset for one in found for offset in range(*one["old_span"])]
    assert sorted(spans) == sorted(masks)


def _bytes_of(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for change in answer["changes"]:
        yield from change.get("bytes", [])
        for one in change.get("ranges", []):
            yield from one["bytes"]


@given(st.binary(min_size=1, max_size=200), st.data())
def test_what_differs_stands_in_brackets(old: bytes, data: st.DataObject) -> None:
    """Without colour, too; the bytes are whole, and a line fits into a terminal."""
    places = data.draw(st.sets(st.integers(0, len(old) - 1), min_size=1))
    new = changed(old, dict.fromkeys(places, data.draw(st.integers(1, 255))))
    sides = page_sides("ram/x", 0x7FFF_FFFF_0000, old, new)
    found: dict[str, dict[int, bool]] = {"-": {}, "+": {}}
    for line in text(side_lines(sides, sides.runs(), most=None)):
        assert len(line) + 4 <= COLUMNS
        sign, at, shown = re.fullmatch(r"([-+]) (0x[0-9a-f]+) (.*)", line).groups()  # type: ignore[union-attr]
        first, inside = int(at, 16) - 0x7FFF_FFFF_0000, False
        for number, (bracket, digits) in enumerate(re.findall(r"([ \[\]])([0-9a-f]{2})", shown)):
            inside = {"[": True, "]": False}.get(bracket, inside)
            found[sign][first + number] = inside
            assert int(digits, 16) == (old if sign == "-" else new)[first + number]
    for marks in found.values():
        assert {at for at, marked in marks.items() if marked} == places


# --- numbers and bits ----------------------------------------------------------------------------


def numbers(kind: str, old: bytes, new: bytes, name: str = "n", vmsd: str = "one") -> Sides:
    """Both sides of the only field of a device."""
    both = []
    for raw in (old, new):
        entry = build.device(vmsd, [build.field(name, kind, len(raw))])
        stream = (
            build.HEADER + build.configuration() + build.full(3, vmsd, raw) + build.END
            + build.description(build.described(entry))
        )  # fmt: skip
        both.append(stream)
    [change] = migstream.diff(*both)
    assert change.sides is not None
    return change.sides


@given(st.sampled_from(["uint8", "int16", "uint32", "int64", "uint64"]), st.data())
def test_bits_are_those_of_the_number(kind: str, data: st.DataObject) -> None:
    size = int(kind.lstrip("uint")) // 8
    old, new = data.draw(
        st.tuples(*[st.binary(min_size=size, max_size=size)] * 2).filter(lambda p: p[0] != p[1])
    )
    one, other = int.from_bytes(old, "big"), int.from_bytes(new, "big")
    wanted = {(n, bool(other >> n & 1)) for n in range(8 * size) if (one ^ other) >> n & 1}
    assert {(bit.number, bit.on) for bit in numbers(kind, old, new).bits()} == wanted


def test_bits_have_names() -> None:
    sides = numbers("uint64", bytes(8), b"\x03" + bytes(7), "env.psw.mask", "cpu")
    assert bits_text(sides.bits()) == "+EXT +IO"
    [line] = text(run_lines(sides, sides.runs()))
    assert line.endswith(": 00 → 03  +EXT +IO")
    many = numbers("uint32", bytes(4), b"\xff\xff\xff\xff")
    assert bits_text(many.bits()) == ""
    assert bits_text(many.bits(), everything=True).startswith("+bit 0 +bit 1 ")


def test_bits_of_a_bitmap_are_counted_from_its_beginning() -> None:
    """As QEMU has it (migration/vmstate-types.c: put_bitmap): bit 64 is the lowest of the second word."""
    sides = numbers("bitmap", bytes(16), bytes(15) + b"\x01")
    [run] = sides.runs()
    assert [str(bit) for bit in sides.bits(run)] == ["+bit 64"]
    [line] = text([run_line(sides, run)])
    assert line.endswith(": 00 → 01  +bit 64")


def test_what_is_little_endian_is_read_so(named_sample: Named) -> None:
    sample = named_sample("pc-7.2.mig")
    raw = sample.read()
    with migstream.open(raw) as stream:
        at = stream["piix4_pm/parent_obj/config[0]/command"].span.start
    [change] = migstream.diff(raw, changed(raw, {at + 1: 0x04}), parts=["values"])
    assert change.sides is not None
    assert [str(bit) for bit in change.sides.bits()] == ["+INTX_DISABLE"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "  ~ env.regs[1]  0 → 70368744177664 (0x400000000000) RCX  uint64[16]"),
        (["--hex"], "  ~ env.regs[1]  0x0000000000000000 → 0x0000400000000000  uint64[16]"),
        (
            ["--where", "--hex"],
            "  ~ env.regs[1]  uint64[16]  at {:#x}+0x8|        0x0000000000000000|      → 0x0000400000000000",
        ),
    ],
)
def test_a_value_in_decimal_in_hexadecimal_with_its_place(
    named_sample: Named, words: list[str], line: str
) -> None:
    raw = named_sample("pc-7.2.mig").read()
    with migstream.open(raw) as stream:
        start = stream["cpu[0]/env.regs[1]"].span.start
    result = differing(raw, changed(raw, {start + 2: 0x40}), *words)
    lines = line.format(start).split("|")
    shown = result.stdout.splitlines()
    assert any(shown[n : n + len(lines)] == lines for n in range(len(shown)))
    assert f"      {start + 2:#x}: 00 → 40  +bit 46" in shown


def test_offsets_are_each_streams_own(named_sample: Named) -> None:
    """The second one's stands in brackets, and only where it is another."""
    old, new = (named_sample(name).path for name in ("pc-7.2.mig", "pc-2.3-7.2.mig"))
    with migstream.open(old) as a, migstream.open(new) as b:
        places = [s["cpu[0]/env.regs[2]"].span.start + 5 for s in (a, b)]
    assert places[0] != places[1]
    assert f"{places[0]:#x} ({places[1]:#x}): 06 0f b1 → 00 06 63" in run("diff", old, new).stdout


def test_much_is_cut_and_counted(named_sample: Named) -> None:
    """A device of which nearly every byte is another one: few lines, and all with --all."""
    raw = named_sample("pc-7.2.mig").read()
    with migstream.open(raw) as stream:
        span = stream["mc146818rtc/cmos_data"].span
    other = changed(raw, dict.fromkeys(range(span.start, span.stop, 2), 0xFF))
    short, long = (differing(raw, other, *words).stdout.splitlines() for words in ([], ["--all"]))
    assert "64 of 128 bytes, in 64 places" in short[1]
    assert "      … and 56 more places (--all)" in short
    assert len(short) < 20
    assert sum(" → " in line for line in long) == 64
    assert sum(line.lstrip().startswith("+ 0x") for line in long) == 128 // 16


def test_all_shows_every_page_that_differs(named_sample: Named) -> None:
    raw = named_sample("pc-7.2.mig").read()
    with migstream.open(raw) as stream:
        pages = [stream.history("pc.bios", at)[0].at for at in (0x20000, 0x3F000)]
    assert None not in pages
    other = changed(raw, {at + 5: 1 for at in pages if at is not None})
    short, long = (differing(raw, other, *words).stdout for words in ([], ["--all"]))
    assert "2 pages in 2 ranges" in short
    assert [place in short for place in ("0x20005: ", "0x3f005: ")] == [True, False]
    assert [place in long for place in ("0x20005: ", "0x3f005: ")] == [True, True]


def test_what_one_side_only_describes_is_read_as_the_other_does(named_sample: Named) -> None:
    """A description that does not fit any more: the good stream says which field it is."""
    raw = named_sample("pc-7.2.mig").read()
    bare = named_sample("pc-novmdesc-7.2.mig").read()
    with migstream.open(raw) as stream, migstream.open(bare) as b:
        field = stream["i8254/channels[1]/mode"].span.start
        within = field - stream.devices["i8254"].section.payload.start
        there = b.devices["i8254"].section.payload.start + within
        assert not b.devices["i8254"].described
    result = differing(raw, changed(bare, {there: 0x10}), "--values")
    place = next(n for n, one in enumerate(result.stdout.splitlines()) if "i8254" in one)
    shown = result.stdout.splitlines()[place : place + 3]
    assert shown[0] == "~ i8254[0]"
    assert shown[1].startswith("  ~ channels[1]/mode  3 ")
    assert shown[2] == f"      {place_text(field, there)}: 03 → 13  +bit 4"


def test_what_is_read_as_another_thing_comes_behind_the_byte(named_sample: Named) -> None:
    """A capability of PCI by its number: what it was and what it became, and first of all that number."""
    raw = named_sample("q35-7.2.mig").read()
    with migstream.open(raw) as stream:
        at = stream["e1000e/parent_obj[0]/config[1]/msix_a0/id"].span.start
    result = differing(raw, changed(raw, {at: 2}))
    assert result.stdout.splitlines() == [
        "~ 0000:00:02.0/e1000e[0]",
        "  ~ parent_obj[0]/config[1]/msix_a0/id  17 (0x11) MSIX → 19 (0x13) AF  uint8",
        f"      {at:#x}: 11 → 13  +bit 1",
        "  - parent_obj[0]/config[1]/msix_a0  struct",
        "  - parent_obj[0]/config[1]/space_ac  28 bytes, all zero  buffer",
        "  + parent_obj[0]/config[1]/af_a0  struct",
        f"  + parent_obj[0]/config[1]/space_a6  34 bytes, 00000320{'0' * 54}…  buffer",
        "1 device changed (5 fields)",
    ]


def test_a_byte_that_no_field_has_is_its_structs() -> None:
    """Between two fields that are not next to each other."""
    one = Node(name="x", type="uint8", kind="leaf", offset=0, size=1, stride=1)
    layout = Layout("one", 1, 3, (one, msgspec.structs.replace(one, name="y", offset=2)))

    def value(raw: bytes) -> Value:
        return root(layout, Span(0, 3), "one[0]", lambda start, stop: memoryview(raw)[start:stop])

    gap, field = values(value(b"abc"), value(b"aBC"))
    assert (gap.path, gap.what, [(r.start, r.stop) for r in gap.ranges]) == (
        "one[0]",
        "bytes",
        [(1, 2)],
    )
    assert (field.path, field.old, field.new) == ("one[0]/y", ord("c"), ord("C"))


# --- options and hints for the other stream ------------------------------------------------------


def test_the_other_stream_has_options_of_its_own(named_sample: Named, tmp_path: Path) -> None:
    path = named_sample("pc-7.2.mig").path
    behind = tmp_path / "behind.mig"
    behind.write_bytes(bytes(100) + path.read_bytes())
    refused = run("diff", path, behind)
    assert refused.exit_code == 3
    assert "--other-offset 0x64 opens it" in refused.stderr
    assert run("diff", path, behind, "--other-offset", "100").stdout == "no difference\n"
    first = run("diff", behind, path)
    assert " --offset 0x64 opens it" in first.stderr
    bare = named_sample("pc-novmdesc-7.2.mig").path
    assert "description" in run("diff", path, bare, "--schema").stdout
    assert "description" not in run("diff", path, bare, "--schema", "--other-like", path).stdout


def test_hints_about_the_other_stream_name_its_options(named_sample: Named, tmp_path: Path) -> None:
    path = named_sample("pc-7.2.mig").path
    image = tmp_path / "two.qcow2"
    packed = Path(__file__).parents[1] / "containers" / "disk.qcow2.xz"
    image.write_bytes(lzma.decompress(packed.read_bytes()))
    assert "hint: --other-inside ID or NAME" in run("diff", path, image).stderr
    assert "hint: --inside ID or NAME" in run("diff", image, path).stderr
