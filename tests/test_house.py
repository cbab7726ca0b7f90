"""The shape of the house: no circles of imports, and no room in which one loses one's way."""

from __future__ import annotations

import grimp
import pytest

from support.samples import REPOSITORY

MOST_LINES = 500
TABLES = {"analysis/rules/limits.py", "machine/map/boards.py"}


def circles(graph: grimp.ImportGraph) -> list[set[str]]:
    """Modules that import each other, in however many steps."""
    below = {module: graph.find_upstream_modules(module) for module in graph.modules}
    return [
        {module, *(one for one in below[module] if module in below[one])}
        for module in sorted(below)
        if any(module in below[one] for one in below[module])
    ]


@pytest.mark.slow
def test_no_module_imports_itself_by_way_of_others() -> None:
    """Imports inside of functions count; those that only a type checker sees do not."""
    graph = grimp.build_graph("migstream", exclude_type_checking_imports=True)
    assert circles(graph) == []


def test_a_circle_is_found() -> None:
    graph = grimp.ImportGraph()
    for one, other in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")):
        graph.add_import(importer=one, imported=other)
    assert circles(graph) == [{"a", "b", "c"}] * 3


def test_no_file_is_too_long_but_tables() -> None:
    home = REPOSITORY / "src" / "migstream"
    sizes = {
        path.relative_to(home).as_posix(): path.read_text().count("\n")
        for path in home.rglob("*.py")
    }
    assert {name for name, lines in sizes.items() if lines > MOST_LINES} == TABLES
