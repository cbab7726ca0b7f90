"""`migstream convert`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from migstream.cli.common import Run, progress, verb

if TYPE_CHECKING:
    from migstream.edit.convert import Converted
    from migstream.qemu.release import Version
    from migstream.stream import Stream

__all__ = ["command"]


def _release(text: str | None) -> Version | None:
    from migstream.qemu.release import parse

    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--to-qemu") from None


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
    click.Option(["-o", "--output"], required=True, type=click.Path(), help="The stream to make."),
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
    click.Option(
        ["--to-qemu"], metavar="VERSION", help="The release that is to load it, such as 7.2."
    ),
    click.Option(
        ["--resize"],
        multiple=True,
        metavar="BLOCK=SIZE",
        help="Cut a RAM block, or fill it up with zeros; BLOCK may have wildcards.",
    ),
    click.Option(["--no-verify"], is_flag=True, help="Do not read the result again to compare."),
    click.Option(["--force"], is_flag=True, help="Replace what is there."),
    memory=True,
)
def command(
    run: Run,
    output: str,
    ram: str,
    no_description: bool,
    to_machine: str | None,
    to_qemu: str | None,
    resize: tuple[str, ...],
    no_verify: bool,
    force: bool,
) -> None:
    """A new stream with the same devices and the same memory, encoded in another way.

    Rounds, XBZRLE, compression and multifd channels become one pass. With --like, a stream without
    description gets the other's, if that fits. --to-machine and --to-qemu apply what is known of
    the changes between releases. The result is read again and compared.
    """
    from migstream.edit.convert import convert
    from migstream.render.missing import missing_table

    release = _release(to_qemu)
    sizes = _sizes(run.stream, resize, ram)
    missing = missing_table(run.stream.ram)
    total = sum(block.used_length for block in run.stream.blocks)
    with progress("convert", total * ((ram != "same") + (not no_verify))) as tell:
        made = convert(
            run.stream,
            output,
            ram=ram,
            description=not no_description,
            machine=to_machine,
            release=release,
            sizes=sizes,
            verify=not no_verify,
            force=force,
            tell=tell,
        )
    if run.as_json:
        run.emit(_table(made, output, missing))
    else:
        run.print(_lines(made, output, missing))


def _table(made: Converted, output: str, missing: list[dict[str, Any]]) -> dict[str, Any]:
    """What became of it, as JSON has it."""
    from migstream.render.changes import change_json

    return {
        "dropped": made.dropped,
        "resized": made.resized,
        "lost": made.lost,
        "rules": made.rules or (),
        "file": output,
        "missing": missing,
        "ram": made.ram,
        "before": made.before,
        "size": made.size,
        "written": made.written,
        "verified": made.compared is not None,
        "compared": made.compared or {},
        "changes": [change_json(change) for change in made.changes],
    }


def _lines(made: Converted, output: str, missing: list[dict[str, Any]]) -> Iterator[str]:
    """What became of it, in words."""
    from migstream.render.changes import change_lines
    from migstream.render.missing import missing_lines
    from migstream.render.text import escape, size

    yield (
        f"{escape(output)}  {size(made.size)}, {size(made.written)} written"
        f" (before: {size(made.before)})"
    )
    if made.dropped:
        yield f"left out: {', '.join(made.dropped)}"
    yield from missing_lines(missing)
    for name, after in made.resized.items():
        lost = f", {size(made.lost[name])} of data cut off" if name in made.lost else ""
        yield f"resized: {escape(name)}, {size(after)}{lost}"
    if made.rules is not None:
        yield f"rules: {', '.join(made.rules) or 'none has anything to do'}"
        yield from change_lines(made.changes)
    if made.compared is not None:
        lacking = (m["bytes"] for m in missing if m["block"] in made.compared)
        memory = size(sum(made.compared.values()) - sum(lacking))
        rest = "devices" if made.rules is None else "all other devices"
        yield f"read again: {rest} and {memory} of memory are the same"
