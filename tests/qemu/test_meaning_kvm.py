"""MSRs of a guest under KVM: what it put into them itself is what the stream says."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

import migstream
from support.lacking import lacks
from support.qemu import Qemu, own

pytestmark = pytest.mark.qemu

FIRMWARE = 1 << 16
START = 0xFFF0  # of a CPU after a reset
WRMSR, HALT, JUMP = b"\x0f\x30", b"\xf4\xeb\xfd", b"\xea\x00\x00\x00\xf0"
ECX, EAX, EDX = (bytes([0x66, 0xB8 + number]) for number in (1, 0, 2))
PATIENCE = 20.0
# Linux, arch/x86/include/uapi/asm/kvm_para.h; Intel SDM 4
MSRS = {
    0x4B56_4D01: 0x9001,
    0x4B56_4D00: 0x8000,
    0x4B56_4D03: 0xA001,
    0x4B56_4D02: 0xB001,
    0x4B56_4D04: 0xC001,
    0x200: 0x8000_0006,
    0x201: 0xFF_C000_0800,
    0x250: 0x0606_0606_0606_0606,
    0x268: 0x0505_0505_0606_0606,
    0x277: 0x0007_0106_0007_0406,
    0xC000_0080: 1,
}
SAID = {
    "env.system_time_msr": "ENABLED at 0x9000",
    "cpu/steal_time_msr/env.steal_time_msr": "ENABLED at 0xa000",
    "cpu/async_pf_msr/env.async_pf_en_msr": "ENABLED at 0xb000",
    "cpu/async_pv_eoi_msr/env.pv_eoi_en_msr": "ENABLED at 0xc000",
    "env.mtrr_var[0]/base": "WB at 0x80000000",
    "env.mtrr_fixed[0]": "FIX64K_00000 WB",
    "env.mtrr_fixed[3]": "FIX4K_C0000 WB WB WB WB WP WP WP WP",
    "env.pat": "WB WT UC- UC WB WC UC- UC",
    "env.efer": "SCE",
}


def firmware(registers: Mapping[int, int]) -> bytes:
    """Writes each register in real mode, and halts."""
    code = b"".join(
        ECX + struct.pack("<I", number) + EAX + struct.pack("<I", value & 0xFFFF_FFFF)
        + EDX + struct.pack("<I", value >> 32) + WRMSR
        for number, value in registers.items()
    )  # fmt: skip
    return (code + HALT).ljust(START, b"\xf4") + JUMP.ljust(FIRMWARE - START, b"\xf4")


def test_what_a_guest_wrote_into_its_msrs(tmp_path: Path) -> None:
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        lacks("/dev/kvm does not open")
    image, path = tmp_path / "firmware", tmp_path / "guest.mig"
    image.write_bytes(firmware(MSRS))
    features = "+kvmclock,+kvm-steal-time,+kvm-asyncpf,+kvm-pv-eoi"
    arguments = f"-M pc -m 16 -accel kvm -cpu qemu64,{features} -bios {image}".split()
    with Qemu(own("qemu-system-x86_64"), arguments) as guest:
        guest.execute("cont")
        end = time.monotonic() + PATIENCE
        while "HLT=1" not in guest.hmp("info registers") and time.monotonic() < end:
            time.sleep(0.05)
        guest.execute("stop")
        guest.migrate(path)
    with migstream.open(path) as stream:
        cpu = stream["cpu[0]"]
        assert {name: cpu[name].symbol for name in SAID} == SAID
        assert cpu["env.wall_clock_msr"].symbol in {"", "at 0x8000"}  # some KVMs forget it
        # QEMU fills what is above a host's addresses
        assert cpu["env.mtrr_var[0]/mask"].symbol.startswith("VALID at 0x")
        assert cpu["env.segs[1]/selector"].symbol == "CS"
