"""migstream: QEMU migration streams that describe themselves, read by name, every byte with its place.

import migstream
with migstream.open("guest.mig") as stream:
stream.machine, stream.capabilities
stream.devices["cpu", 0]["env.eip"].value
for section in stream.sections: ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream._version import __version__

if TYPE_CHECKING:
    from migstream import errors as errors
    from migstream.analysis.diff import diff as diff
    from migstream.stream import Device as Device
    from migstream.stream import Stream as Stream
    from migstream.stream import open_stream as open  # noqa: A004 - migstream.open reads best
    from migstream.vmstate.values import Value as Value

__all__ = ["Device", "Stream", "Value", "__version__", "diff", "errors", "open"]

_HOMES = {
    "Device": ("migstream.stream", "Device"),
    "Stream": ("migstream.stream", "Stream"),
    "Value": ("migstream.vmstate.values", "Value"),
    "diff": ("migstream.analysis.diff", "diff"),
    "errors": ("migstream.errors", ""),
    "open": ("migstream.stream", "open_stream"),
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use, so that `import migstream` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'migstream' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _HOMES[name]
    thing = import_module(module)
    value = getattr(thing, attribute) if attribute else thing
    globals()[name] = value
    return value
