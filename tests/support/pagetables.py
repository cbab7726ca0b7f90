"""Builders of page tables and of the few CPU instructions that switch them on. Shares no code with the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class Cpu:
    """What the reader asks of a CPU."""

    arch: str
    values: Mapping[str, int]
    index: int = 0


@dataclass
class Tree:
    """A tree of tables at `base`. `steps` are (shift, bits) of each level, `link` the bits of an entry that leads on.

    `put` writes an entry as it is; missing tables above it are made. `place` makes an address into its part
    of an entry.
    """

    base: int
    steps: Sequence[tuple[int, int]]
    link: int
    width: int = 8
    page: int = 4096
    frame: int = 0  # how far an address is moved to the right in an entry
    top: int | None = None  # link bits of the first table's entries, if others
    data: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._new()

    def _new(self) -> int:
        at = self.base + len(self.data)
        self.data += bytes(self.page)
        return at

    def entry(self, table: int, index: int) -> int:
        at = table - self.base + index * self.width
        return int.from_bytes(self.data[at : at + self.width], "little")

    def write(self, table: int, index: int, value: int) -> None:
        at = table - self.base + index * self.width
        self.data[at : at + self.width] = value.to_bytes(self.width, "little")

    def put(self, virtual: int, shift: int, value: int, link: int | None = None) -> None:
        """Write the entry of the level at `shift` that `virtual` goes through."""
        table = self.base
        for step, (low, bits) in enumerate(self.steps):
            index = virtual >> low & (1 << bits) - 1
            if low == shift:
                self.write(table, index, value)
                return
            if not self.entry(table, index):
                mark = self.link if link is None else link
                if step == 0 and self.top is not None:
                    mark = self.top
                self.write(table, index, self._new() >> self.frame | mark)
            found = self.entry(table, index) & ((1 << 52) - 1) << 0
            table = (found << self.frame & (1 << 52) - 1) & ~(self.page - 1)
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
