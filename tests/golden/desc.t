$ migstream desc --help
Usage: migstream desc [OPTIONS] STREAM

  The JSON description of the stream's devices, one entry on a line.

  Keys that an object has more than once are kept, in their order. With --format
  what it says as declarations in another language, of every device's state in
  this stream, at its places.

Options:
  -r, --raw                    The exact bytes of the stream.
  --force                      With -r: write to a terminal, too.
  -f, --format FORMAT          The form: declarations for jsonschema, c, python,
                               kaitai, imhex, wireshark.
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
  # The description, an entry on a line
  $ migstream desc guest.mig
  # As declarations in C
  $ migstream desc guest.mig -f c > guest.h
  # Exactly as it is in the stream
  $ migstream desc guest.mig --raw > description.json

$ migstream desc pc-7.2.mig | head -n 40
{
  "page_size": 4096,
  "devices": [
    {
      "name": "timer",
      "instance_id": 0,
      "vmsd_name": "timer",
      "version": 2,
      "fields": [
        {"name": "cpu_ticks_offset", "type": "int64", "size": 8},
        {"name": "unused", "type": "unused_buffer", "size": 8},
        {"name": "cpu_clock_offset", "type": "int64", "size": 8}
      ]
    },
    {
      "name": "cpu_common",
      "instance_id": 0,
      "vmsd_name": "cpu_common",
      "version": 1,
      "fields": [
        {"name": "halted", "type": "uint32", "size": 4},
        {"name": "interrupt_request", "type": "uint32", "size": 4}
      ]
    },
    {
      "name": "cpu",
      "instance_id": 0,
      "vmsd_name": "cpu",
      "version": 12,
      "fields": [
        {"name": "env.regs", "array_len": 16, "type": "uint64", "size": 8},
        {"name": "env.eip", "type": "uint64", "size": 8},
        {"name": "env.eflags", "type": "uint64", "size": 8},
        {"name": "env.hflags", "type": "uint32", "size": 4},
        {"name": "env.fpuc", "type": "uint16", "size": 2},
        {"name": "env.fpus_vmstate", "type": "uint16", "size": 2},
        {"name": "env.fptag_vmstate", "type": "uint16", "size": 2},
        {"name": "env.fpregs_format_vmstate", "type": "uint16", "size": 2},
        {
          "name": "env.fpregs",

$ migstream desc tiny.mig --raw
{"page_size": 4096, "devices": [{"name": "one", "instance_id": 0, "vmsd_name": "one", "version": 1, "fields": [{"name": "flag", "type": "bool", "size": 1}, {"name": "words", "type": "uint16", "size": 2, "array_len": 4}, {"name": "when", "type": "timer", "size": 8}, {"name": "sub", "type": "struct", "size": 5, "struct": {"vmsd_name": "inner", "version": 1, "fields": [{"name": "a", "type": "uint8", "size": 1}, {"name": "b", "type": "int32", "size": 4}]}}, {"name": "rows", "type": "struct", "size": 3, "array_len": 3, "struct": {"vmsd_name": "row", "version": 1, "fields": [{"name": "x", "type": "uint8", "size": 1}, {"name": "y", "type": "uint16", "size": 2}]}}, {"name": "blob", "type": "buffer", "size": 7}], "subsections": [{"vmsd_name": "one/more", "version": 1, "fields": [{"name": "z", "type": "uint64", "size": 8}]}]}, {"name": "two", "instance_id": 0, "vmsd_name": "two", "version": 1, "fields": [{"name": "n", "type": "uint32", "size": 4}]}]}

$ migstream desc pc-novmdesc-7.2.mig
[stderr]
migstream: pc-novmdesc-7.2.mig: this stream has no description [MS100]
  hint: suppress-vmdesc, postcopy or a stream that is cut off; --like OTHER takes another's
[exit status 3]

$ head -c 342000 pc-7.2.mig > cut.mig

$ migstream desc cut.mig
[stderr]
migstream: cut.mig: this stream has no description [MS100]
  hint: suppress-vmdesc, postcopy or a stream that is cut off; --like OTHER takes another's
[exit status 3]

# On a terminal of 80 columns.
$ migstream desc none-7.2.mig
{
  "page_size": 4096,
  "devices": [
    {
      "name": "timer",
      "instance_id": 0,
      "vmsd_name": "timer",
      "version": 2,
      "fields": [
        {"name": "cpu_ticks_offset", "type": "int64", "size": 8},
        {"name": "unused", "type": "unused_buffer", "size": 8},
        {"name": "cpu_clock_offset", "type": "int64", "size": 8}
      ]
    },
    {
      "name": "globalstate",
      "instance_id": 0,
      "vmsd_name": "globalstate",
      "version": 1,
      "fields": [
        {"name": "size", "type": "uint32", "size": 4},
        {"name": "runstate", "type": "buffer", "size": 100}
      ]
    }
  ]
}
