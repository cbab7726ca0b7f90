"""The group of verbs, those of other packages too; a verb's module is imported when the verb is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from migstream.cli.verbs import GROUPS, SPELLINGS, VERBS, WIDEST
from migstream.errors import MigstreamError, PluginError
from migstream.names import prose
from migstream.plugins import Registry
from migstream.source.address import hidden

__all__ = ["COMMANDS", "VERBS", "Lazy", "cli"]

COMMANDS: Registry[click.Command] = Registry(
    "migstream.verbs",
    {verb: f"migstream.cli.{verb.replace('-', '_')}:command" for verb in VERBS},
)


def _others() -> list[str]:
    """Verbs of other packages."""
    return COMMANDS.names()[len(VERBS) :]


def _other_lines() -> Iterator[tuple[str, str]]:
    """The same, each with its line, or with what is wrong with it: help is given in any case."""
    try:
        names = _others()
    except PluginError as error:
        yield "", error.message
        return
    for name in names:
        try:
            command = COMMANDS.find(name)
            yield name, "" if command is None else command.get_short_help_str(limit=100)
        except PluginError as error:
            yield name, error.message


class Lazy(click.Group):
    """Knows its verbs by name and one line; loads them on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        try:
            return [*VERBS, *_others()]
        except PluginError:
            return [*VERBS]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does it; no verb at all is wrong usage, which click 8.1 does not say."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True, color=ctx.color)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return COMMANDS.find(SPELLINGS.get(cmd_name, cmd_name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, and an unknown verb gets the ones that come close."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            close = get_close_matches(args[0], self.list_commands(ctx))
            if not close:
                raise
            ctx.fail(f"{error.message} Did you mean {' or '.join(close)}?")

    def invoke(self, ctx: click.Context) -> Any:
        """As click does it; what it says of a word on the command line is printed with care."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            error.message = prose(hidden(error.message))  # type: ignore[misc]  # click reads it when it prints
            raise
        except (
            MigstreamError
        ) as error:  # of another package's verb: ours say what is wrong themselves
            from migstream.cli.common import fail

            fail(error, ctx.invoked_subcommand or "plug-ins")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for title, verbs in GROUPS.items():
            with formatter.section(title):  # all with the same column
                formatter.write_dl([(name.ljust(WIDEST), line) for name, line in verbs.items()])
        others = [(name, prose(line)) for name, line in _other_lines()]
        if others:
            with formatter.section("Commands of other packages"):
                formatter.write_dl(others)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        from migstream.cli.examples import FIRST, more, write_examples

        write_examples(formatter, FIRST)
        formatter.write_paragraph()
        formatter.write_text(more())


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from migstream.cli.version import version_line

        click.echo(version_line())
        ctx.exit()


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
    help="Show the version, and whether the loops over guest memory are compiled.",
)  # fmt: skip
def cli() -> None:
    """Read QEMU migration streams: every value by name, every byte with its place.

    STREAM is a file, compressed or not, a save image of libvirt's, a disk with a snapshot, a capture
    of the network, an address, or - for standard input.

    Exit status: 0 clean, 1 findings, 2 wrong usage or no such path, 3 damaged stream, 4 unsupported, 5 input/output error.
    """
