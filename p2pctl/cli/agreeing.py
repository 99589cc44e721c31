"""Asking before hosts lose something: what will vanish, what they will notice, and who they are."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from p2pctl.cli.terminal import is_terminal
from p2pctl.errors import P2pctlError, UsageError
from p2pctl.model.nvmet import ROOT
from p2pctl.target.plan import Disruption

if TYPE_CHECKING:
    from p2pctl.cli.proposing import Proposed
    from p2pctl.cli.session import Session
    from p2pctl.model.connections import Controller
    from p2pctl.model.nvmet import Nvmet
    from p2pctl.target.plan import Plan, Step

_MOST = 20
"""Vanishing objects, and hosts, that a question lists."""

_NOTICED = {
    Disruption.NAMESPACE: "a namespace goes away for the hosts that use it",
    Disruption.PORT: "hosts lose their connection",
    Disruption.ALL: "every host loses the subsystem",
}


def can_answer() -> bool:
    """Whether somebody sits there to answer."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def agree(session: Session, proposed: Proposed, *, yes: bool, allowed: bool) -> None:
    """Asks before objects are deleted and, at a terminal, before hosts notice anything that nobody has allowed by name.

    ``allowed`` says that --disruption did. Raises UsageError where something is deleted and nobody can answer,
    P2pctlError for a no.
    """
    deleted = [one.subject for one in proposed.objects if one.event == "deleted"]
    worst = proposed.plan.disruption
    asks = bool(deleted) or (worst > Disruption.NONE and not allowed and can_answer())
    if yes or not asks:
        return
    vanishing = proposed.plan.vanishing
    more = f" and {len(vanishing) - 1} more" if len(vanishing) > 1 else ""
    if not can_answer():
        raise UsageError(
            f"this deletes {deleted[0]}{more}, and there is no terminal to ask at",
            hint="--yes deletes without asking; --dry-run shows what would be done",
        )
    if more:
        session.narrator.details(_listed(vanishing))
    if worst > Disruption.NONE:
        session.narrator.details(noticed(session, proposed.live, proposed.plan))
    question = "go on?"
    if deleted:
        question = "delete all of these?" if more else f"delete {deleted[0]}?"
    if not session.narrator.ask(question):
        raise P2pctlError("not confirmed: nothing was changed", hint="--yes does it without asking")


def _listed(names: Collection[str]) -> Iterator[str]:
    yield from list(names)[:_MOST]
    if len(names) > _MOST:
        yield f"and {len(names) - _MOST} more"


def noticed(session: Session, live: Nvmet, plan: Plan) -> Iterator[str]:
    """What hosts will notice, and which hosts that are, as far as the kernel shows them."""
    worst = max(plan.steps, key=lambda step: step.disruption)
    yield f"{worst.subject}: {_NOTICED[worst.disruption]}"
    shown = session.snapshot({"connections"}).connections
    if shown is None or shown.debugfs is not True:
        yield "hosts may be connected: this kernel does not show them (nvmet's debugfs)"
        return
    hosts = dict.fromkeys(
        f"{one.host} is connected to {one.subsystem}" for one in connected(shown.controllers, live, plan.steps)
    )
    yield from _listed(hosts) if hosts else ["no host is connected to it"]


def connected(controllers: Collection[Controller], live: Nvmet, steps: Collection[Step]) -> Iterator[Controller]:
    """Those that notice the steps: of a subsystem that is touched, or come in by a port that is."""
    touched = [_place(step.path, live) for step in steps if step.disruption > Disruption.NONE]
    for one in controllers:
        if any(nqn in {None, one.subsystem} and port in {None, one.port} for nqn, port in touched):
            yield one


def _place(path: str, live: Nvmet) -> tuple[str | None, str | None]:
    """The subsystem and the port's number that a path is about; None for any."""
    group, _, rest = path.removeprefix(f"{ROOT}/").partition("/")
    name, _, below = rest.partition("/")
    if group == "subsystems":
        return name, None
    if group != "ports":
        return None, None
    port = live.ports.get(name)
    number = None if port is None or port.number is None else str(port.number)
    return (below.removeprefix("subsystems/") if below.startswith("subsystems/") else None), number
