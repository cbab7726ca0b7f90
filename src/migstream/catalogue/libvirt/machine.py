"""Machine, CPUs, memory and clocks of a domain's XML.

Facts: libvirt, src/qemu/qemu_command.c: qemuBuildMachineCommandLine, qemuBuildCpuCommandLine, qemuBuildMemCommandLine,
qemuBuildSmpCommandLine, qemuBuildNumaCommandLine, qemuBuildClockCommandLine, qemuBuildPMCommandLine.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from migstream.catalogue.libvirt.places import attribute, is_on
from migstream.qemu.release import machine_version
from migstream.source.domain import UNITS

__all__ = ["backends", "machine_words", "size_of"]

MOST = 1 << 50  # bytes of memory
# `<features>`: elements with a state that are the machine's, by its property.
SWITCHES = {"vmport": "vmport", "smm": "smm", "ps2": "i8042"}
IRQCHIPS = {"kvm": "on", "qemu": "split"}
GIC = {"2": "2", "3": "3", "host": "host"}
# `<features><hyperv>` and `<clock><timer>`: elements by the CPU's feature.
TIMERS = {"kvmclock": "kvmclock", "hypervclock": "hv-time", "armvtimer": "kvm-no-adjvtime"}
# Which device has the switches of sleep, by board.
SLEEPERS = {"pc-i440fx": "PIIX4_PM", "pc-q35": "ICH9-LPC", "pc": "PIIX4_PM", "q35": "ICH9-LPC"}
NUMA_BY_BACKEND = (5, 1)  # the version of machine types since which nodes have backends


def machine_words(root: Element) -> Iterator[str]:
    """The arguments, without devices."""
    name = attribute(root, "os/type", "machine")
    yield from ("-M", ",".join([name, *_options(root)]))
    yield from ("-accel", "kvm" if root.get("type") == "kvm" else "tcg")
    cpu = ",".join(_cpu(root))
    if cpu:
        yield from ("-cpu", cpu)
    yield from ("-smp", ",".join(_smp(root)))
    yield from _memory(root, name)
    yield from _sleep(root, name)
    for timer in root.iterfind("clock/timer"):
        if timer.get("name") == "pit" and timer.get("tickpolicy") in ("delay", "discard"):
            yield from ("-global", f"kvm-pit.lost_tick_policy={timer.get('tickpolicy')}")


def size_of(element: Element | None) -> int | None:
    """Bytes that an element with a unit says; None where it says nothing that can be."""
    if element is None:
        return None
    text = (element.text or "").strip()
    unit = UNITS.get(element.get("unit", "KiB").lower())
    if unit is None or not text.isascii() or not text.isdecimal() or len(text) > 18:
        return None
    return min(int(text) * unit, MOST)


def _options(root: Element) -> Iterator[str]:
    features = root.find("features")
    for name, option in SWITCHES.items():
        state = attribute(features, name, "state")
        if state:
            yield f"{option}={'on' if is_on(state) else 'off'}"
    irqchip = IRQCHIPS.get(attribute(features, "ioapic", "driver"))
    if irqchip is not None:
        yield f"kernel-irqchip={irqchip}"
    if attribute(root, "os/type", "arch") in ("x86_64", "i686") and _lacks(features, "acpi"):
        yield "acpi=off"
    gic = GIC.get(attribute(features, "gic", "version"))
    if gic is not None:
        yield f"gic-version={gic}"
    for timer in root.iterfind("clock/timer"):
        if timer.get("name") == "hpet" and timer.get("present") == "no":
            yield "hpet=off"
    iommu = attribute(root, "devices/iommu", "model")
    if iommu == "smmuv3":
        yield "iommu=smmuv3"
    yield from _firmware(root)
    if root.find("devices/memory[@model='nvdimm']") is not None:
        yield "nvdimm=on"


def _firmware(root: Element) -> Iterator[str]:
    """Which files its firmware is in: two in flash, or one that is its BIOS (qemuBuildDomainLoaderCommandLine)."""
    loader = root.find("os/loader")
    if attribute(root, "os", "firmware") == "efi" or attribute(loader, "type") == "pflash":
        yield "pflash0=libvirt-pflash0-format"
        if attribute(loader, "stateless") != "yes":
            yield "pflash1=libvirt-pflash1-format"
    elif loader is not None and (loader.text or "").strip():
        yield "firmware=loader"


def _lacks(features: Element | None, name: str) -> bool:
    return features is None or features.find(name) is None


def _cpu(root: Element) -> Iterator[str]:
    """The model, then features."""
    cpu = root.find("cpu")
    mode = attribute(cpu, "mode")
    if mode in ("host-passthrough", "maximum"):
        yield "host" if mode == "host-passthrough" else "max"
    elif cpu is not None and cpu.findtext("model"):
        yield (cpu.findtext("model") or "").strip()
    elif attribute(root, "os/type", "arch") == "x86_64":
        yield "qemu64"
    else:
        return
    for timer in root.iterfind("clock/timer"):
        feature = TIMERS.get(timer.get("name", ""))
        if feature is not None and timer.get("present"):
            yield f"{feature}={'on' if is_on(timer.get('present', '')) else 'off'}"
        if timer.get("name") == "tsc" and timer.get("frequency", "").isdecimal():
            yield f"tsc-frequency={timer.get('frequency')}"
    for feature_element in () if cpu is None else cpu.iterfind("feature"):
        name, policy = feature_element.get("name", ""), feature_element.get("policy", "require")
        if name and policy != "optional":
            yield f"{name}={'on' if policy in ('require', 'force') else 'off'}"
    yield from _enlightened(root.find("features"))


def _enlightened(features: Element | None) -> Iterator[str]:
    if features is None:
        return
    for one in features.iterfind("hyperv/*"):
        if one.tag == "spinlocks" and is_on(one.get("state", "")):
            yield f"hv-spinlocks={one.get('retries', '8191')}"
        elif one.tag == "vendor_id" and is_on(one.get("state", "")):
            yield f"hv-vendor-id={one.get('value', '')}"
        elif is_on(one.get("state", "")):
            yield f"hv-{one.tag.replace('_', '-')}=on"
    if is_on(attribute(features, "kvm/hidden", "state")):
        yield "kvm=off"
    for name, feature in (("pvspinlock", "kvm-pv-unhalt"), ("pmu", "pmu")):
        state = attribute(features, name, "state")
        if state:
            yield f"{feature}={'on' if is_on(state) else 'off'}"
    eoi = attribute(features, "apic", "eoi")
    if eoi:
        yield f"kvm-pv-eoi={'on' if is_on(eoi) else 'off'}"


def _smp(root: Element) -> Iterator[str]:
    vcpu = root.find("vcpu")
    most = (vcpu.text or "").strip() if vcpu is not None else "1"
    current = attribute(vcpu, "current") or most
    yield current
    if current != most:
        yield f"maxcpus={most}"
    topology = root.find("cpu/topology")
    for key in ("sockets", "dies", "clusters", "cores", "threads"):
        value = attribute(topology, key)
        if value and (value != "1" or key in ("sockets", "cores", "threads")):
            yield f"{key}={value}"


def _memory(root: Element, machine: str) -> Iterator[str]:
    """Memory at the start: without what is plugged in."""
    plugged = sum(size_of(one) or 0 for one in root.iterfind("devices/memory/target/size"))
    cells = [_cell(one) for one in root.iterfind("cpu/numa/cell")]
    total = sum(cells) if cells else (size_of(root.find("memory")) or 0) - plugged
    most = root.find("maxMemory")
    size = [f"size={max(total, 0) >> 10}K"]
    if most is not None:
        size += [f"slots={most.get('slots', '0')}", f"maxmem={(size_of(most) or 0) >> 10}K"]
    yield from ("-m", ",".join(size))
    _, version = machine_version(machine)
    if version is not None and version < NUMA_BY_BACKEND and root.find("memoryBacking/*") is None:
        return
    for number, bytes_ in enumerate(cells):
        name = f"ram-node{number}"
        yield from ("-object", f"{_kind(root)},id={name},size={bytes_ >> 10}K")
        yield from ("-numa", f"node,nodeid={number},memdev={name}")


def _kind(root: Element) -> str:
    """The type of the objects that memory is of (qemuBuildMemoryBackendProps)."""
    source = attribute(root, "memoryBacking/source", "type")
    if source == "memfd":
        return "memory-backend-memfd"
    huge = root.find("memoryBacking/hugepages") is not None
    return "memory-backend-file" if source == "file" or huge else "memory-backend-ram"


def backends(root: Element) -> Iterator[str]:
    """Memory that is plugged in: what the devices name."""
    for count, one in enumerate(root.iterfind("devices/memory")):
        size = size_of(one.find("target/size"))
        file = one.find("source/path") is not None
        if size is not None:
            kind = "memory-backend-file" if file else _kind(root)
            yield from ("-object", f"{kind},id=memdimm{count},size={size >> 10}K")


def _cell(cell: Element) -> int:
    """Bytes of a NUMA node, KiB where no unit is said."""
    element = Element("memory", unit=cell.get("unit", "KiB"))
    element.text = cell.get("memory", "0")
    return size_of(element) or 0


def _sleep(root: Element, machine: str) -> Iterator[str]:
    device = SLEEPERS.get(machine_version(machine)[0])
    for state, switch in (("suspend-to-mem", "disable_s3"), ("suspend-to-disk", "disable_s4")):
        enabled = attribute(root, f"pm/{state}", "enabled")
        if enabled and device is not None:
            yield from ("-global", f"{device}.{switch}={int(not is_on(enabled))}")
