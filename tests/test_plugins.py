"""Another package adds something: by an entry point, as it would be installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.errors import PluginError
from migstream.plugins import Registry, falls_under, plugins

GROUP = "migstream.sections"
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes a package with entry points in a folder of sys.path, as pip leaves it."""

    def package(name: str, module: str, **claims: str) -> None:
        folder = tmp_path / name
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (folder / f"{name}.py").write_text(module)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"{claim} = {name}{where}" for claim, where in claims.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]))
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, name, raising=False)

    return package


def test_a_name_of_another_package(install: Install) -> None:
    install("foreign", "class Codec: ...\n", acme=":Codec")
    assert list(plugins(GROUP)) == ["acme"]
    codec = Registry[type](GROUP).find("acme")
    assert codec is not None
    assert (codec.__module__, codec.__name__) == ("foreign", "Codec")
    assert Registry[type](GROUP).find("acme", plugins=False) is None
    assert Registry[type]("migstream.none").find("acme") is None
    assert Registry[type](GROUP).find("acm") is None


def test_a_name_may_hold_wildcards(install: Install) -> None:
    install("foreign", "one, other = 1, 2\n", **{"*/acme": ":one", "acme*": ":other"})
    table = Registry[int](GROUP, {"pc*": "sys:maxsize"})
    assert table.find("0000:00:03.0/acme") == 1
    assert table.find("acme-2") == 2
    assert table.find("pci") == sys.maxsize
    with pytest.raises(PluginError, match="both claim 'acme/acme'"):
        table.find("acme/acme")


def test_an_exact_name_wins_over_wildcards(install: Install) -> None:
    install("foreign", "one, other = 1, 2\n", **{"acme*": ":one", "acme-2": ":other"})
    assert Registry[int](GROUP).find("acme-2") == 2
    table = Registry[int](GROUP, {"*": "sys:maxsize", "one": "sys:hexversion"})
    assert table.find("one") == sys.hexversion
    assert table.find("acme-2") == sys.maxsize


def test_built_ins_are_asked_first_and_others_not_at_all(install: Install) -> None:
    install("foreign", "raise AssertionError\n", acme=":Codec")
    table = Registry[int](GROUP, {"mine": "sys:maxsize"})
    assert table.find("mine") == sys.maxsize
    assert "foreign" not in sys.modules


def test_all_names_in_their_order(install: Install) -> None:
    install("foreign", "a = b = 0\n", b=":b", a=":a")
    table = Registry[int](GROUP, {"mine": "sys:maxsize"})
    assert table.names() == ["mine", "a", "b"]
    assert list(table.each()) == [("mine", sys.maxsize), ("a", 0), ("b", 0)]


def test_a_module_alone(install: Install) -> None:
    install("foreign", "", acme="")
    table = Registry[object](GROUP, {"mine": "sys"})
    assert [value for _, value in table.each()] == [sys, sys.modules["foreign"]]


def test_two_packages_cannot_have_one_name(install: Install) -> None:
    install("foreign", "a = 0\n", acme=":a")
    install("strange", "a = 0\n", acme=":a")
    with pytest.raises(PluginError, match="both claim 'acme'") as caught:
        Registry[int](GROUP).find("acme")
    assert "the package foreign" in caught.value.message
    assert "the package strange" in caught.value.message


def test_a_package_cannot_have_the_name_of_a_built_in(install: Install) -> None:
    install("foreign", "a = 0\n", mine=":a")
    table = Registry[int](GROUP, {"mine": "sys:maxsize"})
    for _ in range(2):
        with pytest.raises(PluginError, match="the package foreign claims 'mine'"):
            table.names()


@pytest.mark.parametrize(("module", "said"), [("1 / 0", "ZeroDivisionError"), ("", "acme")])
def test_a_package_that_cannot_be_imported_is_named(
    install: Install, module: str, said: str
) -> None:
    install("foreign", module, acme=":acme")
    with pytest.raises(PluginError, match="the package foreign") as caught:
        Registry[int](GROUP).find("acme")
    assert said in caught.value.message


def test_nothing_is_imported_where_nothing_is_installed() -> None:
    ask = "import sys; from migstream.plugins import plugins; p = plugins('migstream.none'); print(p, 'importlib.metadata' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout == "{} False\n"


@given(st.text("ab/.", max_size=9), st.text("ab/.*", max_size=9))
def test_a_claim_is_matched_as_shells_match_names(name: str, claim: str) -> None:
    assert falls_under(name, claim) == fnmatchcase(name, claim)


def test_brackets_in_a_claim_are_themselves() -> None:
    assert falls_under("queues[1]/num", "queues[1]/*")
    assert not falls_under("queues1/num", "queues[1]/*")
