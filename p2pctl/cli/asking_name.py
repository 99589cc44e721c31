"""Has whoever sits there say the name of what is written to, with all before their eyes that tells it from others."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from p2pctl.cli.agreeing import can_answer
from p2pctl.errors import P2pctlError, UsageError
from p2pctl.render.text import clean, paint

if TYPE_CHECKING:
    from p2pctl.cli.session import Session


def ask_name(session: Session, disk: str, confirmed: str | None, what: str, *, otherwise: str | None = None) -> None:
    """Has whoever sits there type the disk's name. ``otherwise`` is the hint for whoever does not want it.

    Raises UsageError where nobody can type or the name given is another, P2pctlError for a no.
    """
    name = disk.rpartition("/")[2]
    if confirmed is not None:
        if confirmed not in {name, disk}:
            raise UsageError(
                f"--confirm names {confirmed}, and not {disk}", hint=_hints(f"--confirm {name}", otherwise)
            )
        session.narrator.note(f"This {what}.")
        return
    if not can_answer():
        raise UsageError(
            f"this {what}, and there is no terminal to ask at",
            hint=_hints(f"--confirm {name} says yes to it", otherwise),
        )
    session.narrator.note(f"This {what}.")
    sys.stderr.write(paint(f"Type the name of the disk, {clean(name)}, to go on:", color=False) + " ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() not in {name, disk}:
        raise P2pctlError("not confirmed: nothing was written", hint=otherwise or f"type {name} when asked")


def _hints(*hints: str | None) -> str:
    return "; ".join(filter(None, hints))
