$ migstream rename --help
Usage: migstream rename [OPTIONS] STREAM PATH NAME

  A stream in which a device, subsection or RAM block (ram/BLOCK) is called
  NAME.

  A device's NAME may give its instance id too: NAME[INSTANCE].

Options:
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
  # A device
  $ migstream rename guest.mig i8254 pit -o renamed.mig
  # A RAM block
  $ migstream rename guest.mig ram/pc.ram ram -o block.mig

$ migstream rename pc-7.2.mig 'i8259[1]' 'i8259[3]' -o new.mig
0x3b2de -> 0x3b2de        rename  i8259[1]  i8259[1] -> i8259[3]

$ migstream rename pc-7.2.mig ram/pc.ram main.ram -o new2.mig
0x33 -> 0x33              rename  ram/pc.ram  pc.ram -> main.ram

$ migstream ls new2.mig | head -n 4
 offset     size  kind           id  name                           note
    0x0        8  fileheader
    0x8       18  configuration      pc-i440fx-7.2
   0x1a      172  start           2  ram[0]                    v4   6 blocks, 16.5 MiB

$ migstream rename tiny.mig one/one/more one/less --json -o tiny2.mig
{
  "migstream": "rename",
  "format": 1,
  "output": "tiny2.mig",
  "size": 5285,
  "changes": [
    {
      "what": "rename",
      "path": "one[0]/one/more",
      "before": "one/more",
      "after": "one/less",
      "offset": 4273,
      "size": 9,
      "new_offset": 4273
    }
  ]
}

$ migstream rename pc-7.2.mig 'i8259[1]' 'i8259[0]' -o other.mig
[stderr]
migstream: pc-7.2.mig: there is a section i8259[0] already [MS200]
[exit status 4]

$ migstream rename pc-7.2.mig nobody somebody -o other.mig
[stderr]
migstream: pc-7.2.mig: nothing is called 'nobody' [MS300]
  hint: there is timer[0], cpu_common[0], cpu[0], kvm-tpr-opt[0], apic[0], fw_cfg[0], PCIHost[0], PCIBUS[0], ...
[exit status 2]

# On a terminal of 80 columns.
$ migstream rename pc-7.2.mig 'i8259[1]' 'i8259[3]' -o narrow.mig
0x3b2de -> 0x3b2de        rename  i8259[1]  i8259[1] -> i8259[3]
