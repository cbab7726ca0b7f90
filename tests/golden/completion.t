$ migstream completion --help
Usage: migstream completion [OPTIONS] {bash|zsh|fish}

  The script that lets a shell complete verbs, options, and names in files.

  For bash: `eval "$(migstream completion bash)"` in ~/.bashrc, or the script
  itself as a file in ~/.local/share/bash-completion/completions. For zsh the
  same in ~/.zshrc. For fish: `migstream completion fish >
  ~/.config/fish/completions/migstream.fish`.

Options:
  -h, --help  Show this message and exit.

Examples:
  # To source in ~/.bashrc
  $ migstream completion bash > migstream.bash
  # For ~/.config/fish/completions
  $ migstream completion fish > migstream.fish

$ migstream completion fish
function _migstream_completion;
    set -l response (env _MIGSTREAM_COMPLETE=fish_complete COMP_WORDS=(commandline -cp) COMP_CWORD=(commandline -t) migstream);

    for completion in $response;
        set -l metadata (string split "," $completion);

        if test $metadata[1] = "dir";
            __fish_complete_directories $metadata[2];
        else if test $metadata[1] = "file";
            __fish_complete_path $metadata[2];
        else if test $metadata[1] = "plain";
            echo $metadata[2];
        end;
    end;
end;

complete --no-files --command migstream --arguments "(_migstream_completion)";

$ migstream completion tcsh
[stderr]
Usage: migstream completion [OPTIONS] {bash|zsh|fish}
Try 'migstream completion --help' for help.

Error: Invalid value for '{bash|zsh|fish}': 'tcsh' is not one of 'bash', 'zsh', 'fish'.
[exit status 2]

# On a terminal of 80 columns.
$ migstream completion zsh
#compdef migstream
_migstream_completion() {
    local -a answer
    local kind value
    (( ! $+commands[migstream] )) && return 1
    answer=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \
        _MIGSTREAM_COMPLETE=zsh_complete migstream)}")
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
    _migstream_completion "$@"
else
    compdef _migstream_completion migstream
fi
