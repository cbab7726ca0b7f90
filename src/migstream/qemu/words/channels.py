"""Channels: multifd, and how they begin (migration/multifd*.c, migration/channel.c)."""

from __future__ import annotations

from migstream.qemu.words.model import DAMAGE, Message, message

__all__ = ["CHANNELS"]

CHANNELS: tuple[Message, ...] = (
    message(
        "multifd-first",
        ("multifd: received packet magic {received:x} expected {expected:x}", "", "magic"),
        ("multifd: received packet version {received:d} expected {expected:d}", "", "version"),
        "multifd: received uuid '{received}' and expected uuid '{expected}' for channel {channel:d}",
        ("multifd: received channel version {received:d} expected {expected:d}", "up to 9.x"),
        (
            "multifd: received channel id {received:d} is greater than number of channels {limit:d}",
            "newer than 7.2, up to 10.x",
        ),
        "multifd: received channel id {received:d} is greater",
        "multifd: received id '{received:d}' already setup",
        means="the first packet of a multifd channel is not that of this migration",
        causes=(
            "the recordings of two migrations were mixed, or a channel is given twice",
            "multifd-channels differs between the two sides",
            DAMAGE,
        ),
        place="none",
    ),
    message(
        "multifd-packet",
        "multifd {channel:d}: flags received {received:x} flags expected {expected:x}",
        "multifd: unknown ram block {block}",
        ("unknown ram block {block}", "", "short"),
        "multifd: offset too long {offset:d} (max {limit:d})",
        "offset too long",
        (
            "multifd: received packet with {received:d} pages, expected {expected:d}",
            "newer than 7.2",
        ),
        (
            "multifd: received packet with {received:d} pages and expected maximum pages are {expected:d}",
            "up to 9.x",
        ),
        "received packet with {received:d} pages",
        ("multifd: unexpected EOF after packet header", "newer than 7.2"),
        ("unexpected EOF after packet header", "newer than 7.2"),
        ("unterminated multifd device state idstr", "newer than 7.2", "name"),
        means="a packet of a multifd channel cannot be",
        causes=(
            "multifd-compression differs between the two sides",
            "another target page size",
            "the connection broke",
            DAMAGE,
        ),
        place="none",
    ),
    message(
        "multifd-compression",
        (
            "multifd {channel:d}: next_packet_size {received:d} exceeds allocated {limit:d}",
            "newer than 7.2",
        ),
        ("multifd {channel:d}: expected empty packet", "newer than 7.2"),
        "multifd {channel:d}: inflate returned {error:d} instead of Z_OK",
        "multifd {channel:d}: inflate generated too few output",
        "multifd {channel:d}: inflate",
        ("multifd {channel:d}: decompressStream returned {error:s}", "newer than 5.2"),
        ("multifd {channel:d}: decompressStream buffer too small", "newer than 5.2"),
        ("multifd {channel:d}: decompressStream", "newer than 5.2"),
        "multifd {channel:d}: packet size received {received:d} size expected {expected:d}",
        means="the compressed pages of a packet cannot be unpacked",
        causes=("multifd-compression differs between the two sides", DAMAGE),
        place="none",
    ),
    message(
        "peek",
        ("Failed to peek at channel", "newer than 7.2"),
        means="a connection was closed before it said what it is",
        causes=("the source gave up", "something else connected (a health check)"),
        place="none",
    ),
    message(
        "multifd-count",
        (
            "multifd: received channel id {received:d} exceeds channel count {limit:d}",
            "since 11",
            "channel",
        ),
        (
            "multifd: received packet with {received:d} non-zero pages, which exceeds maximum expected pages {limit:d}",
            "since 9.0",
        ),
        (
            "multifd: received packet with {received:d} zero pages, expected maximum {limit:d}",
            "since 9.0",
            "zero",
        ),
        means="a multifd channel or packet has a larger number than this migration has",
        causes=(
            "multifd-channels differs between the two sides",
            "another target page size",
            DAMAGE,
        ),
        place="none",
    ),
    message(
        "incoming",
        ("'-incoming' was not specified on the command line", "newer than 5.2"),
        "The incoming migration has already been started",
        "Guest is waiting for an incoming migration",
        "unknown migration protocol: {protocol}",
        "unknown migration protocol",
        means="the destination was not started, or not told, to wait for this migration",
        causes=("the command line has no -incoming, or it was used up",),
        look=("the destination's command line",),
        place="none",
    ),
    message(
        "load-setting",
        ("Migration requires seekable transport (e.g. file)", "newer than 7.2"),
        ("Migration requires multi-channel URIs (e.g. tcp)", "newer than 7.2", "channels"),
        ("Migration requires streamable transport (eg unix)", "newer than 7.2"),
        ("Multifd must be set before incoming starts", "newer than 7.2"),
        ("Mapped-ram only available for non-compressed non-TLS multifd migration", "since 9.0"),
        ("Mapped-ram migration is incompatible with {what:s}", "since 9.0"),
        means="the capabilities that are on do not go with the way the stream comes",
        causes=(
            "a capability that this transport does not have: mapped-ram needs file:, multifd needs a socket or file:",
        ),
        look=("migrate_set_capability on this side", "the URI"),
        place="none",
    ),
    message(
        "channel-magic",
        ("unknown channel magic: {magic:d}", "newer than 10.0"),
        means="a connection that begins neither as a migration stream nor as one of its channels",
        causes=(
            "something else connected (a health check, another protocol, TLS on one side only)",
            "the capabilities multifd and postcopy-preempt differ between the two sides",
        ),
        look=("tls-creds and the capabilities of both sides",),
        place="none",
    ),
    message(
        "one-channel",
        ("multifd is not supported by current protocol", "up to 8.1"),
        means="multifd is on and the way the stream comes has one channel only",
        causes=(
            "a stream in a file, from a pipe or a command, while the capability multifd is on",
        ),
        look=(
            "migrate_set_capability multifd off",
            "the URI: tcp:, unix: or, with mapped-ram, file:",
        ),
        place="none",
    ),
    message(
        "fd-file",
        ("fd: migration to a file is not supported. Use file: instead.", "since 11.0"),
        means="the descriptor given to fd: is one of a file, which fd: takes no more",
        causes=(
            "a script or tool that saves to or loads from a file through fd:, as older QEMUs took it",
        ),
        look=("file:/dev/fdset/N (with add-fd) or file:PATH, which QEMU has since 8.2",),
        place="none",
    ),
    message(
        "no-parameter",
        ("Invalid parameter '{name:s}'", "up to 6.0"),
        means="a name that this QEMU does not know, of a capability or of an option",
        causes=("it came with a newer release, or is misspelt",),
        look=("query-migrate-capabilities",),
        place="none",
    ),
    message(
        "no-capability",
        "Parameter 'capability' does not accept value '{capability:s}'",
        "Parameter 'capability' expects {what:s}",
        means="a migration capability that this QEMU does not have",
        causes=(
            "it came with a newer release (mapped-ram: 9.0, switchover-ack: 8.1)",
            "it went (compress and block: 9.1)",
        ),
        look=("query-migrate-capabilities",),
        place="none",
    ),
)
