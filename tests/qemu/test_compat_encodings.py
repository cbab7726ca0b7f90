"""`compat` held against every QEMU that is installed, on each way to send guest memory: verdict and words."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.load import compat
from migstream.analysis.compat.memory import channel_parameters
from migstream.cli.group import cli
from migstream.edit.capabilities import capabilities_section
from migstream.errors import QemuError
from migstream.qemu import load as loading
from migstream.qemu.load import Verdict
from migstream.qemu.process import Refused
from migstream.stream import open_stream
from support.lacking import lacks
from support.qemu import BARE, Binary, Qemu, find
from support.recorder import UNHURRIED, boot_disk, converge, record_multifd, started
from support.samples import SHARED, _content

pytestmark = pytest.mark.qemu

NAME = "qemu-system-x86_64"
BINARIES = find(NAME)
PATIENCE = 15.0  # seconds that a load may take: they take one
# A machine type that all of them have.
PC = "pc-i440fx-{}.{}".format(
    *min((tuple(map(int, b.version.split(".")[:2])) for b in BINARIES), default=(7, 2))
)
MACHINE = f"-M {PC} -m 16"
SHARED_MEMORY = (
    f"-M {PC},memory-backend=m -m 16"
    " -object memory-backend-file,id=m,size=16M,share=on,mem-path={file}"
)
UUID = "00112233-4455-6677-8899-aabbccddeeff"
FLUSH_OFF = "-global migration.multifd-flush-after-each-section=off"

Make = Callable[[Qemu, Path], None]


class Kind(NamedTuple):
    """A way to save a guest: capabilities of the source, its arguments, multifd's parameters where it has channels."""

    capabilities: tuple[str, ...] = ()
    arguments: str = MACHINE
    channels: dict[str, str] | None = None
    more: str = ""  # arguments that the source alone has
    destination: tuple[tuple[str, ...], ...] = ()  # capabilities that it is loaded with, besides
    running: bool = False  # whether the guest writes to its memory meanwhile


ANY = (("x-ignore-shared",), ("mapped-ram",), ("compress",), ("postcopy-ram",))
KINDS = {
    "plain": Kind(destination=(*ANY, ("multifd",))),
    "compress": Kind(("compress",)),
    "xbzrle": Kind(("xbzrle",), f"-M {PC} -m 48", running=True),
    "mapped": Kind(("mapped-ram",)),
    "mapped-multifd": Kind(("mapped-ram", "multifd")),
    "ignore-shared": Kind(("x-ignore-shared",), SHARED_MEMORY),
    "mapped-ignore-shared": Kind(("mapped-ram", "x-ignore-shared"), SHARED_MEMORY),
    "postcopy": Kind(("postcopy-ram",)),
    "bitmaps": Kind(("dirty-bitmaps",), destination=(("postcopy-ram",),)),
    "uuid": Kind(("validate-uuid",), f"{MACHINE} -uuid {UUID}"),
    "background": Kind(("background-snapshot",), f"-M {PC} -m 48", running=True),
    "multifd": Kind(("multifd",), channels={}),
    "multifd-zlib": Kind(("multifd",), channels={"compression": "zlib"}),
    "multifd-legacy": Kind(("multifd",), channels={"zero_page_detection": "legacy"}),
    "multifd-zeros": Kind(("multifd",), channels={"zero_page_detection": "multifd"}),
    "multifd-flush": Kind(("multifd",), channels={}, more=FLUSH_OFF),
}


class Saved(NamedTuple):
    main: Path
    channels: tuple[Path, ...]


@cache
def _offered(binary: Binary) -> frozenset[str]:
    with Qemu(binary, ["-M", "none"]) as guest:
        return frozenset(guest.capabilities())


def _release(binary: Binary) -> tuple[int, ...]:
    return tuple(map(int, binary.version.split(".")[:2]))


def _arguments(binary: Binary, kind: Kind, folder: Path, *, source: bool) -> Iterator[list[str]]:
    """Arguments with a file for shared memory that this QEMU sees."""
    words = f"{kind.arguments} {kind.more if source else ''}"
    if kind.running:
        with boot_disk(binary) as drive:
            yield [*words.split(), *drive]
        return
    if "{file}" not in words:
        yield words.split()
        return
    inside = binary.root or Path("/")
    place = inside / "tmp" / f"migstream-{folder.name}"
    try:
        yield words.replace("{file}", f"/{place.relative_to(inside)}").split()
    finally:
        place.unlink(missing_ok=True)


_given = contextlib.contextmanager(_arguments)


def _save(binary: Binary, kind: Kind, folder: Path) -> Saved:
    """Let a QEMU save a guest that stands still."""
    missing = [c for c in kind.capabilities if c not in _offered(binary)]
    if missing:
        lacks(f"{binary} has no {missing[0]}")
    with _given(binary, kind, folder, source=True) as arguments:
        try:
            with Qemu(binary, arguments) as guest:
                if kind.running:
                    _run(guest, kind, folder / "main.mig")
                    return Saved(folder / "main.mig", ())
                if kind.channels is None:
                    guest.migrate(folder / "main.mig", kind.capabilities)
                    return Saved(folder / "main.mig", ())
                wanted: dict[str, Any] = {"compression": "none", **kind.channels}
                main, channels = record_multifd(guest, folder, 2, **wanted)
                return Saved(main, tuple(channels))
        except Refused as error:
            lacks(f"{binary}: {error.said}")
        except QemuError as error:
            # 10.0 cannot write a file of both kinds
            lacks(f"{binary} does not save so: {error.message}")


def _run(guest: Qemu, kind: Kind, path: Path) -> None:
    """Save it while it runs: in several rounds, where it is not stopped for a snapshot."""
    if "background-snapshot" not in kind.capabilities:
        guest.set_parameters(**UNHURRIED)
    guest.execute("cont")
    started(guest)
    target = guest.start_migration(kind.capabilities)
    if "background-snapshot" not in kind.capabilities:
        converge(guest)
    guest.finish_migration()
    shutil.move(target, path)


def _own(binary: Binary, arguments: list[str], path: Path) -> None:
    with Qemu(binary, arguments) as guest:
        guest.migrate(path)


def _loaded(
    binary: Binary, arguments: list[str], saved: Saved, on: tuple[str, ...], fed: bool
) -> Verdict | None:
    """What the QEMU does; None where it neither loads nor refuses."""
    channels = saved.channels if fed else ()
    parameters = {}
    if channels:
        with open_stream(saved.main, channels=channels) as stream:
            parameters = channel_parameters(stream.channels)
    try:
        return loading.load(
            binary.command,
            [*BARE, *arguments],
            saved.main,
            on,
            PATIENCE,
            channels=channels,
            parameters=parameters,
        )
    except Refused as error:
        return Verdict(False, error.said)
    except QemuError:
        return None


def _lines(verdict: Verdict) -> list[str]:
    lines = [re.sub(r"^qemu-system-\w+: ", "", line) for line in verdict.said.splitlines()]
    return [line for line in lines if not line.startswith("warning: ")]


def _agree(
    binary: Binary, kind: Kind, saved: Saved, on: tuple[str, ...], folder: Path, *, fed: bool
) -> None:
    """Hold the prediction for one destination against what it does."""
    with _given(binary, kind, folder, source=False) as arguments:
        own = folder / f"own-{binary}"
        if not own.exists():
            _own(binary, arguments, own)
        verdict = _loaded(binary, arguments, saved, on, fed)
    channels = saved.channels if fed else ()
    with open_stream(saved.main, channels=channels) as stream, open_stream(own) as there:
        for offered in (_offered(binary), None):  # asked, and by its release alone
            to = Destination(None, there, _release(binary), capabilities=on, offered=offered)
            report = compat(stream, to)
            told = f"{binary}, capabilities {on}, fed {fed}: {verdict}, {report.problems}"
            if verdict is None:
                assert not report.accepted, told
                assert report.first is not None
                assert not report.first.said, told
                continue
            assert report.accepted is verdict.accepted, told
            if report.first is not None and report.first.said:
                # QEMU may say more before it; what it ends with is predicted to the letter
                said = list(report.first.said)
                assert _lines(verdict)[-len(said) :] == said, told


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("source", BINARIES, ids=str)
def test_every_way_to_every_qemu(source: Binary, name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    saved = _save(source, kind, tmp_path)
    for destination in BINARIES:
        for on in dict.fromkeys(((), kind.capabilities, *kind.destination)):
            if _hangs(destination, kind, on):
                continue
            _agree(
                destination, kind, saved, on, tmp_path, fed="multifd" in on and bool(saved.channels)
            )


def _hangs(destination: Binary, kind: Kind, on: tuple[str, ...]) -> bool:
    """Loads of which a QEMU's monitor does not answer for a minute; one is tried by itself."""
    one_channel = "multifd" in on and kind.channels is None and "mapped-ram" not in on
    if one_channel and _release(destination) < (6, 0):
        return True
    return bool(kind.more) and "multifd" in on and _release(destination) >= (8, 1)


# --- streams that no QEMU of these makes ---------------------------------------------------------------


def _command(number: int, payload: bytes = b"") -> bytes:
    return b"\x08" + number.to_bytes(2, "big") + len(payload).to_bytes(2, "big") + payload


PAGES = (4096).to_bytes(8, "big") * 2
INSERTED = {
    "ping": _command(2, bytes(4)),
    "return-path-and-ping": _command(1) + _command(2, bytes(4)),
    "advise": _command(3, PAGES),
    "advise-bitmaps": _command(3),
    "advise-twice": _command(3) * 2,
    "listen": _command(4),
    "run": _command(5),
    "discard": _command(6, b"\0\6pc.ram\0" + PAGES),
    "switchover-start": _command(11),
    "unknown-command": _command(12),
    "no-command": _command(0),
    "unknown-capability": capabilities_section(["x-no-such"]),
    "unknown-beside-known": capabilities_section(["x-no-such", "x-ignore-shared"]),
    "not-validated": capabilities_section(["xbzrle"]),
    "gone-capability": capabilities_section(["compress"]),
    "both-validated": capabilities_section(["x-ignore-shared", "mapped-ram"]),
}


@pytest.mark.parametrize("name", INSERTED)
@pytest.mark.parametrize("binary", BINARIES, ids=str)
def test_what_is_inserted(binary: Binary, name: str, tmp_path: Path) -> None:
    """Commands in every place, and capabilities of any name, behind the configuration."""
    kind = KINDS["plain"]
    saved = _save(binary, kind, tmp_path)
    data = saved.main.read_bytes()
    with open_stream(data) as stream:
        assert stream.configuration is not None
        at = stream.configuration.span.stop
    saved.main.write_bytes(data[:at] + INSERTED[name] + data[at:])
    for on in ((), ("postcopy-ram",)):
        _agree(binary, kind, saved, on, tmp_path, fed=False)


@pytest.mark.parametrize("binary", BINARIES, ids=str)
def test_the_announcement_of_colo(binary: Binary, tmp_path: Path) -> None:
    if _release(binary) < (8, 1):
        lacks("this one becomes a secondary and waits for checkpoints")
    kind = KINDS["plain"]
    saved = _save(binary, kind, tmp_path)
    data = saved.main.read_bytes()
    with open_stream(data) as stream:
        assert stream.configuration is not None
        at = stream.configuration.span.stop
    saved.main.write_bytes(data[:at] + _command(8) + data[at:])
    _agree(binary, kind, saved, (), tmp_path, fed=False)


@pytest.mark.parametrize("place", ["start", "part"])
@pytest.mark.parametrize("binary", BINARIES, ids=str)
def test_a_sync_point_or_a_filled_page(binary: Binary, place: str, tmp_path: Path) -> None:
    kind = KINDS["plain"]
    saved = _save(binary, kind, tmp_path)
    data = saved.main.read_bytes()
    with open_stream(data) as stream:
        ram = [s for s in stream.sections if s.name == "ram"]
    end = ram[0 if place == "start" else 1].payload.stop - 8
    saved.main.write_bytes(data[:end] + (0x200).to_bytes(8, "big") + data[end:])
    _agree(binary, kind, saved, (), tmp_path, fed=False)
    # the first record that is a zero page with CONTINUE, and the first of all with a name
    at = ram[1].payload.start
    seen: set[bool] = set()
    while len(seen) < 2:
        flags = int.from_bytes(data[at : at + 8], "big") & 0xFFF
        named = 0 if flags & 0x20 else 1 + data[at + 8]
        if flags & ~0x20 == 2 and bool(named) not in seen:
            seen.add(bool(named))
            filled = bytearray(data)
            filled[at + 8 + named] = 7
            saved.main.write_bytes(filled)
            _agree(binary, kind, saved, (), tmp_path, fed=False)
        at += 8 + named + (1 if flags & 2 else 4096)
        if at > ram[1].payload.stop - 8:
            break


# --- the command -------------------------------------------------------------------------------------


@pytest.mark.parametrize("binary", BINARIES, ids=str)
def test_the_command_with_compressed_pages(binary: Binary, tmp_path: Path) -> None:
    """Predicted, tried and explained: with the capability, and without."""
    source = next((b for b in BINARIES if "compress" in _offered(b)), None)
    if source is None:
        lacks("no QEMU here can compress pages one by one")
    saved = _save(source, KINDS["compress"], tmp_path)
    command = ["compat", str(saved.main), "--to-qemu", shlex.join(binary.command), "--try"]
    behind = ["--", *BARE, *MACHINE.split()]
    run = CliRunner().invoke(cli, [*command, "--json", *behind])
    assert run.exit_code == 1, run.output
    table = json.loads(run.output)
    assert table["tried"]["as_predicted"]
    assert table["problems"][0]["kind"] == "ram"
    said = [line.removeprefix(f"{NAME}: ") for line in table["tried"]["said"]]
    assert said[-len(table["problems"][0]["said"]) :] == table["problems"][0]["said"]
    assert "convert --ram linear" in table["problems"][0]["hint"]
    told = CliRunner().invoke(
        cli, ["explain", "\n".join(said), "--stream", str(saved.main), "--json"]
    )
    assert json.loads(told.output)["cause"] in {"compressed-gone", "compressed-page"}
    run = CliRunner().invoke(cli, [*command, "--cap", "compress", "--json", *behind])
    table = json.loads(run.output)
    assert table["accepted"] is ("compress" in _offered(binary))
    assert table["tried"]["as_predicted"]
    linear = tmp_path / "linear.mig"
    run = CliRunner().invoke(
        cli, ["convert", str(saved.main), "--ram", "linear", "-o", str(linear)]
    )
    assert run.exit_code == 0, run.output
    run = CliRunner().invoke(cli, [command[0], str(linear), *command[2:], *behind])
    assert run.exit_code == 0, run.output


def test_the_command_gives_the_channels(tmp_path: Path) -> None:
    for binary in BINARIES:
        folder = tmp_path / binary.version
        folder.mkdir()
        saved = _save(binary, KINDS["multifd-zlib"], folder)
        channels = [word for path in saved.channels for word in ("--channel", str(path))]
        command = ["compat", str(saved.main), "--to-qemu", shlex.join(binary.command), "--try"]
        behind = ["--", *BARE, *MACHINE.split()]
        run = CliRunner().invoke(cli, [*command, *channels, "--cap", "multifd", *behind])
        assert run.exit_code == 0, run.output
        assert "loses" not in run.output
        run = CliRunner().invoke(cli, [*command, *behind])
        assert run.exit_code == 0, run.output
        assert "went through multifd channels" in run.output


CASES = SHARED / "cases"


@pytest.mark.parametrize("case", ["comp72", "gs"])
@pytest.mark.parametrize("binary", BINARIES, ids=str)
def test_cases_that_people_report(binary: Binary, case: str, tmp_path: Path) -> None:
    kind = Kind(arguments="-M pc-i440fx-7.2 -m 16")
    if _release(binary) < (7, 2):
        lacks("it has no such machine type")
    if not (CASES / f"{case}.mig.zst").exists():
        lacks("the collection is not here")
    path = tmp_path / "main.mig"
    path.write_bytes(_content(CASES / f"{case}.mig.zst", None))
    for on in ((), ("compress",)):
        _agree(binary, kind, Saved(path, ()), on, tmp_path, fed=False)
