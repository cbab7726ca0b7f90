"""`migstream compat`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from migstream.cli.binary import binary
from migstream.cli.common import (
    Out,
    Run,
    Verb,
    guarded,
    watching,
    with_stream,
)
from migstream.cli.destination import (
    domain_at,
    make_destination,
    options,
    parse_version,
    release_at,
    schema_at,
    shelf_options,
)
from migstream.cli.options import output_options, stream_options
from migstream.render.compat import Compat, compat_answer, compat_parts
from migstream.render.foretold import Foretellings
from migstream.render.machines import Machines, machine_parts, machines
from migstream.render.schemas import Schemas, schema_parts, schemas

if TYPE_CHECKING:
    from migstream.analysis.compat.breaks import Break
    from migstream.analysis.compat.destination import Destination
    from migstream.qemu.load import Verdict
    from migstream.source.store import Store
    from migstream.stream import Stream

__all__ = ["command"]

CHUNK = 1 << 20


def _breaks(accept: str | None) -> tuple[Break, ...]:
    from migstream.analysis.compat.breaks import read_breaks

    return read_breaks(accept) if accept is not None else ()


# --- a stream ------------------------------------------------------------------------------------


def _stream(
    run: Run,
    *,
    arguments: tuple[str, ...],
    schema: str | None,
    other: str | None,
    qemu: tuple[str, ...] | None,
    release: str | None,
    capabilities: tuple[str, ...],
    accept: str | None,
    verify: bool,
    catalogue: str | None,
    every: bool,
    xml: str | None,
) -> None:
    from migstream.analysis.compat.load import compat

    if every or release_at(schema, catalogue) is not None:
        _foretold(run, schema, arguments, capabilities, accept, catalogue, xml)
        return

    version, label, features, offered = parse_version(release), "", None, None
    with ExitStack() as stack:
        if qemu is not None:
            from migstream.analysis.compat.offered import Offered
            from migstream.qemu.ask import ask

            asked = stack.enter_context(ask(qemu, arguments))
            schema, other = schema or str(asked.schema), other or str(asked.stream)
            version, label = version or asked.release, " ".join(qemu)
            features, offered = Offered(qemu, arguments, asked.stream), asked.capabilities
            capabilities += tuple(name for name, on in offered.items() if on)
        to = make_destination(stack, schema, other, version, label, features, capabilities, offered)
        report = compat(run.stream, to, _breaks(accept))
        tried = None
        if verify and qemu is not None:
            tried = _try(run.stream, to, qemu, arguments)
        run.show(
            lambda: compat_answer(report, tried),
            compat_parts(report, verbose=run.verbose, tried=tried),
        )
    run.damage(run.stream.noticed)
    sys.exit(report.exit_status if tried is None else int(not tried.accepted))


def _foretold(
    run: Run,
    name: str | None,
    arguments: tuple[str, ...],
    capabilities: tuple[str, ...],
    accept: str | None,
    folder: str | None,
    xml: str | None,
) -> None:
    """By catalogue: one release, or every one in which a guest of this architecture runs."""
    from migstream.analysis.compat.foretell import Foretold, foretell
    from migstream.render.foretold import foretelling_parts, foretellings

    release = release_at(name, folder)
    told: list[Foretold] = foretell(
        run.stream,
        release,
        arguments,
        capabilities,
        _breaks(accept),
        folder,
        None if xml is None else domain_at(xml),
    )
    if release is not None:
        [one] = told
        run.show(lambda: compat_answer(one.report), compat_parts(one.report, verbose=run.verbose))
    else:
        run.show(lambda: foretellings(told), foretelling_parts(told))
    run.damage(run.stream.noticed)
    sys.exit(max(one.report.exit_status for one in told))


def _try(
    stream: Stream, to: Destination, qemu: tuple[str, ...], arguments: tuple[str, ...]
) -> Verdict:
    """Give the stream itself, and its channels, to the QEMU; its guest does not run."""
    from migstream.analysis.compat.memory import channel_parameters
    from migstream.edit.change import Edit
    from migstream.qemu.load import Verdict, load
    from migstream.qemu.process import Refused
    from migstream.source.temporary import need_room, temporary_folder

    channels = stream.channels if to.on("multifd") and not to.on("mapped-ram") else ()
    need_room(stream.size + sum(channel.store.size for channel in channels))
    with temporary_folder() as folder:
        path = folder / "stream.mig"
        if stream.channels:  # of which no edit knows
            _copy(stream.store, path)
        else:
            with path.open("xb") as file:
                Edit(stream).write(file.fileno())
        recordings = [folder / f"channel{number}" for number in range(len(channels))]
        for channel, recording in zip(channels, recordings, strict=True):
            _copy(channel.store, recording)
        parameters = channel_parameters(channels)
        try:
            return load(
                qemu, arguments, path, to.capabilities, channels=recordings, parameters=parameters
            )
        except Refused as error:
            return Verdict(False, error.said)


def _copy(store: Store, path: Path) -> None:
    with path.open("xb") as file:
        for at in range(0, store.size, CHUNK):
            file.write(store.view(at, min(at + CHUNK, store.size)))


# --- two schemas, two binaries -------------------------------------------------------------------


def _schemas(
    out: Out,
    source: str,
    schema: str | None,
    qemu: tuple[str, ...] | None,
    arguments: Sequence[str],
) -> None:
    from migstream.analysis.compat.schemas import check_schemas

    with ExitStack() as stack:
        if schema is None and qemu is not None:
            from migstream.qemu.ask import ask

            schema = str(stack.enter_context(ask(qemu, arguments)).schema)
        if schema is None:
            raise click.UsageError("a schema is held against another one: --to or --to-qemu")
        report = check_schemas(schema_at(source), schema_at(schema))
    out.show(lambda: schemas(report, Schemas), schema_parts(report))
    sys.exit(report.exit_status)


def _binaries(
    out: Out,
    source: tuple[str, ...],
    destination: tuple[str, ...],
    arguments: tuple[str, ...],
    wanted: tuple[str, ...],
    accept: str | None,
    *,
    verify: bool,
) -> None:
    from migstream.analysis.compat.machines import Side, compat_machines

    breaks = _breaks(accept)
    watch = watching("machine types")
    report = compat_machines(
        Side(source, arguments),
        Side(destination, arguments),
        wanted,
        breaks,
        verify=verify,
        done=lambda done, total: watch and watch("playing", done, total),
    )
    out.show(lambda: machines(report), machine_parts(report, verbose=out.verbose))
    sys.exit(report.exit_status)


# --- the verb ------------------------------------------------------------------------------------


def _usage(values: dict[str, Any], words: tuple[str, ...]) -> None:
    """Refuse options that do not go together."""
    if values["xml"] is not None and (
        words[1:]
        or (not values["every"] and release_at(values["schema"], values["catalogue"]) is None)
    ):
        raise click.UsageError(
            "--xml is for a release of the catalogue, or --all, without arguments"
        )
    if values["start"] is not None:
        if values["qemu"] is None or values["schema"] or values["other"]:
            raise click.UsageError("--from-qemu PATH goes with --to-qemu PATH, and no --to")
        if values["capabilities"]:
            raise click.UsageError("--cap is for a stream that is to be loaded")
        return
    if not words:
        raise click.UsageError("say what is to be loaded: a stream, a schema, or --from-qemu PATH")
    if values["wanted"]:
        raise click.UsageError("--machine chooses of what --from-qemu has")
    if values["every"] or release_at(values["schema"], values["catalogue"]) is not None:
        if (
            values["qemu"]
            or values["other"]
            or values["verify"]
            or (values["every"] and values["schema"])
        ):
            raise click.UsageError(
                "a release of the catalogue, or --all, is all that is said of where to"
            )
        return
    if values["schema"] is None and values["other"] is None and values["qemu"] is None:
        raise click.UsageError(
            "say where to: --to RELEASE, --to SCHEMA, --to-stream OTHER or --to-qemu PATH"
        )
    if (words[1:] or values["verify"]) and values["qemu"] is None:
        raise click.UsageError("arguments behind --, and --try, are for --to-qemu")


def _command(words: tuple[str, ...], **values: Any) -> None:
    """Whether a stream will load in another QEMU.

    The load is played section by section: versions, fields by their bytes, subsections, RAM blocks,
    the machine, and what devices check by themselves. --to and --to-stream add to each other; a
    stream says more. With --try the QEMU is given the stream, too.

    With --to 10.0, debian-13 and the like no file or QEMU of the destination is needed: the catalogue
    has what that release would save of the machine that the arguments behind -- describe, or, without
    any, the XML of the libvirt domain (--xml, or that of the save image), or of the stream's own.

    In place of STREAM, a -dump-vmstate file is held against another one (--to), and with
    --from-qemu every machine type that both QEMUs have is saved by one and played for the other.

    Exit status: 0 QEMU would accept it, 1 it would not.
    """
    guarded(lambda: _usage(values, words), "compat")
    start, wanted = values.pop("start"), values.pop("wanted")
    printing = {name: values[name] for name in ("as_json", "color", "verbose")}
    if start is not None:
        given = {name: values[name] for name in ("accept", "verify")}
        out = Out(**printing)
        guarded(lambda: _binaries(out, start, values["qemu"], words, wanted, **given), start[0])
        return
    source, *arguments = words

    def work() -> None:
        from migstream.vmstate.schema import is_schema

        if is_schema(source):
            _schemas(Out(**printing), source, values["schema"], values["qemu"], arguments)
        else:
            with_stream(
                source, _stream, spool=values["verify"], arguments=tuple(arguments), **values
            )

    guarded(work, source)


command = Verb(
    "compat",
    answers=(Compat, Schemas, Machines, Foretellings),
    callback=_command,
    help=inspect.cleandoc(_command.__doc__ or ""),
    params=[
        click.Argument(
            ["words"], nargs=-1, metavar="[STREAM | SCHEMA] [-- QEMU-ARGUMENTS...]", required=False
        ),
        *options(),
        click.Option(
            ["--to-qemu", "qemu"],
            callback=binary,
            metavar="PATH",
            help="Ask this QEMU for both, started with the arguments behind --.",
        ),
        click.Option(
            ["--from-qemu", "start"],
            callback=binary,
            metavar="PATH",
            help="Every machine type of this QEMU that --to-qemu has as well.",
        ),
        click.Option(
            ["--machine", "wanted"],
            multiple=True,
            metavar="NAME",
            help="Of --from-qemu only these machine types; wildcards as in a shell.",
        ),
        click.Option(
            ["--all", "every"], is_flag=True, help="Every release in the catalogue, a line each."
        ),
        *shelf_options(),
        click.Option(
            ["--try", "verify"], is_flag=True, help="Give what is loaded to the QEMU, too."
        ),
        click.Option(
            ["--accept"],
            type=click.Path(),
            metavar="FILE",
            help="Breaks that were accepted (TOML).",
        ),
        *stream_options(),
        *output_options(),
    ],
)
