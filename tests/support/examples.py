"""The folder that the examples of help are run in: files of the names that they use, of real streams."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from support.samples import Sample
from support.transcript import MADE, Shell

__all__ = ["fill"]

NAMED = {
    "guest.mig": "pc-7.2.mig",
    "good.mig": "pc-7.2.mig",
    "live.mig": "pc-xbzrle-7.2.mig",
    "virtio.mig": "q35-7.2.mig",
    "vga.mig": "pc-vga-7.2.mig",
}
# What is made of these with the command itself.
COMMANDS = (
    "migstream set good.mig 'cpu[0]/env.regs[1]=0x4000ff1d4340' -o bad.mig",
    "migstream digest good.mig -o good.digest",
    "migstream decode guest.mig --full -o decoded",
    "xz -k guest.mig",
    "migstream fleet scan good.mig libvirt.log --to 11.1 -o fleet",
    "(head -c 65536 /dev/zero; cat guest.mig; head -c 512 /dev/zero) > disk.img",
)
LOG = """\
2026-01-15T22:06:36.6Z qemu-system-x86_64: Missing section footer for 0000:00:01.3/piix4_pm
2026-01-15T22:06:36.7Z qemu-system-x86_64: load of migration failed: Invalid argument
"""
DEVICE = (
    '{"vmschkmachine": {"Name": "pc-1.0"}, "toy": {"Name": "toy", "version_id": %(version)d, "minimum_version_id": 1,'
    ' "Description": {"name": "toy", "version_id": %(version)d, "minimum_version_id": 1, "Fields": [%(field)s]}}}'
)
FIELD = '{"field": "level", "version_id": 0, "field_exists": false, "size": 4}'


def fill(folder: Path, named_sample: Callable[[str], Sample]) -> Shell:
    """Put all of them into `folder`; a shell there."""
    for name, sample in NAMED.items():
        shutil.copy(named_sample(sample).path, folder / name)
    for name in ("guest.save", "disk.qcow2"):
        (folder / name).write_bytes(MADE[name]())
    (folder / "libvirt.log").write_text(LOG)
    (folder / "old.json").write_text(DEVICE % {"version": 2, "field": FIELD})
    (folder / "new.json").write_text(DEVICE % {"version": 1, "field": FIELD})
    shell = Shell(folder)
    for line in COMMANDS:
        ran = shell.run(line)
        assert ran.status == 0, (line, ran)
    return shell
