"""Commands as they are typed, and what they print: run again, compared, written anew.

Two kinds of text hold them. A transcript (``tests/golden/NAME.t``) is::

    # What the next command is about, where that has to be said.
    $ migstream get pc-7.2.mig 'cpu[0]/env.eip'
    65520

    $ migstream get pc-7.2.mig nothing
    [stderr]
    migstream: ...
    [exit status 2]

A command whose remark ends in ``On a terminal of N columns`` is run on a terminal of its own, on which both outputs
are; with ``in colour`` behind it marks are shown as ``\\e[1m``. A page of documentation has fenced blocks of the same (``console``), in which both outputs are shown as a terminal
shows them, the status is not shown, a line that ends in ``...`` is cut there, and one that is ``...`` stands for any
number of lines. Its ``python`` blocks are run as well: one page is one program. Comments may stand before a block::

    <!-- not run: why not -->
    <!-- given: what is done first, in the language of the block -->
    <!-- file: NAME, as which the block is put into the folder, and not run -->

and anywhere in a page one that names what a machine must have for it, between commas: commands, of a QEMU also its
release, and patterns of paths::

    <!-- needs: qemu-system-x86_64 7.2, cpio, /boot/vmlinuz-* -->

``migstream`` is run in this process, everything else by the shell, both in a folder that holds the files that the text
names: kept streams, packed and unpacked, and those of `MADE`. A pipe goes from one command to the next when the first
has ended, so ``| head`` cuts output and nothing else.
"""

from __future__ import annotations

import contextlib
import io
import lzma
import os
import re
import shutil
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner

from migstream.cli.group import cli
from support import build
from support.samples import REPOSITORY, Packed, Sample, own_streams
from support.terminal import Terminal

__all__ = [
    "PAGES",
    "RUN",
    "Block",
    "Ran",
    "Screen",
    "Shell",
    "Step",
    "blocks",
    "cut",
    "document",
    "fill",
    "needs",
    "same",
    "transcript",
]

CONTAINERS = REPOSITORY / "tests" / "containers"


def _kept(name: str) -> Callable[[], bytes]:
    return lambda: lzma.decompress((CONTAINERS / f"{name}.xz").read_bytes())


# Small streams made by hand, and kept containers, by the names that texts call them.
MADE: dict[str, Callable[[], bytes]] = {
    "guest.save": _kept("guest.save"),
    "disk.qcow2": _kept("disk.qcow2"),
    "tiny.mig": build.small,
    "hostile.mig": lambda: build.small(
        build.described(
            build.device("one", [build.field("blob\x1b[31m\u202e", "buffer", 60)]),
            build.device("two", [build.field("n", "uint32", 4)]),
        )
    ),
}

RUN = ("console", "python")
STDERR = "[stderr]"
STATUS = "[exit status {}]"
CUT = "..."

_STAGE = re.compile(r"""(?:'[^']*'|"[^"]*"|\\.|[^|'"\\])+""")
_REDIRECTION = re.compile(r"\s([<>])\s*(\S+)\s*$")
_SCREEN = re.compile(r"On a terminal of (\d+) columns(, in colour)?\.?$")
_REMARKS = re.compile(r"(?:<!--(?:(?!-->).)*-->\s*)+\Z", re.DOTALL)
_REMARK = re.compile(r"<!-- (not run|given|file):\s*(.*?)\s*-->", re.DOTALL)
_NEEDS = re.compile(r"<!-- needs:\s*(.*?)\s*-->", re.DOTALL)


@dataclass
class Step:
    """A command and the lines shown below it; in front of it what a transcript says of it."""

    line: str
    shown: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)

    @property
    def screen(self) -> Screen | None:
        """The terminal that it is run on, where it is."""
        found = _SCREEN.search(self.before[-1]) if self.before else None
        return None if found is None else Screen(int(found[1]), colour=found[2] is not None)


@dataclass(frozen=True)
class Screen:
    """A terminal of so many columns."""

    columns: int
    colour: bool


@dataclass
class Block:
    """A fenced block: its lines are ``lines[start:stop]`` of the page."""

    language: str
    start: int
    stop: int
    text: list[str]
    given: str = ""
    not_run: str = ""
    file: str = ""


@dataclass(frozen=True)
class Ran:
    """What a command printed, and how it ended."""

    out: str
    err: str
    status: int

    def document(self) -> list[str]:
        """The lines as a page shows them."""
        return _lines(self.out) + _lines(self.err)

    def transcript(self) -> list[str]:
        """The lines as a transcript shows them."""
        lines = _lines(self.out)
        if self.err:
            lines += [STDERR, *_lines(self.err)]
        if self.status:
            lines.append(STATUS.format(self.status))
        while lines and not lines[-1]:  # what comes next stands behind an empty line anyway
            lines.pop()
        return lines


def fill(text: str, folder: Path, unpack: Callable[[Packed], Sample]) -> None:
    """Put the streams that `text` names into `folder`."""
    for packed in own_streams():
        if f"{packed.name}.xz" in text:
            shutil.copy(packed.source, folder)
        if packed.name in text:
            shutil.copy(unpack(packed).path, folder / packed.name)
    for name, make in MADE.items():
        if name in text:
            (folder / name).write_bytes(make())


class Shell:
    """Runs commands, and the Python of a page, in one folder.

    `answers` are the documents that our command printed under ``--json``, each with its verb.
    """

    def __init__(self, folder: Path) -> None:
        self.answers: list[tuple[str, bytes]] = []
        self._folder = folder
        self._runner = CliRunner()
        self._module = types.ModuleType("page")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._environment = {"PATH": path, "COLUMNS": "80", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}

    @contextlib.contextmanager
    def _there(self) -> Iterator[None]:
        kept = dict(os.environ)
        os.environ.update(self._environment)
        try:
            with contextlib.chdir(self._folder):
                yield
        finally:
            os.environ.clear()
            os.environ.update(kept)

    def run(self, line: str) -> Ran:
        """Run what a person typed."""
        out, errors, status = b"", b"", 0
        with self._there():
            for stage in _STAGE.findall(line):
                words = stage.split(None, 1)
                one = self._ours if words[0] == "migstream" else _foreign
                out, err, status = one(stage, out)
                errors += err
        return Ran(_text(out), _text(errors), status)

    def run_on(self, screen: Screen, line: str) -> Ran:
        """Run what a person typed on a terminal of its own."""
        colour = {} if screen.colour else {"NO_COLOR": "1"}
        ours = f'migstream() {{ "{sys.executable}" -m migstream "$@"; }}\n'
        with Terminal(
            "sh", "-c", ours + line,
            columns=screen.columns, cwd=self._folder, environment={"LC_ALL": "C.UTF-8"} | colour,
        ) as terminal:  # fmt: skip
            status = terminal.end()
            return Ran(terminal.text().replace("\x1b", "\\e"), "", status)

    def _ours(self, stage: str, given: bytes) -> tuple[bytes, bytes, int]:
        """One call of the command; the shell says what its words are."""
        target = None
        if found := _REDIRECTION.search(stage):
            stage = stage[: found.start()]
            if found[1] == "<":
                given = Path(found[2]).read_bytes()
            else:
                target = Path(found[2])
        said, _, _ = _foreign(rf"printf '%s\0' {stage}", b"")
        _, *words = said.decode(errors="surrogateescape").split("\0")[:-1]
        ended = self._runner.invoke(cli, words, input=given, prog_name="migstream")
        if ended.exception is not None and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        out = ended.stdout_bytes
        if "--json" in words and out.startswith(b"{"):
            self.answers.append((words[0], out))
        if target is not None:
            target.write_bytes(out)
            out = b""
        return out, ended.stderr_bytes, ended.exit_code

    def python(self, source: str, page: Path, line: int) -> None:
        """Run Python that stands in `page` behind `line`, after what ran before; printing is free."""
        code = compile("\n" * line + source, str(page), "exec")
        sys.modules[self._module.__name__] = self._module  # where a class looks for its names
        try:
            with self._there(), contextlib.redirect_stdout(io.StringIO()):
                exec(code, self._module.__dict__)  # noqa: S102 - the documentation is what is tested
        finally:
            del sys.modules[self._module.__name__]


def _foreign(stage: str, given: bytes) -> tuple[bytes, bytes, int]:
    done = subprocess.run(["sh", "-c", stage], input=given, capture_output=True, check=False)
    return done.stdout, done.stderr, done.returncode


def _text(raw: bytes) -> str:
    return raw.decode(errors="backslashreplace")


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


# --- transcripts ------------------------------------------------------------------------------------------------------


def transcript(text: str) -> list[Step]:
    """The commands of a transcript, or of a block."""
    steps: list[Step] = []
    before: list[str] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            before = _remarks(steps[-1].shown) if steps else before
            steps.append(Step(line[2:], before=before))
        else:
            (steps[-1].shown if steps else before).append(line)
    if steps:
        _remarks(steps[-1].shown)
    return steps


def _remarks(shown: list[str]) -> list[str]:
    """Take what is said of the next command off the end of what the last one printed."""
    at = len(shown)
    while at and shown[at - 1].startswith("# "):
        at -= 1
    while at and not shown[at - 1]:
        at -= 1
    taken = shown[at:]
    del shown[at:]
    return taken


def document(steps: list[Step]) -> str:
    """The transcript that these commands make: the opposite of `transcript`."""
    return "".join(
        "".join(f"{line}\n" for line in [*step.before, f"$ {step.line}", *step.shown])
        for step in steps
    )


# --- pages ------------------------------------------------------------------------------------------------------------


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page of Markdown, with what the comment before each says."""
    found: list[Block] = []
    lines = page.split("\n")
    last = 0
    opened: int | None = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if opened is None:
            opened = number + 1
            continue
        in_front = _REMARKS.search("\n".join(lines[last : opened - 1]))
        remarks = dict(_REMARK.findall(in_front[0])) if in_front else {}
        language = lines[opened - 1].removeprefix("```")
        found.append(
            Block(
                language, opened, number, lines[opened:number],
                given=remarks.get("given", ""), not_run=" ".join(remarks.get("not run", "").split()),
                file=remarks.get("file", ""),
            )
        )  # fmt: skip
        last, opened = number + 1, None
    assert opened is None, f"a fence is not closed: line {opened}"
    return found


def needs(page: str) -> list[str]:
    """What a page cannot be run without: commands, QEMUs with a release, patterns of paths."""
    return [one.strip() for said in _NEEDS.findall(page) for one in said.split(",")]


def same(shown: list[str], printed: list[str]) -> bool:
    """Whether `shown`, in which output may be cut, is what was printed."""
    parts = (r"(?:.*\n)*?" if line == CUT else _line(line) + r"\n" for line in shown)
    return re.fullmatch("".join(parts), "".join(f"{line}\n" for line in printed)) is not None


def _line(shown: str) -> str:
    whole = re.escape(shown)
    return f"(?:{whole}|{re.escape(shown.removesuffix(CUT))}.*)" if shown.endswith(CUT) else whole


def cut(shown: list[str], printed: list[str]) -> list[str]:
    """What was printed, cut as what was shown: the same number of lines before and behind a ``...``."""
    assert shown.count(CUT) <= 1, f"cut at several places, which is for a person to mend: {shown}"
    if CUT in shown:
        head = shown.index(CUT)
        tail = len(shown) - head - 1
        printed = [*printed[:head], CUT, *printed[len(printed) - tail :]]
    new = [
        line[: len(old) - len(CUT)] + CUT if old.endswith(CUT) and old != CUT else line
        for old, line in zip(shown, printed, strict=False)
    ]
    return new + printed[len(shown) :]


PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
