"""Registers of s390x as `info registers` has them (target/s390x/cpu-dump.c: s390_cpu_dump_state)."""

from __future__ import annotations

from collections.abc import Mapping

from migstream.render.registers.lines import fill, rows

__all__ = ["lines"]

TEMPLATES = (
    "PSW=mask {psw.mask} addr {psw.addr}",
    *rows((f"R{n:02}={{r{n}}}" for n in range(16)), 4),
    *rows((f"V{n:02}={{v{n}:32}}" for n in range(32)), 2),
    *rows((f"C{n:02}={{c{n}}}" for n in range(16)), 4),
)


def lines(values: Mapping[str, int], arch: str) -> list[str]:  # noqa: ARG001
    """Those of which all registers are known; the condition code is in no stream."""
    return fill(TEMPLATES, values, 16)
