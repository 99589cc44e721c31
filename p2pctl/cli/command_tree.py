"""The command line as data, for completions and manual pages: commands, options, arguments, and what these name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from p2pctl.cli.app import build
from p2pctl.cli.change_options import change_params
from p2pctl.cli.framework import PROMPT, metavar_of, summary
from p2pctl.cli.options import shared
from p2pctl.cli.subjects import Subject, subject_of


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a command."""

    names: tuple[str, ...]
    """Short ones first."""
    metavar: str | None
    """None for one without a value."""
    help: str
    subject: Subject
    repeatable: bool

    @property
    def takes_value(self) -> bool:
        """Whether the next word belongs to it."""
        return self.metavar is not None


@dataclass(frozen=True, slots=True)
class Argument:
    """A positional argument."""

    metavar: str
    """As the usage line shows it: ``[KEY=VALUE]...``."""
    help: str
    subject: Subject
    repeatable: bool


@dataclass(frozen=True, slots=True)
class Node:
    """A command, or a noun with its commands."""

    path: tuple[str, ...]
    """Without the program's name: ``("pool", "list")``; empty for the program itself."""
    help: str
    arguments: tuple[Argument, ...]
    options: tuple[Option, ...]
    """Its own; without the global ones, those of `changing` commands, and --help."""
    instead: Option | None
    """One of these options, if it can stand in place of all arguments."""
    changing: bool
    """Whether it takes the options of every command that changes the target."""
    commands: tuple[Node, ...]

    @property
    def name(self) -> str:
        """As it is typed: ``p2pctl pool list``."""
        return " ".join(("p2pctl", *self.path))

    @property
    def summary(self) -> str:
        """The first sentence of its help."""
        return summary(self.help)

    @property
    def examples(self) -> tuple[str, ...]:
        """The command lines that its help leads with."""
        return tuple(
            line.removeprefix(PROMPT) for text in self._paragraphs() for line in text if line.startswith(PROMPT)
        )

    @property
    def prose(self) -> tuple[str, ...]:
        """The paragraphs of its help that follow the examples."""
        return tuple(" ".join(text) for text in self._paragraphs()[1:] if not text[0].startswith(PROMPT))

    def _paragraphs(self) -> list[list[str]]:
        return [[line.strip() for line in text.strip().splitlines()] for text in self.help.strip().split("\n\n")]

    def walk(self) -> Iterator[Node]:
        """Itself and everything below, in the order of the help pages."""
        yield self
        for command in self.commands:
            yield from command.walk()


@dataclass(frozen=True, slots=True)
class Tree:
    """The whole command line."""

    root: Node
    shared: tuple[Option, ...]
    """Options that work everywhere, before and after the command; --help among them."""
    changing: tuple[Option, ...]
    """Options of every command that changes the target."""

    def options(self, node: Node) -> tuple[Option, ...]:
        """All options that ``node`` takes."""
        return (*node.options, *(self.changing if node.changing else ()), *self.shared)


_HELP = Option(("-h", "--help"), None, "Show the help of a command.", Subject("text"), repeatable=False)


def command_tree() -> Tree:
    """The command line as it is. It imports the module of every command."""
    return Tree(
        root=_node(build(), ()),
        shared=(*(_option(param, ()) for param in shared()), _HELP),
        changing=tuple(_option(param, ()) for param in change_params()),
    )


def _node(command: Any, path: tuple[str, ...]) -> Node:
    elsewhere = {*shared(), *change_params()}
    mine = [param for param in command.params if param not in elsewhere and not getattr(param, "hidden", False)]
    below = ((name, command.get_command(None, name)) for name in getattr(command, "commands", ()))
    options = tuple(_option(param, path) for param in mine if param.param_type_name == "option")
    return Node(
        path=path,
        help=command.help or "",
        arguments=tuple(_argument(param, path) for param in mine if param.param_type_name == "argument"),
        options=options,
        instead=next((one for one in options if getattr(command, "instead", None) in one.names), None),
        changing=set(change_params()) <= set(command.params),
        commands=tuple(_node(found, (*path, name)) for name, found in below if found and not found.hidden),
    )


def _option(param: Any, path: tuple[str, ...]) -> Option:
    takes_value = not param.is_flag and not param.count
    metavar = metavar_of(param) if takes_value else None
    return Option(
        names=tuple(sorted(param.opts, key=len)),
        metavar=metavar,
        help=param.help,
        subject=subject_of(param, path, metavar) if metavar else Subject("text"),
        repeatable=(param.multiple and param.name not in {"capture", "sysroot"}) or param.count,
    )


def _argument(param: Any, path: tuple[str, ...]) -> Argument:
    metavar = metavar_of(param)
    return Argument(metavar, param.help, subject_of(param, path, metavar), repeatable=param.nargs == -1)
