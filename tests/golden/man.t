$ migstream man --help
Usage: migstream man [OPTIONS] [VERB]

  The manual's page of VERB, or of the command itself, as man(1) reads it:
  `migstream man get | man -l -`.

  With -o all pages, each a file NAME.1 of a folder, such as the man1 of one
  that MANPATH names.

Options:
  -o, --output FOLDER  The folder to make.
  --force              Replace what is there.
  -h, --help           Show this message and exit.

Examples:
  # All pages, as files of a folder
  $ migstream man -o man1
  # A page, for `man -l`
  $ migstream man get > migstream-get.1

$ migstream man drop
.TH "MIGSTREAM\-DROP" "1" "2026-11-27" "migstream 0.1.0" "migstream manual"
.SH NAME
migstream\-drop \- A stream without some devices or RAM blocks
.SH SYNOPSIS
\fBmigstream drop\fR [OPTIONS] STREAM PATH...
.SH DESCRIPTION
A stream without some devices, subsections (PATH) or RAM blocks (ram/BLOCK).
.PP
The description no longer names them, and the sizes in it are right again.
.SH OPTIONS
.TP
\fB\-o\fR, \fB\-\-output\fR \fIPATH\fR
The stream to make; \- is standard output.
.TP
\fB\-\-in\-place\fR
Replace STREAM itself, once the result is complete.
.TP
\fB\-\-force\fR
Replace what is there.
.TP
\fB\-\-map\fR \fIBLOCK@ADDRESS\fR
Where a RAM block is in guest\-physical memory, if the stream does not say.
May be given several times.
.TP
\fB\-\-index\fR \fIFILE\fR
An index to use, wherever it lies (\fBindex\fR makes one).
.TP
\fB\-\-like\fR \fIOTHER\fR
Take the description from another stream where this one has none.
.TP
\fB\-\-channel\fR \fIFILE\fR
A recorded multifd channel of this migration; a folder or a pattern
(\(aqch*.bin\(aq) for several.
.TP
\fB\-\-offset\fR \fIN\fR
Where in STREAM the stream begins; offsets are counted from there.
.TP
\fB\-\-inside\fR \fINAME\fR
Which one of several that STREAM holds: a snapshot\(aqs id or name, a
connection.
.TP
\fB\-\-container\fR \fIKIND\fR
What the stream stands in (none: nothing), where the bytes mislead.
.TP
\fB\-\-walk\fR
Read all of a large stream before anything is said of it.
.TP
\fB\-\-json\fR
Print JSON.
.TP
\fB\-\-color\fR \fI[auto|always|never]\fR
Colour; auto: on a terminal, unless NO_COLOR is set.
.TP
\fB\-v\fR, \fB\-\-verbose\fR
Say all that is known.
.TP
\fB\-\-wide\fR
Do not fit lines to the terminal.
.TP
\fB\-\-no\-pager\fR
Do not page what is longer than the screen.
.TP
\fB\-h\fR, \fB\-\-help\fR
Show help and exit.
.SH EXIT STATUS
0 done.
.PP
And as of every verb:
.TP
2
wrong usage, or a path or an address that names nothing
.TP
3
the stream is damaged; what could be read has been printed
.TP
4
something that migstream does not read
.TP
5
a file or pipe cannot be read or written
.PP
The others are in \fBmigstream\fR(1).
.SH EXAMPLES
Without a device:
.PP
.RS 4
.nf
\fBmigstream drop guest.mig i8254 \-o without.mig\fR
.fi
.RE
.PP
Without several:
.PP
.RS 4
.nf
\fBmigstream drop guest.mig \(aqfdc[0]\(aq \(aqdma[*]\(aq \-o small.mig\fR
.fi
.RE
.SH SEE ALSO
\fBmigstream\fR(1),
\fBmigstream\-convert\fR(1),
\fBmigstream\-decode\fR(1),
\fBmigstream\-encode\fR(1),
\fBmigstream\-minimise\fR(1),
\fBmigstream\-redact\fR(1),
\fBmigstream\-rename\fR(1),
\fBmigstream\-set\fR(1)

$ migstream man -o man1

$ ls man1
migstream-analyze-migration.1
migstream-catalogue.1
migstream-check.1
migstream-compat.1
migstream-completion.1
migstream-console.1
migstream-convert.1
migstream-decode.1
migstream-desc.1
migstream-diff.1
migstream-digest.1
migstream-drop.1
migstream-encode.1
migstream-explain.1
migstream-extract.1
migstream-find.1
migstream-fleet.1
migstream-gdb.1
migstream-get.1
migstream-heal.1
migstream-history.1
migstream-identify.1
migstream-index.1
migstream-info.1
migstream-ls.1
migstream-man.1
migstream-mem.1
migstream-minimise.1
migstream-queue.1
migstream-redact.1
migstream-registers.1
migstream-rename.1
migstream-report.1
migstream-schema.1
migstream-screen.1
migstream-set.1
migstream-show.1
migstream-stat.1
migstream-static-checker.1
migstream-tree.1
migstream-tui.1
migstream.1

$ migstream man -o man1
[stderr]
migstream: man1: man1/migstream.1 is there already [MS400]
  hint: --force replaces it
[exit status 5]

$ migstream man nothing
[stderr]
Usage: migstream man [OPTIONS] [VERB]
Try 'migstream man --help' for help.

Error: there is no page of 'nothing'
[exit status 2]

$ migstream man get -o man1
[stderr]
Usage: migstream man [OPTIONS] [VERB]
Try 'migstream man --help' for help.

Error: -o is for all pages: leave VERB out
[exit status 2]

# On a terminal of 80 columns.
$ migstream man get
.TH "MIGSTREAM\-GET" "1" "2026-11-27" "migstream 0.1.0" "migstream manual"
.SH NAME
migstream\-get \- The value of a path, also raw or hexadecimal
.SH SYNOPSIS
\fBmigstream get\fR [OPTIONS] STREAM PATH...
.SH DESCRIPTION
The value of each PATH, one on a line; \fBpath = value\fR where a PATH names
several.
.PP
A PATH may be a place in guest memory, too (ram/BLOCK@OFFSET to the end of
its page, ram/BLOCK@START\-STOP), or bytes of the stream (@START\-STOP).
.SH OPTIONS
.TP
\fB\-x\fR, \fB\-\-hex\fR
Numbers in hexadecimal.
.TP
\fB\-r\fR, \fB\-\-raw\fR
The raw bytes.
.TP
\fB\-\-force\fR
With \-r: write to a terminal, too.
.TP
\fB\-\-where\fR
Offset and length before each value.
.TP
\fB\-\-like\fR \fIOTHER\fR
Take the description from another stream where this one has none.
.TP
\fB\-\-channel\fR \fIFILE\fR
A recorded multifd channel of this migration; a folder or a pattern
(\(aqch*.bin\(aq) for several.
.TP
\fB\-\-offset\fR \fIN\fR
Where in STREAM the stream begins; offsets are counted from there.
.TP
\fB\-\-inside\fR \fINAME\fR
Which one of several that STREAM holds: a snapshot\(aqs id or name, a
connection.
.TP
\fB\-\-container\fR \fIKIND\fR
What the stream stands in (none: nothing), where the bytes mislead.
.TP
\fB\-\-walk\fR
Read all of a large stream before anything is said of it.
.TP
\fB\-\-json\fR
Print JSON.
.TP
\fB\-\-color\fR \fI[auto|always|never]\fR
Colour; auto: on a terminal, unless NO_COLOR is set.
.TP
\fB\-v\fR, \fB\-\-verbose\fR
Say all that is known.
.TP
\fB\-\-wide\fR
Do not fit lines to the terminal.
.TP
\fB\-\-no\-pager\fR
Do not page what is longer than the screen.
.TP
\fB\-h\fR, \fB\-\-help\fR
Show help and exit.
.SH EXIT STATUS
0 done.
.PP
And as of every verb:
.TP
2
wrong usage, or a path or an address that names nothing
.TP
3
the stream is damaged; what could be read has been printed
.TP
4
something that migstream does not read
.TP
5
a file or pipe cannot be read or written
.PP
The others are in \fBmigstream\fR(1).
.SH EXAMPLES
One value:
.PP
.RS 4
.nf
\fBmigstream get guest.mig \(aqcpu[0]/env.eip\(aq\fR
.fi
.RE
.PP
Several, in hexadecimal:
.PP
.RS 4
.nf
\fBmigstream get guest.mig \(aqcpu[0]/env.regs[*]\(aq \-x\fR
.fi
.RE
.PP
With the offset and size of each:
.PP
.RS 4
.nf
\fBmigstream get guest.mig \(aqi8259[*]/imr\(aq \-\-where\fR
.fi
.RE
.PP
The raw bytes:
.PP
.RS 4
.nf
\fBmigstream get guest.mig \(aqcpu[0]\(aq \-r > cpu.bin\fR
.fi
.RE
.SH SEE ALSO
\fBmigstream\fR(1),
\fBmigstream\-desc\fR(1),
\fBmigstream\-find\fR(1),
\fBmigstream\-identify\fR(1),
\fBmigstream\-info\fR(1),
\fBmigstream\-ls\fR(1),
\fBmigstream\-registers\fR(1),
\fBmigstream\-report\fR(1),
\fBmigstream\-show\fR(1),
\fBmigstream\-stat\fR(1),
\fBmigstream\-tree\fR(1),
\fBmigstream\-tui\fR(1)
