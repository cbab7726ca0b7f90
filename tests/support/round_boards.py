"""Machines made at random for other targets than x86: boards as data, for `support.rounds` to fill in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import msgspec

from support import rounds
from support.rounds import PCI, Draft

__all__ = ["BOARDS", "Board", "changed", "draft"]


class Board(msgspec.Struct, frozen=True):
    """A board: what it is called here, its binary, what its machine types' names begin with, and what may be asked of it."""

    name: str
    binary: str
    stem: str
    devices: tuple[Sequence[str], ...]
    options: Sequence[str] = ()
    cpus: Sequence[str] = ()
    smp: Sequence[str] = ("2", "3", "4", "1,maxcpus=2", "2,maxcpus=4", "5,maxcpus=9")
    memory: Sequence[int] = (64, 128, 256)
    globals: Sequence[str] = (
        "migration.send-section-footer=off",
        "migration.store-global-state=off",
        "virtio-net-pci.vectors=4",
    )


# Of those of x86, the ones that hang on a host, on ISA or on another board.
X86_ONLY = (
    "iommu",
    "pxb",
    "pcnet",
    "piix",
    "ipmi",
    "qxl",
    "vmware",
    "i6300",
    "ati-vga",
    "nvme",
    "i82801b11",
)
ON_PCI = [one for one in PCI if not any(word in one for word in X86_ONLY)]
EXPRESS = [
    "pcie-root-port,chassis=@number[,slot=3][,port=1|16][,hotplug=off][,io-reserve=0]>pcie",
    "pcie-root-port,chassis=@number>pcie",
    "pcie-pci-bridge[,msi=off]>pci",
]
KINDS = (
    "blk-{},drive=@disk[,num-queues=1|2|4][,queue-size=64|256]",
    "blk-{},drive=@disk[,discard=off]",
    "net-{}[,mq=on][,mrg_rxbuf=off][,rx_queue_size=512][,mac=52:54:00:aa:bb:0c]",
    "rng-{}",
    "scsi-{}[,num_queues=2][,virtqueue_size=64|256]>scsi",
    "balloon-{}[,deflate-on-oom=on]",
    "serial-{}[,max_ports=4|16]>serial",
    "keyboard-{}",
    "tablet-{}",
    "gpu-{}[,max_outputs=2]",
    "9p-{},fsdev=@fs,mount_tag=t",
)
ON_MMIO = [f"virtio-{one.format('device')}" for one in KINDS]
ON_CHANNELS = [f"virtio-{one.format('ccw')}" for one in KINDS] + [
    "virtio-net-ccw[,devno=fe.0.0010|fe.0.abcd]",
    "virtio-blk-ccw,drive=@disk[,devno=fe.0.0007]",
    "virtio-rng-ccw[,max_revision=0|1]",
    *(
        "diag288",
        "sclpconsole,chardev=@char",
        "sclplmconsole,chardev=@char",
    ),
]
ON_VIO = [
    *("spapr-vlan", "spapr-vty,chardev=@char", "spapr-vscsi>scsi", "spapr-rng,use-kvm=off"),
    *(
        "spapr-vlan[,reg=0x71000010]",
        "spapr-pci-host-bridge,index=1",
        "spapr-pci-host-bridge,index=2",
    ),
]
ARM_OPTIONS = (
    *(
        "gic-version=2|3|max",
        "gic-version=3",
        "secure=on",
        "virtualization=on",
        "its=off",
        "acpi=off",
    ),
    *("highmem=off", "iommu=smmuv3", "ras=on", "mte=on", "nvdimm=on"),
)
BOARDS = (
    Board(
        "aarch64",
        "qemu-system-aarch64",
        "virt",
        (ON_PCI, ON_PCI, EXPRESS, ON_MMIO),
        ARM_OPTIONS,
        (
            *(
                "cortex-a57",
                "cortex-a53",
                "cortex-a72",
                "max",
                "cortex-a15",
                "neoverse-n1",
                "cortex-a76",
            ),
            *(
                "max,sve=off",
                "max,pmu=off",
                "cortex-a57,pmu=off",
                "max,pauth=off",
                "cortex-a57,aarch64=on",
            ),
        ),
    ),
    Board(
        "arm",
        "qemu-system-arm",
        "virt",
        (ON_PCI, ON_PCI, EXPRESS, ON_MMIO),
        ARM_OPTIONS,
        ("cortex-a15", "cortex-a7", "max", "cortex-a15,pmu=off"),
    ),
    Board(
        "ppc64",
        "qemu-system-ppc64",
        "pseries",
        (ON_PCI, ON_PCI, ON_VIO),
        (
            *(
                "ic-mode=xics|xive|dual",
                "cap-htm=off",
                "cap-cfpc=broken",
                "cap-sbbc=broken",
                "usb=on",
            ),
            *(
                "cap-ibs=broken",
                "cap-nested-hv=off",
                "max-cpu-compat=power8|power9",
                "cap-large-decr=off",
            ),
            *(
                "cap-ccf-assist=off",
                "resize-hpt=disabled|required",
                "cap-fwnmi=off|on",
                "cap-dfp=off",
            ),
        ),
        ("power8", "power9", "power10", "POWER9", "power8_v2.0"),
        memory=(256, 512, 768),
    ),
    Board(
        "s390x",
        "qemu-system-s390x",
        "s390-ccw-virtio",
        (ON_CHANNELS,),
        ("aes-key-wrap=off", "dea-key-wrap=off"),
        ("qemu", "max", "z900", "qemu,vx=off"),
    ),
    Board(
        "riscv64",
        "qemu-system-riscv64",
        "virt",
        (ON_PCI, ON_PCI, EXPRESS, ON_MMIO),
        ("aclint=on", "aia=aplic|aplic-imsic", "acpi=off", "aia=aplic-imsic"),
        ("rv64", "max", "rv64,h=off", "rv64,v=on", "sifive-u54", "rv64,pmp=off"),
    ),
    Board(
        "loongarch64",
        "qemu-system-loongarch64",
        "virt",
        (ON_PCI, ON_PCI, EXPRESS),
        ("acpi=off", "veiointc=on|off"),
        ("la464", "max", "la464,lsx=off", "la464,lasx=off"),
        smp=("2", "3", "4"),
        memory=(256, 512),
    ),
    Board(
        "riscv32",
        "qemu-system-riscv32",
        "virt",
        (ON_PCI, ON_PCI, ON_MMIO),
        ("aclint=on", "aia=aplic|aplic-imsic"),
        ("rv32",),
    ),
    Board("ppc-g3beige", "qemu-system-ppc", "g3beige", (ON_PCI,), (), (), ("1",)),
    Board(
        "ppc-mac99", "qemu-system-ppc", "mac99", (ON_PCI,), ("via=cuda|pmu|pmu-adb",), (), ("1",)
    ),
    Board(
        "m68k", "qemu-system-m68k", "virt", (ON_MMIO,), (), ("m68040", "m68030", "m68020"), ("1",)
    ),
)


def draft(board: Board, random: Random, machine: str) -> Draft:
    """A machine of that type."""
    one = Draft(
        machine=machine,
        options=[rounds._filled(text, random, 0)[1] for text in _some(random, board.options, 0.4)],
        accelerator="tcg",
        irqchip="",
        memory=random.choice(board.memory),
        room=False,
        smp=random.choice(board.smp) if random.random() < 0.4 else "",
        cpu=random.choice(board.cpus) if board.cpus and random.random() < 0.4 else "",
        nodes=0,
        defaults=random.random() < 0.1,
        globals=[rounds._filled(text, random, 0)[1] for text in _some(random, board.globals, 0.1)],
        serials=random.choice((0, 0, 1)),
        pieces=[],
    )
    for _ in range(random.randrange(1, 8)):
        rounds._add(one, random, random.choice(random.choice(board.devices)), "")
    return one


def _some(random: Random, kinds: Sequence[str], chance: float) -> list[str]:
    few = random.sample(list(kinds), min(len(kinds), random.randrange(1, 3)))
    return few if random.random() < chance else []


def changed(board: Board, random: Random, one: Draft, machines: Sequence[str]) -> tuple[str, Draft]:
    """What differs, and the machine of the other side; `machines` are types that it has."""
    other = msgspec.json.decode(msgspec.json.encode(one), type=Draft)
    if random.random() < 0.4:
        return "same", other
    name = random.choice(list(CHANGES))
    CHANGES[name](random, board, other, machines)
    return ("same", one) if other == one else (name, other)


Change = Callable[[Random, Board, Draft, Sequence[str]], None]


def _x86(name: str) -> Change:
    """A change that is not of one target."""

    def change(random: Random, board: Board, one: Draft, machines: Sequence[str]) -> None:
        rounds.CHANGES[name](random, one, machines)

    return change


def _extra(random: Random, board: Board, one: Draft, machines: Sequence[str]) -> None:
    rounds._add(one, random, random.choice(random.choice(board.devices)), "")


def _smp(random: Random, board: Board, one: Draft, machines: Sequence[str]) -> None:
    one.smp = random.choice(board.smp)


def _memory(random: Random, board: Board, one: Draft, machines: Sequence[str]) -> None:
    one.memory = random.choice(board.memory)


def _option(random: Random, board: Board, one: Draft, machines: Sequence[str]) -> None:
    if one.options and random.random() < 0.5:
        one.options.pop()
    elif board.options:
        one.options.append(rounds._filled(random.choice(list(board.options)), random, 0)[1])


def _cpu(random: Random, board: Board, one: Draft, machines: Sequence[str]) -> None:
    if board.cpus:
        one.cpu = random.choice(list(board.cpus))


CHANGES: dict[str, Change] = {
    **{name: _x86(name) for name in ("missing", "property", "version", "slot", "order")},
    "extra": _extra,
    "smp": _smp,
    "memory": _memory,
    "option": _option,
    "cpu": _cpu,
}
