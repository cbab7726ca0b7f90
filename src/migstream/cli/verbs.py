"""The verbs in their groups, each with its line in `migstream --help`: names alone, nothing is loaded for them."""

from __future__ import annotations

__all__ = ["GROUPS", "SPELLINGS", "VERBS", "WIDEST"]

# Each line fits beside the longest name in a terminal of 80 columns.
GROUPS = {
    "Look": {
        "info": "What this is: machine, devices, RAM blocks, sizes.",
        "identify": "Which QEMU wrote it: release, build, target, CPU.",
        "find": "Streams anywhere in a disk, a memory dump, a tar file.",
        "ls": "Every item of the stream: offset, size, kind, name.",
        "tui": "The stream on the whole terminal: tree, bytes, memory.",
        "tree": "Devices and their fields with values and types.",
        "show": "Values, or any region, with the hexdump beside them.",
        "get": "The value of a path, also raw or hexadecimal.",
        "registers": "Registers of every virtual CPU, as `info registers` has.",
        "stat": "Where the bytes go.",
        "desc": "The JSON description, as it is in the stream.",
        "report": "A page for the browser: all of the above, and pictures.",
    },
    "Memory": {
        "mem": "Guest memory: hexdump, search, strings, page tables.",
        "history": "Every version of a page, by dirty round.",
        "screen": "What the guest's displays show, as a picture.",
        "console": "The text that its consoles show, or have in store.",
        "queue": "A virtio device's queues, and what is in flight.",
        "gdb": "A saved guest in gdb: registers, virtual memory, threads.",
        "extract": "Guest memory to files: ELF core, raw, physical, LiME.",
        "index": "An index beside the stream: guest memory at once.",
    },
    "Judge": {
        "check": "What is wrong with a stream: framing, values, memory.",
        "explain": "What QEMU's error message means, and where it points.",
        "compat": "Whether another QEMU will load it, and if not, why.",
        "heal": "What to change so that a stream loads there.",
        "catalogue": "What is known of QEMUs, for `compat --to 10.0`.",
        "diff": "What changed between two streams.",
        "digest": "A stream's state as a small text, to keep and compare.",
        "static-checker": "Two -dump-vmstate files held against each other.",
    },
    "Edit and make": {
        "set": "A stream with other values, memory, machine, order.",
        "drop": "A stream without some devices or RAM blocks.",
        "rename": "A stream in which something has another name.",
        "redact": "A stream for a bug report: no memory, no addresses.",
        "minimise": "The smallest stream that still fails the same way.",
        "convert": "The same state in another encoding, for another QEMU.",
        "decode": "Device state as JSON; a whole stream as a folder.",
        "encode": "A stream from the folder that `decode --full` made.",
    },
    "Many": {
        "fleet": "Thousands of saved guests: one table, and questions to it.",
    },
    "For shells and programs": {
        "schema": "The JSON Schema of what a verb prints with --json.",
        "completion": "The script that lets a shell complete: bash, zsh, fish.",
        "man": "The manual: a page for each verb.",
        "analyze-migration": "The flags and the JSON of QEMU's own script.",
    },
}
VERBS = {verb: line for group in GROUPS.values() for verb, line in group.items()}
SPELLINGS = {"minimize": "minimise"}  # and the American one, which is not listed
WIDEST = max(map(len, VERBS))
