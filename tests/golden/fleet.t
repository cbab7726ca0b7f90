$ migstream fleet --help
Usage: migstream fleet [OPTIONS] {scan URL... | query FOLDER [QUESTION] | ...}

  Thousands of saved guests: one table of them, and questions to it.

  `scan` looks at each of the files, folders, patterns, addresses and prefixes
  that are named (- is a list of them on standard input), and adds what it is to
  the folder of -o. It may be ended and started again: what did not change is
  not looked at twice. `query FOLDER` lists questions, `query FOLDER QUESTION`
  answers one, or any SELECT. `metrics` is for Prometheus, `report` a page for
  the browser, `compact` makes few files of many.

Options:
  -o, --output PATH               scan: the folder of the fleet. metrics,
                                  report, query: a file.
  --to RELEASE                    Foretell the load in that release (10.0,
                                  debian-13; all); query: the one that is asked
                                  about.
  --field PATH                    scan: keep these values, too
                                  ('cpu[*]/env.eip').
  --check                         scan: apply the rules of `check` to what is
                                  read whole.
  --walk                          scan: read all of large streams, too.
  --redact                        scan: leave names out, of objects, guests, and
                                  in messages.
  --complete                      scan: what is named is all of the fleet:
                                  whatever else it has is gone.
  --catalogue PATH                A catalogue, or a folder of them, before those
                                  of migstream.
  --workers N                     scan: processes; as many as there are CPUs
                                  otherwise.  [1<=x<=1024]
  --scheduler ADDRESS             scan: of a Dask cluster, whose workers do it
                                  then (tcp://host:8786).
  --limit SECONDS                 scan: for each object (120).  [0.1<=x<=86400]
  --memory-limit MIB              scan: for each object (1024).
                                  [64<=x<=1048576]
  --retries N                     scan: of an object that fails in passing (3).
                                  [0<=x<=100]
  -f, --format [table|csv|parquet]
                                  query: how rows are printed, or written (-o).
  --exit-code                     query: status 1 where there is a row.
  --force                         Replace what is there.
  --json                          Print JSON.
  --color [auto|always|never]     Colour; auto: on a terminal, unless NO_COLOR
                                  is set.
  -v, --verbose                   Say all that is known.
  --wide                          Do not fit lines to the terminal.
  --no-pager                      Do not page what is longer than the screen.
  -h, --help                      Show this message and exit.

Examples:
  # What there is
  $ migstream fleet scan *.mig -o night
  # And whether 11.1 will load it
  $ migstream fleet scan *.mig --to 11.1 -o night
  # What is damaged, or no stream
  $ migstream fleet query fleet damaged
  # A gate (1: a row)
  $ migstream fleet query fleet will-not-load --to 11.1 --exit-code
$ mkdir saved; cp pc-7.2.mig arm-virt-7.2.mig guest.save saved; head -c 200000 pc-7.2.mig > saved/cut.mig; echo no > saved/no
$ migstream fleet scan saved --to 11.1 --field 'cpu[*]/env.eip' -o fleet | cut -d: -f1
5 objects scanned, 1 of them unread
$ migstream fleet scan saved --to 11.1 --field 'cpu[*]/env.eip' -o fleet | cut -d: -f1
0 objects scanned, 5 as before
$ migstream fleet query fleet
machine-types           Machine types, how many guests of each, and who can have written them.
will-not-load --to      Guests that a release will not load, or of which nobody can tell.
damaged                 Objects that are damaged, or cannot be read.
largest-devices         Devices by the size of their state.
needs-old-machine --to  Machine types that a release calls deprecated, or does not have any more.
duplicates              Objects that hold the same device state of the same machine.
since SINCE             What is new, changed, read again or gone since a time (yesterday, 7d, 2026-11-27).
gone                    Objects that are not there any more, what they were, and which run did not find them.
unread                  Errors of what could not be read, by code.
$ migstream fleet query fleet machine-types
machine        architecture  guests   bytes    memory  writers
pc-i440fx-7.2  x86_64             2  951755  50331648  7.2 to 8.1
pc-i440fx-7.2                     1  200000  16777216  7.2 or later
virt-7.2       aarch64            1  385117  16777216  7.2 to 8.1
# On a terminal of 80 columns
$ migstream fleet query fleet machine-types
machine        architecture  guests   bytes    memory  writers
pc-i440fx-7.2  x86_64             2  951755  50331648  7.2 to 8.1
pc-i440fx-7.2                     1  200000  16777216  7.2 or later
virt-7.2       aarch64            1  385117  16777216  7.2 to 8.1
$ migstream fleet query fleet "select machine, state, release, loads, v.message from streams s join verdicts v using (scan) order by all"
machine        state    release  loads  message
pc-i440fx-7.2  damaged  11.1            no CPU in the stream tells its architecture
pc-i440fx-7.2  whole    11.1     yes
pc-i440fx-7.2  whole    11.1     yes
virt-7.2       whole    11.1     yes
$ migstream fleet query fleet "select state, count(*) as objects from streams group by all order by all" --json
{
  "migstream": "fleet",
  "format": 1,
  "columns": [
    "state",
    "objects"
  ],
  "rows": [
    [
      "damaged",
      1
    ],
    [
      "unread",
      1
    ],
    [
      "whole",
      3
    ]
  ]
}
$ migstream fleet query fleet "select path, value from fields order by all" -f csv
path,value
cpu[0]/env.eip,65520 (0xfff0)
cpu[0]/env.eip,65520 (0xfff0)
$ migstream fleet query fleet "select url from streams where state = 'damaged'" --exit-code | cut -c 1-3
url
/tm
$ migstream fleet query fleet will-not-load
[stderr]
Usage: migstream fleet [OPTIONS] {scan URL... | query FOLDER [QUESTION] | ...}
Try 'migstream fleet --help' for help.

Error: this question needs a release (--to 11.1)
[exit status 2]
$ migstream fleet query fleet "select * from read_csv('/etc/passwd')"
[stderr]
Usage: migstream fleet [OPTIONS] {scan URL... | query FOLDER [QUESTION] | ...}
Try 'migstream fleet --help' for help.

Error: Permission Error: Cannot access file "/etc/passwd" - file system operations are disabled by configuration
[exit status 2]
$ migstream fleet query fleet "drop view streams"
[stderr]
Usage: migstream fleet [OPTIONS] {scan URL... | query FOLDER [QUESTION] | ...}
Try 'migstream fleet --help' for help.

Error: a fleet is asked with one SELECT
[exit status 2]
$ migstream fleet query nothing damaged
[stderr]
migstream: nothing: no fleet [MS400]
  hint: `migstream fleet scan … -o FOLDER` makes one
[exit status 5]
$ migstream fleet compact fleet | grep -c now
1
$ migstream fleet metrics fleet | grep ^migstream_fleet_objects
migstream_fleet_objects{state="damaged"} 1
migstream_fleet_objects{state="unread"} 1
migstream_fleet_objects{state="whole"} 3
$ migstream fleet metrics fleet -o fleet.prom
$ migstream fleet report fleet -o fleet.html
$ migstream fleet report fleet -o fleet.html
[stderr]
migstream: fleet: fleet.html is there already [MS400]
  hint: --force replaces it
[exit status 5]
$ migstream fleet scan nothing -o fleet | cut -d: -f1
1 object scanned, 1 of them unread
$ migstream fleet prune fleet
[stderr]
Usage: migstream fleet [OPTIONS] {scan URL... | query FOLDER [QUESTION] | ...}
Try 'migstream fleet --help' for help.

Error: say scan, query, metrics, report, compact, not 'prune'
[exit status 2]
$ migstream fleet scan saved
[stderr]
Usage: migstream fleet [OPTIONS] {scan URL... | query FOLDER [QUESTION] | ...}
Try 'migstream fleet --help' for help.

Error: scan takes what to scan, and -o FOLDER
[exit status 2]
