$ migstream convert --help
Usage: migstream convert [OPTIONS] STREAM

  A new stream with the same devices and the same memory, encoded in another
  way.

  Rounds, XBZRLE, compression and multifd channels become one pass. With --like,
  a stream without description gets the other's, if that fits. --to-machine and
  --release apply what is known of the changes between releases. The result is
  read again and compared.

Options:
  -o, --output PATH               The stream to make; - is standard output.
                                  [required]
  --ram [same|linear|mapped]      linear: each page once, as the smallest
                                  record; mapped: mapped-ram; same: as it is.
                                  [default: same]
  --no-description                Leave the JSON description out.
  --to-machine NAME               Name this machine type, and give the devices
                                  the form that it has.
  --release VERSION               The release that is to load it, such as 7.2.
  --resize BLOCK=SIZE             Cut a RAM block, or fill it up with zeros;
                                  BLOCK may have wildcards.
  --to-container [none|libvirt|gzip|bzip2|xz|zstd|lz4|lzop]
                                  What the result is to stand in: libvirt is a
                                  save image that `virsh restore` takes.
                                  [default: none]
  -f, --format [raw|gzip|bzip2|xz|lzop|zstd|sparse]
                                  Of the save image; as it was, or raw.
  --xml FILE                      The domain's XML for the save image; the
                                  source's without it.
  --image IMAGE                   A save image whose XML and cookie the result
                                  gets.
  --no-verify                     Do not read the result again to compare.
  --force                         Replace what is there.
  --map BLOCK@ADDRESS             Where a RAM block is in guest-physical memory,
                                  if the stream does not say.
  --index FILE                    An index to use, wherever it lies (`index`
                                  makes one).
  --like OTHER                    Take the description from another stream where
                                  this one has none.
  --channel FILE                  A recorded multifd channel of this migration;
                                  a folder or a pattern ('ch*.bin') for several.
  --offset N                      Where in STREAM the stream begins; offsets are
                                  counted from there.
  --inside NAME                   Which one of several that STREAM holds: a
                                  snapshot's id or name, a connection.
  --from-container KIND           What the stream stands in (none: nothing),
                                  where the bytes mislead.
  --walk                          Read all of a large stream before anything is
                                  said of it.
  --json                          Print JSON.
  --color [auto|always|never]     Colour; auto: on a terminal, unless NO_COLOR
                                  is set.
  -v, --verbose                   Say all that is known.
  --wide                          Do not fit lines to the terminal.
  --no-pager                      Do not page what is longer than the screen.
  -h, --help                      Show this message and exit.

Examples:
  # Each page once
  $ migstream convert live.mig -o flat.mig --ram linear
  # As mapped-ram
  $ migstream convert guest.mig -o mapped.mig --ram mapped
  # Compressed, into a pipe
  $ migstream convert guest.mig -o - --to-container zstd > guest.zst

$ migstream convert pc-xbzrle-7.2.mig -o flat.mig --ram linear
flat.mig  854.9 KiB (875 401), 854.9 KiB (875 401) written (before: 1.3 MiB (1 375 507))
read again: devices and 16.5 MiB (17 309 696) of memory are the same

$ migstream convert pc-7.2.mig -o mapped.mig --ram mapped
mapped.mig  22.1 MiB (23 184 329), 305.9 KiB (313 215) written (before: 342.3 KiB (350 517))
read again: devices and 16.5 MiB (17 309 696) of memory are the same

$ migstream info mapped.mig | head -n 8
file          mapped.mig
size          22.1 MiB (23 184 329)
machine       pc-i440fx-7.2
QEMU          7.2 to 8.1 (identify lists what tells it)
capabilities  mapped-ram
page size     4 096
description   96.3 KiB (98 649)
guest         1 CPU, 16.0 MiB of memory, under TCG

$ migstream convert q35-7.2.mig -o older.mig --to-machine pc-q35-6.0
older.mig  1.1 MiB (1 123 409), 1.1 MiB (1 123 409) written (before: 1.1 MiB (1 126 275))
rules: ich9-pcihp, pckbd-extended-state
0x9 -> 0x9                machine  configuration/name  pc-q35-7.2 -> pc-q35-6.0
0xc1010 -> 0xc1010        drop    0000:00:1f.0/ICH9LPC[0]/pm/ich9_pm/pcihp  2075 bytes
0xc5e78 -> 0xc565d        drop    pckbd[0]/kbd/pckbd/extended_state  36 bytes
read again: all other devices and 33.0 MiB (34 611 200) of memory are the same

$ migstream convert pc-7.2.mig -o resized.mig --ram linear --resize 'pc.rom=0x10000' --json
{
  "migstream": "convert",
  "format": 1,
  "output": "resized.mig",
  "size": 350373,
  "written": 350373,
  "before": 350517,
  "ram": "linear",
  "dropped": [],
  "resized": {
    "pc.rom": 65536
  },
  "lost": {},
  "rules": [],
  "changes": [],
  "missing": [],
  "verified": true,
  "compared": {
    "pc.ram": 16777216,
    "/rom@etc/acpi/tables": 131072,
    "pc.bios": 262144,
    "pc.rom": 131072,
    "/rom@etc/table-loader": 4096,
    "/rom@etc/acpi/rsdp": 4096
  }
}

$ migstream convert pc-7.2.mig -o bare.mig --no-description
bare.mig  246.0 KiB (251 863), 246.0 KiB (251 863) written (before: 342.3 KiB (350 517))
left out: description
read again: devices and 16.5 MiB (17 309 696) of memory are the same

$ migstream convert pc-7.2.mig -o flat.mig
[stderr]
migstream: pc-7.2.mig: flat.mig is there already [MS400]
  hint: --force replaces it
[exit status 5]

$ migstream convert pc-7.2.mig -o other.mig --to-machine pc-q35-7.2
[stderr]
migstream: pc-7.2.mig: pc-q35-7.2 is another machine than pc-i440fx-7.2 [MS200]
  hint: the version of a machine type can change, not what the machine is
[exit status 4]

$ migstream convert pc-7.2.mig -o other.mig --to-qemu soon
[stderr]
Usage: migstream convert [OPTIONS] STREAM
Try 'migstream convert --help' for help.

Error: Invalid value for --release: 'soon' is not a QEMU version, such as 7.2
[exit status 2]

$ migstream convert pc-ignore-shared-7.2.mig -o other.mig --ram linear
other.mig  306.4 KiB (313 744), 306.4 KiB (313 744) written (before: 306.4 KiB (313 744))
ram0: 4 096 of 4 096 pages, 16.0 MiB (16 777 216), are not in this stream: it is shared memory that the stream leaves out (x-ignore-shared): look into its backing file
read again: devices and 520.0 KiB (532 480) of memory are the same

# On a terminal of 80 columns.
$ migstream convert q35-7.2.mig -o narrow.mig --to-machine pc-q35-6.0
narrow.mig  1.1 MiB (1 123 409), 1.1 MiB (1 123 409) written (before: 1.1 MiB
            (1 126 275))
rules: ich9-pcihp, pckbd-extended-state
0x9 -> 0x9                machine  configuration/name  pc-q35-7.2 -> pc-q35-6.0
0xc1010 -> 0xc1010        drop    0000:00:1f.0/ICH9LPC[0]/pm/ich9_pm/pcihp  2075
                          bytes
0xc5e78 -> 0xc565d        drop    pckbd[0]/kbd/pckbd/extended_state  36 bytes
read again: all other devices and 33.0 MiB (34 611 200) of memory are the same
