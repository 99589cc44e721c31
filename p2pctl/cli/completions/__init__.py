"""Completions for shells, made from the command tree: a hand-written engine in the shell's language, and a table.

At TAB nothing but the shell runs. Names are read from sysfs and configfs, below the directory of ``--sysroot`` where
the line has one; what ``--capture`` and ``--demo`` hold no shell can see, and this host's names would be wrong there.
"""

from __future__ import annotations

from typing import Literal, get_args

Shell = Literal["bash", "zsh", "fish"]
SHELLS: tuple[Shell, ...] = get_args(Shell)

FILES: dict[Shell, str] = {"bash": "p2pctl.bash", "zsh": "_p2pctl", "fish": "p2pctl.fish"}
"""What their files are called in the repository. zsh wants this name, the others look for the program's."""


def completion(shell: Shell) -> str:
    """The whole file for a shell. It imports the module of every command, to know their options."""
    from importlib.resources import files  # noqa: PLC0415

    from p2pctl.cli.command_tree import command_tree  # noqa: PLC0415  it imports every command
    from p2pctl.cli.completions import bash, fish, zsh  # noqa: PLC0415

    engine = (files(__name__) / f"engine.{shell}").read_text(encoding="utf-8")
    emit = {"bash": bash.emit, "zsh": zsh.emit, "fish": fish.emit}[shell]
    return emit(command_tree(), engine)
