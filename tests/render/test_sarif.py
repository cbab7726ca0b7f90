"""SARIF: what the standard asks for, links to the pages of rules, and fingerprints that stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import migstream
from migstream.analysis.check import Report
from migstream.analysis.codes import pages
from migstream.analysis.findings import Finding
from migstream.render.sarif import PRINT, sarif
from migstream.wire.model import Span
from support.samples import REPOSITORY, Sample
from support.sarif import SARIF

HOME = "https://example.org/migstream/docs"

CODES = st.sampled_from([page.code for page in pages()])
TEXTS = st.text(st.characters(exclude_categories=()), max_size=20)
FINDINGS = st.builds(
    Finding,
    code=CODES,
    severity=st.sampled_from(["error", "warning", "note"]),
    message=st.text(min_size=1, max_size=20),
    section=TEXTS,
    path=TEXTS,
    span=st.none()
    | st.tuples(st.integers(0, 1 << 40), st.integers(0, 1 << 20)).map(
        lambda pair: Span(pair[0], pair[0] + pair[1])
    ),
    expected=TEXTS,
    found=TEXTS,
)


def run_of(report: Report) -> dict[str, Any]:
    document = json.loads(sarif(report))
    SARIF.validate(document)
    [run] = document["runs"]
    for result in run["results"]:
        rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
    found: dict[str, Any] = run
    return found


def prints(report: Report) -> list[str]:
    return [result["partialFingerprints"][PRINT] for result in run_of(report)["results"]]


@given(st.lists(FINDINGS, max_size=8), st.booleans())
def test_any_findings_are_valid(findings: list[Finding], complete: bool) -> None:
    report = Report(file="a b.mig", size=1 << 20, findings=tuple(findings), complete=complete)
    run = run_of(report)
    assert [result["ruleId"] for result in run["results"]] == [one.code for one in findings]
    told = prints(report)
    assert len(told) == len({*told})  # no two are taken for one
    assert told == prints(report)  # and each is the same in another run


@given(st.lists(FINDINGS, max_size=8), st.integers(1, 1 << 30))
def test_a_fingerprint_stays_where_the_bytes_moved(findings: list[Finding], by: int) -> None:
    moved = [
        msgspec.structs.replace(
            one, span=None if one.span is None else Span(one.span.start + by, one.span.stop + by)
        )
        for one in findings
    ]
    old, new = (
        Report(file=file, size=1 << 40, findings=tuple(several), complete=True)
        for file, several in (("old.mig", findings), ("new.mig", moved))
    )
    assert prints(old) == prints(new)


def test_of_a_real_stream(named_sample: Callable[[str], Sample], tmp_path: Path) -> None:
    """A device in front is dropped, so that all offsets are others: the findings are the same."""
    whole = named_sample("isapc-7.2.mig").path
    with migstream.edit(whole) as edit:
        edit.drop("timer[0]")
        edit.save(tmp_path / "less.mig")
    old, new = (migstream.check(path) for path in (whole, tmp_path / "less.mig"))
    assert [one.span for one in old.findings] != [one.span for one in new.findings]
    assert prints(old) == prints(new)
    assert len(prints(old)) >= 1


@pytest.mark.parametrize(
    ("variable", "urls", "page"),
    [
        ("", [], None),
        ("", [f"Documentation, {HOME}"], f"{HOME}/check.md"),
        ("", [f"Documentation, {HOME}/"], f"{HOME}/check.md"),
        (f"{HOME}/", [], f"{HOME}/check.html"),
        (HOME, ["Documentation, https://other.invalid"], f"{HOME}/check.html"),
    ],
)
def test_a_rule_links_to_its_line_in_the_documentation(
    variable: str, urls: list[str], page: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the environment says where the pages are, else as the package's metadata does."""

    class Metadata:
        def get_all(self, name: str) -> list[str]:
            assert name == "Project-URL"
            return urls

    monkeypatch.setattr("importlib.metadata.metadata", lambda _: Metadata())
    monkeypatch.setenv("MIGSTREAM_DOCS", variable)
    finding = Finding(code="MS563", severity="warning", message="a register")
    run = run_of(Report(file="x", size=1, findings=(finding,), complete=True))
    [rule] = run["tool"]["driver"]["rules"]
    if page is None:
        assert "helpUri" not in rule
    else:
        assert rule["helpUri"] == f"{page}#ms563"
    assert "migstream explain MS563" in rule["help"]["text"]


def test_every_code_has_its_place_there() -> None:
    text = (REPOSITORY / "docs" / "check.md").read_text()
    for page in pages():
        severity = f" {page.severity} |" if page.code >= "MS500" else ""  # errors are errors
        row = f'| <a id="{page.code.lower()}"></a>{page.code} |{severity} {page.title} |'
        assert text.count(row) == 1, row
