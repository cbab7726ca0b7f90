$ migstream report --help
Usage: migstream report [OPTIONS] STREAM

  One page about a stream, complete in itself, to look at in a browser and to
  send to others.

  What info, check, stat, tree, show, registers and screen say, with pictures:
  where everything is in the stream, which device takes how much, what of guest
  memory is there, what was sent again. It loads nothing and needs no server.
  `report --diff A B` is about B, and what changed from A.

Options:
  -o, --output PATH            The page to make; - is standard output.
                               [required]
  --diff OLDER                 And what changed from another stream to STREAM.
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
  # Everything about it, to open in a browser
  $ migstream report guest.mig -o guest.html
  # And what changed since another one
  $ migstream report --diff good.mig bad.mig -o bad.html
  # Into a pipe
  $ migstream report guest.mig -o - | gzip > guest.html.gz
$ migstream report pc-7.2.mig -o guest.html | sed 's/[0-9].*/so many bytes/'
guest.html  so many bytes
$ migstream report pc-7.2.mig -o guest.html
[stderr]
migstream: pc-7.2.mig: guest.html is there already [MS400]
  hint: --force replaces it
[exit status 5]
$ migstream report pc-7.2.mig -o guest.html --force --json | sed 's/"size": [0-9]*/"size": N/'
{
  "migstream": "report",
  "format": 1,
  "file": "pc-7.2.mig",
  "output": "guest.html",
  "size": N,
  "left_out": []
}
$ migstream report --diff pc-7.2.mig pc-vga-7.2.mig -o changed.html | sed 's/[0-9].*/so many bytes/'
changed.html  so many bytes
$ grep -o '<h2[^>]*>[^<]*' changed.html
<h2 id="summary-title">Summary
<h2 id="changes-title">What changed
<h2 id="findings-title">Findings
<h2 id="sections-title">Section map
<h2 id="treemap-title">Bytes by device
<h2 id="memory-title">Guest memory
<h2 id="rounds-title">Dirty pages by round
<h2 id="downtime-title">Downtime
<h2 id="registers-title">Registers
<h2 id="screen-title">Screen
<h2 id="state-title">Device state
$ migstream report pc-7.2.mig -o - 2>/dev/null | tail -n 1
</html>
[stderr]
-  132.4 KiB (135 575)
$ migstream report pc-7.2.mig -o - --json
[stderr]
Usage: migstream report [OPTIONS] STREAM
Try 'migstream report --help' for help.

Error: --json and -o - both mean standard output: choose one
[exit status 2]
$ migstream report pc-7.2.mig
[stderr]
Usage: migstream report [OPTIONS] STREAM
Try 'migstream report --help' for help.

Error: Missing option '-o' / '--output'.
[exit status 2]
$ migstream report --diff nothing.mig pc-7.2.mig -o other.html
[stderr]
migstream: nothing.mig: no such file or directory [MS400]
[exit status 5]
