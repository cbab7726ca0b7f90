"""What is around the devices: configuration, footers, commands, live sections, RAM blocks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from migstream.analysis.compat.capabilities import (
    not_offered,
    received_capabilities,
    unknown_capability,
)
from migstream.analysis.compat.commands import SWITCHOVER_START, command_problems, commands_of
from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.memory import walked
from migstream.analysis.compat.model import Kind, Problem
from migstream.analysis.compat.said import Words
from migstream.qemu.release import Bounds, Version, machine_version
from migstream.qemu.words.errno import TEXTS
from migstream.wire import write
from migstream.wire.model import Command, Configuration, Item, Section, SectionType, Span, flat

if TYPE_CHECKING:
    from migstream.ram.model import RamBlock
    from migstream.stream import Stream

__all__ = ["Sides", "frame_problems", "ram_problems"]

SEARCHED = 64 << 20  # bytes before the first late device that SWITCHOVER_START is looked for in
SEARCHED_AFAR = 1 << 18  # the same of what comes over a network
RESIZABLE = "/rom@"  # hw/core/loader.c: rom_set_mr, memory that may have another length
# Live sections that every QEMU registers, whatever it has to send; until which release, where they went.
ALWAYS_LIVE: dict[str, Version | None] = {"ram": None, "dirty-bitmap": None, "block": (9, 1)}
SWITCHOVER = write.command(SWITCHOVER_START)
CONFIGURATION_BYTE = int(SectionType.CONFIGURATION)


class Sides:
    """Both sides of the frame."""

    def __init__(self, stream: Stream, destination: Destination, words: Words) -> None:
        self.stream = stream
        self.destination = destination
        self.words = words

    @property
    def other(self) -> Stream | None:
        return self.destination.stream

    @cached_property
    def items(self) -> tuple[Item, ...] | None:
        """The stream, walked; None where that costs more than all the rest."""
        return walked(self.stream)

    @cached_property
    def commands(self) -> list[Command]:
        """Commands of the whole stream where it was walked.

        Else those of the head, and SWITCHOVER_START, which stands between live sections.
        """
        if self.items is not None:
            return [i for i in flat(self.items) if isinstance(i, Command)]
        found = commands_of(self.stream)
        at = None if SWITCHOVER_START in {c.command for c in found} else self._switchover()
        if at is not None:
            span = Span(at, at + len(SWITCHOVER))
            found.append(
                Command(
                    span=span,
                    command=SWITCHOVER_START,
                    name="SWITCHOVER_START",
                    payload=Span(span.stop, span.stop),
                )
            )
        return found

    def _switchover(self) -> int | None:
        """Where SWITCHOVER_START is, found by its bytes and those of the END that follows."""
        stream = self.stream
        live = [s for s in stream.head if isinstance(s, Section) and s.type is SectionType.START]
        late = [
            d.section.span.start for d in stream.devices if live and d.section.span > live[0].span
        ]
        if not late or not stream.seekable:
            return None
        searched = SEARCHED_AFAR if stream.far else SEARCHED
        begin = max(live[-1].span.stop, late[0] - searched)
        window = bytes(stream.store.view(begin, late[0]))
        for section in live:
            end = write.numbered_header(SectionType.END, section.section_id)
            found = window.rfind(SWITCHOVER + end)
            if found >= 0:
                return begin + found
        return None

    def problem(
        self,
        kind: Kind,
        span: Span,
        message: str,
        said: tuple[str, ...],
        hint: str = "",
        found: int | None = None,
    ) -> Problem:
        return Problem(
            kind=kind, device="", span=span, message=message, said=said, hint=hint, found=found
        )


def frame_problems(frame: Sides) -> Iterator[Problem]:
    """All but devices and guest memory."""
    yield from _lacking(frame)
    yield from _blocked(frame)
    yield from not_offered(frame)
    yield from _configuration(frame)
    yield from _footers(frame)
    yield from _live(frame)
    yield from command_problems(frame, frame.commands)


def _lacking(frame: Sides) -> Iterator[Problem]:
    """A device type of its arguments that the destination does not know (system/qdev-monitor.c: qdev_get_device_class)."""
    for name in frame.destination.lacking:
        yield Problem(
            kind="section",
            device=f"{name}[0]",
            span=Span(0, 0),
            message=f"the destination has no device type {name}: it does not start",
            hint="leave the device out there, or give it one of another type",
        )


def _blocked(frame: Sides) -> Iterator[Problem]:
    """A device of the destination that cannot be migrated (migration/savevm.c: qemu_savevm_state_blocked)."""
    for name in frame.destination.blocked:
        yield Problem(
            kind="section",
            device=f"{name}[0]",
            span=Span(0, 0),
            message=f"the destination has {name}, which cannot be migrated: it takes no stream",
            said=frame.words.plain(frame.words.say("blocked", device=name)),
            hint="leave the device out there",
        )


# --- configuration -------------------------------------------------------------------------------


def _configuration(frame: Sides) -> Iterator[Problem]:
    ours = frame.stream.configuration
    theirs = None if frame.other is None else frame.other.configuration
    if frame.other is not None and (ours is None) != (theirs is None):
        yield from _one_sided(frame, ours)
        return
    if ours is None:
        return
    yield from unknown_capability(frame, ours)
    machine = _local_machine(frame, theirs)
    # strncmp bounded by the received length: a beginning of the local name will do
    if machine is not None and not machine.startswith(ours.machine):
        yield frame.problem(
            "configuration",
            ours.name_span,
            f"the machine type is {ours.machine}, that of the destination {machine}",
            frame.words.configuration(
                frame.words.say("machine-type", received=ours.machine, local=machine)
            ),
            hint=_machine_hint(frame, ours.machine),
            found=ours.span.stop,
        )
    if theirs is not None:
        yield from _page_bits(frame, ours, theirs)
    yield from received_capabilities(frame, ours, frame.destination.capabilities)
    if theirs is not None and ours.uuid and theirs.uuid and ours.uuid != theirs.uuid:
        yield frame.problem(
            "configuration",
            next(p.span for p in ours.subsections if p.name == "configuration/uuid"),
            f"the uuid is {ours.uuid}, that of the destination {theirs.uuid}",
            frame.words.configuration(
                frame.words.say("uuid", received=ours.uuid, local=theirs.uuid)
            ),
        )


def _machine_hint(frame: Sides, machine: str) -> str:
    """What to do where the machine types differ; the destination may be too old to have the stream's."""
    _, version = machine_version(machine)
    release = frame.destination.release
    if version is None or not release.until(version):
        return f"start the destination with -machine {machine}"
    return f"that QEMU is older than {machine}: `migstream convert --to-machine` gives the stream the form of a machine type that it has"


def _local_machine(frame: Sides, theirs: Configuration | None) -> str | None:
    if theirs is not None:
        return theirs.machine
    schema = frame.destination.schema
    return None if schema is None else schema.machine


def _one_sided(frame: Sides, ours: Configuration | None) -> Iterator[Problem]:
    if ours is not None:
        yield frame.problem(
            "configuration",
            Span(ours.span.start, ours.span.start + 1),
            "the destination expects no configuration section",
            frame.words.unknown_type(CONFIGURATION_BYTE),
            hint="its machine type is of 2.3 or older",
        )
    else:
        yield frame.problem(
            "configuration",
            Span(8, 9),
            "the destination expects a configuration section, the stream has none",
            frame.words.plain(
                frame.words.say(
                    "configuration-missing",
                    found=int.from_bytes(frame.stream.store.view(8, 9), "big"),
                    expected=CONFIGURATION_BYTE,
                )
            ),
        )


def _page_bits(frame: Sides, ours: Configuration, theirs: Configuration) -> Iterator[Problem]:
    if ours.page_bits != theirs.page_bits:
        mine, local = ours.page_bits, theirs.page_bits
        yield frame.problem(
            "configuration",
            ours.span,
            f"the target page has {mine or 'the least'} bits, on the destination {local or 'the least'}",
            frame.words.configuration(
                frame.words.say("page-bits", received=mine or 0, local=local or 0)
            ),
            found=ours.span.stop,
        )


# --- footers, live sections, commands ------------------------------------------------------------


def _sections(stream: Stream) -> list[Section]:
    """Sections of the head, then the devices: enough to know what both sides write."""
    head = [i for i in stream.head if isinstance(i, Section)]
    return head + [d.section for d in stream.devices]


def _footers(frame: Sides) -> Iterator[Problem]:
    if frame.other is None:
        return
    ours, theirs = _sections(frame.stream), _sections(frame.other)
    if not ours or not theirs:
        return
    mine, local = (any(s.footer is not None for s in sections) for sections in (ours, theirs))
    if mine == local:
        return
    first = ours[0]
    at = first.payload.stop
    said = (
        frame.words.unknown_type(SectionType.FOOTER) if mine else frame.words.missing_footer(first)
    )
    yield frame.problem(
        "framing",
        Span(at, at + 1),
        "the stream has section footers, the destination expects none"
        if mine
        else "the stream has no section footers, the destination expects them",
        said,
        hint="-global migration.send-section-footer, or the machine type (2.3 and older have none)",
    )


def _registered(name: str, release: Bounds) -> bool:
    """Whether a live section is one that this release loads whatever its own stream has."""
    until = ALWAYS_LIVE.get(name)
    return name in ALWAYS_LIVE and (until is None or not release.since(until))


def _live(frame: Sides) -> Iterator[Problem]:
    if frame.other is None:
        return
    for item in frame.stream.head:
        if not isinstance(item, Section) or item.type is not SectionType.START:
            continue
        if item.key in frame.destination.live or _registered(item.name, frame.destination.release):
            continue
        yield Problem(
            kind="section",
            device=item.path,
            span=item.span,
            message=f"the destination has nothing that loads {item.path}",
            said=frame.words.unknown_section(item.name, item.instance_id),
        )


# --- RAM -----------------------------------------------------------------------------------------


def ram_problems(frame: Sides) -> Iterator[Problem]:
    """Blocks by name and length (migration/ram.c: parse_ramblock)."""
    if frame.other is None or not frame.other.blocks:
        yield from _roms(frame)
        return
    yield from _pages(frame)
    local = {block.name: block for block in frame.other.blocks}
    for block in frame.stream.blocks:
        there = local.get(block.name)
        if not frame.destination.tells_of(block.name):
            continue
        problem = _no_block(frame, block) if there is None else _length(frame, block, there)
        if problem is not None:
            yield problem


def _roms(frame: Sides) -> Iterator[Problem]:
    """Blocks of which the length is known without a stream."""
    for block in frame.stream.blocks:
        size = frame.destination.roms.get(block.name)
        if size is not None:
            yield _other_length(frame, block, size)


def _pages(frame: Sides) -> Iterator[Problem]:
    """Addresses of pages have flags in their low bits, as many as a page of the target has."""
    ours, theirs = (
        None if one is None or one.description is None else one.description.page_size
        for one in (frame.stream, frame.other)
    )
    if not frame.stream.blocks or not ours or not theirs or ours == theirs:
        return
    if frame.stream.configuration is not None and frame.stream.configuration.page_bits:
        return
    yield Problem(
        kind="ram",
        device="ram[0]",
        path="ram",
        span=frame.stream.blocks[-1].span,
        message=f"a page of the target has {ours} bytes, on the destination {theirs}",
        said=frame.words.ram(frame.words.say("ram-flags/any")),
        hint="a release with the same page size of this target",
    )


def _ram(frame: Sides, block: RamBlock, message: str, line: str, hint: str) -> Problem:
    return Problem(
        kind="ram",
        device="ram[0]",
        path=f"ram/{block.name}",
        span=block.span,
        message=message,
        said=frame.words.ram(line),
        hint=hint,
    )


def _no_block(frame: Sides, block: RamBlock) -> Problem:
    return _ram(
        frame,
        block,
        f"the destination has no RAM block {block.name}",
        frame.words.say("unknown-block", block=block.name),
        "the device that it belongs to is missing, or at another address",
    )


def _other_length(frame: Sides, block: RamBlock, local: int) -> Problem:
    mine = block.used_length
    return _ram(
        frame,
        block,
        f"RAM block {block.name} has {mine:#x} bytes, on the destination {local:#x}",
        frame.words.say(
            "block-size", block=block.name, received=mine, local=local, error=TEXTS["EINVAL"]
        ),
        "the same -m, the same ROM files, the same memory of the device",
    )


def _length(frame: Sides, block: RamBlock, there: RamBlock) -> Problem | None:
    mine, local = block.used_length, there.used_length
    if mine != local and not block.name.startswith(RESIZABLE):
        return _other_length(frame, block, local)
    if block.page_size and there.page_size and block.page_size != there.page_size:
        return _ram(
            frame,
            block,
            f"the pages behind {block.name} have {block.page_size} bytes, on the destination {there.page_size}",
            frame.words.say(
                "host-page", block=block.name, local=there.page_size, received=block.page_size
            ),
            "back it by pages of the same size: postcopy needs that",
        )
    return None
