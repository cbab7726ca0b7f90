$ migstream encode --help
Usage: migstream encode [OPTIONS] DIR

  Write the stream of a folder that `migstream decode --full` made and a person
  edited.

  Where nothing was changed, its bytes are those of the stream that was decoded.
  What cannot be written is refused with its place: exit status 2, and nothing
  is left behind.

Options:
  -o, --output PATH            The stream to write; - is standard output.
                               [required]
  --original STREAM            Where the stream is now that DIR refers to
                               (decode --no-ram), if it was moved.
  --force                      Replace what is there.
  --json                       Print JSON.
  --color [auto|always|never]  Colour; auto: on a terminal, unless NO_COLOR is
                               set.
  -v, --verbose                Say all that is known.
  --wide                       Do not fit lines to the terminal.
  --no-pager                   Do not page what is longer than the screen.
  -h, --help                   Show this message and exit.

Examples:
  # A stream of the folder decoded
  $ migstream encode decoded -o again.mig
  # Into a pipe
  $ migstream encode decoded -o - | migstream info -

$ migstream decode --full tiny.mig -o folder
folder  5.2 KiB (5 285) decoded

$ migstream encode folder -o again.mig
again.mig  5.2 KiB (5 285)

$ cmp tiny.mig again.mig

$ sed -i 's/"n": 7/"n": 8/' folder/stream.json

$ migstream encode folder -o edited.mig --json
{
  "migstream": "encode",
  "format": 1,
  "output": "edited.mig",
  "size": 5285
}

$ migstream diff tiny.mig edited.mig
~ two[0]
  ~ n  7 → 8  uint32
      0x10df: 07 → 08
1 device changed (1 field)
[exit status 1]

$ migstream encode folder -o edited.mig
[stderr]
migstream: folder: edited.mig is there already [MS400]
  hint: --force replaces it
[exit status 5]

$ sed -i 's/"n": 8/"n": "many"/' folder/stream.json

$ migstream encode folder -o other.mig
[stderr]
migstream: folder items[5]/two[0]/n: out of range [MS140]
  expected 0 to 4294967295, found 'many'
[exit status 2]

$ migstream encode nowhere -o other.mig
[stderr]
migstream: nowhere: no such file or directory [MS400]
  hint: give the folder that `migstream decode --full` made
[exit status 5]

$ mkdir empty

$ migstream encode empty -o other.mig
[stderr]
migstream: empty: stream.json: no such file or directory [MS400]
[exit status 5]

# On a terminal of 80 columns.
$ migstream encode folder -o narrow.mig
migstream: folder items[5]/two[0]/n: out of range [MS140]
  expected 0 to 4294967295, found 'many'
[exit status 2]
