"""Rules for virtio feature bits: a guest keeps those that it took, so the destination must offer them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from migstream.analysis.compat.align import parts
from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.model import Note, Problem
from migstream.analysis.compat.said import Words
from migstream.vmstate.meaning.features import feature_names
from migstream.vmstate.meaning.virtio import virtio_blob

if TYPE_CHECKING:
    from migstream.stream import Device
    from migstream.vmstate.values import Value

__all__ = ["WIDE", "acked", "features", "features_lost", "features_unknown"]

FIELD = "guest_features"
WIDE = "virtio/64bit_features"  # sent whenever the device offers a bit above 31
NARROW = (1 << 32) - 1
MOST = (1 << 64) - 1
# hw/virtio/virtio.c: virtio_load, with 128 bits. Seen in 11.1, not in 10.0.
EXTENDED = (10, 2)

# The first byte behind what a feature has in the configuration of its device. That is as long as the
# offered features need, so a shorter one has none of them: hw/net/virtio-net.c: feature_sizes,
# hw/block/virtio-blk-common.c: feature_sizes (up to 7.0 virtio-blk.c);
# include/standard-headers/linux/virtio_{net,blk}.h.
CONFIG_ENDS: Mapping[str, Mapping[int, int]] = {
    "virtio-net": {16: 8, 22: 10, 3: 12, 63: 17, 57: 24, 60: 24},
    "virtio-blk": {13: 48, 14: 57, 17: 96},
}


class Acked(NamedTuple):
    """What the guest took: the field that says it, and the bits."""

    field: Value
    bits: int


def _inside(device: Device) -> dict[str, Value]:
    blob = virtio_blob(device)
    return {} if blob is None else parts(blob)


def acked(device: Device, *, wide: bool) -> Acked | None:
    """Features that a load compares; None where the device has none that can be read.

    Parameters
    ----------
    wide : whether the device that loads them looks at bits above 31: up to 10.1 one that offers such
        a bit, from 10.2 on each

    References
    ----------
    QEMU, hw/virtio/virtio.c: virtio_load, virtio_64bit_features_needed
    """
    inside = _inside(device)
    more = parts(inside[WIDE]) if wide and WIDE in inside else {}
    field = more.get(FIELD, inside.get(FIELD))
    return None if field is None else Acked(field, int.from_bytes(field.raw, "big"))


def _offers_wide(theirs: Device) -> bool:
    """Whether the device offers a bit above 31."""
    return WIDE in _inside(theirs)


def _lacking(theirs: Device) -> int:
    """Bits that the device's own state proves not to be offered, by what is not in it."""
    inside = _inside(theirs)
    if "config_len" not in inside:
        return 0
    size = int.from_bytes(inside["config_len"].raw, "big")
    ends = CONFIG_ENDS.get(theirs.value.type, {})
    found = sum(1 << bit for bit, end in ends.items() if size < end)
    return found if WIDE in inside else found | MOST & ~NARROW


def features(
    ours: Device, theirs: Device, destination: Destination, words: Words
) -> Iterator[Problem]:
    """A guest may not have taken a feature that the destination's device does not offer."""
    extended = destination.release.since(EXTENDED)
    taken = acked(ours, wide=extended or _offers_wide(theirs))
    blob = virtio_blob(ours)
    if blob is None or taken is None or not taken.bits:
        return
    offered = destination.features.get(theirs.section.key)
    missing = taken.bits & (_lacking(theirs) if offered is None else ~offered)
    if not missing:
        return
    yield Problem(
        kind="features",
        device=ours.path,
        path=taken.field.path,
        span=taken.field.span,
        found=blob.span.stop - 1,
        message=(
            f"the guest uses {', '.join(feature_names(missing, ours.value.type))},"
            " which the destination's device does not offer"
        ),
        said=words.device(
            ours,
            words.say(
                "virtio-features", **_refusal(taken.bits, missing, offered, extended=extended)
            ),
            fields=words.chain(ours, ["virtio"]),
            errno="EINVAL" if extended else "EPERM",
        ),
        hint="an option of the device, or what its backend can do (vhost, tap)",
    )


def _refusal(taken: int, missing: int, offered: int | None, *, extended: bool) -> dict[str, str]:
    """The values of QEMU's line, with … for what is not known.

    With 128 bits it has of the guest's only those that are offered, too: the others are gone when it
    is printed.
    """
    digits = "032x" if extended else "x"
    said = taken & ~missing if extended else taken
    allowed = "…" if offered is None else f"{offered:{digits}}"
    return {"features": f"0x{said:{digits}}", "allowed": f"0x{allowed}"}


def features_unknown(ours: Device, theirs: Device, destination: Destination) -> Iterator[Note]:
    """Features that the guest took, where nobody says what the destination's device offers."""
    taken = acked(ours, wide=True)
    if taken is None or not taken.bits or theirs.section.key in destination.features:
        return
    names = ", ".join(feature_names(taken.bits, ours.value.type))
    yield Note(
        path=taken.field.path,
        message=f"the guest uses {names}: whether all are offered is not known",
    )


def features_lost(ours: Device, theirs: Device, destination: Destination) -> Iterator[Note]:
    """Up to 10.1, features above 31 are dropped without a word by a device that offers none of them."""
    taken = acked(ours, wide=True)
    if taken is None or _offers_wide(theirs) or destination.release.since(EXTENDED):
        return
    names = feature_names(taken.bits & ~NARROW, ours.value.type)
    if names:
        yield Note(
            path=taken.field.path,
            message=f"the destination's device forgets that the guest uses {', '.join(names)}",
        )
