"""A module that is compiled where that can be, as it is without a compiler."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

__all__ = ["plain_of"]


def plain_of(module: ModuleType) -> ModuleType:
    """The same file, never compiled."""
    name = module.__name__.rpartition(".")[2]
    assert module.__file__ is not None
    path = Path(module.__file__).parent / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"migstream_plain_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found
