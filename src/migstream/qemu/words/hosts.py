"""What is refused before or beside the stream: by a host, a backend, a disk, TLS, or libvirt.

Words of QEMU (block/snapshot.c, migration/savevm.c, crypto/tlssession.c, io/channel-tls.c,
backends/tpm/tpm_emulator.c, hw/9pfs/9p.c, hw/vfio/migration.c, block/file-posix.c), of usbredir
(usbredirparser/usbredirparser.c) and of libvirt (src/qemu/qemu_migration.c, src/conf/domain_conf.c,
src/cpu/cpu.c).
"""

from __future__ import annotations

from functools import partial

from migstream.qemu.words.model import Message, message

__all__ = ["HOSTS"]

host = partial(message, place="none", side="host")
libvirt = partial(message, place="none", side="libvirt")
source = partial(message, place="none", side="source")

HOSTS: tuple[Message, ...] = (
    # --- connections ---
    host(
        "tls",
        "Cannot read from TLS channel: {why:s}",
        "Cannot write to TLS channel: {why:s}",
        "Cannot read from TLS channel",
        "Cannot write to TLS channel",
        "TLS handshake failed: {why:s}",
        "TLS handshake failed",
        "TLS termination failed: {why:s}",
        "Certificate does not match the hostname {name}",
        "No TLS credentials with id '{name}'",
        "TLS x509 authz check for {name} is denied",
        "TLS setup failed",
        means="the encrypted connection between the two hosts broke or was refused: the stream is innocent",
        causes=(
            "the other side ended: its own log has the reason",
            "certificates: expired, of another name, or of an authority that this host does not know",
            "TLS is on at one side only (tls-creds, migrate_tls in libvirt's qemu.conf)",
        ),
        look=(
            "the log of the other host",
            "`virsh migrate NAME qemu+ssh://HOST/system` without --tls, to see whether it is that",
        ),
    ),
    host(
        "locked",
        'Failed to get "{what}" lock',
        "Is another process using the image [{image:s}]?",
        "Failed to lock byte {number:d}",
        means="another process, perhaps a QEMU on another host, has the disk's image open",
        causes=(
            "the source still runs, or did not end",
            "the image is open by another guest, or by qemu-nbd or qemu-img",
        ),
        look=("`fuser` and `lslocks` on the hosts that have the image",),
    ),
    # --- backends ---
    host(
        "swtpm",
        "tpm-emulator: Setting the stateblob (type {type:d}) failed with a TPM error {error:x} {why:s}",
        "tpm-emulator: Setting the stateblob (type {type:d}) failed with a TPM error {error:x}",
        "tpm-emulator: could not set state blob type {type:d} : {why:s}",
        "tpm-emulator: Could not initialize the TPM with the state",
        means="swtpm, the TPM's process on the destination, refuses the state that the stream holds for it",
        causes=(
            "swtpm there is older, or has another encryption key than the source's",
            "another TPM version (1.2, 2.0), or its state directory is in use",
        ),
        look=(
            "swtpm's log (libvirt: /var/log/swtpm/libvirt/qemu/NAME-swtpm.log)",
            "`swtpm --version` of both hosts",
        ),
    ),
    host(
        "usb-redir",
        "usbredirparser: unserialization must use a pristine parser",
        "usbredirparser: error unserialize {why:s}",
        "usbredirparser: {why:s}",
        means="the parser of a redirected USB device does not take its state back",
        causes=(
            "a USB device was redirected when the state was saved, or is redirected now (SPICE)",
            "a snapshot is loaded into a guest that already talked to the client",
        ),
        look=(
            "disconnect the client's USB devices, and try again",
            "the `usb-redir` devices of the guest",
        ),
    ),
    # --- snapshots ---
    host(
        "no-snapshot",
        "Device '{device}' does not have the requested snapshot '{snapshot:s}'",
        "Snapshot '{snapshot:s}' does not exist in one or more devices",
        "Can't find snapshot",
        means="no snapshot of that name is on the disk that is asked for it",
        causes=(
            "another disk holds the VM state, or the image was replaced or converted (which drops snapshots)",
            "the name is misspelt, or the snapshot was deleted",
        ),
        look=("`qemu-img snapshot -l IMAGE`: those that are there",),
    ),
    host(
        "no-state",
        "This is a disk-only snapshot. Revert to it  offline using qemu-img",
        "This is a disk-only snapshot. Revert to it offline using qemu-img",
        means="the snapshot holds a disk and no state of a running guest",
        causes=("it was made while the guest was off, or by qemu-img",),
        look=("`qemu-img snapshot -a NAME IMAGE` while the guest is off",),
    ),
    source(
        "snapshot-unsupported",
        "Device '{device}' is writable but does not support snapshots",
        "No block device can accept snapshots",
        "No block device supports snapshots",
        "Block driver does not support snapshots",
        "Disk device '{device}' does not support snapshotting",
        means="a writable disk is in a format that cannot hold a snapshot",
        causes=("a raw disk (also an UEFI variable store), or one behind a network protocol",),
        look=("the disks' formats: `qemu-img info IMAGE`; make the disk qcow2, or read-only",),
    ),
    # --- what cannot be saved ---
    source(
        "9p",
        "Migration is disabled when VirtFS export path '{path:s}' is mounted in the guest using mount_tag '{tag}'",
        means="a folder of the host is mounted in the guest (9p), and its state cannot be taken along",
        causes=("the guest has the share mounted",),
        look=("in the guest: `umount -t 9p {tag}`, then save again", "virtiofs instead of 9p"),
    ),
    source(
        "vfio",
        "{device}: VFIO migration is not supported in kernel",
        "{device}: VFIO migration is not supported with {what:s}",
        "{device}: Migration is disabled for VFIO device",
        "VFIO device doesn't support device migration",
        "VFIO_MIGRATION_STOP_COPY is not supported",
        "Multiple VFIO devices migration is supported only if all of them support P2P migration",
        "cannot migrate a domain with <hostdev mode='subsystem' type='{type}'>",
        "domain has assigned non-USB host devices",
        means="a device that is passed through to the guest cannot be taken along",
        causes=("its driver in the host's kernel has no migration (a variant driver would)",),
        look=(
            "detach it first: `virsh detach-device NAME DEVICE.xml`",
            "the driver that the device is bound to: `lspci -nnk`",
        ),
    ),
    source(
        "unmigratable",
        "Migration is disabled when using feature 'peer mode' in device 'ivshmem'",
        "Migration disabled: TPM emulator does not support migration",
        "Migration disabled: {why:s}",
        "Back-end of {what:s} does not support migration through qemu",
        "The vdagent chardev doesn't support migration with machine version less than 10.1",
        "TCG plugin time control does not support migration",
        "virgl is not yet migratable",
        "vhost-user backend lacks VHOST_USER_PROTOCOL_F_LOG_SHMFD feature.",
        "Nested KVM guests cannot be migrated",
        means="something that the guest has cannot be saved while it runs",
        causes=("a device or backend without migration",),
        look=(
            "the device on the source's command line; remove it, or shut the guest down instead",
        ),
    ),
    source(
        "slow",
        "migration is not converging",
        "Migration is not converging",
        "migration out job: canceled by client",
        "migration job: unexpectedly failed",
        means="the source gave up: the guest wrote memory faster than the connection carries it, or somebody ended the migration",
        causes=(
            "too little bandwidth for a guest that writes so much",
            "a time-out of what started the migration",
        ),
        look=(
            "`virsh migrate NAME qemu+ssh://HOST/system --auto-converge`, --postcopy, or a longer `migrate-setmaxdowntime`",
            "`migstream history --heat` of a save shows what the guest writes",
        ),
    ),
    source(
        "write-state",
        "Error while writing VM state: {why:s}",
        "Error while writing VM state",
        means="the state could not be written: a device refused, or the disk did",
        causes=("the line before says which device", "no room on the disk that holds the snapshot"),
        kind="result",
    ),
    # --- libvirt ---
    libvirt(
        "libvirt-host-cpu",
        "the CPU is incompatible with host CPU: {why:s}",
        "guest and host CPU are not compatible: {why:s}",
        "Host CPU does not provide required features: {features:s}",
        "unsupported configuration: CPU mode '{mode}' for {arch:s} is not supported by hypervisor",
        means="libvirt: the host's CPU lacks what the guest's CPU has; nothing was loaded",
        causes=(
            "the destination's CPU, microcode or kernel is older, or a feature is switched off there",
            "the guest's CPU is host-model or host-passthrough of another host",
        ),
        look=(
            "`virsh hypervisor-cpu-baseline` over the domcapabilities of all hosts gives a CPU that all have",
        ),
    ),
    libvirt(
        "libvirt-abi",
        "Target {what:s} does not match source {source:s}",
        "Target {what:s} does not match source",
        "Domain name mismatch{what:s}",
        means="libvirt: the XML given for the destination describes another machine than the one that runs",
        causes=("--xml or the definition on the destination differs where it must not",),
        look=("`virsh dumpxml --migratable NAME` of the source, compared with what was given",),
    ),
    libvirt(
        "libvirt-unsafe",
        "Migration without shared storage is unsafe",
        "Migration may lead to data corruption if disks use cache != none or cache != directsync",
        "Migration may lead to data corruption if disks use cache other than none or directsync",
        means="libvirt refuses: the disks may be seen by both hosts and differ",
        causes=("the images are on local storage, or cached by the source's host",),
        look=(
            "`virsh migrate NAME qemu+ssh://HOST/system --copy-storage-all`, or cache='none' in the disks; --unsafe where you know better",
        ),
    ),
    libvirt(
        "libvirt-lock",
        "Timed out during operation: cannot acquire state change lock{holder:s}",
        "cannot acquire state change lock{holder:s}",
        "cannot acquire state change lock",
        means="libvirt: another operation on this guest has not ended",
        causes=("a save, snapshot or migration hangs, or a QEMU that does not answer",),
        look=("`virsh domjobinfo NAME`, `virsh domjobabort NAME`",),
    ),
    libvirt(
        "libvirt-lost",
        "Lost connection to destination host",
        "Attempt to migrate guest to the same host {host:s}",
        "unable to connect to server at '{address:s}': {why:s}",
        "Unable to find security driver for model {model}",
        means="libvirt: the other host's daemon cannot be reached, or is this one",
        causes=("its name, its ports (49152 and up), a firewall, its certificates",),
        look=("`virsh -c qemu+ssh://HOST/system list` from the source",),
    ),
    libvirt(
        "libvirt-wrapper",
        "QEMU unexpectedly closed the monitor",
        "qemu unexpectedly closed the monitor",
        "process exited while connecting to monitor",
        "guest unexpectedly quit",
        means="QEMU ended while libvirt talked to it: what QEMU said is the reason",
        causes=("the lines of QEMU's own log, /var/log/libvirt/qemu/NAME.log on that host",),
        look=("/var/log/libvirt/qemu/NAME.log (session: ~/.cache/libvirt/qemu/log/NAME.log)",),
        kind="result",
    ),
)
