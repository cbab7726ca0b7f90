$ migstream extract --help
Usage: migstream extract [OPTIONS] STREAM

  Guest memory as files that other tools open.

  Zeros become holes. Memory that is not in the stream is a hole too, or left
  out, and said to be: exit status 1. What a virtio-mem device has not plugged
  in is not memory, and is named as such. Nothing is left behind by a run that
  does not come to its end.

Options:
  -o, --output PATH               The file or folder to make; - is standard
                                  output.  [required]
  -f, --format [elf|raw|phys|lime|elf-virtual]
                                  The form. elf: a core file with registers;
                                  raw: a folder with one file for each RAM
                                  block; phys: guest-physical memory from
                                  address 0; lime: its ranges, each behind a
                                  header.  [default: elf]
  --paging                        With elf: by the virtual addresses of the
                                  CPUs' page tables, as QEMU's dump -p.
  --block NAME                    With raw: only this block.
  --force                         Replace what is there.
  --map BLOCK@ADDRESS             Where a RAM block is in guest-physical memory,
                                  if the stream does not say.
  --index FILE                    An index to use, wherever it lies (`index`
                                  makes one).
  --like OTHER                    Take the description from another stream where
                                  this one has none.
  --channel FILE                  A recorded multifd channel of this migration;
                                  a folder or a pattern ('ch*.bin') for several.
  --offset N                      Where in STREAM the stream begins; offsets are
                                  counted from there.
  --inside NAME                   Which one of several that STREAM holds: a
                                  snapshot's id or name, a connection.
  --container KIND                What the stream stands in (none: nothing),
                                  where the bytes mislead.
  --walk                          Read all of a large stream before anything is
                                  said of it.
  --json                          Print JSON.
  --color [auto|always|never]     Colour; auto: on a terminal, unless NO_COLOR
                                  is set.
  -v, --verbose                   Say all that is known.
  --wide                          Do not fit lines to the terminal.
  --no-pager                      Do not page what is longer than the screen.
  -h, --help                      Show this message and exit.

Examples:
  # A core file for crash, gdb, drgn, Volatility
  $ migstream extract guest.mig -o guest.core
  # A file for each RAM block
  $ migstream extract guest.mig -f raw -o blocks
  # Into a pipe
  $ migstream extract guest.mig -f lime -o - | gzip > guest.lime.gz

$ migstream extract q35-7.2.mig -o guest.core
guest.core  32.3 MiB (33 818 224), 313.6 KiB (321 136) written

$ migstream extract q35-7.2.mig -o guest.core
[stderr]
migstream: q35-7.2.mig: guest.core is there already [MS400]
  hint: --force replaces it
[exit status 5]

$ migstream extract pc-7.2.mig -o blocks -f raw
pc.ram  16.0 MiB (16 777 216), 0 bytes written
%2From@etc%2Facpi%2Ftables  128.0 KiB (131 072), 4.0 KiB (4 096) written
pc.bios  256.0 KiB (262 144), 184.0 KiB (188 416) written
pc.rom  128.0 KiB (131 072), 0 bytes written
%2From@etc%2Ftable-loader  4.0 KiB (4 096), 4.0 KiB (4 096) written
%2From@etc%2Facpi%2Frsdp  4.0 KiB (4 096), 4.0 KiB (4 096) written

$ ls blocks
%2From@etc%2Facpi%2Frsdp
%2From@etc%2Facpi%2Ftables
%2From@etc%2Ftable-loader
blocks.json
pc.bios
pc.ram
pc.rom

$ migstream extract pc-7.2.mig -o guest.lime -f lime
guest.lime  16.3 MiB (17 039 520), 312.2 KiB (319 648) written

$ migstream extract pc-7.2.mig -o guest.phys -f phys --json
{
  "migstream": "extract",
  "format": 1,
  "output": "guest.phys",
  "files": [
    {
      "file": "guest.phys",
      "format": "phys",
      "block": null,
      "size": 4294967296,
      "written": 319488,
      "coverage": {
        "data": 319488,
        "zero": 16719872,
        "absent": 0,
        "unplugged": 0
      },
      "missing": []
    }
  ],
  "absent": [],
  "missing": [],
  "remarks": []
}

$ migstream extract pc-7.2.mig -o guest.xyz -f xyz
[stderr]
Usage: migstream extract [OPTIONS] STREAM
Try 'migstream extract --help' for help.

Error: Invalid value for '-f' / '--format': 'xyz' is not one of 'elf', 'raw', 'phys', 'lime', 'elf-virtual'.
[exit status 2]

$ migstream extract pc-7.2.mig
[stderr]
Usage: migstream extract [OPTIONS] STREAM
Try 'migstream extract --help' for help.

Error: Missing option '-o' / '--output'.
[exit status 2]

$ migstream extract pc-7.2.mig -o nowhere/guest.core
[stderr]
migstream: pc-7.2.mig: nowhere/guest.core: no such file or directory [MS400]
  hint: nothing was left behind
[exit status 5]

# Memory that is not in the stream.
$ migstream extract pc-ignore-shared-7.2.mig -o shared.core
shared.core  512.9 KiB (525 200), 312.9 KiB (320 400) written
[stderr]
migstream: RAM block ram0 was left out: it is shared memory that the stream leaves out (x-ignore-shared): look into its backing file
[exit status 1]

# A stream that is cut off in its memory.
$ head -c 100000 pc-7.2.mig > cut.mig

$ migstream extract cut.mig -o cut.blocks -f raw
pc.ram  16.0 MiB (16 777 216), 0 bytes written
%2From@etc%2Facpi%2Ftables  128.0 KiB (131 072), 4.0 KiB (4 096) written
pc.bios  256.0 KiB (262 144), 56.0 KiB (57 344) written
  56.0 KiB (57 344) of data, 72.0 KiB (73 728) of zeros, 128.0 KiB (131 072) absent
[stderr]
migstream: RAM block /rom@etc/acpi/rsdp was left out: no page of it was sent. Perhaps they went through multifd channels: name the recordings of those with --channel; or the stream is cut off, or leaves memory out
migstream: RAM block /rom@etc/table-loader was left out: no page of it was sent. Perhaps they went through multifd channels: name the recordings of those with --channel; or the stream is cut off, or leaves memory out
migstream: RAM block pc.rom was left out: no page of it was sent. Perhaps they went through multifd channels: name the recordings of those with --channel; or the stream is cut off, or leaves memory out
migstream: pc.bios: 32 of 64 pages, 128.0 KiB (131 072), are not in this stream: the stream is cut off or was edited, postcopy would have sent them, or a balloon told which pages are free
migstream: cut.mig:0x1831e ram[0]: wanted 4104 bytes, 898 left [MS101]
  expected 4104, found 898
  hint: the stream was cut off; what precedes this place is intact
[exit status 3]

# On a terminal of 80 columns.
$ migstream extract q35-7.2.mig -o narrow.core
narrow.core  32.3 MiB (33 818 224), 313.6 KiB (321 136) written
