"""All messages, in the order in which their wordings are tried."""

from __future__ import annotations

from functools import cache

from migstream.qemu.release import Bounds
from migstream.qemu.words.channels import CHANNELS
from migstream.qemu.words.commands import COMMANDS
from migstream.qemu.words.cpus import CPUS
from migstream.qemu.words.devices import DEVICES
from migstream.qemu.words.framing import FRAMING
from migstream.qemu.words.hosts import HOSTS
from migstream.qemu.words.last import LAST
from migstream.qemu.words.libvirt import LIBVIRT
from migstream.qemu.words.model import Message, Wording, names
from migstream.qemu.words.ram import RAM
from migstream.qemu.words.refused import REFUSED
from migstream.qemu.words.source import SOURCE
from migstream.qemu.words.virtio import VIRTIO
from migstream.qemu.words.vmstate import VMSTATE

__all__ = ["MESSAGES", "NEWEST", "wording"]

NEWEST = Bounds((11, 1))

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
    *HOSTS,
    *REFUSED,
    *LIBVIRT,
    *LAST,
)


@cache
def _by_name() -> dict[tuple[str, str, frozenset[str]], list[Wording]]:
    """Wordings by message, variant and values."""
    found: dict[tuple[str, str, frozenset[str]], list[Wording]] = {}
    for message in MESSAGES:
        for one in message.wordings:
            found.setdefault((message.name, one.variant, names(one.text)), []).append(one)
    return found


def wording(name: str, release: Bounds | None, values: frozenset[str]) -> Wording:
    """What `say` says: the first of the table that fits; raises LookupError.

    One that has all of the values comes before those that leave some of them unsaid.
    """
    message, _, variant = name.partition("/")
    known = [
        one
        for (named, which, said), some in sorted(_by_name().items(), key=lambda e: -len(e[0][2]))
        if (named, which) == (message, variant) and said <= values
        for one in some
    ]
    if release is None:
        release = NEWEST
        if known and all(_gone(one.bounds, NEWEST) for one in known):
            return max(known, key=lambda one: one.bounds.before or ())
    there = [one for one in known if not _gone(one.bounds, release)]
    for one in there:
        if one.bounds.first is None or release.since(one.bounds.first):
            return one
    for one in there:
        if one.bounds.first is not None and not release.until(one.bounds.first):
            return one
    raise LookupError(
        f"QEMU {release} does not say {name} with {', '.join(sorted(values)) or 'no values'}"
    )


def _gone(bounds: Bounds, release: Bounds) -> bool:
    return bounds.before is not None and release.since(bounds.before)
