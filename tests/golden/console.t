$ migstream console --help
Usage: migstream console [OPTIONS] STREAM [DEVICE|kernel]

  The text of the guest's consoles: screens in a text mode, what serial ports
  hold; `kernel` is its log.

  The log is that of a Linux guest, as dmesg prints it; it is looked for in all
  of guest memory.

  Characters of a screen are those of code page 437, which a VGA has in its
  font; a guest may have loaded another.

Options:
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
  # Every text on a screen and in a serial port
  $ migstream console vga.mig
  # Of one device
  $ migstream console vga.mig vga
$ migstream console pc-vga-7.2.mig
0000:00:02.0/vga[0]  on its screen, 80x25
Grüße from the guest
$ migstream console pc-vga-7.2.mig vga --json
{
  "migstream": "console",
  "format": 1,
  "file": "pc-vga-7.2.mig",
  "consoles": [
    {
      "device": "0000:00:02.0/vga[0]",
      "what": "on its screen, 80x25",
      "lines": [
        "Grüße from the guest"
      ]
    }
  ]
}
$ migstream console pc-vga-7.2.mig serial
[stderr]
migstream: pc-vga-7.2.mig: nothing is called 'serial' [MS300]
  hint: there is timer[0], cpu_common[0], cpu[0], kvm-tpr-opt[0], apic[0], fw_cfg[0], PCIHost[0], PCIBUS[0], ...
[exit status 2]
$ migstream console pc-vga-7.2.mig nothing
[stderr]
migstream: pc-vga-7.2.mig: nothing is called 'nothing' [MS300]
  hint: there is timer[0], cpu_common[0], cpu[0], kvm-tpr-opt[0], apic[0], fw_cfg[0], PCIHost[0], PCIBUS[0], ...
[exit status 2]

# On a terminal of 80 columns.
$ migstream console pc-vga-7.2.mig
0000:00:02.0/vga[0]  on its screen, 80x25
Grüße from the guest
$ migstream console pc-7.2.mig kernel
[stderr]
migstream: pc-7.2.mig: no kernel's log was found in guest memory [MS200]
  hint: it is found by the note for dumps (VMCOREINFO) that Linux has in its memory
[exit status 4]
