"""What uses of P2P memory need, each with its list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import get_args

from p2pctl.findings.requirements.gds import gds_requirements
from p2pctl.findings.requirements.nvmet import nvmet_requirements
from p2pctl.findings.requirements.requirement import Requirement, Use
from p2pctl.findings.requirements.rocm import rocm_requirements
from p2pctl.findings.requirements.spdk import spdk_requirements
from p2pctl.findings.scene import Scene
from p2pctl.model.snapshot import Snapshot
from p2pctl.target.port_state import PortState

__all__ = ["USES", "Requirement", "Use", "requirements"]

USES: tuple[Use, ...] = get_args(Use)

_LISTS: dict[Use, Callable[[Scene, Sequence[PortState]], Iterator[Requirement]]] = {
    "nvmet": nvmet_requirements,
    "gds": gds_requirements,
    "rocm": rocm_requirements,
    "spdk": spdk_requirements,
}


def requirements(snapshot: Snapshot, use: Use, states: Sequence[PortState] = ()) -> tuple[Requirement, ...]:
    """The list of a use, from the ground up. ``states`` are those of the target's ports."""
    return tuple(_LISTS[use](Scene(snapshot), states))
