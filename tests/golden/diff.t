$ migstream diff --help
Usage: migstream diff [OPTIONS] STREAM OTHER

  What changed from STREAM to OTHER: configuration, devices, fields, memory.

  `+` is in OTHER only, `-` in STREAM only, `~` differs; -v shows `=` too, and
  everything in full.

  Exit status: 0 same, 1 different, 2 wrong usage, 3 damaged stream.

Options:
  --ignore WHAT                Leave out clocks, timers, counters, or paths by
                               globs; with commas, or once for each.
  --other-channel FILE         A recorded multifd channel of OTHER; a folder or
                               a pattern for several.
  --other-inside NAME          Which one of several that OTHER holds.
  --values                     Only values: configuration and fields.
  --schema                     Only what there is: devices, versions, fields,
                               types, subsections.
  --memory                     Only guest memory, other live sections, commands.
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
  ~ env.regs[2]  397233 → 1635  uint64[16]
~ fw_cfg[0]
  - fw_cfg/dma  version 0  subsection
  - fw_cfg/acpi_mr  version 1  subsection
- PCIHost[0]  version 1, 4 bytes
~ mc146818rtc[0]
  ~ cmos_data[0]  41 → 42  buffer
  ~ base_rtc  1795486361 (0x6b04f299) (2026-11-24 02:12:41 UTC) → 1795486362 (0x6b04f29a) (2026-11-24 02:12:42 UTC)  uint64
  ~ last_update  1795486361748599000 (0x18ead955471570d8) (2026-11-24 02:12:41 UTC) → 1795486362021142000 (0x18ead95557541df0) (2026-11-24 02:12:42 UTC)  uint64
  ~ update_timer  1795486362748599000 ns (1795486362.749 s) (2026-11-24 02:12:42 UTC) → 1795486363021142000 ns (1795486363.021 s) (2026-11-24 02:12:43 UTC)  timer
  ~ next_alarm_time  1795564800748599000 (0x18eb20ac47d0b6d8) (2026-11-25 00:00:00 UTC) → 1795564800021142000 (0x18eb20ac1c7499f0) (2026-11-25 00:00:00 UTC)  uint64
- pcspk[0]  version 1, 2 bytes
~ pckbd[0]
  - kbd/pckbd/extended_state  version 0  subsection
~ 0000:00:01.3/piix4_pm[0]
  - smb    struct
  - acpi_pci_hotplug.acpi_index  0  uint32
~ ram//rom@etc/acpi/tables[0x0:0x1000]  differ
~ ram//rom@etc/table-loader[0x0:0x1000]  differ
~ ram//rom@etc/acpi/rsdp[0x0:0x1000]  differ
2 devices removed, 5 devices changed (11 fields), machine differs, 1 page of /rom@etc/acpi/tables, 1 page of /rom@etc/table-loader, 1 page of /rom@etc/acpi/rsdp

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
  - smb    struct
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
