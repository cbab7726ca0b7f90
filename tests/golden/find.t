$ migstream find --help
Usage: migstream find [OPTIONS] FILE|DEVICE

  Streams anywhere in a disk or its image, a dump of memory, a tar or core file.

  Each is read, as far as it goes. What libvirt's save images and qcow2 images
  hold is opened where they lie, as a stream is: info FILE --offset N. A pipe is
  copied to a temporary file. Streams that are compressed are not found. Exit
  status: 0 found, 1 there is none.

Options:
  --extract N|OFFSET|all       Write this one, by its number or 0x…, to the file
                               -o; all: to a folder.
  -o, --output PATH            The file or folder to make; - is standard output.
  --force                      Replace what is there.
  --nested                     Look inside of whole streams, too.
  --offset N                   Where to begin to search.
  --json                       Print JSON.
  --ndjson                     Print a line of JSON for each as it is found.
  --color [auto|always|never]  Colour; auto: on a terminal, unless NO_COLOR is
                               set.
  -v, --verbose                Say all that is known.
  --wide                       Do not fit lines to the terminal.
  --no-pager                   Do not page what is longer than the screen.
  -h, --help                   Show this message and exit.

Examples:
  # Streams in an image of a disk
  $ migstream find disk.img
  # Write out the first of them
  $ migstream find disk.img --extract 1 -o found.mig
  # For a program, each as it is found
  $ migstream find disk.img --ndjson

# A tar file: its members begin at sectors.
$ tar -cf backup.tar --format=ustar --owner=0 --group=0 --mtime=@0 pc-7.2.mig none-7.2.mig

$ migstream find backup.tar
    offset                     size    bytes  machine        devices
1    0x200  whole stream  342.3 KiB  350 517  pc-i440fx-7.2       30
2  0x55e00  whole stream      747 B      747  none                 2

$ migstream find backup.tar --json
{
  "migstream": "find",
  "format": 1,
  "file": "backup.tar",
  "size": 358400,
  "found": [
    {
      "kind": "stream",
      "offset": 512,
      "size": 350517,
      "state": "whole",
      "machine": "pc-i440fx-7.2",
      "devices": 30,
      "within": null,
      "said": null,
      "damage": null
    },
    {
      "kind": "stream",
      "offset": 351744,
      "size": 747,
      "state": "whole",
      "machine": "none",
      "devices": 2,
      "within": null,
      "said": null,
      "damage": null
    }
  ],
  "stopped": null,
  "unreadable": [],
  "output": null,
  "extracted": []
}

$ migstream find backup.tar --extract 2 -o none.mig
    offset                     size    bytes  machine        devices
1    0x200  whole stream  342.3 KiB  350 517  pc-i440fx-7.2       30
2  0x55e00  whole stream      747 B      747  none                 2

0x55e00  →  none.mig  747 B  747

$ cmp none.mig none-7.2.mig

$ migstream find backup.tar --extract 0x200 -o none.mig
[stderr]
migstream: backup.tar: none.mig is there already [MS400]
  hint: --force replaces it
[exit status 5]

$ migstream find backup.tar --extract all -o found
    offset                     size    bytes  machine        devices
1    0x200  whole stream  342.3 KiB  350 517  pc-i440fx-7.2       30
2  0x55e00  whole stream      747 B      747  none                 2

  0x200  →  0x200.mig    342.3 KiB  350 517
0x55e00  →  0x55e00.mig      747 B      747

$ migstream find backup.tar --extract all -o found
    offset                     size    bytes  machine        devices
1    0x200  whole stream  342.3 KiB  350 517  pc-i440fx-7.2       30
2  0x55e00  whole stream      747 B      747  none                 2
[stderr]
migstream: backup.tar: found is there already [MS400]
  hint: --force replaces it
[exit status 5]

$ migstream find backup.tar --extract all -o found --force --offset 0x1000
    offset                 size  bytes  machine  devices
1  0x55e00  whole stream  747 B    747  none           2

0x55e00  →  0x55e00.mig  747 B  747

$ ls found
0x55e00.mig

$ migstream find backup.tar --extract 7 -o seven.mig
[stderr]
Usage: migstream find [OPTIONS] FILE|DEVICE
Try 'migstream find --help' for help.

Error: --extract 7: there is no such one; 2 things found
[exit status 2]

$ migstream find backup.tar --extract first -o first.mig
[stderr]
Usage: migstream find [OPTIONS] FILE|DEVICE
Try 'migstream find --help' for help.

Error: Invalid value for '--extract': 'first' is not a number of the list, an offset such as 0x4000, or all
[exit status 2]

$ migstream find backup.tar -o where.mig
[stderr]
Usage: migstream find [OPTIONS] FILE|DEVICE
Try 'migstream find --help' for help.

Error: --extract and -o OUTPUT go together: which one, and where to
[exit status 2]

# A pipe is copied to a temporary file.
$ cat backup.tar | migstream find -
    offset                     size    bytes  machine        devices
1    0x200  whole stream  342.3 KiB  350 517  pc-i440fx-7.2       30
2  0x55e00  whole stream      747 B      747  none                 2

# Cut off, and overwritten: what can be read is told, and the search goes on behind the header.
$ head -c 300000 backup.tar > cut.tar

$ migstream find cut.tar
   offset                   size    bytes  machine        devices
1   0x200  cut stream  292.5 KiB  299 488  pc-i440fx-7.2       30  0x3d7dc description: wanted 98649 bytes, 47620 left [MS101]

$ cp backup.tar torn.tar && head -c 9000 /dev/zero | dd of=torn.tar bs=512 seek=200 conv=notrunc status=none

$ migstream find torn.tar
    offset                       size    bytes  machine        devices
1    0x200  damaged stream  342.3 KiB  350 517  pc-i440fx-7.2       30  0x19326 ram[0]: Unknown combination of migration flags: 0x0 [MS110]
2  0x55e00  whole stream        747 B      747  none                 2

$ head -c 2000 backup.tar | migstream find -
   offset                 size  bytes  machine        devices
1   0x200  cut stream  1.5 KiB  1 488  pc-i440fx-7.2        0  0x5ce: wanted 8 bytes, 2 left [MS101]

$ migstream find pc-7.2.mig.xz
[stderr]
migstream: pc-7.2.mig.xz: no stream begins in it; it is compressed: `xz -dc pc-7.2.mig.xz | migstream find -` searches what it holds
[exit status 1]

$ cat pc-7.2.mig | migstream find -
   offset                     size    bytes  machine        devices
1     0x0  whole stream  342.3 KiB  350 517  pc-i440fx-7.2       30

$ migstream find nowhere.img
[stderr]
migstream: nowhere.img: no such file or directory [MS400]
[exit status 5]

# On a terminal of 80 columns.
$ cat pc-7.2.mig disk.qcow2 > both.img; migstream find both.img
     offset                     size    bytes  machine        devices
1       0x0  whole stream  342.3 KiB  350 517  pc-i440fx-7.2       30
2   0xa5935  whole stream  387.0 KiB  396 304  pc-i440fx-7.2       31
3  0x145935  whole stream  431.0 KiB  441 349  pc-i440fx-7.2       31

# On a terminal of 60 columns.
$ migstream find both.img
     offset                     size    bytes  machine
1       0x0  whole stream  342.3 KiB  350 517  pc-i440fx-7.2
    devices 30
2   0xa5935  whole stream  387.0 KiB  396 304  pc-i440fx-7.2
    devices 31
3  0x145935  whole stream  431.0 KiB  441 349  pc-i440fx-7.2
    devices 31
