"""The pages as a whole: each is found from the index, each link leads somewhere, and the site has what is promised."""

from __future__ import annotations

import importlib.util
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from support.samples import REPOSITORY

HEADING = re.compile(r"^#{1,6} (.+?) *$", re.MULTILINE)


def _script(name: str) -> ModuleType:
    """A script of the site's, which is no package."""
    spec = importlib.util.spec_from_file_location(
        f"site_{name}", REPOSITORY / "docs" / "site" / f"{name}.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SITE, DOCSTRINGS = _script("build"), _script("docstrings")
KNOWN: dict[str, str] = SITE.pages()
RELATIVE = [
    (page, target)
    for page, text in KNOWN.items()
    for target in dict.fromkeys(SITE.links(text))
    if not SITE.is_external(target)
]


def _anchors(text: str) -> set[str]:
    """Where a link into a page may lead, named as the repository's host names headings."""
    found: set[str] = set()
    for heading in HEADING.findall(SITE.FENCED.sub("", text)):
        plain = SITE.LINK.sub(r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        again = sum(1 for one in found if re.fullmatch(rf"{re.escape(name)}(-\d+)?", one))
        found.add(f"{name}-{again}" if again else name)
    return found


def test_every_page_is_found_from_the_index() -> None:
    reached, new = set[str](), {SITE.INDEX}
    while new:
        page = new.pop()
        reached.add(page)
        there = {SITE.resolved(page, target) for source, target in RELATIVE if source == page}
        new |= (there & KNOWN.keys()) - reached
    assert KNOWN.keys() - reached == set()


@pytest.mark.parametrize("page", [page for page in KNOWN if page.startswith("docs/")])
def test_the_index_itself_names_every_page_of_the_documentation(page: str) -> None:
    listed = {SITE.resolved(SITE.INDEX, target) for target in SITE.links(KNOWN[SITE.INDEX])}
    assert page == SITE.INDEX or page in listed


@pytest.mark.parametrize(("page", "target"), RELATIVE, ids=lambda one: one)
def test_a_link_leads_to_what_is_there(page: str, target: str) -> None:
    path = SITE.resolved(page, target)
    assert (REPOSITORY / path).exists()
    if anchor := target.partition("#")[2]:
        assert anchor in _anchors(KNOWN[path])


@pytest.mark.parametrize(
    ("page", "target", "path"),
    [
        ("README.md", "docs/api.md", "docs/api.md"),
        ("docs/api.md", "../SECURITY.md#how-to-report", "SECURITY.md"),
        ("docs/api.md", "ci.md", "docs/ci.md"),
        ("docs/api.md", "#here", "docs/api.md"),
    ],
)
def test_a_link_is_read_from_where_it_stands(page: str, target: str, path: str) -> None:
    assert SITE.resolved(page, target) == path


def test_what_is_no_page_is_no_link_on_the_site() -> None:
    text = "[a](b.md), [c `d`](../src), [f](https://g), [h](no)\n```text\n[a](../src)\n```\n"
    assert SITE.for_site("docs/x.md", text, {"docs/b.md": ""}) == (
        "[a](b.md), c `d`, [f](https://g), [h](no)\n```text\n[a](../src)\n```\n"
    )


def test_a_page_stands_once_in_the_contents() -> None:
    text = "[a](a.md)\n## One\n[b](b.md) [c](c.md)\n## Two\n[see](c.md)\n"
    assert SITE.contents(text) == {
        "": {"a.md": "a"},
        "One": {"b.md": "b"},
        "Two": {"c.md": "see"},
    }


def test_the_reference_has_every_name_that_is_promised(tmp_path: Path) -> None:
    SITE.lay_out(tmp_path)
    for module in ("migstream", "migstream.vmstate", "migstream.savevm", "migstream.edit"):
        page = (tmp_path / "docs" / "reference" / f"{module}.rst").read_text()
        for name in import_module(module).__all__:
            assert re.search(rf"^(\.\. \S+:: (\S+\.)?|``){name}\b", page, re.MULTILINE), name
    assert "reference/migstream.savevm" in (tmp_path / SITE.INDEX).read_text()


def test_a_docstring_is_read_as_it_is_written() -> None:
    lines = """Read it.

    value = read(it)

Parameters
----------
it : what to read,
    and more
a, b : two

Raises
------
ValueError : it is not
""".splitlines()
    assert DOCSTRINGS.restructured(lines) == [
        "Read it.",
        "",
        "::",
        "",
        "    value = read(it)",
        "",
        "",
        ":Parameters:",
        "    - ``it``: what to read, and more",
        "    - ``a, b``: two",
        "",
        "",
        ":Raises:",
        "    ``ValueError``: it is not",
        "",
    ]


def test_the_first_screen_shows_what_people_have() -> None:
    """A save image of libvirt's and a snapshot, before anything has to be scrolled."""
    first = "\n".join((REPOSITORY / "README.md").read_text().splitlines()[:25])
    assert "libvirt save image of" in first
    assert "qcow2 snapshot" in first
