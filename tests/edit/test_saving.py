"""An edit that is saved: chained, proved before it gets its name, whole or not at all."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import pytest

import migstream
from migstream.errors import NoSuchPath, SourceError, Unsupported
from migstream.source.pieces import Piece
from support.faulty import write_wrongly
from support.samples import Sample

Named = Callable[[str], Sample]
SMALL = "pc-7.2.mig"
EIP = "cpu[0]/env.eip"


@pytest.fixture
def source(named_sample: Named) -> Path:
    return named_sample(SMALL).path


def open_files() -> set[str]:
    folder = Path("/proc/self/fd")
    return {str(one.readlink()) for one in folder.iterdir() if one.is_symlink()}


def test_changes_chain_and_are_saved(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "new.mig"
    size = (
        migstream.edit(source)
        .set(EIP, 0x7C00)
        .set("ram/pc.ram@0x7c00", b"\xeb\xfe")
        .drop("cpu[0]/poll_control_msr")
        .rename("ram/pc.ram", "main.ram")
        .machine("pc-i440fx-7.1")
        .save(target)
    )
    assert size == target.stat().st_size
    with migstream.open(target) as made:
        assert not made.damage
        assert made[EIP].value == 0x7C00
        assert "cpu[0]/poll_control_msr" not in made
        assert made.machine == "pc-i440fx-7.1"
        assert made.ram is not None
        assert made.ram["main.ram"][0x7C00:0x7C02] == b"\xeb\xfe"


def test_changes_stand_alone_as_well_as_in_a_chain(source: Path, tmp_path: Path) -> None:
    with migstream.open(source) as stream:
        edit = migstream.edit(stream)
        assert edit.set(EIP, 1) is edit
        edit.drop("cpu[0]/poll_control_msr")
        edit.save(tmp_path / "one.mig")
        edit.save(tmp_path / "two.mig")
        assert [change.what for change in edit.changes()] == ["set", "drop"]
        assert stream[EIP].value == 0xFFF0  # the source is as it was, and open
    assert (tmp_path / "one.mig").read_bytes() == (tmp_path / "two.mig").read_bytes()


def test_a_file_that_is_there_stays_unless_it_is_to_be_replaced(
    source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "new.mig"
    target.write_bytes(b"mine")
    target.chmod(0o640)
    with migstream.edit(source) as edit:
        edit.set(EIP, 0x7C00)
        with pytest.raises(SourceError, match="is there already"):
            edit.save(target)
        assert target.read_bytes() == b"mine"
        edit.save(target, force=True)
    assert target.stat().st_mode & 0o777 == 0o640
    with migstream.edit(target) as again:  # a file in its own place
        again.set(EIP, 0x7C04).save(target, force=True)
    with migstream.open(target) as made:
        assert made[EIP].value == 0x7C04
    assert [one.name for one in tmp_path.iterdir()] == ["new.mig"]


def test_what_does_not_read_as_it_should_is_not_kept(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours, which the second reading finds."""
    with migstream.open(source) as stream:
        at = stream[EIP].span.start
    write_wrongly(monkeypatch, at)
    with (
        migstream.edit(source) as edit,
        pytest.raises(Unsupported, match=r"env\.eip has another value"),
    ):
        edit.set(EIP, 0x7C00).save(tmp_path / "new.mig")
    assert not list(tmp_path.iterdir())


def test_what_an_edit_opened_is_closed_with_it(source: Path) -> None:
    name = str(source)
    with migstream.edit(source) as edit:
        assert name in open_files()
    assert name not in open_files()
    with pytest.raises(NoSuchPath):
        migstream.edit(source).set("cpu[0]/nothing", 1)
    edit = migstream.edit(source)
    assert name in open_files()
    del edit
    gc.collect()
    assert name not in open_files()
    with pytest.raises(TypeError, match="can be a stream"):
        migstream.edit(42)  # type: ignore[arg-type]


def test_the_package_is_the_function(source: Path) -> None:
    from migstream.edit import Change, Edit

    assert migstream.edit.Edit is Edit is migstream.Edit  # type: ignore[attr-defined]
    assert Change is migstream.Change
    with migstream.edit(source) as edit:
        assert isinstance(edit, Edit)
        assert repr(edit).startswith("<Edit of ")


def test_a_redacted_stream_is_saved(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "given.mig"
    migstream.edit(source).redact(keep=["pc.ram@0x7c00-0x7e00"]).save(target)
    with migstream.open(target) as made, migstream.open(source) as before:
        assert made.ram is not None
        assert before.ram is not None
        assert not any(made.ram["pc.ram"][:0x7C00])
        assert made.ram["pc.ram"][0x7C00:0x7E00] == before.ram["pc.ram"][0x7C00:0x7E00]
    with migstream.edit(source) as edit, pytest.raises(NoSuchPath, match="BLOCK@OFFSET"):
        edit.redact(["everything"])


# --- conversion ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ram", ["same", "linear", "mapped"])
def test_a_conversion_is_read_again(source: Path, tmp_path: Path, ram: str) -> None:
    target = tmp_path / "new.mig"
    made = migstream.convert(source, target, ram=ram)
    assert made.size == target.stat().st_size
    assert made.rules is None
    with migstream.open(target) as after, migstream.open(source) as before:
        assert made.compared == {block.name: block.used_length for block in before.blocks}
        assert after.ram is not None
        assert before.ram is not None
        assert after.ram["pc.ram"][:] == before.ram["pc.ram"][:]
        assert made.before == before.size


def test_rules_and_an_encoding_go_together(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "new.mig"
    with migstream.open(source) as stream:
        made = migstream.convert(
            stream, target, ram="linear", machine="pc-i440fx-7.1", release="7.1", verify=False
        )
    assert made.compared is None
    assert made.rules is not None
    assert made.changes[0].what == "machine"
    with migstream.open(target) as after:
        assert after.machine == "pc-i440fx-7.1"
        assert not after.damage
    assert [one.name for one in tmp_path.iterdir()] == ["new.mig"]


def test_a_conversion_that_cannot_be_leaves_nothing(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "new.mig"
    with pytest.raises(ValueError, match="not one of"):
        migstream.convert(source, target, ram="flat")
    with pytest.raises(ValueError, match="another size"):
        migstream.convert(source, target, sizes={"pc.ram": 1 << 20})
    with pytest.raises(ValueError, match=r"version"):
        migstream.convert(source, target, release="new")
    with pytest.raises(Unsupported):
        migstream.convert(source.read_bytes()[:-1000], target)
    assert not list(tmp_path.iterdir())


def test_a_conversion_that_is_not_the_same_is_not_kept(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from migstream.source.pieces import PieceWriter

    add = PieceWriter.add
    seen: list[int] = []

    def faulty(out: PieceWriter, piece: Piece) -> None:
        seen.append(out.at)
        add(out, bytes(8) if len(seen) == 12 else piece)

    monkeypatch.setattr(PieceWriter, "add", faulty)
    with pytest.raises(migstream.errors.MigstreamError):
        migstream.convert(source, tmp_path / "new.mig")
    assert len(seen) > 12
    assert not list(tmp_path.iterdir())
