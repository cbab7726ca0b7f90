"""What the source prints of the return path (migration/migration.c: source_return_path_thread)."""

from __future__ import annotations

from migstream.analysis.explain.messages.model import Message, message

__all__ = ["SOURCE"]

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
        "'hv-passthrough' CPU flag prevents migration, use explicit set of hv-* flags instead",
        ("non-migratable device: {device}", "newer than 5.2"),
        "'peer' devices are not migratable",
        "The {format} format used by node '{node:s}' does not support live migration",
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
)
