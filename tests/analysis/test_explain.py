"""`explain`: QEMU's words recognised in every wording, and their place found in the stream."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

import migstream
from migstream.analysis.explain import explain, recognise
from migstream.analysis.features import feature_names
from migstream.analysis.messages import MESSAGES, TOKEN, Message, Wording
from migstream.analysis.places import FINDERS
from migstream.cli.group import cli
from support.samples import SHARED, Packed, Sample, broken_streams

Named = Callable[[str], Sample]
Unpack = Callable[[Packed], Sample]
PC = "pc-7.2.mig"
LOADING = "error while loading state for instance 0x0 of device '{}'"
SAMPLES = {None: "word", "s": "some words", "n": "a/name", "d": "7", "x": "0x1f"}
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


# --- with the stream ---------------------------------------------------------------------------------


def test_damage_is_pointed_at(broken_sample: Sample, unpack: Unpack) -> None:
    said = broken_sample.meta["said"]
    if "qemu-system" not in said:
        return  # this QEMU said nothing
    with migstream.open(str(broken_sample.path)) as stream:
        one = explain(said, stream)
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


# --- the command -------------------------------------------------------------------------------------


def test_a_log_on_standard_input(named_sample: Named) -> None:
    log = "noise\nqemu-system-x86_64: Missing section footer for mc146818rtc\nmore noise\n"
    shown = run("explain", "--stream", named_sample(PC).path, data=log)
    assert shown.exit_code == 0
    assert "mc146818rtc[0]" in shown.stdout
    table = json.loads(run("explain", "--json", "-", data=log).stdout)
    assert table["cause"] == "footer-missing"
    assert table["messages"][0]["line"] == 2


def test_what_is_not_known_is_status_1() -> None:
    shown = run("explain", "the printer is on fire")
    assert shown.exit_code == 1
    assert shown.stderr


def test_codes() -> None:
    assert run("explain", "ms103").exit_code == 0
    assert json.loads(run("explain", "MS531", "--json").stdout)["severity"] == "warning"
    assert run("explain", "MS999").exit_code == 2
    codes = [row["code"] for row in json.loads(run("explain", "--list", "--json").stdout)]
    assert {"MS000", "MS103", "MS501"} <= set(codes)
    assert "MS103" in run("explain", "--list").stdout


def test_a_stream_that_is_not_there_is_status_5() -> None:
    shown = run("explain", "Not a migration stream", "--stream", "/does/not/exist")
    assert shown.exit_code == 5
    assert "[MS400]" in shown.stderr
