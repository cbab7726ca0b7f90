"""`migstream convert`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from migstream.cli.common import Run, progress, verb
from migstream.cli.options import Option, force_option, output_option
from migstream.cli.sending import target
from migstream.render.converted import Convert, converted, converted_parts
from migstream.source.containers import NONE
from migstream.source.libvirt import FORMATS
from migstream.source.packing import PACKERS

if TYPE_CHECKING:
    from migstream.qemu.release import Version
    from migstream.stream import Stream

__all__ = ["command"]

LIBVIRT = "libvirt"


def _release(text: str | None) -> Version | None:
    from migstream.qemu.release import parse

    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--release") from None


def _text(path: str) -> str:
    """A file of text, as it is."""
    try:
        return Path(path).read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise click.BadParameter(f"{path}: {error.strerror}", param_hint="--xml") from None


def _sizes(stream: Stream, options: tuple[str, ...], ram: str) -> dict[str, int]:
    """Sizes by block, of what BLOCK=SIZE and its wildcards name."""
    from fnmatch import fnmatchcase

    if options and ram == "same":
        raise click.UsageError("--resize writes guest memory anew: say --ram linear with it")
    sizes: dict[str, int] = {}
    for option in options:
        pattern, _, text = option.rpartition("=")
        hits = [block.name for block in stream.blocks if fnmatchcase(block.name, pattern)]
        try:
            size = int(text, 0)
        except ValueError:
            size = -1
        if not hits or size < 0:
            raise click.BadParameter(
                f"{option!r} is not BLOCK=SIZE, with a block of this stream", param_hint="--resize"
            )
        sizes |= dict.fromkeys(hits, size)
    return sizes


@verb(
    output_option("The stream to make; - is standard output.", required=True),
    click.Option(
        ["--ram"],
        type=click.Choice(["same", "linear", "mapped"]),
        default="same",
        show_default=True,
        help="linear: each page once, as the smallest record; mapped: mapped-ram; same: as it is.",
    ),
    click.Option(["--no-description"], is_flag=True, help="Leave the JSON description out."),
    click.Option(
        ["--to-machine"],
        metavar="NAME",
        help="Name this machine type, and give the devices the form that it has.",
    ),
    Option(
        ["--release"],
        also=["--to-qemu"],
        metavar="VERSION",
        help="The release that is to load it, such as 7.2.",
    ),
    click.Option(
        ["--resize"],
        multiple=True,
        metavar="BLOCK=SIZE",
        help="Cut a RAM block, or fill it up with zeros; BLOCK may have wildcards.",
    ),
    Option(
        ["--to-container", "wrap"],
        also=["--container"],
        type=click.Choice([NONE, LIBVIRT, *PACKERS]),
        default=NONE,
        show_default=True,
        help="What the result is to stand in: libvirt is a save image that `virsh restore` takes.",
    ),
    click.Option(
        ["-f", "--format", "form"],
        type=click.Choice(FORMATS),
        help="Of the save image; as it was, or raw.",
    ),
    click.Option(
        ["--xml"],
        type=click.Path(),
        metavar="FILE",
        help="The domain's XML for the save image; the source's without it.",
    ),
    click.Option(
        ["--image"],
        type=click.Path(),
        metavar="IMAGE",
        help="A save image whose XML and cookie the result gets.",
    ),
    click.Option(["--no-verify"], is_flag=True, help="Do not read the result again to compare."),
    force_option(),
    memory=True,
    answers=(Convert,),
    container="--from-container",
)
def command(
    run: Run,
    output: str,
    ram: str,
    no_description: bool,
    to_machine: str | None,
    release: str | None,
    resize: tuple[str, ...],
    wrap: str,
    form: str | None,
    xml: str | None,
    image: str | None,
    no_verify: bool,
    force: bool,
) -> None:
    """A new stream with the same devices and the same memory, encoded in another way.

    Rounds, XBZRLE, compression and multifd channels become one pass. With --like, a stream without
    description gets the other's, if that fits. --to-machine and --release apply what is known of
    the changes between releases. The result is read again and compared.
    """
    from migstream.edit.convert import convert
    from migstream.render.missing import missing

    if wrap != LIBVIRT and any((form, xml, image)):
        raise click.UsageError("--format, --xml and --image belong to --to-container libvirt")
    version = _release(release)
    sizes = _sizes(run.stream, resize, ram)
    lacking = missing(run.stream.ram)
    total = sum(block.used_length for block in run.stream.blocks)
    with target(run, output, run.stream.size) as path:
        with progress("converting", total * ((ram != "same") + (not no_verify))) as tell:
            made = convert(
                run.stream,
                path,
                ram=ram,
                description=not no_description,
                machine=to_machine,
                release=version,
                sizes=sizes,
                verify=not no_verify,
                force=force,
                tell=tell,
                container=wrap,
                form=form,
                xml=None if xml is None else _text(xml),
                image=image,
            )
        run.show(lambda: converted(made, output, lacking), converted_parts(made, output, lacking))
