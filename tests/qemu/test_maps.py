"""The guest-physical map against QEMU's own: its flat view, and what it dumps."""

from __future__ import annotations

import re
import struct
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from migstream.machine.map.physical_map import physical_map
from migstream.stream import open_stream
from support.qemu import Binary, Qemu, find

pytestmark = pytest.mark.qemu

# --- what QEMU says -------------------------------------------------------------------------------

FLAT = re.compile(
    r"^ +([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, (ram|rom|romd)\): (.+?)(?: @([0-9a-f]{16}))?$",
    re.MULTILINE,
)
Seen = list[tuple[int, int, str, int]]


def flat_view(guest: Qemu, kinds: Sequence[str] = ("ram", "rom")) -> Seen:
    """RAM and ROM of the system's address space as (address, size, region, offset), joined as a dump joins."""
    text = guest.hmp("info mtree -f")
    view = next(v for v in text.split("FlatView #") if '\n AS "memory", root: system' in v)
    lines = FLAT.findall(view.replace("\r", ""))
    # A read-only alias of a flash is called ROM, but still is a flash.
    flash = {name for *_, kind, name, _ in lines if kind == "romd"}
    out: Seen = []
    for low, high, kind, name, at in lines:
        if ("romd" if name in flash else kind) not in kinds:
            continue
        start, size, offset = int(low, 16), int(high, 16) - int(low, 16) + 1, int(at or "0", 16)
        if out:
            before, length, last, base = out[-1]
            if (last, before + length, base + length) == (name, start, offset):
                out[-1] = before, length + size, last, base
                continue
        out.append((start, size, name, offset))
    return out


def dumped(guest: Qemu, tmp_path: Path) -> list[tuple[int, int]]:
    """PT_LOAD headers of `dump-guest-memory` as (p_paddr, p_memsz), read by hand."""
    empty = tmp_path / "dump"
    empty.write_bytes(b"")
    name = guest.lend(empty)
    guest.execute("dump-guest-memory", {"paging": False, "protocol": f"file:{name}"})
    path = (guest.binary.root or Path("/")) / name.lstrip("/")
    with path.open("rb") as file:
        ident = file.read(16)
        order = "<" if ident[5] == 1 else ">"
        wide = ident[4] == 2
        file.seek(0)
        head = file.read(64)
        (phoff,) = struct.unpack_from(order + ("Q" if wide else "I"), head, 32 if wide else 28)
        size, count = struct.unpack_from(f"{order}HH", head, 54 if wide else 42)
        found = []
        for number in range(count):
            file.seek(phoff + number * size)
            raw = file.read(size)
            if struct.unpack_from(f"{order}I", raw)[0] == 1:
                at = struct.unpack_from(order + ("5Q" if wide else "5I"), raw, 8 if wide else 4)
                found.append((at[2], at[4]))
    path.unlink()
    return found


# --- a firmware of a few instructions ---------------------------------------------------------------

Step = tuple[int, int, int]


def firmware(steps: Sequence[Step]) -> bytes:
    """64 KiB of BIOS that writes (port, size, value) and halts; the reset vector jumps to it."""
    code = bytearray()
    for port, size, value in steps:
        code += b"\x66\xb8" + struct.pack("<I", value) + b"\xba" + struct.pack("<H", port)
        code += {1: b"\xee", 2: b"\xef", 4: b"\x66\xef"}[size]
    code += b"\xfa\xf4"
    image = bytearray(b"\xf4" * 0x10000)
    image[: len(code)] = code
    image[0xFFF0:0xFFF5] = b"\xea\x00\x00\x00\xf0"
    return bytes(image)


def pci(slot: int, *writes: tuple[int, int, int], bus: int = 0) -> tuple[Step, ...]:
    """Writes of (register, size, value) to configuration space through the ports of every PC."""
    out: list[Step] = []
    for register, size, value in writes:
        out.append((0xCF8, 4, 0x80000000 | bus << 16 | slot << 11 | register & 0xFC))
        out.append((0xCFC + (register & 3), size, value))
    return tuple(out)


def indexed(port: int, **values: int) -> tuple[Step, ...]:
    """Registers of an index port: `r6=0x0c` is index 6."""
    return tuple((port, 2, value << 8 | int(name[1:], 16)) for name, value in values.items())


def vbe(**values: int) -> tuple[Step, ...]:
    """Registers of the Bochs display extension."""
    return tuple(
        step
        for name, value in values.items()
        for step in ((0x1CE, 2, int(name[1:])), (0x1CF, 2, value))
    )


# --- guests ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Case:
    """A guest, and how its map is judged.

    Attributes
    ----------
    run : seconds that its firmware runs; with `steps`, ours runs until it halts
    then : what is done over QMP afterwards
    files : what `{name}` in the arguments stands for: the content of a file
    dump : whether QEMU writes a dump, which for a large guest takes long
    below : the address up to which the map is known
    versions : the first and the last major version that has such a guest
    """

    name: str
    arguments: str
    binary: str = "x86_64"
    run: float = 0
    steps: tuple[Step, ...] = ()
    then: tuple[tuple[str, dict[str, object]], ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()
    dump: bool = False
    below: int = 1 << 64
    versions: tuple[int, int] = (0, 99)

    def binaries(self) -> list[Binary]:
        return [
            b
            for b in find(f"qemu-system-{self.binary}")
            if self.versions[0] <= int(b.version.split(".")[0]) <= self.versions[1]
        ]


@contextmanager
def started(case: Case, binary: Binary) -> Iterator[Qemu]:
    """The guest, stopped where its map is asked for."""
    files = dict(case.files)
    arguments = case.arguments
    if case.steps:
        files["bios"] = firmware(case.steps)
        arguments += " -bios {bios}"
    root = binary.root or Path("/")
    with tempfile.TemporaryDirectory(dir=root / "tmp") as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        seen = {name: f"/{(Path(folder) / name).relative_to(root)}" for name in files}
        with Qemu(binary, arguments.format(**seen).split()) as guest:
            if case.run or case.steps:
                guest.execute("cont")
                halted(guest) if case.steps else time.sleep(case.run)
            for command, options in case.then:
                guest.execute(command, options)
            if case.run or case.steps:
                guest.execute("stop")
            yield guest


def halted(guest: Qemu) -> None:
    until = time.monotonic() + 20
    while "HLT=1" not in guest.hmp("info registers"):
        assert time.monotonic() < until, "the firmware does not come to its end"
        time.sleep(0.02)


def compare(case: Case, binary: Binary, tmp_path: Path) -> None:
    path = tmp_path / "stream.mig"
    with started(case, binary) as guest:
        guest.migrate(path)
        want = flat_view(guest)
        loads = dumped(guest, tmp_path) if case.dump else None
    with open_stream(path) as stream:
        ranges = physical_map(stream)
    assert all(r.provenance for r in ranges)
    got = [(r.start, r.size, short(r.block), r.offset) for r in ranges]
    if loads is not None:
        assert [r[:2] for r in got] == loads
    if "virtio-mem" not in case.arguments:  # its flat view does not say what is plugged in
        assert got == [
            (start, min(size, case.below - start), short(name), offset)
            for start, size, name, offset in want
            if start < case.below
        ]


def short(name: str) -> str:
    """A block's name without its device's path, as regions have it."""
    return name if name.startswith("/rom") else name.rpartition("/")[2]


def every(cases: Iterable[Case]) -> pytest.MarkDecorator:
    params = [
        pytest.param(case, binary, id=f"{case.name}-{binary.version}")
        for case in cases
        for binary in case.binaries()
    ]
    return pytest.mark.parametrize(("case", "binary"), params)


def backend(name: str, size: str) -> str:
    return f"-object memory-backend-ram,id={name},size={size}"


DIMM: tuple[tuple[str, dict[str, object]], ...] = (
    ("object-add", {"qom-type": "memory-backend-ram", "id": "m2", "size": 1 << 28}),
    ("device_add", {"driver": "pc-dimm", "memdev": "m2", "id": "d2"}),
)
TWO_NODES = "-numa node,memdev=r0 -numa node,memdev=r1"

PCS = [
    Case(name="pc-8M", arguments="-M pc -m 8", dump=True),
    Case(name="pc-16M", arguments="-M pc -m 16", dump=True),
    Case(name="pc-16M-run", arguments="-M pc -m 16", run=1.5, dump=True),
    Case(name="pc-3500M", arguments="-M pc -m 3500"),
    Case(name="pc-5G", arguments="-M pc -m 5G"),
    Case(name="pc-max-ram-below-4g", arguments="-M pc,max-ram-below-4g=1G -m 2G"),
    Case(name="pc-1.7", arguments="-M pc-i440fx-1.7 -m 4G", versions=(0, 7)),
    Case(name="pc-2.0", arguments="-M pc-i440fx-2.0 -m 4G", versions=(0, 7)),
    Case(name="q35-2.4", arguments="-M pc-q35-2.4 -m 3G", versions=(0, 10)),
    Case(name="q35-2800M", arguments="-M q35 -m 2800"),
    Case(name="q35-2900M", arguments="-M q35 -m 2900"),
    Case(name="q35-5G", arguments="-M q35 -m 5G"),
    Case(name="isapc", arguments="-M isapc -m 16", dump=True),
    Case(name="isapc-vga", arguments="-M isapc -m 16 -device isa-vga", run=1),
    Case(name="isapc-cirrus", arguments="-M isapc -m 16 -device isa-cirrus-vga", run=1),
    Case(name="microvm", arguments="-M microvm -m 16", run=0.5, dump=True),
    Case(name="microvm-5G", arguments="-M microvm -m 5G"),
    Case(name="no-description", arguments="-M q35,suppress-vmdesc=on -m 32 -device VGA", run=2),
    Case(name="backend", arguments=f"-M pc,memory-backend=foo -m 64 {backend('foo', '64M')}"),
    Case(
        name="pflash",
        arguments="-M pc -m 32 -drive if=pflash,format=raw,unit=0,readonly=on,file={code}"
        " -drive if=pflash,format=raw,unit=1,file={vars}",
        files=(("code", bytes(0x200000)), ("vars", bytes(0x40000))),
        dump=True,
    ),
    Case(
        name="nodes",
        arguments=f"-M pc -m 5G {backend('r0', '2G')} {backend('r1', '3G')} {TWO_NODES}",
    ),
    Case(
        name="nodes-alike",
        arguments=f"-M q35 -m 1G -smp 2 {backend('r0', '512M')} {backend('r1', '512M')}"
        f" {TWO_NODES}",
    ),
    Case(
        name="nodes-old-names",
        arguments=f"-M pc-q35-3.1 -m 64 -smp 2 {backend('r0', '16M')} {backend('r1', '48M')}"
        f" {TWO_NODES}",
        versions=(0, 10),
    ),
    Case(
        name="nodes-dimm",
        arguments=f"-M pc -m 96M,slots=2,maxmem=4G {backend('r0', '32M')} {backend('r1', '64M')}"
        f" {TWO_NODES} -smp 2 {backend('m0', '128M')} -device pc-dimm,memdev=m0",
    ),
    Case(
        name="dimm-cold",
        arguments=f"-M pc -m 128M,slots=2,maxmem=4G {backend('m1', '256M')}"
        " -device pc-dimm,memdev=m1",
    ),
    Case(
        name="dimm-hot",
        arguments=f"-M q35 -m 5G,slots=4,maxmem=16G {backend('m1', '512M')}"
        " -device pc-dimm,memdev=m1",
        then=DIMM,
    ),
    Case(name="dimm-run", arguments="-M pc -m 64M,slots=4,maxmem=4G", run=1.5, then=DIMM),
    Case(
        name="virtio-mem",
        arguments=f"-M q35 -m 64M,slots=2,maxmem=4G {backend('vm', '1G')} {backend('m1', '128M')}"
        " -device virtio-mem-pci,memdev=vm,requested-size=256M -device pc-dimm,memdev=m1",
        run=1.5,
        dump=True,
        versions=(7, 99),  # older ones dump what is not plugged in, too
    ),
    Case(name="vga-reset", arguments="-M pc -m 32 -device VGA", dump=True),
    Case(name="vga", arguments="-M pc -m 32 -device VGA", run=2, dump=True),
    Case(name="q35-vga", arguments="-M q35 -m 32 -device VGA -device secondary-vga", run=2),
    Case(name="cirrus", arguments="-M pc -m 32 -device cirrus-vga", run=2),
    Case(name="virtio-vga", arguments="-M q35 -m 32 -device virtio-vga", run=2),
    Case(name="vmware", arguments="-M pc -m 32 -device vmware-svga", run=2),
    Case(name="qxl", arguments="-M pc -m 32 -device qxl-vga", run=2, versions=(7, 7)),
    Case(
        name="ivshmem",
        arguments="-M q35 -m 32 -object memory-backend-ram,id=shm,size=4M,share=on"
        " -device ivshmem-plain,memdev=shm,master=on",
        run=2,
    ),
    Case(
        name="root-port",
        arguments="-M q35 -m 32 -device pcie-root-port,id=rp,chassis=1"
        " -device bochs-display,bus=rp",
        run=2,
    ),
    Case(
        name="bridge-vga",
        arguments="-M pc -m 32 -device pci-bridge,id=br,chassis_nr=1 -device VGA,bus=br",
        run=2,
    ),
    Case(
        name="expander",
        arguments="-M q35 -m 32 -device pxb-pcie,id=pxb,bus_nr=128"
        " -device pcie-root-port,id=rp,bus=pxb,chassis=1 -device bochs-display,bus=rp",
        run=2,
    ),
]


@every(PCS)
def test_pcs(case: Case, binary: Binary, tmp_path: Path) -> None:
    compare(case, binary, tmp_path)


# Registers that firmware seldom leaves so. The BIOS area, 0xf0000, is where our code runs: it stays.
PC_PAM = pci(0, (0x5A, 1, 0x21), (0x5B, 1, 0x03), (0x5C, 1, 0x30), (0x5D, 1, 0x13), (0x5F, 1, 0x32))
Q35_PAM = pci(0, (0x91, 1, 0x12), (0x92, 1, 0x30), (0x93, 1, 0x33), (0x95, 1, 0x01), (0x96, 1, 3))
VGA_AT = pci(2, (0x10, 4, 0xE0000000), (4, 2, 3))
CHAINED = indexed(0x3C4, r2=0x0F, r4=0x0E)
BANKED = vbe(v1=640, v2=480)
CIRRUS = pci(2, (0x10, 4, 0xE0000000), (4, 2, 3)) + indexed(0x3C4, r6=0x12, r7=0x01)
PORT = pci(1, (0x18, 4, 0x00010100), (4, 2, 6), (0x20, 4, 0xE070E000), (0x24, 4, 0x0000FFF0))
BEHIND = pci(0, (0x10, 4, 0xE0000000), (4, 2, 2), bus=1)
Q35_PORT = "-M q35 -m 16 -device pcie-root-port,id=rp,chassis=1,addr=1 -device bochs-display,bus=rp"
BRIDGE = pci(2, (0x18, 4, 0x00010100), (4, 2, 6), (0x20, 4, 0xE0F0E000), (0x24, 4, 0x0000FFF0))
BRIDGED = "-M pc -m 16 -device pci-bridge,id=br,chassis_nr=1,addr=2 -device VGA,bus=br,addr=3"
PC_VGA, Q35_VGA = "-M pc -m 16 -device VGA,addr=2", "-M q35 -m 128 -device VGA,addr=2"
PC_CIRRUS = "-M pc -m 16 -device cirrus-vga,addr=2"

REGISTERS = [
    Case(name="pc-pam", arguments="-M pc -m 16", steps=PC_PAM, dump=True),
    Case(name="q35-pam", arguments="-M q35 -m 16", steps=Q35_PAM, dump=True),
    *(
        Case(
            name=f"tseg-{n}", arguments=Q35_VGA, steps=pci(0, (0x9E, 1, n << 1 | 1), (0x9D, 1, 0xA))
        )
        for n in range(4)
    ),
    Case(
        name="tseg-off",
        arguments=Q35_VGA,
        steps=pci(0, (0x9E, 1, 1), (0x9D, 1, 2)),
        versions=(7, 99),
    ),
    Case(name="q35-smram-open", arguments=Q35_VGA, steps=pci(0, (0x9D, 1, 0x4A))),
    Case(name="q35-smram-high", arguments=Q35_VGA, steps=pci(0, (0x9E, 1, 0x80), (0x9D, 1, 0x4A))),
    Case(name="smbase", arguments="-M q35 -m 16", steps=pci(0, (0x9C, 1, 0xFF), (0x9C, 1, 2))),
    Case(name="pc-smram-open", arguments=PC_VGA, steps=pci(0, (0x72, 1, 0x4A))),
    Case(name="bar", arguments=PC_VGA, steps=VGA_AT),
    Case(name="bar-no-memory", arguments=PC_VGA, steps=pci(2, (0x10, 4, 0xE0000000), (4, 2, 1))),
    Case(name="bar-0", arguments=PC_VGA, steps=pci(2, (0x10, 4, 0), (4, 2, 2))),
    Case(name="bar-at-the-top", arguments=PC_VGA, steps=pci(2, (0x10, 4, 0xFF000000), (4, 2, 2))),
    Case(
        name="bar-behind-ram",
        arguments="-M pc -m 64 -device VGA,addr=2",
        steps=pci(2, (0x10, 4, 0x3000000), (4, 2, 2)),
    ),
    Case(
        name="rom",
        arguments=PC_VGA,
        steps=pci(2, (0x10, 4, 0xE0000000), (0x30, 4, 0xE2000001), (4, 2, 2)),
        dump=True,
    ),
    Case(
        name="rom-shadowed",
        arguments=PC_VGA,
        steps=pci(2, (0x30, 4, 0xD0001), (4, 2, 2)) + pci(0, (0x5C, 1, 0x03)),
    ),
    Case(
        name="bar-64",
        arguments="-M q35 -m 16 -object memory-backend-ram,id=shm,size=4M,share=on"
        " -device ivshmem-plain,memdev=shm,master=on,addr=2",
        steps=pci(2, (0x18, 4, 0x40000000), (0x1C, 4, 0x10), (4, 2, 2)),
    ),
    Case(name="port", arguments=Q35_PORT, steps=PORT + BEHIND),
    Case(name="port-closed", arguments=Q35_PORT, steps=PORT + BEHIND + pci(1, (4, 2, 0))),
    Case(
        name="port-prefetchable",
        arguments=Q35_PORT,
        steps=PORT
        + BEHIND
        + pci(1, (0x20, 4, 0x0000FFF0), (0x24, 4, 0xE001E001), (0x28, 4, 0), (0x2C, 4, 0)),
    ),
    *(
        Case(
            name=f"bridge-vga-{bit}",
            arguments=BRIDGED,
            steps=BRIDGE + pci(2, (0x3E, 2, bit)) + pci(3, (0x10, 4, 0xE0000000), (4, 2, 3), bus=1),
        )
        for bit in (0, 8)
    ),
    *(
        Case(
            name=f"chained-{n}",
            arguments=PC_VGA,
            steps=VGA_AT + CHAINED + indexed(0x3CE, r6=n << 2),
        )
        for n in range(4)
    ),
    Case(name="not-chained", arguments=PC_VGA, steps=VGA_AT + indexed(0x3C4, r2=0x0F, r4=0x06)),
    *(
        Case(name=f"vbe-{bits}", arguments=PC_VGA, steps=VGA_AT + BANKED + vbe(v3=bits, v4=1, v5=3))
        for bits in (4, 8, 32)
    ),
    *(
        Case(
            name=f"cirrus-{mode:x}",
            arguments=PC_CIRRUS,
            steps=CIRRUS + indexed(0x3CE, r6=4, r9=4, ra=0x10, rb=mode),
        )
        for mode in (0, 1, 2, 0x14, 0x20, 0x21)
    ),
    Case(
        name="cirrus-far",
        arguments=PC_CIRRUS,
        steps=CIRRUS + indexed(0x3CE, r6=4, r9=0xFF, rb=0x20),
    ),
    Case(name="cirrus-planes", arguments=PC_CIRRUS, steps=CIRRUS + indexed(0x3CE, r5=4, rb=4)),
]


@every(REGISTERS)
def test_registers(case: Case, binary: Binary, tmp_path: Path) -> None:
    compare(case, binary, tmp_path)


def boards(binary: str, *cases: str, **more: Any) -> list[Case]:
    """Guests of one QEMU by their arguments; the machine is the name."""
    return [
        Case(name=f"{binary}{case.partition(' -object')[0]}", arguments=case, binary=binary, **more)
        for case in cases
    ]


NODES = f"-m 512 -smp 2 {backend('r0', '256M')} {backend('r1', '256M')} {TWO_NODES}"
BOARDS = [
    *boards("aarch64", "-M virt -m 32", "-M virt -m 64 -device VGA", dump=True),
    *boards("aarch64", "-M virt -m 5G -cpu cortex-a57", "-M virt,secure=on,mte=on -cpu max"),
    *boards("aarch64", f"-M virt {NODES}"),
    *boards(
        "aarch64",
        f"-M virt -m 256M,slots=2,maxmem=4G -cpu cortex-a57 -bios {{bios}}"
        f" {backend('m0', '128M')} -device pc-dimm,memdev=m0",
        files=(("bios", bytes(64)),),
    ),
    *boards("aarch64", "-M sbsa-ref -m 256", versions=(0, 7)),
    *boards("aarch64", "-M raspi3b", below=0x3F000000),
    *boards("arm", "-M virt -m 32", dump=True),
    *boards("arm", "-M raspi2b", below=0x3F000000),
    *boards("arm", "-M ast2600-evb", "-M ast2500-evb"),
    *boards("arm", "-M mps2-an385", "-M mps2-an386", "-M mps2-an500", "-M mps2-an511"),
    *boards(
        "arm",
        "-M vexpress-a9 -m 32 -audiodev none,id=a",
        "-M vexpress-a15 -m 32 -audiodev none,id=a",
        "-M versatilepb -m 32 -audiodev none,id=a",
        "-M musicpal -audiodev none,id=a",
        versions=(0, 9),
    ),
    *boards("ppc64", "-M pseries -m 256", dump=True),
    *boards("ppc64", f"-M pseries {NODES}", "-M powernv8 -m 1024", "-M mac99 -m 64"),
    *boards(
        "ppc64",
        f"-M pseries -m 512M,slots=2,maxmem=4G {backend('m0', '256M')} -device pc-dimm,memdev=m0",
    ),
    *boards("ppc64", "-M pseries -m 256 -device VGA", run=6),
    *boards("ppc", "-M mac99 -m 32", "-M g3beige -m 64"),
    *boards("s390x", "-m 32", dump=True),
    *boards("s390x", "-m 5G"),
    *boards("riscv64", "-M virt -m 32", "-M spike -m 64", "-M sifive_u -m 128"),
    *boards("riscv32", "-M virt -m 32", versions=(8, 99)),
    *boards("loongarch64", "-M virt -m 1024", versions=(8, 99)),
    *boards("m68k", "-M virt -m 32"),
    *boards("microblaze", "-M petalogix-s3adsp1800", "-M petalogix-ml605"),
    *boards("or1k", "-M or1k-sim -m 32", "-M virt -m 32", versions=(8, 99)),
    *boards("alpha", "-m 64", versions=(8, 99)),
    *boards("hppa", "-m 256", versions=(0, 9)),
    *boards("mips64el", "-M malta -m 32 -bios {bios}", files=(("bios", bytes(64)),)),
    *boards("sparc", "-M SS-5 -m 32"),
    *boards("x86_64", "-M none -m 16"),
]


@every(BOARDS)
def test_boards(case: Case, binary: Binary, tmp_path: Path) -> None:
    compare(case, binary, tmp_path)


@every(boards("aarch64", "-M virt -m 32") + boards("x86_64", "-M q35 -m 32"))
def test_with_rom_devices(case: Case, binary: Binary, tmp_path: Path) -> None:
    """Flash is what the guest reads, too, though a dump leaves it out."""
    path = tmp_path / "stream.mig"
    with started(case, binary) as guest:
        guest.migrate(path)
        want = flat_view(guest, ("ram", "rom", "romd"))
    with open_stream(path) as stream:
        ranges = physical_map(stream, rom_devices=True)
    assert [(r.start, r.size, r.block, r.offset) for r in ranges] == want


@every(
    [
        Case(
            name="ignore-shared",
            arguments=f"-M q35 -m 64M,slots=2,maxmem=4G -smp 2 {backend('b', '16M')}"
            f" {backend('a', '48M')} -numa node,memdev=b -numa node,memdev=a"
            f" {backend('m1', '256M')} {backend('m0', '128M')}"
            " -device pc-dimm,memdev=m1 -device pc-dimm,memdev=m0",
        )
    ]
)
def test_addresses_in_the_stream(case: Case, binary: Binary, tmp_path: Path) -> None:
    """With x-ignore-shared a block has its address, so the order of backends is known."""
    path = tmp_path / "stream.mig"
    with started(case, binary) as guest:
        guest.migrate(path, ["x-ignore-shared"])
        want = flat_view(guest)
    with open_stream(path) as stream:
        ranges = physical_map(stream)
    assert [(r.start, r.size, r.block, r.offset) for r in ranges] == want
    assert not any("assumed" in r.provenance for r in ranges)


@every(
    [
        Case(
            name="nodes",
            arguments=f"-M pc -m 5G -smp 3 {backend('c', '2G')} {backend('b', '1G')}"
            f" {backend('a', '2G')} -numa node,memdev=b -numa node,memdev=a -numa node,memdev=c",
        ),
        Case(
            name="nodes-dimm",
            arguments="-M q35 -m 96M,slots=2,maxmem=4G -smp 2"
            f" {backend('z', '32M')} {backend('y', '64M')} {backend('x', '96M')}"
            " -numa node,memdev=z -numa node,memdev=y -device pc-dimm,memdev=x",
        ),
        Case(
            name="nvdimm",
            arguments=f"-M pc,nvdimm=on -m 64M,slots=4,maxmem=4G {backend('m1', '256M')}"
            f" {backend('m2', '128M')} -device nvdimm,memdev=m1 -device pc-dimm,memdev=m2",
        ),
        Case(
            name="nvdimm-labels",
            arguments=f"-M q35,nvdimm=on -m 64M,slots=4,maxmem=4G {backend('m1', '256M')}"
            f" {backend('m2', '128M')} -device pc-dimm,memdev=m2"
            " -device nvdimm,memdev=m1,label-size=256K",
        ),
        Case(
            name="virt",
            arguments="-M virt -m 384 -smp 2 -cpu cortex-a57 -bios {bios}"
            f" {backend('z', '128M')} {backend('y', '256M')}"
            " -numa node,memdev=z -numa node,memdev=y",
            files=(("bios", bytes(64)),),
            binary="aarch64",
        ),
    ]
)
def test_with_the_tables_of_the_firmware(case: Case, binary: Binary, tmp_path: Path) -> None:
    """Sizes of nodes and places of nvdimms are in the SRAT and the NFIT."""
    path = tmp_path / "stream.mig"
    with started(case, binary) as guest:
        guest.migrate(path)
        want = flat_view(guest)
    with open_stream(path) as stream:
        ranges = physical_map(stream, contents=stream)
    assert [(r.start, r.size, r.block, r.offset) for r in ranges] == want
