"""Devices of a domain's XML: which types of QEMU's they are, and with what properties.

Facts: libvirt, src/qemu/qemu_command.c: qemuBuildDeviceVideoCmd, qemuBuildNicDevProps, qemuBuildSoundCommandLine,
qemuBuildWatchdogDevProps and the others of their kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element

from migstream.catalogue.libvirt.controllers import controller, rank
from migstream.catalogue.libvirt.disks import disks
from migstream.catalogue.libvirt.places import (
    Buses,
    Found,
    Made,
    Strange,
    attribute,
    foreign,
    is_on,
    made,
)

__all__ = ["parts"]

VIDEO = {
    "vga": "VGA",
    "cirrus": "cirrus-vga",
    "vmvga": "vmware-svga",
    "bochs": "bochs-display",
    "ramfb": "ramfb",
}
SOUND = {
    "ac97": "AC97",
    "es1370": "ES1370",
    "sb16": "sb16",
    "usb": "usb-audio",
    "ich6": "intel-hda",
    "ich9": "ich9-intel-hda",
}
HDA = {"duplex": "hda-duplex", "micro": "hda-micro", "output": "hda-output"}
SERIAL = {
    "isa-serial": "isa-serial",
    "usb-serial": "usb-serial",
    "pci-serial": "pci-serial",
    "spapr-vio-serial": "spapr-vty",
    "sclpconsole": "sclpconsole",
    "sclplmconsole": "sclplmconsole",
}
INPUT = {"tablet": "usb-tablet", "mouse": "usb-mouse", "keyboard": "usb-kbd"}
INPUT_VIRTIO = {"tablet": "tablet", "mouse": "mouse", "keyboard": "keyboard"}
PANIC = {"isa": "pvpanic", "pvpanic": "pvpanic-pci"}
BUILT_IN = frozenset({"itco", "diag288"})  # watchdogs that the machine has
MEMORY = {
    "dimm": "pc-dimm",
    "nvdimm": "nvdimm",
    "virtio-mem": "virtio-mem",
    "virtio-pmem": "virtio-pmem",
}
IOMMUS = {"intel": "intel-iommu", "virtio": "virtio-iommu-pci", "amd": "amd-iommu"}
# Switches of an IOMMU's `<driver>`.
IOMMU = {
    "intremap": "intremap",
    "caching_mode": "caching-mode",
    "eim": "eim",
    "iotlb": "device-iotlb",
}
# What has no state, or is the host's.
SILENT = frozenset(
    {"emulator", "graphics", "audio", "lease", "crypto-backend", "filesystem-driver"}
)


def parts(known: Sequence[Element], buses: Buses) -> Found:
    """Every device, in the order in which libvirt starts a QEMU with them."""
    for tag, read in READERS.items():
        same = [each for each in known if each.tag == tag]
        for count, one in enumerate(sorted(same, key=rank) if tag == "controller" else same):
            yield from read(one, count, buses)
    for one in known:
        if one.tag not in READERS and one.tag not in SILENT:
            yield from foreign(one, buses, f"<{one.tag}>")


# --- network ---------------------------------------------------------------------------------------


def _interface(device: Element, number: int, buses: Buses) -> Found:
    kind, model = device.get("type", ""), attribute(device, "model", "type")
    if kind in ("hostdev", "vdpa"):
        yield from foreign(device, buses, f"an interface of type {kind}")
        return
    name, more = f"net{number}", {"mac": attribute(device, "mac", "address")}
    if not model.startswith("virtio"):
        yield made(model or "rtl8139", device, buses, name, **more)
        return
    driver = device.find("driver")
    queues = attribute(driver, "queues")
    if queues.isdecimal() and queues not in ("0", "1"):
        more |= {"mq": "on", "vectors": str(2 * int(queues[:5]) + 2)}
    for key in ("rx_queue_size", "tx_queue_size"):
        if attribute(driver, key):
            more[key] = attribute(driver, key)
    if attribute(device, "mtu", "size"):
        more["host_mtu"] = attribute(device, "mtu", "size")
    yield made(buses.virtio("virtio-net", device, model), device, buses, name, **more)


# --- what one sees and hears -----------------------------------------------------------------------


def _video(device: Element, number: int, buses: Buses) -> Found:
    model = device.find("model")
    kind = attribute(model, "type")
    first = attribute(model, "primary") == "yes" or number == 0
    name = f"video{number}"
    if kind == "none":
        return
    if kind in ("virtio", "qxl"):
        yield from _many_heads(device, kind, buses, name, first=first)
        return
    if kind not in VIDEO:
        yield Strange(f"what a video card {kind} is")
        return
    vram = _mebibytes(attribute(model, "vram"), 1)
    more = {"vgamem_mb": str(vram)} if vram and kind in ("vga", "vmvga") else {}
    if kind == "bochs" and attribute(model, "vram").isdecimal():
        more = {"vgamem": str(int(attribute(model, "vram")[:12]) << 10)}
    driver = "secondary-vga" if kind == "vga" and not first else VIDEO[kind]
    yield made(driver, device, buses, name, **more)


def _many_heads(device: Element, kind: str, buses: Buses, name: str, *, first: bool) -> Found:
    model = device.find("model")
    heads = attribute(model, "heads")
    more = {"max_outputs": heads} if heads else {}
    if kind == "qxl":
        for key, option in (
            ("ram", "ram_size_mb"),
            ("vram", "vram_size_mb"),
            ("vgamem", "vgamem_mb"),
        ):
            if attribute(model, key):
                more[option] = str(_mebibytes(attribute(model, key), 1))
        more["vram64_size_mb"] = str(_mebibytes(attribute(model, "vram64"), 0))
        yield made("qxl-vga" if first else "qxl", device, buses, name, **more)
        return
    gl = "-gl" if attribute(model, "acceleration", "accel3d") == "yes" else ""
    vga = first and attribute(device, "address", "type") in ("pci", "") and buses.x86
    driver = f"virtio-vga{gl}" if vga else buses.virtio(f"virtio-gpu{gl}", device)
    yield made(driver, device, buses, name, **more)


def _mebibytes(text: str, least: int) -> int:
    """KiB as MiB."""
    return max(int(text[:12]) >> 10, least) if text.isascii() and text.isdecimal() else least


def _sound(device: Element, number: int, buses: Buses) -> Found:
    model = device.get("model", "")
    if model == "pcspk":
        return
    if model == "virtio":
        yield made("virtio-sound-pci", device, buses, f"sound{number}")
        return
    if model not in SOUND:
        yield Strange(f"what a sound card {model} is")
        return
    yield made(SOUND[model], device, buses, f"sound{number}")
    if model.startswith("ich"):
        codecs = [one.get("type", "") for one in device.iterfind("codec")] or ["duplex"]
        for cad, codec in enumerate(codecs):
            yield Made(HDA.get(codec, codec), {"bus": f"sound{number}.0", "cad": str(cad)})


def _input(device: Element, number: int, buses: Buses) -> Found:
    kind, bus, name = device.get("type", ""), device.get("bus", ""), f"input{number}"
    if bus == "usb" and kind in INPUT:
        yield made(INPUT[kind], device, buses, name)
    elif bus == "virtio" and kind in INPUT_VIRTIO:
        driver = buses.virtio(f"virtio-{INPUT_VIRTIO[kind]}", device, device.get("model", ""))
        yield made(driver, device, buses, name)
    elif bus == "virtio":
        yield from foreign(device, buses, f"an input device of type {kind}")


# --- lines -----------------------------------------------------------------------------------------


def _serial(device: Element, number: int, buses: Buses) -> Found:
    target = device.find("target")
    model = attribute(target, "model", "name") or attribute(target, "type")
    if model in SERIAL:
        yield made(SERIAL[model], device, buses, f"serial{number}")
    elif model not in ("", "pl011", "16550a", "system-serial"):
        yield Strange(f"what a serial port {model} is")


def _parallel(device: Element, number: int, buses: Buses) -> Found:
    yield made("isa-parallel", device, buses, f"parallel{number}")


def _console(device: Element, number: int, buses: Buses) -> Found:
    kind = attribute(device, "target", "type")
    if kind == "virtio":
        yield from _port("virtconsole", device, f"console{number}")
    elif kind.startswith("sclp"):
        yield made(f"{kind}console" if kind == "sclp" else "sclplmconsole", device, buses)


def _channel(device: Element, number: int, _buses: Buses) -> Found:
    if attribute(device, "target", "type") == "virtio":
        yield from _port("virtserialport", device, f"channel{number}")


def _port(driver: str, device: Element, name: str) -> Found:
    address = device.find("address")
    more = {}
    if address is not None:
        more = {
            "bus": f"virtio-serial{address.get('controller', '0')}.0",
            "nr": address.get("port", ""),
        }
    yield Made(driver, {"id": name, **{key: value for key, value in more.items() if value}})


# --- the rest --------------------------------------------------------------------------------------


def _balloon(device: Element, number: int, buses: Buses) -> Found:
    model = device.get("model", "")
    if model.startswith("virtio"):
        driver = buses.virtio("virtio-balloon", device, model)
        more = {}
        for key, option in (
            ("autodeflate", "deflate-on-oom"),
            ("freePageReporting", "free-page-reporting"),
        ):
            if device.get(key):
                more[option] = device.get(key, "")
        yield made(driver, device, buses, f"balloon{number}", **more)


def _rng(device: Element, number: int, buses: Buses) -> Found:
    yield made(
        buses.virtio("virtio-rng", device, device.get("model", "")), device, buses, f"rng{number}"
    )


def _watchdog(device: Element, number: int, buses: Buses) -> Found:
    model = device.get("model", "")
    if model not in BUILT_IN:
        yield made(model, device, buses, f"watchdog{number}")


def _panic(device: Element, number: int, buses: Buses) -> Found:
    driver = PANIC.get(device.get("model", ""))
    if driver is not None:
        yield made(driver, device, buses, f"panic{number}")


def _hub(device: Element, number: int, buses: Buses) -> Found:
    yield made("usb-hub", device, buses, f"hub{number}")


def _redirected(device: Element, number: int, buses: Buses) -> Found:
    yield made("usb-redir", device, buses, f"redir{number}")


def _tpm(device: Element, _number: int, buses: Buses) -> Found:
    model = device.get("model", "")
    yield made(
        model if model != "tpm-tis" or buses.x86 else "tpm-tis-device", device, buses, "tpm0"
    )
    yield Strange("what a TPM saves (its state is its emulator's)", ("tpm",))


def _iommu(device: Element, number: int, buses: Buses) -> Found:
    driver = IOMMUS.get(device.get("model", ""))
    if driver is None:
        return
    more = {}
    for key, option in IOMMU.items():
        value = attribute(device, "driver", key)
        if value:
            more[option] = "on" if is_on(value) else "off"
    if attribute(device, "driver", "aw_bits"):
        more["aw-bits"] = attribute(device, "driver", "aw_bits")
    yield made(driver, device, buses, f"iommu{number}", **more)


def _memory(device: Element, number: int, buses: Buses) -> Found:
    driver = MEMORY.get(device.get("model", ""))
    if driver is None:
        yield Strange(f"what memory of model {device.get('model', '')} is")
        return
    if driver.startswith("virtio"):
        driver = buses.virtio(driver, device)
    where = {
        "node": (device.findtext("target/node") or "").strip(),
        "slot": attribute(device, "address", "slot"),
    }
    more = {key: value for key, value in where.items() if value}
    # its backend is among the arguments, by this name
    yield made(driver, device, buses, f"dimm{number}", memdev=f"memdimm{number}", **more)


def _filesystem(device: Element, number: int, buses: Buses) -> Found:
    if attribute(device, "driver", "type") == "virtiofs":
        yield from foreign(device, buses, "virtiofs")
        return
    yield made(
        buses.virtio("virtio-9p", device, device.get("model", "")), device, buses, f"fs{number}"
    )


def _vsock(device: Element, _number: int, buses: Buses) -> Found:
    yield from foreign(device, buses, "vsock, which the host's kernel does")


def _hostdev(device: Element, _number: int, buses: Buses) -> Found:
    if device.get("type") == "usb":
        yield made("usb-host", device, buses)
    yield from foreign(device, buses, f"a device of the host ({device.get('type', '')})")


def _crypto(device: Element, number: int, buses: Buses) -> Found:
    yield made(buses.virtio("virtio-crypto", device), device, buses, f"crypto{number}")


READERS: dict[str, Callable[[Element, int, Buses], Found]] = {
    "controller": controller,
    "hub": _hub,
    "memory": _memory,
    "disk": disks,
    "filesystem": _filesystem,
    "interface": _interface,
    "serial": _serial,
    "parallel": _parallel,
    "channel": _channel,
    "console": _console,
    "tpm": _tpm,
    "input": _input,
    "sound": _sound,
    "video": _video,
    "hostdev": _hostdev,
    "redirdev": _redirected,
    "watchdog": _watchdog,
    "memballoon": _balloon,
    "rng": _rng,
    "panic": _panic,
    "vsock": _vsock,
    "iommu": _iommu,
    "crypto": _crypto,
}
