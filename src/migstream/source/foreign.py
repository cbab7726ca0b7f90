"""Files that are not migration streams, and hold none: what they are, and which tool opens them.

Facts: each program's own sources and documents, as the entry names it.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["HEAD", "Foreign", "foreign"]

HEAD = 512  # bytes that are looked at


class Foreign(NamedTuple):
    """A kind of file.

    Attributes
    ----------
    magic, at : what stands where
    what : what it is
    tool : what to do with it; empty where nothing is to be done
    """

    magic: bytes
    what: str
    tool: str = ""
    at: int = 0


VOLATILITY = "Volatility reads it"
CRASH = "crash reads it"
TABLE = (
    # of QEMU and its friends
    Foreign(b"\x11\x22\x33\x44", "a multifd channel", "open its main stream, and name this with --channel"),
    Foreign(b"QCPR", "a CPR state file", "QEMU itself reads it, on the way to the same host"),
    Foreign(b"QFI\xfb\0\0\0\1", "a qcow image of version 1, which has no snapshots"),
    Foreign(b"VMA\0", "a Proxmox VMA backup", "`vma extract FILE FOLDER` unpacks it; it holds disks and settings"),
    Foreign(b"LUKS\xba\xbe", "an encrypted volume", "open it with cryptsetup first, then give the mapped device"),
    Foreign(b"QFI\xfb", "a qcow2 image", "it opens by itself, unless its header is damaged"),
    Foreign(b"LibvirtQemud", "a libvirt save image", "it opens by itself, unless its header is damaged or was never written"),
    # dumps of memory
    Foreign(b"KDUMP   ", "a kdump file", CRASH),
    Foreign(b"DISKDUMP", "a diskdump file", CRASH),
    Foreign(b"makedumpfile\0\0\0\0", "a flattened kdump file", "`makedumpfile -R` makes one that crash reads"),
    Foreign(b"EMiL", "a LiME dump of memory", VOLATILITY),
    Foreign(b"AVML", "an AVML dump of memory", VOLATILITY),
    Foreign(b"PAGEDU64", "a crash dump of 64-bit Windows", "WinDbg or Volatility reads it"),
    Foreign(b"PAGEDUMP", "a crash dump of 32-bit Windows", "WinDbg or Volatility reads it"),
    Foreign(b"MDMP", "a Windows minidump", "WinDbg reads it"),
    *(Foreign(magic, "a hibernation file of Windows", VOLATILITY) for magic in (b"HIBR", b"hibr", b"WAKE", b"wake", b"RSTR")),
    # other virtual machines
    *(
        Foreign(magic, "VMware's state of a guest (.vmss, .vmsn)", "Volatility or vmss2core reads it, with the .vmem beside it")
        for magic in (b"\xd0\xbe\xd2\xbe", b"\xd1\xba\xd1\xba", b"\xd2\xbe\xd2\xbe", b"\xd3\xbe\xd3\xbe")
    ),
    Foreign(b"QED\0", "a QED image, which has no snapshots"),
    Foreign(b"WithoutFreeSpace", "a Parallels disk"),
    Foreign(b"WithouFreSpacExt", "a Parallels disk"),
    Foreign(b"KDMV", "a VMware disk (VMDK)"),
    Foreign(b"# Disk DescriptorFile", "the descriptor of a VMware disk"),
    Foreign(b"\x7fVirtualBox SavedState", "VirtualBox's saved state of a guest", "VirtualBox restores it; `VBoxManage debugvm NAME dumpvmcore` then writes a core file"),
    Foreign(b"\x7f\x10\xda\xbe", "a VirtualBox disk (VDI)", at=64),
    Foreign(b"vhdxfile", "a Hyper-V disk (VHDX)"),
    Foreign(b"conectix", "a Virtual PC disk (VHD)"),
    Foreign(b"\x14\x20\x28\x01", "Hyper-V's settings or state of a guest (.vmcx, .vmrs)", "Hyper-V restores it; vm2dmp writes a crash dump of it"),
    Foreign(b"\x64\x86\x84\x19\x10\x07", "Firecracker's state of a guest (x86-64)", "Firecracker restores it, with the memory file beside it", 2),
    Foreign(b"\xaa\xaa\x84\x19\x10\x07", "Firecracker's state of a guest (aarch64)", "Firecracker restores it, with the memory file beside it", 2),
    Foreign(b'{"snapshots"', "Cloud Hypervisor's state of a guest", "`cloud-hypervisor --restore` takes the folder that it is in"),
    Foreign(b'{"id":"vm"', "Cloud Hypervisor's state of a guest", "`cloud-hypervisor --restore` takes the folder that it is in"),
    Foreign(b"Xen saved domain", "Xen's saved domain (xl save)", "`xl restore` takes it"),
    Foreign(b"\xff\xff\xff\xff\xff\xff\xff\xffXENF", "a Xen migration stream", "Xen's own tools read it"),
    # checkpoints of processes
    Foreign(b"\x19\x43\x56\x54", "a CRIU image", "`crit decode` shows it"),
    Foreign(b"\x40\x59\x10\x55", "a CRIU image", "`crit decode` shows it"),
    # of anything
    *(
        Foreign(magic, "a capture of a network (pcap)", "without --container it opens")
        for magic in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a")
    ),
    *(
        Foreign(magic, "a web page", "look at what the server says there: it may ask for a login first")
        for magic in (b"<!DOCTYPE html", b"<!doctype html", b"<html", b"<HTML")
    ),
    Foreign(b"PK\x03\x04", "a zip file", "unpack it first"),
    Foreign(b"7z\xbc\xaf\x27\x1c", "a 7z file", "unpack it first"),
    Foreign(b"\x02\x21\x4c\x18", "a file of lz4's legacy format", "unpack it first: lz4 -d"),
    Foreign(b"LZIP", "an lzip file", "unpack it first: lzip -d"),
    Foreign(b"LRZI", "an lrzip file", "unpack it first: lrzip -d"),
    Foreign(b"\x5d\0\0", "a file of xz's legacy format (.lzma)", "unpack it first: xz -d --format=lzma"),
    Foreign(b"\x1f\x9d", "a file of compress (.Z)", "unpack it first: gzip -d"),
    *(
        Foreign(magic, "a file of zlib's format", "unpack it first: pigz -dz")
        for magic in (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
    ),
    Foreign(b"Rar!", "a RAR file", "unpack it first"),
    Foreign(b"hsqs", "a squashfs image", "mount it, or unpack it with unsquashfs"),
    Foreign(b"0707", "a cpio file", "unpack it, or `migstream find` looks for streams in it"),
    Foreign(b"age-encryption.org/", "a file that age encrypted", "decrypt it first: age -d"),
    Foreign(b"-----BEGIN PGP MESSAGE", "a file that GnuPG encrypted", "decrypt it first: gpg -d"),
    *(
        Foreign(magic, "a file that GnuPG encrypted", "decrypt it first: gpg -d")
        for magic in (b"\x8c\x0d\x04\x09", b"\x85\x01\x0c\x03", b"\x85\x02\x0c\x03")
    ),
    Foreign(b"Salted__", "a file that openssl encrypted", "decrypt it first: openssl enc -d"),
    Foreign(b"ustar", "a tar file, or a guest for import (OVA)", "unpack it, or `migstream find` looks for streams in it", 257),
    Foreign(b"\x55\xaa", "a disk, or its image", "`migstream find` looks for streams in it", 510),
)  # fmt: skip
ELF = b"\x7fELF"
CORE = (b"\x04\0", b"\0\x04")  # e_type: ET_CORE


def foreign(head: bytes) -> Foreign | None:
    """What begins with these bytes; None where that is not known.

    Parameters
    ----------
    head : HEAD bytes, or all that there are
    """
    if head.startswith(ELF):
        if head[16:18] in CORE:
            return Foreign(
                ELF, "an ELF core file of a guest or a kernel", "crash, drgn and gdb read it"
            )
        return Foreign(ELF, "an ELF file, a program or a library")
    return next((one for one in TABLE if head[one.at :].startswith(one.magic)), None)
