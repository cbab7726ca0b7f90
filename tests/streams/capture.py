"""Make the streams of this folder again, with the distribution's QEMU.

    make streams                                                # all of them
    PYTHONPATH=tests .venv/bin/python tests/streams/capture.py pc q35       # or some

Each is what `qemu-system-*` wrote with ``migrate exec:cat``, packed with xz, and one row of ``index.json``. The guests
stand still before their first instruction, but for those marked live.
"""

from __future__ import annotations

import argparse
import json
import lzma
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migstream.errors import QemuError
from support.boot import bios, drawn, sector, typed
from support.qemu import COMMON, Qemu, find

HERE = Path(__file__).resolve().parent
X86 = "qemu-system-x86_64"

# A boot sector that adds one to every eighth byte from 64 KiB to 320 KiB, for ever:
#
#      0:  mov ax, 0x1000
#      3:  mov es, ax
#      5:  xor di, di
#      7:  inc byte [es:di]
#     10:  add di, 8
#     13:  cmp di, 0x1000
#     17:  jb 7
#     19:  add ax, 0x100
#     22:  cmp ax, 0x5000
#     25:  jb 3
#     27:  mov eax, cr4
#     30:  xor eax, 0x10
#     34:  mov cr4, eax
#     37:  jmp 0
#
# The change of CR4 empties QEMU's TLB. Without it the emulator, which notices a write only when an entry is filled, goes
# on without telling the migration, and there is nothing dirty in the second round.
# A difference of such a page is 1.5 KiB: large enough that the bandwidth below makes a round last.
DIRTY_CODE = (
    "b80010 8ec0 31ff 26fe05 83c708 81ff0010 72f4 050001 3d0050 72e8 0f20e0 6683f010 0f22e0 ebd9"
)
DIRTY = bytes.fromhex(DIRTY_CODE).ljust(510, b"\0") + b"\x55\xaa"
DISK = "dirty.img"
DIRTY_PC = f"-M pc -m 16 -drive file={DISK},format=raw,if=ide,snapshot=on"
ROUNDS = 4

# A screen with a word on it, and how it is told that it is there
TYPED = sector(bios(0x0003), typed("Grüße from the guest\r\n"))
VGA_PC = f"-M pc -m 16 -device VGA,vgamem_mb=1 -drive file={DISK},format=raw,if=floppy,snapshot=on"


@dataclass(frozen=True)
class Recipe:
    """One machine and what is to be done with it before its state is written."""

    name: str
    about: str
    arguments: str
    binary: str = X86
    capabilities: tuple[str, ...] = ()
    live: bool = False
    prepare: Callable[[Qemu], None] | None = None
    disk: bytes = DIRTY


def add_bitmaps(guest: Qemu) -> None:
    """Give the disk two bitmaps, one of them switched off."""
    for name, disabled in (("nightly", False), ("weekly", True)):
        guest.execute(
            "block-dirty-bitmap-add", {"node": "disk0", "name": name, "disabled": disabled}
        )
    # As long as it does not know how fast it is, it sends one empty section after another: 60 000 with no limit.
    guest.set_parameters(max_bandwidth=256 << 10)


RICH = (
    "-M q35 -m 32 -smp 2 -device virtio-net-pci -device e1000e -device qemu-xhci,id=usb"
    " -device usb-tablet,bus=usb.0 -device usb-kbd,bus=usb.0 -device virtio-rng-pci -serial null"
)

RECIPES = (
    Recipe("none", "no machine at all: the smallest stream there is", "-M none"),
    Recipe("pc", "the default PC, nothing added", "-M pc -m 16"),
    Recipe(
        "pc-2.3",
        "a machine of 2015: no configuration section, no footers",
        "-M pc-i440fx-2.3 -m 16",
    ),
    Recipe("pc-novmdesc", "without a description", "-M pc,suppress-vmdesc=on -m 16"),
    Recipe(
        "pc-xbzrle", "dirty rounds as differences", DIRTY_PC, capabilities=("xbzrle",), live=True
    ),
    Recipe("pc-compress", "pages compressed one by one", "-M pc -m 16", capabilities=("compress",)),
    Recipe(
        "pc-postcopy",
        "announces postcopy, then stays precopy",
        "-M pc -m 16",
        capabilities=("postcopy-ram",),
    ),
    Recipe(
        "pc-ignore-shared",
        "shared memory is listed with its address and not sent",
        "-M pc,memory-backend=ram0 -m 16 -object memory-backend-memfd,id=ram0,size=16M,share=on",
        capabilities=("x-ignore-shared",),
    ),
    Recipe(
        "pc-uuid",
        "the machine's UUID in the configuration",
        "-M pc -m 16 -uuid 00112233-4455-6677-8899-aabbccddeeff",
        capabilities=("validate-uuid",),
    ),
    Recipe(
        "pc-background",
        "a snapshot of a running guest: RAM has no END section",
        DIRTY_PC,
        capabilities=("background-snapshot",),
        live=True,
    ),
    Recipe(
        "pc-bitmaps",
        "dirty bitmaps of a disk",
        "-M pc -m 16 -blockdev driver=null-co,size=67108864,node-name=disk0 -device virtio-blk-pci,drive=disk0",
        capabilities=("dirty-bitmaps",),
        prepare=add_bitmaps,
    ),
    Recipe(
        "pc-vga", "a VGA in text mode", VGA_PC, prepare=drawn, disk=TYPED.ljust(1440 << 10, b"\0")
    ),
    Recipe("q35", "many devices, two CPUs", RICH),
    Recipe("isapc", "a PC without PCI", "-M isapc -m 16"),
    Recipe("microvm", "the small one", "-M microvm -m 16"),
    Recipe("arm-virt", "64-bit ARM", "-M virt -cpu cortex-a57 -m 16", "qemu-system-aarch64"),
    Recipe("arm-vexpress", "32-bit ARM", "-M vexpress-a9 -m 16", "qemu-system-arm"),
    Recipe("arm-musicpal", "an old ARM board: pages of 1 KiB", "-M musicpal", "qemu-system-arm"),
    Recipe(
        "pseries", "POWER: spapr/htab, very long arrays", "-M pseries -m 256", "qemu-system-ppc64"
    ),
    Recipe("riscv64-virt", "RISC-V", "-M virt -m 16", "qemu-system-riscv64"),
    Recipe(
        "s390x",
        "null pointers that the description leaves out",
        "-M s390-ccw-virtio -m 16",
        "qemu-system-s390x",
    ),
)


def capture(recipe: Recipe, path: Path) -> dict[str, Any]:
    """Write one stream to `path` and return its row of the index."""
    binary = next(found for found in find(recipe.binary) if found.root is None)
    arguments = recipe.arguments.split()
    with tempfile.TemporaryDirectory() as folder:
        if DISK in recipe.arguments:
            disk = Path(folder) / DISK
            disk.write_bytes(recipe.disk)
            arguments = [word.replace(DISK, str(disk)) for word in arguments]
        with Qemu(binary, arguments) as guest:
            if recipe.prepare:
                recipe.prepare(guest)
            if recipe.live:
                run_live(guest, recipe, path)
            else:
                guest.migrate(path, recipe.capabilities)
    return {
        "stream": f"{recipe.name}-7.2.mig",
        "about": recipe.about,
        "qemu": binary.version,
        "binary": recipe.binary,
        "arguments": " ".join([*COMMON, recipe.arguments]),
        "capabilities": list(recipe.capabilities),
        "live": recipe.live,
        "bytes": path.stat().st_size,
    }


def run_live(guest: Qemu, recipe: Recipe, path: Path) -> None:
    """Migrate while the guest dirties memory; let it converge after a few rounds."""
    guest.execute("cont")
    time.sleep(2)  # the firmware, then the boot sector
    if "background-snapshot" in recipe.capabilities:
        guest.migrate(path, recipe.capabilities)
        return
    # 512 KiB/s for 1 ms is less than a page: as long as one is dirty, there is another round.
    guest.set_parameters(max_bandwidth=512 << 10, downtime_limit=1)
    target = guest.start_migration(recipe.capabilities)
    while True:
        info: dict[str, Any] = guest.execute("query-migrate")
        if info["status"] in ("completed", "failed"):
            raise QemuError("the migration ended before the guest dirtied anything")
        if info.get("ram", {}).get("dirty-sync-count", 0) > ROUNDS:
            break
        time.sleep(0.01)
    guest.set_parameters(downtime_limit=10_000, max_bandwidth=1 << 30)
    guest.finish_migration()
    target.replace(path)


def main() -> None:
    """Capture the named streams, or all; rows of the others stay."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which (default: all)")
    wanted = set(parser.parse_args().names)
    if unknown := wanted - {recipe.name for recipe in RECIPES}:
        parser.error(f"no such recipe: {', '.join(sorted(unknown))}")

    index = HERE / "index.json"
    rows = {row["stream"]: row for row in json.loads(index.read_text())} if index.exists() else {}
    for recipe in RECIPES:
        if wanted and recipe.name not in wanted:
            continue
        with tempfile.TemporaryDirectory(dir=HERE) as folder:
            path = Path(folder) / "stream"
            try:
                row = capture(recipe, path)
            except (QemuError, StopIteration, subprocess.SubprocessError) as error:
                print(f"{recipe.name}: not made: {error!r}")
                continue
            packed = lzma.compress(path.read_bytes(), preset=9 | lzma.PRESET_EXTREME)
        (HERE / f"{row['stream']}.xz").write_bytes(packed)
        rows[row["stream"]] = row
        print(f"{row['stream']}: {row['bytes']} bytes, {len(packed)} packed")
    order = [f"{recipe.name}-7.2.mig" for recipe in RECIPES]
    kept = [rows[name] for name in order if name in rows]
    index.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
