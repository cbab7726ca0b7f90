"""Rules about sections and commands: which there are, and in which order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from migstream.analysis.rules.registry import Hit, Subject, rule
from migstream.iterable import SECTIONS
from migstream.iterable.bitmap import DirtyBitmapContent
from migstream.names import many
from migstream.qemu.words import say
from migstream.wire.frames import COMMANDS
from migstream.wire.model import Command, End, Section, SectionType, Span, Trailer, VMDescription

__all__: list[str] = []

MACHINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
LONGEST = 64  # characters of a name that is none are printed
OPENS = {SectionType.START, SectionType.FULL}


@rule("MS501", "warning", "Two device sections have the same name and instance id")
def duplicates(subject: Subject) -> Iterator[Hit]:
    """QEMU finds a section's device by name and instance id. The second section goes to the same device as
    the first and overwrites it; the other device keeps what it had at start-up.

    Where the description lists the name and instance as often, QEMU itself has written both: the IDE controllers of
    isapc, two user networks (slirp) of 7.2 and older, a second i8042. Anywhere else the stream was edited, or a byte of
    the instance id is damaged.

    References: QEMU, migration/savevm.c: find_se.
    """
    first: dict[tuple[str, int], Section] = {}
    listed = Counter(d.key for d in subject.described)
    for section in subject.sections:
        if section.type not in OPENS:
            continue
        before = first.setdefault(section.key, section)
        if before is not section:
            meant = listed[section.key] > 1
            yield Hit(
                message=f"the stream has had a section {section.path} already, at {before.span.start:#x}",
                section=section.path,
                span=_head(section),
                hint="QEMU wrote it so: it cannot load this machine's state as it was"
                if meant
                else "both load into one device: look at the instance ids",
            )


@rule("MS502", "error", "A section id is given to two sections")
def reused_ids(subject: Subject) -> Iterator[Hit]:
    """Each START and FULL has a number of its own; PART, END and footers refer to it. QEMU counts them up when
    devices are registered, so that no two are the same.

    The four bytes after the type byte are damaged, or sections of two streams were put together.

    References: QEMU, migration/savevm.c: SaveState.global_section_id, save_section_header.
    """
    owner: dict[int, Section] = {}
    for section in subject.sections:
        if section.type not in OPENS:
            continue
        before = owner.setdefault(section.section_id, section)
        if before is not section:
            yield Hit(
                message=f"section id {section.section_id} is {before.path}'s",
                section=section.path,
                span=Span(section.span.start + 1, section.span.start + 5),
                found=str(section.section_id),
            )


@rule("MS503", "warning", "A live section was started and never ended")
def unended(subject: Subject) -> Iterator[Hit]:
    """Sections that are sent while the guest runs (RAM, block devices, bitmaps) have a START, any number of PARTs
    and one END. Without END the last changes are missing: the guest would run on memory that is out of date.

    A background snapshot ends no live section at all, for its memory does not change any more: where the stream is
    whole otherwise, none has an END and nothing says that the guest was switched over, this is a note. Dirty bitmaps
    that are none (the capability was on, no disk has one) are not ended either, and that is nothing.

    References: QEMU, migration/savevm.c: qemu_savevm_state_complete_precopy_iterable; migration/migration.c:
    bg_migration_thread; migration/block-dirty-bitmap.c: dirty_bitmap_is_active.
    """
    ended = {s.section_id for s in subject.sections if s.type == SectionType.END}
    switched = any(isinstance(i, Command) and i.name == "SWITCHOVER_START" for i in subject.items)
    for section in subject.sections:
        if section.type != SectionType.START or section.section_id in ended:
            continue
        if isinstance(section.content, DirtyBitmapContent) and not section.content.count:
            continue
        yield Hit(
            message=f"{section.path} has no END",
            section=section.path,
            span=_head(section),
            hint="a background snapshot, a cut-off stream, or a migration that was cancelled",
            severity=None if ended or switched or not subject.whole else "note",
        )


@rule("MS504", "error", "A live section goes on after its END")
def after_end(subject: Subject) -> Iterator[Hit]:
    """END is the last of a section's pieces. What follows it under the same id is loaded all the same and
    overwrites what was there: an edited stream, or a damaged type byte or id.

    COLO sends memory again and again and is the exception.

    References: QEMU, migration/savevm.c: qemu_savevm_state_complete_precopy_iterable.
    """
    if any(isinstance(i, Command) and i.name == "ENABLE_COLO" for i in subject.items):
        return
    ended: set[int] = set()
    for section in subject.sections:
        if section.section_id in ended and section.type in {SectionType.PART, SectionType.END}:
            yield Hit(
                message=f"a {section.label} of {section.path} after its end",
                section=section.path,
                span=Span(section.span.start, section.span.start + 5),
            )
        if section.type == SectionType.END:
            ended.add(section.section_id)


@rule("MS505", "warning", "SWITCHOVER_START is not where it belongs")
def switchover(subject: Subject) -> Iterator[Hit]:
    """Since QEMU 10.0 the source says with this command that the guest has stopped: after the last PART, before the
    first END. Elsewhere it would make a destination believe that memory still changes, or does not any more.

    References: QEMU, migration/savevm.c: qemu_savevm_state_complete_precopy; MIG_CMD_SWITCHOVER_START.
    """
    seen: Command | None = None
    ended = False
    for item in subject.items:
        if isinstance(item, Command) and item.name == "SWITCHOVER_START":
            if seen is not None or ended:
                word = "a second time" if seen is not None else "after an END"
                yield Hit(
                    message=f"SWITCHOVER_START comes {word}", section="command", span=item.span
                )
            seen = item
        elif isinstance(item, Section) and item.type == SectionType.END:
            ended = True
        elif seen is not None and isinstance(item, Section) and item.type == SectionType.PART:
            if not _postcopy(subject):
                yield Hit(
                    message=f"a part of {item.path} comes after SWITCHOVER_START",
                    section=item.path,
                    span=Span(item.span.start, item.span.start + 5),
                )
            return


@rule("MS506", "warning", "The stream ends without a description of its devices")
def undescribed(subject: Subject) -> Iterator[Hit]:
    """After the end marker QEMU appends the layout of all devices as JSON. Without it device state cannot be told
    apart byte by byte, and most of what `check` looks at cannot be looked at. QEMU itself loads such a stream; where
    it expects a description it says "Expected vmdescription section, but got 0".

    Reasons: the end of the file is missing; the machine was started with suppress-vmdesc=on; a machine type (pseries)
    or QEMU before 2.3. A postcopy stream never has one.

    `--like OTHER` takes the description of another stream of the same machine and QEMU.

    References: QEMU, migration/savevm.c: should_send_vmdesc, qemu_loadvm_state.
    """
    end = next((i for i in subject.items if isinstance(i, End)), None)
    described = any(isinstance(i, VMDescription) for i in subject.items)
    cut = any(end is not None and (e.at or 0) >= end.span.stop for e in subject.damage)
    if end is not None and not described and not cut:
        yield Hit(
            message="nothing describes the devices",
            section="description",
            span=Span(end.span.stop, end.span.stop),
            expected="type byte 0x06, a length and JSON after the end marker",
            found="the end of the file" if subject.stream.size <= end.span.stop else "other bytes",
            hint="--like OTHER takes another stream's description",
            severity="note" if _postcopy(subject) else None,
        )


@rule("MS507", "note", "Zeros follow the stream")
def padding(subject: Subject) -> Iterator[Hit]:
    """A stream on a volume or in a container whose size is a whole number of blocks ends before the volume does.
    QEMU does not read that far.
    """
    for item in subject.items:
        if isinstance(item, Trailer) and item.zeros:
            yield Hit(
                message=f"{item.span.size} zero bytes follow the stream",
                section="trailer",
                span=item.span,
            )


@rule("MS508", "warning", "Bytes of something else follow the stream")
def trailing(subject: Subject) -> Iterator[Hit]:
    """QEMU stops at the end of the description and never reads what follows. Bytes that are not zeros there are
    left over from a longer file that was overwritten, or belong to another file that was appended, or the length
    of the description is damaged.
    """
    for item in subject.items:
        if isinstance(item, Trailer) and not item.zeros:
            yield Hit(
                message=f"{many(item.span.size, 'byte')} of something else behind the stream",
                section="trailer",
                span=item.span,
                hint="cut the file off there if nobody needs them",
            )


@rule("MS509", "note", "The stream has no configuration section")
def unconfigured(subject: Subject) -> Iterator[Hit]:
    """Machine types up to 2.3 do not send it; a destination of a newer machine type then says "Configuration section
    missing". Nothing in the stream says which machine it is for.

    References: QEMU, migration/savevm.c: qemu_loadvm_state_header.
    """
    if subject.configuration is None and subject.sections and subject.whole:
        at = subject.sections[0].span.start
        yield Hit(
            message="the stream does not say of which machine it is",
            section="configuration",
            span=Span(at, at),
            hint="load it with a machine type of version 2.3 or older",
        )


@rule("MS510", "warning", "A live section that no QEMU sends")
def unknown_live(subject: Subject) -> Iterator[Hit]:
    """Few parts of a machine are saved while it runs: `ram`, `block`, `dirty-bitmap`, `spapr/htab`,
    `s390-storage_attributes` and vfio devices, all but the last under instance 0. A destination that does not know the
    name and instance ends with "Unknown savevm section or instance".

    The name or instance id is damaged, or this is a release of QEMU that migstream does not know.

    References: QEMU, migration/savevm.c: register_savevm_live, qemu_loadvm_section_start_full.
    """
    for section in subject.sections:
        if section.type != SectionType.START:
            continue
        known = SECTIONS.find(section.name) is not None
        if known and (section.instance_id == 0 or section.name.endswith("vfio")):
            continue
        at = section.payload.start - 8
        yield Hit(
            message=f"no QEMU sends a live section {section.path}",
            section=section.path,
            span=Span(at, at + 4) if known else Span(section.span.start + 5, at),
            expected="instance 0" if known else "a name such as ram or dirty-bitmap",
            found=str(section.instance_id) if known else section.name,
        )


@rule("MS518", "error", "The configuration says what no QEMU says")
def configuration(subject: Subject) -> Iterator[Hit]:
    """A machine type's name is made of letters, digits and `-._`, and the subsections of the configuration have version 1.
    QEMU compares the name with its own ("Machine type received is ..."), and refuses newer subsections.

    The bytes are damaged, or the name's length is.

    References: QEMU, migration/savevm.c: configuration_post_load, vmstate_configuration.
    """
    found = subject.configuration
    if found is None:
        return
    if not MACHINE.fullmatch(found.machine):
        yield Hit(
            message="no machine type has this name",
            section="configuration",
            span=Span(found.name_span.start - 4, found.name_span.stop),
            found=found.machine[:LONGEST],
        )
    for part in found.subsections:
        if part.version != 1:
            yield Hit(
                message=f"the version of {part.name}",
                section="configuration",
                path=part.name,
                span=Span(part.payload.start - 4, part.payload.start),
                expected="1",
                found=str(part.version),
            )


@rule("MS519", "warning", "A command that no QEMU up to 11.1 knows")
def unknown_commands(subject: Subject) -> Iterator[Hit]:
    """A command says its own length, so that the rest of the stream can be read; but every QEMU refuses one whose
    number it does not know: "MIG_CMD 0x... unknown". The stream comes from a newer QEMU than 11.1 or from one with
    patches of its own, or the number is damaged.

    References: QEMU, migration/savevm.c: mig_cmd_args, loadvm_process_command.
    """
    for item in subject.items:
        if isinstance(item, Command) and item.command not in COMMANDS:
            yield Hit(
                message=say("unknown-command", command=item.command, length=item.payload.size),
                section="command",
                span=Span(item.span.start + 1, item.span.start + 3),
                expected=f"1 to {max(COMMANDS)}",
                found=str(item.command),
            )


def _head(section: Section) -> Span:
    """Type byte to version id."""
    return Span(section.span.start, section.payload.start)


def _postcopy(subject: Subject) -> bool:
    return any(isinstance(i, Command) and i.name == "POSTCOPY_ADVISE" for i in subject.items)
