"""What the source prints of the return path (migration/migration.c: source_return_path_thread)."""

from __future__ import annotations

from functools import partial

from migstream.qemu.words.model import Message
from migstream.qemu.words.model import message as any_message

__all__ = ["SOURCE"]

message = partial(any_message, side="source")

SOURCE: tuple[Message, ...] = (
    message(
        "rp-message",
        "Received invalid message {type:x} length {length:x}",
        "Received '{message}' message ({type:x}) withincorrect length {length:d} expecting {expected:d}",
        "Failed reading data for message {type:x} read {got:d} expected {expected:d}",
        means="the destination's answer on the return path cannot be read (the source prints this)",
        causes=("the connection broke", "another release on the other side"),
        place="none",
    ),
    message(
        "rp-sibling",
        "Sibling indicated error {error:d}",
        means="the destination says that it failed (the source prints this)",
        causes=("the reason stands in the destination's log",),
        look=("the destination's log",),
        place="none",
    ),
    message(
        "rp-pages",
        "Req_Page_id with length {length:d} expecting {expected:d}",
        ("MIG_RP_MSG_REQ_PAGES: Misaligned page request", "newer than 7.2"),
        ("MIG_RP_MSG_REQ_PAGES has no block '{block:s}'", "newer than 7.2"),
        ("MIG_RP_MSG_REQ_PAGES request overrun", "newer than 7.2"),
        "request overrun",
        means="the destination asks for pages that are not there (the source prints this)",
        causes=("RAM blocks or page sizes differ between the two sides",),
        place="block",
    ),
    message(
        "rp-bitmap",
        "ramblock '{block:s}' bitmap size mismatch",
        "read bitmap failed for ramblock '{block:s}'",
        "ramblock '{block:s}' end mark incorrect: {mark:x}",
        "illegal resume_ack value {value:d}",
        means="recovery of a postcopy migration: the destination's list of pages does not fit (the source prints this)",
        causes=("the wrong destination was reconnected", "the connection broke again"),
        place="block",
    ),
    message(
        "source-blocked",
        "State blocked by non-migratable CPU device (invtsc flag)",
        "'hv-no-nonarch-coresharing=auto' CPU flag prevents migration use explicit 'hv-no-nonarch-coresharing=on' instead",
        "'hv-passthrough' CPU flag prevents migration, use explicit set of hv-* flags instead",
        ("non-migratable device: {device}", "newer than 5.2"),
        "'peer' devices are not migratable",
        "The {format:n} format used by node '{node:s}' does not support live migration",
        "Bitmap '{bitmap:s}' in unnamed node can't be migrated",
        "Bitmap '{bitmap:s}' in a node with auto-generated name '{node:s}' can't be migrated",
        "Cannot migrate bitmap '{bitmap:s}' on node '{node:s}': Name is longer than {limit:d} bytes",
        "Device {device} is not migratable, but --only-migratable was specified",
        means="something of this machine cannot be migrated: no stream is made (the source prints this)",
        causes=("a device, CPU flag or disk format without migration",),
        look=("the source's command line",),
        place="none",
    ),
    message(
        "source-stream",
        "postcopy_start: Migration stream errored (pre package)",
        "postcopy_start: Migration stream errored",
        "postcopy_start: Migration stream error",
        "Detected IO failure for postcopy. Migration paused.",
        "Unable to write to socket",
        means="the connection broke while the stream was sent (the source prints this)",
        causes=("the destination ended: its log says why", "the network"),
        look=("the destination's log",),
        place="none",
    ),
    message(
        "source-save",
        "Save of field {vmsd:s}/{field} failed: {why:s}",
        "Save of field {vmsd:s}/{field} failed",
        ("pre-save for {vmsd:s} failed: {why:s}", "since 11", "hook"),
        "pre-save failed: {vmsd:s}",
        ("Failed to save iterable device state", "newer than 10.0"),
        means="a device of the source could not save its state: the stream is not complete (the source prints this)",
        causes=(
            "the device, its backend or helper process cannot give its state now",
            "for iterable state: the connection broke, or the device (VFIO) reported an error",
        ),
        look=(
            "the lines before it",
            "the device that the message names: `virsh qemu-monitor-command NAME --hmp info qtree`",
        ),
        place="none",
    ),
    message(
        "source-kernel",
        ("CPR does not support vfio mdev {device}", "newer than 10.0"),
        ("CPR does not support vfio mdev", "newer than 10.0"),
        "migration is not supported in kernel",
        means="the kernel, or this way of migrating, cannot take a passed-through device along (the source prints this)",
        causes=("a driver or device (VFIO, mdev) without migration",),
        look=("the device on the source's command line", "its driver's and kernel's version"),
        place="none",
    ),
)
