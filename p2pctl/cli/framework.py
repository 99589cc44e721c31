"""Commands and groups that know the global options, lead their help with examples and load when they are called."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from p2pctl.cli import output
from p2pctl.cli.options import Globals, shared, take_globals
from p2pctl.errors import UsageError

if TYPE_CHECKING:
    _Base = TyperCommand
else:
    _Base = object

GLOBALS = "p2pctl.globals"
"""Under which the merged global options lie in a context's ``meta``, which all contexts of a run share."""

PROMPT = "$ "
"""How a line of examples begins in a docstring."""

F = TypeVar("F", bound=Callable[..., Any])

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 80}


class MissingCommandError(Exception):
    """A group was called without a command; ``help_page`` is what to show."""

    def __init__(self, help_page: str) -> None:
        super().__init__("missing command")
        self.help_page = help_page


class _Shared(_Base):
    """What commands and groups have in common."""

    def __init__(self, *args: Any, params: list[Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, params=[*(params or ()), *shared()], **kwargs)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parses, and moves the global options of this level to where those of all levels come together."""
        rest = super().parse_args(ctx, args)
        for param in self.params:
            value = ctx.params.get(param.name)
            if isinstance(value, float) and not math.isfinite(value):  # which every bound lets through
                option = max(param.opts, key=len)
                raise UsageError(f"{option} is no finite number: {value}", hint="give seconds, such as 0.5")
        before: Globals = ctx.meta.get(GLOBALS, Globals())
        ctx.meta[GLOBALS] = before.merged(take_globals(ctx.params))
        return rest

    def get_help_option(self, ctx: Any) -> Any:
        """Typer's option, but for where the page is written to."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _show_help
        return option

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """The docstring, its examples as they stand."""
        del ctx
        _write_help(formatter, self.help or "")


def _show_help(ctx: Any, param: object, value: bool) -> None:
    del param
    if value and not ctx.resilient_parsing:
        output.write_lines([ctx.get_help()])
        raise typer.Exit


class Command(_Shared, TyperCommand):
    """A command that takes the global options beside its own."""

    instead: str | None = None
    """The option that can stand in place of all arguments."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """The arguments as they are declared, where typer puts some in braces; and what can stand in their place."""
        ways = [[metavar_of(param) for param in self.params if param.param_type_name == "argument"]]
        ways += [[_usage(param)] for param in self.params if self.instead in param.opts]
        for number, words in enumerate(ways):
            prefix = "Usage: " if number == 0 else " " * len("Usage: ")
            formatter.write_usage(ctx.command_path, " ".join(["[OPTIONS]", *words]), prefix)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The command's own options, and that the global ones work here."""
        _write_options(self, ctx, formatter)


class Group(_Shared, TyperGroup):
    """A noun: its commands, and the global options between it and them."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The commands first: they are what one looks for."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(found.help)) for name, found in commands if found and not found.hidden])
        _write_options(self, ctx, formatter)


def _write_help(formatter: Any, text: str) -> None:
    """Paragraphs wrap; one whose lines begin with ``$`` is a list of examples and stands as it is."""
    for paragraph in text.split("\n\n"):
        lines = [line.strip() for line in paragraph.strip().splitlines()]
        formatter.write_paragraph()
        if lines and lines[0].startswith(PROMPT):
            formatter.write("Examples:\n")
            formatter.write("".join(f"  {line.removeprefix(PROMPT)}\n" for line in lines))
        else:
            with formatter.indentation():
                formatter.write_text(" ".join(lines))


def summary(text: str | None) -> str:
    """The first paragraph of a help text, on one line."""
    return " ".join((text or "").partition("\n\n")[0].split())


def metavar_of(param: Any) -> str:
    """What stands for a value on the line of usage: ``NQN``, ``[NSID]``, ``[KEY=VALUE]...``."""
    return str(param.metavar or param.name.upper())


def bare(metavar: str) -> str:
    """An argument's name alone: ``KEY=VALUE``."""
    return re.sub(r"[][]|[.]{3}", "", metavar)


def _usage(option: Any) -> str:
    name = max(option.opts, key=len)
    return name if option.is_flag else f"{name} {metavar_of(option)}"


def _record(param: Any, ctx: Any) -> tuple[str, str] | None:
    """The row of a parameter in a table of them."""
    row: tuple[str, str] | None = param.get_help_record(ctx)
    return row if row is None or param.param_type_name == "option" else (bare(metavar_of(param)), row[1])


def _write_options(command: Command | Group, ctx: Any, formatter: Any) -> None:
    mine = [param for param in command.get_params(ctx) if param not in shared()]
    sections = [
        ("Arguments", [param for param in mine if param.param_type_name == "argument"]),
        ("Options", [param for param in mine if param.param_type_name == "option"]),
    ]
    if ctx.parent is None:
        sections.append(("Global options, before or after a command", list(shared())))
    for title, params in sections:
        rows = [row for param in params if (row := _record(param, ctx))]
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)
    if ctx.parent is not None:
        names = ", ".join(min(param.opts, key=len) for param in shared())
        formatter.write_paragraph()
        formatter.write_text(f"Global options work here too ({names}): see p2pctl -h.")


def noun(help_text: str, cls: type[TyperGroup] = Group) -> typer.Typer:
    """An empty group of commands. Called without one of them, it shows its help and exits with 2."""
    app = typer.Typer(
        cls=cls,
        help=help_text,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        invoke_without_command=True,
        subcommand_metavar="COMMAND ...",
        context_settings=SETTINGS,
    )
    app.callback()(_ask_for_command)
    return app


def _ask_for_command(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        raise MissingCommandError(ctx.get_help())


def single() -> typer.Typer:
    """The place of a command that is no group."""
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def command(
    app: typer.Typer, name: str, help_text: str | None = None, *, instead: str | None = None
) -> Callable[[F], F]:
    """Adds a function as a command. Its docstring is the help: a summary, examples (``$ p2pctl ...``), whatever else.

    Its parameters are the command's own; the global options reach it through ``Session.of(ctx)``. ``help_text`` stands
    in for the docstring where a function is a command under a second name. ``instead`` is the option that can stand in
    place of all arguments, such as ``--all``.
    """
    cls = Command if instead is None else type("Command", (Command,), {"instead": instead})
    return app.command(name, cls=cls, context_settings=SETTINGS, help=help_text)


class LazyCommands(dict[str, Any]):
    """Commands by name, each imported when somebody asks for it: a run pays for one."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        super().__init__(dict.fromkeys(modules))
        self._modules = modules

    def get(self, name: str, default: Any = None) -> Any:
        """The command, built from the ``app`` of its module."""
        return self[name] if name in self._modules else default

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if found is None:
            found = typer.main.get_command(import_module(self._modules[name]).app)
            self[name] = found
        return found
