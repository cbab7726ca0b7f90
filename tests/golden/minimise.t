$ migstream minimise --help
Usage: migstream minimise [OPTIONS] STREAM -- COMMAND...

  The smallest stream on which a command still fails in the same way.

  Devices, subsections, guest memory are left out as long as COMMAND ends with
  the same status and says the same: QEMU's messages with their device and
  fields, or migstream's codes. {} in it is the stream's path; without, it comes
  on standard input. With --qemu, a QEMU is told to load it. Exit status: 0
  made, 1 COMMAND does not fail, 3 nothing of the stream can be read.

Options:
  -o, --output PATH            The stream to make; - is standard output.
                               [required]
  --force                      Replace what is there.
  --qemu PATH                  Have this QEMU load the stream; its arguments
                               stand behind --.
  --cap NAME                   A migration capability that this QEMU is to have;
                               once for each.
  --match REGEX                What the output must contain, instead of the
                               messages that are known.
  --timeout SECONDS            What still runs then does not fail (20).  [x>0]
  --tries N                    How often the command may be run (1000).  [x>=1]
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
  # What of it makes a command fail
  $ migstream minimise bad.mig -o small.mig --tries 8 -- migstream check {}
  # What makes it say this
  $ migstream minimise bad.mig -o tiny.mig --match MS563 -- migstream check {}

# A command that fails where the stream has an i8254: what is left is what it looks at.
$ migstream minimise pc-7.2.mig -o small.out -- sh -c '! grep -aq pcspk {}'
small.out: 342.3 KiB (350 517) -> 285 bytes
31 sections -> 1, 8 tries

left    path      bytes before  after
device  pcspk[0]            26     26

It fails as before:

$ migstream ls small.out
offset  size  kind           id  name               note
   0x0     8  fileheader
   0x8    18  configuration      pc-i440fx-7.2
  0x1a    26  full           21  pcspk[0]       v1
  0x34     1  end
  0x35   232  description

$ migstream minimise pc-7.2.mig -o few.out --tries 3 --json -- sh -c '! grep -aq pcspk {}'
{
  "migstream": "minimise",
  "format": 1,
  "file": "pc-7.2.mig",
  "output": "few.out",
  "size": 93698,
  "before": 350517,
  "sections": 31,
  "left": [
    {
      "kind": "device",
      "path": "ioapic[0]",
      "before": 231,
      "after": 231
    },
    {
      "kind": "device",
      "path": "hpet[0]",
      "before": 174,
      "after": 174
    },
    {
      "kind": "device",
      "path": "mc146818rtc[0]",
      "before": 275,
      "after": 275
    },
    {
      "kind": "device",
      "path": "i8254[0]",
      "before": 132,
      "after": 132
    },
    {
      "kind": "device",
      "path": "pcspk[0]",
      "before": 26,
      "after": 26
    },
    {
      "kind": "device",
      "path": "fdc[0]",
      "before": 615,
      "after": 615
    },
    {
      "kind": "device",
      "path": "ps2kbd[0]",
      "before": 309,
      "after": 309
    },
    {
      "kind": "device",
      "path": "ps2mouse[0]",
      "before": 318,
      "after": 318
    },
    {
      "kind": "device",
      "path": "pckbd[0]",
      "before": 64,
      "after": 64
    },
    {
      "kind": "device",
      "path": "vmmouse[0]",
      "before": 4131,
      "after": 4131
    },
    {
      "kind": "device",
      "path": "port92[0]",
      "before": 26,
      "after": 26
    },
    {
      "kind": "device",
      "path": "0000:00:01.1/ide[0]",
      "before": 465,
      "after": 465
    },
    {
      "kind": "device",
      "path": "i2c_bus[0]",
      "before": 27,
      "after": 27
    },
    {
      "kind": "device",
      "path": "0000:00:01.3/piix4_pm[0]",
      "before": 2472,
      "after": 2472
    },
    {
      "kind": "device",
      "path": "acpi_build[0]",
      "before": 30,
      "after": 30
    },
    {
      "kind": "device",
      "path": "globalstate[0]",
      "before": 134,
      "after": 134
    }
  ],
  "tries": 3,
  "complete": false,
  "failure": {
    "status": 1,
    "said": [],
    "device": "",
    "instance": null,
    "fields": [],
    "codes": [],
    "assertions": [],
    "last": "",
    "matched": null
  },
  "said": ""
}

$ migstream minimise pc-7.2.mig -o other.out -- true
[stderr]
migstream: pc-7.2.mig: the command does not fail on it: there is nothing to look for
[exit status 1]

$ migstream minimise pc-7.2.mig -o other.out -- ./not-there {}
[stderr]
migstream: pc-7.2.mig: ./not-there: no such file or directory [MS400]
[exit status 5]

$ migstream minimise pc-7.2.mig -o other.out
[stderr]
Usage: migstream minimise [OPTIONS] STREAM -- COMMAND...
Try 'migstream minimise --help' for help.

Error: Missing argument '-- COMMAND...'.
[exit status 2]

# On a terminal of 80 columns.
$ migstream minimise pc-7.2.mig -o narrow.mig -- false
migstream: 66 bytes, 0 sections, after 1 try
narrow.mig: 342.3 KiB (350 517) -> 66 bytes
31 sections -> 0, 1 try

It fails as before:
