$ migstream analyze-migration --help
Usage: migstream analyze-migration [OPTIONS]

  Print what QEMU's scripts/analyze-migration.py prints.

  The options (but for those of every verb) and the JSON are those of the
  script. Differences, each of which is a defect of the script, are listed in
  docs/analyze-migration.md.

Options:
  -f, --file FILE          Stream to read.  [required]
  -d, --dump [state|desc]  Print the device values, or the description.
                           [default: state]
  -m, --memory             With `state`: RAM contents as well.
  -x, --extract            Write every RAM block, desc.json and state.json into
                           the current directory.
  --like OTHER             Take the description from another stream where this
                           one has none.
  --channel FILE           A recorded multifd channel of this migration; a
                           folder or a pattern ('ch*.bin') for several.
  --offset N               Where in STREAM the stream begins; offsets are
                           counted from there.
  --inside NAME            Which one of several that STREAM holds: a snapshot's
                           id or name, a connection.
  --container KIND         What the stream stands in (none: nothing), where the
                           bytes mislead.
  --walk                   Read all of a large stream before anything is said of
                           it.
  -h, --help               Show this message and exit.

Examples:
  # The device state, as QEMU's script prints it
  $ migstream analyze-migration -f guest.mig
  # The description
  $ migstream analyze-migration -f guest.mig -d desc

$ migstream analyze-migration -f tiny.mig
{
    "ram (2)": {
        "section sizes": {
            "pc.ram": "0x0000000000003000"
        }
    },
    "one (3)": {
        "flag": true,
        "words": [
            "0x0001",
            "0x0002",
            "0x0003",
            "0x0004"
        ],
        "when": "ff ff ff ff ff ff ff ff",
        "sub": {
            "a": "0x05",
            "b": "0xfffffffa (-6)"
        },
        "rows": [
            {
                "x": "0x01",
                "y": "0x0002"
            },
            {
                "x": "0x01",
                "y": "0x0002"
            },
            {
                "x": "0x01",
                "y": "0x0002"
            }
        ],
        "blob": "31 32 33 34 35 36 37",
        "one/more": {
            "z": "0x00000000feedface"
        }
    },
    "two (4)": {
        "n": "0x00000007"
    }
}

$ migstream analyze-migration -f pc-7.2.mig -d desc | head -n 12
{
    "page_size": 4096,
    "devices": [
        {
            "name": "timer",
            "instance_id": 0,
            "vmsd_name": "timer",
            "version": 2,
            "fields": [
                {
                    "name": "cpu_ticks_offset",
                    "type": "int64",

$ migstream analyze-migration -m -f tiny.mig | head -c 1500
{
    "ram (2)": {
        "section sizes": {
            "pc.ram": "0x0000000000003000"
        },
        "memory": {
            "pc.ram (0x0000000000000000)": "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f 30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50 51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f 60 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 71 72 73 74 75 76 77 78 79 7a 7b 7c 7d 7e 7f 80 81 82 83 84 85 86 87 88 89 8a 8b 8c 8d 8e 8f 90 91 92 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 ba bb bc bd be bf c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 ca cb cc cd ce cf d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 da db dc dd de df e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 ea eb ec ed ee ef f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 fa fb fc fd fe ff 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f 30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50 51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f 60 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70 71 72 73 74 75 76 77 78 79 7a 7b 7c 7d 7e 7f 80 81 82 83 84 85 86 87 88 89 8a 8b 8c 8d 8e 8f 90 91 92 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 ba bb bc b

$ mkdir there

$ migstream analyze-migration -x -f tiny.mig
desc.json
pc.ram
state.json

$ migstream analyze-migration
[stderr]
Usage: migstream analyze-migration [OPTIONS]
Try 'migstream analyze-migration --help' for help.

Error: Missing option '-f' / '--file'.
[exit status 2]

$ migstream analyze-migration -f pc-7.2.mig -d xyz
[stderr]
Usage: migstream analyze-migration [OPTIONS]
Try 'migstream analyze-migration --help' for help.

Error: Invalid value for '-d' / '--dump': 'xyz' is not one of 'state', 'desc'.
[exit status 2]

$ head -c 240000 pc-7.2.mig > cut.mig

$ migstream analyze-migration -f cut.mig
{
    "ram (2)": {
        "section sizes": {
            "pc.ram": "0x0000000001000000",
            "/rom@etc/acpi/tables": "0x0000000000020000",
            "pc.bios": "0x0000000000040000",
            "pc.rom": "0x0000000000020000",
            "/rom@etc/table-loader": "0x0000000000001000",
            "/rom@etc/acpi/rsdp": "0x0000000000001000"
        }
    },
    "timer (0)": {
        "data": "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
    },
    "cpu_common (4)": {
        "data": "00 00 00 00 00 00 00 10"
    },
    "cpu (5)": {
        "data": "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 06 0f b1 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ff f0 00 00 00 00 00 00 00 02 00 00 00 40 03 7f 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ff ff 00 00 93 00 00 00 f0 00 00 00 00 00 ff ff 00 00 00 00 ff ff 00 00 9b 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ff ff 00 00 93 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ff ff 00 00 93 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ff ff 00 00 93 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ff ff 00 00 93 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ff ff 00 00 82 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ff ff 00 00 8b 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ff ff 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ff ff 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 60 00 00 10 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ff ff 0f f0 00 00 00 00 00 00 04 00 ff ff ff ff 00 00 1f 80 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 03 00 00 00 07 04 06 00 07 04 06 00 00 01 01 00 00 00 00 00 00 00 00 00 00 00 00 00"
    }
}
[stderr]
migstream: cut.mig:0x3a980 cpu[0]: wanted 5 bytes, 0 left [MS101]
  expected 5, found 0
  hint: the stream was cut off; what precedes this place is intact
[exit status 3]

# On a terminal of 80 columns.
$ migstream analyze-migration -f none-7.2.mig
{
    "ram (2)": {
        "section sizes": {}
    },
    "timer (0)": {
        "cpu_ticks_offset": "0x0000000000000000",
        "unused": "00 00 00 00 00 00 00 00",
        "cpu_clock_offset": "0x0000000000000000"
    },
    "globalstate (4)": {
        "size": "0x0000000a",
        "runstate": "70 72 65 6c 61 75 6e 63 68 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
    }
}
