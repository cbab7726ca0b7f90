$ migstream ls --help
Usage: migstream ls [OPTIONS] STREAM

  Every item of the stream in its order: offset, size, kind, section id, name,
  version.

  What a package holds is indented. A recorded return path is listed by its
  messages, a multifd channel by its packets; channels named with --channel
  follow the stream.

Options:
  --devices                    Devices only; guest memory is not read.
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
  --ndjson                     Print a line of JSON for each as it is found.
  --color [auto|always|never]  Colour; auto: on a terminal, unless NO_COLOR is
                               set.
  -v, --verbose                Say all that is known.
  --wide                       Do not fit lines to the terminal.
  --no-pager                   Do not page what is longer than the screen.
  -h, --help                   Show this message and exit.

Examples:
  # Every item in its order
  $ migstream ls guest.mig
  # The devices alone: instant on any size
  $ migstream ls guest.mig --devices
  # A line of JSON for each item
  $ migstream ls guest.mig --ndjson | grep ide

$ migstream ls pc-7.2.mig
 offset     size  kind           id  name                           note
    0x0        8  fileheader
    0x8       18  configuration      pc-i440fx-7.2
   0x1a      170  start           2  ram[0]                    v4   6 blocks, 16.5 MiB
   0xc4  238 791  part            2  ram[0]                    v4   4 177 zero, 49 normal
0x3a58b       18  end             2  ram[0]                    v4   no pages
0x3a59d       48  full            0  timer[0]                  v2
0x3a5cd       37  full            4  cpu_common[0]             v1
0x3a5f2    1 873  full            5  cpu[0]                    v12
0x3ad43      174  full            6  kvm-tpr-opt[0]            v1
0x3adf1      204  full            7  apic[0]                   v3
0x3aebd       99  full            8  fw_cfg[0]                 v2
0x3af20       30  full            9  PCIHost[0]                v1
0x3af3e       45  full           10  PCIBUS[0]                 v1
0x3af6b      315  full           11  0000:00:00.0/I440FX[0]    v3
0x3b0a6       97  full           12  dma[0]                    v1
0x3b107       97  full           13  dma[1]                    v1
0x3b168      329  full           14  0000:00:01.0/PIIX3[0]     v3
0x3b2b1       40  full           15  i8259[0]                  v1
0x3b2d9       40  full           16  i8259[1]                  v1
0x3b301      231  full           17  ioapic[0]                 v3
0x3b3e8      174  full           18  hpet[0]                   v2
0x3b496      275  full           19  mc146818rtc[0]            v3
0x3b5a9      132  full           20  i8254[0]                  v3
0x3b62d       26  full           21  pcspk[0]                  v1
0x3b647      615  full           22  fdc[0]                    v2
0x3b8ae      309  full           23  ps2kbd[0]                 v3
0x3b9e3      318  full           24  ps2mouse[0]               v2
0x3bb21       64  full           25  pckbd[0]                  v3
0x3bb61    4 131  full           26  vmmouse[0]                v0
0x3cb84       26  full           27  port92[0]                 v1
0x3cb9e      465  full           28  0000:00:01.1/ide[0]       v3
0x3cd6f       27  full           29  i2c_bus[0]                v1
0x3cd8a    2 472  full           30  0000:00:01.3/piix4_pm[0]  v3
0x3d732       30  full           39  acpi_build[0]             v1
0x3d750      134  full           40  globalstate[0]            v1
0x3d7d6        1  end
0x3d7d7   98 654  description

$ migstream ls none-7.2.mig --json
{
  "migstream": "ls",
  "format": 1,
  "file": "none-7.2.mig",
  "items": [
    {
      "kind": "fileheader",
      "span": [
        0,
        8
      ],
      "name": "",
      "section_id": null,
      "version_id": null,
      "note": "",
      "level": 0
    },
    {
      "kind": "configuration",
      "span": [
        8,
        17
      ],
      "name": "none",
      "section_id": null,
      "version_id": null,
      "note": "",
      "level": 0
    },
    {
      "kind": "start",
      "span": [
        17,
        55
      ],
      "name": "ram[0]",
      "section_id": 2,
      "version_id": 4,
      "note": "0 blocks, 0 B",
      "level": 0
    },
    {
      "kind": "end",
      "span": [
        55,
        73
      ],
      "name": "ram[0]",
      "section_id": 2,
      "version_id": 4,
      "note": "no pages",
      "level": 0
    },
    {
      "kind": "full",
      "span": [
        73,
        121
      ],
      "name": "timer[0]",
      "section_id": 0,
      "version_id": 2,
      "note": "",
      "level": 0
    },
    {
      "kind": "full",
      "span": [
        121,
        255
      ],
      "name": "globalstate[0]",
      "section_id": 4,
      "version_id": 1,
      "note": "",
      "level": 0
    },
    {
      "kind": "end",
      "span": [
        255,
        256
      ],
      "name": "",
      "section_id": null,
      "version_id": null,
      "note": "",
      "level": 0
    },
    {
      "kind": "description",
      "span": [
        256,
        747
      ],
      "name": "",
      "section_id": null,
      "version_id": null,
      "note": "",
      "level": 0
    }
  ]
}

$ migstream ls q35-7.2.mig --devices | head -n 12
  offset     size  kind  id  name                             note
 0xbfa1e       48  full   0  timer[0]                    v2
 0xbfa4e       37  full   4  cpu_common[0]               v1
 0xbfa73    1 873  full   5  cpu[0]                      v12
 0xc01c4      174  full   6  kvm-tpr-opt[0]              v1
 0xc0272      204  full   7  apic[0]                     v3
 0xc033e       37  full   8  cpu_common[1]               v1
 0xc0363    1 873  full   9  cpu[1]                      v12
 0xc0ab4      227  full  10  apic[1]                     v3
 0xc0b97       99  full  11  fw_cfg[0]                   v2
 0xc0bfa      312  full  12  0000:00:00.0/mch[0]         v1
 0xc0d32       30  full  13  PCIHost[0]                  v1

$ migstream ls pc-xbzrle-7.2.mig | head -n 12
  offset    size  kind           id  name                           note
     0x0       8  fileheader
     0x8      18  configuration      pc-i440fx-7.2
    0x1a     170  start           2  ram[0]                    v4   6 blocks, 16.5 MiB
    0xc4  53 494  part            2  ram[0]                    v4   13 zero, 13 normal
  0xd1ba  53 370  part            2  ram[0]                    v4   13 normal
 0x1a234  55 053  part            2  ram[0]                    v4   187 zero, 13 normal
 0x27941  53 370  part            2  ram[0]                    v4   13 normal
 0x349bb  54 252  part            2  ram[0]                    v4   3 746 zero, 5 normal
 0x41da7  53 388  part            2  ram[0]                    v4   2 zero, 13 normal
 0x4ee33  53 370  part            2  ram[0]                    v4   13 normal
 0x5bead  54 389  part            2  ram[0]                    v4   110 zero, 13 normal

$ migstream ls pc-postcopy-7.2.mig | head -n 8
 offset     size  kind           id  name                           note
    0x0        8  fileheader
    0x8       18  configuration      pc-i440fx-7.2
   0x1a        5  command            OPEN_RETURN_PATH
   0x1f        9  command            PING                           1
   0x28       21  command            POSTCOPY_ADVISE                4096 4096
   0x3d      170  start           2  ram[0]                    v4   6 blocks, 16.5 MiB
   0xe7  238 791  part            2  ram[0]                    v4   4 177 zero, 49 normal

$ migstream ls pc-bitmaps-7.2.mig | head -n 8
 offset    size  kind           id  name                             note
    0x0       8  fileheader
    0x8      18  configuration      pc-i440fx-7.2
   0x1a       5  command            POSTCOPY_ADVISE                  0 0
   0x1f     170  start           2  ram[0]                      v4   6 blocks, 16.5 MiB
   0xc9      65  start           3  dirty-bitmap[0]             v1   2 events, count 2
  0x10a  25 963  part            2  ram[0]                      v4   2 882 zero
 0x6675  27 830  part            2  ram[0]                      v4   1 263 zero, 4 normal

$ migstream ls pc-background-7.2.mig | head -n 8
 offset     size  kind           id  name                           note
    0x0        8  fileheader
    0x8       18  configuration      pc-i440fx-7.2
   0x1a      170  start           2  ram[0]                    v4   6 blocks, 16.5 MiB
   0xc4  762 951  part            2  ram[0]                    v4   4 049 zero, 177 normal
0xba50b       48  full            0  timer[0]                  v2
0xba53b       37  full            4  cpu_common[0]             v1
0xba560    1 904  full            5  cpu[0]                    v12

# Cut in the middle of a device.
$ head -c 240000 pc-7.2.mig > cut.mig

$ migstream ls cut.mig
 offset     size  kind           id  name                note
    0x0        8  fileheader
    0x8       18  configuration      pc-i440fx-7.2
   0x1a      170  start           2  ram[0]         v4   6 blocks, 16.5 MiB
   0xc4  238 791  part            2  ram[0]         v4   4 177 zero, 49 normal
0x3a58b       18  end             2  ram[0]         v4   no pages
0x3a59d       48  full            0  timer[0]       v2
0x3a5cd       37  full            4  cpu_common[0]  v1
0x3a5f2      910  full            5  cpu[0]         v12  damaged
[stderr]
migstream: cut.mig:0x3a980 cpu[0]: wanted 5 bytes, 0 left [MS101]
  expected 5, found 0
  hint: the stream was cut off; what precedes this place is intact
[exit status 3]

# On a terminal of 80 columns.
$ migstream ls pc-xbzrle-7.2.mig
  offset    size  kind           id  name
     0x0       8  fileheader
     0x8      18  configuration      pc-i440fx-7.2
    0x1a     170  start           2  ram[0]                    v4
    6 blocks, 16.5 MiB
    0xc4  53 494  part            2  ram[0]                    v4
    13 zero, 13 normal
  0xd1ba  53 370  part            2  ram[0]                    v4
    13 normal
 0x1a234  55 053  part            2  ram[0]                    v4
    187 zero, 13 normal
 0x27941  53 370  part            2  ram[0]                    v4
    13 normal
 0x349bb  54 252  part            2  ram[0]                    v4
    3 746 zero, 5 normal
 0x41da7  53 388  part            2  ram[0]                    v4
    2 zero, 13 normal
 0x4ee33  53 370  part            2  ram[0]                    v4
    13 normal
 0x5bead  54 389  part            2  ram[0]                    v4
    110 zero, 13 normal
 0x69322  53 370  part            2  ram[0]                    v4
    13 normal
 0x7639c  53 370  part            2  ram[0]                    v4
    13 normal
 0x83416  53 687  part            2  ram[0]                    v4
    32 zero, 13 normal
 0x905cd   4 141  part            2  ram[0]                    v4
    1 normal
 0x915fa  49 273  part            2  ram[0]                    v4
    12 normal
 0x9d673  53 370  part            2  ram[0]                    v4
    13 normal
 0xaa6ed  53 370  part            2  ram[0]                    v4
    13 normal
 0xb7767  53 370  part            2  ram[0]                    v4
    13 normal
 0xc47e1  53 370  part            2  ram[0]                    v4
    13 normal
 0xd185b  16 434  part            2  ram[0]                    v4
    4 normal
 0xd588d  37 176  part            2  ram[0]                    v4
    26 xbzrle
 0xde9c5  52 616  part            2  ram[0]                    v4
    34 xbzrle
 0xeb74d   1 589  part            2  ram[0]                    v4
    2 xbzrle
 0xebd82  51 102  part            2  ram[0]                    v4
    35 xbzrle
 0xf8520  47 997  part            2  ram[0]                    v4
    32 xbzrle
0x10409d   4 689  part            2  ram[0]                    v4
    5 xbzrle
0x1052ee  94 409  part            2  ram[0]                    v4
    62 xbzrle
0x11c3b7  99 056  end             2  ram[0]                    v4
    66 xbzrle
0x1346a7      48  full            0  timer[0]                  v2
0x1346d7      37  full            4  cpu_common[0]             v1
0x1346fc   1 904  full            5  cpu[0]                    v12
0x134e6c     174  full            6  kvm-tpr-opt[0]            v1
0x134f1a     204  full            7  apic[0]                   v3
0x134fe6      99  full            8  fw_cfg[0]                 v2
0x135049      30  full            9  PCIHost[0]                v1
0x135067      45  full           10  PCIBUS[0]                 v1
0x135094     315  full           11  0000:00:00.0/I440FX[0]    v3
0x1351cf      97  full           12  dma[0]                    v1
0x135230      97  full           13  dma[1]                    v1
0x135291     329  full           14  0000:00:01.0/PIIX3[0]     v3
0x1353da      40  full           15  i8259[0]                  v1
0x135402      40  full           16  i8259[1]                  v1
0x13542a     231  full           17  ioapic[0]                 v3
0x135511     174  full           18  hpet[0]                   v2
0x1355bf     275  full           19  mc146818rtc[0]            v3
0x1356d2     132  full           20  i8254[0]                  v3
0x135756      26  full           21  pcspk[0]                  v1
0x135770     615  full           22  fdc[0]                    v2
0x1359d7     309  full           23  ps2kbd[0]                 v3
0x135b0c     318  full           24  ps2mouse[0]               v2
0x135c4a      64  full           25  pckbd[0]                  v3
0x135c8a   4 131  full           26  vmmouse[0]                v0
0x136cad      26  full           27  port92[0]                 v1
0x136cc7     977  full           28  0000:00:01.1/ide[0]       v3
0x137098      27  full           29  i2c_bus[0]                v1
0x1370b3   2 472  full           30  0000:00:01.3/piix4_pm[0]  v3
0x137a5b      30  full           39  acpi_build[0]             v1
0x137a79     134  full           40  globalstate[0]            v1
0x137aff       1  end
0x137b00  98 835  description

# On a terminal of 60 columns.
$ migstream ls pc-7.2.mig
 offset     size  kind           id  name
    0x0        8  fileheader
    0x8       18  configuration      pc-i440fx-7.2
   0x1a      170  start           2  ram[0]              v4
    6 blocks, 16.5 MiB
   0xc4  238 791  part            2  ram[0]              v4
    4 177 zero, 49 normal
0x3a58b       18  end             2  ram[0]              v4
    no pages
0x3a59d       48  full            0  timer[0]            v2
0x3a5cd       37  full            4  cpu_common[0]       v1
0x3a5f2    1 873  full            5  cpu[0]              v12
0x3ad43      174  full            6  kvm-tpr-opt[0]      v1
0x3adf1      204  full            7  apic[0]             v3
0x3aebd       99  full            8  fw_cfg[0]           v2
0x3af20       30  full            9  PCIHost[0]          v1
0x3af3e       45  full           10  PCIBUS[0]           v1
0x3af6b      315  full           11  0000:00:0…440FX[0]  v3
0x3b0a6       97  full           12  dma[0]              v1
0x3b107       97  full           13  dma[1]              v1
0x3b168      329  full           14  0000:00:0…PIIX3[0]  v3
0x3b2b1       40  full           15  i8259[0]            v1
0x3b2d9       40  full           16  i8259[1]            v1
0x3b301      231  full           17  ioapic[0]           v3
0x3b3e8      174  full           18  hpet[0]             v2
0x3b496      275  full           19  mc146818rtc[0]      v3
0x3b5a9      132  full           20  i8254[0]            v3
0x3b62d       26  full           21  pcspk[0]            v1
0x3b647      615  full           22  fdc[0]              v2
0x3b8ae      309  full           23  ps2kbd[0]           v3
0x3b9e3      318  full           24  ps2mouse[0]         v2
0x3bb21       64  full           25  pckbd[0]            v3
0x3bb61    4 131  full           26  vmmouse[0]          v0
0x3cb84       26  full           27  port92[0]           v1
0x3cb9e      465  full           28  0000:00:0…1/ide[0]  v3
0x3cd6f       27  full           29  i2c_bus[0]          v1
0x3cd8a    2 472  full           30  0000:00:0…x4_pm[0]  v3
0x3d732       30  full           39  acpi_build[0]       v1
0x3d750      134  full           40  globalstate[0]      v1
0x3d7d6        1  end
0x3d7d7   98 654  description

# On a terminal of 120 columns.
$ migstream ls pc-7.2.mig
 offset     size  kind           id  name                           note
    0x0        8  fileheader
    0x8       18  configuration      pc-i440fx-7.2
   0x1a      170  start           2  ram[0]                    v4   6 blocks, 16.5 MiB
   0xc4  238 791  part            2  ram[0]                    v4   4 177 zero, 49 normal
0x3a58b       18  end             2  ram[0]                    v4   no pages
0x3a59d       48  full            0  timer[0]                  v2
0x3a5cd       37  full            4  cpu_common[0]             v1
0x3a5f2    1 873  full            5  cpu[0]                    v12
0x3ad43      174  full            6  kvm-tpr-opt[0]            v1
0x3adf1      204  full            7  apic[0]                   v3
0x3aebd       99  full            8  fw_cfg[0]                 v2
0x3af20       30  full            9  PCIHost[0]                v1
0x3af3e       45  full           10  PCIBUS[0]                 v1
0x3af6b      315  full           11  0000:00:00.0/I440FX[0]    v3
0x3b0a6       97  full           12  dma[0]                    v1
0x3b107       97  full           13  dma[1]                    v1
0x3b168      329  full           14  0000:00:01.0/PIIX3[0]     v3
0x3b2b1       40  full           15  i8259[0]                  v1
0x3b2d9       40  full           16  i8259[1]                  v1
0x3b301      231  full           17  ioapic[0]                 v3
0x3b3e8      174  full           18  hpet[0]                   v2
0x3b496      275  full           19  mc146818rtc[0]            v3
0x3b5a9      132  full           20  i8254[0]                  v3
0x3b62d       26  full           21  pcspk[0]                  v1
0x3b647      615  full           22  fdc[0]                    v2
0x3b8ae      309  full           23  ps2kbd[0]                 v3
0x3b9e3      318  full           24  ps2mouse[0]               v2
0x3bb21       64  full           25  pckbd[0]                  v3
0x3bb61    4 131  full           26  vmmouse[0]                v0
0x3cb84       26  full           27  port92[0]                 v1
0x3cb9e      465  full           28  0000:00:01.1/ide[0]       v3
0x3cd6f       27  full           29  i2c_bus[0]                v1
0x3cd8a    2 472  full           30  0000:00:01.3/piix4_pm[0]  v3
0x3d732       30  full           39  acpi_build[0]             v1
0x3d750      134  full           40  globalstate[0]            v1
0x3d7d6        1  end
0x3d7d7   98 654  description
