"""VMStates as QEMU's sources declare them, at each of its releases: from a git repository of QEMU.

C is not parsed: a declaration is found by its type's name, its fields by the macros in it, whose first argument is
what the description calls the field. What is built from this is held against what real binaries say (`evidence`).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from migstream.qemu.release import Version, parse

__all__ = ["Declared", "Tree", "declarations", "trees"]

FIRST: Version = (2, 3)  # the first release that describes what it writes
SUBJECT = re.compile(
    r"(\w+) Update (?:version|VERSION) for (?:the )?v?(\d+\.\d+)(?:\.0)?(?: release)?\.?"
)
DEVELOPMENT = re.compile(r"(\d+)\.(\d+)\.5\d")  # the number on the way from 10.2 to the next
KINDS = (".c", ".h", ".inc")
LEFT_OUT = ("tests/", "roms/", "linux-headers/", "pc-bios/", "capstone/")
TARGET = re.compile(r"target[/-](\w+)/")

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|\\\n", re.DOTALL)
STRING = re.compile(rb'"([^"\n\\]{2,80})"')
DEFINED = re.compile(rb'#\s*define\s+(\w+)(?:\s*\\\n)?\s+"([^"\n]*)"')
HEAD = re.compile(r"VMStateDescription\s+\w+\s*(\[\s*\])?\s*=\s*\{")
WORD = re.compile(r'"([^"]*)"|(\w+)')
PIECE = re.compile(r"([A-Za-z_]\w*)\s*\(|\{|#\s*(if|endif)\w*[^\n]*")
NAME = re.compile(r"\.name\s*=\s*([^,]+?)\s*,")
VERSION = re.compile(r"\.version_id\s*=\s*(\w+)\s*[,}\n]")
FIELDS = re.compile(r"\.fields\s*=\s*\(?[^{;]*\{")
# Macros of fields that are not always there, or whose first argument is not their name.
SOMETIMES = re.compile(r"TEST|_V$|VARRAY|POINTER|ALLOC|QTAILQ|QLIST|GTREE|BITMAP")
NAMELESS = re.compile(r"UNUSED|VALIDATE|WITH_TMP|END_OF_LIST")


class Declared(NamedTuple):
    """One declaration: the VMState's version, its fields, each with whether it is there whatever happens."""

    version: int | None
    fields: dict[str, bool]


class Tree(NamedTuple):
    """One release's: declarations by the architecture whose CPUs they are of (else "") and name, and all texts.

    `texts` are literals of the sources, by which a declaration that was not understood is noticed.
    """

    release: Version
    states: dict[tuple[str, str], list[Declared]]
    texts: frozenset[str]


def trees(repository: Path) -> Iterator[Tree]:
    """What each release declares, oldest first; last what is being developed.

    Raises
    ------
    subprocess.CalledProcessError : it is not a repository of QEMU
    """
    known: dict[str, tuple[frozenset[str], dict[str, str], list[tuple[str, Declared]]]] = {}
    for release, commit in _releases(repository):
        files = dict(_files(repository, commit))
        fresh = sorted(set(files.values()) - known.keys())
        for oid, raw in _contents(repository, fresh):
            names = {k.decode(): v.decode("latin-1") for k, v in DEFINED.findall(raw)}
            texts = frozenset(word.decode("latin-1") for word in STRING.findall(raw))
            found = list(declarations(raw.decode("latin-1"))) if b"VMState" in raw else []
            known[oid] = texts, names, found
        names = {name: text for oid in files.values() for name, text in known[oid][1].items()}
        states: dict[tuple[str, str], list[Declared]] = {}
        for path, oid in files.items():
            scope = TARGET.match(path)
            for written, one in known[oid][2]:
                name = _text(written, names)
                if name:
                    states.setdefault((scope[1] if scope else "", name), []).append(one)
        yield Tree(release, states, frozenset().union(*(known[oid][0] for oid in files.values())))


def declarations(text: str) -> Iterator[tuple[str, Declared]]:
    """Declarations of one file, each with its name as it is written there."""
    text = COMMENT.sub(" ", text)
    for found in HEAD.finditer(text):
        body = _within(text, found.end() - 1)
        for one in _elements(body) if found[1] else (body,):
            name = NAME.search(one)
            if name is not None:
                version = VERSION.search(one)
                yield name[1], Declared(_number(version[1]) if version else 0, _fields(one))


def _fields(body: str) -> dict[str, bool]:
    found = FIELDS.search(body)
    if found is None:
        return {}
    inner, passed, nested = _within(body, found.end() - 1), 0, 0
    fields: dict[str, bool] = {}
    for piece in PIECE.finditer(inner):
        if piece.start() < passed:
            continue
        if piece[0].startswith("#"):
            nested += 1 if piece[2] == "if" else -1
            continue
        inside = _within(inner, piece.end() - 1)
        passed = piece.end() + len(inside)
        if piece[0] == "{":
            name, always = _initialised(inside), False
        else:
            name = "" if NAMELESS.search(piece[1]) else " ".join(_first(inside).split())
            always = not nested and not SOMETIMES.search(piece[1])
        if name:
            fields[name] = always and fields.get(name, True)
    return fields


def _initialised(body: str) -> str:
    """The name in `{ .name = "…" }` or `{ .name = (stringify(…)) }`."""
    found = NAME.search(body + ",")
    if found is None:
        return ""
    written = re.fullmatch(r"\(?\s*stringify\((.*)\)\s*\)?", found[1])
    return written[1] if written else found[1].strip('"')


def _within(text: str, at: int) -> str:
    """What is between the bracket at `at` and the one that closes it."""
    depth, quoted = 0, False
    for index in range(at, len(text)):
        char = text[index]
        if char == '"' and text[index - 1] != "\\":
            quoted = not quoted
        elif not quoted and char in "([{":
            depth += 1
        elif not quoted and char in ")]}":
            depth -= 1
            if not depth:
                return text[at + 1 : index]
    return text[at + 1 :]


def _elements(body: str) -> Iterator[str]:
    at = body.find("{")
    while at >= 0:
        one = _within(body, at)
        yield one
        at = body.find("{", at + len(one))


def _first(text: str) -> str:
    depth = 0
    for index, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == "," and not depth:
            return text[:index]
    return text


def _number(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None


def _text(written: str, names: Mapping[str, str]) -> str:
    """A name that is put together of literals and macros; nothing where one of them is not known."""
    parts = [quoted or names.get(word, "\0") for quoted, word in WORD.findall(written)]
    text = "".join(parts)
    return "" if "\0" in text else text


# --- git -----------------------------------------------------------------------------------------


def _git(repository: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), *words], capture_output=True, check=True, text=True
    )
    return done.stdout


def _releases(repository: Path) -> Iterator[tuple[Version, str]]:
    log = _git(
        repository, "log", "--format=%H %s", "--extended-regexp", "--grep=^Update (version|VERSION)"
    )
    found = {parse(m[2]): m[1] for m in map(SUBJECT.fullmatch, log.splitlines()) if m is not None}
    yield from sorted((release, commit) for release, commit in found.items() if release >= FIRST)
    tip = DEVELOPMENT.fullmatch(_git(repository, "show", "HEAD:VERSION").strip())
    if tip is not None:
        major, minor = int(tip[1]), int(tip[2])
        yield ((major + 1, 0) if minor >= 2 else (major, minor + 1)), "HEAD"


def _files(repository: Path, commit: str) -> Iterator[tuple[str, str]]:
    for line in _git(repository, "ls-tree", "-r", commit).splitlines():
        about, _, path = line.partition("\t")
        if path.endswith(KINDS) and not path.startswith(LEFT_OUT):
            yield path, about.split()[2]


def _contents(repository: Path, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Blobs, asked for one at a time."""
    command = ["git", "-C", str(repository), "cat-file", "--batch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        asked, told = process.stdin, process.stdout
        assert asked is not None
        assert told is not None
        for name in names:
            asked.write(f"{name}\n".encode())
            asked.flush()
            size = int(told.readline().split()[2])
            yield name, told.read(size)
            told.read(1)
        asked.close()
