"""The command line: one module for each verb, loaded when it is used; no logic here."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; `--version` alone loads nothing."""
    if sys.argv[1:] == ["--version"]:
        from migstream._version import __version__

        sys.stdout.write(f"migstream {__version__}\n")
        return
    from migstream.cli.group import cli

    cli(prog_name="migstream")
