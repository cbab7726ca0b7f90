"""``docs/errors.md``: every message that `explain` knows, made of its table."""

from __future__ import annotations

from migstream.qemu.words.model import TOKEN, Message
from migstream.qemu.words.table import MESSAGES
from support.samples import REPOSITORY

__all__ = ["PAGE", "page"]

PAGE = REPOSITORY / "docs" / "errors.md"
HEAD = """# Errors of QEMU and libvirt when a guest is migrated, saved, restored

What the destination, the source, the host or libvirt say when a migration, a save, a snapshot or a restore fails, in the words of
every release from 2.3 to 11.1; what each means, what it comes of, and where to look. Paste the log, as it comes, into
[`migstream explain`](explain.md): it finds these in it, fills in the values, and with `--stream` shows the bytes.

This page is made of the table that `explain` uses.
"""
SIDES = {
    "destination": "What the destination says",
    "source": "What the source says",
    "host": "What is refused beside the stream: disks, backends, connections, hosts",
    "libvirt": "What libvirt says",
}


def _wording(text: str) -> str:
    return TOKEN.sub(lambda token: token[1].upper(), text)


def _entry(message: Message) -> str:
    first, *rest = message.wordings
    lines = [f"### `{_wording(first.text)}`", ""]
    texts = [
        f"- `{_wording(one.text)}`{f' ({one.releases})' if one.releases else ''}" for one in rest
    ]
    if first.releases:
        lines += [f"QEMU {first.releases}.", ""]
    if texts:
        lines += ["Also:", "", *texts, ""]
    condition = _wording(message.condition)
    lines += [f"{condition[0].upper()}{condition[1:]}.", ""]
    for title, items in (("Likely:", message.causes), ("Look at:", message.look)):
        if items:
            lines += [title, "", *(f"{n}. {_wording(text)}" for n, text in enumerate(items, 1)), ""]
    return "\n".join(lines)


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for side, title in SIDES.items():
        parts.append(f"## {title}\n")
        parts += [_entry(one) for one in MESSAGES if one.side == side]
    return "\n".join(parts)
