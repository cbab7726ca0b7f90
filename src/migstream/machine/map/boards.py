"""The physical maps of machines whose memory has fixed places: one row for each board.

Every figure can be checked with `info mtree -f` of the board's QEMU; `source` names the file that
has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import msgspec

from migstream.machine.map.acpi import Tables
from migstream.machine.map.backends import Memory, fill, machine_memory
from migstream.machine.map.flat import Area, clip
from migstream.machine.map.pci import functions, pci_space
from migstream.machine.map.plugged import device_memory
from migstream.machine.state import State

__all__ = ["BOARDS", "Board", "Fixed", "Window", "board_memory", "board_pieces"]

MIB = 1 << 20
EVERYTHING = 1 << 64


class Fixed(msgspec.Struct, frozen=True):
    """A block, or `size` bytes of it from `offset` on, at an address; flash is a ROM device.

    `without` is what a device's registers hide of it: an address and a size.
    """

    block: str
    start: int
    size: int | None = None
    offset: int = 0
    flash: bool = False
    without: tuple[int, int] | None = None


class Window(msgspec.Struct, frozen=True):
    """What a CPU sees at `start` is PCI memory from `pci` on."""

    start: int
    pci: int
    size: int


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """Where a board has its RAM and its other blocks.

    `machines` is matched at the start of the machine's name, and `arches` are those that have it.
    Machine RAM, the block `ram` or backends of any name, is laid into `areas` of (address, size)
    one after another. Where one machine name stands for more than one map, `needs` is a block
    that only this one has. `hidden` are blocks that only its secure world sees. `plugs` says that DIMMs can be behind RAM.
    """

    machines: str
    arches: frozenset[str]
    source: str
    ram: str | None = None
    areas: tuple[tuple[int, int], ...] = ((0, EVERYTHING),)
    fixed: tuple[Fixed, ...] = ()
    windows: tuple[Window, ...] = ()
    plugs: bool = False
    needs: str | None = None
    hidden: frozenset[str] = frozenset()


def _arches(names: str) -> frozenset[str]:
    return frozenset(names.split())


ARM, PPC, RISCV = _arches("arm aarch64"), _arches("ppc ppc64"), _arches("riscv32 riscv64 riscv128")
UNKNOWN = frozenset[str]()  # architectures whose CPU sections are not told apart

SSRAM = (
    Fixed("mps.ssram1", 0),
    Fixed("mps.ssram1", 0x400000),
    Fixed("mps.ssram23", 0x20000000),
    Fixed("mps.ssram23", 0x20400000),
)
ETHLITE = tuple(
    Fixed(f"ethlite.{way}[{n}]buf", 0x81000000 + base + 0x800 * n, 0x7E4)
    for way, base in (("tx", 0), ("rx", 0x1000))
    for n in (0, 1)
)
SUN4M_SMALL = 4  # `sun4m.idreg` and `sun4m.afx` are one register each

BOARDS = (
    Board(
        machines=r"virt(-\d|$)",
        arches=ARM,
        source="hw/arm/virt.c: base_memmap, extended_memmap",
        ram="mach-virt.ram",
        areas=((0x40000000, EVERYTHING),),
        fixed=(
            Fixed("virt.flash0", 0, flash=True),
            Fixed("virt.flash1", 0x4000000, flash=True),
        ),
        windows=(
            Window(0x10000000, 0x10000000, 0x2EFF0000),
            Window(1 << 38, 1 << 38, EVERYTHING - (1 << 38)),
        ),
        plugs=True,
        hidden=frozenset({"virt.secure-ram", "mach-virt.tag", "mach-virt.secure-tag"}),
    ),
    Board(
        machines=r"virt(-\d|$)",
        arches=RISCV,
        source="hw/riscv/virt.c: virt_memmap",
        ram="riscv_virt_board.ram",
        areas=((0x80000000, EVERYTHING),),
        fixed=(
            Fixed("riscv_virt_board.mrom", 0x1000, 0xF000),
            Fixed("virt.flash0", 0x20000000, flash=True),
            Fixed("virt.flash1", 0x22000000, flash=True),
        ),
        windows=(
            Window(0x40000000, 0x40000000, 0x40000000),
            Window(1 << 34, 1 << 34, EVERYTHING - (1 << 34)),
        ),
    ),
    Board(
        machines=r"spike$",
        arches=RISCV,
        source="hw/riscv/spike.c: spike_memmap",
        ram="riscv.spike.ram",
        areas=((0x80000000, EVERYTHING),),
        fixed=(Fixed("riscv.spike.mrom", 0x1000, 0xF000),),
    ),
    Board(
        machines=r"sifive_u$",
        arches=RISCV,
        source="hw/riscv/sifive_u.c: sifive_u_memmap",
        ram="riscv.sifive.u.ram",
        areas=((0x80000000, EVERYTHING),),
        fixed=(
            Fixed("riscv.sifive.u.mrom", 0x1000, 0xF000),
            Fixed("riscv.sifive.u.l2lim", 0x8000000),
            Fixed("riscv.sifive.u.flash0", 0x20000000),
        ),
    ),
    Board(
        machines=r"pseries",
        arches=PPC,
        source="hw/ppc/spapr.c: spapr_machine_init, spapr_phb_placement",
        ram="ppc_spapr.ram",
        plugs=True,
    ),
    Board(
        machines=r"powernv",
        arches=PPC,
        source="hw/ppc/pnv.c: pnv_init, include/hw/ppc/pnv.h: PNV_HOMER_BASE",
        ram="pnv.ram",
        fixed=tuple(Fixed(f"homer-chip{n}-memory", 0x7FFD800000 + n * 0x400000) for n in range(4)),
    ),
    Board(
        machines=r"mac99$",
        arches=PPC,
        source="hw/ppc/mac_newworld.c: ppc_core99_init",
        ram="ppc_core99.ram",
        fixed=(Fixed("ppc_core99.bios", 0xFFF00000, without=(0xFFF04000, 0x4000)),),
    ),
    Board(
        machines=r"g3beige$",
        arches=PPC,
        source="hw/ppc/mac_oldworld.c: ppc_heathrow_init",
        ram="ppc_heathrow.ram",
        fixed=(Fixed("ppc_heathrow.bios", 0xFFC00000),),
    ),
    Board(
        machines=r"s390-ccw-virtio",
        arches=_arches("s390x"),
        source="hw/s390x/s390-virtio-ccw.c: s390_memory_init",
        ram="s390.ram",
    ),
    Board(
        machines=r"virt(-\d|$)",
        arches=_arches("m68k"),
        source="hw/m68k/virt.c: virt_init",
        ram="m68k_virt.ram",
    ),
    Board(
        machines=r"malta$",
        arches=_arches("mips"),
        source="hw/mips/malta.c: mips_malta_init",
        ram="mips_malta.ram",
        areas=((0x80000000, EVERYTHING),),
        fixed=(
            Fixed("mips_malta.ram", 0, 256 * MIB),
            Fixed("mips_malta.ram", 512 * MIB, 0x60000000, offset=512 * MIB),
            Fixed("mips_malta.bios", 0x1E000000, flash=True),
            Fixed("bios.1fc", 0x1FC00000),
        ),
    ),
    Board(
        machines=r"SS-(4|5)$|LX$|Voyager$|SPARCClassic$|SPARCbook$",
        arches=_arches("sparc"),
        source="hw/sparc/sun4m.c: sun4m_hwdefs",
        ram="sun4m.ram",
        fixed=(
            Fixed("sun4m.prom", 0x70000000),
            Fixed("sun4m.idreg", 0x78000000, SUN4M_SMALL),
            Fixed("sun4m.afx", 0x6E000000, SUN4M_SMALL),
        ),
    ),
    Board(
        machines=r"virt(-\d|$)",
        arches=_arches("loongarch64"),
        needs="virt.flash1",
        source="hw/loongarch/virt.c: virt_init, include/hw/loongarch/virt.h",
        ram="loongarch.ram",
        areas=((0, 256 * MIB), (0x80000000, EVERYTHING)),
        fixed=(
            Fixed("virt.flash0", 0x1C000000, flash=True),
            Fixed("virt.flash1", 0x1D000000, flash=True),
        ),
        windows=(Window(0x40000000, 0x40000000, 0x40000000),),
    ),
    Board(
        machines=r"virt(-\d|$)",
        arches=_arches("loongarch64"),
        source="hw/loongarch/virt.c of 7.x: loongarch_init",
        ram="loongarch.ram",
        areas=((0, 256 * MIB), (0x90000000, EVERYTHING)),
        windows=(Window(0x40000000, 0x40000000, 0x40000000),),
    ),
    Board(
        machines=r"sbsa-ref$",
        arches=ARM,
        source="hw/arm/sbsa-ref.c: sbsa_ref_memmap",
        ram="sbsa-ref.ram",
        areas=((0x10000000000, EVERYTHING),),
        fixed=(Fixed("sbsa.flash1", 0x10000000, flash=True),),
        hidden=frozenset({"sbsa-ref.secure-ram", "sbsa.flash0"}),
        windows=(
            Window(0x80000000, 0x80000000, 0x70000000),
            Window(0x100000000, 0x100000000, 0xFF00000000),
        ),
    ),
    Board(
        machines=r"raspi(2b|3b|3ap)$",
        arches=ARM,
        source="hw/arm/bcm2836.c: bcm283x_class_init: peri_base",
        ram="ram",
        areas=((0, 0x3F000000),),
    ),
    Board(
        machines=r"raspi(0|1ap)$",
        arches=ARM,
        source="hw/arm/bcm2836.c: bcm283x_class_init: peri_base",
        ram="ram",
        areas=((0, 0x20000000),),
    ),
    Board(
        machines=r"ast2600-evb$",
        arches=ARM,
        source="hw/arm/aspeed_ast2600.c: aspeed_soc_ast2600_memmap",
        ram="ram",
        areas=((0x80000000, EVERYTHING),),
        fixed=(
            Fixed("aspeed.sram", 0x10000000),
            Fixed("aspeed.sram.0", 0x10000000, 0x16400),
        ),
    ),
    Board(
        machines=r"ast2500-evb$",
        arches=ARM,
        source="hw/arm/aspeed_soc.c: aspeed_soc_ast2500_memmap",
        ram="ram",
        areas=((0x80000000, EVERYTHING),),
        fixed=(Fixed("aspeed.sram", 0x1E720000), Fixed("aspeed.sram.0", 0x1E720000)),
    ),
    Board(
        machines=r"vexpress-a9$",
        arches=ARM,
        source="hw/arm/vexpress.c: motherboard_legacy_map",
        ram="vexpress.highmem",
        areas=((0x60000000, EVERYTHING),),
        fixed=(
            Fixed("vexpress.flash0", 0, flash=True),
            Fixed("vexpress.flash0", 0x40000000, flash=True),
            Fixed("vexpress.flash1", 0x44000000, flash=True),
            Fixed("vexpress.sram", 0x48000000),
            Fixed("vexpress.vram", 0x4C000000),
        ),
    ),
    Board(
        machines=r"vexpress-a15$",
        arches=ARM,
        source="hw/arm/vexpress.c: motherboard_aseries_map",
        ram="vexpress.highmem",
        areas=((0x80000000, EVERYTHING),),
        fixed=(
            Fixed("vexpress.flash0", 0, flash=True),
            Fixed("vexpress.flash0", 0x8000000, flash=True),
            Fixed("vexpress.flash1", 0xC000000, flash=True),
            Fixed("vexpress.sram", 0x14000000),
            Fixed("vexpress.vram", 0x18000000),
            Fixed("vexpress.a15sram", 0x2E000000),
        ),
    ),
    Board(
        machines=r"versatile(pb|ab)$",
        arches=ARM,
        source="hw/arm/versatilepb.c: versatile_init",
        ram="versatile.ram",
        fixed=(Fixed("versatile.flash", 0x34000000, flash=True),),
    ),
    Board(
        machines=r"musicpal$",
        arches=ARM,
        source="hw/arm/musicpal.c: musicpal_init",
        ram="musicpal.ram",
        fixed=(Fixed("musicpal.sram", 0xC0000000),),
    ),
    Board(
        machines=r"mps2-an38[56]$",
        arches=ARM,
        source="hw/arm/mps2.c: mps2_common_init",
        ram="mps.ram",
        areas=((0x21000000, EVERYTHING),),
        fixed=(
            *SSRAM,
            *(Fixed("mps.blockram", 0x1000000 + 0x4000 * n, 0x4000) for n in range(4)),
        ),
    ),
    Board(
        machines=r"mps2-an500$",
        arches=ARM,
        source="hw/arm/mps2.c: mps2_common_init",
        ram="mps.ram",
        areas=((0x60000000, EVERYTHING),),
        fixed=SSRAM,
    ),
    Board(
        machines=r"mps2-an511$",
        arches=ARM,
        source="hw/arm/mps2.c: mps2_common_init",
        ram="mps.ram",
        areas=((0x21000000, EVERYTHING),),
        fixed=(
            Fixed("mps.blockram", 0),
            Fixed("mps.ssram1", 0x400000),
            Fixed("mps.sram", 0x20000000),
            Fixed("mps.ssram23", 0x20400000),
        ),
    ),
    Board(
        machines=r"clipper$",
        arches=UNKNOWN,
        source="hw/alpha/dp264.c: clipper_init",
        ram="ram",
    ),
    Board(
        machines=r"(hppa|B160L)$",
        arches=UNKNOWN,
        source="hw/hppa/machine.c: machine_hppa_init",
        ram="ram",
        areas=((0, 0xF0000000),),
        fixed=(Fixed("firmware", 0xF0000000),),
    ),
    Board(
        machines=r"or1k-sim$|virt$",
        arches=UNKNOWN,
        needs="openrisc.ram",
        source="hw/openrisc/openrisc_sim.c: openrisc_sim_init, virt.c",
        ram="openrisc.ram",
    ),
    Board(
        machines=r"petalogix-s3adsp1800$",
        arches=UNKNOWN,
        source="hw/microblaze/petalogix_s3adsp1800_mmu.c",
        ram="petalogix_s3adsp1800.ram",
        areas=((0x90000000, EVERYTHING),),
        fixed=(
            Fixed("petalogix_s3adsp1800.lmb_bram", 0),
            Fixed("petalogix_s3adsp1800.flash", 0xA0000000, flash=True),
            *ETHLITE,
        ),
    ),
    Board(
        machines=r"petalogix-ml605$",
        arches=UNKNOWN,
        source="hw/microblaze/petalogix_ml605_mmu.c",
        ram="petalogix_ml605.ram",
        areas=((0x50000000, EVERYTHING),),
        fixed=(
            Fixed("petalogix_ml605.lmb_bram", 0),
            Fixed("petalogix_ml605.flash", 0x86000000, flash=True),
        ),
    ),
    Board(machines=r"none$", arches=UNKNOWN, source="hw/core/null-machine.c", ram="ram"),
)


def board_pieces(state: State, arch: str | None, tables: Tables) -> list[Area]:
    """Pieces of the system's address space of a machine that is not a PC; none where it is unknown.

    Parameters
    ----------
    arch : what `machine.arch` says; None where the CPUs' sections do not tell
    """
    board = _find(state, arch)
    if board is None:
        return _by_address(state)
    memory = _memory(state, board, lambda: tables.node_sizes(board.areas))
    where = f"{board.source.partition(':')[0]}: fixed place"
    ram = fill(memory, board.areas, where)
    pieces = [*ram, *_fixed(state, board, where)]
    found = functions(state)
    if board.plugs:
        end = max((p.stop for p in ram), default=0)
        pieces += device_memory(state, memory, found, tables, end)
    windows = [*board.windows, *_spapr_windows(state)]
    if windows:
        pci = pci_space(state, found)
        for window in windows:
            pieces += clip(pci, window.pci, window.size, to=window.start, priority=-1)
    return pieces


def board_memory(state: State, arch: str | None) -> Memory | None:
    """Machine RAM of a machine that is not a PC, as far as names and sizes tell; None where it is unknown."""
    board = _find(state, arch)
    if board is None or board.ram is None:
        return None
    memory = _memory(state, board, lambda: ())
    # where nothing can be plugged in, what is neither RAM nor in the table is a device's
    return memory if board.plugs else msgspec.structs.replace(memory, others=())


def _memory(state: State, board: Board, nodes: Callable[[], Sequence[int]]) -> Memory:
    return machine_memory(
        state,
        {board.ram} if board.ram else (),
        board.hidden.union(f.block for f in board.fixed),
        nodes,
    )


def _find(state: State, arch: str | None) -> Board | None:
    """The board of the machine's name and architecture, as far as both are known.

    Where one of them is missing, its RAM's name tells, unless only one board is left anyway.
    """
    names = {b.name for b in state.blocks}
    fitting = [
        b
        for b in BOARDS
        if (b.needs is None or b.needs in names)
        and (state.machine is None or re.match(b.machines, state.machine))
        and (arch is None or not b.arches or arch in b.arches)
    ]
    if state.machine is None or len({b.arches for b in fitting}) > 1:
        fitting = [b for b in fitting if b.ram in names]
    return next(iter(fitting), None)


def _fixed(state: State, board: Board, where: str) -> Iterator[Area]:
    sizes = {b.name: b.used_length for b in state.blocks}
    for one in board.fixed:
        room = max(sizes.get(one.block, 0) - one.offset, 0)
        size = room if one.size is None else min(one.size, room)
        yield Area(
            start=one.start,
            size=size,
            block=one.block,
            offset=one.offset,
            rom_device=one.flash,
            provenance=where,
        )
        if one.without is not None:
            start, hole = one.without
            yield Area(start=start, size=hole, priority=1, provenance="registers of a device")


# hw/ppc/spapr.c: spapr_phb_placement, since machines of 2.8; a host bridge's number is the end of
# its BUID, which begins the names of what is on its bus.
BUID = r"pci@8000000(2[0-9a-f]{7}):"
SPAPR_BASE, SPAPR_32, SPAPR_64 = 0x200000000000, 0x80000000, 0x10000000000


def _spapr_windows(state: State) -> Iterator[Window]:
    buses = {int(m[1], 16) - 0x20000000 for b in state.blocks if (m := re.match(BUID, b.name))}
    for bus in sorted(b for b in buses if 0 <= b < 31):
        yield Window(SPAPR_BASE + SPAPR_32 * (bus + 1), SPAPR_32, SPAPR_32)
        start = SPAPR_BASE + SPAPR_64 * (bus + 1)
        yield Window(start, start, SPAPR_64)


def _by_address(state: State) -> list[Area]:
    """Without a board, what x-ignore-shared says: the addresses of blocks, 0 for what is unmapped."""
    return [
        Area(
            start=block.address,
            size=block.used_length,
            block=block.name,
            provenance="address in the stream (x-ignore-shared)",
        )
        for block in state.blocks
        if block.address
    ]
