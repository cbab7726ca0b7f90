$ migstream digest --help
Usage: migstream digest [OPTIONS] STREAM | FILES...

  A small text file of a stream's state: a hash and the values of each device,
  hashes of memory.

  `migstream check --golden` says what of a stream is otherwise. With --refresh
  all the digests named are made again from their streams, opened as they were
  (--inside, --offset, --like, ...).

  Exit status: 0 done, 2 wrong usage, 3 damaged stream.

Options:
  -o, --output FILE            Write the digest here; - is standard output.
  --refresh                    Make each of these digests again, as it was made.
  --no-ram                     Leave guest memory out: instant on any size.
  --force                      With -o: replace what is there.
  --all                        With --refresh: print all that changed.
  --ignore WHAT                Leave out clocks, timers, counters, or paths by
                               globs; with commas, or once for each.
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
  # The state as text
  $ migstream digest guest.mig
  # Keep it, without guest memory
  $ migstream digest guest.mig --no-ram -o guest.digest

$ migstream digest tiny.mig
migstream digest 1
stream tiny.mig
machine = none
one[0] = version 1, 60 bytes, sha256:663f84438a6f57ca
  flag = bool True
  words = uint16[4] 1 2 3 4
  when = timer -1
  sub/a = uint8 5
  sub/b = int32 -6
  rows[0]/x = uint8 1
  rows[0]/y = uint16 2
  rows[1]/x = uint8 1
  rows[1]/y = uint16 2
  rows[2]/x = uint8 1
  rows[2]/y = uint16 2
  blob = buffer 31323334353637
  one/more = subsection, version 1
  one/more/z = uint64 4277009102
two[0] = version 1, 4 bytes, sha256:1561ade0621c5acf
  n = uint32 7
ram/pc.ram = 12288 bytes, sha256:a5b5da07712212e1

$ migstream digest pc-7.2.mig -o pc.digest --ignore clocks,timers
pc.digest  59.2 KiB (60 615) of 30 devices, 6 RAM blocks

$ migstream digest pc-7.2.mig -o pc.digest
[stderr]
migstream: pc-7.2.mig: pc.digest is there already [MS400]
  hint: --force replaces it
[exit status 5]

$ head -n 12 pc.digest
migstream digest 1
stream pc-7.2.mig
ignore clocks timers
machine = pc-i440fx-7.2
timer[0] = version 2, 24 bytes, sha256:9d908ecfb6b256de
  unused = unused_buffer 0000000000000000
cpu_common[0] = version 1, 8 bytes, sha256:998e907bfbb34f71
  halted = uint32 0
  interrupt_request = uint32 16
cpu[0] = version 12, 1851 bytes, sha256:d2d04f499eab153c
  env.regs = uint64[16] 0 0 397233 0 0 0 0 0 0 0 0 0 0 0 0 0
  env.eip = uint64 65520

$ migstream digest --refresh pc.digest
pc.digest: no difference

$ migstream set pc-7.2.mig 'cpu[0]/env.eip=1' --in-place
0x3a683 -> 0x3a683        set     cpu[0]/env.eip  65520 (0xfff0) -> 1

$ migstream digest --refresh pc.digest
~ cpu[0]/env.eip  uint64 65520 → uint64 1
pc.digest: 1 difference

$ cp pc-7.2.mig other.mig

$ migstream digest other.mig -o other.digest --no-ram
other.digest  59.7 KiB (61 120) of 30 devices

$ migstream set other.mig 'cpu[0]/env.eip=2' --in-place
0x3a683 -> 0x3a683        set     cpu[0]/env.eip  1 -> 2

$ migstream digest --refresh pc.digest other.digest --json
{
  "migstream": "digest",
  "format": 1,
  "file": "pc.digest",
  "same": true,
  "differences": []
}
{
  "migstream": "digest",
  "format": 1,
  "file": "other.digest",
  "same": false,
  "differences": [
    {
      "path": "cpu[0]/env.eip",
      "old": "uint64 1",
      "new": "uint64 2",
      "device": "cpu[0]",
      "span": [
        239235,
        239243
      ]
    }
  ]
}

$ migstream digest --refresh pc-7.2.mig
[stderr]
migstream: pc-7.2.mig: pc-7.2.mig is not a digest [MS400]
  hint: `migstream digest STREAM -o FILE` makes one
[exit status 5]

$ migstream digest pc-7.2.mig pc-7.2.mig
[stderr]
Usage: migstream digest [OPTIONS] STREAM | FILES...
Try 'migstream digest --help' for help.

Error: one STREAM; several files only with --refresh
[exit status 2]

$ head -c 240000 pc-7.2.mig > cut.mig

$ migstream digest cut.mig
migstream digest 1
stream cut.mig
machine = pc-i440fx-7.2
timer[0] = version 2, 24 bytes, sha256:9d908ecfb6b256de
  data = buffer 24 bytes sha256:9d908ecfb6b256de
cpu_common[0] = version 1, 8 bytes, sha256:998e907bfbb34f71
  data = buffer 0000000000000010
cpu[0] = version 12, 893 bytes, sha256:65e394864647919d
  data = buffer 893 bytes sha256:65e394864647919d
ram//rom@etc/acpi/rsdp = 4096 bytes, sha256:6318976c881482ff
ram//rom@etc/acpi/tables = 131072 bytes, sha256:5be2cf16c7218c11
ram//rom@etc/table-loader = 4096 bytes, sha256:3a34e60d166d3b3e
ram/pc.bios = 262144 bytes, sha256:2f3f1cacac0950e5
ram/pc.ram = 16777216 bytes, sha256:e3b0c44298fc1c14
ram/pc.rom = 131072 bytes, sha256:e3b0c44298fc1c14
[stderr]
migstream: cut.mig:0x3a980 cpu[0]: wanted 5 bytes, 0 left [MS101]
  expected 5, found 0
  hint: the stream was cut off; what precedes this place is intact
[exit status 3]

$ migstream digest tiny.mig --json | head -n 12
{
  "migstream": "digest",
  "format": 1,
  "file": "tiny.mig",
  "lines": [
    "migstream digest 1",
    "stream tiny.mig",
    "machine = none",
    "one[0] = version 1, 60 bytes, sha256:663f84438a6f57ca",
    "  flag = bool True",
    "  words = uint16[4] 1 2 3 4",
    "  when = timer -1",

$ migstream digest tiny.mig -o tiny.digest --offset 0 --json
{
  "migstream": "digest",
  "format": 1,
  "output": "tiny.digest",
  "size": 558,
  "file": "tiny.mig",
  "devices": 2,
  "blocks": 1
}

# How the stream was opened is kept.
$ (head -c 100 /dev/zero; cat pc-7.2.mig) > behind.mig && migstream digest behind.mig --offset 100 --no-ram -o behind.digest
behind.digest  59.7 KiB (61 133) of 30 devices

$ head -n 5 behind.digest
migstream digest 1
stream behind.mig
no-ram
offset 0x64
machine = pc-i440fx-7.2

$ migstream digest --refresh behind.digest
behind.digest: no difference

# On a terminal of 80 columns.
$ migstream digest tiny.mig
migstream digest 1
stream tiny.mig
machine = none
one[0] = version 1, 60 bytes, sha256:663f84438a6f57ca
  flag = bool True
  words = uint16[4] 1 2 3 4
  when = timer -1
  sub/a = uint8 5
  sub/b = int32 -6
  rows[0]/x = uint8 1
  rows[0]/y = uint16 2
  rows[1]/x = uint8 1
  rows[1]/y = uint16 2
  rows[2]/x = uint8 1
  rows[2]/y = uint16 2
  blob = buffer 31323334353637
  one/more = subsection, version 1
  one/more/z = uint64 4277009102
two[0] = version 1, 4 bytes, sha256:1561ade0621c5acf
  n = uint32 7
ram/pc.ram = 12288 bytes, sha256:a5b5da07712212e1
