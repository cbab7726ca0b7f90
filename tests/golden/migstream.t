# The command itself.
$ migstream --help
Usage: migstream [OPTIONS] COMMAND [ARGS]...

  Read QEMU migration streams: every value by name, every byte with its place.

  STREAM is a file, compressed or not, a save image of libvirt's, a disk with a
  snapshot, a capture of the network, an address, or - for standard input.

  Exit status: 0 clean, 1 findings, 2 wrong usage or no such path, 3 damaged
  stream, 4 unsupported, 5 input/output error.

Options:
  --version   Show the version, and whether the loops over guest memory are
              compiled.
  -h, --help  Show this message and exit.

Look:
  info               What this is: machine, devices, RAM blocks, sizes.
  identify           Which QEMU wrote it: release, build, target, CPU.
  find               Streams anywhere in a disk, a memory dump, a tar file.
  ls                 Every item of the stream: offset, size, kind, name.
  tui                The stream on the whole terminal: tree, bytes, memory.
  tree               Devices and their fields with values and types.
  show               Values, or any region, with the hexdump beside them.
  get                The value of a path, also raw or hexadecimal.
  registers          Registers of every virtual CPU, as `info registers` has.
  stat               Where the bytes go.
  desc               The JSON description, as it is in the stream.
  report             A page for the browser: all of the above, and pictures.

Memory:
  mem                Guest memory: hexdump, search, strings, page tables.
  history            Every version of a page, by dirty round.
  screen             What the guest's displays show, as a picture.
  console            The text that its consoles show, or have in store.
  queue              A virtio device's queues, and what is in flight.
  gdb                A saved guest in gdb: registers, virtual memory, threads.
  extract            Guest memory to files: ELF core, raw, physical, LiME.
  index              An index beside the stream: guest memory at once.

Judge:
  check              What is wrong with a stream: framing, values, memory.
  explain            What QEMU's error message means, and where it points.
  compat             Whether another QEMU will load it, and if not, why.
  heal               What to change so that a stream loads there.
  catalogue          What is known of QEMUs, for `compat --to 10.0`.
  diff               What changed between two streams.
  digest             A stream's state as a small text, to keep and compare.
  static-checker     Two -dump-vmstate files held against each other.

Edit and make:
  set                A stream with other values, memory, machine, order.
  drop               A stream without some devices or RAM blocks.
  rename             A stream in which something has another name.
  redact             A stream for a bug report: no memory, no addresses.
  minimise           The smallest stream that still fails the same way.
  convert            The same state in another encoding, for another QEMU.
  decode             Device state as JSON; a whole stream as a folder.
  encode             A stream from the folder that `decode --full` made.

Many:
  fleet              Thousands of saved guests: one table, and questions to it.

For shells and programs:
  schema             The JSON Schema of what a verb prints with --json.
  completion         The script that lets a shell complete: bash, zsh, fish.
  man                The manual: a page for each verb.
  analyze-migration  The flags and the JSON of QEMU's own script.

Examples:
  # What is this file?
  $ migstream info guest.save
  # What is wrong with it? (exit status 1: something)
  $ migstream check bad.mig
  # What differs, to the byte? (1: something)
  $ migstream diff good.mig bad.mig
  # What does QEMU's message mean?
  $ migstream explain libvirt.log

Every verb's --help has examples; `migstream man VERB` prints its page,
`migstream explain CODE` that of a code. The pages about each verb are in docs/
of the sources, commands.md first.

$ migstream --version | cut -d' ' -f1,2
migstream 0.1.0

$ migstream
[stderr]
Usage: migstream [OPTIONS] COMMAND [ARGS]...

  Read QEMU migration streams: every value by name, every byte with its place.

  STREAM is a file, compressed or not, a save image of libvirt's, a disk with a
  snapshot, a capture of the network, an address, or - for standard input.

  Exit status: 0 clean, 1 findings, 2 wrong usage or no such path, 3 damaged
  stream, 4 unsupported, 5 input/output error.

Options:
  --version   Show the version, and whether the loops over guest memory are
              compiled.
  -h, --help  Show this message and exit.

Look:
  info               What this is: machine, devices, RAM blocks, sizes.
  identify           Which QEMU wrote it: release, build, target, CPU.
  find               Streams anywhere in a disk, a memory dump, a tar file.
  ls                 Every item of the stream: offset, size, kind, name.
  tui                The stream on the whole terminal: tree, bytes, memory.
  tree               Devices and their fields with values and types.
  show               Values, or any region, with the hexdump beside them.
  get                The value of a path, also raw or hexadecimal.
  registers          Registers of every virtual CPU, as `info registers` has.
  stat               Where the bytes go.
  desc               The JSON description, as it is in the stream.
  report             A page for the browser: all of the above, and pictures.

Memory:
  mem                Guest memory: hexdump, search, strings, page tables.
  history            Every version of a page, by dirty round.
  screen             What the guest's displays show, as a picture.
  console            The text that its consoles show, or have in store.
  queue              A virtio device's queues, and what is in flight.
  gdb                A saved guest in gdb: registers, virtual memory, threads.
  extract            Guest memory to files: ELF core, raw, physical, LiME.
  index              An index beside the stream: guest memory at once.

Judge:
  check              What is wrong with a stream: framing, values, memory.
  explain            What QEMU's error message means, and where it points.
  compat             Whether another QEMU will load it, and if not, why.
  heal               What to change so that a stream loads there.
  catalogue          What is known of QEMUs, for `compat --to 10.0`.
  diff               What changed between two streams.
  digest             A stream's state as a small text, to keep and compare.
  static-checker     Two -dump-vmstate files held against each other.

Edit and make:
  set                A stream with other values, memory, machine, order.
  drop               A stream without some devices or RAM blocks.
  rename             A stream in which something has another name.
  redact             A stream for a bug report: no memory, no addresses.
  minimise           The smallest stream that still fails the same way.
  convert            The same state in another encoding, for another QEMU.
  decode             Device state as JSON; a whole stream as a folder.
  encode             A stream from the folder that `decode --full` made.

Many:
  fleet              Thousands of saved guests: one table, and questions to it.

For shells and programs:
  schema             The JSON Schema of what a verb prints with --json.
  completion         The script that lets a shell complete: bash, zsh, fish.
  man                The manual: a page for each verb.
  analyze-migration  The flags and the JSON of QEMU's own script.

Examples:
  # What is this file?
  $ migstream info guest.save
  # What is wrong with it? (exit status 1: something)
  $ migstream check bad.mig
  # What differs, to the byte? (1: something)
  $ migstream diff good.mig bad.mig
  # What does QEMU's message mean?
  $ migstream explain libvirt.log

Every verb's --help has examples; `migstream man VERB` prints its page,
`migstream explain CODE` that of a code. The pages about each verb are in docs/
of the sources, commands.md first.
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
QEMU          2.4 or later (identify lists what tells it)
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

# On a terminal of 80 columns.
$ migstream --help
Usage: migstream [OPTIONS] COMMAND [ARGS]...

  Read QEMU migration streams: every value by name, every byte with its place.

  STREAM is a file, compressed or not, a save image of libvirt's, a disk with
  a snapshot, a capture of the network, an address, or - for standard input.

  Exit status: 0 clean, 1 findings, 2 wrong usage or no such path, 3 damaged
  stream, 4 unsupported, 5 input/output error.

Options:
  --version   Show the version, and whether the loops over guest memory are
              compiled.
  -h, --help  Show this message and exit.

Look:
  info               What this is: machine, devices, RAM blocks, sizes.
  identify           Which QEMU wrote it: release, build, target, CPU.
  find               Streams anywhere in a disk, a memory dump, a tar file.
  ls                 Every item of the stream: offset, size, kind, name.
  tui                The stream on the whole terminal: tree, bytes, memory.
  tree               Devices and their fields with values and types.
  show               Values, or any region, with the hexdump beside them.
  get                The value of a path, also raw or hexadecimal.
  registers          Registers of every virtual CPU, as `info registers` has.
  stat               Where the bytes go.
  desc               The JSON description, as it is in the stream.
  report             A page for the browser: all of the above, and pictures.

Memory:
  mem                Guest memory: hexdump, search, strings, page tables.
  history            Every version of a page, by dirty round.
  screen             What the guest's displays show, as a picture.
  console            The text that its consoles show, or have in store.
  queue              A virtio device's queues, and what is in flight.
  gdb                A saved guest in gdb: registers, virtual memory, threads.
  extract            Guest memory to files: ELF core, raw, physical, LiME.
  index              An index beside the stream: guest memory at once.

Judge:
  check              What is wrong with a stream: framing, values, memory.
  explain            What QEMU's error message means, and where it points.
  compat             Whether another QEMU will load it, and if not, why.
  heal               What to change so that a stream loads there.
  catalogue          What is known of QEMUs, for `compat --to 10.0`.
  diff               What changed between two streams.
  digest             A stream's state as a small text, to keep and compare.
  static-checker     Two -dump-vmstate files held against each other.

Edit and make:
  set                A stream with other values, memory, machine, order.
  drop               A stream without some devices or RAM blocks.
  rename             A stream in which something has another name.
  redact             A stream for a bug report: no memory, no addresses.
  minimise           The smallest stream that still fails the same way.
  convert            The same state in another encoding, for another QEMU.
  decode             Device state as JSON; a whole stream as a folder.
  encode             A stream from the folder that `decode --full` made.

Many:
  fleet              Thousands of saved guests: one table, and questions to
                     it.

For shells and programs:
  schema             The JSON Schema of what a verb prints with --json.
  completion         The script that lets a shell complete: bash, zsh, fish.
  man                The manual: a page for each verb.
  analyze-migration  The flags and the JSON of QEMU's own script.

Examples:
  # What is this file?
  $ migstream info guest.save
  # What is wrong with it? (exit status 1: something)
  $ migstream check bad.mig
  # What differs, to the byte? (1: something)
  $ migstream diff good.mig bad.mig
  # What does QEMU's message mean?
  $ migstream explain libvirt.log

Every verb's --help has examples; `migstream man VERB` prints its page,
`migstream explain CODE` that of a code. The pages about each verb are in
docs/ of the sources, commands.md first.
