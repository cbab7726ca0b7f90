"""Real devices of QEMU, declared: what a test saves, loads, and compares with QEMU's own bytes.

Names, types, versions and order are QEMU's; each class names the file and the VMStateDescription it follows.
`DEVICES` lists them, each with the releases that save them so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from migstream import vmstate as d
from migstream.vmstate import (
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
    Buffer,
    I32AtMost,
    I32Equal,
    Timer,
    U8Equal,
    Unused,
    VMState,
    Wire,
    array,
    buffer,
    field,
    since,
    subsection,
    unused,
)

PciConfig = Annotated[bytes, Wire("pci config")]
PciIrqState = Annotated[tuple[int, int, int, int], Wire("pci irq state")]


# --- every machine -----------------------------------------------------------------------------------------------


class Timers(VMState, name="timer", version=2, minimum_version=1):
    """softmmu/cpu-timers.c: vmstate_timers."""

    cpu_ticks_offset: I64
    _unused: Unused = unused(8)
    cpu_clock_offset: I64 = since(2)


class GlobalState(VMState, name="globalstate", version=1, minimum_version=1):
    """migration/global_state.c: vmstate_globalstate, up to 8.2."""

    size: U32
    runstate: Buffer = buffer(100)


class SuspendedGlobalState(VMState, name="globalstate", version=1, minimum_version=1):
    """migration/global_state.c: vmstate_globalstate, from 9.0 on."""

    size: U32
    runstate: Buffer = buffer(32)
    has_vm_was_suspended: U8
    vm_was_suspended: U8
    unused: Buffer = buffer(66)


class CpuCommon(VMState, name="cpu_common", version=1, minimum_version=1):
    """cpu.c: vmstate_cpu_common."""

    halted: U32
    interrupt_request: U32


class FwCfgDma(VMState, name="fw_cfg/dma", version=0):
    dma_addr: U64


class FwCfgAcpiMr(VMState, name="fw_cfg/acpi_mr", version=1, minimum_version=1):
    table_mr_size: U64
    linker_mr_size: U64
    rsdp_mr_size: U64


class FwCfg(VMState, name="fw_cfg", version=2, minimum_version=1):
    """hw/nvram/fw_cfg.c: vmstate_fw_cfg."""

    cur_entry: U16
    old_offset: Annotated[int, Wire("int32_as_uint16")] = field(
        name="cur_offset", exists=lambda _, version: version == 1
    )
    cur_offset: U32 = since(2)
    dma: FwCfgDma | None = subsection()
    acpi_mr: FwCfgAcpiMr | None = subsection()


# --- pc ------------------------------------------------------------------------------------------------------------


class PitChannel(VMState, name="pit channel", version=2, minimum_version=2):
    """hw/timer/i8254_common.c: vmstate_pit_channel."""

    count: I32
    latched_count: U16
    count_latched: U8
    status_latched: U8
    status: U8
    read_state: U8
    write_state: U8
    write_latch: U8
    rw_mode: U8
    mode: U8
    bcd: U8
    gate: U8
    count_load_time: I64
    next_transition_time: I64


class Pit(VMState, name="i8254", version=3, minimum_version=2):
    """hw/timer/i8254_common.c: vmstate_pit_common."""

    irq_disabled: U32 = since(3, name="channels[0].irq_disabled")
    channels: list[PitChannel] = array(3, since=2)
    next_transition_time: I64 = field(name="channels[0].next_transition_time")


class Pic(VMState, name="i8259", version=1, minimum_version=1):
    """hw/intc/i8259_common.c: vmstate_pic_common."""

    last_irr: U8
    irr: U8
    imr: U8
    isr: U8
    priority_add: U8
    irq_base: U8
    read_reg_select: U8
    poll: U8
    special_mask: U8
    init_state: U8
    auto_eoi: U8
    rotate_on_auto_eoi: U8
    special_fully_nested_mode: U8
    init4: U8
    single_mode: U8
    elcr: U8


class Rtc(VMState, name="mc146818rtc", version=3, minimum_version=1):
    """hw/rtc/mc146818rtc.c: vmstate_rtc."""

    cmos_data: Buffer = buffer(128)
    cmos_index: U8
    _seven_words: Unused = unused(28)
    periodic_timer: Timer
    next_periodic_time: I64
    _three_longs: Unused = unused(24)
    irq_coalesced: U32 = since(2)
    period: U32 = since(2)
    base_rtc: U64 = since(3)
    last_update: U64 = since(3)
    offset: I64 = since(3)
    update_timer: Timer = since(3)
    next_alarm_time: U64 = since(3)


class HpetTimer(VMState, name="hpet_timer", version=1, minimum_version=1):
    """hw/timer/hpet.c: vmstate_hpet_timer."""

    tn: U8
    config: U64
    cmp: U64
    fsb: U64
    period: U64
    wrap_flag: U8
    qemu_timer: Timer = since(0)


def _timers_in_range(hpet: Any, _: int) -> bool:
    return hpet.num_timers in range(3, 33)


class Hpet(VMState, name="hpet", version=2, minimum_version=1):
    """hw/timer/hpet.c: vmstate_hpet, up to 9.x."""

    config: U64
    isr: U64
    hpet_counter: U64
    num_timers: U8 = since(2)
    _range: d.Check = d.validate(_timers_in_range, name="num_timers in range")
    timer: list[HpetTimer] = array("num_timers")


class SavedHpet(VMState, name="hpet", version=2, minimum_version=2):
    """hw/timer/hpet.c: vmstate_hpet, from 10.0 on."""

    config: U64
    isr: U64
    hpet_counter: U64
    num_timers: U8 = since(2, name="num_timers_save")
    _range: d.Check = d.validate(_timers_in_range, name="num_timers must match")
    timer: list[HpetTimer] = array("num_timers")


class Dma(VMState, name="dma", version=1, minimum_version=1):
    """hw/dma/i8257.c: vmstate_i8257."""

    class Regs(VMState, name="dma_regs", version=1, minimum_version=1):
        """hw/dma/i8257.c: vmstate_i8257_regs."""

        now: list[I32] = array(2)
        base: list[U16] = array(2)
        mode: U8
        page: U8
        pageh: U8
        dack: U8
        eop: U8

    command: U8
    mask: U8
    flip_flop: U8
    dshift: I32
    regs: list[Regs] = array(4)


class IoApic(VMState, name="ioapic", version=3, minimum_version=1):
    """hw/intc/ioapic_common.c: vmstate_ioapic_common."""

    id: U8
    ioregsel: U8
    _unused: Unused = unused(8, since=2)
    irr: U32
    ioredtbl: list[U64] = array(24)


class ApicSipi(VMState, name="apic_sipi", version=1, minimum_version=1):
    sipi_vector: I32
    wait_for_sipi: I32


class Apic(VMState, name="apic", version=3, minimum_version=3):
    """hw/intc/apic_common.c: vmstate_apic_common."""

    apicbase: U32
    id: U8
    arb_id: U8
    tpr: U8
    spurious_vec: U32
    log_dest: U8
    dest_mode: U8
    isr: list[U32] = array(8)
    tmr: list[U32] = array(8)
    irr: list[U32] = array(8)
    lvt: list[U32] = array(6)
    esr: U32
    icr: list[U32] = array(2)
    divide_conf: U32
    count_shift: I32
    initial_count: U32
    initial_count_load_time: I64
    next_time: I64
    timer_expiry: I64
    sipi: ApicSipi | None = subsection()


class KeyboardState(VMState, name="pckbd/extended_state", version=0):
    migration_flags: U32
    obsrc: U32
    obdata: U8
    cbdata: U8


class Keyboard(VMState, name="pckbd", version=3, minimum_version=3):
    """hw/input/pckbd.c: vmstate_kbd."""

    write_cmd: U8
    status: U8
    mode: U8
    pending_tmp: U8
    extended: KeyboardState | None = subsection()


class IsaKeyboard(VMState, name="pckbd", version=3, minimum_version=3):
    """hw/input/pckbd.c: vmstate_kbd_isa, from 6.1 on."""

    kbd: Keyboard


class Ps2Common(VMState, name="PS2 Common State", version=3, minimum_version=2):
    """hw/input/ps2.c: vmstate_ps2_common."""

    write_cmd: I32
    rptr: I32 = field(name="queue.rptr")
    wptr: I32 = field(name="queue.wptr")
    count: I32 = field(name="queue.count")
    data: Buffer = buffer(256, name="queue.data")


class Ps2Keyboard(VMState, name="ps2kbd", version=3, minimum_version=2):
    """hw/input/ps2.c: vmstate_ps2_keyboard, from 7.1 on."""

    common: Ps2Common = field(name="parent_obj")
    scan_enabled: I32
    translate: I32
    scancode_set: I32 = since(3)


class OldPs2Keyboard(VMState, name="ps2kbd", version=3, minimum_version=2):
    """hw/input/ps2.c: vmstate_ps2_keyboard, up to 7.0."""

    common: Ps2Common
    scan_enabled: I32
    translate: I32
    scancode_set: I32 = since(3)


class FloppyRate(VMState, name="fdrive/media_rate", version=1, minimum_version=1):
    media_rate: U8


class FloppyDrive(VMState, name="fdrive", version=1, minimum_version=1):
    """hw/block/fdc.c: vmstate_fdrive."""

    head: U8
    track: U8
    sect: U8
    media_rate: FloppyRate | None = subsection()


class Floppy(VMState, name="fdc", version=2, minimum_version=2):
    """hw/block/fdc.c: vmstate_fdc."""

    sra: U8
    srb: U8
    dor_vmstate: U8
    tdr: U8
    dsr: U8
    msr: U8
    status0: U8
    status1: U8
    status2: U8
    fifo: list[U8] = array(512)
    data_pos: U32
    data_len: U32
    data_state: U8
    data_dir: U8
    eot: U8
    timer0: U8
    timer1: U8
    precomp_trk: U8
    config: U8
    lock: U8
    pwrd: U8
    num_floppies: U8Equal = field(default=2)
    drives: list[FloppyDrive] = array(2)


class IsaFloppy(VMState, name="fdc", version=2, minimum_version=2):
    """hw/block/fdc-isa.c: vmstate_isa_fdc."""

    state: Floppy


# --- PCI -----------------------------------------------------------------------------------------------------------


class PciDevice(VMState, name="PCIDevice", version=2, minimum_version=1):
    """hw/pci/pci.c: vmstate_pci_device."""

    version_id: I32AtMost = field(default=2)
    config: PciConfig = buffer(256, exists=lambda device, _: not device.express)
    express_config: PciConfig = buffer(4096, name="config", exists=lambda device, _: device.express)
    irq_state: PciIrqState
    express: bool = d.local(default=False)


class Piix3Rcr(VMState, name="PIIX3/rcr", version=1, minimum_version=1):
    rcr: U8


class Piix3(VMState, name="PIIX3", version=3, minimum_version=2):
    """hw/isa/piix.c: vmstate_piix3."""

    dev: PciDevice
    pci_irq_levels_vmstate: list[I32] = array(4, since=3)
    rcr: Piix3Rcr | None = subsection()


class PciBus(VMState, name="PCIBUS", version=1, minimum_version=1):
    """hw/pci/pci.c: vmstate_pcibus."""

    nirq: I32Equal = field(default=4)
    irq_count: list[I32] = array("nirq")


# --- serial ports ---------------------------------------------------------------------------------------------------


class SerialFifo(VMState, name="Fifo8", version=1, minimum_version=1):
    """util/fifo8.c: vmstate_fifo8."""

    data: Buffer = buffer(16)
    head: U32
    num: U32


class SerialRecvFifo(VMState, name="serial/recv_fifo", version=1, minimum_version=1):
    recv_fifo: SerialFifo


class SerialXmitFifo(VMState, name="serial/xmit_fifo", version=1, minimum_version=1):
    xmit_fifo: SerialFifo


class Serial(VMState, name="serial", version=3, minimum_version=2):
    """hw/char/serial.c: vmstate_serial."""

    divider: U16 = since(2)
    rbr: U8
    ier: U8
    iir: U8
    lcr: U8
    mcr: U8
    lsr: U8
    msr: U8
    scr: U8
    fcr_vmstate: U8 = since(3)
    recv_fifo: SerialRecvFifo | None = subsection()
    xmit_fifo: SerialXmitFifo | None = subsection()


class IsaSerial(VMState, name="serial", version=3, minimum_version=2):
    """hw/char/serial-isa.c: vmstate_isa_serial."""

    state: Serial


class MemorySerial(VMState, name="serial", version=3, minimum_version=2):
    """hw/char/serial-mm.c: vmstate_serial_mm."""

    serial: Serial


# --- the x86 processor ----------------------------------------------------------------------------------------------


class FpRegTmp(VMState, name="fpreg_tmp", version=0):
    """target/i386/machine.c: vmstate_fpreg_tmp."""

    parent: Any = d.local()
    tmp_mant: U64
    tmp_exp: U16

    def pre_save(self) -> None:
        self.tmp_mant, self.tmp_exp = self.parent.mantissa, self.parent.exponent

    def post_load(self, version: int) -> None:  # noqa: ARG002
        self.parent.mantissa, self.parent.exponent = self.tmp_mant, self.tmp_exp


class FpReg(VMState, name="fpreg", version=0):
    """target/i386/machine.c: vmstate_fpreg."""

    mantissa: int = d.local(0)
    exponent: int = d.local(0)
    _tmp: FpRegTmp = d.tmp()


class Segment(VMState, name="segment", version=1, minimum_version=1):
    selector: U32
    base: U64
    limit: U32
    flags: U32


class Mtrr(VMState, name="mtrr_var", version=1, minimum_version=1):
    base: U64
    mask: U64


class Xmm(VMState, name="xmm_reg", version=1, minimum_version=1):
    low: U64 = field(name="_q_ZMMReg[0]")
    high: U64 = field(name="_q_ZMMReg[1]")


class Ymmh(VMState, name="ymmh_reg", version=1, minimum_version=1):
    low: U64 = field(name="_q_ZMMReg[2]")
    high: U64 = field(name="_q_ZMMReg[3]")


class PollControl(VMState, name="cpu/poll_control_msr", version=1, minimum_version=1):
    poll_control_msr: U64 = field(name="env.poll_control_msr")


class MiscEnable(VMState, name="cpu/msr_ia32_misc_enable", version=1, minimum_version=1):
    msr_ia32_misc_enable: U64 = field(name="env.msr_ia32_misc_enable")


class SmiCount(VMState, name="cpu/msr_smi_count", version=1, minimum_version=1):
    msr_smi_count: U64 = field(name="env.msr_smi_count")


class X86Cpu(VMState, name="cpu", version=12, minimum_version=11):
    """target/i386/machine.c: vmstate_x86_cpu."""

    regs: list[U64] = array(16, name="env.regs")
    eip: U64 = field(name="env.eip")
    eflags: U64 = field(name="env.eflags")
    hflags: U32 = field(name="env.hflags")
    fpuc: U16 = field(name="env.fpuc")
    fpus_vmstate: U16 = field(name="env.fpus_vmstate")
    fptag_vmstate: U16 = field(name="env.fptag_vmstate")
    fpregs_format_vmstate: U16 = field(name="env.fpregs_format_vmstate")
    fpregs: list[FpReg] = array(8, name="env.fpregs")
    segs: list[Segment] = array(6, name="env.segs")
    ldt: Segment = field(name="env.ldt")
    tr: Segment = field(name="env.tr")
    gdt: Segment = field(name="env.gdt")
    idt: Segment = field(name="env.idt")
    sysenter_cs: U32 = field(name="env.sysenter_cs")
    sysenter_esp: U64 = field(name="env.sysenter_esp")
    sysenter_eip: U64 = field(name="env.sysenter_eip")
    cr0: U64 = field(name="env.cr[0]")
    cr2: U64 = field(name="env.cr[2]")
    cr3: U64 = field(name="env.cr[3]")
    cr4: U64 = field(name="env.cr[4]")
    dr: list[U64] = array(8, name="env.dr")
    a20_mask: I32 = field(name="env.a20_mask")
    mxcsr: U32 = field(name="env.mxcsr")
    xmm_regs: list[Xmm] = array(16, name="env.xmm_regs")
    efer: U64 = field(name="env.efer")
    star: U64 = field(name="env.star")
    lstar: U64 = field(name="env.lstar")
    cstar: U64 = field(name="env.cstar")
    fmask: U64 = field(name="env.fmask")
    kernelgsbase: U64 = field(name="env.kernelgsbase")
    smbase: U32 = field(name="env.smbase")
    pat: U64 = field(name="env.pat")
    hflags2: U32 = field(name="env.hflags2")
    vm_hsave: U64 = field(name="env.vm_hsave")
    vm_vmcb: U64 = field(name="env.vm_vmcb")
    tsc_offset: U64 = field(name="env.tsc_offset")
    intercept: U64 = field(name="env.intercept")
    intercept_cr_read: U16 = field(name="env.intercept_cr_read")
    intercept_cr_write: U16 = field(name="env.intercept_cr_write")
    intercept_dr_read: U16 = field(name="env.intercept_dr_read")
    intercept_dr_write: U16 = field(name="env.intercept_dr_write")
    intercept_exceptions: U32 = field(name="env.intercept_exceptions")
    v_tpr: U8 = field(name="env.v_tpr")
    mtrr_fixed: list[U64] = array(11, name="env.mtrr_fixed")
    mtrr_deftype: U64 = field(name="env.mtrr_deftype")
    mtrr_var: list[Mtrr] = array(8, name="env.mtrr_var")
    interrupt_injected: I32 = field(name="env.interrupt_injected")
    mp_state: U32 = field(name="env.mp_state")
    tsc: U64 = field(name="env.tsc")
    exception_nr: I32 = field(name="env.exception_nr")
    soft_interrupt: U8 = field(name="env.soft_interrupt")
    nmi_injected: U8 = field(name="env.nmi_injected")
    nmi_pending: U8 = field(name="env.nmi_pending")
    has_error_code: U8 = field(name="env.has_error_code")
    sipi_vector: U32 = field(name="env.sipi_vector")
    mcg_cap: U64 = field(name="env.mcg_cap")
    mcg_status: U64 = field(name="env.mcg_status")
    mcg_ctl: U64 = field(name="env.mcg_ctl")
    mce_banks: list[U64] = array(40, name="env.mce_banks")
    tsc_aux: U64 = field(name="env.tsc_aux")
    system_time_msr: U64 = field(name="env.system_time_msr")
    wall_clock_msr: U64 = field(name="env.wall_clock_msr")
    xcr0: U64 = since(12, name="env.xcr0")
    xstate_bv: U64 = since(12, name="env.xstate_bv")
    ymmh_regs: list[Ymmh] = array(16, name="env.xmm_regs", since=12)
    poll_control: PollControl | None = subsection()
    misc_enable: MiscEnable | None = subsection()
    smi_count: SmiCount | None = subsection()


# --- pointers, queues, bitmaps, versions fixed from outside ----------------------------------------------------------


class Crw(VMState, name="s390_crw", version=1, minimum_version=1):
    """hw/s390x/css.c: vmstate_crw."""

    flags: U16
    rsid: U16


class CrwContainer(VMState, name="s390_crw_container", version=1, minimum_version=1):
    crw: Crw


class ChannelPath(VMState, name="s390_chp_info", version=1, minimum_version=1):
    in_use: U8
    type: U8
    is_virtual: U8


class CssImage(VMState, name="s390_css_img", version=1, minimum_version=1):
    """hw/s390x/css.c: vmstate_css_img."""

    chpids: list[ChannelPath] = array(256)


class ChannelSubsystem(VMState, name="s390_css", version=1, minimum_version=1):
    """hw/s390x/css.c: vmstate_css."""

    pending_crws: list[CrwContainer] = d.qtailq()
    sei_pending: Bool
    do_crw_mchk: Bool
    crws_lost: Bool
    max_cssid: U8
    max_ssid: U8
    chnmon_active: Bool
    chnmon_area: U64
    css: list[CssImage | None] = d.pointers(256)
    default_cssid: U8

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        if "css" not in values:
            self.css[0xFE] = (
                CssImage.blank()
            )  # VIRTUAL_CSSID: what the machine has before anything is loaded


class OptionVector(VMState, name="spapr_option_vector", version=1, minimum_version=1):
    """hw/ppc/spapr_ovec.c: vmstate_spapr_ovec."""

    bitmap: d.Bitmap = d.bitmap(2048)


class CasVector(VMState, name="spapr_option_vector_ov5_cas", version=1, minimum_version=1):
    ov5_cas: OptionVector


class Timebase(VMState, name="timebase", version=1, minimum_version=1):
    guest_timebase: U64
    time_of_the_day_ns: I64


class HptMaxPageSize(VMState, name="spapr/cap/hpt_maxpagesize", version=1, minimum_version=1):
    value: U8 = field(name="mig.caps[0x06]")


class DeviceTree(VMState, name="spapr_dtb", version=1, minimum_version=1):
    fdt_initial_size: U32
    fdt_size: U32
    fdt_blob: Buffer = buffer("fdt_size")


class Spapr(VMState, name="spapr", version=3, minimum_version=1):
    """hw/ppc/spapr.c: vmstate_spapr."""

    _buid: Unused = unused(4, name="unused", exists=lambda _, version: version < 3)
    tb: Timebase = field(since=2)
    ov5_cas: CasVector | None = subsection()
    hpt_maxpagesize: HptMaxPageSize | None = subsection()
    dtb: DeviceTree | None = subsection()


class Kcs(VMState, name="ipmi-interface-kcs", version=2, minimum_version=1):
    """hw/ipmi/ipmi_kcs.c: vmstate_IPMIKCS."""

    obf_irq_set: Bool
    atn_irq_set: Bool
    _use_irq: Unused = unused(1, exists=lambda _, version: version <= 1)
    irqs_enabled: Bool
    outpos: U32
    outlen: U32 = since(2)
    outmsg: list[U8] = array(300)
    inlen: U32
    inmsg: list[U8] = array(300)
    write_end: Bool
    status_reg: U8
    data_out_reg: U8
    data_in_reg: I16
    cmd_reg: I16
    waiting_rsp: U8


class IsaKcs(VMState, name="ipmi-interface", version=2, minimum_version=1):
    """hw/ipmi/isa_ipmi_kcs.c: vmstate_ISAIPMIKCSDevice."""

    old_kcs: Kcs = d.vstruct(1, name="kcs", exists=lambda _, version: version < 2)
    kcs: Kcs = d.vstruct(2, since=2)


@dataclass(frozen=True)
class Declared:
    """A class and the releases, [first, last], that save the device so."""

    state: type[VMState]
    first: tuple[int, int] = (2, 3)
    last: tuple[int, int] = (99, 0)


DEVICES = [
    Declared(Timers),
    Declared(GlobalState, last=(8, 2)),
    Declared(SuspendedGlobalState, first=(9, 0)),
    Declared(CpuCommon),
    Declared(FwCfg),
    Declared(Pit),
    Declared(Pic),
    Declared(Rtc),
    Declared(Hpet, last=(9, 2)),
    Declared(SavedHpet, first=(10, 0)),
    Declared(Dma),
    Declared(IoApic),
    Declared(Apic),
    Declared(IsaKeyboard, first=(6, 1)),
    Declared(Ps2Keyboard, first=(7, 1)),
    Declared(OldPs2Keyboard, last=(7, 0)),
    Declared(IsaFloppy),
    Declared(Piix3),
    Declared(PciBus),
    Declared(IsaSerial),
    Declared(MemorySerial),
    Declared(X86Cpu),
    Declared(ChannelSubsystem),
    Declared(Spapr),
    Declared(IsaKcs),
]


def declared(vmsd_name: str, release: tuple[int, int]) -> list[type[VMState]]:
    """The classes that may describe a device: several where the name alone does not tell."""
    return [
        each.state
        for each in DEVICES
        if each.state.vmstate.name == vmsd_name and each.first <= release <= each.last
    ]
