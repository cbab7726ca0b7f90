"""Findings as text and in the formats that other programs read: JSON, NDJSON, SARIF, JUnit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from migstream.analysis.findings import SEVERITIES, Finding, Severity
from migstream.names import json_text
from migstream.render.answer import Answer, Pair
from migstream.render.sarif import sarif, sentence
from migstream.render.shown import Mark, Part, line, name
from migstream.render.text import escape, prose

if TYPE_CHECKING:
    from migstream.analysis.check import Report

__all__ = [
    "FORMATS",
    "SUFFIXES",
    "Check",
    "FindingAnswer",
    "Found",
    "finding_answer",
    "finding_parts",
    "render",
    "report_parts",
    "summary",
]

LONGEST = 160
MOST = 20  # findings of one code that are printed without --all
PLURAL = {"error": "errors", "warning": "warnings", "note": "notes"}


class FindingAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found; texts are empty where there is nothing to say.

    `migstream explain CODE` has a page on `code`. `section` is empty and `span` null where it is about
    the whole stream; `path` names the value, or the section where it is about no value.
    """

    code: str
    severity: Severity
    section: str
    path: str
    message: str
    expected: str
    found: str
    why: str
    span: Pair | None
    hint: str


class Check(Answer, tag="check", frozen=True, kw_only=True):
    """What was found in a stream, by place; not `complete` where it could not be read to its end."""

    file: str
    size: int
    complete: bool
    findings: list[FindingAnswer]


class Found(Answer, tag="check", frozen=True, kw_only=True):
    """A line of NDJSON: one thing that was found, as `findings` has it, and in which stream."""

    file: str
    code: str
    severity: Severity
    section: str
    path: str
    message: str
    expected: str
    found: str
    why: str
    span: Pair | None
    hint: str


# --- for people ----------------------------------------------------------------------------------


def report_parts(report: Report, *, verbose: bool, everything: bool) -> Iterator[Part]:
    """Every finding as a paragraph, and a line that counts them; the first of a code unless everything is wanted."""
    count: Counter[str] = Counter()
    for finding in report.findings:
        count[finding.code] += 1
        if everything or count[finding.code] <= MOST:
            yield from finding_parts(finding, report.file, verbose=verbose)
    for code, n in count.items():
        if n > MOST and not everything:
            yield f"… and {n - MOST} more of {code} (--all)"
    yield summary(report)


def summary(report: Report) -> str:
    """How many of each severity, in one line."""
    count = Counter(f.severity for f in report.findings)
    parts = [f"{count[s]} {s if count[s] == 1 else PLURAL[s]}" for s in SEVERITIES if count[s]]
    text = f"{escape(report.file)}: {', '.join(parts) or 'nothing found'}"
    return text if report.complete else f"{text}; it could not be read to its end"


def finding_parts(finding: Finding, file: str, *, verbose: bool) -> Iterator[Part]:
    """Where and what; expected and found; what to do next. With `verbose` also what it means."""
    place = escape(file)
    if finding.span is not None:
        place += f":{finding.span.start:#x}"
    inside = escape(finding.path or finding.section)
    told = f" {finding.code}: {_short(finding.message)}"
    yield line(
        place,
        " " if inside else "",
        name(inside),
        ": ",
        Mark(finding.severity, finding.severity),
        told,
    )
    if finding.expected or finding.found:
        sides = [f"expected {_short(finding.expected)}"] if finding.expected else []
        sides += [f"found {_short(finding.found)}"] if finding.found else []
        yield f"  {', '.join(sides)}"
    if verbose and finding.span is not None:
        yield f"  bytes {finding.span}"
    if verbose and finding.why:
        yield f"  {finding.why}"
    if finding.hint:
        yield f"  hint: {_short(finding.hint)}"
    if verbose:
        yield f"  more: migstream explain {finding.code}"


def _short(text: str) -> str:
    text = prose(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


# --- for programs --------------------------------------------------------------------------------


def finding_answer(finding: Finding) -> FindingAnswer:
    """One finding as JSON has it."""
    return FindingAnswer(**msgspec.structs.asdict(finding))


def _json(report: Report) -> bytes:
    answer = Check(
        file=report.file,
        size=report.size,
        complete=report.complete,
        findings=[finding_answer(f) for f in report.findings],
    )
    return json_text(answer, pretty=True) + b"\n"


def _ndjson(report: Report) -> bytes:
    rows = (Found(file=report.file, **msgspec.structs.asdict(f)) for f in report.findings)
    return b"".join(json_text(row, pretty=False) + b"\n" for row in rows)


def _junit(report: Report) -> bytes:
    """JUnit XML: a test for each finding, and one that the stream was read to its end; notes pass."""
    from xml.etree import ElementTree as ET

    failed = [f for f in report.findings if f.severity != "note"]
    suite = ET.Element(
        "testsuite",
        name=f"migstream check {escape(report.file)}",
        tests=str(len(report.findings) + 1),
        failures=str(len(failed) + (not report.complete)),
        errors="0",
    )
    end = ET.SubElement(suite, "testcase", classname=escape(report.file), name="read to its end")
    if not report.complete:
        ET.SubElement(end, "failure", message="the stream could not be read to its end")
    for finding in report.findings:
        where = "" if finding.span is None else f" at {finding.span.start:#x}"
        case = ET.SubElement(
            suite,
            "testcase",
            classname=escape(report.file),
            name=f"{finding.code} {escape(finding.path)}{where}".strip(),
        )
        kind = "system-out" if finding.severity == "note" else "failure"
        attributes: dict[str, str] = {} if kind == "system-out" else {"type": finding.severity}
        inside = ET.SubElement(case, kind, attributes)
        told = [prose(sentence(finding)), finding.why, prose(finding.hint)]
        inside.text = "\n".join(told).strip()
        if kind == "failure":
            inside.set("message", prose(finding.message))
    text: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


FORMATS = {"json": _json, "ndjson": _ndjson, "sarif": sarif, "junit": _junit}
SUFFIXES = {".json": "json", ".ndjson": "ndjson", ".sarif": "sarif", ".xml": "junit"}


def render(report: Report, form: str) -> bytes:
    """The report as one of FORMATS."""
    return FORMATS[form](report)
