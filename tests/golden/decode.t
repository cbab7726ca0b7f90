$ migstream decode --help
Usage: migstream decode [OPTIONS] STREAM

  The whole device state as JSON (docs/decode.md); guest memory is not read.

  With --full everything that is in the stream, guest memory included, goes to a
  folder: values as JSON that can be edited, bulk beside them. `migstream
  encode` makes a stream of it again.

Options:
  --pretty                     Indented, not in one line.
  --meaning                    What values mean beside them: parts of blobs,
                               names of numbers.
  --full                       All of the stream, as a folder to edit and to
                               encode.
  -o, --output PATH            With --full: the folder to make.
  --no-ram                     With --full: refer to STREAM for guest memory and
                               other bulk instead of copying it.
  --force                      With --full: replace such a folder.
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
  # The device state
  $ migstream decode guest.mig --pretty
  # With the parts of blobs and names of numbers
  $ migstream decode guest.mig --meaning
  # All of it, to edit and to encode
  $ migstream decode guest.mig --full -o folder

$ migstream decode none-7.2.mig
{"migstream":"decode","format":1,"file":"none-7.2.mig","size":747,"from":"walk","machine":"none","configuration":{"span":[8,17],"machine":"none","subsections":{}},"page_size":4096,"items":[{"kind":"fileheader","span":[0,8]},{"kind":"configuration","span":[8,17]},{"kind":"start","span":[17,55]},{"kind":"device","span":[73,121],"name":"timer","instance_id":0,"version_id":2,"section_id":0,"vmsd_name":"timer","state":{"cpu_ticks_offset":0,"unused":"0000000000000000","cpu_clock_offset":0}},{"kind":"device","span":[121,255],"name":"globalstate","instance_id":0,"version_id":1,"section_id":4,"vmsd_name":"globalstate","state":{"size":10,"runstate":"7072656c61756e636800000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"}},{"kind":"description","span":[256,747]}]}

$ migstream decode tiny.mig --pretty
{
  "migstream": "decode",
  "format": 1,
  "file": "tiny.mig",
  "size": 5285,
  "from": "walk",
  "machine": "none",
  "configuration": {
    "span": [
      8,
      17
    ],
    "machine": "none",
    "subsections": {}
  },
  "page_size": 4096,
  "items": [
    {
      "kind": "fileheader",
      "span": [
        0,
        8
      ]
    },
    {
      "kind": "configuration",
      "span": [
        8,
        17
      ]
    },
    {
      "kind": "start",
      "span": [
        17,
        70
      ]
    },
    {
      "kind": "device",
      "span": [
        4217,
        4299
      ],
      "name": "one",
      "instance_id": 0,
      "version_id": 1,
      "section_id": 3,
      "vmsd_name": "one",
      "state": {
        "flag": true,
        "words": [
          1,
          2,
          3,
          4
        ],
        "when": -1,
        "sub": {
          "a": 5,
          "b": -6
        },
        "rows": [
          {
            "x": 1,
            "y": 2
          },
          {
            "x": 1,
            "y": 2
          },
          {
            "x": 1,
            "y": 2
          }
        ],
        "blob": "31323334353637",
        "one/more": {
          "z": 4277009102
        }
      }
    },
    {
      "kind": "device",
      "span": [
        4299,
        4325
      ],
      "name": "two",
      "instance_id": 0,
      "version_id": 1,
      "section_id": 4,
      "vmsd_name": "two",
      "state": {
        "n": 7
      }
    },
    {
      "kind": "description",
      "span": [
        4326,
        5285
      ]
    }
  ]
}

$ migstream decode --full tiny.mig -o folder
folder  5.2 KiB (5 285) decoded

$ cat folder/stream.json
{
  "migstream": "stream",
  "format": 1,
  "source": {"file": "tiny.mig", "size": 5285},
  "layout": "description.json",
  "items": [
    {"kind": "fileheader", "version": 3},
    {"kind": "configuration", "machine": "none", "subsections": []},
    {
      "kind": "start",
      "section_id": 2,
      "name": "ram",
      "instance_id": 0,
      "version_id": 4,
      "payload": "00000000000030040670632e72616d00000000000030000000000000000010",
      "footer": 2
    },
    {
      "kind": "end",
      "section_id": 2,
      "name": "ram",
      "payload": {"file": "ram.bin", "at": 0, "size": 4137},
      "footer": 2
    },
    {
      "kind": "full",
      "section_id": 3,
      "name": "one",
      "instance_id": 0,
      "version_id": 1,
      "state": {
        "flag": true,
        "words": [1, 2, 3, 4],
        "when": -1,
        "sub": {"a": 5, "b": -6},
        "rows": [{"x": 1, "y": 2}, {"x": 1, "y": 2}, {"x": 1, "y": 2}],
        "blob": "31323334353637",
        "one/more": {"z": 4277009102}
      },
      "footer": 3
    },
    {
      "kind": "full",
      "section_id": 4,
      "name": "two",
      "instance_id": 0,
      "version_id": 1,
      "state": {"n": 7},
      "footer": 4
    },
    {"kind": "eof"},
    {"kind": "description", "file": "description.json"}
  ]
}

$ migstream decode --full tiny.mig -o folder
[stderr]
migstream: tiny.mig: folder is there already [MS400]
  hint: --force replaces it
[exit status 5]

$ migstream decode --full pc-7.2.mig -o thin --no-ram --json
{
  "migstream": "decode",
  "format": 1,
  "output": "thin",
  "size": 350517
}

$ migstream decode tiny.mig -o folder
[stderr]
Usage: migstream decode [OPTIONS] STREAM
Try 'migstream decode --help' for help.

Error: --full and -o belong together
[exit status 2]

$ head -c 240000 pc-7.2.mig > cut.mig

$ migstream decode cut.mig | tail -c 300
000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000003000000070406000704060000010100000000000000000000000000"}}]}
[stderr]
migstream: cut.mig:0x3a980 cpu[0]: wanted 5 bytes, 0 left [MS101]
  expected 5, found 0
  hint: the stream was cut off; what precedes this place is intact

# On a terminal of 80 columns.
$ migstream decode none-7.2.mig
{
  "migstream": "decode",
  "format": 1,
  "file": "none-7.2.mig",
  "size": 747,
  "from": "walk",
  "machine": "none",
  "configuration": {
    "span": [
      8,
      17
    ],
    "machine": "none",
    "subsections": {}
  },
  "page_size": 4096,
  "items": [
    {
      "kind": "fileheader",
      "span": [
        0,
        8
      ]
    },
    {
      "kind": "configuration",
      "span": [
        8,
        17
      ]
    },
    {
      "kind": "start",
      "span": [
        17,
        55
      ]
    },
    {
      "kind": "device",
      "span": [
        73,
        121
      ],
      "name": "timer",
      "instance_id": 0,
      "version_id": 2,
      "section_id": 0,
      "vmsd_name": "timer",
      "state": {
        "cpu_ticks_offset": 0,
        "unused": "0000000000000000",
        "cpu_clock_offset": 0
      }
    },
    {
      "kind": "device",
      "span": [
        121,
        255
      ],
      "name": "globalstate",
      "instance_id": 0,
      "version_id": 1,
      "section_id": 4,
      "vmsd_name": "globalstate",
      "state": {
        "size": 10,
        "runstate": "7072656c61756e636800000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      }
    },
    {
      "kind": "description",
      "span": [
        256,
        747
      ]
    }
  ]
}
