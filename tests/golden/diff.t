$ migstream diff --help
Usage: migstream diff [OPTIONS] STREAM OTHER

  What changed from STREAM to OTHER: configuration, devices, fields, memory.

  `+` is in OTHER only, `-` in STREAM only, `~` differs; -v shows `=` too, and
  everything in full. Each change is shown to the byte: its offset (in brackets
  that in OTHER, where it is another), and the bytes of both, those that differ
  in brackets; `+IF -bit 3` are bits that OTHER has more, and less.

  Exit status: 0 same, 1 different, 2 wrong usage, 3 damaged stream.

Options:
  --ignore WHAT                Leave out clocks, timers, counters, or paths by
                               globs; with commas, or once for each.
  --other-channel FILE         A recorded multifd channel of OTHER; a folder or
                               a pattern for several.
  --other-inside NAME          Which one of several that OTHER holds.
  --other-offset N             Where in OTHER the stream begins.
  --other-container KIND       What the stream of OTHER stands in.
  --other-like FILE            Take the description of OTHER from another
                               stream.
  --values                     Only values: configuration and fields.
  --schema                     Only what there is: devices, versions, fields,
                               types, subsections.
  --memory                     Only guest memory, other live sections, commands.
  -x, --hex                    Numbers in hexadecimal.
  --no-names                   Numbers as they are, without names; blobs are not
                               gone into.
  --where                      Offset and length of each value, too.
  --all                        Every range, byte and page that differs, and
                               values in full.
  --map BLOCK@ADDRESS          Where a RAM block is in guest-physical memory, if
                               the stream does not say.
  --index FILE                 An index to use, wherever it lies (`index` makes
                               one).
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
  # What changed (exit status 1: something)
  $ migstream diff good.mig bad.mig
  # Without what moves by itself (1)
  $ migstream diff good.mig bad.mig --ignore clocks,timers
  # Devices, versions, fields, no values
  $ migstream diff good.mig bad.mig --schema

$ migstream diff pc-7.2.mig pc-7.2.mig
no difference

$ migstream diff pc-7.2.mig pc-2.3-7.2.mig | head -n 60
- machine  pc-i440fx-7.2
~ cpu[0]
  ~ env.regs[2]  397233 (0x60fb1) → 1635 (0x663) RDX  uint64[16]
      0x3a618 (0x3a5ed): 06 0f b1 → 00 06 63
~ fw_cfg[0]
  - fw_cfg/dma  version 0  subsection
  - fw_cfg/acpi_mr  version 1  subsection
- PCIHost[0]  version 1, 4 bytes
~ mc146818rtc[0]
  ~ cmos_data[0]  buffer
      0x3b4af (0x3b3e1): 41 → 42  -bit 0 +bit 1
      - 0x3b4af [41]00 12 00 02 00 03 24 11 26 26 02 00 80 00 00
      + 0x3b3e1 [42]00 12 00 02 00 03 24 11 26 26 02 00 80 00 00
  ~ base_rtc  uint64
        1795486361 (0x6b04f299) (2026-11-24 02:12:41 UTC)
      → 1795486362 (0x6b04f29a) (2026-11-24 02:12:42 UTC)
      0x3b583 (0x3b4b5): 99 → 9a  -bit 0 +bit 1
  ~ last_update  uint64
        1795486361748599000 (0x18ead955471570d8) (2026-11-24 02:12:41 UTC)
      → 1795486362021142000 (0x18ead95557541df0) (2026-11-24 02:12:42 UTC)
      0x3b588 (0x3b4ba): 47 15 70 d8 → 57 54 1d f0
  ~ update_timer  timer
        1795486362748599000 ns (1795486362.749 s) (2026-11-24 02:12:42 UTC)
      → 1795486363021142000 ns (1795486363.021 s) (2026-11-24 02:12:43 UTC)
      0x3b598 (0x3b4ca): 82 b0 3a d8 → 92 ee e7 f0
  ~ next_alarm_time  uint64
        1795564800748599000 (0x18eb20ac47d0b6d8) (2026-11-25 00:00:00 UTC)
      → 1795564800021142000 (0x18eb20ac1c7499f0) (2026-11-25 00:00:00 UTC)
      0x3b5a0 (0x3b4d2): 47 d0 b6 d8 → 1c 74 99 f0
- pcspk[0]  version 1, 2 bytes
~ pckbd[0]
  - kbd/pckbd/extended_state  version 0  subsection
~ 0000:00:01.3/piix4_pm[0]
  - smb  struct
  - acpi_pci_hotplug.acpi_index  0  uint32
~ ram//rom@etc/acpi/tables[0x0:0x1000]  differ  1 page
    0x44: 12 0d → 75 0a
    0xd0: 00 → 01  +bit 0
    0x61d: 4f 3e → 45 18
    0x623+0xb: 5b 82 48 0a 5c 2f 03 5f … → 14 35 43 50 4d 41 02 70 …
    … and 128 more places (--all)
    - 0x40  44 53 44 54[12 0d]00 00 01 00 42 4f 43 48 53 20
    + 0x40  44 53 44 54[75 0a]00 00 01 00 42 4f 43 48 53 20
    - 0xd0 [00]10 4e 15 2e 5f 53 42 5f 50 43 49 30 5b 80 50
    + 0xd0 [01]10 4e 15 2e 5f 53 42 5f 50 43 49 30 5b 80 50
    - 0x610  49 44 0d 41 43 50 49 30 30 30 36 00 10[4f 3e]5f
    + 0x610  49 44 0d 41 43 50 49 30 30 30 36 00 10[45 18]5f
    - 0x620  53 42 5f[5b 82 48 0a 5c 2f 03 5f 53 42 5f]50 43
    + 0x620  53 42 5f[14 35 43 50 4d 41 02 70 83 88 43]50 4f
~ ram//rom@etc/table-loader[0x0:0x1000]  differ  1 page
    0x144: 12 0d → 75 0a
    0x1f4: 76 0d → d9 0a
    0x274: 7a 0d → dd 0a
    0x2bc: 5b 0d → be 0a
    … and 13 more places (--all)
    - 0x140  40 00 00 00[12 0d]00 00 00 00 00 00 00 00 00 00
    + 0x140  40 00 00 00[75 0a]00 00 00 00 00 00 00 00 00 00
    - 0x1f0  00 00 00 00[76 0d]00 00 04 00 00 00 00 00 00 00
    + 0x1f0  00 00 00 00[d9 0a]00 00 04 00 00 00 00 00 00 00
    - 0x270  00 00 00 00[7a 0d]00 00 04 00 00 00 00 00 00 00

# One bit of an element of an array.
$ cp pc-7.2.mig bad.mig && printf '\100' | dd of=bad.mig bs=1 seek=239117 conv=notrunc status=none

$ migstream diff pc-7.2.mig bad.mig
~ cpu[0]
  ~ env.regs[1]  0 → 70368744177664 (0x400000000000) RCX  uint64[16]
      0x3a60d: 00 → 40  +bit 46
1 device changed (1 field)
[exit status 1]

$ migstream diff pc-7.2.mig bad.mig --hex --where
~ cpu[0]
  ~ env.regs[1]  uint64[16]  at 0x3a60b+0x8
        0x0000000000000000
      → 0x0000400000000000
      0x3a60d: 00 → 40  +bit 46
1 device changed (1 field)
[exit status 1]

$ migstream diff pc-7.2.mig bad.mig --json | grep -A 12 bytes
          "bytes": [
            {
              "old_span": [
                239117,
                239118
              ],
              "new_span": [
                239117,
                239118
              ],
              "old": "00",
              "new": "40"
            }

# Flags: bits have names.
$ migstream set pc-7.2.mig 'cpu[0]/env.eflags=0x246' 'cpu[0]/env.cr[0]=0x60000011' -o bad.mig --force > made

$ migstream diff pc-7.2.mig bad.mig
~ cpu[0]
  ~ env.eflags  2 → 582 (0x246) PF ZF IF  uint64
      0x3a691: 00 02 → 02 46  +PF +ZF +IF
  ~ env.cr[0]  uint64
        1610612752 (0x60000010) ET NW CD
      → 1610612753 (0x60000011) PE ET NW CD
      0x3a7d2: 10 → 11  +PE
1 device changed (2 fields)
[exit status 1]

# A buffer, a field of a struct in an array, the header of a subsection.
$ cp pc-7.2.mig bad.mig && printf '\7\7' | dd of=bad.mig bs=1 seek=242913 conv=notrunc status=none && printf '\7' | dd of=bad.mig bs=1 seek=242870 conv=notrunc status=none && printf '\7' | dd of=bad.mig bs=1 seek=243176 conv=notrunc status=none && printf '\7' | dd of=bad.mig bs=1 seek=241382 conv=notrunc status=none

$ migstream diff pc-7.2.mig bad.mig
~ fw_cfg[0]
  ~ fw_cfg/dma (header)  subsection
      0x3aee6: 00 → 07
      - 0x3aed7  05 0a 66 77 5f 63 66 67 2f 64 6d 61 00 00 00[00]
      + 0x3aed7  05 0a 66 77 5f 63 66 67 2f 64 6d 61 00 00 00[07]
~ mc146818rtc[0]
  ~ cmos_data  3 of 128 bytes, in 2 places  buffer
      0x3b4b6: 24 → 07
      0x3b4e1: 20 00 → 07 07
      - 0x3b4af  41 00 12 00 02 00 03[24]11 26 26 02 00 80 00 00
      + 0x3b4af  41 00 12 00 02 00 03[07]11 26 26 02 00 80 00 00
      - 0x3b4df  00 3c[20 00]00 00 00 00 30 00 00 00 00 12 00 00
      + 0x3b4df  00 3c[07 07]00 00 00 00 30 00 00 00 00 12 00 00
~ i8254[0]
  ~ channels[1]/status  0 → 7  uint8
      0x3b5e8: 00 → 07
3 devices changed (3 fields)
[exit status 1]

# The same in red and green. On a terminal of 80 columns, in colour.
$ migstream diff pc-7.2.mig bad.mig
~ \e[1mfw_cfg[0]\e[0m
  ~ \e[36mfw_cfg/dma (header)\e[0m  \e[2msubsection\e[0m
      \e[2m0x3aee6: \e[0m\e[31m00\e[0m → \e[32m07\e[0m
      \e[31m-\e[0m \e[2m0x3aed7\e[0m  05 0a 66 77 5f 63 66 67 2f 64 6d 61 00 00 00\e[31m[00]\e[0m
      \e[32m+\e[0m \e[2m0x3aed7\e[0m  05 0a 66 77 5f 63 66 67 2f 64 6d 61 00 00 00\e[32m[07]\e[0m
~ \e[1mmc146818rtc[0]\e[0m
  ~ \e[36mcmos_data\e[0m  \e[2m3 of 128 bytes, in 2 places\e[0m  \e[2mbuffer\e[0m
      \e[2m0x3b4b6: \e[0m\e[31m24\e[0m → \e[32m07\e[0m
      \e[2m0x3b4e1: \e[0m\e[31m20 00\e[0m → \e[32m07 07\e[0m
      \e[31m-\e[0m \e[2m0x3b4af\e[0m  41 00 12 00 02 00 03\e[31m[24]\e[0m11 26 26 02 00 80 00 00
      \e[32m+\e[0m \e[2m0x3b4af\e[0m  41 00 12 00 02 00 03\e[32m[07]\e[0m11 26 26 02 00 80 00 00
      \e[31m-\e[0m \e[2m0x3b4df\e[0m  00 3c\e[31m[20 00]\e[0m00 00 00 00 30 00 00 00 00 12 00 00
      \e[32m+\e[0m \e[2m0x3b4df\e[0m  00 3c\e[32m[07 07]\e[0m00 00 00 00 30 00 00 00 00 12 00 00
~ \e[1mi8254[0]\e[0m
  ~ \e[36mchannels[1]/status\e[0m  \e[31m0\e[0m → \e[32m7\e[0m  \e[2muint8\e[0m
      \e[2m0x3b5e8: \e[0m\e[31m00\e[0m → \e[32m07\e[0m
3 devices changed (3 fields)
[exit status 1]

# Where there is less room. On a terminal of 60 columns.
$ migstream diff pc-7.2.mig bad.mig --where --hex
~ fw_cfg[0]
  ~ fw_cfg/dma (header)  subsection  at 0x3aed7+0x18
      0x3aee6: 00 → 07
      - 0x3aed7  05 0a 66 77 5f 63 66 67 2f 64 6d 61 00 00
                 00[00]
      + 0x3aed7  05 0a 66 77 5f 63 66 67 2f 64 6d 61 00 00
                 00[07]
~ mc146818rtc[0]
  ~ cmos_data  3 of 128 bytes, in 2 places  buffer  at
               0x3b4af+0x80
      0x3b4b6: 24 → 07
      0x3b4e1: 20 00 → 07 07
      - 0x3b4af  41 00 12 00 02 00 03[24]11 26 26 02 00 80
                 00 00
      + 0x3b4af  41 00 12 00 02 00 03[07]11 26 26 02 00 80
                 00 00
      - 0x3b4df  00 3c[20 00]00 00 00 00 30 00 00 00 00 12
                 00 00
      + 0x3b4df  00 3c[07 07]00 00 00 00 30 00 00 00 00 12
                 00 00
~ i8254[0]
  ~ channels[1]/status  0x00 → 0x07  uint8  at 0x3b5e8+0x1
      0x3b5e8: 00 → 07
3 devices changed (3 fields)
[exit status 1]

# Guest memory: one byte of a page, and another page.
$ migstream set pc-7.2.mig ram/pc.bios@0x3f234=10 ram/pc.bios@0x3f238=1011 ram/pc.bios@0x20000=fffefd -o bad.mig --force > made

$ migstream diff pc-7.2.mig bad.mig
~ ram/pc.bios  2 pages in 2 ranges
    [0x20000:0x21000]  differ  1 page
    [0x3f000:0x40000]  differ  1 page
    0x20000: 37 c4 00 → ff fe fd
    - 0x20000 [37 c4 00]00 e9 b8 00 00 00 89 c7 8b 74 24 0c 0f
    + 0x20000 [ff fe fd]00 e9 b8 00 00 00 89 c7 8b 74 24 0c 0f
2 pages of pc.bios
[exit status 1]

$ migstream diff pc-7.2.mig bad.mig --all
~ ram/pc.bios  2 pages in 2 ranges
    [0x20000:0x21000]  differ  1 page
    [0x3f000:0x40000]  differ  1 page
    0x20000: 37 c4 00 → ff fe fd
    - 0x20000 [37 c4 00]00 e9 b8 00 00 00 89 c7 8b 74 24 0c 0f
    + 0x20000 [ff fe fd]00 e9 b8 00 00 00 89 c7 8b 74 24 0c 0f
    0x3f234: 66 → 10  -bit 1 -bit 2 +bit 4 -bit 5 -bit 6
    0x3f238: 21 e8 → 10 11
    - 0x3f230  8a 44 24 12[66]f7 d0 66[21 e8]66 0f b6 c0 66 ba
    + 0x3f230  8a 44 24 12[10]f7 d0 66[10 11]66 0f b6 c0 66 ba
2 pages of pc.bios
[exit status 1]

$ migstream diff pc-7.2.mig pc-uuid-7.2.mig --ignore clocks,timers
+ configuration/uuid  00112233-4455-6677-8899-aabbccddeeff
configuration differs
[exit status 1]

$ migstream diff tiny.mig none-7.2.mig --json
{
  "migstream": "diff",
  "format": 1,
  "files": [
    "tiny.mig",
    "none-7.2.mig"
  ],
  "same": false,
  "summary": "2 devices added, 2 devices removed, block differs",
  "missing": [
    [],
    []
  ],
  "changes": [
    {
      "mark": "-",
      "part": "schema",
      "what": "device",
      "path": "one[0]",
      "device": "one[0]",
      "old_span": [
        4217,
        4299
      ]
    },
    {
      "mark": "-",
      "part": "schema",
      "what": "device",
      "path": "two[0]",
      "device": "two[0]",
      "old_span": [
        4299,
        4325
      ]
    },
    {
      "mark": "+",
      "part": "schema",
      "what": "device",
      "path": "timer[0]",
      "device": "timer[0]",
      "new_span": [
        73,
        121
      ]
    },
    {
      "mark": "+",
      "part": "schema",
      "what": "device",
      "path": "globalstate[0]",
      "device": "globalstate[0]",
      "new_span": [
        121,
        255
      ]
    },
    {
      "mark": "-",
      "part": "memory",
      "what": "block",
      "path": "ram/pc.ram",
      "old": 12288
    }
  ],
  "alike": []
}
[exit status 1]

$ migstream diff pc-7.2.mig pc-2.3-7.2.mig --schema
~ fw_cfg[0]
  - fw_cfg/dma  version 0  subsection
  - fw_cfg/acpi_mr  version 1  subsection
- PCIHost[0]  version 1, 4 bytes
- pcspk[0]  version 1, 2 bytes
~ pckbd[0]
  - kbd/pckbd/extended_state  version 0  subsection
~ 0000:00:01.3/piix4_pm[0]
  - smb  struct
  - acpi_pci_hotplug.acpi_index  0  uint32
2 devices removed, 3 devices changed (5 fields)
[exit status 1]

$ migstream diff pc-7.2.mig pc-ignore-shared-7.2.mig --memory
- ram/pc.ram  0x1000000 bytes
+ ram/ram0  0x1000000 bytes
2 × block
[stderr]
migstream: pc-ignore-shared-7.2.mig: ram0: 4 096 of 4 096 pages, 16.0 MiB (16 777 216), are not in this stream: it is shared memory that the stream leaves out (x-ignore-shared): look into its backing file
[exit status 1]

$ migstream diff pc-7.2.mig
[stderr]
Usage: migstream diff [OPTIONS] STREAM OTHER
Try 'migstream diff --help' for help.

Error: Missing argument 'OTHER'.
[exit status 2]

$ migstream diff pc-7.2.mig nothing.mig
[stderr]
migstream: nothing.mig: no such file or directory [MS400]
[exit status 5]

$ migstream diff pc-7.2.mig pc-7.2.mig --ignore 'a[1..0]'
[stderr]
Usage: migstream diff [OPTIONS] STREAM OTHER
Try 'migstream diff --help' for help.

Error: Invalid value for --ignore: [1..0] is not a range of at most 4096 indexes
[exit status 2]

$ head -c 240000 pc-7.2.mig > cut.mig

$ migstream diff pc-7.2.mig cut.mig --values
~ cpu[0]
  ~ data  1851 bytes, 000000000000000000000000000000000000000000060fb1000000000000… → 893 bytes, 000000000000000000000000000000000000000000060fb10000000000000…  buffer
1 device changed (1 field)
[stderr]
migstream: cut.mig:0x3a980 cpu[0]: wanted 5 bytes, 0 left [MS101]
  expected 5, found 0
  hint: the stream was cut off; what precedes this place is intact
[exit status 3]
