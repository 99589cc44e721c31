"""``p2pctl completion``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.completions import Shell
from p2pctl.cli.framework import command, single
from p2pctl.cli.session import Session

app = single()


@command(app, "completion")
def print_completion(
    ctx: typer.Context,
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", show_default=False, help="bash, zsh or fish.")],
) -> None:
    """Print the completion file for a shell.

        $ p2pctl completion bash > ~/.local/share/bash-completion/completions/p2pctl
        $ p2pctl completion zsh > ~/.zsh/completions/_p2pctl
        $ p2pctl completion fish > ~/.config/fish/completions/p2pctl.fish

    Packages install these files by themselves. zsh looks for them in the directories of $fpath. At TAB no Python runs:
    the shell reads addresses and names from sysfs and configfs itself, below DIR where --sysroot DIR stands before.
    """
    from p2pctl.cli import output  # noqa: PLC0415
    from p2pctl.cli.completions import completion  # noqa: PLC0415  it looks at every command

    session = Session.of(ctx)
    if session.options.output is not None:  # what the environment asks for is no reason to fail in a profile
        session.only("table", "plain")
    output.write_lines(completion(shell).splitlines())
