"""Arm's system registers: what an id says, and what the register is called."""

from __future__ import annotations

import pytest

from migstream.vmstate.meaning.cpregs import encoding, name_of, own_id

SCTLR_64, TTBR0_WIDE = 0x603000000013C080, 0x40300000200F0100


@pytest.mark.parametrize(
    ("register", "said"),
    [
        (SCTLR_64, "op0 3 op1 0 CRn 1 CRm 0 op2 0"),
        (0x40200000200F0800, "cp 15 CRn 1 CRm 0 opc1 0 opc2 0"),
    ],
)
def test_the_words_of_the_architecture(register: int, said: str) -> None:
    assert str(encoding(register)) == said


@pytest.mark.parametrize("register", [SCTLR_64, 0x40200000200F0800, TTBR0_WIDE])
def test_qemus_own_id_means_the_same_register(register: int) -> None:
    assert encoding(own_id(register)) == encoding(register)


def test_a_register_of_64_bits_of_aarch32_is_another_than_one_of_32() -> None:
    wide = encoding(TTBR0_WIDE)
    assert wide is not None
    assert wide.wide
    assert wide != encoding(TTBR0_WIDE & ~(0xFF << 48) | 0x20 << 48)
    assert name_of(TTBR0_WIDE) == "p15_0_c2"


@pytest.mark.parametrize("register", [0x6030000000100000, 0x2030000000130000, 0])
def test_what_is_not_a_system_register_has_no_name(register: int) -> None:
    assert name_of(register) is None
