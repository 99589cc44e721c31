"""The whole command line, and how a run of it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from p2pctl import __version__
from p2pctl.cli import output
from p2pctl.cli.failures import report_failure
from p2pctl.cli.framework import Group, LazyCommands, MissingCommandError, noun
from p2pctl.errors import ExitCode

MODULES = {
    "status": "p2pctl.cli.status",
    "pool": "p2pctl.cli.pool",
    "device": "p2pctl.cli.device",
    "topology": "p2pctl.cli.topology",
    "acs": "p2pctl.cli.acs",
    "matrix": "p2pctl.cli.matrix",
    "explain": "p2pctl.cli.explain",
    "providers": "p2pctl.cli.providers",
    "rules": "p2pctl.cli.rules",
    "place": "p2pctl.cli.place",
    "doctor": "p2pctl.cli.doctor",
    "target": "p2pctl.cli.target",
    "subsystem": "p2pctl.cli.subsystem",
    "namespace": "p2pctl.cli.namespace",
    "port": "p2pctl.cli.port",
    "host": "p2pctl.cli.host",
    "referral": "p2pctl.cli.referral",
    "connection": "p2pctl.cli.connection",
    "export": "p2pctl.cli.export",
    "validate": "p2pctl.cli.validate",
    "diff": "p2pctl.cli.diff",
    "apply": "p2pctl.cli.apply",
    "recover": "p2pctl.cli.recover",
    "confirm": "p2pctl.cli.confirm",
    "clear": "p2pctl.cli.clear",
    "dashboard": "p2pctl.cli.dashboard",
    "top": "p2pctl.cli.top",
    "monitor": "p2pctl.cli.monitor",
    "verify": "p2pctl.cli.verify",
    "bench": "p2pctl.cli.bench",
    "capture": "p2pctl.cli.capture",
    "metrics": "p2pctl.cli.metrics",
    "completion": "p2pctl.cli.completion",
}
"""Commands and the modules whose ``app`` they are, in the order of the help page."""

_HELP = """
PCI peer-to-peer DMA memory: see it, explain it, put it to use.

  $ p2pctl status                           one page about this host
  $ p2pctl pool list                        P2P memory and who holds it
  $ p2pctl --demo topology                  a host to try things on
  $ p2pctl capture host.tar.gz              record this host...
  $ p2pctl --capture host.tar.gz status     ...and look at it elsewhere
"""


class _Root(Group):
    """The commands of p2pctl, none of them imported yet."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.commands = LazyCommands(MODULES)

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of the help page."""
        del ctx
        return list(MODULES)


def _print_version(wanted: bool) -> None:
    if wanted:
        output.write_lines([f"p2pctl {__version__}"])
        raise typer.Exit


def build() -> Any:
    """The command tree."""
    app = noun(_HELP, _Root)

    @app.callback()
    def p2pctl(
        ctx: typer.Context,
        version: Annotated[  # noqa: ARG001
            bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
        ] = False,
    ) -> None:
        if ctx.invoked_subcommand is None:
            raise MissingCommandError(ctx.get_help())

    return typer.main.get_command(app)


def run(argv: Sequence[str]) -> int:
    """Runs a command line and returns its exit code. Only KeyboardInterrupt escapes."""
    try:
        code = _invoke(argv)
        output.flush()
    except output.ReaderGoneError:
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001  whatever it is, the user gets a line and not a traceback
        return report_failure(error, argv)
    return code


def _invoke(argv: Sequence[str]) -> int:
    """Not typer's own ``main``: that one prints errors in its style and takes every EPIPE for one of stdout."""
    try:
        with build().make_context("p2pctl", list(argv)) as ctx:
            ctx.command.invoke(ctx)
    except typer.Exit as ended:
        return ended.exit_code
    return ExitCode.OK
