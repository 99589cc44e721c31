"""What a change makes of P2P memory by each port, said before it is made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from p2pctl.model.nvmet import ROOT
from p2pctl.render.becoming import becoming

if TYPE_CHECKING:
    from p2pctl.cli.proposing import Proposed
    from p2pctl.cli.session import Session
    from p2pctl.model.nvmet import Nvmet
    from p2pctl.target.port_state import PortState

_PORTS = f"{ROOT}/ports/"


def outcomes(session: Session, shown: Proposed, *, off: bool = True) -> tuple[PortState, ...]:
    """What becomes another, but for namespaces of which all is told already. Raises P2pctlError.

    Without ``off`` none for namespaces that are to have no P2P memory.
    """
    if not shown.plan.steps:
        return ()
    from p2pctl.target.port_state import PARTS, port_states  # noqa: PLC0415  most changes have no use for it

    parts = PARTS - {"log", "connections"}
    snapshot = session.snapshot(parts) if shown.snapshot is None else session.extended(shown.snapshot, parts)

    def states(nvmet: Nvmet) -> tuple[PortState, ...]:
        followed = session.device_links(replace(snapshot, nvmet=nvmet))
        return port_states(snapshot, nvmet=nvmet, observed=False, followed=followed)

    told = {(item["subsystem"], item["nsid"]) for item in shown.p2pmem}
    fresh = (one for one in states(shown.wanted) if (one.subsystem, one.nsid) not in told)
    return tuple(becoming(states(shown.live), (one for one in fresh if off or one.predicted != "off")))


def exports(shown: Proposed) -> bool:
    """Whether a port is to serve what it did not."""
    return any(step.operation == "symlink" and step.path.startswith(_PORTS) for step in shown.plan.steps)
