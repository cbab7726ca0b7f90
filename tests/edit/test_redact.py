"""A redacted stream: nothing of what was somebody's is in it, and everything else is."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import migstream
from migstream.cli.group import cli
from migstream.edit.change import Change, Edit
from migstream.edit.redact import parse_keep, redact
from migstream.edit.sensitive import RULES, Action, rule_for
from migstream.edit.verify import differences, read_again
from migstream.errors import Unsupported
from migstream.source import spool
from migstream.stream import Stream, open_anything
from migstream.vmstate.values import Value
from migstream.wire.model import Span
from support import build
from support.samples import Sample

Named = Callable[[str], Sample]
SECRET = b"SECRET0815"


def leaves(value: Value) -> Iterator[Value]:
    """A blob whose parts are known, and the parts."""
    if value.kind == "leaf":
        yield value
    for child in value.children:
        yield from leaves(child)


def redacted(
    stream: Stream, keep: Iterable[tuple[str, int, int]] = ()
) -> tuple[bytes, list[Change]]:
    edit = Edit(stream)
    redact(edit.bench, keep)
    out = io.BytesIO()
    edit.write(out)
    with read_again(edit.bench, out.getvalue()) as after:
        assert list(differences(edit.bench, after)) == []
    return out.getvalue(), edit.changes()


def test_every_stream_reads_as_before_and_holds_no_memory(own_sample: Sample) -> None:
    with migstream.open(own_sample.path) as stream:
        if stream.description is None:
            with pytest.raises(Unsupported, match="without a description"):
                redacted(stream)
            return
        made, changes = redacted(stream)
        with migstream.open(made) as after:
            assert after.damage == []
            assert [d.path for d in after.devices] == [d.path for d in stream.devices]
            assert [d.section.payload.size for d in after.devices] == [
                d.section.payload.size for d in stream.devices
            ]
            assert [(b.name, b.used_length) for b in after.blocks] == [
                (b.name, b.used_length) for b in stream.blocks
            ]
            for block in after.ram.values():
                if block.elsewhere is None:
                    assert not any(block.read(0, block.size))
            wiped = {change.path for change in changes}
            assert {f"ram/{b.name}" for b in stream.blocks} >= {
                path for path in wiped if path.startswith("ram/")
            }
            for change in changes:
                assert change.what in {"wipe", "drop", "kept"}
            kept = {change.path for change in changes if change.what == "kept"}
            assert kept == {d.path for d in stream.devices if not d.described}
    assert len(made) <= own_sample.path.stat().st_size


def test_all_else_is_the_same(named_sample: Named) -> None:
    """Byte for byte: only what is listed has changed."""
    with migstream.open(named_sample("q35-7.2.mig").path) as stream:
        made, changes = redacted(stream)
        listed = {at for c in changes for at in range(*c.span) if not c.path.startswith("ram/")}
        with migstream.open(made) as after:
            for one, other in zip(stream.devices, after.devices, strict=True):
                for at, (a, b) in enumerate(zip(one.value.raw, other.value.raw, strict=True)):
                    assert a == b or one.section.payload.start + at in listed


def test_no_address_is_left(named_sample: Named) -> None:
    """QEMU's own ones begin with 52:54:00:12:34; every way to write them."""
    path = named_sample("q35-7.2.mig").path
    with migstream.open(path) as stream:
        made, changes = redacted(stream)
    before, ways = path.read_bytes(), ("525400123456", "545212005734", "12005452")
    assert all(bytes.fromhex(way) in before for way in ways)
    for way in ("5254001234", "54521200", "12005452"):
        assert bytes.fromhex(way) not in made
    with migstream.open(made) as after:
        card = next(d for d in after.devices if d.name.endswith("/virtio-net"))
        other = next(d for d in after.devices if d.name.endswith("/e1000e"))
        macs = bytes(card["virtio/device"].raw[:6]), bytes(other["core.permanent_mac"].raw)
        assert sorted(macs) == [bytes.fromhex("525400000001"), bytes.fromhex("525400000002")]
    assert sum(change.after == "network address" for change in changes) >= 4


def test_an_address_that_the_driver_was_told(named_sample: Named) -> None:
    """The configuration space of virtio-net holds it once the guest has set up the card."""
    with migstream.open(named_sample("q35-7.2.mig").path) as stream:
        edit = Edit(stream)
        edit.set("0000:00:01.0/virtio-net/virtio/device_config", "5254001234560100")
        out = io.BytesIO()
        edit.write(out)
    with migstream.open(out.getvalue()) as stream:
        made, _ = redacted(stream)
    with migstream.open(made) as after:
        card = next(d for d in after.devices if d.name.endswith("/virtio-net"))
        assert card["virtio/device_config"].raw.hex() == "5254000000010100"
        assert card["virtio/device"].raw[:6].hex() == "525400000001"


def test_the_uuid(named_sample: Named) -> None:
    with migstream.open(named_sample("pc-uuid-7.2.mig").path) as stream:
        assert stream.configuration is not None
        assert stream.configuration.uuid
        made, _ = redacted(stream)
    with migstream.open(made) as after:
        assert after.configuration is not None
        assert after.configuration.uuid == "00000000-0000-0000-0000-000000000000"
    assert bytes.fromhex("00112233445566778899aabbccddeeff") not in made


def test_bits_of_memory_are_kept(named_sample: Named) -> None:
    """By guest-physical address and by block, to the byte."""
    with migstream.open(named_sample("pc-7.2.mig").path) as stream:
        keep = [*parse_keep(stream, "0xf0010-0xf0f01"), *parse_keep(stream, "pc.bios@0x10-0x20000")]
        made, _ = redacted(stream, keep)
        bios, ram = stream.ram["pc.bios"], stream.ram["pc.ram"]
        with migstream.open(made) as after:
            there = after.ram["pc.bios"]
            assert there[0x10:0x20000] == bios[0x10:0x20000]
            assert not any(there[:0x10])
            assert not any(there[0x20000:0x30010])
            block, start, stop = keep[0]
            assert after.ram[block][start:stop] == stream.ram[block][start:stop]
            assert any(stream.ram[block][start:stop])
            assert ram.size == after.ram["pc.ram"].size


@pytest.mark.parametrize(
    "text", ["", "5", "0x10-0x5", "x-y", "pc.ram@0-0", "pc.ram@0xffffffff-0x100000000", "-"]
)
def test_what_is_no_range(named_sample: Named, text: str) -> None:
    path = named_sample("pc-7.2.mig").path
    with (
        migstream.open(path) as stream,
        pytest.raises((ValueError, LookupError), match=r"range|lies outside|neither"),
    ):
        parse_keep(stream, text)


def test_a_range_outside_of_memory(named_sample: Named) -> None:
    with migstream.open(named_sample("pc-7.2.mig").path) as stream:
        with pytest.raises(LookupError, match="no guest memory"):
            parse_keep(stream, "0x50000000-0x50001000")
        with pytest.raises(LookupError, match="no RAM block"):
            parse_keep(stream, "no@0-1")


@given(
    st.lists(
        st.tuples(st.integers(0, 0x2FFF), st.integers(1, 0x2000)).map(
            lambda pair: ("pc.ram", pair[0], min(sum(pair), 0x3000))
        ),
        max_size=4,
    )
)
def test_any_ranges(keep: list[tuple[str, int, int]]) -> None:
    with migstream.open(build.small()) as stream:
        before = stream.ram["pc.ram"].read(0, 0x3000)
        made, _ = redacted(stream, keep)
    wanted = bytearray(0x3000)
    for _, start, stop in keep:
        wanted[start:stop] = before[start:stop]
    with migstream.open(made) as after:
        assert after.ram["pc.ram"].read(0, 0x3000) == wanted


def test_sections_that_hold_nothing_else_are_dropped() -> None:
    raw = build.HEADER + build.configuration() + build.PAGE_RAM
    raw += build.full(7, "slirp", b"192.168.0.1") + build.full(8, "two", build.be32(7)) + build.END
    fields = [build.field("data", "buffer", 11)]
    old = {"name": "slirp", "instance_id": 0, "size": 11, "fields": fields}
    two = build.device("two", [build.field("n", "uint32", 4)])
    raw += build.description(build.described(old, two)) + b"the owner's name"
    with migstream.open(raw) as stream:
        made, changes = redacted(stream)
    assert b"192.168" not in made
    assert b"owner" not in made
    assert [c.path for c in changes if c.what == "drop"] == ["trailer", "slirp[0]"]


def test_what_cannot_be_read_is_not_given_away() -> None:
    raw = bytearray(build.small())
    raw[4:8] = build.be32(7)
    with open_anything(bytes(raw)) as stream, pytest.raises(Unsupported, match="damaged"):
        redacted(stream)


def test_a_description_taken_from_another_stream(named_sample: Named) -> None:
    without, like = named_sample("pc-novmdesc-7.2.mig").path, named_sample("pc-7.2.mig").path
    with migstream.open(without, like=like) as stream:
        made, _ = redacted(stream)
    with migstream.open(made, like=like) as after:
        assert after.damage == []
        assert not any(after.ram["pc.ram"].read(0, 1 << 20))


@pytest.mark.parametrize("name", ["pc-7.2.mig", "q35-7.2.mig", "pseries-7.2.mig"])
def test_what_a_rule_takes_is_gone(named_sample: Named, name: str) -> None:
    """Whatever it holds, and whether its parts are known or not: a disk's serial number, variables of the firmware."""
    raw = bytearray(named_sample(name).read())
    reached: dict[str, Span] = {}
    with migstream.open(bytes(raw)) as stream:
        for device in stream.devices:
            for value in leaves(device.value):
                rule = rule_for(device.name, value.path[len(device.path) :])
                if rule is not None and rule.action is Action.ZERO and value.span.size:
                    start, stop = rule.part or (0, value.span.size)
                    reached[value.path] = Span(value.span.start + start, value.span.start + stop)
    for span in reached.values():
        raw[span.start : span.stop] = SECRET[: span.size].ljust(span.size, b"\0")
    assert reached
    with migstream.open(bytes(raw)) as stream:
        made, _ = redacted(stream)
        with migstream.open(made) as after:
            for path, span in reached.items():
                now = after[path].span.start + span.start - stream[path].span.start
                assert not any(made[now : now + span.size]), path
    assert SECRET not in made


def test_every_rule_is_reached() -> None:
    """The first rule that fits counts: none stands behind one that takes everything from it."""
    for number, rule in enumerate(RULES):
        device = rule.device.replace("*", "some")
        found = rule_for(f"0000:00:01.0/{device}", rule.field.replace("*", "/some"))
        assert found is not None
        assert RULES.index(found) <= number


def test_the_command(named_sample: Named, tmp_path: Path) -> None:
    out = tmp_path / "out.mig"
    arguments = ["redact", str(named_sample("q35-7.2.mig").path), "-o", str(out)]
    done = CliRunner().invoke(cli, [*arguments, "--keep-ram", "0x7c00-0x7e00"])
    assert done.exit_code == 0, done.output
    assert "ram/pc.ram" in done.stdout
    assert "virtio/device/mac  6 bytes -> network address" in done.stdout
    done = CliRunner().invoke(cli, [*arguments, "--force", "--keep-ram", "red"])
    assert done.exit_code == 2


def test_what_is_kept_of_much_memory_waits_in_a_file(
    named_sample: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes, however they waited until they were written."""
    made = []
    for most in (spool.IN_MEMORY, 1):
        monkeypatch.setattr(spool.Spool.__init__, "__defaults__", (most,))
        with migstream.open(named_sample("q35-7.2.mig").path, spool=True) as stream:
            name = stream.blocks[0].name
            made.append(redacted(stream, [(name, 0, stream.blocks[0].used_length // 2)])[0])
    assert made[0] == made[1]
