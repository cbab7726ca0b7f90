"""What each verb's help and page in the manual show of it: commands to copy, the shortest first.

A test runs every one of them in a folder with files of these names, and looks at the exit status.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import click

from migstream.cli.verbs import SPELLINGS

__all__ = ["EXAMPLES", "FIRST", "Example", "examples_of", "more", "write_examples"]


class Example(NamedTuple):
    """A command line, what it is for, and how it ends."""

    line: str
    says: str
    status: int = 0


FIRST = (
    Example("migstream info guest.save", "What is this file?"),
    Example("migstream check bad.mig", "What is wrong with it? (exit status 1: something)", 1),
    Example("migstream diff good.mig bad.mig", "What differs, to the byte? (1: something)", 1),
    Example("migstream explain libvirt.log", "What does QEMU's message mean?"),
)

EXAMPLES: dict[str, tuple[Example, ...]] = {
    "info": (
        Example("migstream info guest.mig", "What this is"),
        Example("migstream info disk.qcow2 --inside before", "A snapshot in a disk, by its name"),
        Example("xz -dc guest.mig.xz | migstream info -", "What comes through a pipe"),
        Example("migstream info guest.save --json", "For a program"),
    ),
    "identify": (
        Example("migstream identify guest.mig", "Which QEMU wrote it, and what tells that"),
        Example("migstream identify guest.mig -v", "All that was found, with its place"),
        Example("migstream identify guest.mig --json", "For a program"),
    ),
    "find": (
        Example("migstream find disk.img", "Streams in an image of a disk"),
        Example("migstream find disk.img --extract 1 -o found.mig", "Write out the first of them"),
        Example("migstream find disk.img --ndjson", "For a program, each as it is found"),
    ),
    "ls": (
        Example("migstream ls guest.mig", "Every item in its order"),
        Example("migstream ls guest.mig --devices", "The devices alone: instant on any size"),
        Example("migstream ls guest.mig --ndjson | grep ide", "A line of JSON for each item"),
    ),
    "tree": (
        Example("migstream tree guest.mig i8254", "All that one device holds"),
        Example("migstream tree guest.mig --depth 1", "All devices, their fields only"),
        Example("migstream tree guest.mig 'cpu[0]' -x --where", "In hexadecimal, with offsets"),
    ),
    "show": (
        Example("migstream show guest.mig i8254", "The bytes of a device beside its fields"),
        Example("migstream show guest.mig 'cpu[0]/env.eip'", "Of one field"),
        Example("migstream show guest.mig @0x3a603", "Who owns the byte at an offset"),
        Example("migstream show guest.mig @0-0x40", "Any region"),
    ),
    "get": (
        Example("migstream get guest.mig 'cpu[0]/env.eip'", "One value"),
        Example("migstream get guest.mig 'cpu[0]/env.regs[*]' -x", "Several, in hexadecimal"),
        Example("migstream get guest.mig 'i8259[*]/imr' --where", "With the offset and size of each"),
        Example("migstream get guest.mig 'cpu[0]' -r > cpu.bin", "The raw bytes"),
    ),
    "registers": (
        Example("migstream registers guest.mig", "The registers of every CPU"),
        Example("migstream registers guest.mig --cpu 0 --all", "Everything that one CPU holds"),
    ),
    "stat": (
        Example("migstream stat guest.mig", "Where the bytes go"),
        Example("migstream stat live.mig --all", "Every device and every round"),
        Example("migstream stat live.mig --speedscope -o downtime.json", "What downtime was for, as a flame graph"),
    ),
    "desc": (
        Example("migstream desc guest.mig", "The description, an entry on a line"),
        Example("migstream desc guest.mig -f c > guest.h", "As declarations in C"),
        Example("migstream desc guest.mig --raw > description.json", "Exactly as it is in the stream"),
    ),
    "mem": (
        Example("migstream mem guest.mig", "Which memory there is, and where"),
        Example("migstream mem guest.mig 0xf0000 -n 64", "A hexdump of guest-physical memory"),
        Example("migstream mem guest.mig --text SeaBIOS", "Find text"),
        Example("migstream mem guest.mig 0 -n 1M -r > low.bin", "The first mebibyte, raw"),
    ),
    "history": (
        Example("migstream history live.mig 0x10000", "Every version of the page at an address"),
        Example("migstream history live.mig pc.ram@0x10000 --diff 0 1", "What changed (1: something)", 1),
        Example("migstream history live.mig --heat -o heat.ppm", "What was sent again, as a picture"),
        Example("migstream history live.mig 0x10000 --dump 0 -r > page.bin", "The first version, raw"),
    ),
    "tui": (  # where no terminal is, as in a test, it is wrong usage
        Example("migstream tui guest.mig", "Tree, bytes and memory; ? lists the keys, q ends it", 2),
        Example("migstream tui guest.mig --no-mouse", "The terminal keeps the mouse, to copy with", 2),
    ),
    "screen": (
        Example("migstream screen vga.mig", "Which displays there are, and what they show"),
        Example("migstream screen vga.mig -o screen.png", "The first that shows something"),
        Example("migstream screen vga.mig -o - --device vga --head 0 > vga.png", "A certain one, into a pipe"),
    ),
    "console": (
        Example("migstream console vga.mig", "Every text on a screen and in a serial port"),
        Example("migstream console vga.mig vga", "Of one device"),
    ),
    "report": (
        Example("migstream report guest.mig -o guest.html", "Everything about it, to open in a browser"),
        Example("migstream report --diff good.mig bad.mig -o bad.html", "And what changed since another one"),
        Example("migstream report guest.mig -o - | gzip > guest.html.gz", "Into a pipe"),
    ),
    "queue": (
        Example("migstream queue virtio.mig virtio-net", "All queues of a device"),
        Example("migstream queue virtio.mig virtio-net 0", "What waits in one, buffer by buffer"),
        Example("migstream queue virtio.mig virtio-net 0 --contents", "With the bytes of the buffers"),
    ),
    "gdb": (
        Example("gdb -ex 'target remote | migstream gdb guest.mig'", "In gdb, as a stopped guest"),
        Example("gdb -batch -ex 'target remote | migstream gdb guest.mig' -ex 'info threads'", "Asked by a script"),
    ),
    "extract": (
        Example("migstream extract guest.mig -o guest.core", "A core file for crash, gdb, drgn, Volatility"),
        Example("migstream extract guest.mig -f raw -o blocks", "A file for each RAM block"),
        Example("migstream extract guest.mig -f lime -o - | gzip > guest.lime.gz", "Into a pipe"),
    ),
    "index": (
        Example("migstream index guest.mig", "Make guest.mig.migidx"),
        Example("migstream index guest.mig -o other.migidx", "Somewhere else"),
    ),
    "check": (
        Example("migstream check good.mig", "Is anything wrong?"),
        Example("migstream check bad.mig -v", "All that is to be said of it (1: something)", 1),
        Example("migstream check good.mig --golden good.digest", "Has anything changed since then?"),
        Example("migstream check good.mig --report check.sarif", "For code scanning, too"),
    ),
    "explain": (
        Example("migstream explain MS103", "The page of a code"),
        Example("migstream explain libvirt.log", "What a log says"),
        Example("migstream explain libvirt.log --stream bad.mig", "And which bytes of the stream it is about"),
        Example("migstream explain --list", "All codes"),
    ),
    "compat": (
        Example("migstream compat old.json --to new.json", "Two -dump-vmstate files (1: a break)", 1),
        Example("migstream compat good.mig --to-stream bad.mig", "Will the QEMU that saved bad.mig load it?"),
        Example("migstream compat good.mig --to new.json -v", "A stream, with every device (1: it fails)", 1),
    ),
    "catalogue": (
        Example("migstream catalogue list", "Which QEMUs are known"),
        Example("migstream catalogue list --json", "With every machine type"),
        Example("migstream catalogue matrix --from 7.2 --to debian-13 --machine 'pc-q35-7.*'", "What of them loads there"),
    ),
    "fleet": (
        Example("migstream fleet scan *.mig -o night", "What there is"),
        Example("migstream fleet scan *.mig --to 11.1 -o night", "And whether 11.1 will load it"),
        Example("migstream fleet query fleet damaged", "What is damaged, or no stream"),
        Example("migstream fleet query fleet will-not-load --to 11.1 --exit-code", "A gate (1: a row)", 1),
    ),
    "diff": (
        Example("migstream diff good.mig bad.mig", "What changed (exit status 1: something)", 1),
        Example("migstream diff good.mig bad.mig --ignore clocks,timers", "Without what moves by itself (1)", 1),
        Example("migstream diff good.mig bad.mig --schema", "Devices, versions, fields, no values"),
    ),
    "digest": (
        Example("migstream digest guest.mig", "The state as text"),
        Example("migstream digest guest.mig --no-ram -o guest.digest", "Keep it, without guest memory"),
    ),
    "static-checker": (
        Example("migstream static-checker -s old.json -d new.json", "From old to new (1: a break)", 1),
        Example("migstream static-checker -s old.json -d new.json --reverse", "And back"),
    ),
    "set": (
        Example("migstream set guest.mig 'cpu[0]/env.eip=0x1000' -o new.mig", "Another value"),
        Example("migstream set guest.mig ram/pc.ram@0x7c00=ebfe -o boot.mig", "Bytes of guest memory"),
        Example("migstream set guest.mig --machine pc-i440fx-6.2 -o other.mig", "Another machine type"),
    ),
    "drop": (
        Example("migstream drop guest.mig i8254 -o without.mig", "Without a device"),
        Example("migstream drop guest.mig 'fdc[0]' 'dma[*]' -o small.mig", "Without several"),
    ),
    "rename": (
        Example("migstream rename guest.mig i8254 pit -o renamed.mig", "A device"),
        Example("migstream rename guest.mig ram/pc.ram ram -o block.mig", "A RAM block"),
    ),
    "redact": (
        Example("migstream redact guest.mig -o report.mig", "For a bug report"),
        Example("migstream redact guest.mig --keep-ram 0-0x1000 -o part.mig", "But for some memory"),
    ),
    "heal": (
        Example(
            "migstream heal vga.mig --to-stream guest.mig -o healed.mig",
            "What of it has to change, so that it loads as that guest was started",
        ),
        Example(
            "migstream heal guest.mig --to 10.0 -- -nodefaults -M pc -m 128 -serial null",
            "With which options it loads in QEMU 10.0",
        ),
    ),
    "minimise": (
        Example(
            "migstream minimise bad.mig -o small.mig --tries 8 -- migstream check {}",
            "What of it makes a command fail",
        ),
        Example(
            "migstream minimise bad.mig -o tiny.mig --match MS563 -- migstream check {}",
            "What makes it say this",
        ),
    ),
    "convert": (
        Example("migstream convert live.mig -o flat.mig --ram linear", "Each page once"),
        Example("migstream convert guest.mig -o mapped.mig --ram mapped", "As mapped-ram"),
        Example("migstream convert guest.mig -o - --to-container zstd > guest.zst", "Compressed, into a pipe"),
    ),
    "decode": (
        Example("migstream decode guest.mig --pretty", "The device state"),
        Example("migstream decode guest.mig --meaning", "With the parts of blobs and names of numbers"),
        Example("migstream decode guest.mig --full -o folder", "All of it, to edit and to encode"),
    ),
    "encode": (
        Example("migstream encode decoded -o again.mig", "A stream of the folder decoded"),
        Example("migstream encode decoded -o - | migstream info -", "Into a pipe"),
    ),
    "schema": (
        Example("migstream schema info", "What `info --json` prints"),
        Example("migstream schema ls --ndjson", "And a line of `ls --ndjson`"),
    ),
    "completion": (
        Example("migstream completion bash > migstream.bash", "To source in ~/.bashrc"),
        Example("migstream completion fish > migstream.fish", "For ~/.config/fish/completions"),
    ),
    "man": (
        Example("migstream man -o man1", "All pages, as files of a folder"),
        Example("migstream man get > migstream-get.1", "A page, for `man -l`"),
    ),
    "analyze-migration": (
        Example("migstream analyze-migration -f guest.mig", "The device state, as QEMU's script prints it"),
        Example("migstream analyze-migration -f guest.mig -d desc", "The description"),
    ),
}  # fmt: skip


def examples_of(verb: str) -> tuple[Example, ...]:
    """Those of a verb as it was called; none where it is another package's."""
    return EXAMPLES.get(SPELLINGS.get(verb, verb), ())


def more() -> str:
    """Where there is more to read."""
    return (
        "Every verb's --help has examples; `migstream man VERB` prints its page, `migstream explain CODE`"
        " that of a code. The pages about each verb are in docs/ of the sources, commands.md first."
    )


def write_examples(formatter: click.HelpFormatter, examples: Sequence[Example]) -> None:
    """The examples in a help text, each in a line of its own however wide the terminal is."""
    if not examples:
        return
    with formatter.section("Examples"):
        lead = " " * formatter.current_indent
        for one in examples:
            formatter.write(f"{lead}# {one.says}\n{lead}$ {one.line}\n")
