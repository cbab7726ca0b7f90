"""SaveVM: registration, order, the shape of the stream, and what happens when loading fails."""

from __future__ import annotations

import gzip
import io
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migstream
from migstream.errors import (
    BadFraming,
    BadSection,
    NotAStream,
    SourceError,
    StreamError,
    Truncated,
    Unsupported,
)
from migstream.savevm import SaveVM
from migstream.savevm.ram import Block, GuestRam
from migstream.vmstate import I64, U8, U32, Bitmap, VMState, bitmap, field
from migstream.wire.cursor import Cursor
from migstream.wire.model import Section, SectionType
from support.declared_machine import like
from support.samples import Sample


class Timer(VMState, name="timer", version=2, minimum_version=1):
    ticks: I64


class Uart(VMState, name="uart", version=1):
    data: U8
    bad: U8 = field(default=0)

    def post_load(self, version: int) -> None:  # noqa: ARG002
        if self.bad:
            raise ValueError("a bad byte")


class Bus(VMState, name="bus", version=1, priority=5):
    number: U32


class Early(VMState, name="early", version=1, early_setup=True):
    size: U32


class Unneeded(VMState, name="unneeded", version=1):
    value: U8

    def needed(self) -> bool:
        return False


class Old:
    """An old-style device: bytes of its own."""

    def __init__(self, state: bytes = b"old!") -> None:
        self.state = state

    def save(self) -> bytes:
        return self.state

    def load(self, cur: Cursor, version: int) -> None:
        assert version == 3
        self.state = bytes(cur.take(4))


class Machine:
    def __init__(self, **options: object) -> None:
        self.timer, self.uarts = Timer(ticks=5), [Uart(data=1), Uart(data=2)]
        self.bus, self.old, self.early = Bus(number=7), Old(), Early(size=9)
        self.ram = GuestRam([Block("toy.ram", bytearray(range(256)) * 64)])
        self.vm = SaveVM(**({"machine": "toy-1.0"} | options))  # type: ignore[arg-type]
        self.vm.register(self.timer)
        self.vm.register(self.uarts[0])
        self.vm.register(self.uarts[1])
        self.vm.register_live("ram", self.ram)
        self.vm.register_old_style("slirp", self.old.save, self.old.load, version=3)
        self.vm.register(self.bus)
        self.vm.register(self.early)
        self.vm.register(Unneeded.blank())

    @property
    def state(self) -> object:
        memory = self.ram.blocks[0].memory.tobytes()
        return self.timer, self.uarts, self.bus, self.old.state, self.early, memory

    def save(self) -> bytes:
        out = io.BytesIO()
        self.vm.save(out)
        return out.getvalue()

    def blank(self, **options: object) -> Machine:
        """Another machine like it, with nothing in it."""
        other = Machine(**options)
        other.timer.ticks, other.bus.number, other.old.state = 0, 0, b"none"
        other.uarts[0].data = other.uarts[1].data = 0
        other.ram.blocks[0].memory[:] = bytes(len(other.ram.blocks[0]))
        return other


STYLES = ["2.4", "5.2", "7.2", "8.2", "10.0", "11.1"]


@pytest.mark.parametrize("release", STYLES)
def test_it_comes_back_and_reads_as_a_stream(release: str, tmp_path: Path) -> None:
    source = Machine(release=release)
    path = tmp_path / "toy.mig"
    path.write_bytes(source.save())
    target = source.blank(release=release)
    target.vm.load(path.read_bytes())
    assert target.state == source.state
    assert target.save() == path.read_bytes()
    with migstream.open(path) as stream:
        assert stream.machine == "toy-1.0"
        assert not list(stream.damage)
        assert stream.devices["uart", 1]["data"].value == 2
        assert stream.devices["slirp"]["data"].value == b"old!"
        assert stream.ram["toy.ram"][5:8] == b"\5\6\7"


def test_order_and_numbers() -> None:
    """Higher priority first, then as registered; before memory what is early; nothing that is not needed."""
    machine = Machine()
    raw = machine.save()
    with migstream.open(io.BytesIO(raw)) as stream:
        sections = [
            (each.type.name, each.name, each.instance_id, each.section_id)
            for each in stream.items
            if isinstance(each, Section)
        ]
    assert sections == [
        ("START", "ram", 0, 3),
        ("FULL", "early", 0, 6),
        ("PART", "ram", 0, 3),
        ("END", "ram", 0, 3),
        ("FULL", "bus", 0, 5),
        ("FULL", "timer", 0, 0),
        ("FULL", "uart", 0, 1),
        ("FULL", "uart", 1, 2),
        ("FULL", "slirp", 0, 4),
    ]


def test_old_style_devices_are_described_as_one_buffer() -> None:
    entry = (
        b'{"name": "slirp", "instance_id": 0, "size": 4, '
        b'"fields": [{"name": "data", "size": 4, "type": "buffer"}]}'
    )
    assert entry in Machine().save()


def test_registration() -> None:
    vm = SaveVM("toy")
    vm.register(Timer.blank(), instance_id=4)
    vm.register(Timer.blank())
    vm.register(Uart.blank(), path="0000:00:03.0")
    assert vm.sections == [("timer", 4), ("timer", 5), ("0000:00:03.0/uart", 0)]
    with pytest.raises(
        ValueError, match="Detected duplicate SaveStateEntry: id=timer, instance_id=0x4"
    ):
        vm.register(Timer.blank(), instance_id=4)
    with pytest.raises(ValueError, match="section id 1 is taken"):
        vm.register(Bus.blank(), section_id=1)
    with pytest.raises(ValueError, match="1 to 255 bytes"):
        vm.register(Bus.blank(), path="x" * 255)
    with pytest.raises(ValueError, match="no stream records xbzrle"):
        SaveVM("toy", capabilities=["xbzrle"])


@pytest.mark.parametrize(
    "register",
    [
        lambda vm, uart: vm.register(uart, path="0000:00:03.0"),
        lambda vm, uart: vm.register(uart, instance_id=3, alias_id=0),
    ],
    ids=["without path", "alias"],
)
def test_other_names(register: Callable[[SaveVM, Uart], None]) -> None:
    out = io.BytesIO()
    source = SaveVM("toy")
    source.register(Uart(data=9))
    source.save(out)
    uart, target = Uart.blank(), SaveVM("toy")
    register(target, uart)
    target.load(out.getvalue())
    assert uart.data == 9


def test_historic_layouts() -> None:
    plain = Machine()
    bare = Machine(machine=None, footers=False, suppress_vmdesc=True)
    raw = bare.save()
    assert raw[8] == SectionType.START
    assert b"vmsd_name" not in raw
    assert raw[-1] == 0
    other = bare.blank(machine=None, footers=False, suppress_vmdesc=True)
    other.vm.load(raw)
    assert other.state == bare.state
    with pytest.raises(BadFraming, match="Configuration section missing"):
        plain.vm.load(raw)
    with pytest.raises(BadFraming, match="Unknown savevm section type 7"):
        bare.vm.load(plain.save())
    headed = Machine(footers=False, suppress_vmdesc=True)
    with pytest.raises(BadFraming, match="Missing section footer for ram"):
        plain.vm.load(headed.save())


def test_loading_stops_at_the_end_marker() -> None:
    machine = Machine()
    raw = machine.save()
    end = raw.rindex(b"\x06", 0, raw.index(b'{"page_size"'))
    cur = Cursor(raw)
    machine.vm.load(cur)
    assert cur.offset == end
    machine.vm.load(raw[:end])
    machine.vm.load(raw[:end] + b"whatever")


def test_a_source_byte_by_byte() -> None:
    source = Machine(suppress_vmdesc=True)
    target = source.blank(suppress_vmdesc=True)
    raw = source.save()
    target.vm.load(raw[at : at + 1] for at in range(len(raw)))
    assert target.state == source.state


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_any_split_gives_the_same(data: st.DataObject) -> None:
    source = Machine()
    raw = source.save()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=20)))
    pieces = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    target = source.blank()
    target.vm.load(iter(pieces))
    assert target.state == source.state


# --- paths, files, and what is fed -------------------------------------------------------------------------------


def test_a_path_is_saved_whole_and_loaded(tmp_path: Path) -> None:
    source, path = Machine(), tmp_path / "toy.mig"
    source.vm.save(path)
    assert path.read_bytes() == source.save()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for way in (path, str(path)):
        target = source.blank()
        target.vm.load(way)
        assert target.state == source.state
    with pytest.raises(SourceError, match="is there already"):
        source.vm.save(path)
    source.timer.ticks = 77
    source.vm.save(path, replace=True)
    assert path.read_bytes() == source.save()


def test_a_save_that_fails_leaves_no_file(tmp_path: Path) -> None:
    class Broken(Old):
        def save(self) -> bytes:
            raise OSError("the device is gone")

    vm = SaveVM("toy")
    broken = Broken()
    vm.register_old_style("broken", broken.save, broken.load, version=3)
    with pytest.raises(SourceError, match="the device is gone"):
        vm.save(tmp_path / "toy.mig")
    assert list(tmp_path.iterdir()) == []


def test_a_file_and_a_compressed_path_are_loaded(tmp_path: Path) -> None:
    source, path = Machine(), tmp_path / "toy.mig.gz"
    path.write_bytes(gzip.compress(source.save()))
    target = source.blank()
    target.vm.load(path)
    assert target.state == source.state
    target = source.blank()
    target.vm.load(io.BytesIO(source.save()))
    assert target.state == source.state
    with pytest.raises(SourceError, match="no such file"):
        target.vm.load(tmp_path / "other.mig")


def test_a_mapped_ram_path_is_saved_and_loaded_in_pieces(tmp_path: Path) -> None:
    memory, path = bytearray(b"\x5a" * (3 << 20)), tmp_path / "mapped.mig"
    memory[4096:8192] = bytes(4096)

    def machine(memory: bytearray) -> SaveVM:
        vm = SaveVM("toy", capabilities=["mapped-ram"])
        vm.register_live("ram", GuestRam([Block("toy.ram", memory)], mapped=True))
        return vm

    machine(memory).save(path)
    loaded = bytearray(3 << 20)
    machine(loaded).load(path)
    assert loaded == memory


def test_what_is_fed_is_loaded_as_it_comes() -> None:
    source = Machine(suppress_vmdesc=True)
    raw, target = source.save(), source.blank(suppress_vmdesc=True)
    with target.vm.loading() as stream:
        for at in range(len(raw) - 1):
            stream.feed(raw[at : at + 1])
            assert not stream.done
        stream.feed(raw[-1:] + b"what follows")
        assert stream.done
        stream.feed(b"is not looked at")
    assert target.state == source.state


def test_what_is_cut_off_is_undone_however_it_came() -> None:
    source = Machine(suppress_vmdesc=True)
    raw, target = source.save(), source.blank(suppress_vmdesc=True)
    before = target.save()
    for stop in (4, 40, len(raw) // 2, len(raw) - 1):
        with pytest.raises(Truncated), target.vm.loading() as stream:
            stream.feed(raw[:stop])
        assert target.save() == before
        with pytest.raises(Truncated):
            target.vm.load([raw[:stop]])
        assert target.save() == before

    def interrupted() -> None:
        with target.vm.loading() as stream:
            stream.feed(raw[:-1])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.save() == before


class Counting:
    """A live handler that counts as it reads, and says nothing of what it has done."""

    version = 1

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def pending(self) -> int:
        return 0

    def save_setup(self, out: Any) -> None:
        out.write(b"".join(n.to_bytes(4, "big") for n in (3, 5, 6, 7)))

    save_iterate = save_complete = save_setup

    def load(self, cur: Cursor, kind: SectionType, version: int) -> None:  # noqa: ARG002
        for _ in range(cur.u32()):
            self.numbers.append(cur.u32())

    @contextmanager
    def keep(self) -> Iterator[None]:
        numbers = list(self.numbers)
        try:
            yield
        except BaseException:
            self.numbers = numbers
            raise


def test_a_live_section_that_comes_in_pieces_is_loaded_once() -> None:
    out, live, vm = io.BytesIO(), Counting(), SaveVM("toy")
    vm.register_live("counting", live)
    vm.save(out)
    raw = out.getvalue()
    vm.load(raw[at : at + 1] for at in range(len(raw)))
    assert live.numbers == [5, 6, 7] * 2  # START and END


# --- refusals ----------------------------------------------------------------------------------------------------


def _refused(raw: bytes, target: Machine, error: type[Exception], words: str) -> StreamError:
    before = target.blank(), target.save()
    with pytest.raises(error, match=words) as caught:
        target.vm.load(raw)
    assert target.save() == before[1]
    assert isinstance(caught.value, StreamError)
    return caught.value


def test_what_is_refused_leaves_every_object_as_it_was() -> None:
    source = Machine()
    raw = source.save()
    blank = source.blank
    _refused(b"no stream", blank(), NotAStream, "not a migration stream")
    _refused(raw[:4] + b"\0\0\0\x04" + raw[8:], blank(), BadFraming, "version")
    _refused(
        raw,
        blank(machine="other"),
        BadFraming,
        "Machine type received is 'toy-1.0' and local is 'other'",
    )
    cut = raw.index(b"slirp")
    _refused(raw[:cut], blank(), StreamError, "wanted")
    bad = raw.replace(b"\0\0\0\1\1\0\x7e\0\0\0\1", b"\0\0\0\1\1\1\x7e\0\0\0\1")
    assert bad != raw
    error = _refused(bad, blank(), BadSection, "post load hook failed for: uart.*a bad byte")
    assert error.path == ["uart[0]"]
    assert error.hint == "error while loading state for instance 0x0 of device 'uart'"
    newer = raw.replace(b"\5timer\0\0\0\0\0\0\0\2", b"\5timer\0\0\0\0\0\0\0\3")
    _refused(newer, blank(), BadSection, "savevm: unsupported version 3 for 'timer' v2")
    older = raw.replace(b"\5timer\0\0\0\0\0\0\0\2", b"\5timer\0\0\0\0\0\0\0\0")
    _refused(older, blank(), BadSection, "timer: incoming version_id 0 is too old")
    stranger = raw.replace(b"\5timer\0\0\0\0", b"\5timer\0\0\0\1")
    _refused(stranger, blank(), BadSection, "Unknown savevm section or instance 'timer' 1")
    footer = raw.replace(b"\x7e\0\0\0\1\4", b"\x7e\0\0\0\x55\4")
    _refused(
        footer,
        blank(),
        BadFraming,
        "Mismatched section id in footer for uart - read 0x55 expected 0x1",
    )


def test_commands() -> None:
    """Those that want no answer are passed over."""
    raw = Machine(switchover_start=True).save()
    start = raw.index(b"\1\0\0\0\3\3ram")
    ping = b"\x08\0\1\0\0\x08\0\2\0\4\0\0\0\1"
    machine = Machine().blank()
    machine.vm.load(raw[:start] + ping + raw[start:])
    assert machine.state == Machine().state
    with pytest.raises(Unsupported, match="MIG_CMD 0x5"):
        machine.vm.load(raw[:start] + b"\x08\0\5\0\0" + raw[start:])
    with pytest.raises(BadFraming, match="Unknown savevm section 77"):
        machine.vm.load(raw[:start] + b"\2\0\0\0\x4d" + raw[start:])


UUID = bytes(range(16))


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        ({"page_bits": 12}, {"page_size": 1024}, "Received TARGET_PAGE_BITS is 12 but local is 10"),
        (
            {"capabilities": ["x-ignore-shared"]},
            {},
            "Capability x-ignore-shared is off, but received capability is on",
        ),
        (
            {},
            {"capabilities": ["x-ignore-shared"]},
            "Capability x-ignore-shared is on, but received capability is off",
        ),
        (
            {"uuid": UUID},
            {"uuid": UUID[::-1]},
            "UUID received is 00010203-.* and local is 0f0e0d0c-",
        ),
    ],
)
def test_the_configuration_is_compared(
    ours: dict[str, object], theirs: dict[str, object], words: str
) -> None:
    def vm(options: dict[str, object]) -> SaveVM:
        return SaveVM("toy", **options)  # type: ignore[arg-type]

    out = io.BytesIO()
    vm(ours).save(out)
    vm(ours).load(out.getvalue())
    with pytest.raises(BadFraming, match=words):
        vm(theirs).load(out.getvalue())


def test_configuration_of_real_streams(sample: Sample) -> None:
    """Name, subsections and their description, as the writer's own settings give them."""
    with migstream.open(sample.path) as stream:
        if stream.configuration is None:
            pytest.skip("it has none")
        configuration = stream.configuration
        uuid = configuration.uuid
        vm = SaveVM(
            configuration.machine,
            release=sample.meta["qemu"],
            page_bits=configuration.page_bits,
            capabilities=configuration.capabilities,
            uuid=bytes.fromhex(uuid.replace("-", "")) if uuid else None,
        )
        out = io.BytesIO()
        vm.begin(out)
        raw = sample.path.read_bytes()[: configuration.span.stop]
        assert out.getvalue() == raw


def test_a_stream_of_qemu_is_rewritten_byte_for_byte(
    named_sample: Callable[[str], Sample],
) -> None:
    sample = named_sample("none-7.2.mig")
    with migstream.open(sample.path) as stream:
        vm, _, _ = like(stream, sample.meta["qemu"])
    vm.load(sample.read())
    out = io.BytesIO()
    vm.save(out)
    assert out.getvalue() == sample.read()


# --- sinks -------------------------------------------------------------------------------------------------------


class Trickle:
    """A sink that takes little at a time, as a pipe may."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: memoryview) -> int:
        self.data += data[:7]
        return min(len(data), 7)


class Full:
    def write(self, data: memoryview) -> int:  # noqa: ARG002
        raise OSError(28, "No space left on device")


def test_sinks_that_take_little_or_nothing() -> None:
    trickle = Trickle()
    Machine().vm.save(trickle)
    assert bytes(trickle.data) == Machine().save()
    machine = Machine()
    with pytest.raises(OSError, match="No space"):
        machine.vm.save(Full())
    assert machine.state == Machine().state


def test_a_value_that_cannot_be_written_names_its_device() -> None:
    machine = Machine()
    machine.timer.ticks = 1 << 70
    with pytest.raises(ValueError, match="timer/ticks: int64") as caught:
        machine.save()
    assert caught.value.__notes__ == ["while saving timer[0]"]


# --- a hostile source ----------------------------------------------------------------------------


def test_a_device_is_kept_once_however_often_it_is_sent() -> None:
    """The number of a section is the stream's to choose; what is remembered of a device is not."""

    class Large:
        kept = 0

        def save(self) -> bytes:
            Large.kept += 1
            return b"old!"

        def load(self, cur: Cursor, version: int) -> None:  # noqa: ARG002
            cur.take(4)

    large, vm = Large(), SaveVM("toy")
    vm.register_old_style("large", large.save, large.load)
    head = b"QEVM\0\0\0\3\7\0\0\0\3toy"
    sections = b"".join(
        b"\4" + n.to_bytes(4, "big") + b"\5large\0\0\0\0\0\0\0\1data\x7e" + n.to_bytes(4, "big")
        for n in range(1000)
    )
    vm.load(head + sections + b"\0")
    assert Large.kept == 1


def test_a_live_section_that_starts_again_has_its_new_number_only() -> None:
    """SaveStateEntry.load_section_id is one number."""
    machine = Machine()
    raw = machine.save()
    start = raw.index(b"\1\0\0\0\3\3ram")
    stop = raw.index(b"\x7e\0\0\0\3", start) + 5
    again = raw[start:stop].replace(b"\0\0\0\3", b"\0\0\0\x55")
    with pytest.raises(BadFraming, match="Unknown savevm section 3"):
        machine.blank().vm.load(raw[:stop] + again + raw[stop:])


def test_a_large_bitmap_takes_no_more_than_its_bytes() -> None:
    import tracemalloc

    class Bits(VMState, name="bits", version=1):
        count: U32
        bits: Bitmap = bitmap("count")

    size = 8 << 20
    raw = (8 * size).to_bytes(4, "big") + bytes(size - 1) + b"\1"
    subject = Bits.blank()
    tracemalloc.start()
    Bits.vmstate.load(Cursor(raw), subject)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert subject.bits == 1 << 8 * size - 64
    assert most < 8 * size
    with pytest.raises(StreamError):
        Bits.vmstate.load(Cursor(b"\xff" * 64), subject)
