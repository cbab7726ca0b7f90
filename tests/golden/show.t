$ migstream show --help
Usage: migstream show [OPTIONS] STREAM PATH...

  Values with their bytes: the hexdump beside the fields that own it.

  PATH is a path, @OFFSET (the value or item that owns this byte), @START-STOP,
  or a place in guest memory: ram/BLOCK@OFFSET (to the end of its page),
  ram/BLOCK@START-STOP.

Options:
  --all                        Every line.
  --no-names                   Numbers as they are, without names; blobs are not
                               gone into.
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
  # The bytes of a device beside its fields
  $ migstream show guest.mig i8254
  # Of one field
  $ migstream show guest.mig 'cpu[0]/env.eip'
  # Who owns the byte at an offset
  $ migstream show guest.mig @0x3a603
  # Any region
  $ migstream show guest.mig @0-0x40

$ migstream show pc-7.2.mig 'timer[0]'
0003a5b0  00 00 00 00 00 00 00 00                          ........          timer[0]/cpu_ticks_offset int64 = 0
0003a5b8  00 00 00 00 00 00 00 00                          ........          timer[0]/unused unused_buffer = 8 bytes, all zero
0003a5c0  00 00 00 00 00 00 00 00                          ........          timer[0]/cpu_clock_offset int64 = 0

$ migstream show pc-7.2.mig @0-0x40
00000000  51 45 56 4d 00 00 00 03                          QEVM....          fileheader
00000008  07 00 00 00 0d 70 63 2d 69 34 34 30 66 78 2d 37  .....pc-i440fx-7  pc-i440fx-7.2 configuration
00000018  2e 32                                            .2
0000001a  01 00 00 00 02 03 72 61 6d 00 00 00 00 00 00 00  ......ram.......  ram[0] start header = section 2
0000002a  04                                               .
0000002b  00 00 00 00 01 08 20 04 06 70 63 2e 72 61 6d 00  ...... ..pc.ram.  ram[0] start = 6 blocks, 16.5 MiB
0000003b  00 00 00 01 00                                   .....

$ migstream show pc-7.2.mig @0x3a5cf
0003a5cd  04 00 00 00 04 0a 63 70 75 5f 63 6f 6d 6d 6f 6e  ......cpu_common  cpu_common[0] full header = section 4
0003a5dd  00 00 00 00 00 00 00 01                          ........
0003a5e5  00 00 00 00                                      ....              cpu_common[0]/halted uint32 = 0 (runs)
0003a5e9  00 00 00 10                                      ....              cpu_common[0]/interrupt_request uint32 = 16 (0x10) POLL
0003a5ed  7e 00 00 00 04                                   ~....             cpu_common[0] footer = section 4

$ migstream show tiny.mig 'one[0]/rows' --json
{
  "migstream": "show",
  "format": 1,
  "file": "tiny.mig",
  "pieces": [
    {
      "span": [
        4256,
        4257
      ],
      "path": "one[0]/rows[0]/x",
      "type": "uint8",
      "text": "1",
      "hex": "01"
    },
    {
      "span": [
        4257,
        4259
      ],
      "path": "one[0]/rows[0]/y",
      "type": "uint16",
      "text": "2",
      "hex": "0002"
    },
    {
      "span": [
        4259,
        4260
      ],
      "path": "one[0]/rows[1]/x",
      "type": "uint8",
      "text": "1",
      "hex": "01"
    },
    {
      "span": [
        4260,
        4262
      ],
      "path": "one[0]/rows[1]/y",
      "type": "uint16",
      "text": "2",
      "hex": "0002"
    },
    {
      "span": [
        4262,
        4263
      ],
      "path": "one[0]/rows[2]/x",
      "type": "uint8",
      "text": "1",
      "hex": "01"
    },
    {
      "span": [
        4263,
        4265
      ],
      "path": "one[0]/rows[2]/y",
      "type": "uint16",
      "text": "2",
      "hex": "0002"
    }
  ]
}

# An element is shown with its index and its value, however it is asked for.
$ migstream show pc-7.2.mig 'cpu[0]/env.regs[2]'
0003a613  00 00 00 00 00 06 0f b1                          ........          cpu[0]/env.regs[2] uint64 = 397233 (0x60fb1) RDX

$ migstream show pc-7.2.mig @0x3a61a
0003a613  00 00 00 00 00 06 0f b1                          ........          cpu[0]/env.regs[2] uint64 = 397233 (0x60fb1) RDX

$ migstream show pc-7.2.mig @0x3a618-0x3a624
0003a618  06 0f b1                                         ...               cpu[0]/env.regs[2] uint64 = 397233 (0x60fb1) RDX
0003a61b  00 00 00 00 00 00 00 00                          ........          cpu[0]/env.regs[3] uint64 = 0 RBX
0003a623  00                                               .                 cpu[0]/env.regs[4] uint64 = 0 RSP

$ migstream show tiny.mig '**'
[stderr]
migstream: tiny.mig: nothing is called '**' [MS300]
  hint: there is one[0], two[0]
[exit status 2]

$ migstream show pc-7.2.mig 'ram[0]' | head -n 12
0000001a  01 00 00 00 02 03 72 61 6d 00 00 00 00 00 00 00  ......ram.......  ram[0] start header = section 2
0000002a  04                                               .
0000002b  00 00 00 00 01 08 20 04 06 70 63 2e 72 61 6d 00  ...... ..pc.ram.  ram[0] start = 6 blocks, 16.5 MiB
0000003b  00 00 00 01 00 00 00 14 2f 72 6f 6d 40 65 74 63  ......../rom@etc
0000004b  2f 61 63 70 69 2f 74 61 62 6c 65 73 00 00 00 00  /acpi/tables....
0000005b  00 02 00 00 07 70 63 2e 62 69 6f 73 00 00 00 00  .....pc.bios....
0000006b  00 04 00 00 06 70 63 2e 72 6f 6d 00 00 00 00 00  .....pc.rom.....
0000007b  02 00 00 15 2f 72 6f 6d 40 65 74 63 2f 74 61 62  ..../rom@etc/tab
0000008b  6c 65 2d 6c 6f 61 64 65 72 00 00 00 00 00 00 10  le-loader.......
0000009b  00 12 2f 72 6f 6d 40 65 74 63 2f 61 63 70 69 2f  ../rom@etc/acpi/
000000ab  72 73 64 70 00 00 00 00 00 00 10 00 00 00 00 00  rsdp............
000000bb  00 00 00 10                                      ....

$ migstream show pc-7.2.mig @0x100000000
[stderr]
migstream: pc-7.2.mig: '@0x100000000' lies outside of the stream [MS300]
  hint: the stream has the bytes 0 to 0x55935
[exit status 2]

$ migstream show pc-7.2.mig @zz
[stderr]
migstream: pc-7.2.mig: '@zz' is not a place [MS300]
  hint: a place is @OFFSET or @START-STOP, such as @0x1f0-0x200
[exit status 2]

$ migstream show pc-7.2.mig
[stderr]
Usage: migstream show [OPTIONS] STREAM PATH...
Try 'migstream show --help' for help.

Error: Missing argument 'PATH...'.
[exit status 2]

# On a terminal of 80 columns.
$ migstream show q35-7.2.mig 'i8254/channels[1]' ioapic
i8254[0]
000c5b63  00 01 00 00              ....      channels[1]/count int32 = 65536
                                             (18.21 Hz)
000c5b67  00 00                    ..        channels[1]/latched_count uint16
                                             = 0
000c5b69  00                       .         channels[1]/count_latched uint8 = 0
000c5b6a  00                       .         channels[1]/status_latched uint8
                                             = 0
000c5b6b  00                       .         channels[1]/status uint8 = 0
000c5b6c  00                       .         channels[1]/read_state uint8 = 0
000c5b6d  00                       .         channels[1]/write_state uint8 = 0
000c5b6e  00                       .         channels[1]/write_latch uint8 = 0
000c5b6f  00                       .         channels[1]/rw_mode uint8 = 0
000c5b70  03                       .         channels[1]/mode uint8 = 3
                                             SQUARE_WAVE
000c5b71  00                       .         channels[1]/bcd uint8 = 0
000c5b72  01                       .         channels[1]/gate uint8 = 1
000c5b73  00 00 00 00 00 00 00 00  ........  channels[1]/count_load_time int64
                                             = 0
000c5b7b  00 00 00 00 00 00 00 00  ........  channels[1]/next_transition_time
                                             int64 = 0
ioapic[0]
000c5898  00                       .         id uint8 = 0
000c5899  00                       .         ioregsel uint8 = 0 ID
000c589a  00 00 00 00 00 00 00 00  ........  unused unused_buffer = 8 bytes, all
                                             zero
000c58a2  00 00 00 00              ....      irr uint32 = 0
000c58a6  00 00 00 00 00 01 00 00  ........  ioredtbl uint64[24]
000c58ae  00 00 00 00 00 01 00 00  ........
000c58b6  00 00 00 00 00 01 00 00  ........
000c58be  00 00 00 00 00 01 00 00  ........
000c58c6  00 00 00 00 00 01 00 00  ........
000c58ce  00 00 00 00 00 01 00 00  ........
000c58d6  00 00 00 00 00 01 00 00  ........
000c58de  00 00 00 00 00 01 00 00  ........
000c58e6  00 00 00 00 00 01 00 00  ........
000c58ee  00 00 00 00 00 01 00 00  ........
000c58f6  00 00 00 00 00 01 00 00  ........
000c58fe  00 00 00 00 00 01 00 00  ........
000c5906  00 00 00 00 00 01 00 00  ........
000c590e  00 00 00 00 00 01 00 00  ........
000c5916  00 00 00 00 00 01 00 00  ........
000c591e  00 00 00 00 00 01 00 00  ........
000c5926  00 00 00 00 00 01 00 00  ........
000c592e  00 00 00 00 00 01 00 00  ........
000c5936  00 00 00 00 00 01 00 00  ........
000c593e  00 00 00 00 00 01 00 00  ........
000c5946  00 00 00 00 00 01 00 00  ........
000c594e  00 00 00 00 00 01 00 00  ........
000c5956  00 00 00 00 00 01 00 00  ........
000c595e  00 00 00 00 00 01 00 00  ........

# On a terminal of 60 columns.
$ migstream show q35-7.2.mig 'i8254/channels[1]'
i8254[0]
000c5b63  00 01 00 00  ....  channels[1]/count int32 = 65536
                             (18.21 Hz)
000c5b67  00 00        ..    channels[1]/latched_count
                             uint16 = 0
000c5b69  00           .     channels[1]/count_latched uint8
                             = 0
000c5b6a  00           .     channels[1]/status_latched
                             uint8 = 0
000c5b6b  00           .     channels[1]/status uint8 = 0
000c5b6c  00           .     channels[1]/read_state uint8
                             = 0
000c5b6d  00           .     channels[1]/write_state uint8
                             = 0
000c5b6e  00           .     channels[1]/write_latch uint8
                             = 0
000c5b6f  00           .     channels[1]/rw_mode uint8 = 0
000c5b70  03           .     channels[1]/mode uint8 = 3
                             SQUARE_WAVE
000c5b71  00           .     channels[1]/bcd uint8 = 0
000c5b72  01           .     channels[1]/gate uint8 = 1
000c5b73  00 00 00 00  ....  channels[1]/count_load_time
000c5b77  00 00 00 00  ....  int64 = 0
channels[1]/next_transition_time int64 = 0
000c5b7b  00 00 00 00 00 00 00 00  ........

# On a terminal of 120 columns.
$ migstream show q35-7.2.mig 'i8254/channels[1]'
i8254[0]
000c5b63  00 01 00 00                                      ....              channels[1]/count int32 = 65536 (18.21 Hz)
000c5b67  00 00                                            ..                channels[1]/latched_count uint16 = 0
000c5b69  00                                               .                 channels[1]/count_latched uint8 = 0
000c5b6a  00                                               .                 channels[1]/status_latched uint8 = 0
000c5b6b  00                                               .                 channels[1]/status uint8 = 0
000c5b6c  00                                               .                 channels[1]/read_state uint8 = 0
000c5b6d  00                                               .                 channels[1]/write_state uint8 = 0
000c5b6e  00                                               .                 channels[1]/write_latch uint8 = 0
000c5b6f  00                                               .                 channels[1]/rw_mode uint8 = 0
000c5b70  03                                               .                 channels[1]/mode uint8 = 3 SQUARE_WAVE
000c5b71  00                                               .                 channels[1]/bcd uint8 = 0
000c5b72  01                                               .                 channels[1]/gate uint8 = 1
000c5b73  00 00 00 00 00 00 00 00                          ........          channels[1]/count_load_time int64 = 0
000c5b7b  00 00 00 00 00 00 00 00                          ........          channels[1]/next_transition_time int64 = 0

# Nothing is folded or left out.
# On a terminal of 80 columns.
$ migstream show q35-7.2.mig 'i8254/channels[1]/count' --wide
000c5b63  00 01 00 00                                      ....              i8254[0]/channels[1]/count int32 = 65536 (18.21 Hz)
