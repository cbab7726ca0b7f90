"""QEMU's load-side messages of all releases, as data: wording, what it means, why, where to look.

A wording is QEMU's text with names in braces where the text has values: `{name}` is a word,
`{name:s}` any text, `{name:n}` text without a colon, `{name:d}` a decimal and `{name:x}` a hexadecimal number (with or without 0x).
Wordings are searched anywhere in a line; the texts are those of the files named with each group.
"""

from __future__ import annotations

import re
from functools import cache

import msgspec

__all__ = ["ERRNO", "MESSAGES", "Message", "Wording", "literal", "pattern"]

TOKEN = re.compile(r"\{(\w+)(?::([sndx]))?\}")
SHAPES = {
    None: r"\S+?",
    "s": r".+?",
    "n": r"[^:\s][^:]*?",
    "d": r"-?\d+",
    "x": r"(?:0[xX])?[0-9a-fA-F]+",
}


class Wording(msgspec.Struct, frozen=True):
    """One wording, and the releases that have it (empty: all)."""

    text: str
    releases: str = ""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One condition that a destination reports.

    `kind` is "cause" (this is what went wrong), "context" (a line that says where), "result" (the last
    line) or "warning" (the load goes on). `causes` come in order of likelihood. `look` names what to
    look at. `place` names how `explain` finds the bytes (`analysis.places`). `releases` of wordings
    count from QEMU 2.4.
    """

    name: str
    wordings: tuple[Wording, ...]
    condition: str
    causes: tuple[str, ...] = ()
    look: tuple[str, ...] = ()
    kind: str = "cause"
    place: str = "device"


def literal(wording: str) -> str:
    """The longest piece of a wording that has no values: a line without it needs no search."""
    pieces, at = [], 0
    for token in TOKEN.finditer(wording):
        pieces.append(wording[at : token.start()])
        at = token.end()
    return max([*pieces, wording[at:]], key=len)


@cache
def pattern(wording: str) -> re.Pattern[str]:
    """The regular expression of a wording; the last value of a line ends where the line or a clause does."""
    out, at, seen, shape = "", 0, set[str](), None
    for token in TOKEN.finditer(wording):
        name, shape = token[1], token[2]
        out += re.escape(wording[at : token.start()])
        out += f"(?P={name})" if name in seen else f"(?P<{name}>{SHAPES[shape]})"
        seen.add(name)
        at = token.end()
    out += re.escape(wording[at:])
    if at == len(wording) and seen:
        out += r"(?=$|: |\s\|)" if shape in ("s", "n") else r"(?=$|[\s,;\])]|[.:](?:\s|$))"
    return re.compile(out)


ERRNO = {
    "Invalid argument": "EINVAL: a version, section, command or RAM check failed; the line before says which",
    "No such file or directory": "ENOENT: a subsection that the destination does not have, under a device that it has; no file is meant",
    "Input/output error": "EIO: the stream ended before the destination had all it wanted; the last field named is where",
    "Operation not permitted": "-1: a device's own check refused the values (virtio, post-load functions, validated fields); no file permission is meant",
    "Operation not supported": "ENOTSUP: the stream's version, or a capability, is not known to the destination",
    "Cannot allocate memory": "ENOMEM: a size in the stream is larger than the destination can allocate",
    "Unknown error -1": "-1: a callback refused the values",
}

DAMAGE = "the stream is damaged: `migstream check` finds the place"
NEWER = "the stream is from a newer QEMU than the destination"
OTHER_MACHINE = "the destination was started with another machine type or other devices"
LOST = (
    "the reader lost its place before: a section is longer or shorter than the destination expects"
)


def _wordings(texts: tuple[str | tuple[str, str], ...]) -> tuple[Wording, ...]:
    return tuple(Wording(t) if isinstance(t, str) else Wording(*t) for t in texts)


def _message(
    name: str,
    *texts: str | tuple[str, str],
    means: str,
    causes: tuple[str, ...] = (),
    look: tuple[str, ...] = (),
    kind: str = "cause",
    place: str = "device",
) -> Message:
    return Message(
        name=name,
        wordings=_wordings(texts),
        condition=means,
        causes=causes,
        look=look,
        kind=kind,
        place=place,
    )


OLD, NEW = "up to 10.1", "since 10.2"
SETUP = "Make sure that your current VM setup matches your saved VM setup, including any hotplugged devices"

_FRAMING = (  # migration/savevm.c
    _message(
        "not-a-stream",
        ("Not a migration stream, magic: {found:x} != {expected:x}", NEW),
        ("Not a migration stream", OLD),
        means="the first four bytes are not 51 45 56 4d (QEVM)",
        causes=(
            "the file is a container (libvirt save image, qcow2) or compressed",
            "something stands before the stream",
            DAMAGE,
        ),
        look=("the first bytes of the file: `migstream info` names containers",),
        place="start",
    ),
    _message(
        "old-version",
        "SaveVM v2 format is obsolete and don't work anymore",
        "SaveVM v2 format is obsolete and no longer supported",
        means="the header says version 2, which QEMU before 0.10 wrote",
        causes=(DAMAGE,),
        look=("bytes 4-7 of the stream",),
        place="start",
    ),
    _message(
        "version",
        ("Unsupported migration stream version, file version {found:x} != {expected:x}", NEW),
        ("Unsupported migration stream version", OLD),
        means="the header's version is not 3, or the stream ends inside the header",
        causes=("the file is cut off after a few bytes", DAMAGE),
        look=("bytes 4-7 of the stream, and the size of the file",),
        place="start",
    ),
    _message(
        "configuration-missing",
        ("Configuration section missing, {found:x} != {expected:x}", NEW),
        ("Configuration section missing", OLD),
        means="the byte after the header is not 07, although the destination's machine expects a configuration",
        causes=(
            "the source's machine type is 2.3 or older, the destination's is newer",
            "suppress-vmdesc or send-configuration differ between the two sides",
            DAMAGE,
        ),
        look=("`-machine` of both sides", "byte 8 of the stream"),
        place="configuration",
    ),
    _message(
        "machine-type",
        "Machine type received is '{received:s}' and local is '{local:s}'",
        means="the machine types of the two sides differ",
        causes=(
            "the destination was started with another `-machine`",
            "an unversioned name (pc, q35, virt) stands for another release there",
        ),
        look=("start the destination with `-machine {received}`",),
        place="configuration",
    ),
    _message(
        "page-bits",
        "Received TARGET_PAGE_BITS is {received:d} but local is {local:d}",
        means="the target page sizes of the two sides differ",
        causes=("another CPU model or machine type on the destination", DAMAGE),
        look=("configuration/target-page-bits",),
        place="configuration",
    ),
    _message(
        "capability",
        "Capability {capability} is {local}, but received capability is {received}",
        means="a capability is on at one side and off at the other",
        causes=("the destination was not given the capabilities of the source",),
        look=("migrate_set_capability {capability} on both sides", "configuration/capabilities"),
        place="configuration",
    ),
    _message(
        "unknown-capability",
        "Received unknown capability {capability}",
        means="the stream names a capability that the destination does not have",
        causes=(NEWER, DAMAGE),
        look=("configuration/capabilities",),
        place="configuration",
    ),
    _message(
        "uuid",
        "UUID received is {received} and local is {local}",
        means="the machines have different UUIDs, and validate-uuid is on",
        causes=("the destination is another machine, or was given another -uuid",),
        look=("configuration/uuid",),
        place="configuration",
    ),
    _message(
        "uuid-unset",
        "UUID is received {received}, but local uuid isn't set",
        means="the destination has no UUID of its own; it loads all the same",
        kind="warning",
        place="configuration",
    ),
    _message(
        "unknown-section",
        (
            f"Unknown savevm section or instance '{{device:s}}' {{instance:d}}. {SETUP}",
            OLD,
        ),
        (
            f"Unknown section or instance '{{device:s}}' {{instance:d}}. {SETUP}",
            NEW,
        ),
        "Unknown savevm section or instance '{device:s}' {instance:d}",
        "Unknown section or instance '{device:s}' {instance:d}",
        means="the stream has a device that the destination does not have under this name and instance",
        causes=(
            "the device is missing from the destination's command line, or was hot-plugged at the source",
            "it sits at another address there (the name of a PCI device begins with its address)",
            OTHER_MACHINE,
            "the section's name or instance id is damaged",
        ),
        look=("the destination's command line for this device", "the section's header"),
    ),
    _message(
        "section-version",
        "savevm: unsupported version {received:d} for '{device:s}' v{local:d}",
        "unsupported version {received:d} for '{device:s}' v{local:d}",
        means="the section's version is above the one that the destination knows",
        causes=(NEWER, "the version in the section's header is damaged"),
        look=("the section's version",),
        place="section-version",
    ),
    _message(
        "loading-device",
        "error while loading state for instance {instance:x} of device '{device:s}'",
        means="the device in whose section the load failed",
        look=("the line before (up to 10.1) or the clauses behind (since 10.2) say why",),
        kind="context",
    ),
    _message(
        "loading-section",
        ("error while loading state section id {section:d}({device})", OLD),
        "error while loading state section id {section:d}",
        means="a piece (PART or END) of a live section failed",
        look=("the line before says why",),
        kind="context",
    ),
    _message(
        "unknown-section-id",
        ("Unknown savevm section {section:d}", OLD),
        ("Unknown section {section:d}", NEW),
        means="a PART or END refers to a section that was never started",
        causes=(LOST, DAMAGE),
        look=("the section before this place",),
        place="damage",
    ),
    _message(
        "unknown-section-type",
        ("Unknown savevm section type {type:d}", OLD),
        ("Unknown section type {type:d}", NEW),
        means="a byte that opens no section stands where a section, a command or the end should begin",
        causes=(
            "7: the stream has a configuration and the destination's machine expects none (send-configuration=off)",
            "126 (7e): a footer that the destination does not expect (send-section-footer, or a machine type up to 2.3)",
            LOST,
            DAMAGE,
        ),
        look=("the section before this place", "whether both sides send footers"),
        place="section-type",
    ),
    _message(
        "id-string",
        "Unable to read ID string for section {section:d}",
        means="a section's name is empty, or the stream ends in it",
        causes=("the stream is cut off", DAMAGE),
        place="damage",
    ),
    _message(
        "footer-missing",
        "Missing section footer for {device}",
        means="the byte after this section's payload is not 7e: source and destination do not agree on its length",
        causes=(
            "a field or subsection that only one side has (another release or another machine type)",
            "a subsection whose name the destination does not know, at the end of the device",
            "the source sends no footers (machine type up to 2.3) and the destination expects them",
            "bytes were lost or added in this section",
        ),
        look=("this section's fields and subsections", "the section's end"),
        place="section-end",
    ),
    _message(
        "footer-id",
        "Mismatched section id in footer for {device} - read {read:x} expected {expected:x}",
        means="the footer has another section's number",
        causes=("the stream is cut off in the footer (read 0x0)", "the footer is damaged", LOST),
        look=("the section's last four bytes",),
        place="section-end",
    ),
    _message(
        "footer-read",
        "check_section_footer: Read section footer failed: {error:d}",
        means="the stream ends where a footer should be",
        causes=("the stream is cut off",),
        place="end",
    ),
    _message(
        "no-description",
        "Expected vmdescription section, but got {found:d}",
        means="no description follows the end marker; the stream is loaded all the same",
        causes=(
            "the end of the file is missing",
            "suppress-vmdesc differs between the two sides",
        ),
        look=("the bytes after the end marker",),
        kind="warning",
        place="end",
    ),
    _message(
        "xen",
        "loadvm: {device} RAM loading not allowed on Xen",
        means="RAM sections are not loaded under Xen, which moves memory itself",
        causes=("a stream of another hypervisor",),
        place="none",
    ),
    _message(
        "blocked",
        "State blocked by non-migratable device '{device:s}'",
        means="a device of the destination cannot be migrated at all",
        causes=("the destination's configuration, not the stream",),
        look=("which devices the destination has",),
        place="none",
    ),
    _message(
        "bad-load",
        "Failed to load vmstate version_id: {version:d}, ret: {error:d}",
        means="the section's own load function refused it",
        kind="context",
        place="none",
    ),
    _message(
        "result",
        "load of migration failed: {error:s}",
        means="the load has failed; the text is that of an errno",
        look=("the lines before it, not this one",),
        kind="result",
        place="none",
    ),
)

_VMSTATE = (  # migration/vmstate.c, vmstate-types.c
    _message(
        "too-new",
        "{vmsd:n}: incoming version_id {received:d} is too new for local version_id {local:d}",
        means="this state's version is above the destination's",
        causes=(NEWER, "a version number is damaged"),
        look=("the version of this VMState on both sides (`-dump-vmstate`)",),
        place="vmsd",
    ),
    _message(
        "too-old",
        "{vmsd:n}: incoming version_id {received:d} is too old for local minimum version_id  {local:d}",
        "{vmsd:n}: incoming version_id {received:d} is too old for local minimum version_id {local:d}",
        means="this state's version is below the oldest that the destination reads",
        causes=("the stream is from an older QEMU", "a version number is damaged"),
        look=("the minimum version on the destination (`-dump-vmstate`)",),
        place="vmsd",
    ),
    _message(
        "element",
        ("Failed to load element of type {type:s} for {field}", "since 10.1"),
        means="this field could not be read",
        kind="context",
        place="field",
    ),
    _message(
        "state-error",
        ("Failed to load {vmsd} state: stream error: {error:d}", "since 10.1"),
        means="the stream ended, or could not be read, inside this state",
        causes=("the stream is cut off", DAMAGE),
        place="field",
    ),
    _message(
        "field",
        "Failed to load {vmsd}:{field}",
        means="this field could not be read: the stream ends there, or its value was refused",
        causes=(
            "with Input/output error: the stream is cut off in this field",
            "with a line before this one: that line's reason",
        ),
        look=("the field's bytes",),
        kind="context",
        place="field",
    ),
    _message(
        "validation",
        "Input validation failed: {vmsd}/{field}",
        means="a size or index in the stream is outside of what the destination has room for",
        causes=(
            "the device is configured larger at the source (queues, buffers, CPUs)",
            "the value is damaged",
        ),
        look=("the value that this check is about, mostly a count a few fields before",),
        place="field",
    ),
    _message(
        "subsection-missing",
        ("VM subsection '{subsection:s}' in '{vmsd:s}' does not exist", "since 10.2"),
        means="the stream has a subsection that the destination's device does not have",
        causes=(
            NEWER,
            "a feature of the device is on at the source only",
            "the name is damaged",
        ),
        look=("the device's properties on both sides",),
        place="subsection",
    ),
    _message(
        "subsection-failed",
        ("Loading VM subsection '{subsection:s}' in '{vmsd:s}' failed: {error:d}", NEW),
        ("Loading VM subsection '{subsection:s}' in '{vmsd:s}' failed", NEW),
        means="something inside this subsection was refused",
        kind="context",
        place="subsection",
    ),
    _message(
        "hook",
        (
            (
                "{when} load hook failed for: {vmsd:s}, version_id: {version:d}, "
                "minimum_version: {minimum:d}, ret: {error:d}"
            ),
            "since 10.1",
        ),
        means="the device's own check before or after loading refused the state",
        causes=(
            "the device of the destination has other properties, another CPU model, or another backend",
            "a value is damaged",
        ),
        look=("the lines before this one", "the device's properties on both sides"),
        place="vmsd",
    ),
    _message(
        "positive",
        "Invalid value {value:d} expecting positive value <= {limit:d}",
        means="a number must be between 0 and the destination's",
        causes=("version_id of a PCI device from a newer QEMU", "the value is damaged"),
        look=("version_id at the start of the PCI state",),
    ),
    _message(
        "null-pointer",
        "vmstate: get_nullptr expected VMS_NULLPTR_MARKER",
        ("Unexpected ptr marker: {value:d}", "since 11"),
        means="in an array of pointers one side has an element where the other has none",
        causes=("another number of CPUs, ports or slots", LOST),
        look=("the array of pointers in this device",),
    ),
    _message(
        "list-inconsistent",
        "{vmsd:n} inconsistent stream when loading the gtree",
        means="a tree's number of nodes and its end marker disagree",
        causes=(DAMAGE,),
        place="vmsd",
    ),
    _message(
        "list-version",
        "{vmsd:n} too new",
        "{vmsd:n} too old",
        means="the version of a list's or tree's elements is not one that the destination reads",
        causes=("another release on the other side", DAMAGE),
        place="vmsd",
    ),
    _message(
        "list-element",
        "{vmsd:n} : failed to load {field:s} ({error:d})",
        means="an element of a list or tree could not be read",
        causes=("the line before this one says why", DAMAGE),
        place="vmsd",
    ),
)

_RAM = (  # migration/ram.c
    _message(
        "unknown-block",
        'Unknown ramblock "{block:s}", cannot accept migration',
        means="the stream has a RAM block that the destination does not have",
        causes=(
            "a device with memory or a ROM of its own is missing there, or sits at another address",
            OTHER_MACHINE,
            "the block's name is damaged",
        ),
        look=("the device that the block is named after", "the blocks in RAM's setup section"),
        place="block",
    ),
    _message(
        "block-size",
        "Size mismatch: {block}: {received:x} != {local:x}: {error:s}",
        "Size mismatch: {block}: {received:x} != {local:x}",
        ("Length mismatch: {block}: {received:x} in != {local:x}", "up to 9.x"),
        means="a RAM block has another size on the destination",
        causes=(
            "another `-m` (pc.ram, mach-virt.ram, ...), or another memory backend",
            "another size of a device's memory (vgamem_mb, romfile, romsize)",
            "another firmware or option ROM file",
        ),
        look=("the two sizes: received first, local second",),
        place="block",
    ),
    _message(
        "block-lost",
        "Can't find block {block}",
        "Can't find block",
        means="a page record names a RAM block that was not listed",
        causes=(LOST, "the block's name is damaged in the list or in the record"),
        look=("the record before this one",),
        place="damage",
    ),
    _message(
        "no-block",
        "Ack, bad migration stream!",
        means="the first page record does not name a block",
        causes=(LOST, DAMAGE),
        place="damage",
    ),
    _message(
        "ignored-block",
        "block {block} should not be migrated !",
        means="the stream has pages of a block that the destination shares (x-ignore-shared) or does not migrate",
        causes=("x-ignore-shared is on at the destination only",),
        place="block",
    ),
    _message(
        "ram-offset",
        "Illegal RAM offset {offset:x}",
        means="a page lies outside of its block",
        causes=(LOST, DAMAGE),
        place="damage",
    ),
    _message(
        "ram-flags",
        "Unknown combination of migration flags: {flags:x}",
        means="a page record has flags that do not go together",
        causes=(
            "the record before it was read with a wrong length: its flags are damaged",
            "bytes were lost or added (a text-mode copy, a cut)",
            "the target page sizes differ",
        ),
        look=("the record before this place",),
        place="damage",
    ),
    _message(
        "mapped-flags",
        "Unexpected RAM flags: {flags:d}",
        means="a page record in a stream that should have its pages at fixed places (mapped-ram)",
        causes=("mapped-ram is on at the destination and was off at the source",),
        place="damage",
    ),
    _message(
        "zero-page",
        "Found a zero page with value {value:d}",
        means="a page that is said to be zero is filled with another byte",
        causes=(
            "the record's flags are damaged: it was a whole page",
            "a very old source",
        ),
        look=("this record's flags",),
        place="damage",
    ),
    _message(
        "xbzrle",
        "Failed to load XBZRLE page - wrong compression!",
        "Failed to load XBZRLE page - len overflow!",
        "Failed to load XBZRLE page - decode error!",
        "Failed to decompress XBZRLE page at {offset:x}",
        means="the difference to an earlier version of a page cannot be read",
        causes=(LOST, DAMAGE),
        place="damage",
    ),
    _message(
        "host-page",
        "Mismatched RAM page size {block} (local) {local:d} != {received:d}",
        means="a block's memory is backed by pages of another size",
        causes=("huge pages on one side only (mem-path, memory-backend-file, memfd hugetlb)",),
        place="block",
    ),
    _message(
        "gpa",
        "Mismatched GPAs for block {block} {received:x}",
        "Mismatched GPAs for block {block}",
        means="a shared block is at another guest-physical address on the destination",
        causes=("another order of devices or another machine type",),
        place="block",
    ),
    _message(
        "mapped-header",
        "Could not read whole mapped-ram migration header",
        means="the file ends inside a block's mapped-ram header",
        causes=("the file is cut off",),
        place="end",
    ),
    _message(
        "mapped-version",
        "Migration mapped-ram capability version not supported (expected <= {local:d}, got {received:d})",
        means="the header of a block is of a newer mapped-ram",
        causes=(NEWER, "the header is damaged"),
        place="damage",
    ),
    _message(
        "mapped-alignment",
        "Error reading ramblock {block} pages, region has bad alignment",
        means="a block's pages do not begin at a multiple of the page size",
        causes=("the block's mapped-ram header is damaged or was read in the wrong place",),
        place="block",
    ),
    _message(
        "mapped-bitmap",
        "Error reading dirty bitmap",
        means="the bitmap of a block's pages is not all there",
        causes=("the file is cut off", "the block's mapped-ram header is damaged"),
        place="damage",
    ),
    _message(
        "mapped-range",
        "page outside of ramblock {block} range",
        means="the bitmap has a page beyond the block's end",
        causes=(DAMAGE,),
        place="block",
    ),
    _message(
        "mapped-page",
        "({block}) failed to read page {page:x} from file offset {offset:x}",
        means="a page is not in the file",
        causes=("the file is cut off",),
        place="block",
    ),
    _message(
        "host-pages-mixed",
        "Non-same host page detected on channel {channel:d}",
        means="postcopy records of one host page are interrupted by another's",
        causes=("page sizes of the backends differ", LOST),
        place="damage",
    ),
    _message(
        "compressed-length",
        "Invalid compressed data length: {length:d}",
        means="a compressed page is said to be longer than it can be",
        causes=(LOST, DAMAGE),
        place="damage",
    ),
    _message(
        "ram-end",
        "Getting RAM address failed",
        means="the stream ends among page records",
        causes=("the stream is cut off, or the connection broke",),
        place="end",
    ),
)

_COMMANDS = (  # migration/savevm.c: loadvm_process_command, loadvm_postcopy_*
    _message(
        "unknown-command",
        "MIG_CMD {command:x} unknown (len {length:x})",
        means="a command that the destination does not know",
        causes=(NEWER, LOST, DAMAGE),
        place="damage",
    ),
    _message(
        "deprecated-command",
        "ENABLE_COLO command come in migration stream, but x-colo capability is not set",
        "MIG_CMD {command:x} deprecated",
        means="a stream of COLO, which the destination does not take",
        causes=("x-colo is on at the source only", "the destination has no COLO any more"),
        look=("the x-colo capability of both sides",),
        place="command",
    ),
    _message(
        "command-length",
        "{command} received with bad length - expecting {expected:d}, got {got:d}",
        means="a command's payload has not the length that this command has",
        causes=(LOST, DAMAGE),
        place="damage",
    ),
    _message(
        "ping",
        "CMD_PING ({value:x}) received with no return path",
        means="the source asks for an answer and no way back was opened",
        causes=(
            "a stream of a live migration (return-path, postcopy) is loaded from a file",
            "OPEN_RETURN_PATH was taken out of the stream",
        ),
        place="command",
    ),
    _message(
        "return-path-twice",
        "CMD_OPEN_RETURN_PATH called when RP already open",
        means="the return path is opened a second time",
        causes=("an edited stream",),
        place="command",
    ),
    _message(
        "advise",
        "CMD_POSTCOPY_ADVISE in wrong postcopy state ({state:d})",
        "CMD_POSTCOPY_ADVISE invalid length ({length:d})",
        "CMD_POSTCOPY_ADVISE",
        means="postcopy is announced twice, too late, or in a wrong form",
        causes=("an edited stream", DAMAGE),
        place="command",
    ),
    _message(
        "advise-capability",
        "RAM postcopy is enabled but have 0 byte advise",
        "RAM postcopy is disabled but have 16 byte advise",
        means="postcopy-ram is on at one side and off at the other",
        causes=("the destination was not given the capabilities of the source",),
        look=("migrate_set_capability postcopy-ram on both sides",),
        place="command",
    ),
    _message(
        "advise-pages",
        "Postcopy needs matching RAM page sizes (s={received:x} d={local:x})",
        "Postcopy needs matching target page sizes (s={received:d} d={local:d})",
        means="the page sizes of the two sides differ",
        causes=("huge pages on one side only", "another target page size"),
        place="command",
    ),
    _message(
        "discard",
        "CMD_POSTCOPY_RAM_DISCARD in wrong postcopy state ({state:d})",
        "CMD_POSTCOPY_RAM_DISCARD invalid version ({version:d})",
        "CMD_POSTCOPY_RAM_DISCARD invalid length ({length:d})",
        "CMD_POSTCOPY_RAM_DISCARD missing nil ({value:d})",
        "CMD_POSTCOPY_RAM_DISCARD Failed to read RAMBlock ID",
        "CMD_POSTCOPY_RAM_DISCARD",
        means="the list of pages to throw away is not in order",
        causes=(DAMAGE,),
        place="command",
    ),
    _message(
        "packaged",
        "CMD_PACKAGED: Buffer receive fail ret={error:d} length={length:d}",
        "Unreasonably large packaged state: {length:d}",
        "Unreasonably large packaged state",
        means="the package of device state is not all there, or too large",
        causes=("the connection broke", DAMAGE),
        place="command",
    ),
    _message(
        "postcopy-order",
        "CMD_POSTCOPY_LISTEN in wrong postcopy state ({state:d})",
        "CMD_POSTCOPY_RUN in wrong postcopy state ({state:d})",
        means="postcopy commands come in a wrong order",
        causes=("an edited or damaged stream",),
        place="command",
    ),
    _message(
        "resume",
        "illegal resume received",
        "invalid payload length",
        "block '{block:s}' not found",
        means="a command to resume postcopy, or to send a bitmap, that does not fit",
        causes=("the destination is not waiting for a recovery", DAMAGE),
        place="command",
    ),
)

_PCI_AND_VIRTIO = (  # hw/pci/pci.c, hw/virtio/virtio.c
    _message(
        "pci-config",
        (
            "get_pci_config_device: Bad config data: i={index:x} read: {read:x} device: {local:x} cmask: {cmask:x} "
            "wmask: {wmask:x} w1cmask:{w1cmask:x}"
        ),
        "Bad config data: i={index:x} read: {read:x} device: {local:x}",
        means="a byte of the PCI configuration space that a guest cannot change differs from the destination's device",
        causes=(
            "the device has other properties there (vectors, queues, MSI-X, ROM, multifunction, revision)",
            "another device, or another machine type, sits at this address",
            "the byte is damaged",
        ),
        look=("which register byte i is", "the device's properties on both sides"),
        place="pci-config",
    ),
    _message(
        "pci-irq",
        "irq state {value:d}: must be 0 or 1.",
        means="a PCI device's interrupt level is not a level",
        causes=(LOST, DAMAGE),
        place="pci-irq",
    ),
    _message(
        "virtqueues",
        "Invalid number of virtqueues: {count:x}",
        means="more virtqueues than a device can have",
        causes=(LOST, DAMAGE),
        place="virtio",
    ),
    _message(
        "vring-size",
        "VQ {queue:d} vring.num {received:d} exceeds allocated max {local:d}",
        means="a virtqueue has more entries than the destination's device allows",
        causes=(
            "queue-size (rx_queue_size, tx_queue_size) is larger at the source",
            "a machine type or release with another default size",
        ),
        look=("the device's queue sizes on both sides",),
        place="virtqueue",
    ),
    _message(
        "vq-address",
        "VQ {queue:d} address 0x0 inconsistent with Host index {index:x}",
        means="a virtqueue that was never set up has an index",
        causes=(LOST, DAMAGE),
        place="virtqueue",
    ),
    _message(
        "vq-index",
        "VQ {queue:d} size {size:x} < last_avail_idx {avail:x} - used_idx {used:x}",
        "VQ {queue:d} size {size:x} Guest index {guest:x} inconsistent with Host index {host:x}: delta {delta:x}",
        means="a virtqueue's indexes are further apart than the queue is long: memory and device do not belong together",
        causes=(
            "guest memory is not that of the moment when the device state was saved",
            "the indexes, or the queue in memory, are damaged",
        ),
        place="virtqueue",
    ),
    _message(
        "virtio-features",
        "Features {features:x} unsupported. Allowed features: {allowed:x}",
        means="the guest uses features that the destination's device does not offer",
        causes=(
            "the device has other properties there, or another machine type",
            "the host's backend (vhost, tap, network card) lacks them",
        ),
        look=("the features by name, below", "the device's properties on both sides"),
        place="virtio-features",
    ),
    _message(
        "virtio-config",
        "virtio_load: config length {received:d} != {local:d}",
        "Failed to load guest features",
        means="the device's configuration does not fit the destination's",
        causes=("another release or machine type",),
        place="virtio",
    ),
)

_DEVICES = (
    _message(
        "cpreg",
        (
            "handle_cpreg_only_in_incoming_stream: system register {register:x} in the incoming stream but unknown on "
            "the destination: fail migration"
        ),
        "system register {register:x} in the incoming stream but unknown on the destination",
        means="the source's CPU has a system register that the destination's does not have",
        causes=("another CPU model, or a release that gives it other registers",),
        look=("`-cpu` of both sides", "cpreg_vmstate_indexes"),
        place="cpreg",
    ),
    _message(
        "tsc",
        "Mismatch between user-specified TSC frequency and migrated TSC frequency",
        means="the destination was started with another tsc-frequency",
        causes=("`-cpu ...,tsc-frequency=` differs",),
        look=("env.tsc_khz",),
        place="tsc",
    ),
    _message(
        "softfloat",
        "Unsupported old non-softfloat CPU state",
        means="the FPU is saved as only QEMU before 0.13 did",
        causes=(LOST, DAMAGE),
        look=("env.fpregs_format_vmstate",),
        place="device",
    ),
    _message(
        "nested",
        "Nested state invalid format: {format:d}",
        "Unknown nested state",
        "invalid nested state size: {size:d}",
        "nested state size",
        means="the state of a guest's own hypervisor is not one that the destination's KVM takes",
        causes=("another host kernel or CPU vendor", DAMAGE),
        place="device",
    ),
    _message(
        "virtio-mem",
        "Property '{property}' changed from {received} to {local}",
        means="a virtio-mem device is configured otherwise on the destination",
        causes=("another size, address or block size of the device",),
        place="device",
    ),
    _message(
        "run-state",
        "invalid parameter value: {value:s}",
        "Received state name was not zero terminated",
        "invalid global state",
        means="the name of the run state is not one that the destination knows",
        causes=(NEWER, "the name is damaged"),
        look=("globalstate/runstate",),
        place="run-state",
    ),
    _message(
        "vfio-tag",
        "{device}: Unknown tag {tag:x}",
        "{device}: SETUP STATE: EOS not found {tag:x}",
        "{device}: Failed to load device config space",
        "{device}: Load device config space failed",
        "{device}: end flag incorrect {tag:x}",
        "{device}: got DEV_CONFIG_STATE in main migration channel but doing multifd transfer",
        "{device}: Received INIT_DATA_SENT but switchover ack is not used",
        means="the state of a device that is passed through (VFIO) does not fit",
        causes=(
            "another driver, device or firmware of the device on the destination",
            "capabilities differ (switchover-ack, multifd of VFIO)",
            LOST,
        ),
    ),
    _message(
        "bitmaps",
        "Unable to read node alias string",
        "Unable to read node name string",
        "Unable to read bitmap alias string",
        "Unable to read bitmap name string",
        "Error: Unknown node alias '{node:s}'",
        "Error: Unknown bitmap alias '{bitmap:s}' on node '{node:s}' (alias '{alias:s}')",
        "Error: Unknown bitmap alias '{bitmap:s}'",
        "Unknown flags in migrated dirty bitmap header: {flags:x}",
        "Migrated bitmap granularity doesn't match the destination bitmap '{bitmap:s}' granularity",
        "Migrated bitmap granularity doesn't match",
        "Bitmap with the same name ('{bitmap:s}') already exists on destination",
        "Bitmap with the same name '{bitmap:s}' already exists on destination",
        means="a dirty bitmap of a disk cannot be taken over",
        causes=(
            "the destination's block nodes have other names (block-bitmap-mapping)",
            "the destination's disk has that bitmap already",
            LOST,
        ),
        look=("the section dirty-bitmap", "block-bitmap-mapping of both sides"),
        place="bitmap",
    ),
    _message(
        "skeys",
        "Storage key data is incomplete",
        "Unexpected storage key flag data: {flags:x}",
        means="s390x storage keys are not as they should be",
        causes=("the stream is cut off", LOST, DAMAGE),
        place="skeys",
    ),
    _message(
        "stattrib",
        "Unexpected storage attribute flag data: {flags:x}",
        means="s390x storage attributes are not as they should be",
        causes=(LOST, DAMAGE),
        place="damage",
    ),
)

_CHANNELS = (  # migration/multifd*.c, migration/channel.c
    _message(
        "multifd-first",
        "multifd: received packet magic {received:x} expected {expected:x}",
        "multifd: received packet version {received:d} expected {expected:d}",
        "multifd: received uuid '{received}' and expected uuid '{expected}' for channel {channel:d}",
        "multifd: received channel version {received:d} expected {expected:d}",
        "multifd: received channel id {received:d} is greater than number of channels {limit:d}",
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
    _message(
        "multifd-packet",
        "multifd {channel:d}: flags received {received:x} flags expected {expected:x}",
        "multifd: unknown ram block {block}",
        "unknown ram block {block}",
        "multifd: offset too long {offset:d} (max {limit:d})",
        "offset too long",
        "multifd: received packet with {received:d} pages, expected {expected:d}",
        "multifd: received packet with {received:d} pages and expected maximum pages are {expected:d}",
        "received packet with {received:d} pages",
        "multifd: unexpected EOF after packet header",
        "unexpected EOF after packet header",
        "unterminated multifd device state idstr",
        means="a packet of a multifd channel cannot be",
        causes=(
            "multifd-compression differs between the two sides",
            "another target page size",
            "the connection broke",
            DAMAGE,
        ),
        place="none",
    ),
    _message(
        "multifd-compression",
        "multifd {channel:d}: next_packet_size {received:d} exceeds allocated {limit:d}",
        "multifd {channel:d}: expected empty packet",
        "multifd {channel:d}: inflate returned {error:d}",
        "multifd {channel:d}: inflateSync",
        "multifd {channel:d}: inflate",
        "multifd {channel:d}: decompressStream",
        "multifd {channel:d}: packet size received {received:d} size expected {expected:d}",
        means="the compressed pages of a packet cannot be unpacked",
        causes=("multifd-compression differs between the two sides", DAMAGE),
        place="none",
    ),
    _message(
        "peek",
        "Failed to peek at channel",
        means="a connection was closed before it said what it is",
        causes=("the source gave up", "something else connected (a health check)"),
        place="none",
    ),
)

_RETURN_PATH = (  # migration/migration.c: source_return_path_thread; printed by the source
    _message(
        "rp-message",
        "Received invalid message {type:x} length {length:x}",
        "Received '{message}' message ({type:x}) withincorrect length {length:d} expecting {expected:d}",
        "Received '{message}' message ({type:x}) with incorrect length {length:d} expecting {expected:d}",
        "Failed reading data for message {type:x} read {got:d} expected {expected:d}",
        means="the destination's answer on the return path cannot be read (the source prints this)",
        causes=("the connection broke", "another release on the other side"),
        place="none",
    ),
    _message(
        "rp-sibling",
        "Sibling indicated error {error:d}",
        means="the destination says that it failed (the source prints this)",
        causes=("the reason stands in the destination's log",),
        look=("the destination's log",),
        place="none",
    ),
    _message(
        "rp-pages",
        "Req_Page_id with length {length:d} expecting {expected:d}",
        "MIG_RP_MSG_REQ_PAGES: Misaligned page request",
        "MIG_RP_MSG_REQ_PAGES has no block '{block:s}'",
        "MIG_RP_MSG_REQ_PAGES request overrun",
        "ram_save_queue_pages no block: {block}",
        "ram_save_queue_pages request overrun",
        "request overrun",
        means="the destination asks for pages that are not there (the source prints this)",
        causes=("RAM blocks or page sizes differ between the two sides",),
        place="block",
    ),
    _message(
        "rp-bitmap",
        "ramblock '{block:s}' bitmap size mismatch",
        "read bitmap failed for ramblock '{block:s}'",
        "ramblock '{block:s}' end mark incorrect: {mark:x}",
        "illegal resume_ack value {value:d}",
        means="recovery of a postcopy migration: the destination's list of pages does not fit (the source prints this)",
        causes=("the wrong destination was reconnected", "the connection broke again"),
        place="block",
    ),
)

_LAST = (
    _message(
        "equal",
        "{received:x} != {local:x}",
        means="a value that must be the same on both sides is not (received first, local second)",
        causes=(
            "the device has another number of queues, ports, or another size on the destination",
            DAMAGE,
        ),
        look=("the field that the following line names",),
        place="field",
    ),
)

MESSAGES = (
    *_FRAMING,
    *_VMSTATE,
    *_RAM,
    *_COMMANDS,
    *_PCI_AND_VIRTIO,
    *_DEVICES,
    *_CHANNELS,
    *_RETURN_PATH,
    *_LAST,
)
