"""QEMU's load-side messages of all releases, as data: wording, what it means, why, where to look.

One table for each part of QEMU that prints them. `silent` has what it refuses without a word, `model`
what a message is.
"""

from __future__ import annotations

from migstream.analysis.explain.messages.channels import CHANNELS
from migstream.analysis.explain.messages.commands import COMMANDS
from migstream.analysis.explain.messages.cpus import CPUS
from migstream.analysis.explain.messages.devices import DEVICES
from migstream.analysis.explain.messages.framing import FRAMING
from migstream.analysis.explain.messages.last import LAST
from migstream.analysis.explain.messages.model import (
    ERRNO,
    TOKEN,
    Message,
    Sides,
    Wording,
    literal,
    pattern,
)
from migstream.analysis.explain.messages.ram import RAM
from migstream.analysis.explain.messages.source import SOURCE
from migstream.analysis.explain.messages.virtio import VIRTIO
from migstream.analysis.explain.messages.vmstate import VMSTATE

__all__ = ["ERRNO", "MESSAGES", "TOKEN", "Message", "Sides", "Wording", "literal", "pattern"]

MESSAGES: tuple[Message, ...] = (
    *FRAMING,
    *VMSTATE,
    *RAM,
    *COMMANDS,
    *VIRTIO,
    *CPUS,
    *DEVICES,
    *CHANNELS,
    *SOURCE,
    *LAST,
)
