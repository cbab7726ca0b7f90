$ migstream history --help
Usage: migstream history [OPTIONS] STREAM [BLOCK@OFFSET|ADDRESS]

  Every version of a page that the stream holds, by dirty round; the last is the
  final one.

  With --heat, which needs no page: what the guest wrote to while it was sent,
  as ranges of pages that were sent again, and a picture whose rows are places
  and whose columns are rounds.

  Exit status: 0 done, 1 no version of it is in the stream, or with --diff the
  two differ.

Options:
  --heat                       Which memory was sent again, by place and round.
  -o, --output PATH            With --heat: a picture to make, PNG or PPM; - is
                               standard output.
  --dump N                     The contents of one version, by its number in the
                               list.
  -r, --raw                    With --dump: the bytes themselves.
  --force                      With -o: replace what is there; with -r: write to
                               a terminal, too.
  --all                        Every line of --dump, every range of --heat.
  --diff A B                   What changed from A to B.
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
  # Every version of the page at an address
  $ migstream history live.mig 0x10000
  # What changed (1: something)
  $ migstream history live.mig pc.ram@0x10000 --diff 0 1
  # What was sent again, as a picture
  $ migstream history live.mig --heat -o heat.ppm
  # The first version, raw
  $ migstream history live.mig 0x10000 --dump 0 -r > page.bin

$ migstream history pc-xbzrle-7.2.mig 0x10000
version  round  kind          at  channel  bytes changed  sha256
      0      1  page      0x3165                          48fd0316dd4b15e2
      1      2  page     0x9361e                     512  a68e108196612cd2
      2      3  xbzrle   0xd58b8                     512  68f59ec4882f72ea
      3      4  xbzrle   0xebdb0                     512  08bd9b65dd3c880b
      4      5  xbzrle  0x1040c8                     512  793a0bfeeacc23fc
      5      6  xbzrle  0x11c3e2                     512  db0c798b2fa50871

$ migstream history pc-xbzrle-7.2.mig pc.ram@0x10000 --json | head -n 20
{
  "migstream": "history",
  "format": 1,
  "file": "pc-xbzrle-7.2.mig",
  "block": "pc.ram",
  "offset": 65536,
  "versions": [
    {
      "version": 0,
      "round": 1,
      "kind": "page",
      "source": 0,
      "at": 12645,
      "changed": null,
      "sha256": "48fd0316dd4b15e26763dfc9ca69d75d85651f23b102615437a3d426c3881644"
    },
    {
      "version": 1,
      "round": 2,
      "kind": "page",

$ migstream history pc-xbzrle-7.2.mig 0x10000 -n 2 | head -n 4
00010000  78 00 00 00 00 00 00 00 78 00 00 00 00 00 00 00  x.......x.......
*
00011000

$ migstream history pc-xbzrle-7.2.mig 0x10000 --diff 0 1 | head -n 6
- 00010000  ad 00 00 00 00 00 00 00 ad 00 00 00 00 00 00 00  ................
+ 00010000  1b 00 00 00 00 00 00 00 1b 00 00 00 00 00 00 00  ................
- 00010010  ad 00 00 00 00 00 00 00 ad 00 00 00 00 00 00 00  ................
+ 00010010  1b 00 00 00 00 00 00 00 1b 00 00 00 00 00 00 00  ................
- 00010020  ad 00 00 00 00 00 00 00 ad 00 00 00 00 00 00 00  ................
+ 00010020  1b 00 00 00 00 00 00 00 1b 00 00 00 00 00 00 00  ................

$ migstream history pc-xbzrle-7.2.mig 0x10000 -n 99
[stderr]
migstream: pc-xbzrle-7.2.mig: no version 99 of this page [MS301]
  hint: the stream holds 6 of it
[exit status 2]

$ migstream history pc-7.2.mig 0x80000000
[stderr]
migstream: pc-7.2.mig: no guest memory at physical address 0x80000000 [MS301]
  hint: `migstream mem STREAM` lists the ranges; BLOCK@OFFSET needs no map
[exit status 2]

$ migstream history pc-7.2.mig pc.rm@0
[stderr]
migstream: pc-7.2.mig: no RAM block 'pc.rm' [MS301]
  hint: there are pc.rom, pc.ram
[exit status 2]

$ migstream history pc-ignore-shared-7.2.mig pc.ram@0
[stderr]
migstream: pc-ignore-shared-7.2.mig: no RAM block 'pc.ram' [MS301]
  hint: there are pc.rom, ram0
[exit status 2]

# On a terminal of 80 columns.
$ migstream history pc-xbzrle-7.2.mig 0x10000
version  round  kind          at  channel  bytes changed  sha256
      0      1  page      0x3165                          48fd0316dd4b15e2
      1      2  page     0x9361e                     512  a68e108196612cd2
      2      3  xbzrle   0xd58b8                     512  68f59ec4882f72ea
      3      4  xbzrle   0xebdb0                     512  08bd9b65dd3c880b
      4      5  xbzrle  0x1040c8                     512  793a0bfeeacc23fc
      5      6  xbzrle  0x11c3e2                     512  db0c798b2fa50871

# On a terminal of 60 columns.
$ migstream history pc-xbzrle-7.2.mig 0x10000
version  round  kind          at     bytes  sha256
                                   changed
      0      1  page      0x3165            48fd0316dd4b15e2
      1      2  page     0x9361e       512  a68e108196612cd2
      2      3  xbzrle   0xd58b8       512  68f59ec4882f72ea
      3      4  xbzrle   0xebdb0       512  08bd9b65dd3c880b
      4      5  xbzrle  0x1040c8       512  793a0bfeeacc23fc
      5      6  xbzrle  0x11c3e2       512  db0c798b2fa50871
$ migstream history pc-xbzrle-7.2.mig --heat
sent again                     size  pages sent  times  most  in rounds
pc.ram@0x0          4.0 KiB (4 096)           6    6.0     6  1-6
pc.ram@0x6000       4.0 KiB (4 096)           6    6.0     6  1-6
pc.ram@0x10000  256.0 KiB (262 144)         379    5.9     6  1-6
pc.ram@0xe9000      4.0 KiB (4 096)           5    5.0     5  1-5
pc.ram@0xe8000      4.0 KiB (4 096)           2    2.0     2  1-2

pc.ram, rounds 1 to 6, a round each
       0x0  |@-----|
  0x100000  |@     |
  0x200000  |@     |
  0x300000  |@     |
  0x400000  |@     |
  0x500000  |@     |
  0x600000  |@     |
  0x700000  |@     |
  0x800000  |@     |
  0x900000  |@     |
  0xa00000  |@     |
  0xb00000  |@     |
  0xc00000  |@     |
  0xd00000  |@     |
  0xe00000  |@     |
  0xf00000  |@     |
$ migstream history pc-xbzrle-7.2.mig --heat -o heat.ppm
heat.ppm  2.1 MiB (2 172 687)  from the top: pc.ram, /rom@etc/acpi/tables, pc.bios, pc.rom, /rom@etc/table-loader, /rom@etc/acpi/rsdp
$ migstream history pc-7.2.mig --heat
no page was sent again
$ migstream history pc-7.2.mig
[stderr]
Usage: migstream history [OPTIONS] STREAM [BLOCK@OFFSET|ADDRESS]
Try 'migstream history --help' for help.

Error: which page? BLOCK@OFFSET or an address; or --heat, for all of them
[exit status 2]
$ migstream history pc-7.2.mig pc.ram@0 --heat
[stderr]
Usage: migstream history [OPTIONS] STREAM [BLOCK@OFFSET|ADDRESS]
Try 'migstream history --help' for help.

Error: --heat is of all memory: without a page, --dump, --diff, -r
[exit status 2]
