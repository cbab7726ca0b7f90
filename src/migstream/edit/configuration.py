"""The configuration section changed: the machine type's name, the capabilities that it records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from migstream.edit.capabilities import CAPABILITIES, ORDER, capabilities_section, describe
from migstream.errors import Unsupported
from migstream.names import encoded
from migstream.vmstate.jsontext import objects
from migstream.wire.model import Configuration, Span

if TYPE_CHECKING:
    from migstream.edit.workbench import Workbench

__all__ = ["name_machine", "record_capabilities"]

MOST_MACHINE = 1024


def name_machine(bench: Workbench, name: str) -> None:
    """Name another machine type.

    Raises
    ------
    ValueError : no name, or one of more than 1 KiB
    Unsupported : the stream has no configuration section
    """
    configuration = _configuration(bench)
    raw = encoded(name)
    if not 0 < len(raw) <= MOST_MACHINE:
        raise ValueError(f"a machine type's name of {len(raw)} bytes")
    span = Span(configuration.name_span.start - 4, configuration.name_span.stop)
    bench.rewrite.replace(*span, len(raw).to_bytes(4, "big") + raw)
    entry = bench.description.configuration
    if entry is not None:
        for field in objects(entry.get("fields")):
            if field.get("name") == "name":
                field.put("size", len(raw))
    bench.note("machine", "configuration/name", configuration.machine, name, span)


def record_capabilities(bench: Workbench, names: Sequence[str]) -> None:
    """Record these capabilities, and no others (migration/savevm.c: vmstate_capabilites).

    Raises
    ------
    ValueError : too many, or names of more than 255 bytes
    Unsupported : the stream has no configuration section
    """
    configuration = _configuration(bench)
    made = capabilities_section(names)
    old = next((s for s in configuration.subsections if s.name == CAPABILITIES), None)
    if old is not None:
        span = old.span
    else:
        before = [s for s in configuration.subsections if s.name == ORDER[0]]
        at = before[-1].span.stop if before else configuration.name_span.stop
        span = Span(at, at)
    bench.rewrite.replace(*span, made)
    if bench.description.configuration is not None:
        describe(bench.description.configuration, names)
    told = ", ".join(configuration.capabilities) or "none", ", ".join(names) or "none"
    bench.note("capabilities", CAPABILITIES, *told, span)


def _configuration(bench: Workbench) -> Configuration:
    configuration = bench.stream.configuration
    if configuration is None:
        raise Unsupported("this stream has no configuration section: it names no machine type")
    return configuration
