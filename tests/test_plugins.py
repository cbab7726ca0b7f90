"""Another package adds something: by an entry point, as it would be installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from migstream.plugins import plugins
from migstream.wire.registry import Context, Registry


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a codec, in a folder of sys.path as pip leaves it."""
    (tmp_path / "foreign.py").write_text("class Codec:\n    def __init__(self, context): ...\n")
    info = tmp_path / "foreign-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[migstream.sections]\nacme = foreign:Codec\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_codec_of_another_package(installed: Path) -> None:
    assert list(plugins("migstream.sections")) == ["acme"]
    factory = Registry({}, group="migstream.sections").find("acme")
    assert factory is not None
    assert type(factory(Context())).__module__ == "foreign"
    assert Registry({}, group="migstream.sections").find("acme", plugins=False) is None
    assert Registry({}).find("acme") is None


def test_nothing_is_imported_where_nothing_is_installed() -> None:
    ask = "import sys; from migstream.plugins import plugins; p = plugins('migstream.none'); print(p, 'importlib.metadata' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout == "{} False\n"
