"""Every verb over real streams: what is printed where, and the exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from migstream import __version__
from migstream.cli.group import VERBS, cli
from migstream.ram import kernel
from migstream.render.text import escape, short_size, size
from support.samples import Sample

Named = Callable[[str], Sample]


def run(*words: object, data: bytes | None = None) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], input=data)


@pytest.mark.parametrize("verb", ["info", "ls", "tree", "stat", "decode"])
def test_every_stream_opens(own_sample: Sample, verb: str) -> None:
    result = run(verb, own_sample.path)
    assert result.exit_code == 0, result.output
    assert result.stdout
    assert not result.stderr


@pytest.mark.parametrize("verb", ["info", "ls", "tree", "stat", "decode"])
def test_json_is_json(named_sample: Named, verb: str) -> None:
    result = run(verb, named_sample("pc-7.2.mig").path, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)


def test_ls_accounts_for_every_byte(own_sample: Sample) -> None:
    rows = json.loads(run("ls", own_sample.path, "--json").stdout)["items"]
    at = 0
    for row in rows:
        if row["level"] == 0:
            assert row["span"][0] == at
            at = row["span"][1]
    assert at == own_sample.path.stat().st_size


def test_decode_has_the_documented_shape(named_sample: Named) -> None:
    sample = named_sample("pc-7.2.mig")
    table = json.loads(run("decode", sample.path).stdout)
    assert (table["migstream"], table["format"]) == ("decode", 1)
    assert table["size"] == sample.path.stat().st_size
    cpu = next(i for i in table["items"] if i.get("name") == "cpu")
    assert cpu["kind"] == "device"
    assert len(cpu["state"]["env.regs"]) == 16


def test_get(named_sample: Named) -> None:
    path = named_sample("pc-7.2.mig").path
    plain = run("get", path, "timer[0]/cpu_ticks_offset").stdout.strip()
    raw = run("get", path, "timer[0]/cpu_ticks_offset", "-r").stdout_bytes
    assert int.from_bytes(raw, "big", signed=True) == int(plain.split()[0])
    where = run("get", path, "timer[0]/cpu_ticks_offset", "--where").stdout
    start, length = where.split()[0].split("+")
    assert path.read_bytes()[int(start, 0) :][: int(length, 0)] == raw
    assert " = " in run("get", path, "timer[0]/*", "-x").stdout


def test_show_prints_each_byte_once(named_sample: Named) -> None:
    path = named_sample("pc-7.2.mig").path
    data = path.read_bytes()
    pieces = json.loads(run("show", path, f"@0-{len(data)}", "--json").stdout)["pieces"]
    assert b"".join(bytes.fromhex(piece["hex"]) for piece in pieces) == data
    assert "51 45 56 4d" in run("show", path, "@0").stdout


def test_show_takes_a_live_section(named_sample: Named) -> None:
    path = named_sample("pc-7.2.mig").path
    data = path.read_bytes()
    rows = json.loads(run("ls", path, "--json").stdout)["items"]
    rows = [row for row in rows if row["name"] == "ram[0]"]
    whole = b"".join(data[slice(*row["span"])] for row in rows)
    assert [row["kind"] for row in rows] == ["start", "part", "end"]
    for name in ("ram[0]", "ram"):
        pieces = json.loads(run("show", path, name, "--json").stdout)["pieces"]
        assert {piece["path"] for piece in pieces} == {"ram[0]"}
        assert b"".join(bytes.fromhex(piece["hex"]) for piece in pieces) == whole
    assert run("show", path, "ram[1]").exit_code == 2


def test_info_says_when_memory_was_not_walked(
    named_sample: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = named_sample("pc-7.2.mig").path
    assert "all of it: whole" in run("info", path).stdout
    monkeypatch.setattr("migstream.stream.bare.CHEAP", path.stat().st_size - 1)
    assert "guest memory was not walked" in run("info", path).stdout
    table = json.loads(run("info", path, "--json").stdout)
    assert (table["walked"], table["damage"]) == (False, None)


def test_a_recording_is_one_for_info_too(return_path_sample: Sample) -> None:
    result = run("info", return_path_sample.path)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "return path" in result.stdout
    table = json.loads(run("info", return_path_sample.path, "--json").stdout)
    rows = json.loads(run("ls", return_path_sample.path, "--json").stdout)["items"]
    assert sum(table["contents"].values()) == len(rows) > 0


def test_an_unknown_verb_gets_what_comes_close() -> None:
    result = run("tre")
    assert result.exit_code == 2
    assert "Did you mean tree?" in result.stderr
    assert "mean" not in run("zzzzz").stderr


def test_desc(named_sample: Named) -> None:
    path = named_sample("pc-7.2.mig").path
    raw = run("desc", path, "--raw").stdout_bytes
    assert raw in path.read_bytes()
    assert json.loads(run("desc", path).stdout) == json.loads(raw)


def test_a_pipe_says_the_same(named_sample: Named) -> None:
    path = named_sample("pc-7.2.mig").path
    command = [sys.executable, "-m", "migstream", "ls", "--json"]
    piped = subprocess.run(
        ["sh", "-c", 'cat "$0" | "$@"', path, *command, "-"], capture_output=True, check=True
    )
    of_pipe, of_file = json.loads(piped.stdout), json.loads(run("ls", path, "--json").stdout)
    assert (of_pipe.pop("file"), of_file.pop("file")) == ("<stdin>", str(path))
    assert of_pipe == of_file


NO_STREAM_FIRST = {
    "encode",
    "explain",
    "find",
    "static-checker",
    "catalogue",
    "fleet",
    "schema",
    "completion",
    "man",
}  # a folder; words; anything; two schemas; a verb; a shell; a verb


def words_of(verb: str, source: object, out: Path) -> list[object]:
    """A verb over a source, with what else it must be given."""
    output = ["-o", out]
    rest: dict[str, list[object]] = {
        "show": ["@0"],
        "get": ["@0"],
        "history": ["0x0"],
        "queue": ["cpu"],
        "extract": output,
        "convert": output,
        "redact": output,
        "report": output,
        "set": ["cpu/env.eip=0", *output],
        "drop": ["cpu", *output],
        "rename": ["cpu", "cpu2", *output],
        "minimise": [*output, "--", "false"],
        "diff": ["/dev/null"],
        "compat": ["--to-stream", "/dev/null"],
        "heal": ["--to", "10.0", *output],
    }
    file = ["-f", source] if verb == "analyze-migration" else [source]
    return [verb, *file, *rest.get(verb, [])]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in NO_STREAM_FIRST])
def test_no_file_is_status_5_and_a_directory_3(tmp_path: Path, verb: str) -> None:
    for what, status, code in ((tmp_path / "none", 5, "MS400"), (tmp_path, 3, "MS102")):
        result = run(*words_of(verb, what, tmp_path / "out"))
        assert result.exit_code == status
        assert f"[{code}]" in result.stderr


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in NO_STREAM_FIRST])
@pytest.mark.parametrize("data", [b"hello, world\n", b"QEVM", b"", b"\x89PNG" + bytes(9000)])
def test_of_what_is_no_stream_every_verb_says_just_that(
    tmp_path: Path, verb: str, data: bytes
) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    piped = verb not in {"minimise", "analyze-migration"}  # they take files only
    for what in [path, "-"] if piped else [path]:
        result = run(*words_of(verb, what, tmp_path / "out"), data=data)
        name = path if what == path else "<stdin>"
        assert result.exit_code == 3, result.output
        assert f"[{'MS101' if data == b'QEVM' else 'MS102'}]" in result.stderr
        if verb != "check":  # which has it as a finding, in any of its formats
            assert not result.stdout
            assert [line[:2] for line in result.stderr.splitlines()[1:]] in (["  "], ["  ", "  "])
            assert result.stderr.startswith(f"migstream: {name}:0x")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "file.migidx").exists()


@pytest.mark.parametrize(
    "words", [("diff",), ("compat", "--to-stream"), ("explain", "nothing", "--stream")]
)
def test_a_second_source_that_is_no_stream_is_named(
    named_sample: Named, tmp_path: Path, words: tuple[str, ...]
) -> None:
    path = tmp_path / "file"
    path.write_text("hello, world")
    first = [] if words[0] == "explain" else [named_sample("pc-7.2.mig").path]
    result = run(words[0], *first, *words[1:], path)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith(f"migstream: {path}:0x0: not a migration stream [MS102]")


def test_damage_is_the_reason_for_what_is_not_there(named_sample: Named, tmp_path: Path) -> None:
    """Registers, an address, an index: of a stream that is cut off before they come."""
    path = tmp_path / "cut"
    path.write_bytes(named_sample("pc-7.2.mig").read()[:2000])
    for words in (("registers",), ("index",), ("mem", "0x0")):
        result = run(words[0], path, *words[1:])
        assert result.exit_code == 3, result.output
        assert "[MS101]" in result.stderr
        assert result.stderr.count("[MS101]") == 1


def test_wrong_use_is_status_2(named_sample: Named) -> None:
    path = named_sample("pc-7.2.mig").path
    assert run("info").exit_code == 2
    result = run("get", path, "timer[0]/cpu_tick_offset")
    assert result.exit_code == 2
    assert "cpu_ticks_offset" in result.stderr
    assert run("show", path, "@nowhere").exit_code == 2


def test_a_path_in_a_damaged_stream_says_the_damage(named_sample: Named, tmp_path: Path) -> None:
    path = tmp_path / "cut"
    path.write_bytes(named_sample("pc-7.2.mig").read()[:-1000])
    for verb in ("get", "show", "tree"):
        result = run(verb, path, "cpu/env.eip")
        assert result.exit_code == 3
        assert "[MS300]" in result.stderr
        assert "[MS101]" in result.stderr


def test_truncated_streams_show_what_there_is(named_sample: Named, tmp_path: Path) -> None:
    data = named_sample("none-7.2.mig").read()
    path = tmp_path / "cut"
    for stop in range(0, len(data), 7):
        path.write_bytes(data[:stop])
        for verb in ("info", "ls", "decode", "tree"):
            result = run(verb, path)
            assert result.exit_code in {0, 3}, (stop, verb, result.output)
            assert result.exception is None or isinstance(result.exception, SystemExit)


def test_damage_gets_a_paragraph_never_a_traceback(broken_sample: Sample) -> None:
    for verb in ("info", "ls"):
        result = run(verb, broken_sample.path)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert result.exit_code in {0, 3}
        assert len(result.stderr.splitlines()) <= 16


def test_no_verb_is_wrong_usage() -> None:
    done = CliRunner().invoke(cli, [])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Look:" in done.stderr


@pytest.mark.parametrize("words", [["--version"], ["--version", "info"]])
def test_the_version_says_whether_the_loops_are_compiled(words: list[str]) -> None:
    command = [sys.executable, "-m", "migstream", *words]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    slow = str(kernel.__file__).endswith(".py")
    assert said.startswith(f"migstream {__version__} (loops over guest memory: ")
    assert ("not compiled" in said) is slow
    assert said.count("\n") == 1


def test_the_package_itself_loads_nothing() -> None:
    """Nor `typing`: looking for cycles is put off before it is loaded."""
    code = "import sys; before = {*sys.modules}; import migstream; print(*sorted({*sys.modules} - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["__future__", "migstream", "migstream._version"]


def test_version_loads_nothing() -> None:
    code = (
        "import sys; sys.argv[1:] = ['--version']; from migstream.cli import main; main();"
        "assert not {'click', 'numpy', 'msgspec'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_decode_needs_no_numpy(named_sample: Named) -> None:
    code = (
        "import sys\nfrom migstream.cli.group import cli\n"
        "try: cli(['decode', sys.argv[1]])\nexcept SystemExit: pass\n"
        "assert 'numpy' not in sys.modules"
    )
    path = named_sample("pc-7.2.mig").path
    subprocess.run([sys.executable, "-c", code, path], check=True, stdout=subprocess.DEVNULL)


# What no answer about a small file needs that is whole.
NEEDLESS = {
    "json", "heapq", "glob", "fnmatch", "zlib", "importlib.metadata", "migstream.stream.pipe", "migstream.stream.locate",
    "migstream.stream.around", "migstream.wire.tail", "migstream.ram.mapped", "migstream.ram.detect",
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "needless"),
    [
        (
            ["get", "cpu[0]/env.eip"],
            {
                "mmap", "migstream.ram.builder", "migstream.machine", "migstream.vmstate.meaning.decoders",
                "migstream.vmstate.meaning.parts",
            },
        ),
        (
            ["info"],
            {
                "migstream.machine.view", "migstream.machine.physical", "migstream.machine.map.physical_map",
                "migstream.machine.map.boards", "migstream.machine.map.x86", "migstream.render.items",
                "migstream.wire.returnpath",
            },
        ),
    ],
)  # fmt: skip
def test_a_small_answer_loads_what_it_needs(
    named_sample: Named, words: list[str], needless: set[str]
) -> None:
    code = (
        "import sys\nfrom migstream.cli.group import cli\n"
        "try: cli(sys.argv[1:])\nexcept SystemExit as end: assert not end.code\n"
        f"needless = {needless | NEEDLESS!r} & sys.modules.keys()\n"
        "assert not needless, needless"
    )
    verb, *rest = words
    command = [sys.executable, "-c", code, verb, str(named_sample("pc-7.2.mig").path), *rest]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def test_hostile_names_are_escaped() -> None:
    assert escape("a\x1b[31m\udcff\n") == "a\\x1b[31m\\xff\\n"


def test_sizes() -> None:
    assert size(12_897_484) == "12.3 MiB (12 897 484)"
    assert size(7) == "7 bytes"
    assert short_size(1 << 20) == "1.0 MiB"


def test_values_of_several_instances_are_told_apart(
    named_sample: Callable[[str], Sample],
) -> None:
    path = named_sample("q35-7.2.mig").path
    lines = run("get", path, "cpu/env.eip").stdout.splitlines()
    assert [line.partition(" = ")[0] for line in lines] == ["cpu[0]/env.eip", "cpu[1]/env.eip"]


def test_any_depth_goes_through_arrays(named_sample: Named) -> None:
    path = named_sample("pc-7.2.mig").path
    each = [run("get", path, f"i8254/channels[{n}]/count").stdout.strip() for n in range(3)]
    found = run("get", path, "i8254/**/count").stdout.splitlines()
    assert [line.partition(" = ")[2] for line in found] == each


@pytest.mark.parametrize("option", ["--select", "--ignore"])
def test_a_code_that_there_is_not_is_no_choice(named_sample: Named, option: str) -> None:
    path = named_sample("pc-7.2.mig").path
    result = run("check", path, option, "MS5,XX")
    assert result.exit_code == 2
    assert "XX" in result.stderr
    assert run("check", path, option, "ms54,MS1").exit_code == 0
