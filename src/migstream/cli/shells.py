"""Completion in bash, zsh and fish: as click has it, and where it can be gone on, with no space behind it.

bash takes `0000:00:03.0/e1000` for five words and wants back what follows the last colon alone.
"""

from __future__ import annotations

import os

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

__all__ = ["SHELLS", "VARIABLE", "install", "script"]

VARIABLE = "_MIGSTREAM_COMPLETE"

# `more`: a path that can go on, so no space is put behind it.
SOURCE = """\
%(complete_func)s() {
    local answer kind value
    answer=$(COMP_LINE=$COMP_LINE COMP_POINT=$COMP_POINT COMP_WORDBREAKS=$COMP_WORDBREAKS \\
        %(complete_var)s=bash_complete "$1")
    COMPREPLY=()
    while IFS=, read -r kind value; do
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
            more) COMPREPLY+=("$value"); compopt -o nospace ;;
        esac
    done <<< "$answer"
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""
ZSH = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local -a answer
    local kind value
    (( ! $+commands[%(prog_name)s] )) && return 1
    answer=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \\
        %(complete_var)s=zsh_complete %(prog_name)s)}")
    for kind value in "${answer[@]}"; do
        case $kind in
            dir) _path_files -/ ;;
            file) _path_files -f ;;
            plain) compadd -U -V unsorted -- "$value" ;;
            more) compadd -U -V unsorted -S '' -- "$value" ;;
        esac
    done
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""


class Bash(BashComplete):
    """Reads the line itself rather than the words that bash made of it."""

    source_template = SOURCE

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor without the command, and the one that is being written."""
        whole = os.environb.get(b"COMP_LINE", b"")
        point = int(os.environ.get("COMP_POINT") or len(whole))
        line = os.fsdecode(whole[:point])
        words = split_arg_string(line)
        begun = words.pop() if words and not line[-1:].isspace() else ""
        return words[1:], begun

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """The completions, each without what bash keeps of the word as it is."""
        breaks = os.environ.get("COMP_WORDBREAKS", "")
        kept = max((incomplete.rfind(one) + 1 for one in breaks), default=0)
        found = super().get_completions(args, incomplete)
        for item in found:
            if item.type == "plain":
                item.value = item.value[kept:]
        return found

    def format_completion(self, item: CompletionItem) -> str:
        return f"{'more' if item.more else item.type},{item.value}"


class Zsh(ZshComplete):
    """A kind and a value for each, a line each."""

    source_template = ZSH

    def format_completion(self, item: CompletionItem) -> str:
        return f"{'more' if item.more else item.type}\n{item.value}"


SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": FishComplete}


def install() -> None:
    """Let these classes serve their shells."""
    for name, shell in SHELLS.items():
        add_completion_class(shell, name)


def script(shell: str) -> str:
    """What a shell reads to complete from then on."""
    from migstream.cli.group import cli

    return SHELLS[shell](cli, {}, "migstream", VARIABLE).source()
