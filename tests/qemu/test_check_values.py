"""Values that `check` calls refused (MS546): every QEMU that has the device refuses them, and takes the stream without."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

import migstream
from migstream.analysis.check import check
from migstream.edit.change import Edit
from migstream.errors import QemuError
from support.lacking import lacks
from support.qemu import Binary, Qemu, find, load

pytestmark = pytest.mark.qemu

CODE = "MS546"
NOTHING = "driver=null-co,read-zeroes=on,size=1048576"
X86 = ("qemu-system-x86_64", "-m", "16")
ARM = ("qemu-system-arm",)
PC = (*X86, "-M", "pc", "-serial", "null", "-device")
Q35 = (*X86, "-M", "q35", "-device", "pcie-root-port,id=root,chassis=1")
STELLARIS = (*ARM, "-M", "lm3s6965evb", "-kernel", os.devnull)
POWER = ("qemu-system-ppc64",)
TRANSFER = "*ide[0]/bus[0].ifs[0]/ide_drive/pio_state/end_transfer_fn_idx"

Case = tuple[Sequence[str], dict[str, str]]
# A machine; what is set in its stream, the value that QEMU refuses first, those that it then looks at behind it.
REFUSED: tuple[Case, ...] = (
    ((*PC, "lsi53c895a"), {"*lsiscsi[0]/msg_len": "9"}),
    ((*PC, "mptsas1068"), {"*mptsas[0]/doorbell_idx": "1"}),
    ((*PC, "mptsas1068"), {"*mptsas[0]/reply_free_tail": "130"}),
    ((*PC, "mptsas1068"), {"*mptsas[0]/diagnostic_idx": "5"}),
    ((*PC, "piix3-usb-uhci"), {"*uhci[0]/num_ports_vmstate": "3"}),
    ((*PC, "pci-serial"), {"*pci-serial[0]/state/lsr": "0x20"}),
    ((*PC, "VGA"), {"*vga[0]/vga/is_vbe_vmstate": "0"}),
    ((*PC, "vmxnet3"), {"*vmxnet3[0]/rxq_num": "9"}),
    ((*PC, "vmxnet3"), {"*vmxnet3[0]/event_int_idx": "25"}),
    ((*PC, "vmware-svga"), {"*vmware_vga[0]/chip/new_depth": "24"}),
    ((*PC, "i82557b"), {"*eeprom[0]/size[1]": "16"}),
    ((*PC, "VGA"), {"serial[0]/state/lsr": "0x20"}),
    ((*PC, "VGA"), {"fdc[0]/state/num_floppies": "1"}),
    ((*PC, "VGA"), {"vmmouse[0]/queue_size": "512"}),
    ((*PC, "VGA"), {"hpet[0]/num_timers*": "33"}),
    ((*PC, "VGA"), {"hpet[0]/num_timers*": "4"}),
    ((*PC, "VGA"), {"cpu[0]/env.fpregs_format_vmstate": "1"}),
    ((*PC, "VGA"), {"PCIBUS[0]/nirq": "5"}),
    (Q35, {"*pcie-root-port[0]/*exp.aer_log/log_num": "9"}),
    (Q35, {"*ich9_ahci[0]/ahci/ports": "7"}),
    (Q35, {"*ich9_ahci[0]/ahci/dev[0]/port_regs.cmd": "0x8000"}),
    (Q35, {"*ich9_ahci[0]/ahci/dev[1]/port_regs.cmd": "0x4000"}),
    (Q35, {"*ich9_ahci[0]/ahci/dev[5]/busy_slot": "32"}),
    (Q35, {"*ich9_ahci[0]/ahci/dev[0]/ncq_tfs[7]/used": "true"}),
    (STELLARIS, {"cpu[0]/**/env.v7m.csselr[1]": "16"}),
    (STELLARIS, {"cpu[0]/**/env.pmsav7.rnr[M_REG_NS]": "8"}),
    (STELLARIS, {"pl022_ssp[0]/rx_fifo_head": "-1"}),
    (STELLARIS, {"ssi_sd[0]/mode": "10"}),
    (STELLARIS, {"ssi_sd[0]/arglen": "4", "ssi_sd[0]/mode": "1"}),
    (STELLARIS, {"ssd0323_oled[0]/cmd_len": "9"}),
    (STELLARIS, {"ssd0323_oled[0]/row_end": "80"}),
    (STELLARIS, {"ssd0323_oled[0]/col": "64"}),
    (STELLARIS, {"ssd0323_oled[0]/mode": "2"}),
    (STELLARIS, {"stellaris_enet[0]/next_packet": "31"}),
    (STELLARIS, {"stellaris_enet[0]/np": "32"}),
    (STELLARIS, {"stellaris_enet[0]/rx[30]/len": "2049"}),
    (STELLARIS, {"stellaris_enet[0]/rx_fifo_offset": "2045"}),
    ((*ARM, "-M", "mps2-an505"), {"tz-mpc[0]/blk_idx": "1"}),
    ((*ARM, "-M", "mps2-an505"), {"cpu[0]/cpu/m-security/env.sau.rnr": "8"}),
    ((*ARM, "-M", "mps2-an505"), {"cpu[0]/cpu/m-security/env.pmsav7.rnr[M_REG_S]": "16"}),
    ((*ARM, "-M", "collie"), {"scoop[0]/gpio_dir": "0x10000"}),
    ((*ARM, "-M", "spitz"), {"nand[0]/ioaddr_vmstate": "3137"}),
    ((*ARM, "-M", "spitz"), {"pxa2xx-mmci[0]/tx_start": "64"}),
    ((*ARM, "-M", "spitz"), {"pxa2xx-mmci[0]/resp_len": "10"}),
    ((*ARM, "-M", "spitz"), {"pxa2xx-ssp[0]/rx_start": "64"}),
    ((*POWER, "-M", "mac99"), {"openpic[0]/nb_cpus": "2"}),
    ((*POWER, "-M", "pseries", "-m", "256"), {"ics[0]/nr_irqs": "4095"}),
    ((*POWER, "-M", "pseries", "-m", "256"), {"spapr-xive[0]/nr_irqs": "4095"}),
)
# Values that older releases take: warnings.
NEWER: tuple[Case, ...] = (
    (STELLARIS, {"pl011[0]/read_pos": "16"}),
    (STELLARIS, {"pl011[0]/read_count": "17"}),
    ((*PC, "sb16,audiodev=a", "-audiodev", "none,id=a"), {"sb16[0]/in_index": "11"}),
    ((*PC, "sb16,audiodev=a", "-audiodev", "none,id=a"), {"sb16[0]/out_data_len": "-1"}),
)

Saved = Callable[[Binary, Sequence[str]], Path | None]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """The stream of a machine, once each; None where this QEMU has no such machine or device."""
    kept: dict[tuple[str, ...], Path | None] = {}

    def save(binary: Binary, arguments: Sequence[str]) -> Path | None:
        key = (str(binary), *arguments)
        if key not in kept:
            kept[key] = None
            path = tmp_path_factory.mktemp("saved") / "good.mig"
            with suppress(QemuError), Qemu(binary, arguments) as guest:
                guest.migrate(path)
                kept[key] = path
        return kept[key]

    return save


def without_card(edit: Edit) -> None:
    """QEMU loads no card of an SPI controller (sd_vmstate_pre_load): take it out, nothing here is about it."""
    if any(device.name == "sd-card" for device in edit.stream.devices):
        edit.drop("sd-card[0]")


def written(source: Path, values: dict[str, str], target: Path) -> Path:
    with migstream.open(source) as stream, target.open("wb") as file:
        edit = Edit(stream)
        without_card(edit)
        for path, value in values.items():
            edit.set(path, value)
        edit.write(file)
    return target


def found(path: Path) -> Iterator[tuple[str, str]]:
    with migstream.open(path) as stream:
        for finding in check(stream, chosen=[CODE]).findings:
            yield finding.severity, finding.path


def name(case: Case) -> str:
    return "-".join(f"{path}={value}" for path, value in case[1].items())


def streams(saved: Saved, machine: Sequence[str]) -> Iterator[tuple[Binary, Sequence[str], Path]]:
    """Each QEMU that has the machine, its arguments, its stream."""
    have = False
    for binary in find(machine[0]):
        path = saved(binary, machine[1:])
        if path is not None:
            have = True
            yield binary, machine[1:], path
    if not have:
        lacks("no QEMU here has this machine")


@pytest.mark.parametrize("case", REFUSED, ids=name)
def test_every_qemu_refuses_what_is_an_error(saved: Saved, tmp_path: Path, case: Case) -> None:
    machine, values = case
    for binary, arguments, path in streams(saved, machine):
        good = written(path, {}, tmp_path / "good.mig")
        assert list(found(good)) == []
        assert load(binary, arguments, good).accepted, binary
        bad = written(path, values, tmp_path / "bad.mig")
        assert {severity for severity, _ in found(bad)} == {"error"}, binary
        with migstream.open(bad) as stream:
            [value] = stream.find(next(iter(values)))
            assert value.path in [where for _, where in found(bad)], binary
        assert not load(binary, arguments, bad).accepted, binary


@pytest.mark.parametrize("case", NEWER, ids=name)
def test_newer_qemus_refuse_what_is_a_warning(saved: Saved, tmp_path: Path, case: Case) -> None:
    machine, values = case
    for binary, arguments, path in streams(saved, machine):
        bad = written(path, values, tmp_path / "bad.mig")
        assert [severity for severity, _ in found(bad)] == ["warning"], binary
        refuses = int(binary.version.partition(".")[0]) >= 10
        assert load(binary, arguments, bad).accepted is not refuses, binary


def test_a_transmitter_that_tries_again_is_not_empty(tmp_path: Path, qemu: Binary) -> None:
    """A byte that the host does not take: `tsr_retry` counts, and LSR.TEMT is 0."""
    if qemu.root is not None:
        lacks("a pipe outside of its root")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    full = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        with suppress(BlockingIOError):
            while os.write(full, bytes(4096)):
                pass
        serial = ["-M", "pc", "-m", "16", "-chardev", f"pipe,id=c,path={pipe}", "-serial"]
        with Qemu(qemu, [*serial, "chardev:c"]) as guest:
            guest.hmp("o /b 0x3f8 0x41")
            guest.migrate(tmp_path / "saved.mig")
    finally:
        os.close(full)
    good = written(tmp_path / "saved.mig", {}, tmp_path / "good.mig")
    arguments = [*serial[:4], "-serial", "null"]
    assert list(found(good)) == []
    assert load(qemu, arguments, good).accepted
    bad = written(good, {"serial[0]/state/lsr": "0x60"}, tmp_path / "bad.mig")
    assert list(found(bad)) == [("error", "serial[0]/state/lsr")]
    assert not load(qemu, arguments, bad).accepted


def test_a_drive_in_a_transfer(tmp_path: Path, qemu: Binary) -> None:
    """IDENTIFY DEVICE, whose data nobody reads: the drive has `pio_state`."""
    disk = ["-blockdev", f"{NOTHING},node-name=d", "-device", "ide-hd,drive=d,bus=ide.0"]
    arguments = ["-M", "pc", "-m", "16", *disk]
    with Qemu(qemu, arguments) as guest:
        guest.hmp("o /b 0x1f6 0xa0")
        guest.hmp("o /b 0x1f7 0xec")
        guest.migrate(tmp_path / "saved.mig")
    good = written(tmp_path / "saved.mig", {}, tmp_path / "good.mig")
    assert list(found(good)) == []
    assert load(qemu, arguments, good).accepted
    bad = written(good, {TRANSFER: "6"}, tmp_path / "bad.mig")
    assert [severity for severity, _ in found(bad)] == ["error"]
    assert not load(qemu, arguments, bad).accepted
