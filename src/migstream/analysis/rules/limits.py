"""The rule about values that QEMU looks at when it loads a device: a table of them, and what each may be."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from typing import TypeAlias

import msgspec

from migstream.analysis.rules.registry import Hit, Subject, rule
from migstream.stream import Device
from migstream.vmstate.paths import find
from migstream.vmstate.values import Value

__all__ = ["LIMITS", "Limit"]


# --- what a value may be: `expected` says it of one value, or is empty where the value is as it should be ---


class Within(msgspec.Struct, frozen=True):
    """A number from `least` to `most`, both included."""

    least: int
    most: int

    def expected(self, value: int, _: Value) -> str:
        return "" if self.least <= value <= self.most else f"{self.least} to {self.most}"


class OneOf(msgspec.Struct, frozen=True):
    """One of a few numbers."""

    values: tuple[int, ...]

    def expected(self, value: int, _: Value) -> str:
        return "" if value in self.values else " or ".join(str(one) for one in self.values)


class Bits(msgspec.Struct, frozen=True):
    """The bits of `mask` are those of `bits`."""

    mask: int
    bits: int

    def expected(self, value: int, _: Value) -> str:
        right = value & self.mask == self.bits
        return "" if right else f"{self.bits:#x} in the bits of {self.mask:#x}"


class NotAbove(msgspec.Struct, frozen=True):
    """No more than another field of the same struct has."""

    field: str

    def expected(self, value: int, inside: Value) -> str:
        most = _number(inside, self.field)
        return "" if most is None or value <= most else f"at most {self.field}, which is {most}"


class SameAs(msgspec.Struct, frozen=True):
    """What another field of the same struct has."""

    field: str

    def expected(self, value: int, inside: Value) -> str:
        other = _number(inside, self.field)
        return "" if other is None or value == other else f"{other}, as {self.field}"


class Length(msgspec.Struct, frozen=True):
    """The number of elements of an array, which its field in the description says too."""

    array: str

    def expected(self, value: int, inside: Value) -> str:
        many = _length(inside, self.array)
        return "" if many is None or value == many else f"{many}, the elements of {self.array}"


class IndexOf(msgspec.Struct, frozen=True):
    """The number of an element of an array."""

    array: str

    def expected(self, value: int, inside: Value) -> str:
        many = _length(inside, self.array)
        right = many is None or 0 <= value < many
        return "" if right else f"less than {many}, the elements of {self.array}"


Allowed: TypeAlias = Within | OneOf | Bits | NotAbove | SameAs | Length | IndexOf


class When(msgspec.Struct, frozen=True):
    """Where an entry holds: a field of the same struct, its bits of `mask` one of `values`; any but 0 without these.

    A field that is not there counts as 0: QEMU leaves a subsection out whose values are those of a reset.
    """

    field: str
    values: tuple[int, ...] = ()
    mask: int = -1

    def holds(self, inside: Value) -> bool:
        value = (_number(inside, self.field) or 0) & self.mask
        return value in self.values if self.values else value != 0


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the table.

    Parameters
    ----------
    device : names of the VMState of the section (`vmsd_name` of the device in the description), as fnmatch(3) has them
    fields : the values, paths (docs/paths.md) under `inside`; those that are not there are passed over
    allowed : what each of them may be
    source : QEMU's file: function that looks
    inside : path of the struct in the section, wildcards give several; the section itself without it
    when : where the entry holds; everywhere without it
    version : the only version of the section's VMState for which it holds; all without it
    since : oldest release that is known to look, where older ones do not
    does : what QEMU does with another value
    """

    device: tuple[str, ...]
    fields: tuple[str, ...]
    allowed: Allowed
    source: str
    inside: str = ""
    when: When | None = None
    version: int | None = None
    since: str = ""
    does: str = "refuses the stream"


TRANSMITTER_EMPTY = 0x40  # LSR.TEMT of a 16550A
# AHCI PxCMD: start, FIS receive enable, FIS receive running, command list running.
AHCI_START, AHCI_FIS_ENABLE, AHCI_FIS_RUNNING, AHCI_LIST_RUNNING = 1 << 0, 1 << 4, 1 << 14, 1 << 15
AHCI = ("*ahci*",)
AHCI_PORT = "ahci/dev[*]"
SD_ARGUMENT, SD_RESPONSE, SD_VERSION = (
    1,
    3,
    7,
)  # ssi_sd_mode; RESPONSE was 2 before version 7 of the VMState
SERIAL = ("serial", "pci-serial")
SERIAL_STATE = ("state", "serial")  # ISA and PCI, memory-mapped
PIO = "ide_drive/pio_state/end_transfer_fn_idx"
FIFOS = ("request_post", "reply_post", "reply_free")

LIMITS = (
    # hw/char
    *(
        Limit(
            device=SERIAL,
            inside=inside,
            fields=("lsr",),
            allowed=Bits(TRANSMITTER_EMPTY, bits),
            when=When("serial/tsr/tsr_retry", values),
            source="hw/char/serial.c: serial_post_load",
        )
        for inside in SERIAL_STATE
        for bits, values in ((TRANSMITTER_EMPTY, (0,)), (0, ()))
    ),
    Limit(
        device=("pl011",),
        fields=("read_pos",),
        allowed=Within(0, 15),
        since="10.0",
        source="hw/char/pl011.c: pl011_post_load",
    ),
    Limit(
        device=("pl011",),
        fields=("read_count",),
        allowed=Within(0, 16),
        since="10.0",
        source="hw/char/pl011.c: pl011_post_load",
    ),
    # hw/ssi, hw/sd
    Limit(
        device=("pl022_ssp",),
        fields=("tx_fifo_head", "rx_fifo_head"),
        allowed=Within(0, 7),
        source="hw/ssi/pl022.c: pl022_post_load",
    ),
    Limit(
        device=("ssi_sd",),
        fields=("mode",),
        allowed=Within(0, 9),
        source="hw/sd/ssi-sd.c: ssi_sd_post_load",
    ),
    Limit(
        device=("ssi_sd",),
        fields=("arglen",),
        allowed=Within(0, 3),
        when=When("mode", (SD_ARGUMENT,)),
        source="hw/sd/ssi-sd.c: ssi_sd_post_load",
    ),
    Limit(
        device=("ssi_sd",),
        fields=("response_pos",),
        allowed=Within(0, 4),
        when=When("mode", (SD_RESPONSE,)),
        version=SD_VERSION,
        source="hw/sd/ssi-sd.c: ssi_sd_post_load",
    ),
    *(
        Limit(
            device=("pxa2xx-mmci",),
            fields=(field,),
            allowed=Within(0, most),
            source="hw/sd/pxa2xx_mmci.c: pxa2xx_mmci_vmstate_validate",
        )
        for field, most in (
            ("tx_start", 63),
            ("tx_len", 64),
            ("rx_start", 31),
            ("rx_len", 32),
            ("resp_len", 9),
        )
    ),
    Limit(
        device=("pxa2xx-ssp",),
        fields=("rx_start",),
        allowed=Within(0, 63),  # its array of 16 words, counted in bytes
        source="hw/arm/pxa2xx.c: pxa2xx_ssp_vmstate_validate",
    ),
    # hw/display
    Limit(
        device=("ssd0323_oled",),
        fields=("cmd_len",),
        allowed=Within(0, 8),
        source="hw/display/ssd0323.c: ssd0323_post_load",
    ),
    Limit(
        device=("ssd0323_oled",),
        fields=("row", "row_start", "row_end"),
        allowed=Within(0, 79),
        source="hw/display/ssd0323.c: ssd0323_post_load",
    ),
    Limit(
        device=("ssd0323_oled",),
        fields=("col", "col_start", "col_end"),
        allowed=Within(0, 63),
        source="hw/display/ssd0323.c: ssd0323_post_load",
    ),
    Limit(
        device=("ssd0323_oled",),
        fields=("mode",),
        allowed=OneOf((0, 1)),
        source="hw/display/ssd0323.c: ssd0323_post_load",
    ),
    Limit(
        # of a qxl it is 0 in some releases; that of an isa-vga is a rule of its own
        device=("vga",),
        fields=("vga/is_vbe_vmstate",),
        allowed=OneOf((1,)),
        source="hw/display/vga.c: vmstate_vga_common",
    ),
    Limit(
        device=("vmware_vga*",),
        fields=("new_depth", "chip/new_depth"),
        allowed=OneOf((32,)),
        source="hw/display/vmware_vga.c: vmstate_vmware_vga_internal",
    ),
    Limit(
        device=("qxl",),
        fields=("num_memslots",),
        allowed=OneOf((8,)),
        source="hw/display/qxl.c: qxl_vmstate",
    ),
    # hw/audio
    Limit(
        device=("sb16",),
        fields=("in_index",),
        allowed=Within(0, 10),
        since="10.0",
        source="hw/audio/sb16.c: sb16_post_load",
    ),
    Limit(
        device=("sb16",),
        fields=("out_data_len",),
        allowed=Within(0, 50),
        since="10.0",
        source="hw/audio/sb16.c: sb16_post_load",
    ),
    # hw/block, hw/ide, hw/scsi
    Limit(
        device=("nand",),
        fields=("ioaddr_vmstate",),
        allowed=Within(0, 3136),
        source="hw/block/nand.c: nand_post_load",
    ),
    Limit(
        device=("fdc",),
        fields=("num_floppies", "state/num_floppies"),
        allowed=OneOf((2,)),
        source="hw/block/fdc.c: vmstate_fdc",
    ),
    Limit(
        device=("ide", "isa-ide", "mmio-ide", "microdrive"),
        fields=tuple(f"{drives}[*]/{PIO}" for drives in ("bus[0].ifs", "bus[1].ifs", "bus.ifs")),
        allowed=Within(0, 5),
        source="hw/ide/core.c: ide_drive_pio_post_load",
    ),
    Limit(
        device=AHCI,
        inside=AHCI_PORT,
        fields=(f"port.ifs[0]/{PIO}",),
        allowed=Within(0, 5),
        source="hw/ide/core.c: ide_drive_pio_post_load",
    ),
    Limit(
        device=AHCI,
        inside="ahci",
        fields=("ports",),
        allowed=Length("dev"),
        source="hw/ide/ahci.c: vmstate_ahci",
    ),
    Limit(
        device=AHCI,
        inside=AHCI_PORT,
        fields=("port_regs.cmd",),
        allowed=Bits(AHCI_LIST_RUNNING, 0),
        when=When("port_regs.cmd", (0,), AHCI_START),
        source="hw/ide/ahci.c: ahci_state_post_load",
    ),
    Limit(
        device=AHCI,
        inside=AHCI_PORT,
        fields=("port_regs.cmd",),
        allowed=Bits(AHCI_FIS_RUNNING, 0),
        when=When("port_regs.cmd", (0,), AHCI_FIS_ENABLE),
        source="hw/ide/ahci.c: ahci_state_post_load",
    ),
    Limit(
        device=AHCI,
        inside=AHCI_PORT,
        fields=("busy_slot",),
        allowed=Within(-1, 31),
        source="hw/ide/ahci.c: ahci_state_post_load",
    ),
    Limit(
        device=AHCI,
        inside=f"{AHCI_PORT}/ncq_tfs[*]",
        fields=("used",),
        allowed=SameAs("halt"),
        source="hw/ide/ahci.c: ahci_state_post_load",
    ),
    Limit(
        device=AHCI,
        inside=f"{AHCI_PORT}/ncq_tfs[*]",
        fields=("slot",),
        allowed=SameAs("tag"),
        when=When("halt"),
        source="hw/ide/ahci.c: ahci_state_post_load",
    ),
    Limit(
        device=("lsiscsi",),
        fields=("msg_len",),
        allowed=Within(0, 8),
        source="hw/scsi/lsi53c895a.c: lsi_post_load",
    ),
    Limit(
        device=("mptsas",),
        fields=("doorbell_idx",),
        allowed=NotAbove("doorbell_cnt"),
        source="hw/scsi/mptsas.c: mptsas_post_load",
    ),
    Limit(
        device=("mptsas",),
        fields=("doorbell_reply_idx",),
        allowed=NotAbove("doorbell_reply_size"),
        source="hw/scsi/mptsas.c: mptsas_post_load",
    ),
    Limit(
        device=("mptsas",),
        fields=("doorbell_cnt", "doorbell_reply_size"),
        allowed=Within(0, 256),
        source="hw/scsi/mptsas.c: mptsas_post_load",
    ),
    Limit(
        device=("mptsas",),
        fields=tuple(f"{fifo}_{end}" for fifo in FIFOS for end in ("head", "tail")),
        allowed=Within(0, 129),
        source="hw/scsi/mptsas.c: mptsas_post_load",
    ),
    Limit(
        device=("mptsas",),
        fields=("diagnostic_idx",),
        allowed=Within(0, 4),
        source="hw/scsi/mptsas.c: mptsas_post_load",
    ),
    # hw/net
    Limit(
        device=("stellaris_enet",),
        fields=("next_packet",),
        allowed=Within(0, 30),
        source="hw/net/stellaris_enet.c: stellaris_enet_post_load",
    ),
    Limit(
        device=("stellaris_enet",),
        fields=("np",),
        allowed=Within(0, 31),
        source="hw/net/stellaris_enet.c: stellaris_enet_post_load",
    ),
    Limit(
        device=("stellaris_enet",),
        fields=("rx[*]/len", "tx_fifo_len"),
        allowed=Within(0, 2048),
        source="hw/net/stellaris_enet.c: stellaris_enet_post_load",
    ),
    Limit(
        device=("stellaris_enet",),
        fields=("rx_fifo_offset",),
        allowed=Within(0, 2044),
        source="hw/net/stellaris_enet.c: stellaris_enet_post_load",
    ),
    Limit(
        device=("vmxnet3",),
        fields=("txq_num", "rxq_num"),
        allowed=Within(0, 8),
        source="hw/net/vmxnet3.c: vmxnet3_validate_queues",
    ),
    Limit(
        device=("vmxnet3",),
        fields=("event_int_idx",),
        allowed=Within(0, 24),
        source="hw/net/vmxnet3.c: vmxnet3_validate_interrupts",
        does="refuses the stream, or ends with a hardware error",
    ),
    # hw/usb, hw/input, hw/gpio, hw/nvram, hw/misc, hw/uefi
    Limit(
        device=("uhci",),
        fields=("num_ports_vmstate",),
        allowed=OneOf((2,)),
        source="hw/usb/hcd-uhci.c: vmstate_uhci",
    ),
    Limit(
        device=("vmmouse",),
        fields=("queue_size",),
        allowed=OneOf((1024,)),
        source="hw/i386/vmmouse.c: vmstate_vmmouse",
    ),
    Limit(
        device=("scoop",),
        fields=("gpio_level", "gpio_dir", "prev_level"),
        allowed=Within(0, 0xFFFF),
        source="hw/gpio/zaurus.c: vmstate_scoop_validate",
    ),
    Limit(
        device=("eeprom",),
        fields=("size[1]",),  # size[0] is that of a version long gone
        allowed=Length("contents"),
        source="hw/nvram/eeprom93xx.c: vmstate_eeprom",
    ),
    Limit(
        device=("tz-mpc",),
        fields=("blk_idx",),
        allowed=IndexOf("blk_lut"),
        source="hw/misc/tz-mpc.c: tz_mpc_post_load",
    ),
    Limit(
        device=("uefi-vars",),
        fields=("buf_size",),
        allowed=Within(0, 65536),
        source="hw/uefi/var-service-core.c: uefi_vars_post_load",
    ),
    # hw/timer, hw/pci, hw/intc
    Limit(
        device=("hpet",),
        fields=("num_timers", "num_timers_save"),
        allowed=Within(3, 32),
        source="hw/timer/hpet.c: hpet_validate_num_timers",
    ),
    Limit(
        device=("hpet",),
        fields=("num_timers", "num_timers_save"),
        allowed=Length("timer"),
        source="hw/timer/hpet.c: vmstate_hpet",
    ),
    Limit(
        device=("PCIBUS",),
        fields=("nirq",),
        allowed=Length("irq_count"),
        source="hw/pci/pci.c: vmstate_pcibus",
    ),
    Limit(
        device=("pcie-*", "ioh-*", "xio3130-*"),
        inside="*exp.aer_log",
        fields=("log_num",),
        allowed=NotAbove("log_max"),
        source="hw/pci/pcie_aer.c: pcie_aer_state_log_num_valid",
    ),
    Limit(
        device=("ics",),
        fields=("nr_irqs",),
        allowed=Length("irqs"),
        source="hw/intc/xics.c: vmstate_ics",
    ),
    Limit(
        device=("spapr-xive",),
        fields=("nr_irqs",),
        allowed=Length("eat"),
        source="hw/intc/spapr_xive.c: vmstate_spapr_xive",
    ),
    Limit(
        device=("openpic",),
        fields=("nb_cpus",),
        allowed=Length("dst"),
        source="hw/intc/openpic.c: vmstate_openpic",
    ),
    # target
    Limit(
        device=("cpu",),
        fields=("env.fpregs_format_vmstate",),
        allowed=OneOf((0,)),
        source="target/i386/machine.c: cpu_post_load",
    ),
    Limit(
        device=("cpu",),
        fields=("cpu/m/cpu/m/csselr/env.v7m.csselr[*]",),
        allowed=Within(0, 15),
        source="target/arm/machine.c: csselr_vmstate_validate",
    ),
    Limit(
        device=("cpu",),
        fields=("cpu/pmsav7-rnr/env.pmsav7.rnr[M_REG_NS]",),
        allowed=IndexOf("cpu/pmsav7/env.pmsav7.drbar"),
        source="target/arm/machine.c: pmsav7_rgnr_vmstate_validate",
    ),
    Limit(
        device=("cpu",),
        inside="cpu/m-security",
        fields=("env.pmsav7.rnr[M_REG_S]",),
        allowed=IndexOf("env.pmsav8.rbar[M_REG_S]"),
        source="target/arm/machine.c: s_rnr_vmstate_validate",
    ),
    Limit(
        device=("cpu",),
        inside="cpu/m-security",
        fields=("env.sau.rnr",),
        allowed=IndexOf("env.sau.rbar"),
        source="target/arm/machine.c: sau_rnr_vmstate_validate",
    ),
)


@rule("MS546", "error", "A device's value is one that QEMU refuses")
def limits(subject: Subject) -> Iterator[Hit]:
    """Some devices look at the values that they have been given before they go on: an index that must lie in its FIFO,
    a register that contradicts another, a number that every QEMU has the same. QEMU refuses a stream with another
    value ("error while loading state for instance ... of device ...", "Input validation failed").

    It is an error where every release that has the device refuses the value, and a warning where only newer ones do;
    the others take it, and the device may then read beyond an array. The finding names QEMU's function that looks.

    References: QEMU, the post_load functions and VMSTATE_VALIDATE of hw and target; include/migration/vmstate.h:
    VMSTATE_UINT8_EQUAL and its kin.
    """
    for device in subject.devices:
        layout = device.layout
        for limit in _limits(layout.vmsd_name) if layout is not None else ():
            if layout is not None and limit.version in {None, layout.version}:
                yield from _broken(device, limit)


def _broken(device: Device, limit: Limit) -> Iterator[Hit]:
    for inside in find(device.value, limit.inside):
        if limit.when is not None and not limit.when.holds(inside):
            continue
        for field in limit.fields:
            for value in find(inside, field):
                found = _int(value)
                expected = "" if found is None else limit.allowed.expected(found, inside)
                if expected:
                    since = f" since {limit.since}" if limit.since else ""
                    yield Hit.of(
                        device,
                        value,
                        f"{value.name} has a value with which QEMU{since} {limit.does}",
                        expected,
                        f"{found:#x}" if isinstance(limit.allowed, Bits) else str(found),
                        hint=f"QEMU looks at it in {limit.source}",
                        severity="warning" if limit.since else None,
                    )


@cache
def _limits(vmsd: str) -> tuple[Limit, ...]:
    return tuple(e for e in LIMITS if any(fnmatchcase(vmsd, name) for name in e.device))


def _int(value: Value) -> int | None:
    """A single number or bool; of anything else nothing, as a description can call it what it likes."""
    if value.kind != "leaf" or value.count is not None:
        return None
    number = value.value
    return int(number) if isinstance(number, int) else None


def _number(inside: Value, path: str) -> int | None:
    return next((_int(value) for value in find(inside, path)), None)


def _length(inside: Value, path: str) -> int | None:
    """Elements of an array; the description has one of a single element as a plain value, and none of an empty one."""
    return next((1 if v.count is None else v.count for v in find(inside, path)), None)
