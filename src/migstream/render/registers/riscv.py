"""Registers of RISC-V as `info registers` has them (target/riscv/cpu.c: riscv_cpu_dump_state)."""

from __future__ import annotations

from collections.abc import Mapping

from migstream.render.registers.lines import fill, rows

__all__ = ["lines"]

# Names that the calling convention gives to x0 and so on, f0 and so on
GENERAL = "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"
FLOAT = (
    "ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10"
    " fs11 ft8 ft9 ft10 ft11"
)
# Control and status registers, and the extension that a hart must have for them: s supervisor, h hypervisor
CONTROL = {
    "mhartid": "",
    "mstatus": "",
    "mstatush": "",
    "hstatus": "h",
    "vsstatus": "h",
    "mip": "",
    "mie": "",
    "mideleg": "s",
    "hideleg": "h",
    "medeleg": "s",
    "hedeleg": "h",
    "mtvec": "",
    "stvec": "s",
    "vstvec": "h",
    "mepc": "",
    "sepc": "s",
    "vsepc": "h",
    "mcause": "",
    "scause": "s",
    "vscause": "h",
    "mtval": "",
    "stval": "s",
    "htval": "h",
    "mtval2": "h",
    "mscratch": "",
    "sscratch": "s",
    "satp": "s",
}
DIGITS = {"riscv32": 8, "riscv64": 16}


def lines(values: Mapping[str, int], arch: str) -> list[str]:
    """Without what the hart does not have, and what is not in a stream: of fcsr the flags."""
    virt = (" V      =   {virt:1}",) if _has(values, "h") else ()
    general = (f"{f'x{n}/{name}':8} {{x{n}}}" for n, name in enumerate(GENERAL.split()))
    float_ = (f"{f'f{n}/{name}':8} {{f{n}:16}}" for n, name in enumerate(FLOAT.split()))
    templates = (
        *virt,
        " pc       {pc}",
        *(f" {name:8} {{{name}}}" for name, needed in CONTROL.items() if _has(values, needed)),
        *rows(general, 4, " "),
        *rows(float_, 4, " "),
    )
    return fill(templates, values, DIGITS[arch])


def _has(values: Mapping[str, int], extension: str) -> bool:
    """Whether misa names the extension; "" is there always."""
    return not extension or bool(values.get("misa", 0) >> ord(extension) - ord("a") & 1)
