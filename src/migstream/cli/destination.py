"""The destination of a load, said on the command line: its options, and what is made of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migstream.cli.common import begun, naming, watching
from migstream.cli.completed import completed
from migstream.errors import SourceError
from migstream.source.domain import MOST
from migstream.stream import open_anything

if TYPE_CHECKING:
    from migstream.analysis.compat.destination import Destination
    from migstream.qemu.release import Version
    from migstream.vmstate.schema import Schema

__all__ = [
    "domain_at",
    "make_destination",
    "options",
    "parse_version",
    "release_at",
    "schema_at",
    "shelf_options",
]


# A name that is one of a file by its looks: a folder, an ending with letters in it, or no word at all.
PATH = re.compile(r"/|\.[^./]*[A-Za-z][^./]*$|^\W*$")


def options() -> list[click.Parameter]:
    """What says where to; the values are called schema, other, release and capabilities."""
    return [
        click.Option(
            ["--to", "schema"],
            type=click.Path(),
            shell_complete=completed("releases"),
            metavar="SCHEMA",
            help="The destination's -dump-vmstate; for `compat` and `heal` a release, too: 10.0, debian-13.",
        ),
        click.Option(
            ["--to-stream", "other"],
            type=click.Path(),
            metavar="OTHER",
            help="A stream that the destination saved, started as it will be for the load.",
        ),
        click.Option(
            ["--release"], metavar="VERSION", help="The destination's release, such as 10.0."
        ),
        click.Option(
            ["--cap", "capabilities"],
            multiple=True,
            metavar="NAME",
            help="A migration capability that is on there; once for each.",
        ),
    ]


def shelf_options() -> list[click.Parameter]:
    """What belongs to a release of the catalogue; the values are called catalogue and xml."""
    return [
        click.Option(
            ["--catalogue"],
            type=click.Path(),
            metavar="PATH",
            help="A catalogue, or a folder of them, before those of migstream.",
        ),
        click.Option(
            ["--xml"],
            type=click.Path(),
            metavar="FILE",
            help="The libvirt domain that is started there; that of a save image otherwise.",
        ),
    ]


def release_at(name: str | None, folder: str | None) -> Version | str | None:
    """The release that `--to` names, or the name of a catalogue; None where it is a file.

    Raises
    ------
    NoSuchPath : it is neither, and no path by its looks
    """
    from migstream.catalogue.shelf import no_release, release_named

    if name is None or Path(name).exists():
        return None
    release = release_named(name, folder)
    if release is None and not PATH.search(name):
        raise no_release(name, folder)
    return release


def make_destination(
    stack: ExitStack,
    schema: str | None = None,
    other: str | None = None,
    release: Version | None = None,
    label: str = "",
    features: Mapping[tuple[str, int], int] | None = None,
    capabilities: Collection[str] = (),
    offered: Collection[str] | None = None,
) -> Destination:
    """Open what is known of a destination.

    Parameters
    ----------
    stack : closes the stream at its end
    schema, other : paths, as `--to` and `--to-stream` have them
    release : (10, 0), from `parse_version` where it was written
    label : what to call it; the names of its files otherwise
    features, capabilities, offered : as `Destination` has them

    Raises
    ------
    SourceError : a file cannot be read
    BadDescription : the file is not a schema
    """
    from migstream.analysis.compat.destination import Destination

    stream = None
    if other is not None:
        with naming(other):
            stream = begun(stack.enter_context(open_anything(other, watch=watching())))
    return Destination(
        None if schema is None else schema_at(schema),
        stream,
        release,
        label,
        features,
        capabilities,
        offered,
    )


def schema_at(path: str) -> Schema:
    """A -dump-vmstate file; what is wrong with it is said with its name."""
    from migstream.vmstate.schema import open_schema

    with naming(path):
        return open_schema(path)


def domain_at(path: str) -> str:
    """A domain's XML, as `virsh dumpxml` prints it."""
    try:
        with Path(path).open(encoding="utf-8", errors="surrogateescape") as file:
            return file.read(MOST + 1)
    except OSError as error:
        raise SourceError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def parse_version(text: str | None) -> Version | None:
    """The value of `--release` as numbers.

    Raises
    ------
    BadParameter : it is not a release
    """
    from migstream.qemu.release import parse

    try:
        return None if text is None else parse(text)[:2]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--release") from None
