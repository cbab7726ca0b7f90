$ migstream screen --help
Usage: migstream screen [OPTIONS] STREAM

  What the guest's displays show; with -o a picture of one of them.

  VGA with VBE, Cirrus, bochs-display, virtio-gpu and ramfb, pixel by pixel as
  QEMU's screendump. What blinks is shown as it is while it is seen.

Options:
  -o, --output PATH            The picture to make, PNG, or PPM where its name
                               says so; - is standard output.
  -f, --format [png|ppm]       Its form, whatever it is called.
  --device DEVICE              Of this display, not the first that shows
                               something.
  --head N                     Which screen of it, from 0 on.  [x>=0]
  --force                      Replace what is there.
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
  # Which displays there are, and what they show
  $ migstream screen vga.mig
  # The first that shows something
  $ migstream screen vga.mig -o screen.png
  # A certain one, into a pipe
  $ migstream screen vga.mig -o - --device vga --head 0 > vga.png
$ migstream screen pc-vga-7.2.mig
display              head   pixels
0000:00:02.0/vga[0]     0  720x400  text, 80x25 characters
$ migstream screen pc-vga-7.2.mig --json
{
  "migstream": "screen",
  "format": 1,
  "file": "pc-vga-7.2.mig",
  "displays": [
    {
      "device": "0000:00:02.0/vga[0]",
      "head": 0,
      "mode": "text",
      "width": 720,
      "height": 400,
      "columns": 80,
      "rows": 25,
      "on": true,
      "memory": "0000:00:02.0/vga.vram",
      "damage": ""
    }
  ],
  "output": null,
  "size": null,
  "shown": null
}
$ migstream screen pc-vga-7.2.mig -o guest.ppm
guest.ppm  843.8 KiB (864 015)  720x400 of 0000:00:02.0/vga[0] head 0, text, 80x25 characters
$ migstream screen pc-vga-7.2.mig -o guest.ppm
[stderr]
migstream: pc-vga-7.2.mig: guest.ppm is there already [MS400]
  hint: --force replaces it
[exit status 5]
$ migstream screen pc-vga-7.2.mig -o guest.ppm --force --json
{
  "migstream": "screen",
  "format": 1,
  "file": "pc-vga-7.2.mig",
  "displays": [
    {
      "device": "0000:00:02.0/vga[0]",
      "head": 0,
      "mode": "text",
      "width": 720,
      "height": 400,
      "columns": 80,
      "rows": 25,
      "on": true,
      "memory": "0000:00:02.0/vga.vram",
      "damage": ""
    }
  ],
  "output": "guest.ppm",
  "size": 864015,
  "shown": {
    "device": "0000:00:02.0/vga[0]",
    "head": 0,
    "mode": "text",
    "width": 720,
    "height": 400,
    "columns": 80,
    "rows": 25,
    "on": true,
    "memory": "0000:00:02.0/vga.vram",
    "damage": ""
  }
}
$ migstream screen pc-vga-7.2.mig -o - -f ppm | head -n 2
P6
720 400
[stderr]
-  843.8 KiB (864 015)  720x400 of 0000:00:02.0/vga[0] head 0, text, 80x25 characters
$ migstream screen pc-vga-7.2.mig --head 1
[stderr]
migstream: pc-vga-7.2.mig: the stream has no such display [MS300]
  hint: `migstream screen STREAM` lists the displays
[exit status 2]
$ migstream screen pc-vga-7.2.mig --device cpu
[stderr]
migstream: pc-vga-7.2.mig: cpu[0] has no such display [MS300]
  hint: `migstream screen STREAM` lists the displays
[exit status 2]
$ migstream screen pc-vga-7.2.mig --force
[stderr]
Usage: migstream screen [OPTIONS] STREAM
Try 'migstream screen --help' for help.

Error: --format and --force belong to -o
[exit status 2]
$ migstream screen isapc-7.2.mig
no display
$ migstream screen pc-7.2.mig
no display
$ migstream screen pc-7.2.mig -o none.ppm
[stderr]
migstream: pc-7.2.mig: no display shows anything [MS200]
  hint: `migstream screen STREAM` says why, for each of them
[exit status 4]

# On a terminal of 80 columns.
$ migstream screen pc-vga-7.2.mig
display              head   pixels
0000:00:02.0/vga[0]     0  720x400  text, 80x25 characters
