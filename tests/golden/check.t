$ migstream check --help
Usage: migstream check [OPTIONS] STREAM

  Everything that is wrong with a stream: framing, description, values, memory.

  With --golden also everything that changed since a digest was made (`migstream
  digest -o`), first things first; --select MS58 is that alone.

  Exit status: 0 nothing of severity error or warning, 1 something, 3 the stream
  cannot be read to its end. `migstream explain CODE` has a page on each code.

Options:
  --golden FILE                   A digest: say what changed since it was made
                                  (MS58).
  --select CODES                  Only these: codes or their beginnings,
                                  MS54,MS1.
  --ignore CODES                  Not these.
  -f, --format [text|json|ndjson|sarif|junit]
                                  How to print what was found.
  --report FILE                   Write it to a file, too, as its name ends:
                                  .json, .ndjson, .sarif, .xml (JUnit).
  --force                         Replace reports that are there.
  --all                           All findings, not the first twenty of a code.
  --like OTHER                    Take the description from another stream where
                                  this one has none.
  --channel FILE                  A recorded multifd channel of this migration;
                                  a folder or a pattern ('ch*.bin') for several.
  --offset N                      Where in STREAM the stream begins; offsets are
                                  counted from there.
  --inside NAME                   Which one of several that STREAM holds: a
                                  snapshot's id or name, a connection.
  --container KIND                What the stream stands in (none: nothing),
                                  where the bytes mislead.
  --walk                          Read all of a large stream before anything is
                                  said of it.
  --json                          Print JSON.
  --ndjson                        Print a line of JSON for each as it is found.
  --color [auto|always|never]     Colour; auto: on a terminal, unless NO_COLOR
                                  is set.
  -v, --verbose                   Say all that is known.
  --wide                          Do not fit lines to the terminal.
  --no-pager                      Do not page what is longer than the screen.
  -h, --help                      Show this message and exit.

Examples:
  # Is anything wrong?
  $ migstream check good.mig
  # All that is to be said of it (1: something)
  $ migstream check bad.mig -v
  # Has anything changed since then?
  $ migstream check good.mig --golden good.digest
  # For code scanning, too
  $ migstream check good.mig --report check.sarif

$ migstream check pc-7.2.mig
pc-7.2.mig: nothing found

$ migstream check pc-7.2.mig --json
{
  "migstream": "check",
  "format": 1,
  "file": "pc-7.2.mig",
  "size": 350517,
  "complete": true,
  "findings": []
}

$ migstream check isapc-7.2.mig
isapc-7.2.mig:0x2b30b isa-ide[0]: warning MS501: the stream has had a section isa-ide[0] already, at 0x2b2b7
  hint: QEMU wrote it so: it cannot load this machine's state as it was
isapc-7.2.mig: 1 warning
[exit status 1]

$ migstream check pc-novmdesc-7.2.mig -v
pc-novmdesc-7.2.mig:0x3d7d7 description: warning MS506: nothing describes the devices
  expected type byte 0x06, a length and JSON after the end marker, found the end of the file
  bytes 0x3d7d7-0x3d7d7
  After the end marker QEMU appends the layout of all devices as JSON. Without it device state cannot be told apart byte by byte, and most of what `check` looks at cannot be looked at. QEMU itself loads such a stream; where it expects a description it says "Expected vmdescription section, but got 0".
  hint: --like OTHER takes another stream's description
  more: migstream explain MS506
pc-novmdesc-7.2.mig: 1 warning
[exit status 1]

# A byte that is not there, one that is another, one too much.
$ head -c 300000 pc-7.2.mig > cut.mig

$ migstream check cut.mig
cut.mig:0x3d7dc description: error MS101: wanted 98649 bytes, 48132 left
  expected 98649, found 48132
  hint: the stream was cut off; what precedes this place is intact
cut.mig: 1 error; it could not be read to its end
[stderr]
migstream: cut.mig: it could not be read to its end [MS101]
[exit status 3]

$ cp pc-7.2.mig flipped.mig

$ printf '\377' | dd of=flipped.mig bs=1 seek=239101 conv=notrunc status=none

$ migstream check flipped.mig
flipped.mig:0x3a5f2 cpu[0]: error MS511: the description lists cpu[0], and no section has its state
  expected a section cpu[0] here, found cpu[65280]
  hint: loaded, the device would be as after a reset
flipped.mig:0x3a5fb cpu[65280]: error MS120: the description lists no such device and instance
  hint: the section's name or instance id is damaged, or the stream was edited
flipped.mig: 2 errors
[exit status 1]

$ cp pc-7.2.mig footer.mig

$ printf '\377' | dd of=footer.mig bs=1 seek=240959 conv=notrunc status=none

$ migstream check footer.mig -v
footer.mig:0x3ad3f cpu[0]: error MS103: mismatched section id in footer
  expected 5, found 4278190085
  bytes 0x3ad3f-0x3ad40
  A section, footer or command that cannot be
  more: migstream explain MS103
footer.mig: 1 error
[exit status 1]

$ migstream check footer.mig -f ndjson
{"migstream":"check","format":1,"file":"footer.mig","code":"MS103","severity":"error","section":"cpu[0]","path":"cpu[0]","message":"mismatched section id in footer","expected":"5","found":"4278190085","why":"A section, footer or command that cannot be","span":[240959,240960],"hint":""}
[exit status 1]

$ migstream check footer.mig -f sarif | head -n 30
{
  "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
  "version": "2.1.0",
  "runs": [
    {
      "tool": {
        "driver": {
          "name": "migstream",
          "version": "0.1.0",
          "rules": [
            {
              "id": "MS103",
              "shortDescription": {
                "text": "A section, footer or command that cannot be"
              },
              "fullDescription": {
                "text": "Between sections stand a type byte, and behind each section a footer with its number. Where they are not\nwhat they must be, the payload before them is longer or shorter than the source meant it to be, or these\nbytes are damaged. QEMU says `Missing section footer for NAME`, `Mismatched section id in footer`,\n`Unknown savevm section type N` (`Unknown section type N`), or `MIG_CMD ... bad length`.\n\nLook at the section before this place first."
              },
              "help": {
                "text": "A section, footer or command that cannot be.\n\nBetween sections stand a type byte, and behind each section a footer with its number. Where they are not\nwhat they must be, the payload before them is longer or shorter than the source meant it to be, or these\nbytes are damaged. QEMU says `Missing section footer for NAME`, `Mismatched section id in footer`,\n`Unknown savevm section type N` (`Unknown section type N`), or `MIG_CMD ... bad length`.\n\nLook at the section before this place first.\n\nMore: migstream explain MS103",
                "markdown": "A section, footer or command that cannot be.\n\nBetween sections stand a type byte, and behind each section a footer with its number. Where they are not\nwhat they must be, the payload before them is longer or shorter than the source meant it to be, or these\nbytes are damaged. QEMU says `Missing section footer for NAME`, `Mismatched section id in footer`,\n`Unknown savevm section type N` (`Unknown section type N`), or `MIG_CMD ... bad length`.\n\nLook at the section before this place first.\n\nMore: migstream explain MS103"
              },
              "defaultConfiguration": {
                "level": "error"
              }
            }
          ]
        }
      },
      "automationDetails": {

$ migstream check footer.mig -f junit
<?xml version='1.0' encoding='utf-8'?>
<testsuite name="migstream check footer.mig" tests="2" failures="1" errors="0"><testcase classname="footer.mig" name="read to its end" /><testcase classname="footer.mig" name="MS103 cpu[0] at 0x3ad3f"><failure type="error" message="mismatched section id in footer">mismatched section id in footer; expected 5; found 4278190085
A section, footer or command that cannot be</failure></testcase></testsuite>
[exit status 1]

$ migstream check footer.mig --select MS5 --report report.xml
footer.mig: nothing found

$ migstream check footer.mig --ignore MS1
footer.mig: nothing found

$ (cat pc-7.2.mig; printf 'and more') > more.mig

$ migstream check more.mig
more.mig:0x55935 trailer: warning MS508: 8 bytes of something else behind the stream
  hint: cut the file off there if nobody needs them
more.mig: 1 warning
[exit status 1]

$ migstream check pc-7.2.mig --select XY1
[stderr]
Usage: migstream check [OPTIONS] STREAM
Try 'migstream check --help' for help.

Error: Invalid value for --select: no code begins with XY1: `migstream explain --list` has all
[exit status 2]

$ migstream check pc-7.2.mig --report report.txt
[stderr]
Usage: migstream check [OPTIONS] STREAM
Try 'migstream check --help' for help.

Error: Invalid value for --report: report.txt ends with none of .json, .ndjson, .sarif, .xml
[exit status 2]

# Against a golden digest.
$ migstream digest pc-7.2.mig -o pc.digest
pc.digest  60.0 KiB (61 464) of 30 devices, 6 RAM blocks

$ migstream set pc-7.2.mig 'cpu[0]/env.regs[3]=9' -o nine.mig
0x3a61b -> 0x3a61b        set     cpu[0]/env.regs[3]  0 -> 9

$ migstream check nine.mig --golden pc.digest
nine.mig:0x3a61b cpu[0]/env.regs[3]: warning MS581: changed since pc.digest
  expected 0, found 9
nine.mig: 1 warning
[exit status 1]

$ migstream check pc-7.2.mig --golden pc-7.2.mig
[stderr]
migstream: pc-7.2.mig: pc-7.2.mig is not a digest [MS400]
  hint: `migstream digest STREAM -o FILE` makes one
[exit status 5]

# On a terminal of 80 columns, in colour.
$ head -c 300000 pc-7.2.mig > cut.mig; migstream check cut.mig
cut.mig:0x3d7dc \e[36mdescription\e[0m: \e[1;31merror\e[0m MS101: wanted 98649 bytes, 48132 left
  expected 98649, found 48132
  hint: the stream was cut off; what precedes this place is intact
cut.mig: 1 error; it could not be read to its end
\e[1;33mmigstream:\e[0m cut.mig: it could not be read to its end [MS101]
[exit status 3]

# On a terminal of 60 columns.
$ migstream check cut.mig
cut.mig:0x3d7dc description: error MS101: wanted 98649
  bytes, 48132 left
  expected 98649, found 48132
  hint: the stream was cut off; what precedes this place is
    intact
cut.mig: 1 error; it could not be read to its end
migstream: cut.mig: it could not be read to its end [MS101]
[exit status 3]
