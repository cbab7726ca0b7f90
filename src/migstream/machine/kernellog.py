"""The log of a Linux guest as `dmesg` prints it, read from its memory.

Where it is, and how its structures are laid out, stands in the kernel's note for dumps (`machine.vmcoreinfo`).
Everything in it is the guest's, so nothing is believed: what is read is bounded by the size of the buffers, and
these by limits of our own.

References: Linux, kernel/printk/printk_ringbuffer.c (since 5.10), kernel/printk/printk.c; Documentation/admin-guide/
kdump/vmcoreinfo.rst.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import msgspec

from migstream.errors import NoSuchAddress, Unsupported
from migstream.machine.arch import big_endian
from migstream.machine.paging.walk import VirtualMemory
from migstream.machine.physical import PhysicalMemory
from migstream.machine.registers.read import Cpu
from migstream.machine.state import State
from migstream.machine.vmcoreinfo import KernelInfo, kernel_infos
from migstream.ram.image import Ram

__all__ = ["KernelLog", "kernel_log"]

LARGEST = 1 << 25  # bytes of each of the tables and of the text
MOST = 1 << 18  # lines
PHYSICAL_BITS = 52
KERNEL_TEXT = 0xFFFFFFFF80000000  # x86-64: __START_KERNEL_map
NANOSECONDS, MICROSECOND = 10**9, 1000
# States of a record that is whole: printk_ringbuffer.h
COMMITTED, FINALIZED = 1, 2

Read = Callable[[int, int], bytes]


class Running(State, Protocol):
    """A guest's memory and the registers of its CPUs. `Stream` fits."""

    @property
    def ram(self) -> Ram: ...
    @property
    def memory(self) -> PhysicalMemory: ...
    @property
    def registers(self) -> Sequence[Cpu]: ...


class KernelLog(msgspec.Struct, frozen=True):
    """The kernel's release, and its log, oldest line first."""

    release: str
    lines: list[str]


def kernel_log(guest: Running) -> KernelLog | None:
    """The log, None where the memory holds none that can be read. It costs a search through all of it."""
    cpus = guest.registers
    mark = ">" if cpus and big_endian(cpus[0].arch) else "<"
    for info in kernel_infos(guest, guest.memory, guest.ram):
        for find in (_ring, _buffer):
            try:
                lines = find(_Kernel(info, _reader(guest, info), mark))
            except (NoSuchAddress, KeyError, struct.error):
                continue  # not of this kind, another kernel's note, or a structure that leads nowhere
            if lines:
                return KernelLog(info.release, lines)
    return None


def _reader(guest: Running, info: KernelInfo) -> Read:
    """Reads virtual memory as any CPU sees it; one in user mode may have no mapping of the kernel."""
    views: list[Read] = []
    for cpu in guest.registers:
        try:
            views.append(VirtualMemory(cpu, guest.memory).read)
        except Unsupported:
            continue
    base = info.numbers.get("phys_base")
    if base is not None:
        views.append(lambda at, size: guest.memory.read(_linear(at, base), size))

    def read(address: int, size: int) -> bytes:
        for view in views:
            try:
                return view(address, size)
            except NoSuchAddress:
                continue
        raise NoSuchAddress(f"no CPU maps {address:#x}")

    return read


def _linear(address: int, base: int) -> int:
    """Where x86-64 has the kernel's own text and data (arch/x86/include/asm/page_64.h: __phys_addr_nodebug)."""
    physical = address - KERNEL_TEXT + base
    if not 0 <= physical < 1 << PHYSICAL_BITS or address < KERNEL_TEXT:
        raise NoSuchAddress(f"{address:#x} is not in the kernel's text")
    return physical


class _Kernel:
    """Its memory with what its note says of structures; KeyError where that does not say it."""

    def __init__(self, info: KernelInfo, read: Read, mark: str) -> None:
        self.symbols, self.sizes, self._offsets = info.symbols, info.sizes, info.offsets
        self.read = read
        self.mark = mark
        # a list's head is two pointers; kernels before 5.10 say no more of a long
        narrow = 4 in (info.sizes.get("atomic_long_t"), info.sizes.get("list_head", 0) // 2)
        self.word = 4 if narrow else 8
        self._long = f"{mark}{'I' if narrow else 'Q'}"

    def at(self, field: str) -> int:
        """Where a field is in its structure; raises NoSuchAddress where that is nowhere."""
        offset = self._offsets[field]
        if not 0 <= offset < 1 << 16:
            raise NoSuchAddress(f"{field} at {offset}")
        return offset

    def long(self, raw: bytes, offset: int) -> int:
        return int(struct.unpack_from(self._long, raw, offset)[0])

    def pointer(self, address: int) -> int:
        return self.long(self.read(address, self.word), 0)

    def u32(self, address: int) -> int:
        return int(struct.unpack(f"{self.mark}I", self.read(address, 4))[0])

    def size(self, name: str) -> int:
        """Bytes of a structure; raises NoSuchAddress where it is none."""
        size = self.sizes[name]
        if not 0 < size < 1 << 12:
            raise NoSuchAddress(f"{name} of {size} bytes")
        return size


# --- since Linux 5.10 -------------------------------------------------------------------------------


def _ring(kernel: _Kernel) -> list[str]:
    """printk_ringbuffer: descriptors, infos beside them, and a ring of text."""
    ring = kernel.pointer(kernel.symbols["prb"])
    descs = ring + kernel.at("printk_ringbuffer.desc_ring")
    texts = ring + kernel.at("printk_ringbuffer.text_data_ring")
    count_bits = kernel.u32(descs + kernel.at("prb_desc_ring.count_bits"))
    size_bits = kernel.u32(texts + kernel.at("prb_data_ring.size_bits"))
    desc_size, info_size = kernel.size("prb_desc"), kernel.size("printk_info")
    count, size = 1 << min(count_bits, 32), 1 << min(size_bits, 32)
    if max(size, count * max(desc_size, info_size)) > LARGEST:
        raise NoSuchAddress("a log larger than any that is read")
    table = kernel.read(kernel.pointer(descs + kernel.at("prb_desc_ring.descs")), count * desc_size)
    infos = kernel.read(kernel.pointer(descs + kernel.at("prb_desc_ring.infos")), count * info_size)
    data = kernel.read(kernel.pointer(texts + kernel.at("prb_data_ring.data")), size)
    last = kernel.pointer(descs + kernel.at("prb_desc_ring.head_id"))
    first = kernel.pointer(descs + kernel.at("prb_desc_ring.tail_id"))
    shift = 8 * kernel.word - 2
    mask = (1 << shift) - 1
    state_at, lpos = kernel.at("prb_desc.state_var"), kernel.at("prb_desc.text_blk_lpos")
    begin_at, next_at = (
        lpos + kernel.at("prb_data_blk_lpos.begin"), lpos + kernel.at("prb_data_blk_lpos.next")
    )  # fmt: skip
    time_at, length_at = kernel.at("printk_info.ts_nsec"), kernel.at("printk_info.text_len")
    lines: list[str] = []
    left = size  # bytes of text: records that overlap are not told again and again
    for number in range(min(((last - first) & mask) + 1, count)):
        if len(lines) > MOST:
            break
        id_ = (first + number) & mask
        desc, info = id_ % count * desc_size, id_ % count * info_size
        state = kernel.long(table, desc + state_at)
        if state & mask != id_ or state >> shift not in (COMMITTED, FINALIZED):
            continue
        block = _block(
            kernel.long(table, desc + begin_at), kernel.long(table, desc + next_at), size
        )
        if len(block) < kernel.word or kernel.long(data, block.start) != id_:
            continue  # without text, or overwritten
        (length,) = struct.unpack_from(f"{kernel.mark}H", infos, info + length_at)
        (time,) = struct.unpack_from(f"{kernel.mark}Q", infos, info + time_at)
        text = data[block.start + kernel.word : block.stop][: min(length, left)]
        left -= len(text)
        lines += _said(time, text)
    return lines


def _block(begin: int, next_: int, size: int) -> range:
    """Where in the data a block lies; one that would go beyond its end is at its beginning instead."""
    if begin & 1 or next_ & 1:  # without data
        return range(0)
    start, stop = begin % size, next_ % size
    if begin // size == next_ // size:
        return range(start, stop)
    return range(start, size) if not stop else range(stop)


# --- before -----------------------------------------------------------------------------------------


def _buffer(kernel: _Kernel) -> list[str]:
    """log_buf: records one behind the other, each beginning with a header, to which 3.11 gave another name."""
    name = next(one for one in ("printk_log", "log") if one in kernel.sizes or one == "log")
    header = kernel.size(name)
    size = kernel.u32(kernel.symbols["log_buf_len"])
    if size > LARGEST:
        raise NoSuchAddress("a log larger than any that is read")
    data = kernel.read(kernel.pointer(kernel.symbols["log_buf"]), size)
    at, stop = (kernel.u32(kernel.symbols[f"log_{one}_idx"]) for one in ("first", "next"))
    time_at, length_at, text_at = (
        kernel.at(f"{name}.{one}") for one in ("ts_nsec", "len", "text_len")
    )
    lines: list[str] = []
    gone = 0
    while at != stop and gone < size and at + header <= size and len(lines) <= MOST:
        (time,) = struct.unpack_from(f"{kernel.mark}Q", data, at + time_at)
        (length,) = struct.unpack_from(f"{kernel.mark}H", data, at + length_at)
        (text,) = struct.unpack_from(f"{kernel.mark}H", data, at + text_at)
        if not length:  # the rest of the buffer is empty
            gone += size - at
            at = 0
            continue
        lines += _said(time, data[at + header : at + min(header + text, length)])
        at += length
        gone += length
    return lines


def _said(time: int, text: bytes) -> Iterator[str]:
    """As dmesg has it: each line with the seconds since the start."""
    seconds, rest = divmod(time, NANOSECONDS)
    for line in text.decode("utf-8", "replace").split("\n"):
        yield f"[{seconds:5d}.{rest // MICROSECOND:06d}] {line}"
