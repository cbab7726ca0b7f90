"""`explain`: QEMU's words recognised in every wording, and their place found in the stream."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

import migstream
from migstream.analysis.compat.destination import Destination
from migstream.analysis.explain.log import explain, recognise
from migstream.analysis.explain.spots import FINDERS
from migstream.cli.group import cli
from migstream.edit.change import Edit
from migstream.errors import MigstreamError
from migstream.qemu.words.model import TOKEN, Message, Wording
from migstream.qemu.words.silent import SILENT
from migstream.qemu.words.table import MESSAGES
from migstream.render import paint
from migstream.render.explanation import explained, explanation_parts
from migstream.stream import open_anything, open_stream
from migstream.vmstate.meaning.features import feature_names
from migstream.vmstate.schema import Schema, parse_schema
from support.loads import REFUSED, Row, destination, needs_loads, reasons, saved
from support.samples import SHARED, Packed, Sample, broken_streams

Named = Callable[[str], Sample]
Unpack = Callable[[Packed], Sample]
PC = "pc-7.2.mig"
LOADING = "error while loading state for instance 0x0 of device '{}'"
SAMPLES = {None: "word", "s": "some words", "n": "a/name", "d": "7", "x": "1f", "#x": "0x1f"}
WORDINGS = [(m, w) for m in MESSAGES for w in m.wordings]


def run(*words: object, data: str | None = None) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], input=data)


def _said_texts() -> list[str]:
    """Everything that QEMUs said to the streams of the larger collection, each text once."""
    texts = set()
    for name in ("loads/loads.json", "broken/index.json"):
        path = SHARED / name
        for row in json.loads(path.read_text()) if path.exists() else ():
            texts.add(row["said"].replace(" | ", "\n").replace("accepted [", "").rstrip("]"))
    return sorted(text for text in texts if "qemu-system" in text)


# --- recognising -------------------------------------------------------------------------------------


def test_every_word_of_a_real_qemu_is_recognised() -> None:
    texts = _said_texts()
    if not texts:
        pytest.skip("the larger collection is not here")
    for text in texts:
        for line in text.splitlines():
            assert recognise(line), line
        one = explain(text)
        named = one.cause is not None or one.device or one.fields or one.result
        assert named or one.said[0].message.kind == "warning", text


@pytest.mark.parametrize(
    ("message", "wording"), WORDINGS, ids=[f"{m.name}-{n}" for n, (m, _) in enumerate(WORDINGS)]
)
def test_every_wording_is_recognised_as_itself(message: Message, wording: Wording) -> None:
    words = {t[1]: SAMPLES[t[2]] for t in TOKEN.finditer(wording.text)}
    text = TOKEN.sub(lambda token: words[token[1]], wording.text)
    for line in (text, f"2026-01-02T03:04:05.678Z qemu-system-x86_64: {text}"):
        found = recognise(line)
        assert found[0].message.name == message.name
        assert found[0].values == words


def test_the_table_is_complete() -> None:
    assert len({m.name for m in MESSAGES}) == len(MESSAGES)
    for message in MESSAGES:
        assert message.condition
        assert message.kind in {"cause", "context", "result", "warning"}
        assert message.place in FINDERS or message.place == "none"
        assert message.causes or message.kind != "cause"


def test_the_silent_refusals_are_complete() -> None:
    for one in SILENT:
        assert one.message.condition
        assert one.message.causes
        assert one.message.place in FINDERS
        assert one.message.name not in {m.name for m in MESSAGES}


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (
            "qemu-system-aarch64: {}\nload of migration failed: Operation not permitted",
            "arm-registers",
        ),
        ("qemu-system-ppc64: {}\nload of migration failed: Invalid argument", "ppc-model"),
        ("qemu-system-x86_64: {}\nload of migration failed: Operation not permitted", "own-check"),
        ("{}\nload of migration failed: No such file or directory", "unknown-subsection"),
        ("{}\nload of migration failed: Input/output error", "stream-end"),
        (
            (
                "qemu-system-ppc64le: load of migration failed: Invalid argument: {}: post load hook failed for: cpu,"
                " version_id: 5, minimum_version: 5, ret: -22"
            ),
            "ppc-model",
        ),
    ],
)
def test_a_refusal_without_words_has_a_cause(text: str, cause: str) -> None:
    one = explain(text.format(LOADING.format("cpu")))
    assert one.cause is not None
    assert one.cause.message.name == cause
    assert one.device == "cpu"


def test_the_end_of_the_stream_needs_no_device() -> None:
    one = explain(
        "load of migration failed: Input/output error: Failed to load vmstate version_id: 4, ret: -5"
    )
    assert one.cause is not None
    assert one.cause.message.name == "stream-end"
    assert explain("load of migration failed: Invalid argument").cause is None


def test_the_destinations_words_come_before_the_sources() -> None:
    one = explain(
        "qemu-system-x86_64: Sibling indicated error 1\n"
        "qemu-system-x86_64: Missing section footer for hpet"
    )
    assert one.cause is not None
    assert one.cause.message.name == "footer-missing"
    alone = explain("qemu-system-x86_64: Sibling indicated error 1").cause
    assert alone is not None
    assert alone.message.name == "rp-sibling"


def test_both_wordings_mean_the_same() -> None:
    old = "qemu-system-x86_64: Unknown savevm section or instance 'hpet' 0. Make sure that"
    new = "qemu-system-x86_64: load of migration failed: Invalid argument: Unknown section or instance 'hpet' 0."
    for text in (old, new):
        one = explain(text)
        assert one.cause is not None
        assert one.cause.message.name == "unknown-section"
        assert (one.device, one.instance) == ("hpet", 0)


def test_fields_are_put_together() -> None:
    lines = (
        "get_pci_config_device: Bad config data: i=0x9a read: 3 device: 5 cmask: ff wmask: 0 w1cmask:0\n"
        "Failed to load PCIDevice:config\nFailed to load virtio-net:virtio\n"
        "error while loading state for instance 0x1 of device '0000:00:02.0/virtio-net'\n"
        "load of migration failed: Invalid argument\n"
    )
    one = explain(lines)
    assert one.cause is not None
    assert one.cause.message.name == "pci-config"
    assert (one.device, one.instance) == ("0000:00:02.0/virtio-net", 1)
    assert one.fields == ("virtio", "config")
    assert one.result.startswith("Invalid argument")
    chained = explain(
        "load of migration failed: Invalid argument: error while loading state for instance 0x0 of device 'cpu': "
        "Failed to load element of type struct for outer: Failed to load element of type uint32 for inner"
    )
    assert chained.fields == ("outer", "inner")
    both = explain(
        "Failed to load element of type pci config for config\n"
        "load of migration failed: Invalid argument: Failed to load element of type virtio for virtio"
    )
    assert both.fields == ("virtio", "config")


def test_hostile_text_takes_no_time() -> None:
    before = time.process_time()
    recognise(": " * 100_000 + "\n" + "incoming version_id " * 50_000)
    recognise("Unknown ramblock " * 10_000)
    assert time.process_time() - before < 10


def test_features_have_names() -> None:
    assert feature_names(1 << 15 | 1 << 32, "0000:00:02.0/virtio-net") == ["MRG_RXBUF", "VERSION_1"]
    assert feature_names(1 << 9, "virtio-blk") == ["FLUSH"]
    assert feature_names(1 << 9) == ["bit 9"]
    one = explain(
        "Features 0x130afffa3 unsupported. Allowed features: 0x130af7fa3\n"
        "error while loading state for instance 0x0 of device '0000:00:02.0/virtio-net'"
    )
    assert one.features == ("MRG_RXBUF",)
    masks = dict(one.masks)
    assert set(masks) == {"features", "allowed"}
    assert set(masks["features"]) - set(masks["allowed"]) == {"MRG_RXBUF"}


# --- with the stream ---------------------------------------------------------------------------------


def test_damage_is_pointed_at(broken_sample: Sample, unpack: Unpack) -> None:
    said = broken_sample.meta["said"]
    if "qemu-system" not in said:
        return  # this QEMU said nothing
    one = explain(said, str(broken_sample.path))
    bad = broken_sample.read()
    kept = {packed.name: packed for packed in broken_streams()}
    good = unpack(kept[broken_sample.meta["patch_from"]]).read()
    size = min(len(good), len(bad))
    at = next((i for i in range(size) if good[i] != bad[i]), size)
    spans = [s.span for s in one.spots] + [f.span for f in one.findings if f.span is not None]
    assert any(span.start - 8 <= at <= span.stop + 8 for span in spans), (at, spans)


# A text, and the path and the beginning of the text of a spot that must be among those found.
PLACES = [
    (
        "Bad config data: i=0x2 read: 13 device: 14\n" + LOADING.format("0000:00:01.3/piix4_pm"),
        "0000:00:01.3/piix4_pm[0]/parent_obj/config[0]/device_id",
    ),
    ('Unknown ramblock "pc.bios", cannot accept migration', "pc.bios"),
    ("Size mismatch: pc.ram: 0x1000000 != 0x2000000: Invalid argument", "pc.ram"),
    ("Machine type received is 'pc-i440fx-7.2' and local is 'pc-i440fx-7.1'", "configuration"),
    ("savevm: unsupported version 3 for 'mc146818rtc' v2", "mc146818rtc[0]"),
    ("Missing section footer for mc146818rtc", "mc146818rtc[0]"),
    ("Unknown savevm section type 126", "ram[0]"),
    (
        "Failed to load mc146818rtc:cmos_data\n" + LOADING.format("mc146818rtc"),
        "mc146818rtc[0]/cmos_data",
    ),
    ("invalid parameter value: running", "globalstate[0]/runstate"),
    ("Not a migration stream", "header"),
    ("Expected vmdescription section, but got 0", "end"),
]


@pytest.mark.parametrize(("text", "path"), PLACES)
def test_places_are_found(named_sample: Named, text: str, path: str) -> None:
    with migstream.open(str(named_sample(PC).path)) as stream:
        found = explain(text, stream)
        assert path in [spot.path for spot in found.spots]
        for spot in found.spots:
            assert 0 <= spot.span.start <= spot.span.stop <= stream.size
        assert found.findings == ()


def test_virtio_places(named_sample: Named) -> None:
    device = "error while loading state for instance 0x0 of device '0000:00:01.0/virtio-net'"
    with migstream.open(str(named_sample("q35-7.2.mig").path)) as stream:
        one = explain(f"VQ 1 vring.num 1024 exceeds allocated max 256\n{device}", stream)
        assert "0000:00:01.0/virtio-net[0]/virtio/queues[1]/num" in [s.path for s in one.spots]
        one = explain(f"Features 0x3 unsupported. Allowed features: 0x1\n{device}", stream)
        assert any(s.path.endswith("guest_features") for s in one.spots)


def test_a_system_register_is_found(named_sample: Named) -> None:
    with migstream.open(str(named_sample("arm-virt-7.2.mig").path)) as stream:
        index = stream.devices["cpu", 0]["cpreg_vmstate_indexes"].element(5)
        register = index.value & 0xFFFFFFF | 1 << 28
        one = explain(
            f"handle_cpreg_only_in_incoming_stream: system register {register:#x} in the incoming stream but "
            "unknown on the destination: fail migration",
            stream,
        )
        assert index.span in [s.span for s in one.spots]


@pytest.mark.parametrize(
    ("error", "path"),
    [
        ("No such file or directory", "cpu[0]/cpu/vfp"),
        ("Operation not permitted", "cpu[0]/cpreg_vmstate_indexes"),
    ],
)
def test_a_refusal_without_words_is_found(named_sample: Named, error: str, path: str) -> None:
    text = f"{LOADING.format('cpu')}\nload of migration failed: {error}"
    with migstream.open(str(named_sample("arm-virt-7.2.mig").path)) as stream:
        assert path in [spot.path for spot in explain(text, stream).spots]


def test_lost_bytes_are_counted(named_sample: Named) -> None:
    raw = named_sample(PC).read()
    with open_stream(raw) as good:
        at = good.devices["mc146818rtc", 0]["cmos_data"].span.start
    with open_stream(raw[:at] + raw[at + 3 :]) as bad:
        spots = explain("Missing section footer for mc146818rtc", bad).spots
    assert any("3 bytes were lost in here" in spot.text and at in spot.span for spot in spots)


# --- both sides --------------------------------------------------------------------------------------


def _words(row: Row) -> str:
    said: str = row["said"]
    return said.removeprefix("rejected: exit 1 ").replace(" | ", "\n")


@needs_loads
@pytest.mark.parametrize(
    ("schema", "stream"),
    [(True, True), (True, False), (False, True)],
    ids=["both", "schema", "stream"],
)
def test_the_difference_is_named(schema: bool, stream: bool) -> None:
    wrong, sure = [], 0
    for row in REFUSED:
        to = destination(row, schema=schema, stream=stream)
        one = explain(_words(row), saved(row["stream"]), to)
        first = one.contrast.differences[0] if one.contrast and one.contrast.differences else None
        named = re.search(r"(?:device|instance) '([^']*)'", row["said"])
        device = named[1] if named is not None else ""
        if (
            first is None
            or first.kind not in reasons(row)
            or first.device.partition("[")[0] != device
        ):
            wrong.append((row["stream"], row["destination"], row["change"], first))
        else:
            sure += first.sure
    for line in wrong:
        print(line)
    assert len(wrong) <= 0.05 * len(REFUSED)
    assert sure >= (0.95 * len(REFUSED) if stream else 0)


@needs_loads
def test_the_words_of_another_failure_are_not_taken_for_this_one() -> None:
    """QEMU's words of one load, with the stream of another that fails for another reason."""
    row = next(row for row in REFUSED if row["change"] == "ram48")
    to = destination(row, schema=True, stream=True)
    text = "Missing section footer for hpet\nload of migration failed: Invalid argument"
    one = explain(text, saved(row["stream"]), to)
    assert one.contrast is not None
    assert not any(d.sure for d in one.contrast.differences)
    assert "another reason" in one.contrast.note


def _changed(named: Named, change: Callable[[Edit], object], folder: Path) -> Path:
    with open_stream(named(PC).path) as stream:
        edit = Edit(stream)
        change(edit)
        path = folder / "changed.mig"
        with path.open("wb") as file:
            edit.write(file.fileno())
    return path


def test_a_difference_has_both_values(named_sample: Named, tmp_path: Path) -> None:
    other = _changed(named_sample, lambda edit: edit.machine("pc-i440fx-7.1"), tmp_path)
    text = "Machine type received is 'pc-i440fx-7.2' and local is 'pc-i440fx-7.1'"
    with open_stream(named_sample(PC).path) as stream, open_stream(other) as there:
        contrast = explain(text, stream, Destination(None, there)).contrast
        assert contrast is not None
        first = contrast.differences[0]
        assert (first.kind, first.sure, first.basis) == ("configuration", True, "play")
        assert "pc-i440fx-7.2" in first.source.text
        assert "pc-i440fx-7.1" in first.destination.text
        assert first.source.span is not None


def test_what_nothing_explains_is_said_so(named_sample: Named, tmp_path: Path) -> None:
    path = "mc146818rtc[0]/cmos_index"
    with open_stream(named_sample(PC).path) as stream:
        value = str(int(stream.devices["mc146818rtc", 0]["cmos_index"].value) ^ 1)
    other = _changed(named_sample, lambda edit: edit.set(path, value), tmp_path)
    text = "Missing section footer for mc146818rtc"
    with open_stream(named_sample(PC).path) as stream, open_stream(other) as there:
        contrast = explain(text, stream, Destination(None, there)).contrast
    assert contrast is not None
    assert not any(d.sure for d in contrast.differences)
    assert contrast.note
    assert [c.path for c in contrast.changes] == [path]


def test_damage_is_not_taken_for_a_difference(broken_sample: Sample, unpack: Unpack) -> None:
    """Whatever the damage: no difference is claimed for sure that the good stream does not have."""
    said = broken_sample.meta["said"]
    if "qemu-system" not in said:
        return
    kept = {packed.name: packed for packed in broken_streams()}
    good = unpack(kept[broken_sample.meta["patch_from"]])
    with open_anything(broken_sample.path) as stream, open_stream(good.path) as there:
        contrast = explain(said, stream, Destination(None, there)).contrast
        for one in contrast.differences if contrast is not None else ():
            if one.sure:  # the damage is in what the two sides compare: it must be what differs
                assert one.source.text != one.destination.text


# --- schemas without streams -------------------------------------------------------------------------


def _small(*subsections: str, version: int = 3) -> Schema:
    inner = [
        {
            "name": f"nic/{name}", "version_id": 1, "minimum_version_id": 1,
            "Fields": [{"field": name, "version_id": 0, "field_exists": False, "size": 4}],
        }
        for name in subsections
    ]  # fmt: skip
    state = {
        "name": "nic", "version_id": version, "minimum_version_id": 2, "Subsections": inner,
        "Fields": [{"field": "mac", "version_id": 0, "field_exists": False, "size": 6}],
    }  # fmt: skip
    kind = {"Name": "nic", "version_id": version, "minimum_version_id": 2, "Description": state}
    table = {"vmschkmachine": {"Name": "none"}, "nic": kind}
    return parse_schema(json.dumps(table).encode(), f"nic-{version}.json")


def test_two_schemas_are_enough_for_a_subsection() -> None:
    text = "VM subsection 'nic/new' in 'nic' does not exist"
    contrast = explain(text, None, Destination(_small("old")), _small("old", "new")).contrast
    assert contrast is not None
    (one,) = contrast.differences
    assert (one.kind, one.path, one.basis) == ("subsection", "nic/new", "schemas")
    assert "version 1" in one.source.text
    assert "nic/old" in one.destination.text
    alone = explain(text, None, Destination(_small("old"))).contrast
    assert alone is not None
    assert "nic/old" in alone.differences[0].destination.text
    other = explain(text, None, Destination(_small("old", "new")), _small("old")).contrast
    assert other is not None
    assert "was it made by" in other.differences[0].destination.text


def test_two_schemas_are_enough_for_a_version() -> None:
    text = "nic: incoming version_id 4 is too new for local version_id 3"
    contrast = explain(text, None, Destination(_small()), _small(version=4)).contrast
    assert contrast is not None
    assert "version 4" in contrast.differences[0].source.text
    assert "version 3 (minimum 2)" in contrast.differences[0].destination.text


def test_two_schemas_say_what_may_differ() -> None:
    text = "Missing section footer for 0000:00:02.0/nic"
    contrast = explain(text, None, Destination(_small("old")), _small("old", "new")).contrast
    assert contrast is not None
    assert contrast.differences[0].path == "nic/new"
    assert contrast.differences[0].basis == "schemas"


# --- hostile -----------------------------------------------------------------------------------------


def test_damaged_streams_raise_only_our_errors(named_sample: Named) -> None:
    raw = named_sample(PC).read()
    texts = st.sampled_from(
        [f"{text}\n{LOADING.format('mc146818rtc')}" for text, _ in PLACES]
        + [f"{LOADING.format('cpu')}\nload of migration failed: No such file or directory"]
    )
    with open_stream(raw) as good:
        start = good.devices[0].section.span.start

        @given(
            st.lists(st.tuples(st.integers(start, len(raw) - 1), st.integers(0, 255)), max_size=20),
            texts,
        )
        def attempt(changes: list[tuple[int, int]], text: str) -> None:
            data = bytearray(raw)
            for at, value in changes:
                data[at] = value
            try:
                with open_stream(bytes(data)) as bad:
                    for one, other in ((bad, good), (good, bad)):
                        found = explain(text, one, Destination(None, other))
                        assert list(paint.text(explanation_parts(found, "x", verbose=True)))
                        assert explained(found, "x").messages
            except MigstreamError:
                pass

        attempt()


# --- the command -------------------------------------------------------------------------------------


def test_a_log_on_standard_input(named_sample: Named) -> None:
    log = "noise\nqemu-system-x86_64: Missing section footer for mc146818rtc\nmore noise\n"
    shown = run("explain", "--stream", named_sample(PC).path, data=log)
    assert shown.exit_code == 0
    assert "mc146818rtc[0]" in shown.stdout
    table = json.loads(run("explain", "--json", "-", data=log).stdout)
    assert table["cause"] == "footer-missing"
    assert table["messages"][0]["line"] == 2


def test_the_other_side_on_the_command_line(named_sample: Named, tmp_path: Path) -> None:
    other = _changed(named_sample, lambda edit: edit.machine("pc-i440fx-7.1"), tmp_path)
    text = "Machine type received is 'pc-i440fx-7.2' and local is 'pc-i440fx-7.1'"
    words = ("explain", text, "--stream", named_sample(PC).path, "--to-stream", other)
    shown = run(*words)
    assert shown.exit_code == 0, shown.output
    assert "The difference" in shown.stdout
    table = json.loads(run(*words, "--release", "7.2", "--json").stdout)["difference"]
    assert table["differences"][0]["kind"] == "configuration"
    assert table["differences"][0]["sure"] is True
    assert run(*words, "--release", "new").exit_code == 2
    assert run("explain", text, "--to", "/does/not/exist").exit_code == 5


def test_what_is_not_known_is_status_1() -> None:
    shown = run("explain", "the printer is on fire")
    assert shown.exit_code == 1
    assert shown.stderr


def test_codes() -> None:
    assert run("explain", "ms103").exit_code == 0
    assert json.loads(run("explain", "MS531", "--json").stdout)["severity"] == "warning"
    assert run("explain", "MS999").exit_code == 2
    codes = [row["code"] for row in json.loads(run("explain", "--list", "--json").stdout)["codes"]]
    assert {"MS000", "MS103", "MS501"} <= set(codes)
    assert "MS103" in run("explain", "--list").stdout


def test_a_stream_that_is_not_there_is_status_5() -> None:
    shown = run("explain", "Not a migration stream", "--stream", "/does/not/exist")
    assert shown.exit_code == 5
    assert "[MS400]" in shown.stderr


# --- RAM records by their flags ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cause", "flags"),
    [
        (
            "Unknown combination of migration flags: 0x120",
            "compressed-gone",
            ("COMPRESS_PAGE", "CONTINUE"),
        ),
        ("Unknown combination of migration flags: 0x100", "compressed-gone", ("COMPRESS_PAGE",)),
        ("Unknown combination of migration flags: 0x200", "flush-unknown", ("MULTIFD_FLUSH",)),
        ("Unknown combination of migration flags: 0x14", "ram-flags", ("EOS", "MEM_SIZE")),
        ("Unknown combination of migration flags: 0x1000", "ram-flags", ("0x1000",)),
        (
            "Unknown combination of migration flags: 0x128 (postcopy mode)",
            "ram-flags",
            ("COMPRESS_PAGE", "PAGE", "CONTINUE"),
        ),
        ("Unexpected RAM flags: 256", "mapped-flags", ("COMPRESS_PAGE",)),
    ],
)
def test_the_flags_of_a_ram_record_are_named(text: str, cause: str, flags: tuple[str, ...]) -> None:
    one = explain(f"qemu-system-x86_64: {text}\nload of migration failed: Invalid argument")
    assert one.cause is not None
    assert one.cause.message.name == cause
    assert dict(one.masks) == {"flags": flags}
    assert f"flags: {' '.join(flags)}" in list(paint.text(explanation_parts(one, "")))
    if "COMPRESS_PAGE" in flags and cause == "compressed-gone":
        assert any("convert --ram linear" in text for text in one.cause.message.look)


def test_the_first_compressed_page_is_shown(named_sample: Named) -> None:
    sample = named_sample("pc-compress-7.2.mig")
    with open_stream(sample.path) as stream:
        one = explain("Unknown combination of migration flags: 0x120", stream)
        (spot,) = one.spots
        word = int.from_bytes(stream.store.view(*spot.span), "big")
    assert word & 0xFFF in {0x100, 0x120}
    assert "COMPRESS_PAGE" in spot.text


@pytest.mark.parametrize("name", ["", "no-such-state"])
def test_a_run_state_that_is_no_name(name: str, named_sample: Named) -> None:
    """QEMU prints nothing behind the colon where the name is empty."""
    sample = named_sample(PC)
    with open_stream(sample.path) as stream:
        value = stream.devices["globalstate"]["runstate"]
        edit = Edit(stream)
        edit.put(value, name.encode().ljust(value.span.size, b"\0"), "runstate")
        changed = io.BytesIO()
        edit.write(changed)
    text = f"qemu-system-x86_64: invalid parameter value: {name}".rstrip()
    with open_stream(changed.getvalue()) as stream:
        one = explain(f"{text}\n{LOADING.format('globalstate')}", stream)
        assert one.cause is not None
        assert one.cause.message.name == "run-state"
        assert one.spots[0].path == "globalstate[0]/runstate"
        report = migstream.compat(stream, Destination(None, stream, (10, 0)))
    assert report.first is not None
    assert report.first.path == "globalstate[0]/runstate"
    assert report.first.said[0] == f"invalid parameter value: {name}"
