"""Completions for bash, zsh and fish, written from the definitions of the commands."""

from collections.abc import Iterator, Mapping

from mirtool.cli.command import Command, Entry
from mirtool.cli.options import Option

TOP = ("--help", "--version")

# `evaluate sync` must not be taken for `sync`: the words are compared from the beginning.
_FISH = """
function __mirtool_called
    set -l words (commandline -opc)
    test (count $words) -gt (count $argv); or return 1
    for place in (seq (count $argv))
        test "$words[(math $place + 1)]" = "$argv[$place]"; or return 1
    end
end
""".splitlines()


def bash(entries: Mapping[str, Entry]) -> str:
    """Return the script for bash."""
    cases = []
    for words, command in _commands(entries):
        flags = " ".join(flag for option in command.options for flag in option.flags)
        cases.append(f'        "{" ".join(words)}") flags="{flags}" ;;')
    kinds = [
        f'        {name}) kinds="{" ".join(entry.commands)}" ;;'
        for name, entry in entries.items()
        if entry.single is None
    ]
    choices = [
        f'        "{" ".join(words)} {flag}") words="{" ".join(option.choices)}" ;;'
        for words, command in _commands(entries)
        for option in command.options
        if option.choices
        for flag in option.flags
    ]
    return "\n".join(
        [
            "# bash completion of mirtool; written by `make docs`",
            "_mirtool() {",
            '    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"',
            '    local name="${COMP_WORDS[1]}" kinds="" flags="" words="" path',
            "    if ((COMP_CWORD == 1)); then",
            f'        COMPREPLY=($(compgen -W "{" ".join([*entries, *TOP])}" -- "$cur"))',
            "        return",
            "    fi",
            '    case "$name" in',
            *kinds,
            "        *) ;;",
            "    esac",
            '    if [[ -n "$kinds" ]] && ((COMP_CWORD == 2)); then',
            '        COMPREPLY=($(compgen -W "$kinds --help" -- "$cur"))',
            "        return",
            "    fi",
            '    path="$name${kinds:+ ${COMP_WORDS[2]}}"',
            '    case "$path $prev" in',
            *choices,
            "        *) ;;",
            "    esac",
            '    if [[ -n "$words" ]]; then',
            '        COMPREPLY=($(compgen -W "$words" -- "$cur"))',
            "        return",
            "    fi",
            '    case "$path" in',
            *cases,
            "        *) ;;",
            "    esac",
            '    if [[ "$cur" == -* ]]; then',
            '        COMPREPLY=($(compgen -W "$flags" -- "$cur"))',
            "    fi",
            "}",
            "complete -o bashdefault -o default -F _mirtool mirtool",
            "",
        ]
    )


def zsh(entries: Mapping[str, Entry]) -> str:
    """Return the function for zsh."""
    lines = ["#compdef mirtool", "# zsh completion of mirtool; written by `make docs`", "", "_mirtool() {"]
    lines += [
        "  local context state line",
        "  typeset -A opt_args",
        "  if ((CURRENT == 2)); then",
        "    local -a commands",
    ]
    lines += [
        "    commands=(",
        *(f"      {_zsh_pair(name, entry.summary)}" for name, entry in entries.items()),
        "    )",
    ]
    lines += [
        "    _describe command commands",
        "    return",
        "  fi",
        "  shift words; ((CURRENT--))",
        "  case $words[1] in",
    ]
    for name, entry in entries.items():
        lines.append(f"    ({name})")
        if entry.single is not None:
            lines += _zsh_arguments(entry.single, "      ")
        else:
            pairs = " ".join(_zsh_pair(kind, command.summary) for kind, command in entry.commands.items())
            lines += ["      if ((CURRENT == 2)); then", f"        local -a kinds; kinds=({pairs})"]
            lines += ["        _describe kind kinds", "        return", "      fi", "      shift words; ((CURRENT--))"]
            lines.append("      case $words[1] in")
            for kind, command in entry.commands.items():
                lines += [f"        ({kind})", *_zsh_arguments(command, "          "), "          ;;"]
            lines.append("      esac")
        lines.append("      ;;")
    return "\n".join([*lines, "  esac", "}", "", '_mirtool "$@"', ""])


def fish(entries: Mapping[str, Entry]) -> str:
    """Return the script for fish."""
    lines = ["# fish completion of mirtool; written by `make docs`", *_FISH]
    for name, entry in entries.items():
        lines.append(f"complete -c mirtool -n __fish_use_subcommand -f -a {name} -d {_single(entry.summary)}")
    lines.append("complete -c mirtool -n __fish_use_subcommand -l help -l version")
    for words, command in _commands(entries):
        where = f"__mirtool_called {' '.join(words)}"
        if len(words) == 2:
            first = f"__mirtool_called {words[0]}; and test (count (commandline -opc)) -eq 2"
            lines.append(f"complete -c mirtool -n '{first}' -f -a {words[1]} -d {_single(command.summary)}")
        for option in command.options:
            lines.append(f"complete -c mirtool -n '{where}' {_fish_option(option)}")
    return "\n".join([*lines, ""])


def _commands(entries: Mapping[str, Entry]) -> Iterator[tuple[tuple[str, ...], Command]]:
    for entry in entries.values():
        for command in entry.commands.values():
            yield command.path, command


def _zsh_arguments(command: Command, indent: str) -> Iterator[str]:
    yield f"{indent}_arguments -s -S \\"
    for option in command.options:
        text = option.help.rstrip(".").replace("[", r"\[").replace("]", r"\]").replace(":", r"\:")
        value = ""
        if not option.is_switch:
            action = f"({' '.join(option.choices)})" if option.choices else "_files" if option.takes_files else ""
            value = f":{option.placeholder.replace(':', '')}:{action}"
        many = "*" if option.repeat else ""
        for flag in option.flags:
            yield f"{indent}  {_single(f'{many}{flag}[{text}]{value}')} \\"
    yield f"{indent}  '*:input:_files'"


def _zsh_pair(name: str, summary: str) -> str:
    return _single(f"{name}:{summary.replace(':', ' -')}")


def _fish_option(option: Option) -> str:
    words = [f"-s {option.short[1:]}"] if option.short else []
    words.append(f"-l {option.flag[2:]}")
    if not option.is_switch:
        words.append(
            "-r" if option.takes_files else f"-x -a {_single(' '.join(option.choices))}" if option.choices else "-x"
        )
    return " ".join([*words, f"-d {_single(option.help.rstrip('.'))}"])


def _single(text: str) -> str:
    """Quote for a shell."""
    return "'" + text.replace("'", "'\\''") + "'"
