"""What a plan is judged by, and what is found to stand against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from p2pctl.model.backing import Backing
from p2pctl.model.network import Network
from p2pctl.model.nvmet import Attributes, Nvmet, Subsystem, TargetNamespace
from p2pctl.model.rdma import Rdma
from p2pctl.model.snapshot import Snapshot
from p2pctl.target import paths
from p2pctl.target.plan import Plan
from p2pctl.target.schema import same
from p2pctl.target.wishes import Wishes

SHOWN = 3
"""Reasons that fit into one line."""

Answer = Literal["no", "unknown"]


class Problem(NamedTuple):
    """One thing that stands against a plan."""

    code: str
    subject: str
    text: str
    hint: str | None = None
    answer: Answer = "no"
    waitable: bool = False
    """Whether it may go away by itself: a device or an address that appears."""
    foreseen: bool = False
    """Whether it is told from what the host has now: what is waited for may change it."""


class Facts(NamedTuple):
    """What a plan is judged by. Parts that were not read are not judged."""

    live: Nvmet
    wanted: Nvmet
    plan: Plan
    wishes: Wishes = Wishes()
    backings: Mapping[str, Backing] = {}
    network: Network | None = None
    rdma: Rdma | None = None
    snapshot: Snapshot | None = None
    """With the parts that port states take."""

    @property
    def followed(self) -> Mapping[str, str]:
        """Paths, and where they lead."""
        return {path: one.real for path, one in self.backings.items() if isinstance(one.real, str)}


def is_on(attributes: Attributes, file: str = "enable") -> bool:
    """Whether a switch is on; a value that is not known is not."""
    value = attributes.get(file)
    return isinstance(value, str) and same("namespace", "enable", "1", value)


def device_of(attributes: Attributes) -> str | None:
    """The path that it is served from; None without any."""
    value = attributes.get("device_path")
    return value if isinstance(value, str) and value not in {"", "(null)"} else None


class Started(NamedTuple):
    """A namespace that the plan switches on, or on again with another device."""

    nqn: str
    namespace: TargetNamespace

    @property
    def subject(self) -> str:
        """It in the user's terms."""
        return paths.called_namespace(self.nqn, self.namespace.nsid)


def started(live: Nvmet, wanted: Nvmet) -> Iterator[Started]:
    """Namespaces that the plan switches on, or on again with another device."""
    for nqn, subsystem in wanted.subsystems.items():
        there = live.subsystems.get(nqn)
        for nsid, one in subsystem.namespaces.items():
            before = there.namespaces.get(nsid) if there else None
            running = before is not None and is_on(before.attributes)
            if is_on(one.attributes) and not (
                running and before is not None and _serves_alike(before.attributes, one.attributes)
            ):
                yield Started(nqn, one)


def _serves_alike(before: Attributes, after: Attributes) -> bool:
    return all(before.get(file) == after.get(file) for file in ("device_path", "buffered_io", "p2pmem"))


def passthru_started(live: Nvmet, wanted: Nvmet) -> Iterator[Subsystem]:
    """Subsystems whose passthru the plan switches on."""
    for nqn, subsystem in wanted.subsystems.items():
        before = live.subsystems.get(nqn)
        if is_on(subsystem.passthru) and not (before and is_on(before.passthru)):
            yield subsystem
