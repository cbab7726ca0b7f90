$ migstream set --help
Usage: migstream set [OPTIONS] STREAM [PATH=VALUE]...

  A stream with other values.

  VALUE is a number in decimal or with 0x, `true`, `not armed`, hexadecimal or
  quoted text for bytes; the elements of an array have commas between. Guest
  memory is ram/BLOCK@OFFSET=HEX. The result describes itself again, is read
  again, and what was changed is listed.

Options:
  --machine NAME               Name another machine type.
  --capabilities LIST          Record these capabilities, with commas between;
                               none where LIST is empty.
  --order LIST                 Devices, with commas between, that are to stand
                               in this order in their places.
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
  # Another value
  $ migstream set guest.mig 'cpu[0]/env.eip=0x1000' -o new.mig
  # Bytes of guest memory
  $ migstream set guest.mig ram/pc.ram@0x7c00=ebfe -o boot.mig
  # Another machine type
  $ migstream set guest.mig --machine pc-i440fx-6.2 -o other.mig

$ migstream set pc-7.2.mig 'cpu[0]/env.regs[0]=0x1234' 'ram/pc.ram@0x7c00=deadbeef' -o new.mig
0x3a603 -> 0x3b612        set     cpu[0]/env.regs[0]  0 -> 4660 (0x1234)
0x3a590 -> 0x3b59f        set     ram/pc.ram@0x7c00  00000000 -> deadbeef

$ migstream get new.mig 'cpu[0]/env.regs[0]' -x
0x0000000000001234

$ migstream mem new.mig 0x7c00 -n 4
00007c00  de ad be ef                                      ....

$ migstream set pc-7.2.mig --machine pc-i440fx-7.1 --json -o older.mig
{
  "migstream": "set",
  "format": 1,
  "output": "older.mig",
  "size": 350517,
  "changes": [
    {
      "what": "machine",
      "path": "configuration/name",
      "before": "pc-i440fx-7.2",
      "after": "pc-i440fx-7.1",
      "offset": 9,
      "size": 17,
      "new_offset": 9
    }
  ]
}

$ migstream set pc-7.2.mig 'cpu[0]/env.regs[0]=1' -o new.mig
[stderr]
migstream: pc-7.2.mig: new.mig is there already [MS400]
  hint: --force replaces it
[exit status 5]

$ migstream set new.mig 'cpu[0]/env.regs[0]=1' --in-place
0x3b612 -> 0x3b612        set     cpu[0]/env.regs[0]  4660 (0x1234) -> 1

$ migstream set pc-7.2.mig 'cpu[0]/env.regs[0]=many' -o other.mig
[stderr]
Usage: migstream set [OPTIONS] STREAM [PATH=VALUE]...
Try 'migstream set --help' for help.

Error: cpu[0]/env.regs[0]: 'many' is not a number: 4660, 0x1234, -1
[exit status 2]

$ migstream set pc-7.2.mig 'cpu[0]/env.eflags=0x1ffffffffffffffff' -o other.mig
[stderr]
Usage: migstream set [OPTIONS] STREAM [PATH=VALUE]...
Try 'migstream set --help' for help.

Error: cpu[0]/env.eflags: 36893488147419103231 does not fit into 64 bits
[exit status 2]

$ migstream set pc-7.2.mig 'cpu[0]/env.eipp=1' -o other.mig
[stderr]
migstream: pc-7.2.mig: nothing is called 'cpu[0]/env.eipp' [MS300]
  hint: did you mean cpu[0]/env.eip or cpu[0]/env.pat or cpu[0]/env.idt?
[exit status 2]

$ migstream set pc-7.2.mig 'cpu[0]/env.segs=1' -o other.mig
[stderr]
Usage: migstream set [OPTIONS] STREAM [PATH=VALUE]...
Try 'migstream set --help' for help.

Error: cpu[0]/env.segs: env.segs is a struct: give its values one by one
[exit status 2]

$ migstream set pc-7.2.mig 'cpu[0]/env.eip' -o other.mig
[stderr]
Usage: migstream set [OPTIONS] STREAM [PATH=VALUE]...
Try 'migstream set --help' for help.

Error: 'cpu[0]/env.eip' is not PATH=VALUE
[exit status 2]

$ migstream set pc-7.2.mig 'ram/pc.ram@0x1000000=00' -o other.mig
[stderr]
migstream: pc-7.2.mig: 'pc.ram@0x1000000' lies outside of RAM block pc.ram [MS301]
  hint: the block has the bytes 0 to 0x1000000
[exit status 2]

$ migstream set pc-7.2.mig 'cpu[0]/env.eip=1'
[stderr]
Usage: migstream set [OPTIONS] STREAM [PATH=VALUE]...
Try 'migstream set --help' for help.

Error: say where to: -o OUTPUT, or --in-place
[exit status 2]

$ migstream set pc-7.2.mig -o other.mig
[stderr]
Usage: migstream set [OPTIONS] STREAM [PATH=VALUE]...
Try 'migstream set --help' for help.

Error: nothing to change: say PATH=VALUE, --machine, --capabilities or --order
[exit status 2]

# On a terminal of 80 columns.
$ migstream set pc-7.2.mig 'cpu[0]/env.regs[0]=0x1234' 'ram/pc.ram@0x7c00=deadbeef' -o wide.mig
0x3a603 -> 0x3b612        set     cpu[0]/env.regs[0]  0 -> 4660 (0x1234)
0x3a590 -> 0x3b59f        set     ram/pc.ram@0x7c00  00000000 -> deadbeef
