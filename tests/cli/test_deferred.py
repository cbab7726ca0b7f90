"""What stands for modules of the standard library while next to nothing is asked of them."""

from __future__ import annotations

import gettext as real
import inspect
import platform
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.cli.deferred import DEFERRED, cleandoc, gettext, ngettext, system


@given(st.text(st.sampled_from("ab \t\n"), max_size=60))
def test_indentation_is_taken_out_as_the_standard_library_does(doc: str) -> None:
    assert cleandoc(doc) == inspect.cleandoc(doc)


@given(st.text(max_size=20), st.text(max_size=20), st.integers(-2, 200))
def test_messages_stay_as_the_standard_library_leaves_them(one: str, many: str, n: int) -> None:
    assert ngettext(one, many, n) == real.ngettext(one, many, n)
    if one:  # of an empty one it gives the head of a translation
        assert gettext(one) == real.gettext(one)


@pytest.mark.skipif(sys.platform == "win32", reason="uuid does not ask there")
def test_the_system_is_called_as_the_standard_library_calls_it() -> None:
    assert system() == platform.system()


def test_a_small_command_loads_none_of_them() -> None:
    code = (
        "import sys; from migstream.cli.deferred import DEFERRED, defer\n"
        "asked = DEFERRED.keys() - sys.modules; defer()\n"
        "sys.modules['typing_extensions'] = None  # msgspec takes it where it is; it uses them all\n"
        "import click, msgspec\n"
        "from gettext import gettext, ngettext\n"
        "for name in asked: assert '__file__' not in vars(sys.modules[name]), name"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", DEFERRED)
def test_what_is_not_answered_comes_from_the_module_itself(name: str) -> None:
    code = (
        "import sys; from migstream.cli.deferred import defer; defer()\n"
        f"import {name} as stands; assert '__file__' not in vars(stands)\n"
        f"assert stands.__all__ if hasattr(stands, '__all__') else stands.__file__\n"
        f"import {name} as real; assert real is not stands and real.__file__"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_is_the_real_one_as_soon_as_anything_else_is_asked() -> None:
    code = (
        "import sys; from migstream.cli.deferred import defer; defer(); import inspect as first\n"
        "assert first.cleandoc('a\\n  b') == 'a\\nb'; assert 'ast' not in sys.modules\n"
        "assert first.isfunction(first.signature); import inspect as second\n"
        "assert second is not first and second.signature is first.signature\n"
        "defer(); import inspect as third; assert third is second"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
