$ migstream gdb --help
Usage: migstream gdb [OPTIONS] STREAM

  A saved guest for gdb, as QEMU's gdbstub has a stopped one: registers, memory,
  `monitor help`.

  In gdb: target remote | migstream gdb STREAM. The guest cannot run or be
  changed.

Options:
  --listen [127.0.0.1:]PORT    Wait for one debugger at a port of this machine;
                               0 is any that is free.
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
  # In gdb, as a stopped guest
  $ gdb -ex 'target remote | migstream gdb guest.mig'
  # Asked by a script
  $ gdb -batch -ex 'target remote | migstream gdb guest.mig' -ex 'info threads'

# What a debugger sends first: why the guest stands, its threads, where the first one is.
$ printf '$?#3f+$qfThreadInfo#bb+$p10#d1' | migstream gdb pc-7.2.mig
+$T05thread:1;#d7+$m1#9e+$f0ff0*(#e4

$ migstream gdb - < pc-7.2.mig
[stderr]
Usage: migstream gdb [OPTIONS] STREAM
Try 'migstream gdb --help' for help.

Error: - and gdb both mean standard input: --listen PORT leaves it to STREAM
[exit status 2]

$ migstream gdb pc-7.2.mig --listen 192.0.2.1:1234
[stderr]
Usage: migstream gdb [OPTIONS] STREAM
Try 'migstream gdb --help' for help.

Error: Invalid value for '--listen': '192.0.2.1' is not this machine: only 127.0.0.1 is listened on
[exit status 2]
