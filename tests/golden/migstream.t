# The command itself.
$ migstream --help
Usage: migstream [OPTIONS] COMMAND [ARGS]...

  Read QEMU migration streams: every value by name, every byte with its place.

  Exit status: 0 clean, 1 findings, 2 wrong usage or no such path, 3 damaged
  stream, 4 unsupported, 5 input/output error.

Options:
  --version   Show the version, and whether the loops over guest memory are
              compiled.
  -h, --help  Show this message and exit.

Commands:
  info               What this is: machine, devices, RAM blocks, sizes. Instant.
  find               Streams anywhere in a disk, a dump of memory, a tar file.
  ls                 Every item of the stream: offset, size, kind, name.
  tree               Devices and their fields with values and types.
  show               Values, or any region, with the hexdump beside them.
  get                The value of a path; raw bytes or hexadecimal on request.
  registers          Registers of every virtual CPU, as `info registers` prints
                     them.
  mem                Guest memory: hexdump, search, strings, page tables.
  history            Every version of a page, by dirty round.
  index              An index beside the stream: guest memory at once from then
                     on.
  extract            Guest memory to files: ELF core, raw blocks, physical,
                     LiME.
  check              What is wrong with a stream: framing, description, values,
                     memory.
  explain            What QEMU's error message means, and where in the stream;
                     the page of a code.
  compat             Whether a stream will load in another QEMU, and which byte
                     is to blame if not.
  static-checker     Two -dump-vmstate files held against each other, by bytes
                     and not by names.
  set                A stream with other values, bytes of memory, machine type,
                     order.
  drop               A stream without some devices, subsections or RAM blocks.
  rename             A stream in which a device, subsection or RAM block has
                     another name.
  redact             A stream for a bug report: no memory, addresses, buffers,
                     serial numbers.
  minimise           The smallest stream on which a command, or a QEMU's load,
                     still fails the same way.
  convert            A new stream with the same devices and memory in another
                     encoding.
  desc               The JSON description, as it is in the stream.
  stat               Where the bytes go.
  diff               What changed between two streams: machine, devices, fields,
                     memory.
  digest             A small text file of a stream's state, to keep and to
                     compare with.
  decode             The whole device state as JSON; all of the stream as a
                     folder to edit.
  encode             A stream from the folder that `decode --full` made.
  schema             The JSON Schema of what a verb prints with --json.
  analyze-migration  The flags and the JSON of QEMU's own script.

$ migstream --version | cut -d' ' -f1,2
migstream 0.1.0

$ migstream
[stderr]
Usage: migstream [OPTIONS] COMMAND [ARGS]...

  Read QEMU migration streams: every value by name, every byte with its place.

  Exit status: 0 clean, 1 findings, 2 wrong usage or no such path, 3 damaged
  stream, 4 unsupported, 5 input/output error.

Options:
  --version   Show the version, and whether the loops over guest memory are
              compiled.
  -h, --help  Show this message and exit.

Commands:
  info               What this is: machine, devices, RAM blocks, sizes. Instant.
  find               Streams anywhere in a disk, a dump of memory, a tar file.
  ls                 Every item of the stream: offset, size, kind, name.
  tree               Devices and their fields with values and types.
  show               Values, or any region, with the hexdump beside them.
  get                The value of a path; raw bytes or hexadecimal on request.
  registers          Registers of every virtual CPU, as `info registers` prints
                     them.
  mem                Guest memory: hexdump, search, strings, page tables.
  history            Every version of a page, by dirty round.
  index              An index beside the stream: guest memory at once from then
                     on.
  extract            Guest memory to files: ELF core, raw blocks, physical,
                     LiME.
  check              What is wrong with a stream: framing, description, values,
                     memory.
  explain            What QEMU's error message means, and where in the stream;
                     the page of a code.
  compat             Whether a stream will load in another QEMU, and which byte
                     is to blame if not.
  static-checker     Two -dump-vmstate files held against each other, by bytes
                     and not by names.
  set                A stream with other values, bytes of memory, machine type,
                     order.
  drop               A stream without some devices, subsections or RAM blocks.
  rename             A stream in which a device, subsection or RAM block has
                     another name.
  redact             A stream for a bug report: no memory, addresses, buffers,
                     serial numbers.
  minimise           The smallest stream on which a command, or a QEMU's load,
                     still fails the same way.
  convert            A new stream with the same devices and memory in another
                     encoding.
  desc               The JSON description, as it is in the stream.
  stat               Where the bytes go.
  diff               What changed between two streams: machine, devices, fields,
                     memory.
  digest             A small text file of a stream's state, to keep and to
                     compare with.
  decode             The whole device state as JSON; all of the stream as a
                     folder to edit.
  encode             A stream from the folder that `decode --full` made.
  schema             The JSON Schema of what a verb prints with --json.
  analyze-migration  The flags and the JSON of QEMU's own script.
[exit status 2]

$ migstream inof pc-7.2.mig
[stderr]
Usage: migstream [OPTIONS] COMMAND [ARGS]...
Try 'migstream --help' for help.

Error: No such command 'inof'. Did you mean info?
[exit status 2]

$ migstream xyz
[stderr]
Usage: migstream [OPTIONS] COMMAND [ARGS]...
Try 'migstream --help' for help.

Error: No such command 'xyz'.
[exit status 2]

$ migstream --xyz
[stderr]
Usage: migstream [OPTIONS] COMMAND [ARGS]...
Try 'migstream --help' for help.

Error: No such option '--xyz'.
[exit status 2]

# What every verb says of a file that is not there, of none, of too many, of an option that it does not have.
$ migstream info nothing.mig
[stderr]
migstream: nothing.mig: no such file or directory [MS400]
[exit status 5]

$ migstream info
[stderr]
Usage: migstream info [OPTIONS] STREAM
Try 'migstream info --help' for help.

Error: Missing argument 'STREAM'.
[exit status 2]

$ migstream info pc-7.2.mig none-7.2.mig
[stderr]
Usage: migstream info [OPTIONS] STREAM
Try 'migstream info --help' for help.

Error: Got unexpected extra argument (none-7.2.mig)
[exit status 2]

$ migstream info --jsno pc-7.2.mig
[stderr]
Usage: migstream info [OPTIONS] STREAM
Try 'migstream info --help' for help.

Error: No such option '--jsno'. Did you mean '--json'?
[exit status 2]

$ migstream info .
[stderr]
migstream: .: a directory is not a migration stream [MS102]
  hint: give the file that QEMU wrote
[exit status 3]

$ migstream info --offset many pc-7.2.mig
[stderr]
Usage: migstream info [OPTIONS] STREAM
Try 'migstream info --help' for help.

Error: Invalid value for '--offset': 'many' is not an offset in bytes, such as 0x45c
[exit status 2]

$ migstream info --color sometimes pc-7.2.mig
[stderr]
Usage: migstream info [OPTIONS] STREAM
Try 'migstream info --help' for help.

Error: Invalid value for '--color': 'sometimes' is not one of 'auto', 'always', 'never'.
[exit status 2]

# Of a file that is something else, of an empty one, of one that is packed and cut off.
$ printf 'This is a letter, not a stream.\n' > letter.txt

$ migstream info letter.txt
[stderr]
migstream: letter.txt:0x0: not a migration stream [MS102]
  expected 51 45 56 4d, found 54 68 69 73
  hint: this looks like text; a stream begins with the bytes 51 45 56 4d (QEVM)
[exit status 3]

$ migstream ls letter.txt
[stderr]
migstream: letter.txt:0x0: not a migration stream [MS102]
  expected 51 45 56 4d, found 54 68 69 73
  hint: this looks like text; a stream begins with the bytes 51 45 56 4d (QEVM)
[exit status 3]

$ migstream check letter.txt
letter.txt:0x0 header: error MS102: not a migration stream
  expected 51 45 56 4d, found 54 68 69 73
  hint: this looks like text; a stream begins with the bytes 51 45 56 4d (QEVM)
letter.txt: 1 error; it could not be read to its end
[stderr]
migstream: letter.txt: it could not be read to its end [MS102]
[exit status 3]

$ : > empty.mig

$ migstream info empty.mig
[stderr]
migstream: empty.mig:0x0: not a migration stream [MS102]
  expected 51 45 56 4d, found nothing
  hint: there is not a single byte in it; a stream begins with the bytes 51 45 56 4d (QEVM)
[exit status 3]

$ head -c 300 none-7.2.mig.xz > cut.mig.xz

$ migstream info cut.mig.xz
file          cut.mig.xz
size          741 bytes
machine       none
QEMU          unknown
capabilities  none recorded
page size     not recorded
description   none
devices       2, 182 bytes
RAM           0 blocks, 0 bytes
checked       all of it: damaged in 2 places

Devices
  globalstate[0]  v1  104 B  104  not described
  timer[0]        v2   24 B   24  not described
[stderr]
migstream: cut.mig.xz:0x105 description: wanted 486 bytes, 480 left [MS101]
  expected 486, found 480
  hint: the stream was cut off; what precedes this place is intact
migstream: cut.mig.xz:0x2e5: the compressed file is damaged: it is cut off [MS101]
  hint: what it holds up to here was read; another copy of the file may be whole
[exit status 3]

# A name is never obeyed by a terminal.
$ migstream tree hostile.mig one
one[0]  one
  blob\x1b[31m\u202e  60 bytes, 010001000200030004ffffffffffffffff05fffffffa010002010002010002…  buffer
