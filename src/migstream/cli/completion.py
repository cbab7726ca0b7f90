"""`migstream completion`."""

from __future__ import annotations

import click

from migstream.cli.common import Verb, guarded
from migstream.cli.printing import say
from migstream.cli.shells import SHELLS, script

__all__ = ["command"]


@click.command("completion", cls=Verb)
@click.argument("shell", type=click.Choice([*SHELLS]))
def command(shell: str) -> None:
    """The script that lets a shell complete verbs, options, and names in files.

    For bash: `eval "$(migstream completion bash)"` in ~/.bashrc, or the script itself as a file in
    ~/.local/share/bash-completion/completions. For zsh the same in ~/.zshrc. For fish:
    `migstream completion fish > ~/.config/fish/completions/migstream.fish`.
    """
    guarded(lambda: say(script(shell).rstrip()), "completion")
