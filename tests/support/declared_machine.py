"""A machine of declared devices, made like the one that wrote a stream."""

from __future__ import annotations

from migstream.savevm import SaveVM
from migstream.savevm.ram import Block, GuestRam
from migstream.stream import Stream
from migstream.vmstate import VMState
from migstream.wire.model import Command, Section, SectionType
from support.qemu_devices import declared


def release_of(version: str) -> tuple[int, int]:
    """``7.2.22`` as (7, 2)."""
    major, minor, *_ = version.split(".")
    return int(major), int(minor)


def like(stream: Stream, version: str) -> tuple[SaveVM, list[VMState], list[GuestRam]]:
    """An empty machine with what `stream`'s consists of, and its parts."""
    commands = [item.name for item in stream.items if isinstance(item, Command)]
    vm = SaveVM(
        stream.machine,
        release=version,
        capabilities=stream.capabilities,
        switchover_start="SWITCHOVER_START" in commands,
    )
    devices: list[VMState] = []
    memory: list[GuestRam] = []
    for item in stream.items:
        if not isinstance(item, Section):
            continue
        if item.type is SectionType.START:
            blocks = [Block(b.name, bytearray(b.used_length)) for b in item.content.blocks]
            memory.append(GuestRam(blocks, mapped="mapped-ram" in stream.capabilities))
            vm.register_live(item.name, memory[-1], section_id=item.section_id)
        elif item.type is SectionType.FULL:
            [kind] = declared(item.name, release_of(version))
            devices.append(kind())
            vm.register(devices[-1], section_id=item.section_id)
    return vm, devices, memory
