"""The page of a command, or of a noun with its commands: what the code knows, around what a person has written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from p2pctl.cli.command_tree import Argument, Node, Option, Tree
from p2pctl.cli.framework import bare
from scripts.generators.manual import mdoc

_ORDER = (
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "COMMANDS",
    "OPTIONS",
    "KEYS",
    "FINDINGS",
    "METRICS",
    "ENVIRONMENT",
    "FILES",
    "EXIT STATUS",
    "EXAMPLES",
    "DIAGNOSTICS",
    "SEE ALSO",
    "CAVEATS",
    "SECURITY CONSIDERATIONS",
)
"""Of sections, as mdoc(7) has it; the pages' own ones stand where they are looked for."""

_USAGE = re.compile(r"(?:\[([^]]*)]|([^][ .]+))(\.{3})?")
"""Arguments as a usage line has them: ``NQN``, ``[NSID]``, ``[KEY=VALUE]...``."""


def command_page(node: Node, names: Iterable[str], source: str) -> str:
    """The body of a page. ``names`` are those that it is found under; sections of ``source`` win over made ones."""
    written = mdoc.sections(source)
    made = {
        "NAME": [*_names(names), f".Nd {mdoc.arguments(_description(node))}"],
        "SYNOPSIS": [line for one in _commands(node) for line in _synopsis(one)],
        "DESCRIPTION": [line for words in (node.summary, *node.prose) for line in (".Pp", *mdoc.paragraph(words))][1:],
        "OPTIONS": list(_options(node)),
        "EXIT STATUS": ["The codes are those of", ".Xr p2pctl 8 ."],
        "EXAMPLES": list(mdoc.literal(dict.fromkeys(line for one in _commands(node) for line in one.examples))),
        "SEE ALSO": [".Xr p2pctl 8"],
    }
    if node.commands:
        made["COMMANDS"] = list(_explained(node))
    chosen = {**made, **written}
    unknown = set(chosen) - set(_ORDER)
    if unknown:
        raise LookupError(f"{node.name}: sections without a place: {', '.join(sorted(unknown))}")
    return "".join(f".Sh {title}\n" + "\n".join(chosen[title]) + "\n" for title in _ORDER if chosen.get(title))


def index(tree: Tree) -> Iterator[str]:
    """All commands with their pages."""
    yield ".Bl -tag -width Ds"
    for node in tree.root.commands:
        yield f".It Xr p2pctl-{node.name.split()[1]} 8"
        yield from mdoc.paragraph(node.summary)
    yield ".El"


def option_list(options: Iterable[Option]) -> Iterator[str]:
    """Options, explained."""
    yield ".Bl -tag -width Ds"
    for option in options:
        yield from _option(option)
    yield ".El"


def _commands(node: Node) -> tuple[Node, ...]:
    return node.commands or (node,)


def _names(names: Iterable[str]) -> Iterator[str]:
    listed = list(names)
    for place, name in enumerate(listed, 1):
        yield f".Nm {name}{' ,' if place < len(listed) else ''}"


def _description(node: Node) -> str:
    """The summary as the line of a page's NAME: no sentence."""
    line = node.summary.removesuffix(".")
    return line if line[1:2].isupper() or line[1:2].isdigit() else line[0].lower() + line[1:]


def _synopsis(node: Node) -> Iterator[str]:
    instead = [[f".{_flag(node.instead)}"]] if node.instead else []
    for words in ([*_positional(node)], *instead):
        yield ".Nm p2pctl"
        yield f".Cm {' '.join(node.path)}"
        yield from (f".Op {_flag(option)}" for option in node.options if option != node.instead)
        if node.changing:
            yield ".Op Ar change-options"
        yield from words


def _flag(option: Option) -> str:
    value = f" Ar {option.metavar}" if option.takes_value else ""
    repeated = " ..." if option.repeatable and option.takes_value else ""
    return f"Fl {min(option.names, key=len)[1:]}{value}{repeated}"


def _positional(node: Node) -> Iterator[str]:
    for optional, plain, more in _USAGE.findall(" ".join(one.metavar for one in node.arguments)):
        repeated = " ..." if more else ""
        yield f".Op Ar {optional}{repeated}" if optional else f".Ar {plain}{repeated}"


def _explained(node: Node) -> Iterator[str]:
    yield ".Bl -tag -width Ds"
    for one in node.commands:
        yield f".It Cm {one.path[-1]}"
        for place, words in enumerate((one.summary, *one.prose)):
            yield from [".Pp"] if place else []
            yield from mdoc.paragraph(words)
    yield ".El"


def _options(node: Node) -> Iterator[str]:
    """Arguments and options of all commands of the page, each once; ones that differ under one name say where."""
    found: dict[tuple[str, str], tuple[Argument | Option, list[str]]] = {}
    for command in _commands(node):
        words: tuple[Argument | Option, ...] = (*command.arguments, *command.options)
        for one in words:
            title = bare(one.metavar) if isinstance(one, Argument) else one.names[-1]
            found.setdefault((title, one.help), (one, []))[1].append(command.path[-1])
    titles = [title for title, _ in found]
    both = sorted(found.items(), key=lambda entry: isinstance(entry[1][0], Option))
    if both:
        yield ".Bl -tag -width Ds"
        for (title, _), (one, where) in both:
            only = f"({', '.join(where)})" if titles.count(title) > 1 else ""
            yield from _argument(one, only) if isinstance(one, Argument) else _option(one, only)
        yield ".El"
    if any(command.changing for command in _commands(node)):
        yield ".Pp"
        yield "The"
        yield ".Ar change-options"
        yield "and the global options, which stand before or after the command, are those of"
    else:
        yield ".Pp"
        yield "Global options, which stand before or after the command, are those of"
    yield ".Xr p2pctl 8 ."


def _argument(argument: Argument, only: str) -> Iterator[str]:
    yield f".It Ar {bare(argument.metavar)}{f' Pq {only[1:-1]}' if only else ''}"
    yield from mdoc.paragraph(argument.help)


def _option(option: Option, only: str = "") -> Iterator[str]:
    value = f" Ar {option.metavar}" if option.takes_value else ""
    names = " , ".join(f"Fl {name[1:]}{value if place == len(option.names) else ''}"
                       for place, name in enumerate(option.names, 1))  # fmt: skip
    yield f".It {names}{f' Pq {only[1:-1]}' if only else ''}"
    yield from mdoc.paragraph(option.help)
