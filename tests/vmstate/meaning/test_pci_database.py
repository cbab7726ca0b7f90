"""Names of PCI devices that are none of QEMU's, from the list of the system."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.vmstate.meaning import pci_database
from migstream.vmstate.meaning.pci_database import VARIABLE, device_name, vendor_name
from support.meaning import device

LIST = """\
# a list as hwdata has it
10de  NVIDIA Corporation
\t1c03  GP106 [GeForce GTX 1060 6GB]
\t\t1043 85b6  STRIX card
# a note between two devices

\t2204  GA102\x07
8086  Intel Corporation
\t100e  something else
zzzz  damaged
\tnonsense
ffff  Illegal Vendor ID

C 00  Unclassified device
"""


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "pci.ids"
    path.write_text(LIST)
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def texts(vendor: int, product: int, subvendor: int = 0, subsystem: int = 0) -> dict[str, str]:
    raw = bytearray(256)
    struct.pack_into("<HH", raw, 0, vendor, product)
    struct.pack_into("<HH", raw, 0x2C, subvendor, subsystem)
    return {v.name: v.text for v in device("pci config", bytes(raw))["blob"].children}


@pytest.mark.usefixtures("listed")
def test_a_device_of_the_hosts_is_named() -> None:
    said = texts(0x10DE, 0x1C03, 0x1043, 0x85B6)
    assert said["vendor_id"] == "4318 (0x10de) (NVIDIA Corporation)"
    assert said["device_id"] == "7171 (0x1c03) (GP106 [GeForce GTX 1060 6GB])"
    assert said["subsystem_id"] == "34230 (0x85b6) (STRIX card)"
    assert said["subsystem_vendor_id"] == "4163 (0x1043)"
    assert device_name(0x10DE, 0x2204) == "GA102"
    assert device_name(0x10DE, 0x9999) == vendor_name(0x7777) == ""
    assert vendor_name(0xFFFF) == "Illegal Vendor ID"


@pytest.mark.usefixtures("listed")
def test_what_qemu_has_is_called_so_whatever_the_list_says() -> None:
    assert texts(0x8086, 0x100E)["vendor_id"] == "32902 (0x8086) INTEL"
    assert texts(0x8086, 0x100E)["device_id"] == "4110 (0x100e) 82540EM"


@pytest.mark.parametrize("place", ["", "/nowhere/pci.ids", "/", "a\0b"])
def test_without_a_list_nothing_is_named(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pci_database, "_place", lambda: place)
    assert texts(0x10DE, 0x1C03)["vendor_id"] == "4318 (0x10de)"


def test_the_lists_of_the_system_are_looked_for(
    listed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(pci_database, "PLACES", ("/nowhere/pci.ids", str(listed)))
    assert vendor_name(0x10DE) == "NVIDIA Corporation"


def test_the_tests_have_no_list() -> None:
    assert os.environ[VARIABLE] == ""


@given(
    st.lists(
        st.sampled_from(
            [b"10de  A", b"\t0001  B", b"\t\t0001 0002  C", b"\xff\xfe", b"\t", b"#", b""]
        )
    )
)
def test_any_list_is_read(lines: list[bytes]) -> None:
    with NamedTemporaryFile() as file:
        file.write(b"\n".join(lines))
        file.flush()
        pci_database._of_vendor.cache_clear()
        names = pci_database._of_vendor(file.name, 0x10DE)
    assert all(isinstance(name, str) for name in names.values())
    assert (() in names) == (b"10de  A" in lines)
