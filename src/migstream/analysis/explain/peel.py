"""Logs as people paste them: wrappers peeled off until the lines are those that a program wrote.

A line may be JSON (KubeVirt's and others'), escaped once or twice, several lines glued together, a
line of journald's or syslog's, inside a Python traceback or an error of libvirt's that quotes QEMU.
What comes out are *spoken* lines: who spoke, when, and the words.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

import msgspec

from migstream.analysis.explain.rejoin import rejoin

__all__ = ["LONGEST", "MOST_LINES", "Spoken", "peel"]

MOST_LINES = 1 << 16
LONGEST = 1 << 15  # characters of a line, of which JSON may have several lines
DEEPEST = 6
TERMINAL = 80  # columns
MOST_CLOSING = 32
DECODER = json.JSONDecoder()

# ECMA-48: CSI and OSC sequences, and what a terminal makes of them.
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
WHEN = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|[+-]\d\d:?\d\d))?"
# A program's name as QEMU puts it before what it says.
PROGRAM = r"(?:qemu(?:-system-[\w.-]+|-kvm|-img)?|kvm)"
SPEAKER = rf"(?:/\S*/)?{PROGRAM}"
SYSLOG = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
RFC5424 = rf"<\d{{1,3}}>1 (?P<when>{WHEN}) \S+ \S+ \S+ \S+ (?:-|\[[^\]]*\])(?: |$)"
KLOG = r"[EWIF]\d{4} (?P<when>\d\d:\d\d:\d\d\.\d+) +\d+ \S+:\d+\](?: |$)"
GLUED = re.compile(
    rf"(?=<\d{{1,3}}>1 {WHEN} )|(?=[EWIF]\d{{4}} \d\d:\d\d:\d\d\.\d+ +\d+ \S+:\d+\])|"
    rf"(?={WHEN}:? {SPEAKER}: )|(?<=\w)(?={WHEN}[Z: ])|(?={SYSLOG} \S+ [\w./-]+(?:\[\d+\])?:)"
)
VDSM = re.compile(r" \(\w+:\d{1,6}\)$")  # which line of its source says it
SPOKEN = re.compile(rf"\b{PROGRAM}: ")
QEMU = "qemu"
GENERIC = "libvirt"  # QEMU says "error:", too
# What stands before the words, outermost first; each is tried again until none fits.
PREFIXES = (
    ("", re.compile(rf"(?:[A-Z][a-z]{{2}} )?(?P<when>{WHEN}):?(?:\s+|$)")),
    ("", re.compile(r"(?P<when>\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]?)\s+")),
    ("", re.compile(RFC5424)),
    ("", re.compile(KLOG)),
    ("", re.compile(r"(?:> ?)+(?=[^\s>])")),  # what a mail answers to
    ("", re.compile(r"(?:- )?(?:message|reason|msg|log): ['\"](?=\w)")),  # YAML's, of Kubernetes
    ("", re.compile(r"std(?:out|err) [FP](?: |$)")),  # CRI: a container's output, whole or part of a line
    ("", re.compile(r"\[(?P<when>[ \d.]+)\]\s+")),  # the kernel's clock
    # syslog and journald: month, day, time, host, program
    ("", re.compile(r"(?P<when>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)\s+\S+\s+(?P<who>[\w./-]+)(?:\[\d+\])?:(?:\s+|$)")),
    (QEMU, re.compile(rf"(?P<who>{SPEAKER})(?:\[\d+\])?:\s+")),
    # libvirt's own log: thread, level, function and line
    ("libvirt", re.compile(r"\d+: (?:error|warning) : (?:\w+:\d+ : )?")),
    ("", re.compile(r"\d+: (?:info|debug) : (?:\w+:\d+ : )?")),  # what went well
    ("libvirt", re.compile(r"(?P<who>libvirtd?|virt[a-z]*d|virt-handler|virt-launcher|virsh)(?:\[\d+\])?:\s+")),
    ("", re.compile(r"(?:\d+ )?(?:ERROR|WARNING|INFO|DEBUG|CRITICAL|FATAL|E|W|I)(?::| +\S+ +\[[^\]]*\](?: +\[instance: [^\]]*\])?)(?: +|$)")),
    (GENERIC, re.compile(r"(?:error|Error): (?=\S)")),
    ("libvirt", re.compile(r"(?:libvirt\.libvirtError|LibvirtError|libvirtError)(?:\(.*?[Mm]essage=['\"]|: )")),
    ("libvirt", re.compile(r"(?:internal error|operation failed|Requested operation is not valid|unsupported configuration): ")),
    ("libvirt", re.compile(r"(?:QEMU|qemu|process) (?:unexpectedly closed the monitor|exited while connecting to monitor)(?: \(vm='[^']*'\))?: *")),
    ("libvirt", re.compile(r"unable to execute QEMU command '[\w-]+': ")),
    ("libvirt", re.compile(r"(?:job|migration(?: out| in)?(?: job)?|snapshot(?: job)?|domain save job)[:'\w ]* failed: (?=\S)")),
)  # fmt: skip
OF_WRAPPERS = {
    prefix for _, prefix in PREFIXES if prefix.match("ERROR: x") or prefix.match("Error: x")
}
# Keys under which programs put what they say into JSON.
KEYS = (
    "msg",
    "message",
    "MESSAGE",
    "log",
    "reason",
    "stderr",
    "error",
    "err",
    "text",
    "body",
    "@message",
    "failureReason",
    "details",
    "content",
    "desc",
    "error-desc",
    "errmsg",
    "line",
    "_raw",
    "short_message",
    "full_message",
)
LOGFMT = re.compile(rf'(?:^| )(?:{"|".join(map(re.escape, KEYS))})=("(?:[^"\\]|\\.)*")')
QUOTES = re.compile(r"^[\"'`]+")
CLOSING = frozenset("\"'`)]}")
APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")  # as in "can't", which closes nothing
OCTAL = re.compile(r"(?<!&)#(0[0-3][0-7])")  # rsyslog's form of a control character
# What word processors, web pages and mail put in the place of plain characters; None: nothing.
PLAINER = str.maketrans(
    {
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "\u00a0": " ",
        "\u202f": " ",
        "\u200b": None,
        "\ufeff": None,
    }
)
BREAKS = re.compile(r"</?(?:br|p|div|li|tr|pre)\b[^<>]{0,200}>", re.IGNORECASE)
TAGS = re.compile(
    r"</?(?:span|code|tt|samp|td|th|b|i|em|strong|font)\b[^<>]{0,200}>", re.IGNORECASE
)
DOUBLED = re.compile(r"''([^'\s][^']{0,300})''|(?<=\w)''(?=\w)")  # YAML's 'a' between apostrophes
ESCAPES = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([nrt\"'/\\]))")
PLAIN = {"n": "\n", "r": "\n", "t": "\t"}


FILLED = re.compile(r"[^\n]+")


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """One line that a program wrote.

    Attributes
    ----------
    number : of the line of the log that it stood in, from 1
    who : "qemu" or "libvirt" where the line says so, else empty
    when : the innermost time, as it is written
    text : the words
    full : whether no line of the log is longer: perhaps a terminal broke it there
    bare : whether nothing was peeled off, neither who speaks nor when
    """

    number: int
    who: str
    when: str
    text: str
    full: bool = False
    bare: bool = False


def peel(text: str) -> Iterator[Spoken]:
    """Every line that was spoken, in order; empty ones are left out, those that were broken are whole."""
    return rejoin(list(_peeled(text)))


def _peeled(text: str) -> Iterator[Spoken]:
    lines = deque(_numbered(text), MOST_LINES)
    widths = Counter(len(line) for _, line in lines)
    width = max(widths, default=0)
    broken = widths[width] > 1 or width == TERMINAL
    for number, line in lines:
        pieces = list(_unwrapped(line[:LONGEST], DEEPEST))
        for one in pieces:
            spoken = _spoken(number, one)
            if spoken.text:
                bare = len(pieces) == 1 and not (spoken.who or spoken.when or SPOKEN.search(one))
                yield msgspec.structs.replace(spoken, full=broken and len(line) == width, bare=bare)


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are not empty, with their numbers as editors count them; one by one, as there may be many."""
    number = stop = 0
    for found in FILLED.finditer(text):
        number += text.count("\n", stop, found.start())
        stop = found.start()
        yield from ((number + 1, line) for line in found[0].splitlines() if line)


def _unwrapped(line: str, depth: int) -> Iterator[str]:
    """The line without JSON, escapes, colours and glue around what it says."""
    line = ANSI.sub("", line).strip()
    if not line.isascii():
        line = line.translate(PLAINER).strip()
    if depth and (inner := _json(line) or _logfmt(line)):
        for text in inner:
            for one in text.splitlines():
                yield from _unwrapped(one, depth - 1)
        return
    plain = _plain(line) if depth else line
    if plain != line:
        for one in plain.splitlines():
            yield from _unwrapped(one, depth - 1)
        return
    yield from (piece for piece in GLUED.split(line) if piece)


def _logfmt(line: str) -> list[str]:
    """What the pairs of a line such as `level=error msg="..."` say."""
    found = []
    for pair in LOGFMT.finditer(line):
        try:
            found.append(str(json.loads(pair[1])))
        except ValueError:
            continue
    return found


def _json(line: str) -> list[str]:
    """What the JSON of a line says, one document or several, with what stands around it; nothing where none does."""
    found: list[str] = []
    said, at = False, 0
    while (start := line.find("{", at)) >= 0:
        try:
            table, stop = DECODER.raw_decode(line, start)
        except (ValueError, RecursionError):
            break
        texts = list(_texts(table, DEEPEST))
        said = said or bool(texts)
        found += [line[at:start].strip(), *texts]
        at = stop
    return [one for one in (*found, line[at:].strip()) if one] if said else []


def _texts(thing: Any, depth: int) -> Iterator[str]:
    if not depth:
        return
    if isinstance(thing, list):
        for one in thing:
            if isinstance(one, str):  # lists of lines, and pairs of a time and a line
                yield one
            else:
                yield from _texts(one, depth - 1)
    elif isinstance(thing, dict):
        for key, value in thing.items():
            if key in KEYS and (said := _words(value)):
                yield said
            elif not isinstance(value, str):
                yield from _texts(value, depth - 1)


def _words(value: Any) -> str:
    """A text, which journald writes as a list of its bytes where they are not plain; empty where it is none."""
    if (
        isinstance(value, list)
        and value
        and all(isinstance(b, int) and 0 <= b < 256 for b in value)
    ):
        return bytes(value).decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def _plain(line: str) -> str:
    r"""The line without one layer of escapes: `\n`, `'`, `&#10;`, `&quot;`, `#012`."""
    if "#0" in line:
        line = OCTAL.sub(lambda m: chr(int(m[1], 8)), line)
    if "\\" in line:
        line = ESCAPES.sub(lambda m: chr(int(m[1], 16)) if m[1] else PLAIN.get(m[2], m[2]), line)
        line = "".join(char for char in line if not 0xD800 <= ord(char) < 0xE000)
    if "<" in line:
        line = TAGS.sub("", BREAKS.sub("\n", line))
    if "''" in line:
        line = DOUBLED.sub(lambda m: f"'{m[1]}'" if m[1] else "'", line)
    return html.unescape(line) if "&" in line else line


def _spoken(number: int, line: str) -> Spoken:
    """The line without what stands before the words."""
    who, when, text = "", "", line.strip()
    again = True
    while again and text:
        again = False
        for speaker, prefix in PREFIXES:
            if who == QEMU and prefix in OF_WRAPPERS:
                continue  # behind its own name it is part of what QEMU says
            found = prefix.match(text) or (prefix.match(QUOTES.sub("", text)))
            if found is None or not found.end():
                continue
            text = (
                text[found.end() :] if prefix.match(text) else QUOTES.sub("", text)[found.end() :]
            )
            when = found.groupdict().get("when") or when
            who = who if speaker == GENERIC and who else speaker or who
            again = True
            break
    return Spoken(
        number=number,
        who=who,
        when=when.strip("[] "),
        text=_unquoted(VDSM.sub("", text)).rstrip(" >$"),
    )


def _unquoted(text: str) -> str:
    """Without quotes and brackets at the end that were opened in what was peeled off."""
    for _ in range(MOST_CLOSING):
        if not text or text.removesuffix(",")[-1:] not in CLOSING:
            break
        closed = text.removesuffix(",")  # of a list
        last = closed[-1]
        opener = {")": "(", "]": "[", "}": "{"}.get(last, last)
        marks = APOSTROPHE.sub("", closed)
        even = (
            marks.count(last) % 2 == 0
            if opener == last
            else marks.count(opener) >= marks.count(last)
        )
        # QEMU quotes as `this', too
        if even or (last == "'" and text.count("`") + text.count("'") > 1 and text.count("`") % 2):
            break
        text = closed[:-1].rstrip()
    return text
