"""migstream: QEMU migration streams that describe themselves, read by name, every byte with its place.

    import migstream

    with migstream.open("guest.mig") as stream:
        stream.machine, stream.capabilities
        stream.devices["cpu", 0]["env.eip"].value
        stream["cpu[0]/env.eip"].span
        for section in stream:
            ...

Whatever is named here loads when it is first used.
"""

from __future__ import annotations

from migstream._version import __version__

# The name that type checkers know, without `typing`, which with what it needs takes as long as half of Python's own start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from migstream import errors as errors
    from migstream.analysis.check import check as check
    from migstream.analysis.compat.destination import Destination as Destination
    from migstream.analysis.compat.load import compat as compat
    from migstream.analysis.diff.compare import diff as diff
    from migstream.analysis.digest import digest as digest
    from migstream.analysis.explain.log import explain as explain
    from migstream.analysis.identify.writer import identify as identify
    from migstream.edit import edit as edit
    from migstream.edit.change import Change as Change
    from migstream.edit.change import Edit as Edit
    from migstream.edit.convert import convert as convert
    from migstream.edit.heal.heal import heal as heal
    from migstream.edit.minimise.judge import minimise as minimise
    from migstream.export.files import extract as extract
    from migstream.fleet.scan import Questions as Questions
    from migstream.fleet.scan import scan as scan
    from migstream.stream import Device as Device
    from migstream.stream import Stream as Stream
    from migstream.stream import open_stream as open  # noqa: A004 - migstream.open reads best
    from migstream.tables import rows as rows
    from migstream.vmstate.values import Value as Value

__all__ = [
    "Change",
    "Destination",
    "Device",
    "Edit",
    "Questions",
    "Stream",
    "Value",
    "__version__",
    "check",
    "compat",
    "convert",
    "diff",
    "digest",
    "edit",
    "errors",
    "explain",
    "extract",
    "heal",
    "identify",
    "minimise",
    "open",
    "rows",
    "scan",
]

_HOMES = {
    "Change": ("migstream.edit.change", "Change"),
    "Destination": ("migstream.analysis.compat.destination", "Destination"),
    "Device": ("migstream.stream", "Device"),
    "Edit": ("migstream.edit.change", "Edit"),
    "Questions": ("migstream.fleet.scan", "Questions"),
    "Stream": ("migstream.stream", "Stream"),
    "Value": ("migstream.vmstate.values", "Value"),
    "check": ("migstream.analysis.check", "check"),
    "compat": ("migstream.analysis.compat.load", "compat"),
    "convert": ("migstream.edit.convert", "convert"),
    "diff": ("migstream.analysis.diff.compare", "diff"),
    "digest": ("migstream.analysis.digest", "digest"),
    "edit": ("migstream.edit", ""),  # a package that may be called
    "errors": ("migstream.errors", ""),
    "explain": ("migstream.analysis.explain.log", "explain"),
    "extract": ("migstream.export.files", "extract"),
    "identify": ("migstream.analysis.identify.writer", "identify"),
    "heal": ("migstream.edit.heal.heal", "heal"),
    "minimise": ("migstream.edit.minimise.judge", "minimise"),
    "open": ("migstream.stream", "open_stream"),
    "rows": ("migstream.tables", "rows"),
    "scan": ("migstream.fleet.scan", "scan"),
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


def __dir__() -> list[str]:
    """The promised names, used or not."""
    return sorted(__all__)
