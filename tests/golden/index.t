$ migstream index --help
Usage: migstream index [OPTIONS] STREAM

  Write an index beside the stream, which makes reading its guest memory instant
  from then on.

  It holds where each page is, eight bytes a page. It is used by itself as long
  as the stream's size, time and ends are the same, and may be deleted at any
  time.

Options:
  -o, --output PATH            Another file than STREAM.migidx; - is standard
                               output.
  --force                      Replace what is there.
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
  # Make guest.mig.migidx
  $ migstream index guest.mig
  # Somewhere else
  $ migstream index guest.mig -o other.migidx

$ migstream index pc-7.2.mig
pc-7.2.mig.migidx  56.0 KiB (57 344)

$ migstream index pc-7.2.mig
[stderr]
migstream: pc-7.2.mig: pc-7.2.mig.migidx is there already [MS400]
  hint: --force replaces it
[exit status 5]

$ migstream index pc-7.2.mig --force --json
{
  "migstream": "index",
  "format": 1,
  "output": "pc-7.2.mig.migidx",
  "size": 57344
}

$ migstream mem pc-7.2.mig 0xffff0 -n 16
000ffff0  ea 5b e0 00 f0 30 36 2f 32 33 2f 39 39 00 fc 00  .[...06/23/99...

# One of another stream.
$ migstream index none-7.2.mig -o other.migidx
other.migidx  4.0 KiB (4 096)

$ migstream mem pc-7.2.mig 0xffff0 -n 16 --index other.migidx
[stderr]
migstream: pc-7.2.mig: other.migidx is not an index of this stream: it was made of another stream, or of another state of this one [MS200]
  hint: `migstream index` makes it again; without it, the stream is walked
[exit status 4]

$ printf 'no index' > letter.txt

$ migstream mem pc-7.2.mig 0xffff0 -n 16 --index letter.txt
[stderr]
migstream: pc-7.2.mig: letter.txt is not an index of this stream: it is damaged, or of another release [MS200]
  hint: `migstream index` makes it again; without it, the stream is walked
[exit status 4]

# On a terminal of 80 columns.
$ migstream index pc-7.2.mig -o narrow.migidx
narrow.migidx  56.0 KiB (57 344)
