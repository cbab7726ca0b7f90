"""`migstream extract`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from migstream.cli.common import Run, progress, verb
from migstream.cli.options import STDOUT, block_option, force_option, output_option
from migstream.cli.printing import warn
from migstream.cli.sending import no_folder, target
from migstream.render.extracted import Extract, extracted, extracted_parts

if TYPE_CHECKING:
    from migstream.export.files import Extracted
    from migstream.render.missing import Missing

__all__ = ["command"]

FINDINGS = 1
RAW, ELF, VIRTUAL = "raw", "elf", "elf-virtual"


class _Format(click.Choice):  # type: ignore[type-arg]  # generic from click 8.2 on only
    """These, and those of other packages, which are looked for when it is none of these."""

    def _all(self) -> None:
        from migstream.export import EXPORTS

        self.choices = tuple(dict.fromkeys([*self.choices, *EXPORTS.names()]))

    def get_metavar(self, *asked: Any, **more: Any) -> str | None:
        self._all()
        return super().get_metavar(*asked, **more)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value not in self.choices:
            self._all()
        return super().convert(value, param, ctx)


@verb(
    output_option("The file or folder to make; - is standard output.", required=True),
    click.Option(
        ["-f", "--format", "form"],
        type=_Format(["elf", "raw", "phys", "lime"]),
        default="elf",
        show_default=True,
        help="The form. elf: a core file with registers; raw: a folder with one file for each RAM block; "
        "phys: guest-physical memory from address 0; lime: its ranges, each behind a header.",
    ),
    click.Option(
        ["--paging"],
        is_flag=True,
        help="With elf: by the virtual addresses of the CPUs' page tables, as QEMU's dump -p.",
    ),
    block_option("With raw: only this block.", "blocks", multiple=True),
    force_option(),
    memory=True,
    answers=(Extract,),
)
def command(
    run: Run, output: str, form: str, paging: bool, blocks: tuple[str, ...], force: bool
) -> None:
    """Guest memory as files that other tools open.

    Zeros become holes. Memory that is not in the stream is a hole too, or left out, and said to be:
    exit status 1. What a virtio-mem device has not plugged in is not memory, and is named as such.
    Nothing is left behind by a run that does not come to its end.
    """
    from migstream.export.files import Extraction
    from migstream.render.missing import missing

    if paging:
        if form != ELF:
            raise click.UsageError("--paging is for -f elf: no other form has virtual addresses")
        form = VIRTUAL
    if form == RAW:
        no_folder(output, "what -f raw makes")
    planned = Extraction(run.stream, form, blocks)
    with target(run, output, run.stream.size) as path:
        with progress("writing", planned.size) as tell:
            made = planned.write(path, force=force, tell=tell)
        lacking = missing(run.stream.ram, ranges=run.as_json)
        if blocks:
            wanted = {*made.absent, *made.blocks, *blocks}
            lacking = [one for one in lacking if one.block in wanted]
        if output != STDOUT:
            run.show(lambda: extracted(made, output, lacking), extracted_parts(made))
    _say(run, made, lacking)


def _say(run: Run, made: Extracted, lacking: list[Missing]) -> None:
    """What is not in the files."""
    from migstream.export.extract import memory_of
    from migstream.render.text import escape, prose

    ram = memory_of(run.stream)
    for name in made.absent:
        warn(f"migstream: RAM block {escape(name)} was left out: {ram[name].elsewhere}")
    run.missing(one for one in lacking if one.block not in made.absent or one.kind == "unplugged")
    for remark in made.remarks:
        warn(f"migstream: {prose(remark)}")
    run.damage(run.stream.noticed)
    if made.absent or any(one.kind == "absent" for one in lacking):
        sys.exit(FINDINGS)
