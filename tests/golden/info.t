$ migstream info --help
Usage: migstream info [OPTIONS] STREAM

  What this is: container, machine, devices, RAM blocks, sizes.

  Instant on a file of any size: guest memory is walked up to 256 MiB, or where
  the end of the file may be another stream's (--walk: always). Of a recorded
  return path or multifd channel it says how much of what it holds.

Options:
  --all                        Every device, not the largest.
  --guest                      What is in guest memory: firmware's tables,
                               kernel, command line.
  --like OTHER                 Take the description from another stream where
                               this one has none.
  --channel FILE               A recorded multifd channel of this migration; a
                               folder or a pattern ('ch*.bin') for several.
  --offset N                   Where in STREAM the stream begins; offsets are
                               counted from there.
  --inside NAME                Which one of several that STREAM holds: a
                               snapshot's id or name, a connection.
  --container KIND             What the stream stands in (none: nothing), where
                               the bytes mislead.
  --walk                       Read all of a large stream before anything is
                               said of it.
  --json                       Print JSON.
  --color [auto|always|never]  Colour; auto: on a terminal, unless NO_COLOR is
                               set.
  -v, --verbose                Say all that is known.
  --wide                       Do not fit lines to the terminal.
  --no-pager                   Do not page what is longer than the screen.
  -h, --help                   Show this message and exit.

Examples:
  # What this is
  $ migstream info guest.mig
  # A snapshot in a disk, by its name
  $ migstream info disk.qcow2 --inside before
  # What comes through a pipe
  $ xz -dc guest.mig.xz | migstream info -
  # For a program
  $ migstream info guest.save --json

$ migstream info none-7.2.mig
file          none-7.2.mig
size          747 bytes
machine       none
QEMU          6.0 to 8.1 (identify lists what tells it)
capabilities  none recorded
page size     4 096
description   486 bytes
devices       2, 182 bytes
RAM           0 blocks, 0 bytes
checked       all of it: whole

Devices
  globalstate[0]  v1  104 B  104
  timer[0]        v2   24 B   24

$ migstream info q35-7.2.mig
file          q35-7.2.mig
size          1.1 MiB (1 126 275)
machine       pc-q35-7.2
QEMU          7.2 (identify lists what tells it)
capabilities  none recorded
page size     4 096
description   71.2 KiB (72 950)
guest         2 CPUs, 32.0 MiB of memory, under TCG
devices       39, 262.1 KiB (268 393)
RAM           8 blocks, 33.0 MiB (34 611 200)
checked       all of it: whole

RAM blocks
  pc.ram                            32.0 MiB  33 554 432
  /rom@etc/acpi/tables             128.0 KiB     131 072
  pc.bios                          256.0 KiB     262 144
  0000:00:01.0/virtio-net-pci.rom  256.0 KiB     262 144
  0000:00:02.0/e1000e.rom          256.0 KiB     262 144
  pc.rom                           128.0 KiB     131 072
  /rom@etc/table-loader              4.0 KiB       4 096
  /rom@etc/acpi/rsdp                 4.0 KiB       4 096

Largest devices
  0000:00:02.0/e1000e[0]       v1  132.9 KiB  136 061
  0000:00:01.0/virtio-net[0]  v11   45.1 KiB   46 143
  0000:00:04.0/virtio-rng[0]   v1   44.5 KiB   45 526
  0000:00:1f.0/ICH9LPC[0]      v1   18.4 KiB   18 878
  0000:00:03.0/xhci[0]         v1    5.2 KiB    5 343
  0000:00:1f.2/ich9_ahci[0]    v1    4.1 KiB    4 168
  vmmouse[0]                   v0    4.0 KiB    4 105
  cpu[0]                      v12    1.8 KiB    1 851
  cpu[1]                      v12    1.8 KiB    1 851
  0000:00:1f.3/ich9_smb[0]     v1      325 B      325
  and 29 more (--all): ls --devices, tree

$ migstream info pc-7.2.mig --json
{
  "migstream": "info",
  "format": 1,
  "file": "pc-7.2.mig",
  "size": 350517,
  "machine": "pc-i440fx-7.2",
  "qemu_hint": "7.2 to 8.1",
  "distribution": null,
  "capabilities": [],
  "page_size": 4096,
  "vcpus": 1,
  "max_vcpus": null,
  "memory": 16777216,
  "backends": [],
  "plugged": [],
  "slots": 0,
  "accelerator": "tcg",
  "cpu": null,
  "uuid": null,
  "description_size": 98649,
  "device_count": 30,
  "device_bytes": 12857,
  "devices": [
    {
      "path": "timer[0]",
      "version_id": 2,
      "size": 24,
      "described": true
    },
    {
      "path": "cpu_common[0]",
      "version_id": 1,
      "size": 8,
      "described": true
    },
    {
      "path": "cpu[0]",
      "version_id": 12,
      "size": 1851,
      "described": true
    },
    {
      "path": "kvm-tpr-opt[0]",
      "version_id": 1,
      "size": 144,
      "described": true
    },
    {
      "path": "apic[0]",
      "version_id": 3,
      "size": 181,
      "described": true
    },
    {
      "path": "fw_cfg[0]",
      "version_id": 2,
      "size": 74,
      "described": true
    },
    {
      "path": "PCIHost[0]",
      "version_id": 1,
      "size": 4,
      "described": true
    },
    {
      "path": "PCIBUS[0]",
      "version_id": 1,
      "size": 20,
      "described": true
    },
    {
      "path": "0000:00:00.0/I440FX[0]",
      "version_id": 3,
      "size": 277,
      "described": true
    },
    {
      "path": "dma[0]",
      "version_id": 1,
      "size": 75,
      "described": true
    },
    {
      "path": "dma[1]",
      "version_id": 1,
      "size": 75,
      "described": true
    },
    {
      "path": "0000:00:01.0/PIIX3[0]",
      "version_id": 3,
      "size": 292,
      "described": true
    },
    {
      "path": "i8259[0]",
      "version_id": 1,
      "size": 16,
      "described": true
    },
    {
      "path": "i8259[1]",
      "version_id": 1,
      "size": 16,
      "described": true
    },
    {
      "path": "ioapic[0]",
      "version_id": 3,
      "size": 206,
      "described": true
    },
    {
      "path": "hpet[0]",
      "version_id": 2,
      "size": 151,
      "described": true
    },
    {
      "path": "mc146818rtc[0]",
      "version_id": 3,
      "size": 245,
      "described": true
    },
    {
      "path": "i8254[0]",
      "version_id": 3,
      "size": 108,
      "described": true
    },
    {
      "path": "pcspk[0]",
      "version_id": 1,
      "size": 2,
      "described": true
    },
    {
      "path": "fdc[0]",
      "version_id": 2,
      "size": 593,
      "described": true
    },
    {
      "path": "ps2kbd[0]",
      "version_id": 3,
      "size": 284,
      "described": true
    },
    {
      "path": "ps2mouse[0]",
      "version_id": 2,
      "size": 291,
      "described": true
    },
    {
      "path": "pckbd[0]",
      "version_id": 3,
      "size": 40,
      "described": true
    },
    {
      "path": "vmmouse[0]",
      "version_id": 0,
      "size": 4105,
      "described": true
    },
    {
      "path": "port92[0]",
      "version_id": 1,
      "size": 1,
      "described": true
    },
    {
      "path": "0000:00:01.1/ide[0]",
      "version_id": 3,
      "size": 430,
      "described": true
    },
    {
      "path": "i2c_bus[0]",
      "version_id": 1,
      "size": 1,
      "described": true
    },
    {
      "path": "0000:00:01.3/piix4_pm[0]",
      "version_id": 3,
      "size": 2432,
      "described": true
    },
    {
      "path": "acpi_build[0]",
      "version_id": 1,
      "size": 1,
      "described": true
    },
    {
      "path": "globalstate[0]",
      "version_id": 1,
      "size": 104,
      "described": true
    }
  ],
  "ram": {
    "total": 17309696,
    "blocks": [
      {
        "name": "pc.ram",
        "size": 16777216,
        "page_size": null,
        "address": null,
        "pages": {
          "page_size": 4096,
          "total": 4096,
          "sent": 4096,
          "absent": 0,
          "unplugged": 0
        },
        "unplugged": 0
      },
      {
        "name": "/rom@etc/acpi/tables",
        "size": 131072,
        "page_size": null,
        "address": null,
        "pages": {
          "page_size": 4096,
          "total": 32,
          "sent": 32,
          "absent": 0,
          "unplugged": 0
        },
        "unplugged": 0
      },
      {
        "name": "pc.bios",
        "size": 262144,
        "page_size": null,
        "address": null,
        "pages": {
          "page_size": 4096,
          "total": 64,
          "sent": 64,
          "absent": 0,
          "unplugged": 0
        },
        "unplugged": 0
      },
      {
        "name": "pc.rom",
        "size": 131072,
        "page_size": null,
        "address": null,
        "pages": {
          "page_size": 4096,
          "total": 32,
          "sent": 32,
          "absent": 0,
          "unplugged": 0
        },
        "unplugged": 0
      },
      {
        "name": "/rom@etc/table-loader",
        "size": 4096,
        "page_size": null,
        "address": null,
        "pages": {
          "page_size": 4096,
          "total": 1,
          "sent": 1,
          "absent": 0,
          "unplugged": 0
        },
        "unplugged": 0
      },
      {
        "name": "/rom@etc/acpi/rsdp",
        "size": 4096,
        "page_size": null,
        "address": null,
        "pages": {
          "page_size": 4096,
          "total": 1,
          "sent": 1,
          "absent": 0,
          "unplugged": 0
        },
        "unplugged": 0
      }
    ],
    "pages": {
      "page_size": 4096,
      "total": 4226,
      "sent": 4226,
      "absent": 0,
      "unplugged": 0
    },
    "missing": []
  },
  "channels": [],
  "walked": true,
  "from": "walk",
  "offset": 0,
  "layers": [],
  "disagreements": null,
  "behind": null,
  "damage": [],
  "guest": null
}

# From a pipe, from a packed file.
$ cat none-7.2.mig | migstream info -
file          <stdin>
size          747 bytes
machine       none
QEMU          6.0 to 8.1 (identify lists what tells it)
capabilities  none recorded
page size     4 096
description   486 bytes
devices       2, 182 bytes
RAM           0 blocks, 0 bytes
checked       all of it: whole

Devices
  globalstate[0]  v1  104 B  104
  timer[0]        v2   24 B   24

$ migstream info none-7.2.mig.xz
file          none-7.2.mig.xz
size          747 bytes
machine       none
QEMU          6.0 to 8.1 (identify lists what tells it)
capabilities  none recorded
page size     4 096
description   486 bytes
devices       2, 182 bytes
RAM           0 blocks, 0 bytes
checked       all of it: whole

Devices
  globalstate[0]  v1  104 B  104
  timer[0]        v2   24 B   24

# Capabilities, memory that is elsewhere, no configuration, no description, other architectures.
$ migstream info pc-ignore-shared-7.2.mig
file          pc-ignore-shared-7.2.mig
size          306.4 KiB (313 744)
machine       pc-i440fx-7.2
QEMU          7.2 to 8.1 (identify lists what tells it)
capabilities  x-ignore-shared
page size     4 096
description   96.3 KiB (98 649)
guest         1 CPU, 16.0 MiB of memory in ram0 (16.0 MiB), under TCG
devices       30, 12.6 KiB (12 857)
RAM           6 blocks, 16.5 MiB (17 309 696); 130 of 4 226 pages are in this stream
checked       all of it: whole

RAM blocks
  ram0                    16.0 MiB  16 777 216    at 0x0         0 of 4 096 pages
  /rom@etc/acpi/tables   128.0 KiB     131 072    at 0x0
  pc.bios                256.0 KiB     262 144    at 0xfffc0000
  pc.rom                 128.0 KiB     131 072    at 0xc0000
  /rom@etc/table-loader    4.0 KiB       4 096    at 0x0
  /rom@etc/acpi/rsdp       4.0 KiB       4 096    at 0x0
  ram0: 4 096 of 4 096 pages, 16.0 MiB (16 777 216), are not in this stream: it is shared memory that the stream leaves out (x-ignore-shared): look into its backing file

Largest devices
  vmmouse[0]                 v0  4.0 KiB  4 105
  0000:00:01.3/piix4_pm[0]   v3  2.4 KiB  2 432
  cpu[0]                    v12  1.8 KiB  1 851
  fdc[0]                     v2    593 B    593
  0000:00:01.1/ide[0]        v3    430 B    430
  0000:00:01.0/PIIX3[0]      v3    292 B    292
  ps2mouse[0]                v2    291 B    291
  ps2kbd[0]                  v3    284 B    284
  0000:00:00.0/I440FX[0]     v3    277 B    277
  mc146818rtc[0]             v3    245 B    245
  and 20 more (--all): ls --devices, tree

$ migstream info pc-uuid-7.2.mig | head -n 11
file          pc-uuid-7.2.mig
size          342.3 KiB (350 557)
machine       pc-i440fx-7.2
QEMU          7.2 to 8.1 (identify lists what tells it)
capabilities  none recorded
page size     4 096
UUID          00112233-4455-6677-8899-aabbccddeeff
description   96.3 KiB (98 649)
guest         1 CPU, 16.0 MiB of memory, under TCG
devices       30, 12.6 KiB (12 857)
RAM           6 blocks, 16.5 MiB (17 309 696)

$ migstream info pc-2.3-7.2.mig | head -n 11
file          pc-2.3-7.2.mig
size          340.1 KiB (348 229)
machine       not recorded
QEMU          7.1 to 8.1 (identify lists what tells it)
capabilities  none recorded
page size     4 096
description   94.5 KiB (96 746)
guest         1 CPU, 16.0 MiB of memory, under TCG
devices       28, 12.2 KiB (12 505)
RAM           6 blocks, 16.5 MiB (17 309 696)
checked       all of it: whole

$ migstream info pc-novmdesc-7.2.mig
file          pc-novmdesc-7.2.mig
size          246.0 KiB (251 863)
machine       pc-i440fx-7.2
QEMU          7.2 to 8.1 (identify lists what tells it)
capabilities  none recorded
page size     not recorded
description   none
guest         1 CPU, 16.0 MiB of memory
devices       30, 12.6 KiB (12 857)
RAM           6 blocks, 16.5 MiB (17 309 696)
checked       all of it: whole

RAM blocks
  pc.ram                  16.0 MiB  16 777 216
  /rom@etc/acpi/tables   128.0 KiB     131 072
  pc.bios                256.0 KiB     262 144
  pc.rom                 128.0 KiB     131 072
  /rom@etc/table-loader    4.0 KiB       4 096
  /rom@etc/acpi/rsdp       4.0 KiB       4 096

Largest devices
  vmmouse[0]                 v0  4.0 KiB  4 105  not described
  0000:00:01.3/piix4_pm[0]   v3  2.4 KiB  2 432  not described
  cpu[0]                    v12  1.8 KiB  1 851  not described
  fdc[0]                     v2    593 B    593  not described
  0000:00:01.1/ide[0]        v3    430 B    430  not described
  0000:00:01.0/PIIX3[0]      v3    292 B    292  not described
  ps2mouse[0]                v2    291 B    291  not described
  ps2kbd[0]                  v3    284 B    284  not described
  0000:00:00.0/I440FX[0]     v3    277 B    277  not described
  mc146818rtc[0]             v3    245 B    245  not described
  and 20 more (--all): ls --devices, tree

$ migstream info s390x-7.2.mig | head -n 12
file          s390x-7.2.mig
size          115.3 KiB (118 048)
machine       s390-ccw-virtio-7.2
QEMU          7.2 to 8.1 (identify lists what tells it)
capabilities  none recorded
page size     4 096
description   8.3 KiB (8 467)
guest         1 CPU, 16.0 MiB of memory, under TCG
devices       13, 6.8 KiB (6 965)
RAM           1 block, 16.0 MiB (16 777 216)
checked       all of it: whole

$ migstream info pseries-7.2.mig | head -n 12
file          pseries-7.2.mig
size          3.7 MiB (3 874 729)
machine       pseries-7.2
QEMU          7.2 to 8.1 (identify lists what tells it)
capabilities  none recorded
page size     4 096
description   6.5 KiB (6 671)
guest         1 CPU, 256.0 MiB of memory
CPU           POWER9 (PVR 0x004e1200)
devices       17, 2.2 MiB (2 295 217)
RAM           1 block, 256.0 MiB (268 435 456)
checked       all of it: whole

# Damage, something in front, something behind.
$ head -c 200000 pc-7.2.mig > cut.mig

$ migstream info cut.mig
file          cut.mig
size          195.3 KiB (200 000)
machine       pc-i440fx-7.2
QEMU          7.2 or later (identify lists what tells it)
capabilities  none recorded
page size     not recorded
description   none
guest         16.0 MiB of memory
devices       0, 0 bytes
RAM           6 blocks, 16.5 MiB (17 309 696); 4 184 of 4 226 pages are in this stream
checked       all of it: damaged

RAM blocks
  pc.ram                  16.0 MiB  16 777 216
  /rom@etc/acpi/tables   128.0 KiB     131 072
  pc.bios                256.0 KiB     262 144      56 of 64 pages
  pc.rom                 128.0 KiB     131 072      0 of 32 pages
  /rom@etc/table-loader    4.0 KiB       4 096      0 of 1 pages
  /rom@etc/acpi/rsdp       4.0 KiB       4 096      0 of 1 pages
  pc.bios: 8 of 64 pages, 32.0 KiB (32 768), are not in this stream: the stream is cut off or was edited, postcopy would have sent them, or a balloon told which pages are free
  pc.rom: 32 of 32 pages, 128.0 KiB (131 072), are not in this stream: no page of it was sent. Perhaps they went through multifd channels: name the recordings of those with --channel; or the stream is cut off, or leaves memory out
  /rom@etc/table-loader: 1 of 1 pages, 4.0 KiB (4 096), are not in this stream: no page of it was sent. Perhaps they went through multifd channels: name the recordings of those with --channel; or the stream is cut off, or leaves memory out
  /rom@etc/acpi/rsdp: 1 of 1 pages, 4.0 KiB (4 096), are not in this stream: no page of it was sent. Perhaps they went through multifd channels: name the recordings of those with --channel; or the stream is cut off, or leaves memory out
[stderr]
migstream: cut.mig:0x303de ram[0]: wanted 4104 bytes, 2402 left [MS101]
  expected 4104, found 2402
  hint: the stream was cut off; what precedes this place is intact
[exit status 3]

$ (head -c 1000 /dev/zero; cat none-7.2.mig) > inside.img

$ migstream info inside.img
file          inside.img
size          1.7 KiB (1 747)
machine       none
QEMU          6.0 to 8.1 (identify lists what tells it)
capabilities  none recorded
page size     4 096
description   486 bytes
devices       2, 182 bytes
RAM           0 blocks, 0 bytes
checked       all of it: damaged

Devices
  globalstate[0]  v1  104 B  104
  timer[0]        v2   24 B   24
[stderr]
migstream: inside.img:0x0: not a migration stream [MS102]
  expected 51 45 56 4d, found 00 00 00 00
  hint: a stream begins at 0x3e8: --offset 0x3e8 opens it
[exit status 3]

$ migstream info inside.img --offset 1000
file          inside.img
size          747 bytes
begins at     0x3e8; offsets are counted from there
machine       none
QEMU          6.0 to 8.1 (identify lists what tells it)
capabilities  none recorded
page size     4 096
description   486 bytes
devices       2, 182 bytes
RAM           0 blocks, 0 bytes
checked       all of it: whole

Devices
  globalstate[0]  v1  104 B  104
  timer[0]        v2   24 B   24

$ (cat none-7.2.mig; head -c 5000 pc-7.2.mig) > behind.mig

$ migstream info behind.mig
file          behind.mig
size          5.6 KiB (5 747)
machine       none
QEMU          6.0 to 8.1 (identify lists what tells it)
capabilities  none recorded
page size     4 096
description   486 bytes
devices       2, 182 bytes
RAM           0 blocks, 0 bytes
checked       all of it: whole
behind it     4.9 KiB (5 000): bytes of something else

Devices
  globalstate[0]  v1  104 B  104
  timer[0]        v2   24 B   24

$ migstream info pc-7.2.mig --guest | tail -n 6
  mc146818rtc[0]             v3    245 B    245
  and 20 more (--all): ls --devices, tree

Guest
  has run       0.000 s
  its clock     2026-11-24 02:12:41

# On a terminal of 80 columns.
$ migstream info q35-7.2.mig
file          q35-7.2.mig
size          1.1 MiB (1 126 275)
machine       pc-q35-7.2
QEMU          7.2 (identify lists what tells it)
capabilities  none recorded
page size     4 096
description   71.2 KiB (72 950)
guest         2 CPUs, 32.0 MiB of memory, under TCG
devices       39, 262.1 KiB (268 393)
RAM           8 blocks, 33.0 MiB (34 611 200)
checked       all of it: whole

RAM blocks
  pc.ram                            32.0 MiB  33 554 432
  /rom@etc/acpi/tables             128.0 KiB     131 072
  pc.bios                          256.0 KiB     262 144
  0000:00:01.0/virtio-net-pci.rom  256.0 KiB     262 144
  0000:00:02.0/e1000e.rom          256.0 KiB     262 144
  pc.rom                           128.0 KiB     131 072
  /rom@etc/table-loader              4.0 KiB       4 096
  /rom@etc/acpi/rsdp                 4.0 KiB       4 096

Largest devices
  0000:00:02.0/e1000e[0]       v1  132.9 KiB  136 061
  0000:00:01.0/virtio-net[0]  v11   45.1 KiB   46 143
  0000:00:04.0/virtio-rng[0]   v1   44.5 KiB   45 526
  0000:00:1f.0/ICH9LPC[0]      v1   18.4 KiB   18 878
  0000:00:03.0/xhci[0]         v1    5.2 KiB    5 343
  0000:00:1f.2/ich9_ahci[0]    v1    4.1 KiB    4 168
  vmmouse[0]                   v0    4.0 KiB    4 105
  cpu[0]                      v12    1.8 KiB    1 851
  cpu[1]                      v12    1.8 KiB    1 851
  0000:00:1f.3/ich9_smb[0]     v1      325 B      325
  and 29 more (--all): ls --devices, tree
