"""The smallest stream that still fails: what goes, what stays, and that it is a stream again."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import migstream
from migstream.analysis.check import check
from migstream.analysis.failure import Failure, failure
from migstream.cli.group import cli
from migstream.edit.minimise.parts import LEVELS, Candidate, Part, Parts
from migstream.edit.minimise.search import search
from migstream.errors import MigstreamError, NoSuchAddress, Unsupported
from migstream.stream import Stream, open_anything
from support.samples import Packed, Sample, broken_streams, own_streams

Named = Callable[[str], Sample]

SMALL = "microvm-7.2.mig"
OWN = [
    packed
    for packed in own_streams()
    if packed.name not in {"pc-bitmaps-7.2.mig", "arm-vexpress-7.2.mig"}
]
ALREADY = HealthCheck.function_scoped_fixture


def written(candidate: Candidate) -> bytes:
    out = io.BytesIO()
    assert candidate.write(out) == candidate.size == len(out.getvalue())
    return out.getvalue()


def devices(raw: bytes) -> set[str]:
    with migstream.open(raw) as stream:
        return {device.path for device in stream.devices}


def every(pieces: Parts) -> list[Part]:
    return [piece for level in LEVELS for piece in pieces.left(level, ())]


def codes(raw: bytes) -> Counter[tuple[str, str]]:
    with open_anything(raw) as stream:
        return Counter((f.code, f.path.partition("/")[0]) for f in check(stream).findings)


def described(raw: bytes) -> list[str]:
    with migstream.open(raw) as stream:
        assert stream.description is not None
        return [f"{one.name}[{one.instance_id}]" for one in stream.description.devices]


def memory(stream: Stream, page: Part) -> bytes:
    block, _, at = page.path.removeprefix("ram/").rpartition("@")
    one = stream.ram[block]
    return one.read(int(at, 16), min(int(at, 16) + one.page, one.size))


@cache
def slim(named: Named, name: str = SMALL) -> bytes:
    """A real stream without its pages but one in a thousand, for what tries many candidates."""
    with migstream.open(named(name).path) as stream:
        pieces = Parts(stream)
        pages = pieces.left(Parts.pages, ())
        return written(pieces.candidate(set(pages) - set(pages[::1000])))


# --- the search ----------------------------------------------------------------------------------


@settings(max_examples=25, suppress_health_check=[ALREADY])
@given(data=st.data())
def test_what_is_needed_stays_and_nothing_else(data: st.DataObject, named_sample: Named) -> None:
    with migstream.open(slim(named_sample)) as stream:
        present = [device.path for device in stream.devices]
        needed = data.draw(st.sets(st.sampled_from(present), max_size=4))
        found = search(stream, lambda one: needed <= devices(written(one)))
    raw = written(found.candidate)
    assert found.complete
    assert {left.piece.path for left in found.left} == needed == set(described(raw))
    assert found.after == len(raw) <= found.before
    assert codes(raw) == Counter()


@settings(max_examples=20, suppress_health_check=[ALREADY])
@given(salt=st.binary(min_size=1, max_size=4))
def test_no_single_piece_can_go_whatever_fails(salt: bytes, named_sample: Named) -> None:
    """A failure without any order in it: of the candidates about one in three fails."""

    def fails(one: Candidate) -> bool:
        return sum(one.key + salt) % 3 == 0

    with migstream.open(slim(named_sample)) as stream:
        found = search(stream, fails)
    assert found.complete
    with migstream.open(slim(named_sample)) as stream:
        pieces = Parts(stream)
        for level in LEVELS:
            for piece in pieces.left(level, found.gone):
                assert not fails(pieces.candidate(found.gone | {piece}))


def test_what_seems_to_be_the_reason_is_tried_first(named_sample: Named) -> None:
    with migstream.open(named_sample("pc-7.2.mig").path) as stream:
        wanted = stream.devices["mc146818rtc"].path
        fails = lambda one: wanted in devices(written(one))  # noqa: E731
        guided = search(stream, fails, likely=[("mc146818rtc", 0)])
        plain = search(stream, fails)
        assert guided.tries <= 3
        assert plain.tries <= 16
        assert written(guided.candidate) == written(plain.candidate)


def test_no_more_tries_than_allowed(named_sample: Named) -> None:
    tried = []

    def fails(one: Candidate) -> bool:
        tried.append(one.key)
        return "cpu[0]" in devices(written(one))

    with migstream.open(named_sample(SMALL).path) as stream:
        found = search(stream, fails, tries=3)
        assert len(tried) == len(set(tried)) == found.tries == 3
        assert not found.complete
        tried.clear()
        assert search(stream, fails).complete
        assert len(tried) == len(set(tried))


def test_one_page_of_guest_memory(named_sample: Named) -> None:
    """Pages go, and one that named its block no more names it."""
    for name in ("pc-7.2.mig", "pc-compress-7.2.mig", "pc-xbzrle-7.2.mig"):
        with migstream.open(named_sample(name).path) as stream:
            wanted = stream.ram["pc.bios"].read(0x3F000, 0x40000)
            assert any(wanted)

            def fails(one: Candidate, wanted: bytes = wanted) -> bool:
                with migstream.open(written(one)) as other:
                    try:
                        return other.read("pc.bios", 0x3F000, 0x40000) == wanted
                    except NoSuchAddress:
                        return False  # the block, or all of its pages, are gone

            least = written(search(stream, fails).candidate)
        with migstream.open(least) as small:
            assert [block.name for block in small.blocks] == ["pc.bios"]
            assert sum(tally.pages for tally in small.ram.rounds) == 1
            assert not small.damage
            assert small.size < 5000


def test_capabilities_one_by_one(named_sample: Named) -> None:
    with migstream.open(named_sample("pc-ignore-shared-7.2.mig").path) as stream:
        assert stream.capabilities == ("x-ignore-shared",)
        pieces = Parts(stream)
        [piece] = pieces.capabilities()
        with migstream.open(written(pieces.candidate([*pieces.sections(), piece]))) as other:
            assert other.capabilities == ()
            assert not other.damage


# --- pieces --------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", OWN, ids=lambda packed: packed.label)
def test_any_pieces_can_go(packed: Packed, unpack: Callable[[Packed], Sample]) -> None:
    """What is left is whole, describes itself, and has the memory that was left to it."""
    with migstream.open(unpack(packed).path) as stream:
        pieces = Parts(stream)
        layout = {"configuration", "capability", "command"}  # how the rest is to be read
        whole = [p for p in every(pieces) if p.kind not in layout]
        for step in (2, 3, 7):
            gone = set(whole[step // 2 :: step])
            raw = written(pieces.candidate(gone))
            with migstream.open(raw) as other:
                assert other.damage == []
                kept = [p.path for p in pieces.left(Parts.sections, gone) if p.kind == "device"]
                assert [device.path for device in other.devices] == kept
                if other.description is not None:
                    assert described(raw) == kept
                pages = pieces.left(Parts.pages, gone)
                ram = other.ram
                here = {name for name in ram if ram[name].elsewhere is None}
                for page in pages[:: max(len(pages) // 50, 1)]:
                    block = page.path.removeprefix("ram/").rpartition("@")[0]
                    if "xbzrle" not in packed.name and block in here:
                        assert memory(other, page) == memory(stream, page)


@settings(max_examples=20, suppress_health_check=[ALREADY])
@given(data=st.data(), name=st.sampled_from([SMALL, "pc-postcopy-7.2.mig", "pc-uuid-7.2.mig"]))
def test_candidates_do_not_depend_on_the_order(
    data: st.DataObject, name: str, named_sample: Named
) -> None:
    """Parts inside of others, too: those of a package, subsections of a device."""
    with migstream.open(slim(named_sample, name)) as stream:
        pieces = Parts(stream)
        gone = data.draw(st.lists(st.sampled_from(every(pieces)), max_size=12))
        one, other = pieces.candidate(gone), pieces.candidate(frozenset(gone))
        assert one.key == other.key
        assert written(one) == written(other)


def test_nothing_gone_is_the_source(named_sample: Named) -> None:
    with migstream.open(named_sample(SMALL).path) as stream:
        raw = bytes(stream.store.view(0, stream.size))
        assert written(Candidate(stream)) == written(Parts(stream).candidate(())) == raw
        assert Candidate(stream).key == Parts(stream).candidate(()).key


def test_a_pipe_is_not_taken_apart(named_sample: Named) -> None:
    reader, writer = os.pipe()
    with open(reader, "rb") as pipe, open(writer, "wb") as end:  # noqa: PTH123 - descriptors
        end.write(named_sample("none-7.2.mig").read())
        end.close()
        with migstream.open(pipe) as stream, pytest.raises(Unsupported, match="spool"):
            Parts(stream)


@settings(max_examples=50, suppress_health_check=[ALREADY])
@given(data=st.data())
def test_hostile_bytes_raise_only_our_errors(data: st.DataObject, named_sample: Named) -> None:
    raw = bytearray(slim(named_sample, data.draw(st.sampled_from([SMALL, "pc-uuid-7.2.mig"]))))
    for _ in range(data.draw(st.integers(1, 4))):
        near = st.one_of(st.integers(0, len(raw) - 1), st.integers(0, 400))
        at = data.draw(near)
        raw[at : at + 1] = data.draw(st.binary(min_size=0, max_size=3))
    odd = data.draw(st.integers(1, 4))
    try:
        with migstream.open(bytes(raw)) as stream:
            found = search(stream, lambda one: one.key[0] % odd == 0, tries=60)
            assert len(written(found.candidate)) == found.after
    except MigstreamError:
        pass


# --- damaged streams -----------------------------------------------------------------------------

DAMAGED = [packed for packed in broken_streams() if packed.meta["qemu"] == "7.2"]


@pytest.mark.parametrize("packed", DAMAGED, ids=lambda packed: packed.label)
def test_damaged_streams(packed: Packed, unpack: Callable[[Packed], Sample]) -> None:
    """The same findings at the same devices, in less; and no single piece can go."""
    raw = unpack(packed).read()
    wanted = codes(raw)
    if not wanted or len(raw) < 8:
        return

    def fails(one: Candidate) -> bool:
        return codes(written(one)) == wanted

    with open_anything(raw) as stream:
        found = search(stream, fails)
        assert found.complete
        assert codes(written(found.candidate)) == wanted
        assert found.after < max(len(raw) // 4, 64)
        assert found.tries < 200


# --- what is the same failure --------------------------------------------------------------------

UNKNOWN = (
    "qemu-system-x86_64: Unknown savevm section or instance '{device}' 0. Make sure that your current VM "
    "setup matches your saved VM setup, including any hotplugged devices\n"
    "qemu-system-x86_64: load of migration failed: Invalid argument\n"
)
FOOTER = "qemu: Mismatched section id in footer for {device} - read {read} expected 0x2b\n"


def same(one: str, other: str) -> bool:
    return failure(1, one) == failure(1, other)


def test_qemus_words_are_compared_by_what_they_mean() -> None:
    assert same(UNKNOWN.format(device="a/e1000"), "noise\n" + UNKNOWN.format(device="a/e1000"))
    assert not same(UNKNOWN.format(device="a/e1000"), UNKNOWN.format(device="b/e1000"))
    assert same(FOOTER.format(device="x", read="0x0"), FOOTER.format(device="x", read="0x7"))
    assert not same(FOOTER.format(device="x", read="0x0"), FOOTER.format(device="y", read="0x0"))
    assert failure(1, UNKNOWN.format(device="a/e1000")).device == "a/e1000"
    assert failure(1, "") != failure(3, "")


def test_our_words_are_compared_by_code_and_path() -> None:
    line = "f:0x{at} {path}: error MS120: the bytes are not those\nmigstream: f: so [MS120]"
    assert same(line.format(at="12", path="cpu[0]/a"), line.format(at="ff", path="cpu[0]/a"))
    assert not same(line.format(at="12", path="cpu[0]/a"), line.format(at="12", path="cpu[1]/a"))


def test_an_assertion_counts_and_so_does_what_was_asked_for() -> None:
    text = "qemu: ../hw/x.c:{line}: f: Assertion `n < {n}' failed.\n"
    assert same(text.format(line=1, n=2), text.format(line=1, n=2))
    assert not same(text.format(line=1, n=2), text.format(line=1, n=3))
    import re

    assert failure(1, "ab 1", re.compile("a")) == failure(1, "ac", re.compile("a"))
    assert failure(1, "x", re.compile("a")).matched is False
    assert isinstance(failure(-6, ""), Failure)


# --- the command ---------------------------------------------------------------------------------

CHECK = [sys.executable, "-m", "migstream", "check", "{}"]


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, ["minimise", *map(str, words)])


@pytest.fixture
def damaged(named_sample: Named, tmp_path: Path) -> Path:
    """A stream whose apic[0] has a footer of another section."""
    with migstream.open(named_sample(SMALL).path) as stream:
        raw = bytearray(stream.store.view(0, stream.size))
        footer = stream.devices["apic"].section.footer
        assert footer is not None
    raw[footer.stop - 1] ^= 0x40
    path = tmp_path / "damaged.mig"
    path.write_bytes(raw)
    return path


def test_our_own_check_is_a_command(damaged: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.mig"
    result = run(damaged, "-o", out, "--json", "--", *CHECK)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [one["path"] for one in told["left"]] == ["apic[0]"]
    assert told["size"] == out.stat().st_size < 2000
    assert told["complete"]
    assert codes(out.read_bytes()) == codes(damaged.read_bytes())
    text = run(damaged, "-o", out, "--force", "-v", "--", *CHECK)
    assert "device  apic[0]" in text.stdout
    assert "MS103" in text.stdout
    assert "after" in text.stderr


def test_the_stream_comes_on_standard_input_without_braces(damaged: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.mig"
    script = "import sys; sys.exit(b'pckbd' in sys.stdin.buffer.read())"
    assert run(damaged, "-o", out, "--", sys.executable, "-c", script).exit_code == 1  # no failure
    assert not out.exists()
    script = "import sys; sys.exit(7 * (b'kvmclock' not in sys.stdin.buffer.read()))"
    assert run(damaged, "-o", out, "--", sys.executable, "-c", script).exit_code == 0
    assert out.stat().st_size < 100  # nothing of it is needed


def test_nothing_is_written_unless_it_fails(damaged: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.mig"
    result = run(damaged, "-o", out, "--", "true", "{}")
    assert result.exit_code == 1
    assert "does not fail" in result.stderr
    result = run(damaged, "-o", out, "--", "no-such-command-here")
    assert result.exit_code == 5
    result = run(damaged, "-o", out, "--match", "something else", "--", *CHECK)
    assert result.exit_code == 2
    result = run(damaged, "-o", out, "--match", "(", "--", *CHECK)
    assert result.exit_code == 2
    result = run(damaged, "-o", out, "--capability", "xbzrle", "--", *CHECK)
    assert result.exit_code == 2
    assert run(damaged, "-o", out).exit_code == 2
    assert list(tmp_path.iterdir()) == [damaged]
    out.write_bytes(b"mine")
    assert run(damaged, "-o", out, "--", *CHECK).exit_code == 5
    assert out.read_bytes() == b"mine"


def test_what_is_no_stream_is_not_taken_apart(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("this is not a stream at all\n" * 10)
    result = run(text, "-o", tmp_path / "out", "--", "false")
    assert result.exit_code == 3
    assert "MS102" in result.stderr
    (tmp_path / "empty").write_bytes(b"")
    assert run(tmp_path / "empty", "-o", tmp_path / "out", "--", "false").exit_code == 3


def test_what_goes_on_running_does_not_fail(damaged: Path, tmp_path: Path) -> None:
    """It is ended with all that it started."""
    left = tmp_path / "left"
    script = f"(sleep 2; touch {left}) & sleep 60"
    start = time.monotonic()
    result = run(damaged, "-o", tmp_path / "o", "--timeout", "0.2", "--", "sh", "-c", script, "{}")
    assert result.exit_code == 1
    assert time.monotonic() - start < 30
    time.sleep(2.2)
    assert not left.exists()


def test_match_is_all_that_counts(damaged: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.mig"
    assert run(damaged, "-o", out, "--match", "MS103", "--", *CHECK).exit_code == 0
    assert "MS103" in {code for code, _ in codes(out.read_bytes())}
