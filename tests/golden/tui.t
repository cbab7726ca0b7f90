$ migstream tui --help
Usage: migstream tui [OPTIONS] STREAM

  The stream on the whole terminal: a tree of its values, their bytes, guest
  memory, search.

  Keys are listed by ? there; q ends it. It reads what is looked at, and writes
  nothing.

Options:
  --no-mouse                   Leave the mouse to the terminal, which copies
                               with it.
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
  # Tree, bytes and memory; ? lists the keys, q ends it
  $ migstream tui guest.mig
  # The terminal keeps the mouse, to copy with
  $ migstream tui guest.mig --no-mouse

# Keys need a terminal.
$ migstream tui pc-7.2.mig
[stderr]
Usage: migstream tui [OPTIONS] STREAM
Try 'migstream tui --help' for help.

Error: this is no terminal to draw on: `migstream tree` and `show` print the same
[exit status 2]

$ migstream tui - < pc-7.2.mig
[stderr]
Usage: migstream tui [OPTIONS] STREAM
Try 'migstream tui --help' for help.

Error: keys are typed on standard input: put the stream into a file
[exit status 2]
