"""Builders of page tables and of the few CPU instructions that switch them on. Shares no code with the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass
class Cpu:
    """What the reader asks of a CPU."""

    arch: str
    values: Mapping[str, int]
    index: int = 0


@dataclass
class Tree:
    """A tree of tables at `base`. `steps` are (shift, bits) of each level, `link` the bits of an entry that leads on,
    one for all levels or one for each.

    `put` writes an entry as it is; missing tables above it are made. `place` makes an address into its part
    of an entry.
    """

    base: int
    steps: Sequence[tuple[int, int]]
    link: int | Sequence[int]
    width: int = 8
    page: int = 4096
    frame: int = 0  # how far an address is moved to the right in an entry
    top: int | None = None  # link bits of the first table's entries, if others
    order: Literal["little", "big"] = "little"
    mask: int = (1 << 52) - 1  # what is an address in an entry
    blank: int = 0  # an entry that nothing was put into
    data: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._new()

    def _new(self) -> int:
        at = self.base + len(self.data)
        self.data += self.blank.to_bytes(self.width, self.order) * (self.page // self.width)
        return at

    def entry(self, table: int, index: int) -> int:
        at = table - self.base + index * self.width
        return int.from_bytes(self.data[at : at + self.width], self.order)

    def write(self, table: int, index: int, value: int) -> None:
        at = table - self.base + index * self.width
        self.data[at : at + self.width] = value.to_bytes(self.width, self.order)

    def put(self, virtual: int, shift: int, value: int, link: int | None = None) -> None:
        """Write the entry of the level at `shift` that `virtual` goes through."""
        table = self.base
        for step, (low, bits) in enumerate(self.steps):
            index = virtual >> low & (1 << bits) - 1
            if low == shift:
                self.write(table, index, value)
                return
            if self.entry(table, index) == self.blank:
                own = self.link if isinstance(self.link, int) else self.link[step]
                mark = own if link is None else link
                if step == 0 and self.top is not None:
                    mark = self.top
                self.write(table, index, self._new() >> self.frame | mark)
            found = self.entry(table, index) & self.mask
            table = (found << self.frame & self.mask) & ~(self.page - 1)
        raise ValueError(shift)


# AArch64: load TTBR0_EL1, TTBR1_EL1, TCR_EL1 and SCTLR_EL1 from the four words behind the code, and stay there.
AARCH64_SWITCH_ON = bytes.fromhex(
    "41010010"  # adr  x1, values
    "220c40a9"  # ldp  x2, x3, [x1]
    "022018d5"  # msr  ttbr0_el1, x2
    "232018d5"  # msr  ttbr1_el1, x3
    "220c41a9"  # ldp  x2, x3, [x1, #16]
    "422018d5"  # msr  tcr_el1, x2
    "df3f03d5"  # isb
    "031018d5"  # msr  sctlr_el1, x3
    "df3f03d5"  # isb
    "00000014"  # b    .
)

# 32-bit Arm: load TTBR0, TTBR1, TTBCR, DACR and SCTLR from the five words behind the code, and stay there.
ARM_SWITCH_ON = bytes.fromhex(
    "20108fe2"  # adr  r1, values
    "7c0091e8"  # ldm  r1, {r2-r6}
    "504f02ee"  # mcr  p15, 0, r4, c2, c0, 2
    "102f02ee"  # mcr  p15, 0, r2, c2, c0, 0
    "303f02ee"  # mcr  p15, 0, r3, c2, c0, 1
    "105f03ee"  # mcr  p15, 0, r5, c3, c0, 0
    "6ff07ff5"  # isb
    "106f01ee"  # mcr  p15, 0, r6, c1, c0, 0
    "6ff07ff5"  # isb
    "feffffea"  # b    .
)

# What is written into which control and status register of LoongArch by `loongarch_switch_on`, from r12 on
CSRS = {
    "pgdl": 0x19,
    "pgdh": 0x1A,
    "pwcl": 0x1C,
    "pwch": 0x1D,
    "dmw0": 0x180,
    "dmw1": 0x181,
    "crmd": 0,
}


def loongarch_switch_on(values: Mapping[str, int]) -> bytes:
    """LoongArch: load these registers, CRMD last, from the words behind the code, and stay there."""
    count = len(values)
    code = [0x1800_0000 | (2 * count + 2) << 5 | 4]  # pcaddi  r4, values
    code += [0x28C0_0000 | 8 * n << 10 | 4 << 5 | 12 + n for n in range(count)]  # ld.d  r12, r4, 0
    code += [0x0400_0020 | CSRS[name] << 10 | 12 + n for n, name in enumerate(values)]  # csrwr
    code += [0x5000_0000]  # b  .
    raw = b"".join(word.to_bytes(4, "little") for word in code)
    return raw + b"".join(value.to_bytes(8, "little") for value in values.values())
