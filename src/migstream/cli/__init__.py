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
    import gc
    import os

    # A command makes many objects that live to its end and few cycles: looking for cycles at every
    # 700 of them is a fifth of the time that a small answer takes.
    gc.set_threshold(100_000)
    from migstream.cli.group import cli

    if "_MIGSTREAM_COMPLETE" in os.environ:
        from migstream.cli.completion import install

        install()
    try:
        cli(prog_name="migstream")
    except SystemExit as end:
        if isinstance(end.code, int):
            _leave(end.code)
        raise


def _leave(status: int) -> None:
    """End the process now: taking the interpreter apart is a tenth of the time of a small answer."""
    import os

    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return  # the usual end says it
    os._exit(status)
