"""The table of the fish completion: a case for each command, with its words and what they are for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from p2pctl.cli.command_tree import Node, Option, Tree
from p2pctl.cli.completions.attributes import KINDS, attributes
from p2pctl.cli.completions.bash import HEADER, argument_word, option_words


def emit(tree: Tree, engine: str) -> str:
    """The file for fish."""
    lines = [
        HEADER.format("fish"),
        engine,
        *_table(tree),
        "",
        *_values(),
        "",
        "complete -c p2pctl -f -k -a '(__p2pctl)'",
    ]
    return "\n".join(lines) + "\n"


def _table(tree: Tree) -> Iterator[str]:
    yield "# What can follow the command $argv[1]; fails where there is none. A + stands for: any number of them."
    yield "function __p2pctl_table --no-scope-shadowing"
    yield from _set("shared", _options(tree.shared), 1)
    yield "    set commands"
    yield "    set arguments"
    yield "    set options"
    yield "    switch $argv[1]"
    for node in tree.root.walk():
        yield f"        case {_quoted(' '.join(node.path))}"
        yield from _case(node, tree)
    yield "        case '*'"
    yield "            return 1"
    yield "    end"
    yield "end"


def _case(node: Node, tree: Tree) -> Iterator[str]:
    if node.commands:
        yield from _set("commands", (_told(one.path[-1], one.summary) for one in node.commands), 3)
    if node.arguments:
        yield f"            set arguments {' '.join(map(argument_word, node.arguments))}"
    options = (*node.options, *(tree.changing if node.changing else ()))
    if options:
        yield from _set("options", _options(options), 3)


def _options(options: Iterable[Option]) -> Iterator[str]:
    for option in options:
        for word in option_words([option]):
            yield _told(word, option.help)


def _values() -> Iterator[str]:
    yield "# The keys that objects of a kind have."
    yield "function __p2pctl_keys --no-scope-shadowing"
    yield "    switch $argv[1]"
    for kind in KINDS:
        yield f"        case {kind}"
        yield f"            set keys {' '.join(attributes(kind))}"
    yield "    end"
    yield "end"
    yield ""
    yield "# The values that a key of a kind of object takes; @ stands before a subject."
    yield "function __p2pctl_values --no-scope-shadowing"
    yield "    switch $argv[1]/$argv[2]"
    for kind in KINDS:
        for key, values in attributes(kind).items():
            if values:
                yield f"        case {kind}/{key}"
                yield f"            set values {' '.join(map(_quoted, values))}"
    yield "    end"
    yield "end"


def _set(name: str, words: Iterable[str], depth: int) -> Iterator[str]:
    indent = "    " * depth
    yield f"{indent}set {name} \\"
    lines = [f"{indent}    {word}" for word in words]
    yield " \\\n".join(lines)


def _told(word: str, text: str) -> str:
    return f"{word}\\t{_quoted(text)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
