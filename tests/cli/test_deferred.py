"""What stands for `inspect` while nothing but `cleandoc` is asked of it."""

from __future__ import annotations

import inspect
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from migstream.cli.deferred import cleandoc


@given(st.text(st.sampled_from("ab \t\n"), max_size=60))
def test_indentation_is_taken_out_as_the_standard_library_does(doc: str) -> None:
    assert cleandoc(doc) == inspect.cleandoc(doc)


def test_it_is_the_real_one_as_soon_as_anything_else_is_asked() -> None:
    code = (
        "import sys; from migstream.cli.deferred import defer; defer(); import inspect as first\n"
        "assert first.cleandoc('a\\n  b') == 'a\\nb'; assert 'ast' not in sys.modules\n"
        "assert first.isfunction(first.signature); import inspect as second\n"
        "assert second is not first and second.signature is first.signature\n"
        "defer(); import inspect as third; assert third is second"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
