"""What a type checker knows of the library."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

HERE = Path(__file__).parent
CONFIG = HERE.parents[1] / "pyproject.toml"


WRONG = """
from migstream import open
reveal_type(open("-").devices["cpu", 0]["env.eip"])
number: int = open("-").devices["cpu", 0]["env.eip"]
"""


@pytest.mark.slow
def test_a_type_checker_knows_what_every_expression_gives(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    """`assert_type` says what is expected, and mypy complains of what is otherwise."""
    cache = pytestconfig.cache.mkdir("mypy")
    command = ["--config-file", str(CONFIG), "--cache-dir", str(cache), "--no-error-summary"]
    out, err, status = api.run([*command, str(HERE / "front_door.py")])
    assert (out, err, status) == ("", "", 0)
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG)
    out, err, status = api.run([*command, str(wrong)])
    assert 'Revealed type is "migstream.vmstate.values.Value"' in out
    assert "Incompatible types in assignment" in out
    assert (err, status) == ("", 1)
