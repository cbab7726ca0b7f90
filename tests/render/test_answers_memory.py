"""What verbs about values and guest memory answer under --json is what their schemas say."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from migstream.cli.group import cli
from migstream.machine.registers.read import Cpu
from migstream.names import json_text
from migstream.render.answer import Answer
from migstream.render.heat import HeatMap
from migstream.render.hexdump import Hexdump
from migstream.render.history import Changes, Contents, History
from migstream.render.mapped import Mappings, Ranges, Translated
from migstream.render.memory import Dump, Hits, Matches
from migstream.render.registers.table import Registers
from migstream.render.values import Values
from migstream.stream import Stream
from support import schemas
from support.samples import REPOSITORY, Sample

Named = Callable[[str], Sample]
PC, LIVE = "pc-7.2.mig", "pc-xbzrle-7.2.mig"
RULES = REPOSITORY / "tests/support/bios.yar"
FORMS: list[tuple[str, str, type[Answer]]] = [
    ("mem", PC, Ranges),
    ("mem 0xffff0 -n 16", PC, Dump),
    ("mem --block pc.bios 0", PC, Dump),
    ("mem --virt 0xffff0", PC, Dump),
    ("mem --find ea5b??00", PC, Hits),
    ("mem --text SEABIOS -i", PC, Hits),
    ("mem --regex [Ss]eabios --block pc.bios", PC, Hits),
    ("mem --text nosuchtextanywhere", PC, Hits),
    ("mem --strings 0xf0000 -n 64K", PC, Hits),
    (f"mem --yara {RULES}", PC, Matches),
    ("mem --translate 0x7c00", PC, Translated),
    ("mem --pages", PC, Mappings),
    ("show cpu[0]/env.regs", PC, Hexdump),
    ("show @0-0x100 ram/pc.bios@0x3fff0", PC, Hexdump),
    ("get cpu[0]/* cpu[0] @0-4 ram/pc.bios@0x3fff0", PC, Values),
    ("get cpu[0]/**", "arm-virt-7.2.mig", Values),
    ("registers", PC, Registers),
    ("registers --cpu 0", "s390x-7.2.mig", Registers),
    ("history pc.ram@0x10000", LIVE, History),
    ("history 0x10008", LIVE, History),
    ("history pc.ram@0x10008 -n 1", LIVE, Contents),
    ("history pc.ram@0x10008 --diff 0 1", LIVE, Changes),
    ("history pc.ram@0x10008 --diff 1 1", LIVE, Changes),
    ("history --heat", LIVE, HeatMap),
]
REAL_MODE = Cpu(
    index=3,
    arch="x86_64",
    pc=0xFFFF0,
    root=None,
    values={"cr0": 0x60000010, "cr3": 0, "cr4": 0, "rip": 0xFFF0, "cs.base": 0xF0000},
)


def run(words: str, path: object, *more: str) -> Result:
    verb, *rest = words.split()
    return CliRunner().invoke(cli, [verb, str(path), *rest, *more])


def checked(said: bytes, verb: str, kind: type[Answer]) -> Any:
    """The document, which is one of its class to the last key, and begins as all do."""
    schemas.hold(verb, said)
    one = msgspec.json.decode(said, type=kind, strict=True)
    assert json_text(one, pretty=True) + b"\n" == said
    document = json.loads(said)
    assert [*document][:3] == ["migstream", "format", "file"]
    assert (document["migstream"], document["format"]) == (verb, 1)
    return document


@pytest.mark.parametrize(("words", "name", "kind"), FORMS)
def test_each_form_is_as_its_schema_says(
    named_sample: Named,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    name: str,
    kind: type[Answer],
) -> None:
    if "--yara" in words:
        pytest.importorskip("yara", reason="the extra `yara` is not installed")
    if words.startswith("mem"):
        monkeypatch.setattr(Stream, "registers", (*[REAL_MODE] * 4,))
    path = named_sample(name).path
    said = run(words, path, "--json")
    assert said.exit_code in {0, 1}, said.stderr
    document = checked(said.stdout_bytes, words.split(maxsplit=1)[0], kind)
    assert document["file"] == str(path)


@pytest.mark.parametrize("verb", ["mem", "show", "get", "registers", "history"])
def test_a_schema_names_each_form(verb: str) -> None:
    schema = schemas.schema_of(verb)
    names = {kind.__name__ for words, _, kind in FORMS if words.split()[0] == verb}
    refs = schema.get("anyOf", [schema])
    assert {one["$ref"].rpartition("/")[2] for one in refs} == names


def test_a_walk_through_page_tables(named_sample: Named, monkeypatch: pytest.MonkeyPatch) -> None:
    path = named_sample(PC).path
    # paging of 32 bits, with pages of 4 MiB; its entries are whatever the firmware has there
    values = {"cr0": 0x80000001, "cr3": 0xE0000, "cr4": 0x10}
    paging = Cpu(index=0, arch="x86_64", pc=0, root=0xE0000, values=values)
    monkeypatch.setattr(Stream, "registers", (paging,))
    pages = checked(run("mem --pages", path, "--json").stdout_bytes, "mem", Mappings)
    assert pages["mappings"]
    virtual = pages["mappings"][0]["virtual"]
    said = run(f"mem --translate {virtual:#x}", path, "--json").stdout_bytes
    document = checked(said, "mem", Translated)
    assert document["physical"] == pages["mappings"][0]["physical"]
    assert document["entries"]
    assert document["cpu"] == 0
    lines = run(f"mem --translate {virtual:#x}", path).stdout.splitlines()
    assert len(lines) == 1 + len(document["entries"])


def test_registers_wider_than_64_bits_are_whole(
    named_sample: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = (1 << 512) - 1
    cpu = Cpu(index=0, arch="x86_64", pc=0, root=None, values={"zmm0": wide})
    monkeypatch.setattr("migstream.cli.registers.registers", lambda _: (cpu,))
    said = run("registers", named_sample(PC).path, "--json").stdout_bytes
    document = checked(said, "registers", Registers)
    assert document["cpus"][0]["values"] == {"zmm0": wide}
    assert [*document["cpus"][0]] == ["index", "arch", "pc", "root", "values"]
