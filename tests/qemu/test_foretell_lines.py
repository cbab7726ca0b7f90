"""Machines of which a forecast was once wrong, saved by every QEMU that is here and foretold to be loaded by the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from migstream.analysis.compat.foretell import foretell
from migstream.qemu.release import parse
from migstream.stream import open_stream
from support.foretold import types
from support.lacking import lacks
from support.qemu import BARE, Qemu, find, own

pytestmark = pytest.mark.qemu

CONSOLES = "".join(f" -device virtconsole,bus=b{n}.0" for n in (1, 2, 2))


@pytest.mark.parametrize(
    ("binary", "machine", "line"),
    [
        *(
            ("qemu-system-aarch64", "virt-2.6", f"-cpu {cpu}")
            for cpu in ("cortex-a57", "cortex-a72", "cortex-a53,pmu=on", "max")
        ),
        *(
            (
                f"qemu-system-{target}",
                machine,
                "".join(f" -device virtio-serial-{bus},id=b{n}" for n in (0, 1, 2))
                + "".join(f" -device virtio-net-{bus},mac=52:54:00:00:00:0{n}" for n in (1, 2))
                + f" -device virtio-scsi-{bus} -device virtio-scsi-{bus},num_queues=3,id=s"
                + " -device scsi-cd,bus=s.0"
                + CONSOLES,
            )
            for target, machine, bus in (
                ("aarch64", "virt-2.6", "device"),
                ("s390x", "s390-ccw-virtio-2.4", "ccw"),
                ("s390x", "s390-ccw-virtio-2.6", "ccw"),
            )
        ),
    ],
)
def test_what_it_wrote_it_takes(binary: str, machine: str, line: str, tmp_path: Path) -> None:
    own(binary)
    binaries = [one for one in find(binary) if machine in types(one)]
    if not binaries:
        lacks(f"no {binary} here has {machine}")
    for one in binaries:
        words = [*BARE, "-M", machine, "-m", "64", *line.split()]
        path = tmp_path / one.version
        with Qemu(one, words) as guest:
            guest.migrate(path)
        with open_stream(path) as stream:
            [found] = foretell(stream, parse(one.version)[:2], words)
            assert found.report.accepted, (one, [*found.report.problems])
