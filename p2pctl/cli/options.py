"""The options that every command takes, before and after its name, and the ones that several commands share."""

from __future__ import annotations

import functools
import os
from typing import Annotated, Any, NamedTuple, get_args

import typer

from p2pctl.cli.terminal import ColorChoice
from p2pctl.errors import UsageError
from p2pctl.render.formats import FORMATS, Format

OUTPUT_VARIABLE = "P2PCTL_OUTPUT"


def _named(device: str) -> str:
    """The device argument. Raises UsageError for an empty one, as a shell makes of a variable that is not set."""
    if device == "":  # None while a shell completes
        raise UsageError("DEVICE is empty", hint="p2pctl device list shows what is there")
    return device


Device = Annotated[
    str,
    typer.Argument(
        metavar="DEVICE",
        callback=_named,
        help="PCI address (domain optional), nvme0, /dev/nvme0n1, an interface, an RDMA device or a sysfs path.",
    ),
]
Wake = Annotated[
    bool,
    typer.Option("--wake", help="Wake sleeping devices to read their configuration space."),
]
Holders = Annotated[
    bool,
    typer.Option("--holders", help="Look into every process for who maps the memory."),
]
WithExitCode = Annotated[
    bool,
    typer.Option("--exit-code", help="Exit with 8 if the answer is no, with 9 if it cannot be told."),
]


class Globals(NamedTuple):
    """What the global options ask for, wherever they stood. None and False: not given."""

    demo: bool = False
    capture: str | None = None
    sysroot: str | None = None
    output: Format | None = None
    color: ColorChoice | None = None
    quiet: bool = False
    verbose: int = 0

    @property
    def level(self) -> int:
        """How much to narrate: -1, 0, or the number of -v."""
        return -1 if self.quiet else self.verbose

    def merged(self, later: Globals) -> Globals:
        """These and the ones that stand further right, which win. Raises UsageError where they contradict."""
        for name in ("capture", "sysroot"):
            first, second = getattr(self, name), getattr(later, name)
            if first is not None and second is not None and first != second:
                raise UsageError(f"--{name} is given twice: {first} and {second}", hint="choose one of them")
        merged = Globals(
            demo=self.demo or later.demo,
            capture=self.capture if later.capture is None else later.capture,
            sysroot=self.sysroot if later.sysroot is None else later.sysroot,
            output=later.output or self.output,
            color=later.color or self.color,
            quiet=self.quiet or later.quiet,
            verbose=self.verbose + later.verbose,
        )
        return merged.checked()

    def checked(self) -> Globals:
        """Itself. Raises UsageError for options that exclude each other, or that name nothing."""
        for option, value, what in (("--capture", self.capture, "file"), ("--sysroot", self.sysroot, "directory")):
            # An empty one would otherwise look as if it were not given, and show this host instead of that one.
            if value == "":
                raise UsageError(f"{option} is empty", hint=f"name a {what}, or leave the option out")
        doors = [f"--{name}" for name in ("demo", "capture", "sysroot") if getattr(self, name)]
        if len(doors) > 1:
            raise UsageError(f"{' and '.join(doors)} exclude each other", hint="choose one source of facts")
        if self.quiet and self.verbose:
            raise UsageError("--quiet and --verbose exclude each other", hint="leave one of them out")
        return self


def output_variable() -> Format | None:
    """The format that the environment asks for. Raises UsageError for one that does not exist."""
    text = os.environ.get(OUTPUT_VARIABLE)
    if not text:
        return None
    for form in FORMATS:
        if text == form:
            return form
    raise UsageError(
        f"{OUTPUT_VARIABLE} asks for an unknown output format: {text}", hint=f"formats: {', '.join(FORMATS)}"
    )


def _declared(  # noqa: PLR0917  typer reads parameters, nobody passes them
    demo: Annotated[bool, typer.Option("--demo", help="Work on the built-in demo host.")] = False,
    capture: Annotated[
        list[str] | None, typer.Option("--capture", metavar="FILE", help="Work on a host recorded by p2pctl capture.")
    ] = None,
    sysroot: Annotated[
        list[str] | None,
        typer.Option("--sysroot", metavar="DIR", help="Work on a directory that holds sys/ and proc/."),
    ] = None,
    output: Annotated[
        Format | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FORMAT",
            help=f"{', '.join(get_args(Format))}. Without it: ${OUTPUT_VARIABLE}, else table on a terminal, "
            "plain in a pipe.",
        ),
    ] = None,
    color: Annotated[
        ColorChoice | None,
        typer.Option("--color", metavar="WHEN", help="auto, always or never. NO_COLOR and FORCE_COLOR are heeded."),
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing beside the data but errors.")] = False,
    verbose: Annotated[
        int, typer.Option("-v", "--verbose", count=True, show_default=False, help="Say what is decided and why.")
    ] = 0,
) -> None:
    """Never called: typer reads the global options off it, once for all commands."""


@functools.cache
def shared() -> tuple[Any, ...]:
    """The global options as typer's parameters, one set of objects for the whole tree."""
    app = typer.Typer(add_completion=False)
    app.command()(_declared)
    return tuple(typer.main.get_command(app).params)


def take_globals(params: dict[str, Any]) -> Globals:
    """Removes the global options from the parameters of a command. Raises UsageError where they contradict."""
    given = {name: value for name in Globals._fields if (value := params.pop(name, None))}
    sources = [Globals(**{name: value}) for name in ("capture", "sysroot") for value in given.pop(name, ())]
    merged = Globals(**given).checked()
    for source in sources:
        merged = merged.merged(source)
    return merged
