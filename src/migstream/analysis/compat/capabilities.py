"""Capabilities: which release has which, what a configuration records, what the two sides must have alike."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from migstream.analysis.compat.model import Problem
from migstream.wire.model import Span

if TYPE_CHECKING:
    from migstream.analysis.compat.framing import Sides
    from migstream.qemu.release import Bounds, Version
    from migstream.wire.model import Configuration

__all__ = ["has_capability", "not_offered", "received_capabilities", "unknown_capability"]

# Those that both sides must have alike, as QEMU goes through them (migration/savevm.c:
# should_validate_capability, configuration_validate_capabilities).
VALIDATED = ("x-ignore-shared", "mapped-ram")
VALUES_SAID: Version = (6, 1)  # since when the answer names the parameter as well
RECORDED = "configuration/capabilities"


class Life(NamedTuple):
    """Releases that have a capability: from `since` on, before `until`."""

    since: Version
    until: Version | None = None


# qapi/migration.json: MigrationCapability, of all releases up to NEWEST
NEWEST: Version = (11, 1)
CAPABILITIES = {
    "auto-converge": Life((1, 6)),
    "background-snapshot": Life((6, 0)),
    "block": Life((2, 11), (9, 1)),
    "compress": Life((2, 4), (9, 1)),
    "dirty-bitmaps": Life((2, 12)),
    "dirty-limit": Life((8, 1)),
    "events": Life((2, 4)),
    "late-block-activate": Life((3, 0)),
    "mapped-ram": Life((9, 0)),
    "multifd": Life((4, 0)),
    "pause-before-switchover": Life((2, 11)),
    "postcopy-blocktime": Life((2, 11)),
    "postcopy-preempt": Life((7, 1)),
    "postcopy-ram": Life((2, 6)),
    "rdma-pin-all": Life((2, 0)),
    "release-ram": Life((2, 9)),
    "return-path": Life((2, 11)),
    "switchover-ack": Life((8, 1)),
    "validate-uuid": Life((4, 2)),
    "x-colo": Life((2, 8)),
    "x-ignore-shared": Life((4, 0)),
    "xbzrle": Life((1, 3)),
    "zero-blocks": Life((1, 6), (11, 1)),
    "zero-copy-send": Life((7, 1)),
}


def has_capability(name: str, release: Bounds) -> bool | None:
    """Whether a release has a capability; None where that is not known."""
    life = CAPABILITIES.get(name)
    if life is None:
        return False if release.until((NEWEST[0], NEWEST[1] + 1)) else None
    if release.until(life.since) or (life.until is not None and release.since(life.until)):
        return False
    if release.since(life.since) and (life.until is None or release.until(life.until)):
        return True
    return None


def not_offered(frame: Sides) -> Iterator[Problem]:
    """Capabilities that the destination is to have and does not know: it cannot be told to wait so."""
    for name in frame.destination.capabilities:
        if frame.destination.offers(name) is False:
            yield frame.problem(
                "configuration",
                Span(0, 0),
                f"the destination has no capability {name}: it cannot be switched on",
                (
                    frame.words.say("no-parameter", name=name)
                    if frame.destination.release.until(VALUES_SAID)
                    else frame.words.say("no-capability", capability=name),
                ),
                hint=_when(name) or "is its name right? query-migrate-capabilities lists them",
            )


def _when(name: str) -> str:
    life = CAPABILITIES.get(name)
    if life is None:
        return ""
    since, until = (".".join(map(str, v or ())) for v in life)
    return f"QEMU has it since {since}" + (f", and no longer in {until}" if until else "")


def unknown_capability(frame: Sides, ours: Configuration) -> Iterator[Problem]:
    """A capability that the stream records and the destination does not know, whatever it is set to.

    References
    ----------
    QEMU, migration/savevm.c: get_capability. It is found while the configuration is read, and so
    before all that is checked afterwards.
    """
    name = next((n for n in ours.capabilities if frame.destination.offers(n) is False), None)
    if name is not None:
        at = _recorded(ours)
        hint = "`migstream convert --ram linear` makes a stream without it"
        yield frame.problem(
            "configuration",
            at,
            f"the stream was made with the capability {name}, which the destination does not know",
            frame.words.unknown_capability(name),
            hint=hint if name in VALIDATED else _when(name),
        )


def received_capabilities(
    frame: Sides, ours: Configuration, local: Collection[str]
) -> Iterator[Problem]:
    """Capabilities that must be alike and are not; QEMU says all of them and ends.

    References
    ----------
    QEMU, migration/savevm.c: configuration_validate_capabilities
    """
    found = [name for name in VALIDATED if (name in ours.capabilities) != (name in local)]
    if not found or any(frame.destination.offers(name) is False for name in found):
        return
    on = {True: "on", False: "off"}
    messages, lines, hints = [], [], []
    for name in found:
        mine, there = on[name in ours.capabilities], on[name in local]
        messages.append(f"capability {name} is {mine} in the stream and {there} on the destination")
        lines.append(frame.words.say("capability", capability=name, local=there, received=mine))
        more = f" (tell compat with --cap {name})" if mine == "on" else ""
        hints.append(f"migrate_set_capability {name} {mine}{more}")
    yield frame.problem(
        "configuration",
        _recorded(ours),
        "; ".join(messages),
        frame.words.capabilities(lines),
        hint="; ".join(hints),
        found=ours.span.stop,
    )


def _recorded(ours: Configuration) -> Span:
    """The part of the configuration that has the capabilities; its end where there is none."""
    part = next((p for p in ours.subsections if p.name == RECORDED), None)
    return Span(ours.span.stop - 1, ours.span.stop) if part is None else part.payload
