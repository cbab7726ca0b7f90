"""What real QEMUs can say of a migration is known: the texts of their own programs, each recognised or not of this kind."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from migstream.analysis.explain.log import explain
from migstream.qemu.words.recognise import recognise
from support.qemu import REQUIRED, Binary, find

TARGETS = ("x86_64", "aarch64", "ppc64", "s390x")


def _program(binary: Binary) -> Path:
    """Its file."""
    if binary.root is not None:
        return binary.root / "usr" / "bin" / binary.name
    return Path(shutil.which(binary.name) or binary.name)


def _is_elf(path: Path) -> bool:
    """Whether it is the program itself, and not a script that starts it."""
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


BINARIES = [
    binary
    for target in TARGETS
    for binary in find(f"qemu-system-{target}")
    if _is_elf(_program(binary))
]
LITERAL = re.compile(rb"[\x20-\x7e\t\n]{12,400}(?=\0)")
MOST = 64 << 20  # bytes of a program that are looked at
FEWEST = 100  # texts of each program that are held against the table

# A text is one of these where it speaks of a migration, and says that something is not as it should be.
TOPIC = re.compile(
    r"migrat|savevm|loadvm|post-?copy|multifd|snapshot|vm ?state|dirty[- ]bitmap|switchover|\bincoming\b"
    r"|ram ?block|mapped-ram|return[- ]path|xbzrle|ram_(?:save|load)|device state|section footer"
    r"|ost doesn't support requested feature"
    r"|(?:load|sav)(?:e|ed|ing)? (?:the )?(?:state|section|subsection|registers|gtree|non-iterable)",
    re.IGNORECASE,
)
WRONG = re.compile(
    r"fail|error|cannot|can't|can not|could ?n[o']t|unable|invalid|not support|unsupported|does(?: not|n't)|do not"
    r"|not compatible|incompatible|must|require|mismatch|unknown|missing|already|not found|\bno \b"
    r"|too (?:large|small|big|long|many)|illegal|unexpected|exclusive|not allowed|disallow|not enabled|blocked"
    r"|without|\bbad\b|disabled|refus|denied|lost|duplicate|wrong",
    re.IGNORECASE,
)
# Texts of other kinds, by their form: options and help, conditions of assertions, lines of traces, code.
OTHER_FORM = re.compile(
    r"^\s*[-,\[{<#]|\n.*\n|^[A-Za-z_]+\(|==|&&|\|\||->|%d@|^[a-z_0-9.]+ [a-z_]+[ =:]|\(default|::|^[a-z_]+_fail "
    r"|^postcopy_request_shared_page"
)
# The same, one by one: what each is instead.
OTHER = {
    "Enable device migration. Also requires": "help of an option",
    "Enale device migration. Also requires": "help of an option",
    "Followup to a migration command": "help of a command",
    "Outgoing migration blocked:": "a heading of `info migrate`",
    "do not alloc ": "of Xen's map cache",
    "Failed to create ram block attribute": "a machine that does not start",
    "%s: %s in the incoming stream but unknown": "recognised by the register that QEMU fills in",
    "tolerate_cpreg_missing_in_incoming_stream %s": "a line of a trace",
    "qemu_vfio_init_ramblock": "of a disk (NVMe)",
    'RAMBlock "%s" already registered': "a machine that does not start",
    "Controller is disabled. Incoming": "of a CAN bus",
    "host doesn't support requested feature": "recognised by the feature that QEMU fills in",
    "RAM block not found": "of the monitor's commands about memory",
}
FORM = re.compile(
    r"%(?P<flag>#?)[-+ 0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|j|z|t)?(?P<kind>[diouxXcspm%])"
)
VALUES = {"d": "5", "i": "5", "u": "7", "x": "1f", "X": "1F", "o": "17", "c": "c", "p": "0x7f00", "%": "%"}  # fmt: skip


def _filled(text: str) -> str:
    """A format with values in it; one that ends where a reason follows gets one."""

    def value(found: re.Match[str]) -> str:
        plain = VALUES.get(found["kind"], "word")
        return f"0x{plain}" if found["flag"] else plain

    line = FORM.sub(value, text)
    return (f"{line}reason" if line.endswith(": ") else line).strip()


def _texts(binary: Binary) -> Iterator[str]:
    """The texts of a program that speak of a migration that goes wrong."""
    with _program(binary).open("rb") as file:
        data = file.read(MOST)
    for literal in {found[0] for found in LITERAL.finditer(data)}:
        text = literal.decode()
        telling = " " in text.strip() and TOPIC.search(text) and WRONG.search(text)
        if telling and not OTHER_FORM.search(text.strip()):
            yield text


@pytest.mark.skipif(not BINARIES and not REQUIRED, reason="no QEMU here")
@pytest.mark.parametrize("binary", BINARIES, ids=str)
def test_each_text_is_recognised_or_of_another_kind(binary: Binary) -> None:
    texts = sorted(_texts(binary))
    assert len(texts) >= FEWEST
    unknown = [
        text
        for text in texts
        if not recognise(f"{binary.name}: {_filled(text)}")
        and not any(
            text.removeprefix("%s: ").startswith(other) or text.startswith(other) for other in OTHER
        )
    ]
    assert unknown == []


@pytest.mark.skipif(not BINARIES and not REQUIRED, reason="no QEMU here")
@pytest.mark.parametrize("binary", BINARIES[:1], ids=str)
def test_what_is_recognised_is_explained_inside_of_a_log(binary: Binary) -> None:
    """With libvirt's time before it, and a line behind it that says nothing of why."""
    for text in _texts(binary):
        line = _filled(text)
        said = recognise(line)
        if not said or said[0].message.kind != "cause":
            continue
        log = (
            f"2026-11-20T10:11:12.123456Z {binary.name}: {line}\n"
            "2026-11-20 10:11:12.345+0000: shutting down, reason=failed\n"
        )
        one = explain(log)
        assert one.cause is not None, line
        assert one.cause.message.name in {each.message.name for each in said}, line
