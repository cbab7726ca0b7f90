$ migstream static-checker --help
Usage: migstream static-checker [OPTIONS]

  Two -dump-vmstate files held against each other, with the flags of QEMU's own
  script.

  Real breaks, what depends on the guest, and what is the same bytes under other
  names. Exit status: 0 no break, 1 any.

Options:
  -s, --src SRC                -dump-vmstate of the source.  [required]
  -d, --dest DEST              That of the destination.  [required]
  --reverse                    The other direction.
  --json                       Print JSON.
  --color [auto|always|never]  Colour; auto: on a terminal, unless NO_COLOR is
                               set.
  -v, --verbose                Say all that is known.
  --wide                       Do not fit lines to the terminal.
  --no-pager                   Do not page what is longer than the screen.
  -h, --help                   Show this message and exit.

Examples:
  # From old to new (1: a break)
  $ migstream static-checker -s old.json -d new.json
  # And back
  $ migstream static-checker -s old.json -d new.json --reverse

$ printf '%s' '{"vmschkmachine": {"Name": "pc-1.0"}, "toy": {"Name": "toy", "version_id": 1, "minimum_version_id": 1, "Description": {"name": "toy", "version_id": 1, "minimum_version_id": 1, "Fields": [{"field": "level", "version_id": 0, "field_exists": false, "size": 4}]}}}' > one.json

$ printf '%s' '{"vmschkmachine": {"Name": "pc-1.0"}, "toy": {"Name": "toy", "version_id": 2, "minimum_version_id": 1, "Description": {"name": "toy", "version_id": 2, "minimum_version_id": 1, "Fields": [{"field": "level", "version_id": 0, "field_exists": false, "size": 4}, {"field": "count", "version_id": 2, "field_exists": false, "size": 8}]}}}' > two.json

$ migstream static-checker -s one.json -d one.json
0 breaks, 0 other differences

$ migstream static-checker -s one.json -d two.json
0 breaks, 0 other differences

$ migstream static-checker -s two.json -d one.json
Real breaks: a stream that has this does not load (1)
  toy  toy  version  version 2, the destination knows 1 at most

The same bytes under other names (1)
  toy  toy  fields  count became nothing

1 break, 1 other differences
[exit status 1]

$ migstream static-checker -s one.json -d two.json --reverse
Real breaks: a stream that has this does not load (1)
  toy  toy  version  version 2, the destination knows 1 at most

The same bytes under other names (1)
  toy  toy  fields  count became nothing

1 break, 1 other differences
[exit status 1]

$ migstream static-checker -s two.json -d one.json --json
{
  "migstream": "static-checker",
  "format": 1,
  "source": "two.json",
  "destination": "one.json",
  "source_machine": "pc-1.0",
  "destination_machine": "pc-1.0",
  "complaints": [
    {
      "type": "toy",
      "state": "toy",
      "kind": "version",
      "verdict": "break",
      "message": "version 2, the destination knows 1 at most"
    },
    {
      "type": "toy",
      "state": "toy",
      "kind": "fields",
      "verdict": "same bytes",
      "message": "count became nothing"
    }
  ]
}
[exit status 1]

$ migstream compat two.json --to one.json
Real breaks: a stream that has this does not load (1)
  toy  toy  version  version 2, the destination knows 1 at most

The same bytes under other names (1)
  toy  toy  fields  count became nothing

1 break, 1 other differences
[exit status 1]

$ migstream static-checker -s one.json
[stderr]
Usage: migstream static-checker [OPTIONS]
Try 'migstream static-checker --help' for help.

Error: Missing option '-d' / '--dest'.
[exit status 2]

$ migstream static-checker -s one.json -d nothing.json
[stderr]
migstream: nothing.json: no such file or directory [MS400]
[exit status 5]

$ printf '{' > broken.json

$ migstream static-checker -s one.json -d broken.json
[stderr]
migstream: broken.json: it is not a -dump-vmstate file: Input data was truncated [MS130]
[exit status 3]

# On a terminal of 80 columns.
$ migstream static-checker -s one.json -d two.json
0 breaks, 0 other differences
