"""The command line: one module for each verb, loaded when it is used; no logic here."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; `--version` alone loads nothing."""
    if sys.argv[1:] == ["--version"]:
        from migstream.cli.version import version_line

        sys.stdout.write(f"{version_line()}\n")
        return
    import gc

    # A command makes many objects that live to its end and few cycles: looking for cycles at every
    # 700 of them is a fifth of the time that a small answer takes. Imports make most of them.
    gc.set_threshold(100_000)
    from migstream.cli.ending import INTERRUPTED, asked_to_end, finish, listen, lost

    _open()
    listen()
    status: int | str | None = 0
    try:
        _run()
    except SystemExit as end:
        status = end.code
    except BaseException:
        if asked_to_end() is None:
            raise
    # Outside of `except`: whatever the blocks on the way held has been let go of by now.
    asked = asked_to_end()
    if asked == INTERRUPTED:
        from contextlib import suppress

        from migstream.cli.printing import interrupted

        with suppress(OSError):  # whoever would read it may have gone: the pager
            interrupted(lost())
        finish()
    if asked is not None:
        _leave(asked, flush=False)
    if isinstance(status, int):
        _leave(status)
    finish()
    sys.exit(status)


def _open() -> None:
    """Give what is closed something to be: its number would be the next file's."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            import os
            from pathlib import Path

            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def _run() -> None:
    import os

    from migstream.cli.deferred import defer

    defer()
    from migstream.cli.group import cli
    from migstream.cli.printing import prepare

    prepare()
    if sys.stdout.isatty():
        from migstream.cli.paging import screen

        sys.stdout = screen(sys.stdout)
    if "_MIGSTREAM_COMPLETE" in os.environ:
        from migstream.cli.shells import install

        install()
    cli(prog_name="migstream")


def _leave(status: int, *, flush: bool = True) -> None:
    """End the process now: taking the interpreter apart is a tenth of the time of a small answer.

    Without `flush` nothing waits for a reader who does not read.
    """
    import os

    from migstream.cli.ending import finish

    if flush:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            return  # the usual end says it
        finish()
    os._exit(status)
