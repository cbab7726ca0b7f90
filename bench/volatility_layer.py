"""Read all of a stream's memory through Volatility 3's QEMU layer: ``python volatility_layer.py STREAM OUT``.

Run by a Python that has Volatility 3; nothing of it is part of this repository.
"""

from __future__ import annotations

import sys
from pathlib import Path

CHUNK = 4 << 20


def main(stream: Path, out: Path) -> None:
    """Write guest-physical memory to `out`."""
    from volatility3.framework import contexts, interfaces
    from volatility3.framework.layers import physical, qemu

    context = contexts.Context()
    path = interfaces.configuration.path_join
    context.config[path("base", "location")] = stream.resolve().as_uri()
    context.add_layer(physical.FileLayer(context, "base", "base"))
    context.config[path("qemu", "base_layer")] = "base"
    layer = qemu.QemuSuspendLayer(context, "qemu", "qemu")
    context.add_layer(layer)
    with out.open("wb") as file:
        at = 0
        while at <= layer.maximum_address:
            size = min(CHUNK, layer.maximum_address + 1 - at)
            file.write(layer.read(at, size, pad=True))
            at += size


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
