"""Findings as SARIF 2.1.0 (OASIS), as code scanning services take them: places are byte offsets."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from migstream._version import __version__
from migstream.names import encoded, json_text

if TYPE_CHECKING:
    from migstream.analysis.check import Report
    from migstream.analysis.codes import Page
    from migstream.analysis.findings import Finding

__all__ = ["PRINT", "sarif", "sentence"]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
PRINT = "migstreamFinding/v1"
DIGITS = 32  # of a fingerprint, hexadecimal
NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+")
PAGE, BUILT = (
    "check.md",
    "check.html",
)  # in the folder of pages as it lies in the repository, and as it is built
VARIABLE = "MIGSTREAM_DOCS"  # where somebody has put what `make docs` builds: its folder `docs`


def sarif(report: Report) -> bytes:
    """The report as one run of one tool."""
    pages = _pages(report.findings)
    index = {page.code: number for number, page in enumerate(pages)}
    seen: Counter[str] = Counter()
    home = _documentation()
    run = {
        "tool": {
            "driver": {
                "name": "migstream",
                "version": __version__,
                **({"informationUri": home} if home else {}),
                "rules": [_rule(page, home) for page in pages],
            }
        },
        "automationDetails": {"id": f"{report.file}/"},  # GitHub: a category for each stream
        "results": [_result(f, report.file, index, seen) for f in report.findings],
        "invocations": [{"executionSuccessful": report.complete}],
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json_text(document, pretty=True) + b"\n"


def _pages(findings: Iterable[Finding]) -> list[Page]:
    from migstream.analysis.codes import page

    codes = sorted({f.code for f in findings})
    return [one for one in map(page, codes) if one is not None]


def _documentation() -> str | None:
    """The page of codes: where the environment or the package's metadata says that it is, None where neither does."""
    if place := os.environ.get(VARIABLE):
        return f"{place.rstrip('/')}/{BUILT}"
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        urls = metadata("migstream").get_all("Project-URL") or []
    except PackageNotFoundError:
        return None
    named = dict(url.split(", ", 1) for url in urls)
    place = named.get("Documentation")
    return f"{place.rstrip('/')}/{PAGE}" if place else None


def _rule(page: Page, home: str | None) -> dict[str, Any]:
    """What is known of a code; its page goes along, so that it can be read without a network."""
    text = f"{page.title}.\n\n{page.text}\n\nMore: migstream explain {page.code}"
    link = {"helpUri": f"{home}#{page.code.lower()}"} if home else {}
    return {
        "id": page.code,
        "shortDescription": {"text": page.title},
        "fullDescription": {"text": page.text},
        **link,
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": page.severity},
    }


def _result(
    finding: Finding, file: str, index: dict[str, int], seen: Counter[str]
) -> dict[str, Any]:
    from urllib.parse import quote

    # a stream has no lines, but GitHub shows no result that is not in one
    region = {"startLine": 1}
    if finding.span is not None:
        region |= {"byteOffset": finding.span.start, "byteLength": finding.span.size}
    physical: dict[str, Any] = {
        "artifactLocation": {"uri": quote(encoded(file))},
        "region": region,
    }
    location: dict[str, Any] = {"physicalLocation": physical}
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path}]
    rule = {"ruleIndex": index[finding.code]} if finding.code in index else {}
    return {
        "ruleId": finding.code,
        **rule,
        "level": finding.severity,
        "message": {"text": sentence(finding)},
        "locations": [location],
        "partialFingerprints": {PRINT: _fingerprint(finding, seen)},
    }


def _fingerprint(finding: Finding, seen: Counter[str]) -> str:
    """What tells a finding again in another run over a stream of the same guest.

    It is made of the code and of where it is by name, not by offset, so it stays where the bytes moved
    or another value is wrong now; of several that have it in common each has its number.
    """
    parts = [finding.code, finding.section, finding.path, NUMBER.sub("0", finding.message)]
    digest = hashlib.sha256(b"\0".join(map(encoded, parts))).hexdigest()[:DIGITS]
    seen[digest] += 1
    return f"{digest}:{seen[digest]}"


def sentence(finding: Finding) -> str:
    """What is wrong, with what was expected and what was found."""
    parts = [finding.message]
    parts += [f"expected {finding.expected}"] if finding.expected else []
    parts += [f"found {finding.found}"] if finding.found else []
    return "; ".join(parts)
