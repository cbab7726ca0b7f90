$ migstream explain --help
Usage: migstream explain [OPTIONS] [TEXT]...

  What QEMU's error message means; with --stream, which bytes it is about.

  TEXT is a message, a code such as MS103, whose page is printed, or a log: a
  file, a folder of them, or - for standard input; the destination's, the
  source's, or both, as they come (JSON lines, journald, libvirt's errors,
  escapes). Of several failures the last is explained. With --to and --to-stream
  too, the difference between the two sides that caused it; --from and --to do
  without streams. Exit status: 0 explained, 1 no message of QEMU's is in it.

Options:
  --stream STREAM              The stream it is about.
  --to SCHEMA                  The destination's -dump-vmstate; for `compat` and
                               `heal` a release, too: 10.0, debian-13.
  --to-stream OTHER            A stream that the destination saved, started as
                               it will be for the load.
  --release VERSION            The destination's release, such as 10.0.
  --cap NAME                   A migration capability that is on there; once for
                               each.
  --from SCHEMA                The source's -dump-vmstate.
  --list                       Every code of rules and errors.
  --json                       Print JSON.
  --color [auto|always|never]  Colour; auto: on a terminal, unless NO_COLOR is
                               set.
  -v, --verbose                Say all that is known.
  --wide                       Do not fit lines to the terminal.
  --no-pager                   Do not page what is longer than the screen.
  -h, --help                   Show this message and exit.

Examples:
  # The page of a code
  $ migstream explain MS103
  # What a log says
  $ migstream explain libvirt.log
  # And which bytes of the stream it is about
  $ migstream explain libvirt.log --stream bad.mig
  # All codes
  $ migstream explain --list

$ migstream explain MS515
MS515  A device section is longer or shorter than described  (error)

The description's sizes add up to another number of bytes than lie between the section's header and its footer:
bytes were lost or added in the section, or a size or length in the description is damaged. QEMU reads on in the wrong
place and misses the footer ("Missing section footer for ...").

The finding's bytes are those among which it must have happened, as far as the headers of subsections tell; a
subsection that is not there at all is named.

References: QEMU, migration/savevm.c: check_section_footer.

$ migstream explain MS999
[stderr]
migstream: explain: no rule and no error has the code MS999 [MS300]
  hint: --list shows every code
[exit status 2]

$ migstream explain --list | head -n 12
MS000  error    migstream failed
MS100  error    The bytes are wrong
MS101  error    The bytes end too early
MS102  error    No migration stream begins here
MS103  error    A section, footer or command that cannot be
MS110  error    A RAM record that cannot be
MS120  error    The content of a section is not what its kind allows
MS130  error    The description is damaged
MS140  error    A value that its place cannot hold
MS200  error    Something that migstream does not read
MS300  error    A path that names nothing
MS301  error    An address that is not guest memory

$ migstream explain "Missing section footer for 0000:00:01.3/piix4_pm"
Missing section footer for 0000:00:01.3/piix4_pm
  means: the byte after this section's payload is not 7e: source and destination do not agree on its length
  likely:
    1. a field or subsection that only one side has (another release or another machine type)
    2. a subsection whose name the destination does not know, at the end of the device
    3. the source sends no footers (machine type up to 2.3) and the destination expects them
    4. bytes were lost or added in this section
  look at:
    1. this section's fields and subsections
    2. the section's end
in: 0000:00:01.3/piix4_pm

The difference
  0000:00:01.3/piix4_pm  the byte after this section's payload is not 7e: source and destination do not agree on its length
    source       a payload of one length
    destination  reads another length
    by QEMU's own words
next: migstream explain LOG --stream SAVED

$ migstream explain "Missing section footer for 0000:00:01.3/piix4_pm" --stream pc-7.2.mig
Missing section footer for 0000:00:01.3/piix4_pm
  means: the byte after this section's payload is not 7e: source and destination do not agree on its length
  likely:
    1. a field or subsection that only one side has (another release or another machine type)
    2. a subsection whose name the destination does not know, at the end of the device
    3. the source sends no footers (machine type up to 2.3) and the destination expects them
    4. bytes were lost or added in this section
  look at:
    1. this section's fields and subsections
    2. the section's end
in: 0000:00:01.3/piix4_pm

The difference
  0000:00:01.3/piix4_pm  the byte after this section's payload is not 7e: source and destination do not agree on its length
    source       a payload of one length
    destination  reads another length
    by QEMU's own words

In the stream
  0x3d72d-0x3d732 0000:00:01.3/piix4_pm[0]  where the footer should be (section 30): 7e 00 00 00 1e
next: migstream compat pc-7.2.mig --to-qemu qemu-system-x86_64 -- ARGUMENTS

$ migstream explain "Unknown savevm section or instance '0000:00:02.0/e1000' 0." --json
{
  "migstream": "explain",
  "format": 1,
  "file": null,
  "messages": [
    {
      "name": "unknown-section",
      "kind": "cause",
      "line": 1,
      "text": "Unknown savevm section or instance '0000:00:02.0/e1000' 0",
      "values": {
        "device": "0000:00:02.0/e1000",
        "instance": "0"
      },
      "releases": "up to 10.1",
      "condition": "the stream has a device that the destination does not have under this name and instance",
      "causes": [
        "the device is missing from the destination's command line, or was hot-plugged at the source",
        "it sits at another address there (the name of a PCI device begins with its address)",
        "the destination was started with another machine type or other devices",
        "the section's name or instance id is damaged"
      ],
      "look": [
        "the destination's command line for this device",
        "the section's header"
      ]
    }
  ],
  "cause": "unknown-section",
  "silent": null,
  "device": "0000:00:02.0/e1000",
  "instance": 0,
  "fields": [],
  "result": "",
  "features": [],
  "masks": {},
  "difference": {
    "destination": null,
    "differences": [
      {
        "kind": "section",
        "device": "0000:00:02.0/e1000[0]",
        "path": "0000:00:02.0/e1000[0]",
        "message": "the stream has a device that the destination does not have under this name and instance",
        "source": {
          "text": "a section '0000:00:02.0/e1000' with instance id 0",
          "path": null,
          "span": null
        },
        "destination": {
          "text": "no device of that name and instance id",
          "path": null,
          "span": null
        },
        "basis": "words",
        "sure": false,
        "hint": ""
      }
    ],
    "note": "",
    "changes": [],
    "more": 0
  },
  "spots": [],
  "findings": [],
  "refused_by": "destination",
  "numbers": {},
  "also": [],
  "earlier": [],
  "next": "migstream explain LOG --stream SAVED"
}

$ migstream explain "Length mismatch: pc.ram: 0x1000000 in != 0x2000000: Invalid argument"
Length mismatch: pc.ram: 0x1000000 in != 0x2000000 (QEMU up to 5.1)
  means: a RAM block has another size on the destination
  likely:
    1. another `-m` (pc.ram, mach-virt.ram, ...), or another memory backend
    2. another size of a device's memory (vgamem_mb, romfile, romsize)
    3. another firmware or option ROM file
  look at:
    1. the two sizes: received first, local second

The difference
  a RAM block has another size on the destination
    source       pc.ram: 0x1000000 bytes
    destination  pc.ram: 0x2000000 bytes
    by QEMU's own words
next: migstream explain LOG --stream SAVED

$ printf "qemu-system-x86_64: VQ 0 size 0x100 < last_avail_idx 0xfff0 - used_idx 0x0\nqemu-system-x86_64: Failed to load virtio-blk:virtio\nqemu-system-x86_64: error while loading state for instance 0x0 of device '0000:00:03.0/virtio-blk'\nqemu-system-x86_64: load of migration failed: Operation not permitted\n" > qemu.log

$ migstream explain < qemu.log
VQ 0 size 0x100 < last_avail_idx 0xfff0 - used_idx 0x0
  means: a virtqueue's indexes are further apart than the queue is long: memory and device do not belong together
  likely:
    1. guest memory is not that of the moment when the device state was saved
    2. the indexes, or the queue in memory, are damaged
in: 0000:00:03.0/virtio-blk[0]/virtio
result: Operation not permitted: -1: a device's own check refused the values (virtio, post-load functions, validated fields); no file permission is meant
next: migstream explain LOG --stream SAVED

$ migstream explain -v < qemu.log
VQ 0 size 0x100 < last_avail_idx 0xfff0 - used_idx 0x0
  means: a virtqueue's indexes are further apart than the queue is long: memory and device do not belong together
  likely:
    1. guest memory is not that of the moment when the device state was saved
    2. the indexes, or the queue in memory, are damaged
Failed to load virtio-blk:virtio
  means: this field could not be read: the stream ends there, or its value was refused
  likely:
    1. with Input/output error: the stream is cut off in this field
    2. with a line before this one: that line's reason
  look at:
    1. the field's bytes
error while loading state for instance 0x0 of device '0000:00:03.0/virtio-blk'
  means: the device in whose section the load failed
  look at:
    1. the line before (up to 10.1) or the clauses behind (since 10.2) say why
load of migration failed: Operation not permitted
  means: the load has failed; the text is that of an errno
  look at:
    1. the lines before it, not this one
in: 0000:00:03.0/virtio-blk[0]/virtio
result: Operation not permitted: -1: a device's own check refused the values (virtio, post-load functions, validated fields); no file permission is meant
next: migstream explain LOG --stream SAVED

$ migstream explain "The weather is fine"
[stderr]
migstream: no message of QEMU's or libvirt's that is known is in this text
[exit status 1]

$ migstream explain "error while loading state for instance 0x0 of device 'cpu'" --stream nothing.mig
[stderr]
migstream: nothing.mig: no such file or directory [MS400]
[exit status 5]

# What is different on the other side.
$ migstream explain "Unknown savevm section or instance '0000:00:1f.2/ich9_ahci' 0." --stream q35-7.2.mig --to-stream pc-7.2.mig
Unknown savevm section or instance '0000:00:1f.2/ich9_ahci' 0 (QEMU up to 10.1)
  means: the stream has a device that the destination does not have under this name and instance
  likely:
    1. the device is missing from the destination's command line, or was hot-plugged at the source
    2. it sits at another address there (the name of a PCI device begins with its address)
    3. the destination was started with another machine type or other devices
    4. the section's name or instance id is damaged
  look at:
    1. the destination's command line for this device
    2. the section's header
in: 0000:00:1f.2/ich9_ahci[0]

The difference (destination: pc-7.2.mig)
  0000:00:1f.2/ich9_ahci[0]  the destination has no device 0000:00:1f.2/ich9_ahci with instance id 0
    source       version 1, 4168 bytes  0xc6ede-0xc7f4f
    destination  no such device, nor any of this kind
    hint: add the device to its command line

In the stream
  0xc6ede-0xc7f4f 0000:00:1f.2/ich9_ahci[0]  section 31, version 1, 4168 bytes
next: migstream check q35-7.2.mig

# On a terminal of 80 columns, in colour.
$ migstream explain "qemu-system-x86_64: Unknown savevm section or instance '0000:00:03.0/virtio-net' 0. Make sure that your current VM setup matches your saved VM setup, including any hotplugged devices"
\e[1;31mUnknown savevm section or instance '0000:00:03.0/virtio-net' 0. Make sure that\e[0m
  \e[1;31myour current VM setup matches your saved VM setup, including any hotplugged\e[0m
  \e[1;31mdevices\e[0m (QEMU up to 10.1)
  means: the stream has a device that the destination does not have under this
    name and instance
  likely:
    1. the device is missing from the destination's command line, or was
       hot-plugged at the source
    2. it sits at another address there (the name of a PCI device begins with
       its address)
    3. the destination was started with another machine type or other devices
    4. the section's name or instance id is damaged
  look at:
    1. the destination's command line for this device
    2. the section's header
in: 0000:00:03.0/virtio-net[0]

\e[1mThe difference\e[0m
  \e[36m0000:00:03.0/virtio-net[0]\e[0m  the stream has a device that the destination does
                              not have under this name and instance
    source       \e[32ma section '0000:00:03.0/virtio-net' with instance id 0\e[0m
    destination  \e[32mno device of that name and instance id\e[0m
    \e[2mby QEMU's own words\e[0m
next: \e[32mmigstream explain LOG --stream SAVED\e[0m

# On a terminal of 60 columns.
$ migstream explain MS101
MS101  The bytes end too early  (error)

Something announces more bytes than the file has: the file
is cut off (disk full, an interrupted copy or migration), or
the length that announces them is damaged. QEMU says `Failed
to load DEVICE:FIELD` for the field where the bytes end, and
`Input/output error` at last. Behind the end marker QEMU
does not care.

Compare the file's size with that of the original; copy it
again.
