$ migstream mem --help
Usage: migstream mem [OPTIONS] STREAM [ADDRESS]

  Guest memory: a hexdump from ADDRESS on, or what is found between it and
  ADDRESS + length.

  ADDRESS is a number or a register: 0x7c00, $rip, $rsp-64. Without it, and with
  nothing to find: the ranges of guest-physical memory, and what each is known
  from.

  Memory that is not in the stream is never shown as zeros, nor looked through:
  it is said.

  Exit status: 0 shown, found; 1 nothing found, some of what was to be shown is
  not in the stream.

Options:
  -n, --length NUMBER          Bytes; 256 without it.
  --virt / --phys              Addresses are virtual ones, or guest-physical
                               (default).
  --cpu N                      The CPU whose virtual addresses these are; 0.
  --block NAME                 Addresses are offsets in this RAM block.
  -r, --raw                    The raw bytes.
  --force                      With -r: write to a terminal, too.
  --all                        Every line of a dump, also one like the one
                               before.
  --translate ADDRESS          Walk the page tables for this one.
  --pages                      List what a CPU's page tables map.
  --find HEX                   Find bytes: 'de ad ?? ef', ?? is any.
  --text WORD                  Find text, as UTF-8 and UTF-16LE.
  --regex RE                   Find a regular expression.
  --yara RULES                 Find what the YARA rules in a file match.
  -i, --ignore-case            Upper and lower case are the same.
  -C, --context N              Bytes around what is found, on either side.
                               [0<=x<=65536]
  --strings                    Print strings, as strings(1) does.
  --min N                      Characters of the shortest string; 4.
                               [1<=x<=1024]
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
  --ndjson                     Print a line of JSON for each as it is found.
  --color [auto|always|never]  Colour; auto: on a terminal, unless NO_COLOR is
                               set.
  -v, --verbose                Say all that is known.
  --wide                       Do not fit lines to the terminal.
  --no-pager                   Do not page what is longer than the screen.
  -h, --help                   Show this message and exit.

Examples:
  # Which memory there is, and where
  $ migstream mem guest.mig
  # A hexdump of guest-physical memory
  $ migstream mem guest.mig 0xf0000 -n 64
  # Find text
  $ migstream mem guest.mig --text SeaBIOS
  # The first mebibyte, raw
  $ migstream mem guest.mig 0 -n 1M -r > low.bin

$ migstream mem pc-7.2.mig
guest-physical           size  block       offset  known from
00000000-000c0000   768.0 KiB  pc.ram        +0x0  RAM: split at 4 GiB by CMOS 0x34, 0x35, 0x5b-0x5d
000c0000-000e0000   128.0 KiB  pc.rom        +0x0  PAM: option ROMs
000e0000-00100000   128.0 KiB  pc.bios   +0x20000  PAM: end of the firmware below 1 MiB
00100000-01000000    15.0 MiB  pc.ram   +0x100000  RAM: split at 4 GiB by CMOS 0x34, 0x35, 0x5b-0x5d
fffc0000-100000000  256.0 KiB  pc.bios       +0x0  firmware below 4 GiB

$ migstream mem pc-7.2.mig --json
{
  "migstream": "mem",
  "format": 1,
  "file": "pc-7.2.mig",
  "ranges": [
    {
      "start": 0,
      "size": 786432,
      "block": "pc.ram",
      "offset": 0,
      "provenance": "RAM: split at 4 GiB by CMOS 0x34, 0x35, 0x5b-0x5d"
    },
    {
      "start": 786432,
      "size": 131072,
      "block": "pc.rom",
      "offset": 0,
      "provenance": "PAM: option ROMs"
    },
    {
      "start": 917504,
      "size": 131072,
      "block": "pc.bios",
      "offset": 131072,
      "provenance": "PAM: end of the firmware below 1 MiB"
    },
    {
      "start": 1048576,
      "size": 15728640,
      "block": "pc.ram",
      "offset": 1048576,
      "provenance": "RAM: split at 4 GiB by CMOS 0x34, 0x35, 0x5b-0x5d"
    },
    {
      "start": 4294705152,
      "size": 262144,
      "block": "pc.bios",
      "offset": 0,
      "provenance": "firmware below 4 GiB"
    }
  ]
}

$ migstream mem pc-7.2.mig 0xffff0 -n 16
000ffff0  ea 5b e0 00 f0 30 36 2f 32 33 2f 39 39 00 fc 00  .[...06/23/99...

$ migstream mem pc-7.2.mig '$cs.base+$rip' -n 32
fffffff0  ea 5b e0 00 f0 30 36 2f 32 33 2f 39 39 00 fc 00  .[...06/23/99...
[stderr]
migstream: pc-7.2.mig: no guest memory at physical address 0x100000000 [MS301]
  hint: `migstream mem STREAM` lists the ranges that are known
[exit status 2]

$ migstream mem pc-7.2.mig --block pc.bios 0x3fff0 -n 16 --json
{
  "migstream": "mem",
  "format": 1,
  "file": "pc-7.2.mig",
  "space": "block",
  "block": "pc.bios",
  "address": 262128,
  "size": 16,
  "hex": "ea5be000f030362f32332f393900fc00",
  "missing": []
}

$ migstream mem pc-7.2.mig --find 'ea 5b ?? 00'
000ffff0  ea 5b e0 00                                      .[..              hex
fffffff0  ea 5b e0 00                                      .[..              hex

$ migstream mem pc-7.2.mig --text seabios -i
000f041f  53 65 61 42 49 4f 53                             SeaBIOS           utf-8
000f09cc  53 65 61 42 49 4f 53                             SeaBIOS           utf-8
000f10dd  53 65 61 42 49 4f 53                             SeaBIOS           utf-8
ffff041f  53 65 61 42 49 4f 53                             SeaBIOS           utf-8
ffff09cc  53 65 61 42 49 4f 53                             SeaBIOS           utf-8
ffff10dd  53 65 61 42 49 4f 53                             SeaBIOS           utf-8

$ migstream mem pc-7.2.mig --regex 'QEMU[ -~]+' | head -n 5
000f0771  51 45 4d 55 20 72 65 73 6f 75 72 63 65 20 72 65  QEMU resource re  regex, 34 more bytes
000f07aa  51 45 4d 55 20 72 65 73 6f 75 72 63 65 20 72 65  QEMU resource re  regex, 30 more bytes
000f07df  51 45 4d 55 20 72 65 73 6f 75 72 63 65 20 72 65  QEMU resource re  regex, 19 more bytes
000f08cf  51 45 4d 55 20 72 65 73 6f 75 72 63 65 20 72 65  QEMU resource re  regex, 19 more bytes
000f0c39  51 45 4d 55 20 72 65 73 6f 75 72 63 65 20 72 65  QEMU resource re  regex, 30 more bytes

$ migstream mem pc-7.2.mig 0xf0000 -n 0x1000 --strings --min 24
000f03df  [call16_override with invalid stack
000f0404  call16 with invalid stack
000f0440  WARNING - internal error detected at %s:%d!
000f0484  WARNING - Unable to allocate resource at %s:%d!
000f04b7  WARNING - Timeout at %s:%d!
000f04e5  Using pmtimer, ioport 0x%x
000f0501  wait_td error - status=%x
000f051c  Timeout on wait_pipe %p (td=%p s=%x c=%x/%x)
000f0561  ohci ed info=%x tail=%x head=%x next=%x
000f058a  ehci pipe=%p cur=%08x tok=%08x next=%x td=%p status=%x
000f05c2  ehci_wait_td error - status=%x
000f05e2  ERROR: Frame 0x%x, status 0x%x
000f0602  WARNING! Found unaligned PCI rom (vd=%04x:%04x)
000f0633  Found option rom with bad checksum: loc=%p len=%d sum=%x
000f066d  Searching bios-geometry for: %s
000f068e  Searching bootorder for: %s
000f06b0  Can not map memory bar over 4Gig
000f06e9  Unknown base frequency for SD controller
000f0745  Unable to lock ram - bridge not found
000f076c  PCI: QEMU resource reserve cap device ID doesn't match.
000f07a5  PCI: QEMU resource reserve cap length %d is invalid
000f07da  PCI: QEMU resource reserve cap not found
000f082c  PCI: primary bus = 0x%x -> 0x%x
000f0866  PCI: secondary bus = 0x%x -> 0x%x
000f0889  PCI: secondary bus = 0x%x
000f08a4  PCI: bus_reserve value %d is invalid
000f08ca  PCI: QEMU resource reserve cap: bus = %u
000f08f4  PCI: subordinate bus = 0x%x -> 0x%x
000f0919  PCI: subordinate bus = 0x%x
000f0936  pci_slot_get_irq called with unknown routing
000f0964  PCI: map device bdf=%pP  bar %d, addr %08llx, size %08llx [%s]
000f09a4  PIIX3/PIIX4 init: elcr=%02x %02x
000f0a35  pci dev %pP virtio cap at 0x%x type %d [pci cfg access]
000f0a6e  pci dev %pP virtio cap at 0x%x type %d bar %d at 0x%08llx off +0x%04x [%s]
000f0aba  pci dev %pP using modern (1.0) virtio mode
000f0ae6  pci dev %pP using legacy (0.9.5) virtio mode
000f0b14  Q35 LPC init: elcr=%02x %02x
000f0b46  Found %d PCI devices (max PCI bus is %02x)
000f0b72  === PCI bus & bridge init ===
000f0b91  === PCI device probing ===
000f0bc6  === PCI new allocation pass #1 ===
000f0bfe  PCI: resource reserve cap PREF32 and PREF64 conflict
000f0c34  PCI: QEMU resource reserve cap: size %08llx type %s
000f0c69  PCI: secondary bus %d size %08llx type %s
000f0c94  === PCI new allocation pass #2 ===
000f0cd0  PCI: 32: %016llx - %016llx
000f0cec  PCI: out of I/O address space
000f0d0b  PCI: out of 32bit address space
000f0d44  PCI: 64: %016llx - %016llx
000f0d60  PCI: init bdf=%pP id=%04x:%04x
000f0d80  PCI: Using %pP for primary VGA
000f0da0  PCI: No VGA devices found
000f0dbb  PCI: Enabling %pP for primary VGA
000f0dde  PCI: Setting VGA enable on bridge %pP
000f0e34  ERROR: queue size %d > %d
000f0e4f  ERROR: queue already active
000f0e6c  XHCI init: regs @ %p, %d ports, %d slots, %d byte contexts
000f0ea8  XHCI    protocol %c%c%c%c %x.%02x, %d ports (offset %d), def %x
000f0ee9  XHCI    extcap 0x%x @ %p
000f0f03  XHCI driver does not support page size code %d
000f0f47  %s: unknown event, type %d, cc %d
000f0f83  Failure on hub port %d disconnect
000f0fa6  Failure on hub port %d detect
000f0fc5  Failure on hub port %d reset

$ migstream mem pc-7.2.mig --translate 0xfff0
0xfff0 is at physical 0xfff0: read write execute user (no paging)

$ migstream mem pc-7.2.mig --pages
0000000000000000-0000000100000000    4.0 GiB  000000000000  read write execute user

$ migstream mem pc-7.2.mig --text 'not in there'
[exit status 1]

$ migstream mem pc-7.2.mig 0x40000000
[stderr]
migstream: pc-7.2.mig: no guest memory at physical address 0x40000000 [MS301]
  hint: `migstream mem STREAM` lists the ranges that are known
[exit status 2]

$ migstream mem pc-7.2.mig '$rap'
[stderr]
migstream: pc-7.2.mig: CPU 0 has no register 'rap' [MS301]
  hint: it has pc, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15, rip, rflags, es.selector, es.base, es.limit, es.flags, cs.selector, cs.base, cs.limit, cs.flags, ss.selector, s…
[exit status 2]

$ migstream mem pc-7.2.mig --find 'zz'
[stderr]
Usage: migstream mem [OPTIONS] STREAM [ADDRESS]
Try 'migstream mem --help' for help.

Error: 'zz' is not bytes in hexadecimal, such as 'de ad ?? ef'
[exit status 2]

$ migstream mem pc-7.2.mig --regex '('
[stderr]
Usage: migstream mem [OPTIONS] STREAM [ADDRESS]
Try 'migstream mem --help' for help.

Error: '(' is not a regular expression: missing ), unterminated subpattern at position 0
[exit status 2]

$ migstream mem pc-7.2.mig --block pc.rm 0
[stderr]
migstream: pc-7.2.mig: no RAM block 'pc.rm' [MS301]
  hint: there are pc.rom, pc.ram
[exit status 2]

# Memory that is not in the stream.
$ migstream mem pc-ignore-shared-7.2.mig 0 -n 32
[stderr]
migstream: pc-ignore-shared-7.2.mig: the contents of RAM block ram0 are not in this stream [MS301]
  hint: it is shared memory that the stream leaves out (x-ignore-shared): look into its backing file
[exit status 2]

$ migstream mem pc-ignore-shared-7.2.mig --text SeaBIOS
000f041f  53 65 61 42 49 4f 53                             SeaBIOS           utf-8
000f09cc  53 65 61 42 49 4f 53                             SeaBIOS           utf-8
000f10dd  53 65 61 42 49 4f 53                             SeaBIOS           utf-8
ffff041f  53 65 61 42 49 4f 53                             SeaBIOS           utf-8
ffff09cc  53 65 61 42 49 4f 53                             SeaBIOS           utf-8
ffff10dd  53 65 61 42 49 4f 53                             SeaBIOS           utf-8
[stderr]
migstream: not looked through: 15.8 MiB (16 515 072) of ram0, not in this stream: it is shared memory that the stream leaves out (x-ignore-shared): look into its backing file

# On a terminal of 80 columns.
$ migstream mem pc-7.2.mig
guest-physical           size  block       offset  known from
00000000-000c0000   768.0 KiB  pc.ram        +0x0  RAM: split at 4 GiB by CMOS
                                                   0x34, 0x35, 0x5b-0x5d
000c0000-000e0000   128.0 KiB  pc.rom        +0x0  PAM: option ROMs
000e0000-00100000   128.0 KiB  pc.bios   +0x20000  PAM: end of the firmware
                                                   below 1 MiB
00100000-01000000    15.0 MiB  pc.ram   +0x100000  RAM: split at 4 GiB by CMOS
                                                   0x34, 0x35, 0x5b-0x5d
fffc0000-100000000  256.0 KiB  pc.bios       +0x0  firmware below 4 GiB

# On a terminal of 60 columns.
$ migstream mem pc-7.2.mig 0xfffffff0
fffffff0  ea 5b e0 00 f0 30 36 2f  .[...06/
fffffff8  32 33 2f 39 39 00 fc 00  23/99...

# What is found in its context.
$ migstream mem q35-7.2.mig --text SeaBIOS -C 20 | head -n 8
000f041f  utf-8, 7 bytes
  000f040b  77 69 74 68 20                                   with
  000f0410  69 6e 76 61 6c 69 64 20 73 74 61 63 6b 0a 00 53  invalid stack..S
  000f0420  65 61 42 49 4f 53 20 28 76 65 72 73 69 6f 6e 20  eaBIOS (version
  000f0430  25 73 29 0a 00 42 55 49 4c 44                    %s)..BUILD
000f09cc  utf-8, 7 bytes
  000f09b8  63 72 3d 25 30 32 78 20                          cr=%02x
  000f09c0  25 30 32 78 0a 00 58 65 6e 48 56 4d 53 65 61 42  %02x..XenHVMSeaB
