"""Domains of libvirt's as people have them: XML that a daemon fills in (`Libvirt.virsh("define", …)`) and that names most devices."""

from __future__ import annotations

import shutil

__all__ = ["DOMAINS", "EMULATOR", "domain"]

EMULATOR = shutil.which("qemu-system-x86_64") or "/usr/bin/qemu-system-x86_64"


def domain(
    machine: str,
    devices: str = "",
    *,
    features: str = "<acpi/><apic/>",
    more: str = "",
    memory: str = "<memory unit='MiB'>64</memory>",
    vcpu: str = "<vcpu>1</vcpu>",
    kind: str = "qemu",
) -> str:
    """The XML of one.

    Parameters
    ----------
    features : what is in `<features>`
    more : elements of the domain besides
    kind : `qemu`, or `kvm`
    """
    return f"""<domain type='{kind}'><name>guest</name>{memory}{vcpu}
<os><type arch='x86_64' machine='{machine}'>hvm</type></os><features>{features}</features>{more}
<devices><emulator>{EMULATOR}</emulator>{devices}</devices></domain>"""


NET = (
    "<interface type='user'><mac address='52:54:00:00:00:{:02x}'/><model type='{}'/>{}</interface>"
)
# of a file in the daemon's folder
SCRATCH = "<disk type='file' device='{}'><driver name='qemu' type='raw'{}/><source file='FOLDER/{dev}.img'/><target dev='{dev}' bus='{}'/></disk>"
PLAIN = "<video><model type='{}'{}/></video><memballoon model='virtio'/>"
RNG = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
VNC = "<graphics type='vnc' port='-1' autoport='yes'/>"
WINDOWS = """<acpi/><apic/><hyperv mode='custom'><relaxed state='on'/><vapic state='on'/>
<spinlocks state='on' retries='8191'/></hyperv><vmport state='off'/>"""
CLOCK = """<clock offset='utc'><timer name='rtc' tickpolicy='catchup'/><timer name='pit' tickpolicy='delay'/>
<timer name='hpet' present='no'/></clock>"""
SLEEP = "<pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='no'/></pm>"
NUMA = """<cpu><topology sockets='2' dies='1' cores='2' threads='1'/><numa><cell id='0' cpus='0-1' memory='32' unit='MiB'/>
<cell id='1' cpus='2-3' memory='32' unit='MiB'/></numa></cpu>"""
DIMM = (
    """<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>"""
)
PLUGGED = "<maxMemory slots='4' unit='GiB'>4</maxMemory><memory unit='MiB'>192</memory>"

DOMAINS = {
    "small": domain("pc-i440fx-7.2", VNC + PLAIN.format("vga", " vram='16384'") + RNG),
    "q35": domain(
        "pc-q35-7.2",
        VNC
        + NET.format(1, "virtio", "")
        + SCRATCH.format("disk", "", "virtio", dev="vda")
        + SCRATCH.format("cdrom", "", "sata", dev="sda")
        + PLAIN.format("virtio", " heads='1'")
        + RNG
        + "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
        + "<serial type='null'/><input type='tablet' bus='usb'/>",
        more=CLOCK + SLEEP,
    ),
    "desktop": domain(
        "pc-q35-6.2",
        VNC
        + NET.format(1, "e1000e", "")
        + PLAIN.format("qxl", " ram='65536' vram='65536' vgamem='16384' heads='1'")
        + "<sound model='ich9'/><input type='tablet' bus='usb'/><input type='keyboard' bus='usb'/>"
        + "<controller type='usb' model='qemu-xhci' ports='15'/>",
        features=WINDOWS,
        more=CLOCK,
    ),
    "old": domain(
        "pc-i440fx-5.2",
        VNC
        + NET.format(1, "rtl8139", "")
        + NET.format(2, "e1000", "<rom bar='off'/>")
        + SCRATCH.format("disk", "", "ide", dev="hda")
        + SCRATCH.format("cdrom", "", "ide", dev="hdc")
        + PLAIN.format("cirrus", "")
        + "<sound model='ich6'/><sound model='ac97'/><sound model='es1370'/><serial type='null'/><parallel type='null'/>"
        + "<controller type='usb' index='0' model='ich9-ehci1'/><controller type='usb' index='0' model='ich9-uhci1'><master startport='0'/></controller>"
        + "<watchdog model='i6300esb' action='reset'/><panic model='isa'/><hub type='usb'/>",
        features="<acpi/>",
    ),
    "storage": domain(
        "pc-q35-7.2",
        VNC
        + "<controller type='scsi' index='0' model='virtio-scsi'><driver queues='4'/></controller>"
        + "<controller type='scsi' index='1' model='lsilogic'/><controller type='scsi' index='2' model='lsisas1068'/>"
        + "<controller type='scsi' index='3' model='vmpvscsi'/><controller type='sata' index='1'/>"
        + "".join(
            SCRATCH.format("disk", "", bus, dev=name)
            for name, bus in (("sda", "scsi"), ("sdb", "scsi"), ("sdc", "usb"), ("sdd", "sata"))
        )
        + SCRATCH.format("disk", " queues='4' queue_size='512'", "virtio", dev="vda")
        + PLAIN.format("none", ""),
        vcpu="<vcpu current='2'>4</vcpu>",
    ),
    "memory": domain("pc-i440fx-7.2", VNC + DIMM + DIMM, memory=PLUGGED.replace("192", "320"),
        vcpu="<vcpu>4</vcpu>", more=NUMA),
    "numa": domain("pc-q35-7.2", VNC + PLAIN.format("bochs", " vram='16384'"), vcpu="<vcpu>4</vcpu>", more=NUMA),
    "numa-old": domain("pc-q35-4.2", PLAIN.format("vga", ""), vcpu="<vcpu>4</vcpu>", more=NUMA),
    "bridges": domain(
        "pc-i440fx-7.2",
        "<controller type='pci' index='1' model='pci-bridge'/><controller type='pci' index='2' model='pci-bridge'/>"
        + NET.format(1, "virtio", "<address type='pci' bus='1' slot='3'/>")
        + NET.format(2, "pcnet", "<address type='pci' bus='2' slot='5'/>")
        + NET.format(3, "ne2k_pci", "")
        + PLAIN.format("vmvga", " vram='16384'"),
    ),
    "ports": domain(
        "pc-q35-7.2",
        "<controller type='pci' index='1' model='pcie-root-port'/><controller type='pci' index='2' model='pcie-root-port'/><controller type='pci' index='9' model='pcie-to-pci-bridge'><address type='pci' bus='2' slot='0'/></controller>"
         "<controller type='pci' index='3' model='pcie-switch-upstream-port'><address type='pci' bus='1' slot='0'/></controller><controller type='pci' index='4' model='pcie-switch-downstream-port'/>"
        + NET.format(1, "virtio", "<driver rx_queue_size='512'/>")
        + NET.format(2, "vmxnet3", "")
        + NET.format(3, "virtio-transitional", "")
        + NET.format(4, "virtio-non-transitional", "")
        + "<iommu model='intel'><driver intremap='on' caching_mode='on' iotlb='on' aw_bits='48'/></iommu>"
        + PLAIN.format("virtio", " heads='2'") + "<video><model type='qxl'/></video>",
        features="<acpi/><apic/><ioapic driver='qemu'/><smm state='on'/>",
    ),
    "input": domain(
        "pc-q35-7.2",
        "<input type='keyboard' bus='virtio'/><input type='mouse' bus='virtio'/><input type='tablet' bus='virtio'/>"
         "<input type='mouse' bus='usb'/><console type='null'><target type='virtio'/></console>"
         "<serial type='null'><target type='pci-serial'/></serial>"
         "<redirdev bus='usb' type='tcp'><source mode='bind' host='127.0.0.1' service='0'/><protocol type='raw'/></redirdev>"
         "<memballoon model='virtio' autodeflate='on' freePageReporting='on'/>"
         "<sound model='sb16'/><panic model='isa'/>",
    ),
    "legacy": domain("pc-i440fx-2.12", VNC + NET.format(1, "virtio", "") + PLAIN.format("vga", ""), features="<acpi/><pae/>", more="<genid/>"),
    "host": domain(
        "pc-q35-7.2",
        VNC + NET.format(1, "virtio", "") + PLAIN.format("vga", ""), kind="kvm",
        features="<acpi/><apic eoi='on'/><kvm><hidden state='on'/></kvm><pmu state='off'/>",
        more="<cpu mode='custom' match='exact' check='none'><model>qemu64</model><feature name='x2apic' policy='disable'/></cpu>"
        "<clock offset='utc'><timer name='kvmclock' present='no'/></clock>",
    ),
}  # fmt: skip
