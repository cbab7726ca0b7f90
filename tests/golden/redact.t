$ migstream redact --help
Usage: migstream redact [OPTIONS] STREAM

  A stream for a bug report.

  Guest memory, network addresses, buffers of disks, keyboards and lines, serial
  numbers and the uuid are replaced. It loads as before, and device state
  decodes. What was wiped is listed. Registers and what firmware keeps elsewhere
  are not touched: look at the result first.

Options:
  --keep-ram RANGE             Guest memory that stays: START-STOP, guest-
                               physical, or BLOCK@START-STOP.
  -o, --output PATH            The stream to make; - is standard output.
  --in-place                   Replace STREAM itself, once the result is
                               complete.
  --force                      Replace what is there.
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
  --color [auto|always|never]  Colour; auto: on a terminal, unless NO_COLOR is
                               set.
  -v, --verbose                Say all that is known.
  --wide                       Do not fit lines to the terminal.
  --no-pager                   Do not page what is longer than the screen.
  -h, --help                   Show this message and exit.

Examples:
  # For a bug report
  $ migstream redact guest.mig -o report.mig
  # But for some memory
  $ migstream redact guest.mig --keep-ram 0-0x1000 -o part.mig

$ migstream redact q35-7.2.mig -o report.mig
0x30 -> 0x30              wipe    ram/pc.ram  33554432 bytes -> guest memory
0x3f -> 0x3f              wipe    ram//rom@etc/acpi/tables  131072 bytes -> guest memory
0x5c -> 0x5c              wipe    ram/pc.bios  262144 bytes -> guest memory
0x6c -> 0x6c              wipe    ram/0000:00:01.0/virtio-net-pci.rom  262144 bytes -> guest memory
0x94 -> 0x94              wipe    ram/0000:00:02.0/e1000e.rom  262144 bytes -> guest memory
0xb4 -> 0xb4              wipe    ram/pc.rom  131072 bytes -> guest memory
0xc3 -> 0xc3              wipe    ram//rom@etc/table-loader  4096 bytes -> guest memory
0xe1 -> 0xe1              wipe    ram//rom@etc/acpi/rsdp  4096 bytes -> guest memory
0xc829b -> 0x1b336        wipe    0000:00:01.0/virtio-net[0]/virtio/device/mac  6 bytes -> network address
0xf4823 -> 0x478be        wipe    0000:00:02.0/e1000e[0]/core.permanent_mac[0]  6 bytes -> network address
0xd45e3 -> 0x2767e        wipe    0000:00:02.0/e1000e[0]/core.eeprom[0]  6 bytes -> network address
0xd9c23 -> 0x2ccbe        wipe    0000:00:02.0/e1000e[0]/core.mac[5376]  8 bytes -> network address

$ migstream check report.mig
report.mig: nothing found

$ migstream redact pc-uuid-7.2.mig -o uuid.mig --keep-ram 0xf0000-0x100000 --json
{
  "migstream": "redact",
  "format": 1,
  "output": "uuid.mig",
  "size": 215404,
  "changes": [
    {
      "what": "wipe",
      "path": "ram/pc.ram",
      "before": "16777216 bytes",
      "after": "guest memory",
      "offset": 91,
      "size": 15,
      "new_offset": 91
    },
    {
      "what": "wipe",
      "path": "ram//rom@etc/acpi/tables",
      "before": "131072 bytes",
      "after": "guest memory",
      "offset": 106,
      "size": 29,
      "new_offset": 106
    },
    {
      "what": "wipe",
      "path": "ram/pc.bios",
      "before": "196608 bytes",
      "after": "guest memory",
      "offset": 135,
      "size": 16,
      "new_offset": 135
    },
    {
      "what": "wipe",
      "path": "ram/pc.rom",
      "before": "131072 bytes",
      "after": "guest memory",
      "offset": 151,
      "size": 15,
      "new_offset": 151
    },
    {
      "what": "wipe",
      "path": "ram//rom@etc/table-loader",
      "before": "4096 bytes",
      "after": "guest memory",
      "offset": 166,
      "size": 30,
      "new_offset": 166
    },
    {
      "what": "wipe",
      "path": "ram//rom@etc/acpi/rsdp",
      "before": "4096 bytes",
      "after": "guest memory",
      "offset": 196,
      "size": 27,
      "new_offset": 196
    },
    {
      "what": "wipe",
      "path": "configuration/uuid",
      "before": "16 bytes",
      "after": "the machine's uuid",
      "offset": 50,
      "size": 16,
      "new_offset": 50
    }
  ]
}

$ migstream redact pc-7.2.mig -o other.mig --keep-ram 1-x
[stderr]
migstream: pc-7.2.mig: '1-x' is neither BLOCK@OFFSET nor a guest-physical address [MS300]
  hint: memory is pc.ram@0x1000, pc.ram@0x1000-0x2000, 0x1000 or 0x1000-0x2000
[exit status 2]

$ migstream redact pc-novmdesc-7.2.mig -o other.mig
[stderr]
migstream: pc-novmdesc-7.2.mig: a stream without a description is not redacted: nothing says what is where in it [MS200]
  hint: --like OTHER takes the description from another stream of the same machine
[exit status 4]

$ head -c 240000 pc-7.2.mig > cut.mig

$ migstream redact cut.mig -o other.mig
[stderr]
migstream: cut.mig: a damaged stream is not redacted: 0x3a980 cpu[0]: wanted 5 bytes, 0 left [MS101] [MS200]
  hint: what cannot be read cannot be wiped
migstream: cut.mig:0x3a980 cpu[0]: wanted 5 bytes, 0 left [MS101]
  expected 5, found 0
  hint: the stream was cut off; what precedes this place is intact
[exit status 3]

# On a terminal of 80 columns.
$ migstream redact q35-7.2.mig -o narrow.mig
0x30 -> 0x30              wipe    ram/pc.ram  33554432 bytes -> guest memory
0x3f -> 0x3f              wipe    ram//rom@etc/acpi/tables  131072 bytes ->
                          guest memory
0x5c -> 0x5c              wipe    ram/pc.bios  262144 bytes -> guest memory
0x6c -> 0x6c              wipe    ram/0000:00:01.0/virtio-net-pci.rom  262144
                          bytes -> guest memory
0x94 -> 0x94              wipe    ram/0000:00:02.0/e1000e.rom  262144 bytes ->
                          guest memory
0xb4 -> 0xb4              wipe    ram/pc.rom  131072 bytes -> guest memory
0xc3 -> 0xc3              wipe    ram//rom@etc/table-loader  4096 bytes -> guest
                          memory
0xe1 -> 0xe1              wipe    ram//rom@etc/acpi/rsdp  4096 bytes -> guest
                          memory
0xc829b -> 0x1b336        wipe    0000:00:01.0/virtio-net[0]/virtio/device/mac
                          6 bytes -> network address
0xf4823 -> 0x478be        wipe    0000:00:02.0/e1000e[0]/core.permanent_mac[0]
                          6 bytes -> network address
0xd45e3 -> 0x2767e        wipe    0000:00:02.0/e1000e[0]/core.eeprom[0]  6 bytes
                          -> network address
0xd9c23 -> 0x2ccbe        wipe    0000:00:02.0/e1000e[0]/core.mac[5376]  8 bytes
                          -> network address
