$ migstream stat --help
Usage: migstream stat [OPTIONS] STREAM

  Where the bytes go: RAM by block and kind, dirty rounds, devices, the downtime
  part.

Options:
  --all                        Every device, not the largest.
  --speedscope                 The downtime part as a flame graph, for
                               speedscope: a JSON file.
  -o, --output PATH            With --speedscope: the file to write; - is
                               standard output.
  --force                      With -o: replace what is there.
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
  # Where the bytes go
  $ migstream stat guest.mig
  # Every device and every round
  $ migstream stat live.mig --all
  # What downtime was for, as a flame graph
  $ migstream stat live.mig --speedscope -o downtime.json

$ migstream stat pc-7.2.mig
pc-7.2.mig: 342.3 KiB (350 517)
  ram            233.4 KiB  238 979  68.2 %
  description     96.3 KiB   98 654  28.1 %
  devices         12.6 KiB   12 857   3.7 %
  configuration       18 B       18   0.0 %
  fileheader           8 B        8   0.0 %
  end                  1 B        1   0.0 %
  after the last live RAM, sent while the guest stands: 108.9 KiB (111 530), 31.8 %

RAM blocks
  pc.bios                184.5 KiB  188 954  53.9 %  18 zero (170 bytes), 46 normal (184.4 KiB (188 784))
  pc.ram                  36.0 KiB   36 871  10.5 %  4 096 zero (36.0 KiB (36 871))
  /rom@etc/acpi/tables     4.3 KiB    4 404   1.3 %  31 zero (279 bytes), 1 normal (4.0 KiB (4 125))
  /rom@etc/table-loader    4.0 KiB    4 126   1.2 %  1 normal (4.0 KiB (4 126))
  /rom@etc/acpi/rsdp       4.0 KiB    4 123   1.2 %  1 normal (4.0 KiB (4 123))
  pc.rom                     295 B      295   0.1 %  32 zero (295 bytes)

Walks through RAM (1)
  round  pages       size    bytes
      1  4 226  233.2 KiB  238 773  4 177 zero (36.7 KiB (37 615)), 49 normal (196.4 KiB (201 158))

Devices (12.6 KiB (12 857))
  vmmouse[0]                4.0 KiB  4 131  1.2 %
  0000:00:01.3/piix4_pm[0]  2.4 KiB  2 472  0.7 %
  cpu[0]                    1.8 KiB  1 873  0.5 %
  fdc[0]                      615 B    615  0.2 %
  0000:00:01.1/ide[0]         465 B    465  0.1 %
  0000:00:01.0/PIIX3[0]       329 B    329  0.1 %
  ps2mouse[0]                 318 B    318  0.1 %
  0000:00:00.0/I440FX[0]      315 B    315  0.1 %
  ps2kbd[0]                   309 B    309  0.1 %
  mc146818rtc[0]              275 B    275  0.1 %
  ioapic[0]                   231 B    231  0.1 %
  apic[0]                     204 B    204  0.1 %
  kvm-tpr-opt[0]              174 B    174  0.0 %
  hpet[0]                     174 B    174  0.0 %
  globalstate[0]              134 B    134  0.0 %
  and 15 more, 838 bytes (--all)

$ migstream stat pc-xbzrle-7.2.mig
pc-xbzrle-7.2.mig: 1.3 MiB (1 375 507)
  ram             1.2 MiB  1 263 245  91.8 %
  description    96.5 KiB     98 835   7.2 %
  devices        13.1 KiB     13 400   1.0 %
  configuration      18 B         18   0.0 %
  fileheader          8 B          8   0.0 %
  end                 1 B          1   0.0 %
  after the last live RAM, sent while the guest stands: 206.3 KiB (211 292), 15.4 %

RAM blocks
  pc.ram                   1.0 MiB  1 056 610  76.8 %  4 010 zero (35.2 KiB (36 090)), 154 normal (617.2 KiB (632 030)), 262 xbzrle (379.4 KiB (388 490))
  pc.bios                184.5 KiB    188 954  13.7 %  18 zero (170 bytes), 46 normal (184.4 KiB (188 784))
  /rom@etc/acpi/tables     8.3 KiB      8 499   0.6 %  30 zero (270 bytes), 2 normal (8.0 KiB (8 229))
  /rom@etc/table-loader    4.0 KiB      4 126   0.3 %  1 normal (4.0 KiB (4 126))
  /rom@etc/acpi/rsdp       4.0 KiB      4 123   0.3 %  1 normal (4.0 KiB (4 123))
  pc.rom                     295 B        295   0.0 %  32 zero (295 bytes)

Walks through RAM (6)
  round  pages       size    bytes
      1  4 226  581.1 KiB  595 038  4 090 zero (36.0 KiB (36 825)), 136 normal (545.1 KiB (558 213))
      2     68  272.5 KiB  279 079  68 normal (272.5 KiB (279 079))
      3     62   89.2 KiB   91 327  62 xbzrle (89.2 KiB (91 327))
      4     67   96.7 KiB   99 063  67 xbzrle (96.7 KiB (99 063))
      5     67   96.7 KiB   99 062  67 xbzrle (96.7 KiB (99 062))
      6     66   96.7 KiB   99 038  66 xbzrle (96.7 KiB (99 038))

Devices (13.1 KiB (13 400))
  vmmouse[0]                4.0 KiB  4 131  0.3 %
  0000:00:01.3/piix4_pm[0]  2.4 KiB  2 472  0.2 %
  cpu[0]                    1.9 KiB  1 904  0.1 %
  0000:00:01.1/ide[0]         977 B    977  0.1 %
  fdc[0]                      615 B    615  0.0 %
  0000:00:01.0/PIIX3[0]       329 B    329  0.0 %
  ps2mouse[0]                 318 B    318  0.0 %
  0000:00:00.0/I440FX[0]      315 B    315  0.0 %
  ps2kbd[0]                   309 B    309  0.0 %
  mc146818rtc[0]              275 B    275  0.0 %
  ioapic[0]                   231 B    231  0.0 %
  apic[0]                     204 B    204  0.0 %
  kvm-tpr-opt[0]              174 B    174  0.0 %
  hpet[0]                     174 B    174  0.0 %
  globalstate[0]              134 B    134  0.0 %
  and 15 more, 838 bytes (--all)

$ migstream stat tiny.mig --json
{
  "migstream": "stat",
  "format": 1,
  "file": "tiny.mig",
  "size": 5285,
  "parts": [
    {
      "name": "ram",
      "bytes": 4200
    },
    {
      "name": "description",
      "bytes": 959
    },
    {
      "name": "devices",
      "bytes": 108
    },
    {
      "name": "configuration",
      "bytes": 9
    },
    {
      "name": "fileheader",
      "bytes": 8
    },
    {
      "name": "end",
      "bytes": 1
    }
  ],
  "ram": {
    "page_size": 4096,
    "blocks": [
      {
        "name": "pc.ram",
        "bytes": 4129,
        "kinds": {
          "zero": {
            "pages": 2,
            "bytes": 18
          },
          "normal": {
            "pages": 1,
            "bytes": 4111
          }
        },
        "pages": {
          "page_size": 4096,
          "total": 3,
          "sent": 3,
          "absent": 0,
          "unplugged": 0
        }
      }
    ],
    "pages": {
      "page_size": 4096,
      "total": 3,
      "sent": 3,
      "absent": 0,
      "unplugged": 0
    },
    "missing": [],
    "rounds": [
      {
        "pages": 3,
        "bytes": 4129,
        "kinds": {
          "zero": {
            "pages": 2,
            "bytes": 18
          },
          "normal": {
            "pages": 1,
            "bytes": 4111
          }
        }
      }
    ],
    "round_count": 1
  },
  "devices": [
    {
      "path": "one[0]",
      "bytes": 82
    },
    {
      "path": "two[0]",
      "bytes": 26
    }
  ],
  "downtime_bytes": null
}

$ head -c 200000 pc-7.2.mig > cut.mig

$ migstream stat cut.mig
cut.mig: 195.3 KiB (200 000)
  ram            192.9 KiB  197 572  98.8 %
  opaque           2.3 KiB    2 402   1.2 %
  configuration       18 B       18   0.0 %
  fileheader           8 B        8   0.0 %
  after the last live RAM, sent while the guest stands: 2.3 KiB (2 402), 1.2 %

RAM blocks (4 184 of 4 226 pages)
  pc.bios                152.5 KiB  156 122  78.1 %  56 of 64 pages: 18 zero (170 bytes), 38 normal (152.3 KiB (155 952))
  pc.ram                  36.0 KiB   36 871  18.4 %  4 096 zero (36.0 KiB (36 871))
  /rom@etc/acpi/tables     4.3 KiB    4 404   2.2 %  31 zero (279 bytes), 1 normal (4.0 KiB (4 125))
  pc.rom                       0 B        0   0.0 %  0 of 32 pages
  /rom@etc/table-loader        0 B        0   0.0 %  0 of 1 pages
  /rom@etc/acpi/rsdp           0 B        0   0.0 %  0 of 1 pages
  pc.bios: 8 of 64 pages, 32.0 KiB (32 768), are not in this stream: the stream is cut off or was edited, postcopy would have sent them, or a balloon told which pages are free
  pc.rom: 32 of 32 pages, 128.0 KiB (131 072), are not in this stream: no page of it was sent. Perhaps they went through multifd channels: name the recordings of those with --channel; or the stream is cut off, or leaves memory out
  /rom@etc/table-loader: 1 of 1 pages, 4.0 KiB (4 096), are not in this stream: no page of it was sent. Perhaps they went through multifd channels: name the recordings of those with --channel; or the stream is cut off, or leaves memory out
  /rom@etc/acpi/rsdp: 1 of 1 pages, 4.0 KiB (4 096), are not in this stream: no page of it was sent. Perhaps they went through multifd channels: name the recordings of those with --channel; or the stream is cut off, or leaves memory out

Walks through RAM (1)
  round  pages       size    bytes
      1  4 184  192.8 KiB  197 397  4 145 zero (36.4 KiB (37 320)), 39 normal (156.3 KiB (160 077))
[stderr]
migstream: cut.mig:0x303de ram[0]: wanted 4104 bytes, 2402 left [MS101]
  expected 4104, found 2402
  hint: the stream was cut off; what precedes this place is intact
[exit status 3]

# On a terminal of 80 columns.
$ migstream stat pc-xbzrle-7.2.mig
pc-xbzrle-7.2.mig: 1.3 MiB (1 375 507)
  ram             1.2 MiB  1 263 245  91.8 %
  description    96.5 KiB     98 835   7.2 %
  devices        13.1 KiB     13 400   1.0 %
  configuration      18 B         18   0.0 %
  fileheader          8 B          8   0.0 %
  end                 1 B          1   0.0 %
  after the last live RAM, sent while the guest stands: 206.3 KiB (211 292),
    15.4 %

RAM blocks
  pc.ram                   1.0 MiB  1 056 610  76.8 %  4 010 zero (35.2 KiB
                                                       (36 090)), 154 normal
                                                       (617.2 KiB (632 030)),
                                                       262 xbzrle (379.4 KiB
                                                       (388 490))
  pc.bios                184.5 KiB    188 954  13.7 %  18 zero (170 bytes), 46
                                                       normal (184.4 KiB
                                                       (188 784))
  /rom@etc/acpi/tables     8.3 KiB      8 499   0.6 %  30 zero (270 bytes), 2
                                                       normal (8.0 KiB (8 229))
  /rom@etc/table-loader    4.0 KiB      4 126   0.3 %  1 normal (4.0 KiB
                                                       (4 126))
  /rom@etc/acpi/rsdp       4.0 KiB      4 123   0.3 %  1 normal (4.0 KiB
                                                       (4 123))
  pc.rom                     295 B        295   0.0 %  32 zero (295 bytes)

Walks through RAM (6)
  round  pages       size    bytes
      1  4 226  581.1 KiB  595 038  4 090 zero (36.0 KiB (36 825)), 136 normal
                                    (545.1 KiB (558 213))
      2     68  272.5 KiB  279 079  68 normal (272.5 KiB (279 079))
      3     62   89.2 KiB   91 327  62 xbzrle (89.2 KiB (91 327))
      4     67   96.7 KiB   99 063  67 xbzrle (96.7 KiB (99 063))
      5     67   96.7 KiB   99 062  67 xbzrle (96.7 KiB (99 062))
      6     66   96.7 KiB   99 038  66 xbzrle (96.7 KiB (99 038))

Devices (13.1 KiB (13 400))
  vmmouse[0]                4.0 KiB  4 131  0.3 %
  0000:00:01.3/piix4_pm[0]  2.4 KiB  2 472  0.2 %
  cpu[0]                    1.9 KiB  1 904  0.1 %
  0000:00:01.1/ide[0]         977 B    977  0.1 %
  fdc[0]                      615 B    615  0.0 %
  0000:00:01.0/PIIX3[0]       329 B    329  0.0 %
  ps2mouse[0]                 318 B    318  0.0 %
  0000:00:00.0/I440FX[0]      315 B    315  0.0 %
  ps2kbd[0]                   309 B    309  0.0 %
  mc146818rtc[0]              275 B    275  0.0 %
  ioapic[0]                   231 B    231  0.0 %
  apic[0]                     204 B    204  0.0 %
  kvm-tpr-opt[0]              174 B    174  0.0 %
  hpet[0]                     174 B    174  0.0 %
  globalstate[0]              134 B    134  0.0 %
  and 15 more, 838 bytes (--all)
