"""Registers of CPUs by name: which table it is, and which register each element of an array."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

import migstream
from migstream.vmstate.layout import Layout, Node
from migstream.vmstate.meaning.cpus import family
from migstream.vmstate.meaning.sprs import names_of
from migstream.vmstate.meaning.symbols import SYMBOLS, names_of_bits
from migstream.vmstate.values import Value, root
from migstream.wire.model import Span

SCTLR, MIDR, TTBR0, ESR = (0x6030_0000_0013_0000 | low for low in (0xC080, 0xC000, 0xC100, 0xC290))


def cpu(fields: dict[str, tuple[str, int, list[int]]]) -> Value:
    """A CPU's section of arrays, or of single numbers: by name, the type, its size, and the values."""
    at, nodes, raw = 0, [], b""
    for name, (kind, size, held) in fields.items():
        count = len(held) if len(held) > 1 else None
        nodes.append(Node(name, kind, "leaf", at, size * len(held), count=count, stride=size))
        raw += b"".join(value.to_bytes(size, "big") for value in held)
        at = len(raw)
    data = memoryview(raw)
    layout = Layout("cpu", 22, len(raw), tuple(nodes))
    return root(layout, Span(0, len(raw)), "cpu[0]", lambda a, b: data[a:b])


def arm(ids: list[int], held: list[int], cpsr: int = 0x3C5) -> Value:
    return cpu(
        {
            "env.xregs": ("uint64", 8, [0] * 32),
            "cpsr": ("uint32", 4, [cpsr]),
            "env.banked_spsr": ("uint64", 8, [0, 0x6000_03C5, 0, 0, 0, 0, 0, 0]),
            "cpreg_vmstate_indexes": ("uint64", 8, ids),
            "cpreg_vmstate_values": ("uint64", 8, held),
        }
    )


def test_a_system_register_is_the_one_whose_id_stands_beside() -> None:
    value = arm(
        [SCTLR, MIDR, TTBR0, ESR, 1],
        [0x30D0_0805, 0x410F_D034, 5 << 48 | 0x4100_0001, 0x9600_0045, 7],
    )
    ids, held = value["cpreg_vmstate_indexes"], value["cpreg_vmstate_values"]
    assert (ids[0].symbol, ids[0].description) == ("SCTLR_EL1", "op0 3 op1 0 CRn 1 CRm 0 op2 0")
    assert ids[4].text == "1"
    assert held[0].symbol == "SCTLR_EL1 M C EOS TSCXT EIS SPAN nTLSMD LSMAOE"
    assert held[0].text == f"818939909 (0x30d00805) {held[0].symbol}"
    assert held[1].text == "1091555380 (0x410fd034) MIDR_EL1 (Arm Cortex-A53 r0p4)"
    assert held[2].symbol == "TTBR0_EL1 ID=0x5 CNP table at 0x41000000"
    assert held[3].symbol == "ESR_EL1 DATA_ABORT_SAME_EL IL WRITE"
    assert held[3].description == "translation fault, level 1"
    assert held[4].text == "7"
    bit = names_of_bits(held[0])
    assert bit is not None
    assert [bit(0), bit(1), bit(12)] == ["M", "A", "I"]


def test_the_same_array_has_other_names_in_the_other_state() -> None:
    wide, narrow = arm([0], [0]), arm([0], [0], cpsr=0x1D3)
    assert wide["env.banked_spsr"][1].symbol == "SPSR_EL1 EL1h F I A D C Z"
    assert narrow["env.banked_spsr"][1].symbol.startswith("SPSR_SVC")
    assert narrow["cpsr"].symbol == "svc F I A"


@given(
    st.lists(st.integers(0, (1 << 64) - 1), min_size=2, max_size=6),
    st.lists(st.integers(0, (1 << 64) - 1), min_size=2, max_size=6),
    st.integers(0, (1 << 32) - 1),
)
def test_whatever_the_ids_and_values_the_numbers_are_shown(
    ids: list[int], held: list[int], cpsr: int
) -> None:
    for value in arm(ids, held, cpsr).leaves():
        for one in value if value.count is not None else [value]:
            assert one.text.startswith(str(one.value))


@given(st.lists(st.integers(0, (1 << 64) - 1), min_size=2, max_size=400))
def test_special_purpose_registers_of_any_number_and_processor(held: list[int]) -> None:
    value = cpu({"env.nip": ("uint64", 8, [0]), "env.spr": ("uint64", 8, held)})
    for number, one in enumerate(value["env.spr"]):
        assert one.text.startswith(str(held[number]))


ARRAYS = ["cpreg_vmstate_values", "env.spr", "env.cregs", "env.mce_banks", "env.gpr", "env.regs"]
SIGNS = {
    "loongarch64": "env.CSR_CRMD", "mips": "env.active_tc", "sparc": "env.gregs", "m68k": "env.dregs",
    "i386": "env.eip", "ppc": "env.nip", "s390x": "env.psw.mask", "riscv": "env.mhartid",
}  # fmt: skip


@pytest.mark.parametrize("sign", SIGNS.values())
@given(st.sampled_from(ARRAYS), st.sampled_from([1, 2, 4, 8]), st.binary(min_size=16, max_size=64))
def test_fields_of_another_shape_are_numbers(sign: str, field: str, size: int, raw: bytes) -> None:
    held = [int.from_bytes(raw[n : n + size], "big") for n in range(0, len(raw) - size + 1, size)]
    for shape in (held, held[:1]):
        value = cpu({sign: ("uint64", 8, [0]), field: (f"uint{8 * size}", size, shape)})[field]
        for one in value if value.count is not None else [value]:
            assert one.text.startswith(str(one.value))


def test_each_architecture_has_its_own_table() -> None:
    assert {
        family({sign}): bool(SYMBOLS.find(f"cpu {family({sign})}")) for sign in SIGNS.values()
    } == dict.fromkeys(SIGNS, True)
    assert family({"env.xregs", "cpsr", "env.pc"}) == "arm"
    assert family({"something"}) is None
    beacon = cpu({"env.something": ("uint64", 8, [1])})
    assert beacon["env.something"].text == "1"


@pytest.mark.parametrize(
    ("sign", "field", "held", "symbol"),
    [
        ("env.CSR_CRMD", "env.CSR_ESTAT", 0x0002_0800, "IS=2048 ECODE=2"),
        ("env.active_tc", "env.CP0_Status", 0xF040_0006, "EXL ERL BEV CU0 CU1 CU2 CU3"),
        ("env.gregs", "psr", 0x0440_1FE5, "CWP=5 ET PS S PIL=15 EF Z VER=4"),
        ("env.dregs", "env.sr", 0x2700, "IPL=7 S"),
        ("env.mhartid", "env.mtvec", 0x8000_04F9, "VECTORED at 0x800004f8"),
        ("env.mhartid", "env.medeleg", 1 << 12 | 1 << 3, "BREAKPOINT INST_PAGE_FAULT"),
        ("env.psw.mask", "env.ckc", (1 << 64) - 1, ""),
        ("env.eip", "env.mcg_status", 5, "RIPV MCIP"),
    ],
)
def test_status_registers(sign: str, field: str, held: int, symbol: str) -> None:
    size = 8 if held >> 32 else 4
    kind = "int32" if field.startswith("env.CP0") else f"uint{8 * size}"
    value = cpu({sign: ("uint64", 8, [0]), field: (kind, size, [held])})
    assert value[field].symbol == symbol


@pytest.mark.parametrize(
    ("field", "held", "text"),
    [
        ("env.msr_hv_guest_os_id", 0x8100_0006_0C07_0000, "(Linux 6.12.7)"),
        ("env.msr_hv_guest_os_id", 0x0001_040A_0000_4A61, "(Windows NT 10.0 build 19041)"),
        ("env.msr_hv_stimer_config", 0x3_0009, "ENABLED AUTO_ENABLE SINT=3"),
        ("env.msr_hv_synic_sint", 0x2_0050, "VECTOR=80 AUTO_EOI"),
        ("env.msr_hv_reenlightenment_control", 0x1_00EE, "VECTOR=238 ENABLED"),
        ("env.msr_gp_evtsel", 0x43_003C, "EVENT=60 USR OS EN"),
        ("env.msr_global_ctrl", 0x7_0000_000F, "PMC0 PMC1 PMC2 PMC3 FIXED0 FIXED1 FIXED2"),
        (
            "env.pkru",
            0x5555_5554,
            "AD1 AD2 AD3 AD4 AD5 AD6 AD7 AD8 AD9 AD10 AD11 AD12 AD13 AD14 AD15",
        ),
        ("env.s_cet", 3, "SH_STK_EN WR_SHSTK_EN"),
        ("env.nested_state format", 0, "0 VMX"),
        ("env.nested_state flags", 0x101, "GUEST_MODE GIF_SET"),
        ("cpu/kvm_nested_state/vmx hdr.vmx.vmcs12_pa", (1 << 64) - 1, "(none)"),
    ],
)
def test_registers_of_subsections(field: str, held: int, text: str) -> None:
    *above, name = field.split(" ")
    size = 8
    nodes = Node(name, "uint64", "leaf", 0, size, stride=size)
    for one in reversed(["cpu/nested_state", *above]):
        nodes = Node(one, "struct", "struct", 0, size, stride=size, children=(nodes,))
    sign = Node("env.eip", "uint64", "leaf", size, size, stride=size)
    data = memoryview(held.to_bytes(size, "big") + bytes(size))
    layout = Layout("cpu", 12, 2 * size, (nodes, sign))
    value = next(root(layout, Span(0, 2 * size), "cpu[0]", lambda a, b: data[a:b]).leaves())
    assert value.text.endswith(text)
    assert int(value) == held


def test_no_number_is_two_registers() -> None:
    for pvr in (0x004E_1200, 0x004D_0200, 0x0008_0301, 0x8021_0030, 0x1302_0000):
        known = names_of(pvr)
        assert len({*known.values()}) == len(known)
        assert all(0 < number < 1024 for number in known)


@pytest.mark.parametrize(
    ("sample", "path", "text"),
    [
        ("arm-virt-7.2.mig", "cpu[0]/env.exception.syndrome", "0"),
        ("arm-vexpress-7.2.mig", "cpu[0]/env.banked_r13[1]", "0 R13_SVC"),
        ("arm-vexpress-7.2.mig", "arm_gic[0]/irq_state[29]/enabled", "0 PPI13(29)"),
        ("arm-vexpress-7.2.mig", "arm_gic[0]/current_pending[0]", "1023 (0x3ff) (none)"),
        ("arm-vexpress-7.2.mig", "arm_gic[0]/running_priority[0]", "256 (0x100) (none runs)"),
        ("pseries-7.2.mig", "cpu[0]/env.crf[7]", "0 CR7"),
        ("pseries-7.2.mig", "cpu[0]/env.spr[8]", "LR"),
        ("pseries-7.2.mig", "cpu[0]/env.spr[318]", "LPCR"),
        ("riscv64-virt-7.2.mig", "cpu[0]/env.gpr[2]", "SP"),
        ("riscv64-virt-7.2.mig", "cpu[0]/env.misa_mxl", "2 RV64"),
        ("s390x-7.2.mig", "cpu[0]/env.cregs[0]", "224 (0xe0) CR0 MEASUREMENT_ALERT INTERRUPT_KEY"),
        ("s390x-7.2.mig", "cpu[0]/env.aregs[15]", "AR15"),
        ("s390x-7.2.mig", "todclock[0]/data/present", "1 PRESENT"),
        ("s390x-7.2.mig", "todclock[0]/data/tod_low", " UTC)"),
        ("pc-7.2.mig", "cpu[0]/env.regs[4]", "0 RSP"),
        ("pc-7.2.mig", "cpu[0]/env.segs[1]/selector", "61440 (0xf000) CS"),
        ("pc-7.2.mig", "cpu[0]/env.mce_banks[5]", "0 MC1_STATUS"),
        ("pc-7.2.mig", "cpu[0]/env.xmm_regs[1][3]/_q_ZMMReg[2]", "0 YMM3[191:128]"),
    ],
)
def test_of_real_machines(sample: str, path: str, text: str, named_sample: object) -> None:
    found = named_sample(sample)  # type: ignore[operator]
    with migstream.open(found.path) as stream:
        assert text in stream[path].text


def test_every_system_register_of_a_real_machine_has_the_name_of_its_id(
    named_sample: object,
) -> None:
    found = named_sample("arm-virt-7.2.mig")  # type: ignore[operator]
    with migstream.open(found.path) as stream:
        ids, held = (stream[f"cpu[0]/cpreg_vmstate_{name}"] for name in ("indexes", "values"))
        names = [one.symbol for one in ids]
        assert all(names)
        assert len({*names}) == len(names)
        assert [one.symbol.split()[0] for one in held] == names


def test_without_meaning_numbers_are_alone(named_sample: object) -> None:
    found = named_sample("arm-virt-7.2.mig")  # type: ignore[operator]
    with migstream.open(found.path, meaning=False) as stream:
        assert stream["cpu[0]/cpreg_vmstate_values"][0].symbol == ""
        assert names_of_bits(stream["cpu[0]/cpreg_vmstate_values"][0]) is None


@pytest.mark.parametrize("present", [b"\1\0" + struct.pack(">Q", 1 << 63), b"\0"])
def test_a_clock_that_was_never_set_is_no_date(present: bytes) -> None:
    from support.meaning import expand

    parts = expand("buffer", present, section="todclock", described=False)
    assert [*parts] == (["present", "tod_high", "tod_low"] if present[0] else ["present"])
