$ migstream get --help
Usage: migstream get [OPTIONS] STREAM PATH...

  The value of each PATH, one on a line; `path = value` where a PATH names
  several.

  A PATH may be a place in guest memory, too (ram/BLOCK@OFFSET to the end of its
  page, ram/BLOCK@START-STOP), or bytes of the stream (@START-STOP).

Options:
  -x, --hex                    Numbers in hexadecimal.
  -r, --raw                    The raw bytes.
  --force                      With -r: write to a terminal, too.
  --where                      Offset and length before each value.
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
  # One value
  $ migstream get guest.mig 'cpu[0]/env.eip'
  # Several, in hexadecimal
  $ migstream get guest.mig 'cpu[0]/env.regs[*]' -x
  # With the offset and size of each
  $ migstream get guest.mig 'i8259[*]/imr' --where
  # The raw bytes
  $ migstream get guest.mig 'cpu[0]' -r > cpu.bin

$ migstream get pc-7.2.mig 'cpu[0]/env.eip'
65520 (0xfff0)

$ migstream get pc-7.2.mig 'cpu[0]/env.eip' -x
0x000000000000fff0

$ migstream get pc-7.2.mig 'i8259[*]/imr' --where
0x3b2c6+0x1 i8259[0]/imr = 0
0x3b2ee+0x1 i8259[1]/imr = 0

$ migstream get pc-7.2.mig 'cpu[0]/env.regs'
0 RAX 0 RCX 397233 (0x60fb1) RDX 0 RBX 0 RSP 0 RBP 0 RSI 0 RDI 0 R8 0 R9 0 R10 0 R11 0 R12 0 R13 0 R14 0 R15

$ migstream get pc-7.2.mig 'cpu[0]/env.regs[2]' --json
{
  "migstream": "get",
  "format": 1,
  "file": "pc-7.2.mig",
  "values": [
    {
      "path": "cpu[0]/env.regs[2]",
      "type": "uint64",
      "span": [
        239123,
        239131
      ],
      "value": 397233,
      "symbol": "RDX"
    }
  ]
}

$ migstream get pc-7.2.mig 'cpu[0]/env.eip' -r | od -An -tx1
 00 00 00 00 00 00 ff f0

$ migstream get tiny.mig 'one/**'
one[0]/flag = true
one[0]/words = 1 2 3 4
one[0]/when = not armed
one[0]/sub/a = 5
one[0]/sub/b = -6
one[0]/rows[0]/x = 1
one[0]/rows[0]/y = 2
one[0]/rows[1]/x = 1
one[0]/rows[1]/y = 2
one[0]/rows[2]/x = 1
one[0]/rows[2]/y = 2
one[0]/blob = 7 bytes, 31323334353637
one[0]/one/more/z = 4277009102 (0xfeedface)

$ migstream get pc-7.2.mig 'cpu[0]/env.eipp'
[stderr]
migstream: pc-7.2.mig: nothing is called 'cpu[0]/env.eipp' [MS300]
  hint: did you mean cpu[0]/env.eip or cpu[0]/env.pat or cpu[0]/env.idt?
[exit status 2]

$ migstream get pc-7.2.mig 'cpu[0]/env.regs[99]'
[stderr]
migstream: pc-7.2.mig: nothing is called 'cpu[0]/env.regs[99]' [MS300]
  hint: cpu[0]/env.regs has 16 elements, counted from 0
[exit status 2]

$ migstream get pc-7.2.mig 'cqu[0]/env.eip'
[stderr]
migstream: pc-7.2.mig: nothing is called 'cqu[0]/env.eip' [MS300]
  hint: did you mean cpu[0]?
[exit status 2]

$ migstream get pc-7.2.mig 'e1000/mac_reg'
[stderr]
migstream: pc-7.2.mig: nothing is called 'e1000/mac_reg' [MS300]
  hint: there is timer[0], cpu_common[0], cpu[0], kvm-tpr-opt[0], apic[0], fw_cfg[0], PCIHost[0], PCIBUS[0], ...
[exit status 2]

$ migstream get pc-7.2.mig piix4_pm/pm1a.sts
[stderr]
migstream: pc-7.2.mig: nothing is called 'piix4_pm/pm1a.sts' [MS300]
  hint: did you mean 0000:00:01.3/piix4_pm[0]/ar.pm1.evt.sts?
[exit status 2]

$ migstream get pc-7.2.mig rip
[stderr]
migstream: pc-7.2.mig: nothing is called 'rip' [MS300]
  hint: rip is a register: `migstream registers STREAM` has those of every CPU
[exit status 2]

$ migstream get pc-7.2.mig piix4_pm/sts 'cpu[0]/env.regs[99]'
[stderr]
migstream: pc-7.2.mig: nothing is called 'piix4_pm/sts' [MS300]
  hint: did you mean 0000:00:01.3/piix4_pm[0]/ar.pm1.evt.sts or 0000:00:01.3/piix4_pm[0]/ar.gpe/sts?
[exit status 2]

$ migstream get pc-7.2.mig 'cpu[0]/env.regs[99]'
[stderr]
migstream: pc-7.2.mig: nothing is called 'cpu[0]/env.regs[99]' [MS300]
  hint: cpu[0]/env.regs has 16 elements, counted from 0
[exit status 2]

$ head -c 240000 pc-7.2.mig > cut.mig

$ migstream get cut.mig 'cpu[0]/env.eip'
[stderr]
migstream: cut.mig: nothing is called 'cpu[0]/env.eip' [MS300]
  hint: there is cpu[0]/data
migstream: cut.mig:0x3a980 cpu[0]: wanted 5 bytes, 0 left [MS101]
  expected 5, found 0
  hint: the stream was cut off; what precedes this place is intact
[exit status 3]

# On a terminal of 80 columns.
$ migstream get pc-7.2.mig 'cpu[0]/env.segs[*]/flags' --where
0x3a6ff+0x4 cpu[0]/env.segs[0]/flags = 37632 (0x9300) DPL=0 DATA16 WRITE
  ACCESSED PRESENT
0x3a713+0x4 cpu[0]/env.segs[1]/flags = 39680 (0x9b00) DPL=0 CODE16 READ ACCESSED
  PRESENT
0x3a727+0x4 cpu[0]/env.segs[2]/flags = 37632 (0x9300) DPL=0 DATA16 WRITE
  ACCESSED PRESENT
0x3a73b+0x4 cpu[0]/env.segs[3]/flags = 37632 (0x9300) DPL=0 DATA16 WRITE
  ACCESSED PRESENT
0x3a74f+0x4 cpu[0]/env.segs[4]/flags = 37632 (0x9300) DPL=0 DATA16 WRITE
  ACCESSED PRESENT
0x3a763+0x4 cpu[0]/env.segs[5]/flags = 37632 (0x9300) DPL=0 DATA16 WRITE
  ACCESSED PRESENT
