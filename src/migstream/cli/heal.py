"""`migstream heal`."""

from __future__ import annotations

import inspect
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from migstream.cli.binary import binary
from migstream.cli.common import Run, Verb, guarded, with_stream
from migstream.cli.destination import (
    domain_at,
    make_destination,
    options,
    parse_version,
    release_at,
    shelf_options,
)
from migstream.cli.options import force_option, output_option, output_options, stream_options
from migstream.cli.printing import warn
from migstream.cli.sending import target
from migstream.cli.terminal import is_terminal
from migstream.render.healed import Healing, healed, healed_parts, play_line

if TYPE_CHECKING:
    from migstream.edit.heal.model import Healed
    from migstream.edit.heal.search import Told

__all__ = ["command"]


def _tell(run: Run) -> Told:
    if not (run.verbose or is_terminal(sys.stderr)):
        return lambda _number, _problem: None
    return lambda number, problem: warn(f"migstream: {play_line(number, problem)}")


def _heal(
    run: Run,
    *,
    arguments: tuple[str, ...],
    schema: str | None,
    other: str | None,
    qemu: tuple[str, ...] | None,
    release: str | None,
    capabilities: tuple[str, ...],
    verify: bool,
    plays: int,
    catalogue: str | None,
    xml: str | None,
    output: str | None,
    force: bool,
) -> None:
    from migstream.edit.heal.heal import heal

    named = release_at(schema, catalogue)
    given: dict[str, Any] = {
        "capabilities": capabilities,
        "plays": plays,
        "folder": catalogue,
        "told": _tell(run),
    }
    with ExitStack() as stack:
        if qemu is not None:
            given |= {"qemu": qemu, "arguments": arguments, "verify": verify}
        elif named is not None:
            given |= {
                "release": named,
                "arguments": arguments,
                "domain": None if xml is None else domain_at(xml),
            }
        else:
            version = parse_version(release)
            given["to"] = make_destination(stack, schema, other, version, capabilities=capabilities)
        found = heal(run.stream, **given)
    size = _write(run, found, output, force=force) if output is not None else None
    run.show(
        lambda: healed(found, output, size), healed_parts(found, output, size, verbose=run.verbose)
    )
    run.damage(run.stream.noticed)
    sys.exit(found.exit_status)


def _write(run: Run, found: Healed, output: str, *, force: bool) -> int | None:
    """The healed stream; nothing where there is no way out, or none of the changes is one of the stream."""
    from migstream.edit.heal.heal import healed_edit

    if not found.loads or not found.alters:
        return None
    with target(run, output, run.stream.size) as path:
        return healed_edit(run.stream, found).save(path, force=force)


def _usage(values: dict[str, Any], words: tuple[str, ...]) -> None:
    """Refuse options that do not go together."""
    where = [values[name] for name in ("schema", "other", "qemu") if values[name]]
    named = release_at(values["schema"], values["catalogue"])
    if not where:
        raise click.UsageError(
            "say where to: --to RELEASE, --to SCHEMA, --to-stream OTHER or --to-qemu PATH"
        )
    if (values["qemu"] or named is not None) and len(where) > 1:
        raise click.UsageError(
            "a release of the catalogue, or a QEMU, is all that is said of where to"
        )
    if values["verify"] and values["qemu"] is None:
        raise click.UsageError("--try is for --to-qemu")
    if words[1:] and values["qemu"] is None and named is None:
        raise click.UsageError("arguments behind -- are for --to RELEASE and --to-qemu")
    if values["xml"] and (named is None or words[1:]):
        raise click.UsageError("--xml is for --to RELEASE, in place of arguments")


def _command(words: tuple[str, ...], **values: Any) -> None:
    """What to change so that a stream loads there.

    The load is played as `compat` does, and what its first problem can be answered with is tried, until it is foretold
    to work: options of the destination first, then the stream. What is not needed is left out again. Said is what the
    guest loses by each change, and the destination's new arguments are printed, ready to copy.

    Nothing is changed unless -o says where to. With --try the QEMU has the last word.
    Exit status: 0 it loads, as it is or with these changes; 1 there is no way out.
    """
    guarded(lambda: _usage(values, words), "heal")
    source, *arguments = words

    def work() -> None:
        with_stream(source, _heal, spool=True, arguments=tuple(arguments), **values)

    guarded(work, source)


command = Verb(
    "heal",
    answers=(Healing,),
    callback=_command,
    help=inspect.cleandoc(_command.__doc__ or ""),
    params=[
        click.Argument(["words"], nargs=-1, metavar="STREAM [-- QEMU-ARGUMENTS...]", required=True),
        *options(),
        click.Option(
            ["--to-qemu", "qemu"],
            callback=binary,
            metavar="PATH",
            help="Ask this QEMU, started with the arguments behind -- and with each change of them.",
        ),
        *shelf_options(),
        click.Option(
            ["--try", "verify"],
            is_flag=True,
            help="Give the stream to the QEMU, too: what it says counts.",
        ),
        click.Option(
            ["--plays"],
            type=click.IntRange(min=1),
            default=120,
            metavar="N",
            help="How often the load may be foretold (120).",
        ),
        output_option("The healed stream to make; - is standard output."),
        force_option(),
        *stream_options(),
        *output_options(),
    ],
)
