"""The way out: what is proposed, for which reason, and that it is no more than is needed."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import migstream
from migstream.catalogue.arguments import parse_arguments
from migstream.catalogue.compose import compose
from migstream.catalogue.shelf import find
from migstream.cli.group import cli
from migstream.edit.heal.commandline import Step, parse_line
from migstream.edit.heal.heal import heal, healed_edit
from migstream.edit.heal.judge import said_problem
from migstream.edit.heal.streams import altered
from migstream.errors import Unsupported
from migstream.qemu.release import parse
from support.loads import ROWS, ROWS_KVM, Row, needs_loads, needs_loads_kvm, source
from support.samples import Sample

Named = Callable[[str], Sample]

BARE = ["-nodefaults", "-M", "pc-i440fx-7.2", "-m", "16"]
# Rows of loads whose way out is one option, by what was changed in them.
SINGLE = {"ram48", "nohpet", "vgamem", "mq", "nofoot", "smp2", "swap", "gic3", "tcg"}
# Of the others at most so many changes are needed.
MOST = 5


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def what(stream: Path, *arguments: str, release: str = "10.0") -> list[str]:
    return [one.what for one in heal(stream, parse(release), arguments).changes]


# --- options of the destination -------------------------------------------------------------------


def test_nothing_has_to_change(named_sample: Named) -> None:
    found = heal(named_sample("pc-7.2.mig").path, (10, 0), BARE)
    assert (found.loads, found.changes, found.arguments, found.plays) == (True, (), tuple(BARE), 1)
    assert heal(named_sample("pc-7.2.mig").path, (10, 0)).loads


def test_a_device_type_that_is_not_there_is_left_out(named_sample: Named) -> None:
    """No QEMU starts with it, whatever the stream: the load is foretold to fail, and what hung on it goes, too."""
    stream = named_sample("pc-7.2.mig").path
    done = run("compat", stream, "--to", "10.0", "--", *BARE, "-device", "nosuch")
    assert done.exit_code == 1
    assert "the destination has no device type nosuch: it does not start" in done.stdout
    behind = ["-device", "nosuch,id=x", "-device", "e1000,bus=x.0", "-device", "e1000e"]
    found = heal(stream, (10, 0), [*BARE, *behind])
    assert [one.what for one in found.changes] == ["leave out -device nosuch, -device e1000"]
    assert (found.loads, found.arguments) == (True, (*BARE, "-device", "e1000e"))


def test_memory_machine_and_a_device_that_is_too_many(named_sample: Named) -> None:
    stream = named_sample("pc-7.2.mig").path
    assert what(stream, "-nodefaults", "-M", "pc-i440fx-7.2", "-m", "32") == ["start with -m 16M"]
    assert what(stream, "-nodefaults", "-M", "pc-q35-7.2", "-m", "16") == [
        "start with -M pc-i440fx-7.2"
    ]
    # a device that the stream does not have stays as after a reset: QEMU takes that
    assert not what(stream, *BARE, "-device", "virtio-rng-pci")


def test_a_whole_machine_is_found_from_its_stream(named_sample: Named) -> None:
    found = heal(named_sample("q35-7.2.mig").path, (10, 0), ["-nodefaults", "-m", "32"])
    assert found.loads
    words = " ".join(found.arguments)
    for part in ("-M pc-q35-7.2", "-smp 2", "-device virtio-net-pci", "-device e1000e"):
        assert part in words
    assert "bus=" in words  # of the devices on the USB controller
    assert heal(named_sample("q35-7.2.mig").path, (10, 0), found.arguments).changes == ()


def test_devices_are_put_where_the_stream_has_them(named_sample: Named) -> None:
    words = ["-nodefaults", "-M", "pc-q35-7.2", "-m", "32", "-smp", "2", "-serial", "null"]
    usb = [
        "-device",
        "qemu-xhci,id=x",
        "-device",
        "usb-tablet,bus=x.0",
        "-device",
        "usb-kbd,bus=x.0",
    ]
    parts = ["-device", "e1000e", "-device", "virtio-net-pci", *usb, "-device", "virtio-rng-pci"]
    found = heal(named_sample("q35-7.2.mig").path, (7, 2), [*words, *parts])
    # the second card of the stream has the second of QEMU's addresses, also as a serial number
    assert [one.what for one in found.changes] == [
        "put e1000e at 0000:00:02.0",
        "give e1000e mac=52:54:00:12:34:57",
    ]
    assert "e1000e,addr=2,mac=52:54:00:12:34:57" in found.arguments


def test_a_property_is_found(named_sample: Named) -> None:
    words = ["-nodefaults", "-M", "pc-i440fx-7.2", "-m", "16", "-device"]
    assert what(named_sample("pc-vga-7.2.mig").path, *words, "VGA") == ["give VGA vgamem_mb=1"]
    json = '{"driver": "VGA", "vgamem_mb": 16}'
    found = heal(named_sample("pc-vga-7.2.mig").path, (10, 0), [*words, json])
    assert found.loads
    assert "vgamem_mb" in found.arguments[-1]


# What a QEMU saves with the one, that of another release with the other is started with; what is proposed.
MICRO, OLD, PC = "-M microvm -m 64", "-M pc-i440fx-2.8 -m 16", "-M pc-i440fx-7.1 -m 16"
DISK = "-blockdev driver=null-co,node-name=k"
NVME = "-blockdev driver=null-co,node-name=n -device nvme,drive=n,serial=1"
FORM = "and give devices the form that they have there"
COMPOSED = {
    "a device that cannot be migrated": (PC, f"{PC} {NVME}", ["leave out -device nvme"]),
    "one with another behind it": (
        f"{PC} -device qemu-xhci,id=x",
        f"{PC} -device qemu-xhci,id=x -device usb-uas,id=u {DISK} -device scsi-hd,bus=u.0,drive=k",
        ["leave out -device usb-uas, -device scsi-hd"],
    ),
    "memory of a display that is named after no place": (
        f"{OLD} -device VGA,vgamem_mb=8",
        OLD,
        ["add -device VGA at 0000:00:02.0", "give VGA vgamem_mb=8"],
    ),
    "only its size": (
        f"{OLD} -device VGA,vgamem_mb=8",
        f"{OLD} -device VGA",
        ["give VGA vgamem_mb=8"],
    ),
    "a display of no place": (
        "-M isapc -m 16 -device isa-vga",
        "-M isapc -m 16",
        ["add -device isa-vga", "drop vga[0]"],  # which this QEMU takes for another object's
    ),
    "transports of a machine without a second IOAPIC": (
        "-M microvm,ioapic2=off -m 64 -device virtio-rng-device",
        f"{MICRO} -device virtio-rng-device",
        ["start with -machine ioapic2=off"],
    ),
    "devices on transports": (
        f"{MICRO} -device virtio-rng-device -device virtio-net-device",
        f"{MICRO} -device virtio-net-device -device virtio-rng-device",
        ["put virtio-net-device at virtio-mmio@00000000feb02c00"],
    ),
    "a CPU model without an APIC": (PC, f"{PC} -cpu 486", ["leave out -cpu 486"]),
    "a slot that another device gets by itself": (
        f"{PC} -device VGA -device e1000 -device pci-serial -device i82562",
        f"{PC} -device VGA -device e1000 -device i82562",
        ["put i82562 at 0000:00:05.0", "add -device pci-serial at 0000:00:04.0"],
    ),
    "a stream that names no machine type": (
        f"{PC} -global migration.send-configuration=off",
        PC,
        ["start with -global migration.send-configuration=off"],
    ),
    "a machine type that takes no name": (
        "-M pc-i440fx-8.2 -m 16",
        "-M pc-i440fx-1.4 -m 16",
        [f"make it one of pc-i440fx-7.2, {FORM}, and start with -M pc-i440fx-7.2"],
    ),
}


def composed(path: Path, release: str, words: str) -> Path:
    """The stream of a machine, as the catalogue knows it."""
    catalogue = find(parse(release), "x86_64")
    wanted = parse_arguments(["-nodefaults", *shlex.split(words)])
    path.write_bytes(compose(catalogue, wanted).stream)
    return path


@pytest.mark.parametrize("case", COMPOSED)
def test_answers(case: str, tmp_path: Path) -> None:
    before, after, expected = COMPOSED[case]
    stream = composed(tmp_path / "guest.mig", "10.0", before)
    release = "7.2" if "8.2" in before else "10.0"
    assert what(stream, "-nodefaults", *shlex.split(after), release=release) == expected


def test_machines_have_devices_by_default_that_take_slots(tmp_path: Path) -> None:
    stream = tmp_path / "guest.mig"
    words = ["-M", "pc-i440fx-7.1", "-m", "16", "-device"]
    wanted = parse_arguments([*words, "pci-serial"])
    stream.write_bytes(compose(find((10, 0), "x86_64"), wanted).stream)
    assert what(stream, *words, "i82562") == [
        "put i82562 at 0000:00:05.0",
        "add -device pci-serial at 0000:00:04.0",
    ]


# --- the stream -----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["pc-i440fx-7.1 virtio-rng-pci", "microvm virtio-rng-device"])
def test_queues_that_nobody_uses_get_the_size_that_is_allowed(place: str, tmp_path: Path) -> None:
    """On every transport: what stands between a queue's size and its address differs."""
    machine, device = place.split()
    words = f"-M {machine} -m 64 -device {device}"
    stream, larger = composed(tmp_path / "guest.mig", "11.1", words), tmp_path / "larger.mig"
    with migstream.edit(stream) as edit:
        [path] = [d.path for d in edit.stream.devices if d.path.endswith("virtio-rng[0]")]
        edit.set(f"{path}/virtio/queues/num", 1024).save(larger)
    assert what(larger, "-nodefaults", *words.split(), release="11.1") == [
        f"give 1 queue of {path} that the guest has not set up 8 entries"
    ]


def test_a_device_that_nobody_knows_is_dropped_and_said_to_be(
    named_sample: Named, tmp_path: Path
) -> None:
    other = tmp_path / "other.mig"
    with migstream.edit(named_sample("pc-7.2.mig").path) as edit:
        edit.rename("i8254", "acme-timer").save(other)
    found = heal(other, (10, 0), BARE)
    [change] = found.changes
    assert (change.where, change.what) == ("stream", "drop acme-timer[0]")
    assert "no such device" in change.loses
    healed = tmp_path / "healed.mig"
    healed_edit(other, found).save(healed)
    with migstream.open(healed) as stream:
        assert "acme-timer" not in stream.devices
        assert not stream.damage
        assert b'"edited": [{"by": "migstream ' in bytes(stream.store.view(0, stream.store.size))
    assert not migstream.check(healed).findings
    assert heal(healed, (10, 0), BARE).changes == ()


def test_without_a_cpu_there_is_no_way_out(named_sample: Named, tmp_path: Path) -> None:
    other = tmp_path / "other.mig"
    with migstream.edit(named_sample("pc-7.2.mig").path) as edit:
        edit.rename("cpu", "acme-cpu").save(other)
    found = heal(other, to=named_sample("q35-7.2.mig").path)
    assert not found.loads
    assert found.report.first is not None
    assert (found.changes, found.line, found.complete) == ((), None, True)


def test_qemu_s_words_are_a_problem(named_sample: Named) -> None:
    said = (
        "Unknown savevm section or instance 'i8254' 0. Make sure that your current VM setup matches"
    )
    with migstream.open(named_sample("pc-7.2.mig").path) as stream:
        problem = said_problem(said, stream)
        assert problem is not None
        assert (problem.kind, problem.device) == ("section", "i8254[0]")
        assert problem.span == stream.devices["i8254", 0].section.span
        assert said_problem("the weather is fine", stream) is None


# --- command lines --------------------------------------------------------------------------------


def test_a_command_line_changes_step_by_step() -> None:
    line = parse_line(["-M", "pc,hpet=off", "-device", "VGA,vgamem_mb=32", "-S"])
    steps = [
        Step("unset", 0, "hpet"),
        Step("set", 1, "addr", "5"),
        Step("set", 1, "vgamem_mb", "16"),
        Step("set", 1, "", "cirrus-vga"),
        Step("add", 9, "-m", "1,2"),
        Step("remove", 2),
        Step("set", 77, "no", "where"),
    ]
    made = line.changed(steps)
    assert made.words() == ["-M", "pc", "-device", "cirrus-vga,vgamem_mb=16,addr=5", "-m", "1,2"]


@given(st.lists(st.text(max_size=12), max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_any_words_are_kept(words: list[str], key: str, value: str) -> None:
    line = parse_line(words)
    assert line.words() == words
    steps = [Step("set", number, key, value) for number in range(len(words))]
    for entry in line.changed(steps).entries:
        assert isinstance(entry.head, str)
        assert all(isinstance(name, str) for name, _ in entry.pairs())


ALREADY = HealthCheck.function_scoped_fixture
WORDS = st.sampled_from([
    *("-M", "pc", "q35,hpet=off", "-m", "1G", "-smp", "9,maxcpus=4", "-device", "VGA,addr=zz", "e1000"),
    *("-accel", "kvm", "-global", "a.b=c", '{"driver": "VGA"}', "{", "-cpu", "", "-nodefaults", "\ud800"),
])  # fmt: skip


@settings(max_examples=12, suppress_health_check=[ALREADY], deadline=None)
@given(words=st.lists(WORDS, max_size=6), at=st.integers(0, 350_000), data=st.binary(max_size=9))
def test_hostile_streams_and_words_never_end_in_a_traceback(
    named_sample: Named, tmp_path: Path, words: list[str], at: int, data: bytes
) -> None:
    raw = bytearray(named_sample("pc-7.2.mig").path.read_bytes())
    raw[at : at + len(data)] = data
    path = tmp_path / "hostile.mig"
    path.write_bytes(raw)
    done = run("heal", path, "--to", "10.0", "--plays", "6", "--", *words)
    assert done.exit_code in {0, 1, 2, 3, 4, 5}
    assert done.exception is None or isinstance(done.exception, SystemExit)


# --- loads of real QEMUs --------------------------------------------------------------------------


def _check(rows: list[Row]) -> None:
    for row in rows:
        words = ["-nodefaults", *row["destination_args"]]
        found = heal(source(row), parse(row["destination"])[:2], words)
        assert found.loads, (row["stream"], row["destination"], row["change"])
        assert len(found.changes) <= (1 if row["change"] in SINGLE else MOST)
        altered(source(row), found.alters)


def _some(rows: list[Row]) -> list[Row]:
    """One refused row of each change and destination."""
    return list({(r["change"], r["destination"]): r for r in rows if not r["accepted"]}.values())


@needs_loads
def test_each_load_that_was_refused_has_a_way_out() -> None:
    _check([row for row in _some(ROWS) if "virt72" not in row["stream"]])


@needs_loads_kvm
def test_each_load_of_kvm_and_of_rare_devices_that_was_refused_has_a_way_out() -> None:
    _check(_some(ROWS_KVM))


# --- the verb -------------------------------------------------------------------------------------


def test_the_arguments_are_ready_to_copy(named_sample: Named) -> None:
    stream = named_sample("pc-7.2.mig").path
    words = ["-nodefaults", "-M", "pc-i440fx-7.2", "-m", "32", "-name", "a b"]
    done = run("heal", stream, "--to", "debian-13", "--", *words)
    assert done.exit_code == 0
    line = done.stdout.splitlines()[-1]
    assert shlex.split(line) == [*words[:4], "16M", *words[5:]]


def test_what_is_written(named_sample: Named, tmp_path: Path) -> None:
    stream, out = named_sample("pc-7.2.mig").path, tmp_path / "made.mig"
    # options alone help: there is nothing to write
    done = run("heal", stream, "--to", "10.0", "-o", out, "--", *BARE[:-1], "32")
    assert (done.exit_code, out.exists()) == (0, False)
    done = run("heal", stream, "--to-stream", named_sample("q35-7.2.mig").path, "-o", out)
    assert (done.exit_code, out.exists()) == (1, False)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--to", "10.0", "--to-stream", "x"],
        ["--to-stream", "x", "--try"],
        ["--to-stream", "x", "--", "-m", "1"],
    ],
)
def test_what_does_not_go_together(named_sample: Named, words: list[str]) -> None:
    assert run("heal", named_sample("pc-7.2.mig").path, *words).exit_code == 2


def test_where_to_is_said_once(named_sample: Named) -> None:
    stream = named_sample("pc-7.2.mig").path
    with pytest.raises(ValueError, match="once"):
        heal(stream)
    with pytest.raises(Unsupported, match="no catalogue"):
        heal(stream, (1, 0))
