"""The options of every command that changes the target, declared once, and the arguments that several of them take."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import typer

from p2pctl.cli.framework import SETTINGS, Command

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = "p2pctl.change"
"""Under which they lie in a context's ``meta``."""

DisruptionName = Literal["none", "namespace", "port", "all"]

LockTimeout = Annotated[
    float,
    typer.Option(
        "--lock-timeout", metavar="SECONDS", min=0, max=86400, help="How long to wait for another change to end."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before something is deleted, or hosts lose it.")]
Load = Annotated[
    bool, typer.Option("--load", help="Load the kernel modules that are missing, and mount configfs where it is not.")
]

Assignments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...",
        show_default=False,
        help="Attributes, by the kernel's names without their prefix: any that this kernel lists.",
    ),
]
Nqn = Annotated[str, typer.Argument(metavar="NQN", show_default=False, help="The subsystem's name, exactly.")]
HostNqn = Annotated[str, typer.Argument(metavar="HOSTNQN", show_default=False, help="The host's name, exactly.")]
Nsid = Annotated[
    int, typer.Argument(metavar="NSID", min=1, max=0xFFFFFFFE, show_default=False, help="The namespace's number.")
]
PortName = Annotated[
    str, typer.Argument(metavar="PORT", show_default=False, help="The port's number, or the name of its directory.")
]
NewPort = Annotated[str, typer.Argument(metavar="PORT", show_default=False, help="The port's number, 0..65535.")]

OrUpdate = Annotated[
    bool, typer.Option("--or-update", help="Where it exists already, change it. Otherwise that is an error (exit 2).")
]
IfExists = Annotated[
    bool, typer.Option("--if-exists", help="Where there is none, there is nothing to do. Otherwise an error (exit 3).")
]
Cascade = Annotated[
    bool, typer.Option("--cascade", help="Also delete what is in it, and remove it from whatever uses it.")
]
Enable = Annotated[bool, typer.Option("--enable", help="Enable it, once all else is set.")]


class ChangeOptions(NamedTuple):
    """What they ask for."""

    dry_run: bool = False
    yes: bool = False
    lock_timeout: float = 0.0
    disruption: DisruptionName | None = None
    """None: what the command's own name says."""
    load: bool = False

    @classmethod
    def of(cls, ctx: typer.Context) -> ChangeOptions:
        """Those of a command that is a ``changing`` one."""
        found: ChangeOptions = ctx.meta[OPTIONS]
        return found


def _declared(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing: print the steps as shell lines, or as a document (-o).")
    ] = False,
    yes: Yes = False,
    lock_timeout: LockTimeout = 0.0,
    disruption: Annotated[
        DisruptionName | None,
        typer.Option(
            "--disruption",
            metavar="LEVEL",
            show_default=False,
            help="none, namespace, port or all: the most that hosts may notice. A namespace goes away for a moment; "
            "a port loses its connections; all lose theirs. Without it: what the command's name says, such as disable "
            "or delete, and none for the others.",
        ),
    ] = None,
    load: Load = False,
) -> None:
    """Never called: typer reads the options off it, once for all commands."""


@functools.cache
def change_params() -> tuple[Any, ...]:
    """The options as typer's parameters, one set of objects for the whole tree."""
    app = typer.Typer(add_completion=False)
    app.command()(_declared)
    return tuple(param for param in typer.main.get_command(app).params if param.name in ChangeOptions._fields)


class ChangingCommand(Command):
    """A command that takes them beside its own and the global ones."""

    def __init__(self, *args: Any, params: list[Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, params=[*(params or ()), *change_params()], **kwargs)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parses, and takes the options out of what the function gets."""
        rest = super().parse_args(ctx, args)
        given = {name: ctx.params.pop(name) for name in ChangeOptions._fields}
        ctx.meta[OPTIONS] = ChangeOptions(**given)
        return rest


def changing(app: typer.Typer, name: str) -> Callable[[F], F]:
    """Adds a function as a command that changes the target. As ``framework.command`` for all else."""
    return app.command(name, cls=ChangingCommand, context_settings=SETTINGS)
