"""The guest: what the machine runs, and the assembler that makes it.

It picks a page, adds its words up, writes the sum back, and goes on; at every tick of the timer a
line with the tick's number and the sum of all sums goes to the UART. So each line depends on all
memory, every device and every instruction before it.
"""

from __future__ import annotations

import random
import re

from machine.cpu import OPCODES, RESET

__all__ = ["assemble", "boot_image"]

PERIOD = 20_000  # instructions from line to line

# r0 stays 0. At reset r1 is the number of lines, r2 the size of memory - 1, r3 whether to use the FIFO.
SOURCE = f"""
            jz   r0 main
interrupt:  sw   r1 r0 ram+0        # what the handler uses is kept in memory
            sw   r2 r0 ram+4
            sw   r3 r0 ram+8
            sw   r4 r0 ram+12
            out  r0 timer+1         # acknowledge
            lw   r1 r0 ticks
            inc  r1 r1 1
            sw   r1 r0 ticks
            call r4 hex             # the number of the tick
            li   r1 32
            call r3 put
            lw   r1 r0 sum
            call r4 hex             # what was summed up
            li   r1 10
            call r3 put
            lw   r1 r0 ticks
            lw   r2 r0 lines
            xor  r1 r1 r2
            jz   r1 end
            lw   r1 r0 ram+0
            lw   r2 r0 ram+4
            lw   r3 r0 ram+8
            lw   r4 r0 ram+12
            iret

end:        in   r1 uart+3          # the last bytes are still on their way
            jz   r1 end
            halt

put:        in   r2 uart+1          # r1 to the UART; back to r3
            jz   r2 put
            out  r1 uart+0
            ret  r3

hex:        sw   r1 r0 ram+16       # r1 as eight digits; back to r4
            li   r1 8
            sw   r1 r0 ram+20
digit:      lw   r1 r0 ram+16
            shr  r2 r1 28
            li   r3 16
            mul  r1 r1 r3
            sw   r1 r0 ram+16
            li   r1 48              # "0"
            add  r1 r1 r2
            inc  r2 r2 6            # 10 to 15 become 16 to 21
            shr  r2 r2 4
            li   r3 39              # from ":" to "a"
            mul  r2 r2 r3
            add  r1 r1 r2
            call r3 put
            lw   r1 r0 ram+20
            inc  r1 r1 -1
            sw   r1 r0 ram+20
            jnz  r1 digit
            ret  r4

main:       sw   r1 r0 lines
            jz   r3 plain
            out  r3 uart+2          # turn the FIFO on
plain:      li   r1 {PERIOD}
            out  r1 timer+0
            ei
            li   r7 1               # the number that chooses the page
again:      li   r1 {1664525 & 0xFFFF}
            hi   r1 {1664525 >> 16}
            mul  r7 r7 r1
            li   r1 {1013904223 & 0xFFFF}
            hi   r1 {1013904223 >> 16}
            add  r7 r7 r1
            shr  r3 r7 8            # its low bits repeat soon
            and  r3 r3 r2
            shr  r3 r3 12           # the page
            li   r1 4096
            mul  r3 r3 r1
            li   r5 2048            # behind the program, which is in the first page
            add  r5 r5 r3
            li   r4 400
            lw   r6 r0 sum
word:       lw   r1 r5 0
            add  r6 r6 r1
            inc  r5 r5 4
            inc  r4 r4 -1
            jnz  r4 word
            sw   r6 r5 0
            sw   r6 r0 sum
            jz   r0 again
"""
# Ports, and addresses below the program.
NAMES = {"uart": 0x10, "timer": 0x20, "ram": 0, "ticks": 0x20, "lines": 0x24, "sum": 0x28}


def assemble(source: str, origin: int) -> bytes:
    """One instruction a line: label, mnemonic, operands, comment; from address `origin` on."""
    lines = [re.sub("#.*", "", line).strip() for line in source.splitlines()]
    names = dict(NAMES)
    at = origin
    for line in filter(None, lines):
        if ":" in line:
            names[line.partition(":")[0]] = at
        at += 4
    code = bytearray()
    for line in filter(None, lines):
        mnemonic, *words = line.rpartition(":")[2].split()
        opcode, kinds = OPCODES[mnemonic]
        code.append(opcode)
        for kind, word in zip(kinds.split(), words, strict=True):
            code += _operand(kind, word, names)
        code += bytes(-len(code) % 4)
    return bytes(code)


def _operand(kind: str, word: str, names: dict[str, int]) -> bytes:
    if kind in {"a", "b", "c"}:
        return bytes((int(word.removeprefix("r")),))
    terms = (names[term] if term in names else int(term) for term in word.split("+"))
    size = {"n": 1, "imm": 2}[kind]
    return (sum(terms) & (1 << 8 * size) - 1).to_bytes(size, "little")


def boot_image(size: int) -> bytes:
    """Memory at reset: the program, data to work on in the first half, zeros in the other."""
    head = bytes(RESET) + assemble(SOURCE, RESET)
    data = random.Random(1).randbytes(size // 2 - len(head))  # noqa: S311 - filler, no secret
    return head + data + bytes(size // 2)
