"""`compat` held against what real QEMUs did, and its parts."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from migstream.analysis.compat.breaks import Break, read_breaks
from migstream.analysis.compat.cpus import _read_back, _same_power, is_fixed
from migstream.analysis.compat.declared import pieces_of
from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.load import compat
from migstream.analysis.compat.model import Report
from migstream.analysis.compat.pci import first_mismatch
from migstream.analysis.compat.virtio import _behind_resources, _ports
from migstream.cli.group import cli
from migstream.edit.change import Edit
from migstream.errors import BadDescription, MigstreamError, SourceError, Unsupported
from migstream.qemu.release import Bounds
from migstream.render import paint
from migstream.render.compat import compat_answer, compat_parts
from migstream.stream import open_anything, open_stream
from migstream.vmstate.schema import parse_schema
from migstream.wire.model import End
from support.loads import (
    REFUSED,
    ROWS,
    ROWS_KVM,
    Row,
    destination,
    needs_loads,
    needs_loads_kvm,
    reasons,
    saved,
    source,
)
from support.qemu import own
from support.samples import REPOSITORY, Packed, Sample, broken_streams

Unpack = Callable[[Packed], Sample]


def _play(row: Row, *, schema: bool = True, stream: bool = True) -> Report:
    return compat(source(row), destination(row, schema=schema, stream=stream))


def _label(row: Row) -> str:
    return f"{row['stream']} {row['source']} -> {row['destination']} {row['change']}"


def _said(row: Row) -> list[str]:
    """QEMU's lines without its name."""
    said = row["said"].removeprefix("rejected: exit 1 ")
    return [re.sub(r"^qemu-system-\w+: ", "", line) for line in said.split(" | ")]


def _disagreement(row: Row, report: Report) -> str:
    """In what a report differs from the truth; nothing where it does not."""
    if report.accepted != row["accepted"]:
        return f"QEMU {'took' if row['accepted'] else 'refused'} it: {row['said']}"
    first = report.first
    if first is None:
        return ""
    kinds = reasons(row)
    named = re.search(r"(?:device|instance) '([^']*)'", row["said"])
    if named is not None and named[1] != first.device.rpartition("[")[0]:
        return f"device {first.device}, not {named[1]}"
    return "" if first.kind in kinds else f"{first.kind}, not one of {kinds}: {row['said']}"


def _table(
    rows: list[Row] = ROWS, *, schema: bool = True, stream: bool = True
) -> list[tuple[Row, str]]:
    return [(row, _disagreement(row, _play(row, schema=schema, stream=stream))) for row in rows]


def _show(table: list[tuple[Row, str]]) -> int:
    """Print the disagreements; how many there are."""
    wrong = [(row, why) for row, why in table if why]
    print(f"{len(table) - len(wrong)} of {len(table)} agree")
    for row, why in wrong:
        print(f"  {_label(row)}: {why}")
    return len(wrong)


@needs_loads
def test_agrees_with_what_qemu_did() -> None:
    table = _table()
    assert _show(table) <= 0.05 * len(table)
    assert not [row for row, why in table if why and row["accepted"]], "a false alarm"


@needs_loads
def test_a_stream_alone_is_enough_for_nearly_all() -> None:
    table = _table(schema=False)
    assert _show(table) <= 0.05 * len(table)
    assert not [row for row, why in table if why and row["accepted"]], "a false alarm"


@needs_loads
def test_a_schema_alone_raises_no_false_alarm() -> None:
    assert all(_play(row, stream=False).accepted for row in ROWS if row["accepted"])


@needs_loads_kvm
@pytest.mark.parametrize(("schema", "stream"), [(True, True), (False, True)])
def test_agrees_with_every_load_of_kvm_and_of_rare_devices(schema: bool, stream: bool) -> None:
    assert _show(_table(ROWS_KVM, schema=schema, stream=stream)) == 0


# What no schema has: which devices there are, and what they were started with.
STARTED = ("section or instance", "vring.num", "Missing section footer")


@needs_loads_kvm
def test_a_schema_alone_foretells_all_but_what_the_destination_is_started_with() -> None:
    for row in ROWS_KVM:
        report = _play(row, stream=False)
        assert report.undecided
        if row["accepted"]:
            assert report.accepted, _label(row)
        elif not any(words in row["said"] for words in STARTED):
            assert _disagreement(row, report) == "", _label(row)


@needs_loads_kvm
def test_a_guest_of_kvm_is_named_by_its_accelerator() -> None:
    rows = [row for row in ROWS_KVM if row["change"] == "tcg"]
    for row in rows:
        [problem] = _play(row).problems
        assert problem.device == "kvmclock[0]"
        assert problem.hint == "start with -accel kvm"


@needs_loads_kvm
def test_a_destination_with_more_cpus_is_named_by_their_number() -> None:
    for row in (row for row in ROWS_KVM if row["change"] == "smp2"):
        report = _play(row)
        [option] = report.options
        assert (option.name, option.hint) == ("cpus", "start with -smp 1")
        assert set(option.idle) == {"cpu_common[1]", "cpu[1]", "apic[1]"}
        assert len(report.problems) == (not row["accepted"])
        assert bool(option.failing) is not row["accepted"]


@needs_loads
def test_predicts_the_words() -> None:
    refused = REFUSED
    same = 0
    for row in refused:
        first = _play(row).first
        same += first is not None and list(first.said) == _said(row)
    assert same >= 0.95 * len(refused)


@needs_loads
def test_a_schema_of_11_1_dates_a_destination() -> None:
    for row in ROWS + ROWS_KVM:
        release = destination(row).release
        version = tuple(map(int, row["destination"].split(".")))
        assert not release.until(version)
        assert release.first is None or release.first <= version


@needs_loads
def test_no_row_is_known_by_name() -> None:
    rows = ROWS + ROWS_KVM
    names = {Path(row[key]).stem for row in rows for key in ("stream", "destination_stream")}
    for module in (REPOSITORY / "src").rglob("*.py"):
        text = module.read_text()
        assert not [name for name in names if name in text], module


SCR_EL3 = "0x603000000013f088"


def test_every_stream_loads_in_its_own_qemu(sample: Sample) -> None:
    with open_stream(sample.path) as stream:
        report = compat(stream, Destination(None, stream))
        # an SD card in SPI mode ends QEMU in an assertion, with a stream of its own as well; so does an isa-cirrus-vga,
        # which an isapc has where nothing else is said; before 6.0 no CPU with EL3 takes what it is after a reset
        ending = ("sd-card", "cirrus_vga[")
        problems = [
            p
            for p in report.problems
            if not p.device.startswith(ending) and SCR_EL3 not in p.message
        ]
        assert not problems, list(paint.text(compat_parts(report, verbose=True)))
        assert not report.missing
        assert not [v for v in report.verdicts if v.lost]


def test_what_a_qemu_said_of_a_damaged_stream(broken_sample: Sample, unpack: Unpack) -> None:
    """The same answer as QEMU's, with the stream that the damage was done to as destination."""
    good = {p.name: p for p in broken_streams()}[f"broken-good-{broken_sample.meta['qemu']}.mig"]
    report = compat(broken_sample.path, unpack(good).path)
    assert report.accepted is broken_sample.meta["said"].startswith("accepted")
    words = {v.device: v.word for v in report.verdicts}
    assert all(words.get(p.device, "fails") == "fails" for p in report.problems)


def test_a_cut_ends_a_load_up_to_the_end_marker(named_sample: Callable[[str], Sample]) -> None:
    raw = named_sample("microvm-7.2.mig").read()
    with open_stream(raw) as stream:
        end = next(item.span.start for item in stream.items if isinstance(item, End))
        device = stream.devices[-1].section.span
    for size in (end, device.stop - 1, device.start + 30, device.start):
        report = compat(raw[:size], raw)
        assert not report.accepted
        assert [(p.kind, p.span.start) for p in report.problems] == [("damage", size)]
        assert [v.word for v in report.verdicts if v.span.stop > size] in ([], ["fails"])
    for size in (end + 1, end + 3, len(raw) - 1):
        assert compat(raw[:size], raw).accepted


def test_a_destination_that_is_cut_off_is_refused(named_sample: Callable[[str], Sample]) -> None:
    """What is behind the cut is not known: nothing there is called missing."""
    raw = named_sample("microvm-7.2.mig").read()
    with pytest.raises(Unsupported, match="the destination's stream is damaged at 0x"):
        compat(raw, raw[: len(raw) // 2])


def test_release_bounds() -> None:
    assert str(Bounds.of((10, 0))) == "10.0"
    assert str(Bounds((8, 0), (11, 1))) == "8.0 or newer, older than 11.1"
    assert str(Bounds()) == "unknown"
    assert Bounds((10, 0)).since((10, 0))
    assert not Bounds((10, 0)).since((10, 1))
    assert Bounds(None, (8, 2)).until((10, 0))
    assert not Bounds(None, (11, 1)).until((10, 0))


def test_state_that_becomes_padding_is_lost(tmp_path: Path) -> None:
    """e1000e's pending interrupts became unused bytes; a stream that has one loses it."""
    row = next(
        (
            row
            for row in ROWS
            if row["destination"] == "10.0"
            and row["accepted"]
            and row["source"] == "7.2"
            and any(d.value.type == "e1000e" for d in saved(row["stream"]).devices)
        ),
        None,
    )
    if row is None:
        pytest.skip("the collection of loads is not here")
    edit = Edit(saved(row["stream"]))
    card = next(d for d in edit.stream.devices if d.value.type == "e1000e")
    edit.set(f"{card.path}/core.itr_intr_pending", "true")
    with open_stream(_written(edit, tmp_path)) as changed:
        report = compat(changed, Destination(None, saved(row["destination_stream"])))
    verdict = next(v for v in report.verdicts if v.device == card.path)
    assert report.accepted
    assert verdict.word == "loses"
    assert [note.path for note in verdict.lost] == [f"{card.path}/core.itr_intr_pending"]


def _written(edit: Edit, folder: Path) -> Path:
    path = folder / "other.mig"
    with path.open("wb") as file:
        edit.write(file.fileno())
    return path


# --- parts ---------------------------------------------------------------------------------------


def _space(*changes: tuple[int, int]) -> bytes:
    """A configuration space with an MSI-X capability at 0x40."""
    space = bytearray(256)
    space[0:4] = bytes.fromhex("f41a0010")
    space[6], space[0x34] = 0x10, 0x40
    space[0x40:0x44] = bytes([0x11, 0, 2, 0])
    for at, value in changes:
        space[at] = value
    return bytes(space)


@pytest.mark.parametrize(
    ("at", "value", "refused"),
    [
        (0x00, 0x86, True),  # vendor
        (0x04, 0x07, False),  # command: a guest's
        (0x0E, 0x01, True),  # header type
        (0x10, 0xFF, False),  # an address that a guest gave
        (0x42, 4, True),  # MSI-X table size
        (0x43, 0x80, False),  # MSI-X enable: a guest's
        (0x3C, 11, False),  # interrupt line: a guest's
    ],
)
def test_configuration_space(at: int, value: int, refused: bool) -> None:
    wrong = first_mismatch(_space((at, value)), _space())
    assert (wrong is not None) is refused
    assert wrong is None or (wrong.at, wrong.read) == (at, value)


def test_a_capability_list_that_runs_in_a_circle_ends() -> None:
    space = _space((0x41, 0x40))
    assert first_mismatch(space, space) is None


def _express(*changes: tuple[int, int]) -> bytes:
    """An express port: a bridge with an express capability at 0x40 and a serial number at 0x100."""
    space = bytearray(4096)
    space[0:4] = bytes.fromhex("361b0c00")
    space[6], space[0x0E], space[0x34] = 0x10, 1, 0x40
    space[0x10], space[0x1C] = 0x04, 0x01  # a BAR of 64 bits, a window of 32
    space[0x40:0x44] = bytes([0x10, 0, 0x42, 0x01])
    space[0x100:0x104] = (0x03 | 1 << 16).to_bytes(4, "little")
    for at, value in changes:
        space[at] = value
    return bytes(space)


@pytest.mark.parametrize(
    ("at", "value", "refused"),
    [
        (0x10, 0x01, True),  # a BAR of I/O
        (0x13, 0xFE, False),  # its address
        (0x14, 0x01, False),  # the upper half of it
        (0x1C, 0xF0, True),  # a window of 16 bits
        (0x1C, 0xF1, False),  # the same, where a guest put it
        (0x4F, 0x03, True),  # port number
        (0x52, 0x11, False),  # link status
        (0x56, 0x28, True),  # slot number
        (0x5A, 0x40, False),  # slot status: presence
        (0x104, 0x57, True),  # serial number
    ],
)
def test_configuration_space_of_a_port(at: int, value: int, refused: bool) -> None:
    wrong = first_mismatch(_express((at, value)), _express())
    assert (wrong is not None) is refused
    assert wrong is None or (wrong.at, wrong.read) == (at, value)


def test_an_express_capability_of_version_1_has_no_slot() -> None:
    one = _express((0x42, 0x41))
    assert first_mismatch(_express((0x42, 0x41), (0x56, 0x28)), one) is None


@pytest.mark.parametrize(
    ("index", "fixed"),
    [
        (0x603000000013C000, True),  # MIDR_EL1
        (0x603000000013C005, False),  # MPIDR_EL1
        (0x603000000013CD82, True),  # L2CTLR_EL1: the number of CPUs
        (0x40200000200F480A, True),  # the same of 32 bits
        (0x603000000013F602, True),  # RMR_EL3
        (0x603000000013C080, False),  # SCTLR_EL1
    ],
)
def test_registers_that_say_what_cpu_it_is(index: int, fixed: bool) -> None:
    assert is_fixed(index) is fixed


def test_bits_of_cpacr_that_read_as_one() -> None:
    cpacr, new = 0x40200000200F0802, Bounds.of((10, 0))
    for value, local, back in (
        (0, 0x80000000, 0x80000000),
        (0x80F00000, 0x80000000, 0x80F00000),
        (0x00F00000, 0, 0x00F00000),
    ):
        assert _read_back(cpacr, value, local, new) == back


def test_bits_of_scr_that_read_as_one_before_6_0() -> None:
    scr = 0x603000000013F088
    for release, value, back in (
        ((5, 2), 0, 0x30),
        ((5, 2), 0x31, 0x31),
        ((6, 0), 0, 0),
        ((10, 0), 0x401, 0x401),
    ):
        assert _read_back(scr, value, 0, Bounds.of(release)) == back


def test_resources_of_a_virtio_gpu_are_walked_and_bounded() -> None:
    one = b"".join(n.to_bytes(4, "big") for n in (7, 2, 1, 0, 1)) + bytes(12 + 2 * 1 * 4)
    assert _behind_resources(memoryview(bytes(12))) == 4
    assert _behind_resources(memoryview(one + bytes(12))) == len(one) + 4
    assert _behind_resources(memoryview(one)) is None
    assert _behind_resources(memoryview(b"\xff" * 40)) is None


def test_ports_of_virtio_serial() -> None:
    assert _ports((0b1011).to_bytes(4, "big") + (1).to_bytes(4, "big")) == "0, 1, 3, 32"


TWICE = b"""{"vmschkmachine": {"Name": "none"}, "t": {"Name": "t", "version_id": 2,
 "minimum_version_id": 1, "Description": {"name": "t", "version_id": 2, "minimum_version_id": 1, "Fields": [
 {"field": "k", "version_id": 0, "field_exists": true, "size": 8, "Description": {"name": "k",
  "version_id": 2, "minimum_version_id": 1, "Fields": [
   {"field": "a", "version_id": 0, "field_exists": false, "size": 4}]}},
 {"field": "k", "version_id": 2, "field_exists": false, "size": 8, "Description": {"name": "k",
  "version_id": 2, "minimum_version_id": 1, "Fields": [
   {"field": "a", "version_id": 0, "field_exists": false, "size": 4}]}},
 {"field": "clocks", "version_id": 0, "field_exists": false, "size": 4}]}}}"""


def test_what_a_schema_leaves_open_breaks_nothing() -> None:
    """A struct that one of two fields loads; an array of variable length, which can be empty."""
    (state,) = parse_schema(TWICE).devices["t"]
    pieces = list(pieces_of(state, numbered=False, version=2, singles={"k"}))
    assert [(p.name, p.size, p.least) for p in pieces] == [("k", None, 0), ("clocks", None, 0)]


@pytest.mark.parametrize(
    ("pvr", "local", "same"),
    [
        # in 5.2, 7.2 and 10.0
        (0x004E1200, 0x004E1200, (True, True, True)),
        (0x004E1200, 0x004E1202, (True, True, False)),
        (0x004E1200, 0x004E1201, (True, True, True)),
        (0x004E0100, 0x004E1200, (True, False, False)),
        (0x004D0200, 0x004D0100, (True, True, True)),
        (0x004B0200, 0x004D0200, (True, False, False)),
        (0x00801100, 0x00801200, (True, False, False)),
        (0x004D0200, 0x004E1200, (False, False, False)),
        (0x00080301, 0x00080302, (False, False, False)),
    ],
)
def test_processor_versions(pvr: int, local: int, same: tuple[bool, ...]) -> None:
    releases = [Bounds.of(one) for one in ((5, 2), (7, 2), (10, 0))]
    assert tuple(_same_power(pvr, local, one) for one in releases) == same


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b'{"vmschkmachine": 3}', b'{"vmschkmachine": {"Name": "x"}, "a": 1}'],
)
def test_what_is_no_schema_says_so(text: bytes) -> None:
    with pytest.raises(BadDescription):
        parse_schema(text)


SMALL = b"""{"vmschkmachine": {"Name": "none"}, "t": {"Name": "t", "version_id": 1,
 "minimum_version_id": 1, "Description": {"name": "t", "version_id": 1, "minimum_version_id": 1,
 "Fields": [{"field": "a", "version_id": 0, "field_exists": false, "size": 4}]}}}"""


@given(st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), max_size=8))
def test_a_damaged_schema_raises_only_our_errors(changes: list[tuple[int, int]]) -> None:
    text = bytearray(SMALL)
    for at, value in changes:
        text[at] = value
    try:
        schema = parse_schema(bytes(text))
    except MigstreamError:
        return
    assert isinstance(schema.states, dict)


def test_damaged_streams_raise_only_our_errors(
    named_sample: Callable[[str], Sample],
) -> None:
    raw = named_sample("pc-7.2.mig").read()
    with open_stream(raw) as good:
        start = good.devices[0].section.span.start

        @given(
            st.lists(st.tuples(st.integers(start, len(raw) - 1), st.integers(0, 255)), max_size=20)
        )
        def attempt(changes: list[tuple[int, int]]) -> None:
            data = bytearray(raw)
            for at, value in changes:
                data[at] = value
            try:
                with open_anything(bytes(data)) as bad:
                    for one, other in ((bad, good), (good, bad)):
                        report = compat(one, Destination(None, other))
                        assert list(paint.text(compat_parts(report, verbose=True)))
                        assert compat_answer(report).file
            except MigstreamError:
                pass

        attempt()


# --- accepted breaks, the command ----------------------------------------------------------------

ACCEPTED = """
[[break]]
device = "*/virtio-*"
kind = "virtqueue"
reason = "announced"
"""


def _schema(machine: str, *types: tuple[str, str, int]) -> bytes:
    """A schema of a machine with devices of (type, VMState, version)."""
    table: dict[str, object] = {"vmschkmachine": {"Name": machine}}
    for name, state, version in types:
        numbers = {"version_id": version, "minimum_version_id": 1}
        table[name] = {"Name": name, **numbers, "Description": {"name": state, **numbers}}
    return json.dumps(table).encode()


def test_a_schema_alone_says_what_it_cannot_tell(
    named_sample: Callable[[str], Sample], tmp_path: Path
) -> None:
    path = named_sample("pc-7.2.mig").path
    schema = tmp_path / "schema.json"
    with open_stream(path) as stream:
        schema.write_bytes(_schema(str(stream.machine)))
    command = ["compat", str(path), "--to", str(schema)]
    run = CliRunner().invoke(cli, command)
    assert run.exit_code == 0, run.output
    assert "as far as a schema tells" in run.output.splitlines()[0]
    [line] = [line for line in run.output.splitlines() if "--to-stream" in line]
    assert line.startswith("only a stream of the destination")
    assert "its CPUs (here 1)" in line
    table = json.loads(CliRunner().invoke(cli, [*command, "--json"]).output)
    assert table["accepted"] is True
    assert "which devices it is started with" in table["undecided"]
    table = json.loads(
        CliRunner().invoke(cli, [*command, "--to-stream", str(path), "--json"]).output
    )
    assert table["undecided"] == []


def test_a_schema_without_a_device_tells_its_version_where_it_was_registered_by_hand() -> None:
    old = Destination(parse_schema(_schema("pc")))
    new = Destination(parse_schema(_schema("pc", ("ipmi-bmc-sim", "ipmi-bmc-sim", 2))))
    assert old.by_hand("ipmi-bmc-sim") == (1, 1)
    assert new.by_hand("ipmi-bmc-sim") is None
    assert old.by_hand("timer") is None
    assert Destination().by_hand("ipmi-bmc-sim") is None


def test_accepted_breaks(tmp_path: Path) -> None:
    file = tmp_path / "breaks.toml"
    file.write_text(ACCEPTED)
    assert read_breaks(str(file)) == (
        Break(reason="announced", device="*/virtio-*", kind="virtqueue"),
    )
    file.write_text('[[break]]\ndevice = "a"\n')
    with pytest.raises(BadDescription):
        read_breaks(str(file))
    with pytest.raises(SourceError):
        read_breaks(str(tmp_path / "none"))


@needs_loads
def test_a_break_that_is_accepted_is_none(tmp_path: Path) -> None:
    row = next(row for row in ROWS if "vring.num" in row["said"])
    file = tmp_path / "breaks.toml"
    file.write_text(ACCEPTED)
    breaks = read_breaks(str(file))
    report = compat(saved(row["stream"]), destination(row), breaks)
    assert report.accepted
    assert {reason for _, reason in report.accepted_breaks} == {"announced"}


def test_command(named_sample: Callable[[str], Sample], tmp_path: Path) -> None:
    path = str(named_sample("pc-7.2.mig").path)
    run = CliRunner().invoke(cli, ["compat", path, "--to-stream", path])
    assert run.exit_code == 0, run.output
    assert "loads in" in run.output
    with open_stream(path) as stream:
        edit = Edit(stream)
        edit.machine("pc-i440fx-7.1")
        other = _written(edit, tmp_path)
    run = CliRunner().invoke(cli, ["compat", path, "--to-stream", str(other), "--json"])
    assert run.exit_code == 1
    table = json.loads(run.output)
    assert table["accepted"] is False
    assert table["problems"][0]["kind"] == "configuration"
    assert "Machine type received is 'pc-i440fx-7.2'" in table["problems"][0]["said"][0]
    assert CliRunner().invoke(cli, ["compat", path]).exit_code == 2


@pytest.mark.qemu
def test_asks_a_qemu(named_sample: Callable[[str], Sample]) -> None:
    binary = own("qemu-system-x86_64")
    path = str(named_sample("pc-7.2.mig").path)
    with open_stream(path) as stream:
        machine = str(stream.machine)
        ram = next(b.used_length for b in stream.blocks if b.name == "pc.ram")
    arguments = ["-M", machine, "-m", str(ram >> 20), "-nodefaults"]
    command = ["compat", path, "--to-qemu", binary.name, "--json", "--", *arguments, "-smp", "1"]
    run = CliRunner().invoke(cli, command)
    table = json.loads(run.output)
    assert table["release"] == ".".join(binary.version.split(".")[:2])
    assert {d["device"] for d in table["devices"]} >= {"cpu[0]", "apic[0]"}
    run = CliRunner().invoke(cli, ["compat", path, "--to-qemu", "/no/such/qemu"])
    assert run.exit_code == 5
    run = CliRunner().invoke(cli, ["compat", path, "--to-qemu", sys.executable, "--", "-c", "1/0"])
    assert run.exit_code == 5
