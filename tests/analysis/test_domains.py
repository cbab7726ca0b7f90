"""A libvirt domain's XML, read as the arguments of its QEMU."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from migstream.analysis.compat.foretell import foretell
from migstream.catalogue.arguments import Part, Wanted, parse_arguments
from migstream.catalogue.compose import compose
from migstream.catalogue.libvirt.controllers import READERS as CONTROLLERS
from migstream.catalogue.libvirt.devices import READERS
from migstream.catalogue.libvirt.read import describe
from migstream.catalogue.shelf import find
from migstream.cli.group import cli
from migstream.errors import Unsupported
from migstream.source.libvirt import image_head
from migstream.stream import open_stream
from support.domains import domain

PCI = "<address type='pci' bus='{}' slot='{}' function='0'/>"


def _parts(devices: str, machine: str = "pc-q35-7.2") -> list[Part]:
    return parse_arguments(describe(domain(machine, devices)).arguments).parts


def _wanted(**more: str) -> Wanted:
    return parse_arguments(describe(domain("pc-i440fx-7.2", **more)).arguments)


def test_the_machine_and_what_it_has() -> None:
    wanted = _wanted(
        features="<acpi/><vmport state='off'/><ioapic driver='qemu'/>",
        memory="<maxMemory slots='4' unit='GiB'>4</maxMemory><memory unit='MiB'>192</memory>",
        vcpu="<vcpu current='2'>4</vcpu>",
        devices="<memory model='dimm'><target><size unit='MiB'>128</size></target></memory>",
        more="<clock><timer name='hpet' present='no'/></clock>",
    )
    assert (wanted.machine, wanted.accelerator, wanted.irqchip) == ("pc-i440fx-7.2", "tcg", "split")
    assert wanted.options == {"vmport": "off", "hpet": "off"}
    assert (wanted.memory, wanted.slots) == (64 << 20, 4)
    assert (wanted.cpus, wanted.max_cpus) == (2, 4)
    assert wanted.backends["memdimm0"].size == 128 << 20
    assert not wanted.defaults
    assert not wanted.strange


def test_devices_are_where_libvirt_puts_them() -> None:
    ports = "<controller type='pci' index='0' model='pcie-root'/><controller type='pci' index='1' model='pcie-root-port'>"
    ports += "<target chassis='1' port='0x10'/>" + PCI.format(0, 2) + "</controller>"
    card = "<interface type='network'><mac address='52:54:00:12:34:56'/><model type='virtio'/>"
    card += "<driver queues='4'/>" + PCI.format(1, 0) + "</interface>"
    port, nic = _parts(card + ports)
    assert port == Part(
        "pcie-root-port",
        {"id": "pci.1", "bus": "pcie.0", "addr": "0x2", "chassis": "1", "port": "16"},
    )
    assert nic.driver == "virtio-net-pci"
    assert nic.properties["bus"] == "pci.1"
    assert (nic.properties["mq"], nic.properties["vectors"]) == ("on", "10")
    made = compose(
        find((7, 2), "x86_64"),
        parse_arguments(describe(domain("pc-q35-7.2", card + ports)).arguments),
    )
    with open_stream(made.stream) as stream:
        assert any(one.name == "0000:00:02.0:00.0/virtio-net" for one in stream.devices)


def test_the_usb_controller_that_libvirt_leaves_out() -> None:
    assert [one.driver for one in _parts("", "pc-i440fx-7.2")] == ["piix3-usb-uhci"]
    assert not _parts("<controller type='usb' model='none'/>", "pc-i440fx-7.2")
    assert not _parts("")


def test_what_is_not_known_is_said_and_raises_no_alarm() -> None:
    found = describe(
        domain(
            "pc-q35-7.2",
            f"<vsock model='virtio'>{PCI.format(0, 5)}</vsock><tpm model='tpm-crb'/><interface type='user'/>",
            more="<os firmware='efi'/>",
        ).replace("<os>", "<os firmware='efi'>")
    )
    assert any("vsock" in one for one in found.assumptions)
    assert any("without an address" in one for one in found.assumptions)
    assert {"0000:00:05.0/", "tpm"} <= set(found.unknown)
    made = compose(find((7, 2), "x86_64"), parse_arguments(found.arguments))
    assert "the files of its firmware are as large as the stream's" in made.assumptions
    assert {"system.flash0", "system.flash1", "pflash_cfi01"} <= set(made.unknown)


def test_a_save_image_says_itself_where_to(tmp_path: Path) -> None:
    made = compose(
        find((7, 2), "x86_64"), parse_arguments(describe(domain("pc-i440fx-7.2")).arguments)
    )
    head = image_head(domain("pc-i440fx-7.2"), None, form="raw", was_running=False)
    path = tmp_path / "guest.save"
    path.write_bytes(head + made.stream)
    with open_stream(path) as stream:
        [told] = foretell(stream, (7, 2))
        assert told.report.accepted
        assert any("save image" in one for one in told.report.assumptions)
        more = domain("pc-i440fx-7.2", memory="<memory unit='MiB'>128</memory>")
        [told] = foretell(stream, (7, 2), domain=more)
        assert not told.report.accepted


def test_the_command_takes_another_domain(tmp_path: Path) -> None:
    xml = tmp_path / "there.xml"
    xml.write_text(domain("pc-i440fx-7.2"))
    made = compose(find((7, 2), "x86_64"), parse_arguments(describe(xml.read_text()).arguments))
    guest = tmp_path / "guest.mig"
    guest.write_bytes(made.stream)
    run = CliRunner().invoke(cli, ["compat", str(guest), "--to", "7.2", "--xml", str(xml)])
    assert run.exit_code == 0, run.output
    assert "loads in QEMU 7.2" in run.output
    run = CliRunner().invoke(cli, ["compat", str(guest), "--to", "7.2", "--xml", str(guest)])
    assert "not a domain's XML" in run.output
    for more in (["--to", "7.2", "--", "-M", "pc"], ["--to-qemu", "qemu"]):
        run = CliRunner().invoke(cli, ["compat", str(guest), "--xml", str(xml), *more])
        assert run.exit_code == 2
        assert "--xml is for a release" in run.output


def test_what_is_no_domain_is_refused() -> None:
    for text in ("", "<domain/>", "<network/>", "<!DOCTYPE domain><domain/>", "x" * 10):
        with pytest.raises(Unsupported, match="not a domain's XML"):
            describe(text)
    plain = domain("pc-i440fx-7.2")
    assert describe(f"<domstatus>{plain}</domstatus>") == describe(plain)


WORDS = st.sampled_from(
    [
        "virtio",
        "pci",
        "usb",
        "0",
        "-1",
        "0x10",
        "99999999999999999999",
        "on",
        "vga",
        "",
        ",,a=b",
        "qxl",
        "\u0663",
    ]
)
NAMES = st.sampled_from(
    [
        "type",
        "model",
        "index",
        "bus",
        "slot",
        "function",
        "port",
        "ports",
        "queues",
        "driver",
        "heads",
        "vram",
        "size",
        "unit",
        "state",
    ]
)
TAGS = st.sampled_from(
    [
        *READERS,
        "address",
        "target",
        "driver",
        "model",
        "master",
        "source",
        "rom",
        "size",
        "codec",
        "mac",
        "alias",
        "shmem",
    ]
)


def _element(tag: str, attributes: dict[str, str], inside: list[str]) -> str:
    said = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<{tag}{said}>{''.join(inside)}</{tag}>"


TREE = st.recursive(
    st.builds(
        _element, TAGS, st.dictionaries(NAMES, WORDS, max_size=4), st.lists(WORDS, max_size=1)
    ),
    lambda inner: st.builds(
        _element, TAGS, st.dictionaries(NAMES, WORDS, max_size=4), st.lists(inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=30, deadline=None)
@given(st.lists(TREE, max_size=4), st.sampled_from(sorted(CONTROLLERS)))
def test_any_domain_is_read(elements: list[str], kind: str) -> None:
    text = domain(
        "pc-i440fx-7.2", "".join(elements) + f"<controller type='{kind}'/>", more="".join(elements)
    )
    found = describe(text)
    compose(find((7, 2), "x86_64"), parse_arguments(found.arguments))
