"""MS546 without a QEMU: the kinds of what is allowed, and the table itself."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest

import migstream
from migstream.analysis.check import check
from migstream.analysis.findings import Finding
from migstream.analysis.rules.limits import LIMITS
from migstream.edit.change import Edit
from support.samples import Sample

Named = Callable[[str], Sample]
Q35 = "q35-7.2.mig"
VEXPRESS = "arm-vexpress-7.2.mig"
AHCI = "*ich9_ahci[0]/ahci"


def found(sample: Sample, values: dict[str, str]) -> list[Finding]:
    with migstream.open(sample.read()) as stream:
        edit = Edit(stream)
        for path, value in values.items():
            edit.set(path, value)
        data = io.BytesIO()
        edit.write(data)
    with migstream.open(data.getvalue()) as stream:
        return list(check(stream, chosen=["MS546"]).findings)


@pytest.mark.parametrize(
    ("values", "expected", "shown"),
    [
        ({f"{AHCI}/ports": "7"}, "6, the elements of dev", "7"),
        ({f"{AHCI}/dev[2]/busy_slot": "-2"}, "-1 to 31", "-2"),
        ({f"{AHCI}/dev[1]/port_regs.cmd": "0x8010"}, "0x0 in the bits of 0x8000", "0x8010 FRE CR"),
        ({f"{AHCI}/dev[1]/ncq_tfs[31]/used": "true"}, "0, as halt", "1"),
        ({"vmmouse[0]/queue_size": "1"}, "1024", "1"),
        ({"hpet[0]/num_timers": "40"}, "3 to 32", "40"),
    ],
)
def test_a_value_that_is_refused(
    named_sample: Named, values: dict[str, str], expected: str, shown: str
) -> None:
    first = found(named_sample(Q35), values)[0]
    assert (first.severity, first.expected, first.found) == ("error", expected, shown)
    assert first.section.partition("[")[0].endswith(next(iter(values)).partition("[")[0].strip("*"))


@pytest.mark.parametrize("command", ["0x8001", "0x4010", "0xc011"])
def test_a_condition_that_does_not_hold(named_sample: Named, command: str) -> None:
    """An engine that is started may run."""
    assert not found(named_sample(Q35), {f"{AHCI}/dev[1]/port_regs.cmd": command})


def test_what_only_newer_releases_refuse_is_a_warning(named_sample: Named) -> None:
    [one] = found(named_sample(VEXPRESS), {"pl011[0]/read_count": "17"})
    assert one.severity == "warning"
    assert "since 10.0" in one.message


def test_every_entry_says_where_qemu_looks() -> None:
    assert len(set(LIMITS)) == len(LIMITS)
    for limit in LIMITS:
        assert re.fullmatch(r"(hw|target)/[\w/.-]+\.c: \w+", limit.source)
        assert limit.device
        assert limit.fields
