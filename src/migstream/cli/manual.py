"""Pages of the manual, made of what help is made of: options, docstrings, examples, the vocabulary.

They are in the macros of man(7), as groff and mandoc read them. `python -m migstream.cli.manual FOLDER` writes them
where a package is built.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import wrap

import click

from migstream._version import DATE, __version__
from migstream.cli.examples import EXAMPLES, FIRST, Example
from migstream.cli.group import COMMANDS, cli
from migstream.cli.verbs import GROUPS, SPELLINGS, VERBS
from migstream.cli.vocabulary import WORDS

__all__ = ["STATUSES", "page", "write_pages"]

STATUSES = (
    ("0", "clean"),
    ("1", "findings: something is wrong, differs, was not found, or is not in the stream"),
    ("2", "wrong usage, or a path or an address that names nothing"),
    ("3", "the stream is damaged; what could be read has been printed"),
    ("4", "something that migstream does not read"),
    ("5", "a file or pipe cannot be read or written"),
    ("129, 130, 131, 143", "ended by HUP, INT (Ctrl\\-C), QUIT, TERM"),
    ("141", "the reader of the output has gone, which is not an error"),
)
COMMON = {"2", "3", "4", "5"}
ENVIRONMENT = (
    ("NO_COLOR", "Set to anything: no colour, unless \\-\\-color always is given."),
    ("TMPDIR", "The folder for temporary files, such as those that pipes are copied to."),
    ("CLICOLOR_FORCE, FORCE_COLOR", "Set to anything but 0: colour in a pipe, too."),
    (
        "MIGSTREAM_PAGER, PAGER",
        "What pages that which is longer than the screen; empty or cat: nothing does.",
    ),
    ("COLUMNS, LINES", "Another size than the terminal says."),
    (
        "MIGSTREAM_PCI_IDS",
        "Names of PCI devices that are none of QEMU's: a pci.ids; empty: none.",
    ),
    ("MIGSTREAM_DOCS", "Where the pages are that rules in SARIF link to."),
)
KEPT = re.compile(r"(`[^`]+`)")
SECTION = 1
LINE = 76
SEVERAL = re.compile("several|once for each")


# --- roff ------------------------------------------------------------------------------------------


def _text(text: str) -> str:
    r"""Text in roff: a backslash, a hyphen, a quote stand for themselves."""
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    plain = plain.replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")
    return plain.replace("…", "...").replace("→", "\\(->")


def _prose(text: str) -> str:
    """A paragraph in which `code` is bold, in lines of a readable length; none is a request."""
    parts = (
        f"\\fB{_text(part[1:-1])}\\fR" if KEPT.fullmatch(part) else _text(part)
        for part in KEPT.split(" ".join(text.split()))
    )
    lines = wrap("".join(parts), LINE, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in lines)


def _terms(terms: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Each with what it means; the first is roff already."""
    for term, means in terms:
        yield from (".TP", term, means)


# --- parts of a page -------------------------------------------------------------------------------


def _head(name: str, line: str) -> Iterator[str]:
    yield (
        f'.TH "{_text(name.upper())}" "{SECTION}" "{DATE}" "migstream {__version__}" "migstream manual"'
    )
    yield from (".SH NAME", f"{_text(name)} \\- {_text(line.replace('`', ''))}")


def _spelled(option: click.Option) -> str:
    """`-o`, `--output` OUTPUT in roff."""
    spellings = ", ".join(f"\\fB{_text(one)}\\fR" for one in [*option.opts, *option.secondary_opts])
    if option.is_flag:
        return spellings
    takes = option.make_metavar(click.Context(cli))
    return f"{spellings} \\fI{_text(takes)}\\fR"


def _help_of(option: click.Option) -> str:
    said = option.help or ""
    if option.multiple and not SEVERAL.search(said):
        said += " May be given several times."
    if option.required:
        said += " It has to be given."
    return _prose(said)


def _options(command: click.Command) -> Iterator[str]:
    shown = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    yield ".SH OPTIONS"
    yield from _terms((_spelled(one), _help_of(one)) for one in shown)
    yield from _terms([("\\fB\\-h\\fR, \\fB\\-\\-help\\fR", "Show help and exit.")])


def _description(command: click.Command) -> tuple[list[str], str]:
    """Paragraphs, and what they say of the exit status."""
    text, _, status = inspect.cleandoc(command.help or "").partition("Exit status:")
    return [part for part in text.split("\n\n") if part.strip()], status


def _paragraphs(parts: Iterable[str]) -> Iterator[str]:
    for number, part in enumerate(parts):
        if number:
            yield ".PP"
        yield _prose(part)


def _examples(examples: Iterable[Example]) -> Iterator[str]:
    yield ".SH EXAMPLES"
    for number, one in enumerate(examples):
        if number:
            yield ".PP"
        yield from (f"{_text(one.says)}:", ".PP", ".RS 4", ".nf", f"\\fB{_text(one.line)}\\fR")
        yield from (".fi", ".RE")


def _see_also(names: Iterable[str]) -> Iterator[str]:
    yield ".SH SEE ALSO"
    yield ",\n".join(f"\\fB{_text(name)}\\fR({SECTION})" for name in names)


# --- pages -----------------------------------------------------------------------------------------


def _whole() -> Iterator[str]:
    """The page of the command itself."""
    paragraphs, _ = _description(cli)
    yield from _head("migstream", "read QEMU migration streams")
    yield from (
        ".SH SYNOPSIS",
        "\\fBmigstream\\fR \\fIVERB\\fR [\\fIOPTIONS\\fR] \\fISTREAM\\fR ...",
    )
    yield ".SH DESCRIPTION"
    yield from _paragraphs(paragraphs)
    for title, verbs in GROUPS.items():
        yield f'.SS "{_text(title)}"'
        yield from _terms(
            (f"\\fBmigstream\\-{_text(verb)}\\fR({SECTION})", _prose(line))
            for verb, line in verbs.items()
        )
    yield from _options(cli)
    yield '.SS "Options that mean the same in every verb that has them"'
    yield from _terms(
        (", ".join(f"\\fB{_text(one)}\\fR" for one in word.spellings), _prose(word.means))
        for word in WORDS
    )
    yield ".SH EXIT STATUS"
    yield from _terms((status, means) for status, means in STATUSES)
    yield ".SH ENVIRONMENT"
    yield from _terms((f"\\fB{name}\\fR", means) for name, means in ENVIRONMENT)
    yield from _examples(FIRST)
    yield from _see_also([*(f"migstream-{verb}" for verb in sorted(VERBS)), "qemu", "virsh"])


def _verb(verb: str) -> Iterator[str]:
    """The page of one verb."""
    command = COMMANDS.find(verb)
    assert command is not None
    paragraphs, status = _description(command)
    yield from _head(f"migstream-{verb}", VERBS[verb].removesuffix("."))
    # as the command line makes it: click keeps what it has once made of a command
    context = click.Context(command, parent=click.Context(cli, **cli.context_settings))
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (".SH SYNOPSIS", f"\\fBmigstream {_text(verb)}\\fR {_text(usage)}")
    yield ".SH DESCRIPTION"
    yield from _paragraphs(paragraphs)
    yield from _options(command)
    yield ".SH EXIT STATUS"
    yield _prose(status) or "0 done."
    yield from (".PP", "And as of every verb:")
    yield from _terms((number, means) for number, means in STATUSES if number in COMMON)
    yield from (".PP", f"The others are in \\fBmigstream\\fR({SECTION}).")
    yield from _examples(EXAMPLES[verb])
    group = next(verbs for verbs in GROUPS.values() if verb in verbs)
    beside = [f"migstream-{one}" for one in sorted(group) if one != verb]
    yield from _see_also(["migstream", *beside])


def page(verb: str | None) -> str:
    """The page of a verb of migstream's own, or of the command itself.

    Raises
    ------
    UsageError : there is no such verb
    """
    if verb is None:
        return "\n".join(_whole()) + "\n"
    verb = SPELLINGS.get(verb, verb)
    if verb not in VERBS:
        raise click.UsageError(f"there is no page of {verb!r}")
    return "\n".join(_verb(verb)) + "\n"


def write_pages(folder: str, *, replace: bool = False) -> None:
    """Write every page into a folder, which is made if it is not there.

    Raises
    ------
    SourceError : a page is there already and must not be replaced, or cannot be written
    """
    from migstream.source.output import new_file, write_at

    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    for verb in [None, *VERBS]:
        name = "migstream" if verb is None else f"migstream-{verb}"
        with new_file(place / f"{name}.{SECTION}", replace=replace) as fd:
            write_at(fd, [page(verb).encode()], 0)


if __name__ == "__main__":
    write_pages(sys.argv[1], replace=True)
