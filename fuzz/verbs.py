"""The command line, in this process: exit status, words, files, and characters that a terminal obeys."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fuzz.guard import Broken
from fuzz.scene import Pipe, Scene

__all__ = ["VERBS"]

Verb = Callable[[Scene], list[str]]
VERBS: dict[str, tuple[int, Verb]] = {}
STATUSES = range(6)
DAMAGED, FAILED = 3, 2
RAW = {"-r", "--raw"}
# C0 but for line feeds, DEL, C1, what changes the direction, line and paragraph separators, surrogates.
OBEYED = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
NOT_OURS = (
    "Traceback",
    "Aborted!",
    "out of memory",
    "nested beyond reason [MS100]",
    "cannot allocate",
)
VALUES = [
    "0",
    "1",
    "-1",
    "0x7fffffff",
    "true",
    "18446744073709551616",
    "zz",
    "",
    "1,2,3",
    "00ff",
    "'text'",
    "not armed",
]
MESSAGES = [
    "Missing section footer for {0}", "error while loading state for instance 0x0 of device '{0}'",
    "Unknown savevm section or instance '{0}' 0", "unknown ram block {0}", "RAM block {0} not found", "MS103",
    "Length mismatch: {0}: 0x1000 in != 0x2000: Invalid argument", "Unknown savevm section type {1}",
    "Failed to load {0}:{0}", "savevm: unsupported version 9 for '{0}' v1", "Configuration section missing",
]  # fmt: skip


def verb(weight: int) -> Callable[[Verb], Verb]:
    """Enter a function that makes arguments into the table."""

    def enter(function: Verb) -> Verb:
        VERBS[function.__name__.rstrip("_").replace("_", " ")] = weight, function
        return function

    return enter


def _source(scene: Scene) -> str:
    """The stream as a file, compressed, or from standard input."""
    chance = scene.random.random()
    if chance < 0.7:
        return scene.file()
    if chance < 0.85:
        return "-"
    kind, packed = scene.compressed()
    path = scene.folder / f"a.mig.{kind}"
    path.write_bytes(packed)
    return str(path)


def _maybe(scene: Scene, *options: str) -> list[str]:
    return [option for option in options if scene.random.random() < 0.3]


def _form(scene: Scene) -> list[str]:
    """One of the two forms of JSON, or text."""
    return scene.random.choice([[], [], ["--json"], ["--ndjson"]])


def _path(scene: Scene) -> str:
    random = scene.random
    if random.random() < 0.1:
        return f"@{random.randrange(scene.size + 9):#x}"
    path = random.choice(scene.paths)
    return path.rpartition("/")[0] or path if random.random() < 0.3 else path


def _out(scene: Scene) -> list[str]:
    return ["-o", str(scene.folder / "out")]


@verb(4)
def info(scene: Scene) -> list[str]:
    return [_source(scene), *_maybe(scene, "--json", "-v")]


@verb(3)
def identify(scene: Scene) -> list[str]:
    return [_source(scene), *_maybe(scene, "--json", "-v")]


@verb(2)
def find(scene: Scene) -> list[str]:
    carve = ["--extract", "all", *_out(scene)] if scene.random.random() < 0.3 else []
    return [_source(scene), *carve, *_form(scene), *_maybe(scene, "--nested")]


@verb(4)
def ls(scene: Scene) -> list[str]:
    channels = [word for path in scene.channels() for word in ("--channel", path)]
    return [_source(scene), *_form(scene), *_maybe(scene, "--devices"), *channels]


@verb(4)
def tree(scene: Scene) -> list[str]:
    where = [_path(scene)] if scene.random.random() < 0.4 else []
    return [_source(scene), *where, *_maybe(scene, "--json", "--hex", "--where")]


@verb(2)
def show(scene: Scene) -> list[str]:
    a, b = sorted(scene.random.randrange(scene.size + 9) for _ in "ab")
    return [
        _source(scene),
        scene.random.choice([_path(scene), f"@{a}-{b}"]),
        *_maybe(scene, "--json"),
    ]


@verb(3)
def get(scene: Scene) -> list[str]:
    return [
        _source(scene),
        *_maybe(scene, "-x", "--where", "--json", "-r"),
        "--",
        _path(scene),
        _path(scene),
    ]


@verb(2)
def registers(scene: Scene) -> list[str]:
    return [_source(scene), *_maybe(scene, "--all", "--json")]


@verb(4)
def mem(scene: Scene) -> list[str]:
    random = scene.random
    what = random.choice([
        [], ["--text", "bin"], ["--strings"], ["0"], ["0x7c00", "0x20"], ["--pages"], ["--find", "7f454c46"],
        ["--virt", "$rip"], ["--translate", "0xffffffff81000000"], ["--regex", "r..t"], ["0xfffffff0"],
        ["--block", random.choice(scene.places).rpartition("@")[0], "0"],
    ])  # fmt: skip
    return [_source(scene), *what, *_form(scene)]


@verb(3)
def history(scene: Scene) -> list[str]:
    if scene.random.random() < 0.2:
        picture = ["-o", str(scene.folder / "out.ppm")]
        return [
            _source(scene),
            "--heat",
            *scene.random.choice([[], ["--json"], ["--ndjson"], picture]),
        ]
    place = scene.random.choice([*scene.places, "0", "0x1000"])
    more = scene.random.choice(
        [[], ["--dump", "0"], ["--dump", "0", "-r"], ["--diff", "0", "1"], _form(scene)]
    )
    return [_source(scene), *more, "--", place]


@verb(2)
def screen(scene: Scene) -> list[str]:
    more = scene.random.choice(
        [_form(scene), [*_out(scene), "-f", "ppm"], ["--device", "vga"], ["--head", "1"]]
    )
    return [_source(scene), *more]


@verb(1)
def console(scene: Scene) -> list[str]:
    return [
        _source(scene),
        *scene.random.choice([[], ["vga"], ["serial"], ["kernel"]]),
        *_form(scene),
    ]


@verb(2)
def report(scene: Scene) -> list[str]:
    more = scene.random.choice([[], ["--diff", scene.other_file()], _form(scene)])
    return [_source(scene), *_out(scene), *more]


@verb(2)
def queue(scene: Scene) -> list[str]:
    device = scene.random.choice(
        [
            "virtio-net",
            "virtio-blk",
            "virtio-balloon",
            "virtio",
            "one",
            "0000:00:03.0/virtio-net[0]",
        ]
    )
    number = scene.random.choice([[], ["0"], ["0", "--contents"], ["1", "--all"], ["70000"]])
    return [_source(scene), device, *number, *_form(scene)]


@verb(1)
def gdb(scene: Scene) -> list[str]:
    return [_source(scene)]


@verb(1)
def tui(scene: Scene) -> list[str]:
    return [_source(scene)]


@verb(1)
def index(scene: Scene) -> list[str]:
    return [scene.file(), *_out(scene)]


@verb(3)
def extract(scene: Scene) -> list[str]:
    form = scene.random.choice(["elf", "elf-virtual", "raw", "phys", "lime"])
    return [_source(scene), *_out(scene), "-f", form, *_maybe(scene, "--json")]


@verb(4)
def check(scene: Scene) -> list[str]:
    form = scene.random.choice(["text", "json", "ndjson", "sarif", "junit"])
    return [_source(scene), "-f", form, *_maybe(scene, "-v")]


@verb(2)
def explain(scene: Scene) -> list[str]:
    text = scene.random.choice(MESSAGES)
    name = scene.random.choice(scene.paths).partition("[")[0]
    to = ["--to-stream", scene.other_file()] if scene.random.random() < 0.4 else []
    return [
        "--stream",
        scene.file(),
        *to,
        *_maybe(scene, "--json", "-v"),
        "--",
        text.format(name, scene.random.randrange(256)),
    ]


@verb(3)
def compat(scene: Scene) -> list[str]:
    release = scene.random.choice([[], ["--release", "5.2"], ["--release", "10.0"]])
    files = [scene.file(), scene.other_file()]
    if scene.random.random() < 0.5:
        files.reverse()
    return [files[0], "--to-stream", files[1], *release, *_maybe(scene, "--json", "-v")]


@verb(3)
def set_(scene: Scene) -> list[str]:
    random = scene.random
    what = random.choice([
        [f"{_path(scene)}={random.choice(VALUES)}"], ["--machine", "zz"], ["--capabilities", "mapped-ram"],
        ["--order", ",".join(random.sample(scene.paths, 1))], [f"ram/{random.choice(scene.places)}=00ff"],
        ["--machine", "a" * 300], ["--capabilities", ""],
    ])  # fmt: skip
    options = [word for word in what if word.startswith("--")]
    words = what if options else ["--", *what]
    return [scene.file(), *_out(scene), *_maybe(scene, "--json"), *words]


@verb(3)
def drop(scene: Scene) -> list[str]:
    random = scene.random
    path = random.choice([_path(scene), f"ram/{random.choice(scene.places).rpartition('@')[0]}"])
    return [scene.file(), *_out(scene), *_maybe(scene, "--json"), "--", path]


@verb(2)
def rename(scene: Scene) -> list[str]:
    random = scene.random
    path = random.choice([_path(scene), f"ram/{random.choice(scene.places).rpartition('@')[0]}"])
    return [
        scene.file(),
        *_out(scene),
        "--",
        path,
        random.choice(["new", "x" * 300, "a/b", "n[7]", "é"]),
    ]


@verb(3)
def redact(scene: Scene) -> list[str]:
    keep = ["--keep-ram", "0-0x1000"] if scene.random.random() < 0.2 else []
    return [_source(scene), *_out(scene), *keep, *_maybe(scene, "--json")]


@verb(4)
def convert(scene: Scene) -> list[str]:
    what = scene.random.choice([
        ["--ram", "linear"], ["--ram", "mapped"], ["--no-description"], ["--to-machine", "pc-i440fx-6.0"],
        ["--release", "6.2"], [], ["--ram", "linear", "--release", "8.0"],
    ])  # fmt: skip
    return [_source(scene), *_out(scene), *what, *_maybe(scene, "--json", "--no-verify")]


@verb(2)
def stat(scene: Scene) -> list[str]:
    flames = ["--speedscope", *_out(scene)] if scene.random.random() < 0.3 else []
    return [_source(scene), *flames, *_maybe(scene, "--json", "-v")]


@verb(2)
def diff(scene: Scene) -> list[str]:
    return [
        _source(scene),
        scene.other_file(),
        *_form(scene),
        *_maybe(scene, "-v", "--values", "--memory"),
    ]


@verb(2)
def digest(scene: Scene) -> list[str]:
    return [
        _source(scene),
        *_maybe(scene, "--no-ram"),
        *(_out(scene) if scene.random.random() < 0.3 else []),
    ]


@verb(2)
def decode(scene: Scene) -> list[str]:
    if scene.random.random() < 0.5:
        return [_source(scene), *_maybe(scene, "--pretty", "--meaning")]
    return [_source(scene), "--full", *_out(scene), *_maybe(scene, "--json")]


@verb(1)
def desc(scene: Scene) -> list[str]:
    return [_source(scene)]


@verb(3)
def analyze_migration(scene: Scene) -> list[str]:
    what = scene.random.choice([[], ["-m"], ["-d", "desc"]])
    return ["-f", scene.file(), *what]


@verb(2)
def heal(scene: Scene) -> list[str]:
    to = scene.random.choice([["--to", "10.0"], ["--to-stream", scene.file()]])
    words = (
        ["--", "-M", "pc", "-m", "16"] if to[0] == "--to" and scene.random.random() < 0.5 else []
    )
    return [
        _source(scene),
        *to,
        *_out(scene),
        "--plays",
        "9",
        *_maybe(scene, "--json", "-v"),
        *words,
    ]


@verb(1)
def minimise(scene: Scene) -> list[str]:
    return [_source(scene), *_out(scene), "--tries", "3", *_maybe(scene, "--json"), "--", "false"]


# --- running one -----------------------------------------------------------------------------------------------


class Words(io.TextIOWrapper):
    """A standard stream that is kept."""

    def __init__(self) -> None:
        self.kept = io.BytesIO()
        super().__init__(self.kept, "utf-8", errors="strict", newline="\n", write_through=True)


@contextlib.contextmanager
def _streams(scene: Scene) -> Iterator[tuple[Words, Words]]:
    before = sys.stdin, sys.stdout, sys.stderr
    out, err = Words(), Words()
    # As the interpreter has it: what cannot be encoded is an error on one, and escaped on the other.
    err.reconfigure(errors="backslashreplace")
    sys.stdin = io.TextIOWrapper(io.BufferedReader(Pipe(scene.data)), "utf-8")
    sys.stdout, sys.stderr = out, err
    try:
        yield out, err
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


def _word(text: str) -> str:
    """A word as a shell can give it: bytes that are no UTF-8 as Python has them, no lone surrogate, no NUL."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "")


def run(name: str, scene: Scene) -> None:
    """Run a verb with arguments by chance, and look at everything that comes of it."""
    from migstream.cli.group import cli

    words = [name.replace(" ", "-"), *VERBS[name][1](scene)]
    words = [_word(word) for word in words]
    try:
        with _streams(scene) as (out, err):
            status: Any = 0
            try:
                cli.main(words, prog_name="migstream", standalone_mode=True)
            except SystemExit as end:
                status = 0 if end.code is None else end.code
        said, complained = out.kept.getvalue(), err.kept.getvalue()
        _examine(words, scene, status, said, complained)
    except Broken as broken:
        command = (
            " ".join(words).replace(str(scene.folder), "DIR").encode("unicode_escape").decode()
        )
        raise Broken(broken.what, f"migstream {command}\n{broken}") from None


def _examine(words: list[str], scene: Scene, status: Any, said: bytes, complained: bytes) -> None:
    if not isinstance(status, int) or status not in STATUSES:
        raise Broken("an exit status that there is not", repr(status))
    errors = complained.decode("utf-8", "backslashreplace")
    for words_of_others in NOT_OURS:
        if words_of_others in errors:
            raise Broken(words_of_others, errors[:600])
    if status >= FAILED and not errors:
        raise Broken("it failed without a word", str(status))
    # MS100 is the general one: a stream after postcopy has no description to print.
    if scene.whole and status == DAMAGED and "[MS100]" not in errors:
        raise Broken("a good stream is damaged", errors[:600])
    _characters("standard error", complained)
    if not RAW.intersection(words):
        text = _characters("standard output", said)
        if {"--json", "--ndjson"}.intersection(words) and text and "ndjson" not in words:
            try:
                for document in text.splitlines() if "--ndjson" in words else [text]:
                    json.loads(document)
            except ValueError as error:
                raise Broken("JSON that is none", f"{error}: {text[:300]!r}") from None
    made = scene.folder / "out"
    if status == FAILED and made.exists() and "--full" not in words:
        raise Broken("it failed and left its output", str(status))
    _left(scene)


def _characters(where: str, raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Broken(
            f"{where} is not UTF-8", f"{error}: {raw[max(0, error.start - 60) : error.end + 60]!r}"
        ) from None
    found = OBEYED.search(text)
    if found:
        around = text[max(0, found.start() - 100) : found.end() + 60]
        raise Broken(f"a control character on {where}", ascii(around))
    return text


def _left(scene: Scene) -> None:
    """What was half written has to be gone."""
    for path in Path(scene.folder).iterdir():
        if path.name.endswith(".part") or path.name.startswith((".", "tmp", "migstream-")):
            raise Broken("a temporary file was left", path.name)
