"""The table of the bash completion: a case for each command, with its words as arrays."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator

from p2pctl.cli.command_tree import Argument, Node, Option, Tree
from p2pctl.cli.completions.attributes import KINDS, attributes
from p2pctl.cli.subjects import Subject

HEADER = """\
# Completion of p2pctl for {}. Made by scripts/generate from the command line itself: do not edit.
"""


def emit(tree: Tree, engine: str) -> str:
    """The file for bash."""
    lines = [
        HEADER.format("bash"),
        engine,
        *_table(tree),
        "",
        *key_functions(shlex.quote),
        "",
        "complete -o nosort -F _p2pctl p2pctl",
    ]
    return "\n".join(lines) + "\n"


def subject_word(subject: Subject) -> str:
    """A subject as the engines of bash and fish take it: ``port``, ``choice:owned,all``, ``attributes:port``."""
    return ":".join((subject.kind, ",".join(subject.words))) if subject.words else subject.kind


def option_words(options: Iterable[Option]) -> Iterator[str]:
    """Options as the engines take them: ``--wake``, ``--link=subsystem+`` for one that may be repeated."""
    for option in options:
        value = f"={subject_word(option.subject)}" if option.takes_value else ""
        for name in option.names:
            yield f"{name}{value}{'+' if option.repeatable else ''}"


def argument_word(argument: Argument) -> str:
    """An argument as the engines take it: ``subsystem``, ``attributes:port+``."""
    return f"{subject_word(argument.subject)}{'+' if argument.repeatable else ''}"


def key_functions(quoted: Callable[[str], str]) -> Iterator[str]:
    """The functions that tell what KEY=VALUE can be, for zsh too: only how it quotes a value differs."""
    yield "# The keys that objects of a kind have."
    yield "_p2pctl_keys() {"
    yield "    case $1 in"
    for kind in KINDS:
        yield f"    {kind}) keys=({' '.join(attributes(kind))}) ;;"
    yield "    esac"
    yield "}"
    yield ""
    yield "# The values that a key of a kind of object takes; @ stands before a subject."
    yield "_p2pctl_values() {"
    yield "    case $1/$2 in"
    for kind in KINDS:
        for key, values in attributes(kind).items():
            if values:
                yield f"    {kind}/{key}) values=({' '.join(map(quoted, values))}) ;;"
    yield "    esac"
    yield "}"


def _table(tree: Tree) -> Iterator[str]:
    yield "# What can follow the command $1; fails where there is none. A + stands for: any number of them."
    yield "_p2pctl_table() {"
    yield f"    shared=({_array(option_words(tree.shared))})"
    yield f"    local changing=({_array(option_words(tree.changing))})"
    yield "    commands=() arguments=() options=()"
    yield "    case $1 in"
    for node in tree.root.walk():
        yield f"    {shlex.quote(' '.join(node.path))}) {_case(node)}"
    yield "    *) return 1 ;;"
    yield "    esac"
    yield "}"


def _case(node: Node) -> str:
    parts = []
    if node.commands:
        parts.append(f"commands=({_array(one.path[-1] for one in node.commands)})")
    if node.arguments:
        parts.append(f"arguments=({_array(map(argument_word, node.arguments))})")
    options = [*map(shlex.quote, option_words(node.options)), *(['"${changing[@]}"'] if node.changing else [])]
    if options:
        parts.append(f"options=({' '.join(options)})")
    return "".join(f"{part} " for part in parts) + ";;"


def _array(words: Iterable[str]) -> str:
    return " ".join(map(shlex.quote, words))
