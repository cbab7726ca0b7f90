"""Volatility 3 as a reader of what we write, where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def layer(kind: str, name: str, path: Path) -> Any:
    """Memory as Volatility reads it: `layer("elf", "Elf64Layer", path).read(address, size)`."""
    why = "Volatility 3 is not installed"
    contexts = pytest.importorskip("volatility3.framework.contexts", reason=why)
    layers = [
        pytest.importorskip(f"volatility3.framework.layers.{module}", reason=why)
        for module in ("physical", kind)
    ]
    context = contexts.Context()
    context.config["file.location"] = path.as_uri()
    context.add_layer(layers[0].FileLayer(context, "file", "file"))
    context.config["memory.base_layer"] = "file"
    return getattr(layers[1], name)(context, "memory", "memory")
