"""What is refused before or beside the stream: by a host, a backend, a disk, or TLS.

Words of QEMU (block/snapshot.c, migration/savevm.c, crypto/tlssession.c, io/channel-tls.c,
backends/tpm/tpm_emulator.c, hw/9pfs/9p.c, hw/vfio/migration.c, block/file-posix.c), and of usbredir
(usbredirparser/usbredirparser.c). What libvirt itself refuses is in `libvirt`.
"""

from __future__ import annotations

from functools import partial

from migstream.qemu.words.model import Message, message

__all__ = ["HOSTS"]

host = partial(message, place="none", side="host")
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
        "Can't find the snapshot",
        "Snapshot can not be found",
        "Snapshot with id '{id:s}' and name '{snapshot:s}' does not exist on device '{device}'",
        "There is no snapshot available.",
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
        "Block format '{format}' used by device '{device}' does not support {what:s}",
        "Device '{device}' does not support internal snapshots",
        "No available block device supports snapshots",
        "At least one device is required for snapshot",
        "Cannot store dirty bitmaps in qcow2 v2 files",
        "Size of VMstate region is unknown",
        "I/O buffer registration is not supported when reading from vmstate",
        means="a writable disk is in a format that cannot hold a snapshot",
        causes=("a raw disk (also an UEFI variable store), or one behind a network protocol",),
        look=("the disks' formats: `qemu-img info IMAGE`; make the disk qcow2, or read-only",),
    ),
    host(
        "snapshot-failed",
        "Snapshot '{snapshot:s}' already exists in one or more devices",
        "Snapshot with name '{snapshot:s}' already exists on device '{device}'",
        "Could not create snapshot '{snapshot:s}' on '{device}'",
        "Could not delete snapshot '{snapshot:s}' on '{device}': {why:s}",
        "Could not load snapshot '{snapshot:s}' on '{device}': {why:s}",
        "Could not check snapshot '{snapshot:s}' on '{device}'",
        "Could not create snapshot for icount record",
        "Could not load snapshot for icount replay",
        "Could not open VM state file",
        "Error while creating snapshot on '{device}'",
        "Error while deleting snapshot on device '{device}': {why:s}",
        "Failed to create snapshot '{snapshot:s}' on device '{device}'",
        "Failed to delete snapshot with id '{id:s}' and name '{snapshot:s}' on device '{device}' in abort: {why:s}",
        "Failed to load snapshot",
        "Failed to get a snapshot list",
        "Failed to remove snapshot from snapshot list",
        "Failed to read l1 table for snapshot",
        "Failed to read snapshot table",
        "Failed to update snapshot status in disk",
        "Failed to update the snapshot table",
        "Snapshot table is too big",
        "Can't list snapshots of device '{device}'",
        "Can't resize a v2 image which has snapshots",
        "ERROR failed to {what:n} snapshot table: {why:s}",
        "ERROR failed to read the snapshot table pointer from the image header: {why:s}",
        "ERROR failed to {what:n} the snapshot {which:n}: {why:s}",
        "ERROR snapshot {snapshot} ({name:s}) {what:s}",
        "ERROR {number:d} snapshots in image with data file",
        "Discarding {number:d} overhanging snapshots",
        "bdrv_readv_vmstate failed",
        "bdrv_writev_vmstate failed",
        "bdrv_snapshot_list: error {error:d}",
        means="the disk's list of snapshots could not be read or written: the image, not the state in it",
        causes=(
            "no room on the disk, or an image that cannot be written",
            "the image's tables are damaged; another process has it open",
            "a snapshot of that name is there already",
        ),
        look=("`qemu-img snapshot -l IMAGE`, `qemu-img check IMAGE` while the guest is off",),
    ),
    host(
        "disk-bitmaps",
        "Dirty bitmap '{bitmap:s}' not found",
        "{device}: Failed to make dirty bitmaps writable: {why:s}",
        "requested x-dirty-bitmap {bitmap:s} not found",
        "no dirty-bitmap match",
        "x-dirty-bitmap query too long to send to server",
        "Bitmap '{bitmap:s}' is currently in use by another operation and cannot be used",
        "Bitmap '{bitmap:s}' is inconsistent and cannot be used",
        "Bitmap '{bitmap:s}' is readonly and cannot be modified",
        means="a dirty bitmap (what a backup wants to know of a disk) is not there, or not usable",
        causes=(
            "the image was changed by a program that does not keep bitmaps",
            "a backup holds it",
        ),
        look=("`qemu-img info IMAGE`: its bitmaps; remove it, and make a full backup",),
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
        "Migration disabled",
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
            "`migstream stat FILE` of a save shows how much was sent again, round by round",
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
)
