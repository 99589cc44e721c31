"""The table of the zsh completion: for each command what _describe and _arguments take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from p2pctl.cli.command_tree import Argument, Node, Option, Tree
from p2pctl.cli.completions.bash import HEADER, key_functions
from p2pctl.cli.subjects import Subject

_END = """\
if [[ $funcstack[1] == _p2pctl ]]; then
    _p2pctl "$@"
else
    compdef _p2pctl p2pctl
fi
"""
"""Called where zsh loads the file at the first TAB, registered where somebody sources it."""


def emit(tree: Tree, engine: str) -> str:
    """The file for zsh."""
    lines = ["#compdef p2pctl", HEADER.format("zsh"), engine, *_table(tree), "", *key_functions(_quoted), "", _END]
    return "\n".join(lines)


def _table(tree: Tree) -> Iterator[str]:
    yield "# What can follow the command $1: commands, or options and arguments. Fails where there is none."
    yield "_p2pctl_table() {"
    yield from _array("local -a shared=(", (spec for one in tree.shared for spec in _option(one)), 1)
    yield from _array("local -a changing=(", (spec for one in tree.changing for spec in _option(one)), 1)
    yield "    below=() specs=($shared)"
    yield "    case $1 in"
    for node in tree.root.walk():
        yield f"    {_quoted(' '.join(node.path))})"
        yield from _case(node)
        yield "        ;;"
    yield "    *) return 1 ;;"
    yield "    esac"
    yield "}"


def _case(node: Node) -> Iterator[str]:
    if node.commands:
        yield from _array("below=(", (f"{one.path[-1]}:{one.summary}" for one in node.commands), 2)
    if node.changing:
        yield "        specs+=($changing)"
    specs = [spec for one in node.options for spec in _option(one)]
    specs += [_argument(one, place) for place, one in enumerate(node.arguments, 1)]
    if specs:
        yield from _array("specs+=(", specs, 2)


def _option(option: Option) -> Iterator[str]:
    """One spec for each of its names, which exclude each other."""
    first = "*" if option.repeatable else f"({' '.join(option.names)})" if len(option.names) > 1 else ""
    value = f":{_label(option.metavar or '')}:{_action(option.subject, option.metavar or '')}"
    for name in option.names:
        behind = "" if not option.takes_value else "=" if name.startswith("--") else "+"
        yield f"{first}{name}{behind}[{_escaped(option.help)}]{value if option.takes_value else ''}"


def _argument(argument: Argument, place: int) -> str:
    where = "*" if argument.repeatable else str(place)
    return f"{where}:{_label(argument.metavar)}:{_action(argument.subject, argument.metavar)}"


def _action(subject: Subject, metavar: str) -> str:
    match subject.kind:
        case "choice":
            return f"({' '.join(map(_escaped, subject.words))})"
        case "attributes":
            return f" _p2pctl_attributes {subject.words[0]}"
        case "file":
            return "_files"
        case "directory":
            return "_files -/"
        case "text":
            return ""
    return f" _p2pctl_subject {subject.kind} {_label(metavar)}"


def _label(metavar: str) -> str:
    """What stands above a list of candidates: one word."""
    return re.sub(r"[^a-z=-]+", "-", metavar.strip("[].").lower())


def _escaped(text: str) -> str:
    return re.sub(r"([][:\\])", r"\\\1", text)


def _array(begin: str, words: Iterable[str], depth: int) -> Iterator[str]:
    yield f"{'    ' * depth}{begin}"
    for word in words:
        yield f"{'    ' * (depth + 1)}{_quoted(word)}"
    yield f"{'    ' * depth})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
