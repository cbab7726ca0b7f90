"""Our ELF core against the one that QEMU itself dumps of the same guest: the same bytes."""

from __future__ import annotations

import shutil
import struct
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import pytest

import migstream
from migstream.export.elf import ElfPlan, elf_head
from migstream.machine.arch import architecture
from migstream.machine.physical import Range
from migstream.machine.registers.read import registers
from migstream.machine.vmcoreinfo import vmcoreinfo
from support.gdbnames import GdbStub
from support.gdbstub import Debugger
from support.qemu import Binary, Qemu, find

pytestmark = pytest.mark.qemu

SMP = ["-smp", "2"]
# A machine of each architecture, and the registers, by the numbers of its gdbstub, that take any value.
MACHINES: dict[str, tuple[list[str], Sequence[range]]] = {
    "aarch64": (
        ["-M", "virt", "-cpu", "cortex-a57", "-m", "16", *SMP],
        [range(33), range(34, 66)],  # x, sp, pc; v
    ),
    "arm": (
        ["-M", "virt", "-cpu", "cortex-a15", "-m", "16", *SMP],
        [range(16), range(26, 58)],  # r; d
    ),
    "ppc64": (
        ["-M", "pseries", "-m", "256", *SMP],
        # r; pc; cr, lr, ctr, xer; f; vr; vs (from 137 or 138)
        [range(32), range(64, 65), range(66, 70), range(71, 103), range(104, 136), range(138, 169)],
    ),
    "ppc": (
        ["-M", "g3beige", "-m", "64"],
        [range(32), range(64, 65), range(66, 70), range(71, 103)],
    ),
    "s390x": (
        ["-M", "s390-ccw-virtio", "-m", "64", *SMP],
        [range(1, 83)],  # pswa, r, acr, fpc, f, v
    ),
    "riscv64": (["-M", "virt", "-m", "16", "-bios", "none", *SMP], [range(1, 65)]),  # x, pc, f
    "loongarch64": (
        ["-M", "virt", "-m", "128", *SMP],
        [range(1, 32), range(33, 34), range(35, 67)],  # r; pc; f
    ),
}
# Enters long mode, gives registers values of their own (those of GS and KernelGSBase too), stays where it is.
LONG_MODE = bytes.fromhex(
    "fa31c08ed866c70600100320000066c70600200330000066c70600308300000066b8a00000000f22"
    "e066b8001000000f22d866b9800000c00f32660d000100000f302e660f0116e8000f20c0660d0100"
    "00800f22c066ea5d000f000800b8100000008ed88ed0b9010100c0b844332211ba0080ffff0f30ff"
    "c1ffc00f30ffc9ffc9ffc8ffc80f3049b8f0debc9a785634124d8d48014d8d50024d8d58034d8d60"
    "044d8d68054d8d70064d8d7807498d5808498d6809498d700a498d780bbc007c00004c890425007c"
    "0000fd4d39c8ebfe0000000000000000ffff0000009baf00ffff00000093cf001700d0000f00"
)
RESET = bytes.fromhex("ea000000f0")  # ljmp f000:0000


def order(head: bytes | bytearray) -> str:
    return "<" if head[5] == 1 else ">"


def segments(head: bytes | bytearray) -> list[tuple[int, int, int, int]]:
    """Type, offset, address and size of each program header."""
    mark = order(head)
    if head[4] == 1:
        at, count = struct.unpack_from(f"{mark}28xI12xH", head)
        rows = [struct.unpack_from(f"{mark}8I", head, at + 32 * n) for n in range(count)]
        return [(row[0], row[1], row[3], row[4]) for row in rows]
    at, count = struct.unpack_from(f"{mark}32xQ16xH", head)
    rows = [struct.unpack_from(f"{mark}2I6Q", head, at + 56 * n) for n in range(count)]
    return [(row[0], row[2], row[4], row[5]) for row in rows]


def without_sections(head: bytearray) -> None:
    """Undo what QEMU does from 7.1 on.

    It puts two section headers behind the ELF header, in the byte order of the host, the name of
    the second behind the memory, and takes the size of a pointer for e_ehsize.
    """
    mark, count = order(head), len(segments(head))
    header, segment, section, word = (52, 32, 40, "I") if head[4] == 1 else (64, 56, 64, "Q")
    place = struct.Struct(f"{mark}{word}")
    segments_at, sections_at = 24 + place.size, 24 + 2 * place.size
    (sections,) = place.unpack_from(head, sections_at)
    if not sections:
        return
    assert sections == header
    del head[header : header + 2 * section]
    place.pack_into(head, segments_at, header)
    place.pack_into(head, sections_at, 0)
    struct.pack_into(f"{mark}H", head, header - 12, header)
    struct.pack_into(f"{mark}HHH", head, header - 6, 0, 0, 0)
    for number in range(count):
        at = header + segment * number + (4 if word == "I" else 8)
        place.pack_into(head, at, place.unpack_from(head, at)[0] - 2 * section)


def number_cpus(head: bytearray) -> None:
    """Put the numbers of CPUs where QEMU 7.2 has none (ppc) or one in the host's order (s390x)."""
    mark, number = order(head), 0
    ((_, at, _, size), *_) = segments(head)
    stop = at + size
    while at < stop:
        name, length, kind = struct.unpack_from(f"{mark}III", head, at)
        if kind == 1:
            number += 1
            pid = at + 12 + 8 + 32
            right = struct.pack(f"{mark}I", number)
            assert head[pid : pid + 4] in (right, bytes(4), struct.pack("<I", number))
            head[pid : pid + 4] = right
        at += 12 + (name + 3) // 4 * 4 + (length + 3) // 4 * 4


@dataclass(frozen=True)
class Guest:
    """What QEMU wrote of one guest in one state."""

    binary: Binary
    stream: Path
    core: Path

    def plan(self) -> ElfPlan:
        """Our core of the stream, with the ranges of QEMU's core."""
        with migstream.open(self.stream) as stream:
            ranges = [Range(to, size, "", 0, "QEMU") for _, to, size in self.loads()]
            note = self.memory(*found) if (found := vmcoreinfo(stream)) else b""
            return elf_head(architecture(stream), registers(stream), ranges, note)

    def memory(self, address: int, size: int) -> bytes:
        """Guest-physical memory of QEMU's core."""
        (at,) = (
            at + address - to for at, to, length in self.loads() if to <= address < to + length
        )
        with self.core.open("rb") as file:
            file.seek(at)
            return file.read(size)

    def loads(self) -> list[tuple[int, int, int]]:
        """Offset, address and size of each PT_LOAD."""
        with self.core.open("rb") as file:
            found = segments(file.read(1 << 16))
        return [(offset, to, size) for kind, offset, to, size in found if kind == 1]

    def head(self) -> bytes:
        """QEMU's core up to its memory, without what no reader of it could want to have."""
        with self.core.open("rb") as file:
            head = bytearray(file.read(self.loads()[0][0]))
        without_sections(head)
        if self.binary.name.endswith(("ppc", "ppc64", "s390x")):
            number_cpus(head)
        return bytes(head)


def dumped(binary: Binary, qemu: Qemu, folder: Path) -> Guest:
    """The state of a guest that stands still, in both forms."""
    core = qemu._folder / "core"
    where = {"paging": False, "protocol": f"file:{qemu._seen(core)}"}
    qemu.execute("dump-guest-memory", where)
    shutil.move(core, folder / "core")
    qemu.migrate(folder / "guest.mig")
    return Guest(binary, folder / "guest.mig", folder / "core")


def firmware(arguments: list[str], binary: Binary, folder: Path) -> Guest:
    """A guest a moment after its start."""
    with Qemu(binary, arguments) as qemu:
        qemu.execute("cont")
        time.sleep(0.3)
        qemu.execute("stop")
        return dumped(binary, qemu, folder)


def gdbserver(qemu: Qemu) -> Path:
    """Let QEMU wait for a debugger, and return where."""
    address = qemu._folder / "gdb"
    qemu.hmp(f"gdbserver unix:{qemu._seen(address)},server=on,wait=off")
    return address


def filled(binary: Binary, folder: Path) -> Guest:
    """A guest whose registers hold what a debugger put there."""
    arguments, numbers = MACHINES[binary.name.removeprefix("qemu-system-")]
    with Qemu(binary, arguments) as qemu:
        with Debugger(gdbserver(qemu)) as debugger:
            for cpu in range(2 if "-smp" in arguments else 1):
                debugger.select(cpu)
                debugger.fill(chain.from_iterable(numbers), seed=cpu * 101)
        return dumped(binary, qemu, folder)


def long_mode(binary: Binary, folder: Path) -> Guest:
    """A PC in long mode."""
    rom = bytearray(LONG_MODE.ljust(0x10000, b"\0"))
    rom[0xFFF0 : 0xFFF0 + len(RESET)] = RESET
    root = binary.root or Path("/")
    with tempfile.TemporaryDirectory(dir=root / "tmp") as place:
        path = Path(place) / "rom"
        path.write_bytes(rom)
        bios = f"/{path.relative_to(root)}"
        return firmware(["-M", "pc", "-m", "4", "-bios", bios, *SMP], binary, folder)


def little_endian(binary: Binary, folder: Path) -> Guest:
    """A pSeries whose interrupts, and so whose operating system, are little-endian."""
    arguments, numbers = MACHINES["ppc64"]
    with Qemu(binary, arguments) as qemu:
        with GdbStub(qemu) as debugger:
            debugger.fill(chain.from_iterable(numbers), seed=50)
            debugger.set("lpcr", int.from_bytes((1 << 25).to_bytes(8, "big"), "little"))
        return dumped(binary, qemu, folder)


Make = Callable[[Binary, Path], Guest]
PCS: list[tuple[str, str, Make]] = [
    ("x86_64", "-long-mode", long_mode),
    ("x86_64", "", partial(firmware, ["-M", "q35", "-m", "16", *SMP])),
    ("i386", "", partial(firmware, ["-M", "pc", "-m", "16", *SMP])),
]
OTHERS: list[tuple[str, str, Make]] = [
    *((arch, "", filled) for arch in MACHINES),
    ("ppc64", "-little-endian", little_endian),
]


# 7.2 cannot dump the first, and looks for the second's byte order where a pSeries never puts it (HID0).
UNABLE = {("loongarch64", "", "7."), ("ppc64", "-little-endian", "7.")}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((make, binary), id=f"{binary}{label}")
        for arch, label, make in PCS + OTHERS
        for binary in find(f"qemu-system-{arch}")
        if (arch, label, binary.version[:2]) not in UNABLE
    ],
)
def guest(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guest]:
    """One guest for all tests here."""
    make, binary = request.param
    folder = tmp_path_factory.mktemp("guest")
    yield make(binary, folder)
    shutil.rmtree(folder)


def test_the_same_bytes_as_qemus(guest: Guest) -> None:
    theirs, ours = guest.head(), guest.plan()
    assert ours.remarks == ()
    assert ours.head == theirs


def test_the_note_of_a_linux_guest(tmp_path: Path) -> None:
    """A debugger does what Linux does: put a note into memory, tell the device where it is."""
    contents = b"OSRELEASE=6.1.0\nPAGESIZE=4096\n"
    note = struct.pack("<III", 11, len(contents), 0) + b"VMCOREINFO\0\0" + contents + bytes(2)
    note_at, request_at, data_at = 0x2000, 0x1000, 0x3000
    arguments = ["-M", "q35", "-m", "4", "-device", "vmcoreinfo"]
    (binary, *_) = find("qemu-system-x86_64")
    with Qemu(binary, arguments) as qemu, Debugger(gdbserver(qemu)) as debugger:

        def write(at: int, what: bytes) -> None:
            assert debugger.ask(f"M{at:x},{len(what):x}:{what.hex()}") == "OK"

        def transfer(key: int, direction: int, size: int) -> None:
            """fw_cfg by DMA (QEMU, docs/specs/fw_cfg.rst)."""
            write(request_at, struct.pack(">IIQ", key << 16 | 8 | direction, size, data_at))
            qemu.hmp("o /w 0x514 0")
            qemu.hmp(f"o /w 0x518 {int.from_bytes(struct.pack('>I', request_at), 'little'):#x}")
            assert debugger.ask(f"m{request_at:x},4") == "00000000"

        directory, read, written = 0x19, 2, 0x10
        transfer(directory, read, 4 + 64 * 64)
        files = bytes.fromhex("".join(debugger.ask(f"m{data_at + 64 * n:x},40") for n in range(65)))
        place = files.index(b"etc/vmcoreinfo\0") - 4
        (key,) = struct.unpack_from(">H", files, place)
        write(note_at, note)
        write(data_at, struct.pack("<HHIQ", 1, 1, len(note), note_at))
        transfer(key, written, 16)
        guest = dumped(binary, qemu, tmp_path)
    assert guest.head().endswith(note)
    assert guest.plan().head == guest.head()
