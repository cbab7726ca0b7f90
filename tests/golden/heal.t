$ migstream heal --help
Usage: migstream heal [OPTIONS] STREAM [-- QEMU-ARGUMENTS...]

  What to change so that a stream loads there.

  The load is played as `compat` does, and what its first problem can be
  answered with is tried, until it is foretold to work: options of the
  destination first, then the stream. What is not needed is left out again. Said
  is what the guest loses by each change, and the destination's new arguments
  are printed, ready to copy.

  Nothing is changed unless -o says where to. With --try the QEMU has the last
  word. Exit status: 0 it loads, as it is or with these changes; 1 there is no
  way out.

Options:
  --to SCHEMA                  The destination's -dump-vmstate; for `compat` and
                               `heal` a release, too: 10.0, debian-13.
  --to-stream OTHER            A stream that the destination saved, started as
                               it will be for the load.
  --release VERSION            The destination's release, such as 10.0.
  --cap NAME                   A migration capability that is on there; once for
                               each.
  --to-qemu PATH               Ask this QEMU, started with the arguments behind
                               -- and with each change of them.
  --catalogue PATH             A catalogue, or a folder of them, before those of
                               migstream.
  --xml FILE                   The libvirt domain that is started there; that of
                               a save image otherwise.
  --try                        Give the stream to the QEMU, too: what it says
                               counts.
  --plays N                    How often the load may be foretold (120).  [x>=1]
  -o, --output PATH            The healed stream to make; - is standard output.
  --force                      Replace what is there.
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
  # What of it has to change, so that it loads as that guest was started
  $ migstream heal vga.mig --to-stream guest.mig -o healed.mig
  # With which options it loads in QEMU 10.0
  $ migstream heal guest.mig --to 10.0 -- -nodefaults -M pc -m 128 -serial null

$ migstream heal pc-7.2.mig --to 10.0 -- -nodefaults -M pc-i440fx-7.2 -m 16
pc-7.2.mig in QEMU 10.0.13 with pc-i440fx-7.2: loads as it is

$ migstream heal pc-vga-7.2.mig --to debian-13 -- -nodefaults -M pc-i440fx-7.2 -m 32 -device VGA
pc-vga-7.2.mig in QEMU 10.0.13 with pc-i440fx-7.2: loads with 2 changes

destination  start with -m 16M
destination  give VGA vgamem_mb=1

Start the destination with:
-nodefaults -M pc-i440fx-7.2 -m 16M -device VGA,vgamem_mb=1
assumed: VGA's vgamem_mb=1 acts as vgamem_mb=8 does

# Nobody has such a device: the stream goes on without it.
$ migstream rename pc-7.2.mig i8254 acme-timer -o acme.mig
0x3b5ae -> 0x3b5ae        rename  i8254[0]  i8254[0] -> acme-timer[0]

$ migstream heal acme.mig --to 10.0 -v -o healed.mig -- -nodefaults -M pc-i440fx-7.2 -m 16
acme.mig in QEMU 10.0.13 with pc-i440fx-7.2: loads with 1 change

stream       drop acme-timer[0]
             lost: acme-timer[0] is dropped: the guest finds no such device any more
             because: the destination has no device acme-timer with instance id 0

healed.mig: 341.2 KiB (349 379), its description says who changed what

2 loads foretold
[stderr]
migstream: play 1: acme-timer[0]: the destination has no device acme-timer with instance id 0
migstream: play 2: loads

$ migstream heal pc-7.2.mig --to-stream q35-7.2.mig
pc-7.2.mig in q35-7.2.mig: no way out was found

stream  the machine type is pc-i440fx-7.2, that of the destination pc-q35-7.2
  hint: start the destination with -machine pc-i440fx-7.2

Neither an option of the destination that is known nor a change of the stream helps.
1 load foretold
[exit status 1]

$ migstream heal pc-7.2.mig --to 10.0 --json -- -nodefaults -M pc-i440fx-7.2 -m 32
{
  "migstream": "heal",
  "format": 1,
  "file": "pc-7.2.mig",
  "destination": "QEMU 10.0.13 with pc-i440fx-7.2",
  "loads": true,
  "as_it_is": false,
  "tried": false,
  "changes": [
    {
      "where": "destination",
      "what": "start with -m 16M",
      "loses": "",
      "why": "the stream's machine has 16M of RAM, the destination's 32M of RAM"
    }
  ],
  "arguments": [
    "-nodefaults",
    "-M",
    "pc-i440fx-7.2",
    "-m",
    "16M"
  ],
  "command": "-nodefaults -M pc-i440fx-7.2 -m 16M",
  "problem": {
    "kind": "ram",
    "device": "ram[0]",
    "path": "ram/pc.ram",
    "span": [
      51,
      66
    ],
    "message": "the stream's machine has 16M of RAM, the destination's 32M of RAM",
    "said": [
      "Size mismatch: pc.ram: 0x1000000 != 0x2000000: Invalid argument",
      "error while loading state for instance 0x0 of device 'ram'",
      "load of migration failed: Invalid argument"
    ],
    "hint": "start with -m 16M"
  },
  "left": null,
  "plays": 2,
  "tries": 0,
  "said": [],
  "complete": true,
  "assumptions": [],
  "output": null,
  "size": null
}

$ migstream heal pc-7.2.mig
[stderr]
Usage: migstream heal [OPTIONS] STREAM [-- QEMU-ARGUMENTS...]
Try 'migstream heal --help' for help.

Error: say where to: --to RELEASE, --to SCHEMA, --to-stream OTHER or --to-qemu PATH
[exit status 2]
