"""What the queues of a virtio device are for, by its kind and their number.

References: Virtual I/O Device (VIRTIO) 1.3, 5: the virtqueues of each kind; QEMU: which of them a device has
whatever its driver takes (virtio_add_queue).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from migstream.vmstate.meaning.features import kind_of

__all__ = ["queue_name"]


class Roles(NamedTuple):
    """The queues in their order.

    Attributes
    ----------
    first : those that every device of the kind has
    each : of a pair or of requests, as often as there are; `{}` is its number, from 1 on
    last : the one behind these
    optional : names of `first` that a device may lack, with the feature for which it has one
    """

    first: tuple[str, ...] = ()
    each: tuple[str, ...] = ()
    last: str = ""
    optional: Mapping[str, int] = {}


_ROLES: Mapping[str, Roles] = {
    "virtio-net": Roles(each=("receiveq{}", "transmitq{}"), last="controlq"),
    "virtio-blk": Roles(each=("requestq{}",)),
    "virtio-console": Roles(
        ("receiveq(port0)", "transmitq(port0)", "control receiveq", "control transmitq"),
        ("receiveq(port{})", "transmitq(port{})"),
    ),
    "virtio-rng": Roles(("requestq",)),
    "virtio-balloon": Roles(
        ("inflateq", "deflateq", "statsq", "free_page_vq", "reporting_vq"),
        optional={"free_page_vq": 3, "reporting_vq": 5},
    ),
    "virtio-scsi": Roles(("controlq", "eventq"), ("requestq{}",)),
    "virtio-9p": Roles(("requestq",)),
    "virtio-gpu": Roles(("controlq", "cursorq")),
    "virtio-input": Roles(("eventq", "statusq")),
    "virtio-crypto": Roles(each=("dataq{}",), last="controlq"),
    "virtio-vsock": Roles(("rx", "tx", "event")),
    "virtio-fs": Roles(("hiprio",), ("requestq{}",)),
    "virtio-iommu": Roles(("requestq", "eventq")),
    "virtio-mem": Roles(("guest-request",)),
    "virtio-pmem": Roles(("req_vq",)),
    "virtio-sound": Roles(("controlq", "eventq", "txq", "rxq")),
    "virtio-i2c": Roles(("requestq",)),
    "virtio-gpio": Roles(("requestq", "eventq")),
    "virtio-rtc": Roles(("requestq", "alarmq")),
    "virtio-spi": Roles(("requestq",)),
}


def queue_name(device: str, number: int, count: int, features: int = 0) -> str:
    """What a queue is called: `transmitq1`; empty where nobody knows, and where there is none.

    Parameters
    ----------
    device : a section's name, or the name of a device's VMState
    number : of the queue
    count : how many the device has
    features : that the guest took
    """
    roles = _ROLES.get(kind_of(device))
    if roles is None or not 0 <= number < count:
        return ""
    first = roles.first
    if count < len(
        first
    ):  # some are lacking: the ones that are there are those that the guest uses
        first = tuple(
            n for n in first if features >> roles.optional.get(n, 0) & 1 or n not in roles.optional
        )
    if number < len(first):
        return first[number]
    if not roles.each:
        return ""
    turn, one = divmod(number - len(first), len(roles.each))
    if roles.last and number == count - 1 and one == 0:
        return roles.last
    return roles.each[one].format(turn + 1)
