"""`migstream mem` over real streams."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

import migstream
from migstream.cli.group import cli
from migstream.machine.registers.read import Cpu
from migstream.stream import Stream, open_stream
from support.samples import Sample

Named = Callable[[str], Sample]
RESET = 0xFFFF0  # where a PC begins: a jump, and the firmware's date
REAL_MODE = Cpu(
    index=0,
    arch="x86_64",
    values={"cr0": 0x60000010, "cr3": 0, "cr4": 0, "rip": 0xFFF0, "cs.base": 0xF0000},
    pc=RESET,
    root=None,
)


@pytest.fixture
def mem(named_sample: Named) -> Callable[..., Result]:
    path = named_sample("pc-7.2.mig").path
    return lambda *words: CliRunner().invoke(cli, ["mem", str(path), *map(str, words)])


Mem = Callable[..., Result]


@pytest.fixture
def real_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stream, "registers", (REAL_MODE,))


def test_ranges(mem: Mem) -> None:
    ranges = json.loads(mem("--json").stdout)["ranges"]
    assert [r["block"] for r in ranges if r["start"] == 0xFFFC0000] == ["pc.bios"]
    shown = mem().stdout.splitlines()
    assert len(shown) == len(ranges) + 1
    assert "fffc0000-100000000" in shown[-1]


def test_a_dump_looks_like_show(mem: Mem) -> None:
    line = mem(hex(RESET), "-n", 16).stdout
    assert line == "000ffff0  ea 5b e0 00 f0 30 36 2f 32 33 2f 39 39 00 fc 00  .[...06/23/99...\n"
    assert mem(RESET, "-n", "0x10").stdout == line
    assert mem("0x3fff0", "--block", "pc.bios", "-n", 16).stdout[8:] == line[8:]


def test_forms_say_the_same(mem: Mem, named_sample: Named) -> None:
    raw = mem(hex(RESET - 5000), "-n", 5016, "-r").stdout_bytes
    with open_stream(named_sample("pc-7.2.mig").path) as stream:
        assert raw == stream.memory[RESET - 5000 : RESET + 16]
    table = json.loads(mem(hex(RESET - 5000), "-n", 5016, "--json").stdout)
    assert bytes.fromhex(table["hex"]) == raw
    assert (table["space"], table["address"], table["size"]) == ("physical", RESET - 5000, 5016)


def test_equal_lines_are_one_star(mem: Mem) -> None:
    assert mem("0x7c00", "-n", "1K").stdout.splitlines() == [
        f"00007c00  {'00 ' * 16} {'.' * 16}",
        "*",
        "00008000",
    ]
    assert len(mem("0x7c00", "-n", "1K", "-v").stdout.splitlines()) == 64


def test_without_a_length_it_ends_before_a_hole(mem: Mem) -> None:
    result = mem("0xffffc0")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "01000000")
    result = mem("0xffffc0", "-n", 128)
    assert result.exit_code == 2
    assert "no guest memory at physical address 0x1000000" in result.stderr
    assert result.stdout.startswith("00ffffc0"), "what is there is printed"
    assert mem("0x40000", "--block", "pc.bios").exit_code == 2


def test_find(mem: Mem) -> None:
    hits = json.loads(mem("--find", "ea 5b ?? 00", "--json").stdout)["hits"]
    assert [h["address"] for h in hits] == [RESET, 0xFFFFFFF0]
    assert hits[0]["hex"] == "ea5be000"
    inside = mem("0x3fff0", "--block", "pc.bios", "--find", "ea5be000f0", "-n", 16)
    assert inside.stdout.startswith("0003fff0  ea 5b e0 00 f0")
    assert inside.exit_code == 0
    nothing = mem("--text", "no such text anywhere")
    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (1, "", "")
    assert json.loads(mem("--text", "no such text anywhere", "--json").stdout)["hits"] == []


def test_text_and_case(mem: Mem) -> None:
    plain = json.loads(mem("--text", "SEABIOS", "--json").stdout)["hits"]
    folded = json.loads(mem("--text", "SEABIOS", "-i", "--json").stdout)["hits"]
    assert len(folded) > len(plain)
    assert {bytes.fromhex(h["hex"]).lower() for h in folded if h["kind"] == "utf-8"} == {b"seabios"}
    regex = json.loads(mem("--regex", "seabios", "-i", "--json").stdout)["hits"]
    assert [h["address"] for h in regex] == [h["address"] for h in folded if h["kind"] == "utf-8"]


@pytest.mark.parametrize("colour", ["never", "always"])
def test_strings_at_once_are_those_one_by_one(
    mem: Mem, monkeypatch: pytest.MonkeyPatch, colour: str
) -> None:
    words = ["--strings", "--min", 5, "--color", colour]
    at_once = mem(*words)
    monkeypatch.setattr("migstream.machine.search.LINES_AT_ONCE", False)
    one_by_one = mem(*words)
    assert at_once.stdout == one_by_one.stdout
    assert at_once.stderr == one_by_one.stderr
    assert len(at_once.stdout.splitlines()) > 1000


def test_strings(mem: Mem, named_sample: Named) -> None:
    lines = mem("0xf0000", "-n", "64K", "--strings", "--min", 8).stdout.splitlines()
    assert "000ffff5  06/23/99" in lines
    with open_stream(named_sample("pc-7.2.mig").path) as stream:
        for line in lines:
            address, text = int(line[:8], 16), line[10:].replace("\\t", "\t").encode()
            assert stream.memory[address : address + len(text)] in {
                text,
                text.decode().encode("utf-16-le")[: len(text)],
            }


def test_another_place_for_a_block(mem: Mem) -> None:
    assert (
        mem("0x10003fff0", "--map", "pc.bios@0x100000000", "-n", 3, "-r").stdout_bytes
        == b"\xea\x5b\xe0"
    )
    assert mem("--map", "nosuch@0").exit_code == 2
    assert mem("--map", "pc.bios").exit_code == 2


@pytest.mark.usefixtures("real_mode")
def test_virtual(mem: Mem) -> None:
    assert mem("0xffff0", "--virt", "-n", 16).stdout.startswith("000ffff0  ea 5b")
    assert mem("$rip+0xf0000", "--virt", "-n", 2, "-r").stdout_bytes == b"\xea\x5b"
    assert mem("$cs.base+$rip", "--virt", "-n", 2, "-r").stdout_bytes == b"\xea\x5b"
    assert mem("$pc", "--virt", "-n", 2, "-r").stdout_bytes == b"\xea\x5b"
    assert "0x7c00 is at physical 0x7c00" in mem("--translate", "0x7c00").stdout
    assert json.loads(mem("--translate", "0x7c00", "--json").stdout)["entries"] == []
    assert json.loads(mem("--pages", "--json").stdout)["mappings"] == [
        {
            "virtual": 0,
            "size": 1 << 32,
            "physical": 0,
            "flags": ["read", "write", "execute", "user"],
        }
    ]
    assert "0000000000000000-0000000100000000" in mem("--pages").stdout
    hits = json.loads(mem("--virt", "--find", "ea5be000f0", "--json").stdout)["hits"]
    assert hits[0]["address"] == RESET


@pytest.mark.usefixtures("real_mode")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--virt", "--cpu", "7", "0"], "no CPU 7"),
        (["--virt", "$nosuch"], "no register 'nosuch'"),
        (["--virt", "0x100000000"], "virtual address 0x100000000 is not mapped"),
        (["--block", "pc.rma", "0"], "no RAM block 'pc.rma'"),
        (["-1"], "no such option"),
        (["12q"], "not a number"),
        (["0x10++1"], "not an address"),
        ([""], "not an address"),
        (["0", "-n", "ten"], "not a number of bytes"),
        (["--virt"], "needs an ADDRESS"),
        (["--virt", "--block", "pc.ram", "0"], "two ways"),
        (["--pages", "--strings"], "one at a time"),
        (["--find", "xyz"], "hexadecimal"),
        (["--regex", "["], "regular expression"),
        (["--strings", "-r"], "for a dump"),
        (["0", "--pages"], "no ADDRESS"),
    ],
)
def test_what_cannot_be(mem: Mem, words: list[str], said: str) -> None:
    result = mem(*words)
    assert result.exit_code == 2
    assert said.lower() in result.stderr.lower()
    assert not result.stdout


def test_context_is_what_is_around_a_hit_as_far_as_it_is_there(named_sample: Named) -> None:
    stream = named_sample("q35-7.2.mig").path
    words = ["mem", str(stream), "--text", "SeaBIOS", "-C", "24", "--json"]
    hits = json.loads(CliRunner().invoke(cli, words).stdout)["hits"]
    with migstream.open(stream) as opened:
        for hit in hits:
            at, size = hit["address"], len(hit["hex"]) // 2
            assert opened.memory.read(at - 24, 24).hex() == hit["before"]
            assert opened.memory.read(at + size, 24).hex() == hit["after"]
    shown = CliRunner().invoke(cli, words[:-1]).stdout
    assert shown.startswith("000f041f  utf-8, 7 bytes\n  000f0407  6c 31 36 20 77")


@pytest.mark.parametrize("context", [0, 1, 5, 100, 70000])
def test_context_ends_with_the_block_and_at_what_is_not_there(
    named_sample: Named, context: int
) -> None:
    """The hit is the first two bytes of the block."""
    stream = named_sample("q35-7.2.mig").path
    words = ["mem", str(stream), "--block", "pc.bios", "--regex", "(?s).{2}", "-n", "2", "--json"]
    ended = CliRunner().invoke(cli, [*words, "-C", str(context)])
    if context > 65536:
        assert ended.exit_code == 2
        return
    [hit] = json.loads(ended.stdout)["hits"]
    with migstream.open(stream) as opened:
        behind = opened.ram["pc.bios"].read(2, 2 + context)
    assert (hit["before"], hit["after"]) == ("", behind.hex())


def test_context_is_for_what_is_found(named_sample: Named) -> None:
    words = ["mem", str(named_sample("q35-7.2.mig").path), "0x0", "-C", "3"]
    assert "--context is for what is found" in CliRunner().invoke(cli, words).stderr
