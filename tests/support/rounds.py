"""Machines made at random, and what differs between the two sides of a load; the same seed makes the same.

A device is written as a template: `[,vectors=2|4]` stands there or not, with one of the values; `@disk` is a
backend of its own, which is put before it; `>usb` behind it is what else may stand on its bus.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

import msgspec

__all__ = ["Draft", "Piece", "changed", "draft", "words"]

DISK = "driver=null-co,size=1048576,read-zeroes=on,node-name=k{}"
BACKENDS = {
    "disk": (("-blockdev", DISK), "k{}"),
    "audio": (("-audiodev", "none,id=a{}"), "a{}"),
    "char": (("-chardev", "null,id=c{}"), "c{}"),
    "crypto": (("-object", "cryptodev-backend-builtin,id=y{}"), "y{}"),
    "fs": (("-fsdev", "synth,id=f{}"), "f{}"),
    "bmc": (("-device", "ipmi-bmc-sim,id=b{}"), "b{}"),
    "dimm": (("-object", "memory-backend-ram,id=m{},size=128M"), "m{}"),
    "thread": (("-object", "iothread,id=h{}"), "h{}"),
    "net": (("-netdev", "hubport,hubid=0,id=n{}"), "n{}"),
    "number": ((), "{}"),
}
VIRTIO = "[,disable-legacy=on|off|auto][,disable-modern=on|off][,packed=on][,event_idx=off][,page-per-vq=on]"
NET = "[,rombar=0][,romfile=][,mac=52:54:00:aa:bb:0c][,netdev=@net]"
PCI = [
    f"virtio-net-pci[,vectors=0|2|3|4|6|8][,mq=on][,mrg_rxbuf=off][,rx_queue_size=256|512|1024][,host_mtu=1500]{NET}{VIRTIO}",
    f"virtio-net-pci[,ctrl_vq=off][,guest_announce=off][,tx_queue_size=256][,status=off]{NET}",
    f"virtio-blk-pci,drive=@disk[,num-queues=1|2|3|4][,queue-size=64|128|256][,vectors=0|2|3|5]{VIRTIO}",
    "virtio-blk-pci,drive=@disk[,discard=off][,config-wce=off][,serial=abc][,iothread=@thread]",
    f"virtio-scsi-pci[,num_queues=1|2|4][,virtqueue_size=64|256][,vectors=2|4|6][,hotplug=off]{VIRTIO}>scsi",
    "virtio-balloon-pci[,free-page-hint=on][,deflate-on-oom=on][,free-page-reporting=on]",
    f"virtio-rng-pci[,max-bytes=1024]{VIRTIO}",
    "virtio-serial-pci[,max_ports=1|4|16|31][,vectors=0|2|4]>serial",
    *("virtio-keyboard-pci", "virtio-mouse-pci", "virtio-tablet-pci[,vectors=0|2|3]"),
    "virtio-gpu-pci[,max_outputs=1|2|4][,edid=off][,vectors=0|3]",
    "virtio-9p-pci,fsdev=@fs,mount_tag=t",
    "virtio-crypto-pci,cryptodev=@crypto[,vectors=2]",
    *("virtio-mem-pci,memdev=@dimm", "virtio-sound-pci,audiodev=@audio[,streams=1|3]"),
    "virtio-iommu-pci",
    *(f"{name}{NET}" for name in ("e1000[,extra_mac_registers=off]", "e1000-82545em", "rtl8139")),
    *(f"{name}{NET}" for name in ("e1000e", "igb", "ne2k_pci", "pcnet", "vmxnet3", "tulip")),
    *("i82550", "i82557b", "i82559er", "i82801", "i82562", "i82559c"),
    "VGA[,vgamem_mb=8|16|32|64][,edid=off|on][,mmio=off][,rombar=0]",
    "VGA[,vgamem_mb=8|16|32|64]",
    "cirrus-vga[,vgamem_mb=4|8|16]",
    "qxl-vga[,vgamem_mb=8|16|32][,ram_size_mb=64|128][,vram_size_mb=32|64][,revision=3|4]",
    *("qxl[,vram_size_mb=32|64]", "vmware-svga[,vgamem_mb=16|32]", "bochs-display[,vgamem=32M]"),
    *("virtio-vga[,max_outputs=1|2][,edid=off]", "secondary-vga[,vgamem_mb=8|32]", "ati-vga"),
    *("piix3-usb-uhci>usb", "piix4-usb-uhci>usb", "ich9-usb-uhci1>usb", "ich9-usb-uhci4>usb"),
    *("ich9-usb-ehci1>usb", "usb-ehci>usb", "pci-ohci[,num-ports=2|4|6]>usb"),
    "qemu-xhci[,p2=2|4|8][,p3=2|4|8][,intrs=1|4|16]>usb",
    "nec-usb-xhci[,p2=2|6][,p3=2|6][,msi=off][,msix=off]>usb",
    *("ich9-ahci>ide", "ahci>ide", "lsi53c895a>scsi", "lsi53c810>scsi", "am53c974>scsi"),
    *("megasas[,use_msi=off][,max_sge=64]>scsi", "megasas-gen2>scsi", "mptsas1068>scsi"),
    *("pvscsi>scsi", "dc390>scsi", "sdhci-pci", "piix3-ide", "piix4-ide"),
    "nvme,serial=x,drive=@disk[,max_ioqpairs=1|2|8][,msix_qsize=2|8|65][,cmb_size_mb=1|16]",
    *("AC97,audiodev=@audio", "ES1370,audiodev=@audio"),
    *("intel-hda[,msi=off|on]>hda", "ich9-intel-hda[,msi=off]>hda"),
    *("i6300esb", "edu", "pci-testdev[,membar=4096]", "pvpanic-pci", "pci-ipmi-kcs,bmc=@bmc"),
    *("pci-ipmi-bt,bmc=@bmc", "pci-serial,chardev=@char", "pci-serial-2x,chardev1=@char"),
    "pci-serial-4x,chardev1=@char,chardev3=@char",
    *("pci-bridge,chassis_nr=@number[,shpc=off|on][,msi=off]>pci", "i82801b11-bridge>pci"),
    *("pxb,bus_nr=@number>pci", "ivshmem-plain,memdev=@dimm"),
    *("amd-iommu", "intel-iommu[,intremap=on]"),
]  # fmt: skip
PCIE = [
    "pcie-root-port,chassis=@number[,slot=3][,port=1|16][,hotplug=off][,io-reserve=0][,x-speed=16][,mem-reserve=2M]>pcie",
    *("ioh3420,chassis=@number[,slot=2]>pcie", "pcie-pci-bridge[,msi=off]>pci"),
    "pxb-pcie,bus_nr=@number>ports",
    *("x3130-upstream>ports", "nvme,serial=x>ns"),
]
BEHIND = {
    "usb": [
        *("usb-tablet[,usb_version=1]", "usb-kbd", "usb-mouse", "usb-hub", "usb-wacom-tablet"),
        *("usb-storage,drive=@disk", "usb-audio,audiodev=@audio[,multi=on]", "usb-net[,netdev=@net]"),
        *("usb-serial,chardev=@char", "usb-ccid", "usb-bot>scsi", "usb-uas>scsi", "usb-braille,chardev=@char"),
    ],
    "scsi": [
        *("scsi-hd,drive=@disk[,scsi-id=1|3][,lun=0|1]", "scsi-cd", "scsi-cd,drive=@disk"),
        "scsi-hd,drive=@disk",
        "scsi-hd,drive=@disk[,removable=on][,rotation_rate=1][,serial=q][,write-cache=off]",
    ],
    "ide": ["ide-hd,drive=@disk", "ide-cd[,drive=@disk][,unit=0]", "ide-hd,drive=@disk[,serial=r]"],
    "hda": ["hda-duplex,audiodev=@audio[,mixer=off]", "hda-micro,audiodev=@audio", "hda-output,audiodev=@audio"],
    "serial": ["virtserialport,chardev=@char[,nr=2|3][,name=org.a]", "virtconsole,chardev=@char"],
    "ns": ["nvme-ns,drive=@disk"],
}  # fmt: skip
BEHIND["pci"] = [one for one in PCI if "@net" not in one or "e1000" in one or "virtio" in one]
BEHIND["pcie"] = [
    one for one in PCI if one.split("[")[0].split(",")[0] not in ("VGA", "pxb", "cirrus-vga")
]
BEHIND["ports"] = ["pcie-root-port,chassis=@number>pcie", "xio3130-downstream,chassis=@number>pcie"]
ISA = [
    *("isa-serial,chardev=@char[,index=1|2|3]", "isa-parallel,chardev=@char[,index=1|2]"),
    *("isa-debugcon,chardev=@char[,iobase=0x402]", "isa-debug-exit[,iobase=0x501]", "isa-fdc"),
    *("isa-ipmi-kcs,bmc=@bmc[,irq=6]", "isa-ipmi-bt,bmc=@bmc", "pvpanic[,ioport=0x506]", "ib700"),
    *("sb16,audiodev=@audio", "cs4231a,audiodev=@audio", "adlib,audiodev=@audio", "gus,audiodev=@audio"),
    *("isa-applesmc", "ne2k_isa[,irq=10]", "isa-ide,iobase=0x168,iobase2=0x36e,irq=10", "isa-cirrus-vga"),
    *("isa-vga", "vmgenid", "vmcoreinfo", "sga", "pc-testdev", "hyperv-testdev", "ramfb"),
]  # fmt: skip
FOR_MICROVM = [
    *("virtio-blk-device,drive=@disk[,num-queues=2]", "virtio-net-device[,mac=52:54:00:aa:bb:0c]"),
    *("virtio-rng-device", "virtio-serial-device>serial", "virtio-scsi-device>scsi", "virtio-balloon-device"),
    *("virtio-keyboard-device", "virtio-gpu-device", "virtio-9p-device,fsdev=@fs,mount_tag=t"),
    *("isa-debugcon,chardev=@char", "pvpanic", "isa-serial,chardev=@char[,index=1|2]"),
]  # fmt: skip
OPTIONS = {
    "pc": [
        *("smm=off|on", "hpet=off", "vmport=off|on", "pit=off", "usb=on", "i8042=off", "acpi=off"),
        *("smbus=off", "max-ram-below-4g=1G", "fd-bootchk=off", "nvdimm=on", "hmat=on", "graphics=off"),
        "sata=off",
    ],
    "microvm": ["rtc=off|on", "pic=off", "pit=off", "isa-serial=off", "acpi=off", "pcie=on", "usb=on", "ioapic2=off"],
    "isapc": ["hpet=off", "pit=off", "i8042=off", "vmport=off", "smm=off"],
}  # fmt: skip
GLOBALS = [
    *("PIIX4_PM.memory-hotplug-support=off", "PIIX4_PM.disable_s3=1", "PIIX4_PM.disable_s4=1"),
    *("PIIX4_PM.smm-enabled=off", "PIIX4_PM.acpi-pci-hotplug-with-bridge-support=off"),
    *("ICH9-LPC.memory-hotplug-support=off", "ICH9-LPC.disable_s3=1", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"),
    *("ICH9-LPC.noreboot=false", "ICH9-LPC.enable_tco=false", "virtio-pci.disable-modern=on", "virtio-device.packed=on"),
    *("i440FX-pcihost.x-pci-hole64-fix=off", "mch.extended-tseg-mbytes=0|16|48", "mc146818rtc.lost_tick_policy=slew"),
    *("migration.send-section-footer=off", "migration.send-configuration=off", "migration.store-global-state=off"),
    *("kvm-pit.lost_tick_policy=discard", "fw_cfg_io.dma_enabled=off", "hpet.msi=on", "hpet.timers=4|8", "PIIX4_PM.smb_io_base=0xb100"),
    *("e1000.mitigation=off", "VGA.qemu-extended-regs=off", "virtio-net-pci.vectors=4", "pcie-root-port.fast-plug=1", "i8042.extended-state=off"),
]  # fmt: skip
CPUS = {
    "tcg": [
        *("qemu64", "max", "Nehalem", "486", "pentium3", "Skylake-Client", "EPYC", "qemu64,+avx,+xsave", "n270"),
        *("qemu32", "core2duo", "max,-xsave", "qemu64,+svm", "max,pmu=on", "Haswell,+pku"),
    ],
    "kvm": [
        *("qemu64", "qemu64,-kvmclock", "kvm64", "EPYC", "Opteron_G3", "qemu64,+svm", "host", "max"),
        "qemu64,hv-relaxed,hv-vapic,hv-time,hv-spinlocks=0x1fff",
        "qemu64,hv-relaxed,hv-vapic,hv-time,hv-vpindex,hv-synic,hv-stimer",
        "qemu64,hv-relaxed,hv-vapic,hv-time,hv-crash,hv-reset,hv-runtime,hv-frequencies",
        "qemu64,hv-vpindex,hv-runtime,hv-synic,hv-stimer,hv-tlbflush,hv-ipi,hv-time,hv-reset",
        *("qemu64,hv-passthrough", "qemu64,kvm-pv-eoi=off", "qemu64,-kvm-steal-time,-kvm-asyncpf"),
        *("qemu64,+x2apic,tsc-frequency=2000000000", "qemu64,kvm=off", "qemu64,pmu=on", "qemu64,+invtsc"),
    ],
}  # fmt: skip
IRQCHIPS = ("on", "off", "split")
PARENTS = re.compile(r"bus=(d\d+)")


class Piece(msgspec.Struct):
    """One device as it is written, the words that stand before it, and its template."""

    before: list[str]
    text: str
    template: str

    @property
    def words(self) -> list[str]:
        return [*self.before, "-device", self.text]


class Draft(msgspec.Struct):
    """A machine: what its type is called, options of it, and the rest of its command line by kind."""

    machine: str
    options: list[str]
    accelerator: str
    irqchip: str
    memory: int
    room: bool
    smp: str
    cpu: str
    nodes: int
    defaults: bool
    globals: list[str]
    serials: int
    pieces: list[Piece]


def words(one: Draft) -> list[str]:
    """The command line, without `-nodefaults` only where the machine has its default devices."""
    chip = f",kernel-irqchip={one.irqchip}" if one.irqchip else ""
    found = [] if one.defaults else ["-nodefaults"]
    found += ["-M", ",".join((one.machine, *one.options)), "-accel", one.accelerator + chip]
    found += ["-m", f"{one.memory}" + (",slots=4,maxmem=4G" if one.room else "")]
    found += ["-smp", one.smp] if one.smp else []
    found += ["-cpu", one.cpu] if one.cpu else []
    for node in range(one.nodes):
        found += ["-object", f"memory-backend-ram,id=node{node},size={one.memory // one.nodes}M"]
        found += ["-numa", f"node,memdev=node{node}"]
    for text in one.globals:
        found += ["-global", text]
    found += ["-serial", "null"] * one.serials
    return found + [word for piece in one.pieces for word in piece.words]


def draft(random: Random, machine: str, *, kvm: bool) -> Draft:
    """A machine of that type; `kvm` is whether it may run under KVM."""
    board = next((one for one in ("microvm", "isapc") if one == machine), "pc")
    accelerator = "kvm" if kvm and random.random() < 0.45 else "tcg"
    one = Draft(
        machine=machine,
        options=[_filled(text, random, 0)[1] for text in _some(random, OPTIONS[board], 0.35, 2)],
        accelerator=accelerator,
        irqchip=random.choice(IRQCHIPS) if accelerator == "kvm" and random.random() < 0.4 else "",
        memory=random.choice((16, 32, 48, 64, 128, 256)),
        room=False,
        smp=_smp(random) if random.random() < 0.4 and board != "isapc" else "",
        cpu=random.choice(CPUS[accelerator]) if random.random() < 0.4 else "",
        nodes=random.choice((1, 2)) if random.random() < 0.08 and board == "pc" else 0,
        defaults=random.random() < 0.1,
        globals=[_filled(text, random, 0)[1] for text in _some(random, GLOBALS, 0.15, 1)],
        serials=random.choice((0, 0, 1, 2)),
        pieces=[],
    )
    kinds = {"microvm": [FOR_MICROVM], "isapc": [ISA]}.get(board, [PCI, PCI, PCI, ISA, ISA, PCIE])
    for _ in range(random.randrange(1, 9)):
        kind = random.choice(kinds)
        if kind is PCIE and "q35" not in machine:
            kind = PCI
        _add(one, random, random.choice(kind), "")
    if board == "pc" and random.random() < 0.08:
        _add(one, random, "pc-dimm,memdev=@dimm[,slot=1]", "")
    one.room = any("dimm" in piece.text or "virtio-mem" in piece.text for piece in one.pieces)
    return one


def _smp(random: Random) -> str:
    return random.choice(
        ("2", "3", "4", "1,maxcpus=2", "2,maxcpus=4", "1,maxcpus=8", "2,sockets=1,cores=2,threads=1", "5,maxcpus=9")
    )  # fmt: skip


def _some(random: Random, kinds: Sequence[str], chance: float, most: int) -> list[str]:
    return random.sample(kinds, random.randrange(1, most + 1)) if random.random() < chance else []


def _add(one: Draft, random: Random, template: str, bus: str) -> None:
    number = max((int(n) for p in one.pieces for n in re.findall(r"id=d(\d+)", p.text)), default=0)
    template, _, behind = template.partition(">")
    before, text = _filled(template, random, number + 1)
    text = f"{text.partition(',')[0]},id=d{number + 1}{''.join(text.partition(',')[1:])}"
    if bus:
        text += f",bus={bus}"
    elif template in PCI and random.random() < 0.2:
        text += f",addr={random.choice(('0x{:x}', '{:x}', '{:02x}.0')).format(random.randrange(4, 0x1C))}"
    one.pieces.append(Piece(before, text, template))
    if behind:
        for place in range(random.choice((0, 1, 1, 2))):
            kind = random.choice(BEHIND[behind])
            if one.pieces[-1].text.count("bus=") > 3:
                return
            driver = text.partition(",")[0]
            names = {"scsi": "d{}.0", "usb": "d{}.0", "serial": "d{}.0", "hda": "d{}.0"}
            inner = names.get(behind, "d{}").format(number + 1)
            if behind == "ide":
                inner = f"d{number + 1}.{place}"
            if behind == "pcie" and place:
                break
            if driver in ("pxb", "pci-bridge", "i82801b11-bridge", "pcie-pci-bridge"):
                _add(one, random, kind, f"d{number + 1}")
                if not kind.startswith("hda") and "addr" not in one.pieces[-1].text:
                    last = next(p for p in one.pieces if p.text.endswith(f"bus={inner}"))
                    last.text += "" if "addr=" in last.text else f",addr={place + 1}"
                continue
            _add(one, random, kind, inner)


def _filled(template: str, random: Random, number: int) -> tuple[list[str], str]:
    """What stands before it, and its text, with choices made."""

    def option(found: re.Match[str]) -> str:
        if random.random() < 0.75:
            return ""
        name, equals, values = found[1].partition("=")
        return f"{name}{equals}{random.choice(values.split('|'))}"

    text = re.sub(r"\[([^]]*)\]", option, template)
    name, equals, values = text.partition("=")
    if "|" in values and "," not in text:  # of the machine
        text = f"{name}{equals}{random.choice(values.split('|'))}"
    before: list[str] = []

    def backend(found: re.Match[str]) -> str:
        own, value = BACKENDS[found[1]]
        label = number if not before else f"{number}x{len(before)}"
        before.extend(word.format(label) for word in own)
        return value.format(label)

    return before, re.sub(r"@(\w+)", backend, text)


# --- what differs on the other side --------------------------------------------------------------------


def changed(random: Random, one: Draft, machines: Sequence[str]) -> tuple[str, Draft]:
    """What differs, and the machine of the other side; `machines` are types that it has."""
    other = msgspec.json.decode(msgspec.json.encode(one), type=Draft)
    if random.random() < 0.4:
        return "same", other
    name = random.choice(list(CHANGES))
    CHANGES[name](random, other, machines)
    return ("same", one) if other == one else (name, other)


def _missing(random: Random, one: Draft, machines: Sequence[str]) -> None:
    if one.pieces:
        gone = [random.choice(one.pieces)]
        for piece in one.pieces:
            parents = {f"id={name}," for name in PARENTS.findall(piece.text)}
            if any(parent in f"{other.text}," for parent in parents for other in gone):
                gone.append(piece)
        one.pieces = [piece for piece in one.pieces if piece not in gone]


def _extra(random: Random, one: Draft, machines: Sequence[str]) -> None:
    _add(one, random, random.choice(PCI if "pc-" in one.machine else ISA), "")


def _property(random: Random, one: Draft, machines: Sequence[str]) -> None:
    """A property of one device has another value, or is not said."""
    can = [piece for piece in one.pieces if "[" in piece.template]
    if can:
        piece = random.choice(can)
        option = random.choice(re.findall(r"\[,([^]]*)\]", piece.template))
        key, _, values = option.partition("=")
        before, text = _filled(f",{key}={random.choice(values.split('|'))}", random, 90)
        plain = re.sub(rf",{key}=[^,]*", "", piece.text)
        piece.text = plain if plain != piece.text and random.random() < 0.3 else plain + text
        piece.before = [*piece.before, *before]


def _model(random: Random, one: Draft, machines: Sequence[str]) -> None:
    """Another device at the same place."""
    can = [piece for piece in one.pieces if piece.template in PCI or piece.template in ISA]
    if can:
        piece = random.choice(can)
        kinds = [k for k in (PCI if piece.template in PCI else ISA) if ">" not in k]
        template = random.choice(kinds)
        piece.before, text = _filled(template, random, 91)
        keep = [w for w in piece.text.split(",")[1:] if w.startswith(("id=", "addr=", "bus="))]
        piece.text, piece.template = ",".join((text, *keep)), template


def _smp_changed(random: Random, one: Draft, machines: Sequence[str]) -> None:
    one.smp = _smp(random)


def _memory(random: Random, one: Draft, machines: Sequence[str]) -> None:
    one.memory = random.choice((16, 32, 64, 96, 128, 256))


def _accelerator(random: Random, one: Draft, machines: Sequence[str]) -> None:
    if one.accelerator == "kvm":
        one.accelerator, one.irqchip = "tcg", ""
        if any(flag in one.cpu for flag in ("hv-", "kvm", "host")):
            one.cpu = ""
    else:
        one.accelerator = "kvm"


def _irqchip(random: Random, one: Draft, machines: Sequence[str]) -> None:
    if one.accelerator == "kvm":
        one.irqchip = random.choice(IRQCHIPS)


def _option(random: Random, one: Draft, machines: Sequence[str]) -> None:
    if one.options and random.random() < 0.5:
        one.options.pop()
    else:
        board = one.machine if one.machine in OPTIONS else "pc"
        one.options.append(_filled(random.choice(OPTIONS[board]), random, 0)[1])


def _global(random: Random, one: Draft, machines: Sequence[str]) -> None:
    one.globals.append(_filled(random.choice(GLOBALS), random, 0)[1])


def _version(random: Random, one: Draft, machines: Sequence[str]) -> None:
    """Another version of the machine type."""
    stem = one.machine.rpartition("-")[0]
    can = [name for name in machines if stem and name.startswith(f"{stem}-")]
    if can:
        one.machine = random.choice(can)


def _slot(random: Random, one: Draft, machines: Sequence[str]) -> None:
    can = [piece for piece in one.pieces if piece.template in PCI and "bus=" not in piece.text]
    if can:
        piece = random.choice(can)
        piece.text = f"{re.sub(',addr=[^,]*', '', piece.text)},addr={random.randrange(4, 28):x}"


def _order(random: Random, one: Draft, machines: Sequence[str]) -> None:
    random.shuffle(one.pieces)


def _cpu(random: Random, one: Draft, machines: Sequence[str]) -> None:
    one.cpu = random.choice(CPUS[one.accelerator])


CHANGES = {
    "missing": _missing,
    "extra": _extra,
    "property": _property,
    "property of another": _property,
    "model": _model,
    "smp": _smp_changed,
    "memory": _memory,
    "accelerator": _accelerator,
    "irqchip": _irqchip,
    "option": _option,
    "global": _global,
    "version": _version,
    "slot": _slot,
    "order": _order,
    "cpu": _cpu,
}
