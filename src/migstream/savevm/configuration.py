"""The configuration section, declared like any other state.

QEMU, migration/savevm.c: vmstate_configuration and its subsections.
"""

from __future__ import annotations

from typing import Annotated

from migstream.vmstate import (
    U8,
    U32,
    Buffer,
    VMState,
    Wire,
    array,
    buffer,
    subsection,
)

__all__ = ["VALIDATED", "Capabilities", "ConfigurationState", "PageBits", "Uuid"]

VALIDATED = ("x-ignore-shared", "mapped-ram")  # the capabilities that a stream records


class PageBits(VMState, name="configuration/target-page-bits"):
    """vmstate_target_page_bits: where the target's pages can have several sizes."""

    target_page_bits: U32


Capability = Annotated[str, Wire("capability")]


class Capabilities(VMState, name="configuration/capabilities"):
    """vmstate_capabilites: the names of those that both sides must have."""

    caps_count: U32
    capabilities: list[Capability] = array("caps_count")


class Uuid(VMState, name="configuration/uuid"):
    """vmstate_uuid: the machine's, with capability `validate-uuid`."""

    uuid: list[U8] = array(16, name="uuid.data")


class ConfigurationState(VMState, name="configuration"):
    """migration/savevm.c: vmstate_configuration."""

    len: U32
    machine: Buffer = buffer("len", name="name")
    page_bits: PageBits | None = subsection()
    capabilities: Capabilities | None = subsection()
    uuid: Uuid | None = subsection()
