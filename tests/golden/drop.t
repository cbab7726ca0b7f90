$ migstream drop --help
Usage: migstream drop [OPTIONS] STREAM PATH...

  A stream without some devices, subsections (PATH) or RAM blocks (ram/BLOCK).

  The description no longer names them, and the sizes in it are right again.

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
  # Without a device
  $ migstream drop guest.mig i8254 -o without.mig
  # Without several
  $ migstream drop guest.mig 'fdc[0]' 'dma[*]' -o small.mig

$ migstream drop pc-7.2.mig 'cpu[0]/poll_control_msr' acpi_build -o new.mig
0x3ad1c -> 0x3ad1c        drop    cpu[0]/cpu/poll_control_msr  34 bytes
0x3d732 -> 0x3d710        drop    acpi_build[0]  30 bytes

$ migstream drop tiny.mig one/one/more two -o tiny2.mig
0x10b0 -> 0x10b0          drop    one[0]/one/more  22 bytes
0x10cb -> 0x10b5          drop    two[0]  26 bytes

$ migstream ls tiny2.mig
offset   size  kind           id  name        note
   0x0      8  fileheader
   0x8      9  configuration      none
  0x11     53  start           2  ram[0]  v4  1 block, 12.0 KiB
  0x46  4 147  end             2  ram[0]  v4  2 zero, 1 normal
0x1079     60  full            3  one[0]  v1
0x10b5      1  end
0x10b6    720  description

$ migstream drop pc-7.2.mig ram/pc.rom -o new2.mig
0x6f -> 0x6f              drop    ram/pc.rom  15 bytes

$ migstream drop pc-7.2.mig i8259 --json -o new3.mig
{
  "migstream": "drop",
  "format": 1,
  "output": "new3.mig",
  "size": 348625,
  "changes": [
    {
      "what": "drop",
      "path": "i8259[0]",
      "before": "40 bytes",
      "after": "",
      "offset": 242353,
      "size": 40,
      "new_offset": 242353
    },
    {
      "what": "drop",
      "path": "i8259[1]",
      "before": "40 bytes",
      "after": "",
      "offset": 242393,
      "size": 40,
      "new_offset": 242353
    }
  ]
}

$ migstream drop pc-7.2.mig 'cpu[0]/env.eip' -o other.mig
[stderr]
migstream: pc-7.2.mig:0x3a683: cpu[0]/env.eip is a field: it has its place, and its name is not in the stream [MS200]
  hint: devices, subsections and RAM blocks can be dropped and renamed
[exit status 4]

$ migstream drop pc-7.2.mig nobody -o other.mig
[stderr]
migstream: pc-7.2.mig: nothing is called 'nobody' [MS300]
  hint: there is timer[0], cpu_common[0], cpu[0], kvm-tpr-opt[0], apic[0], fw_cfg[0], PCIHost[0], PCIBUS[0], ...
[exit status 2]

# On a terminal of 80 columns.
$ migstream drop pc-7.2.mig 'cpu[0]/poll_control_msr' acpi_build -o narrow.mig
0x3ad1c -> 0x3ad1c        drop    cpu[0]/cpu/poll_control_msr  34 bytes
0x3d732 -> 0x3d710        drop    acpi_build[0]  30 bytes
