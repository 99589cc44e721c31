"""What is gone when a target has become as it is wanted, in the user's terms."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.model.nvmet import Nvmet, Port, Subsystem
from p2pctl.target import paths


def vanishing(live: Nvmet, wanted: Nvmet) -> Iterator[str]:
    """Objects, exports and rights that are there and are not wanted. What is only made anew is not among them."""
    for name, port in live.ports.items():
        yield from _of_port(port, wanted.ports.get(name))
    for nqn, subsystem in live.subsystems.items():
        yield from _of_subsystem(subsystem, wanted.subsystems.get(nqn))
    yield from (paths.called_host(nqn) for nqn in live.hosts if nqn not in wanted.hosts)


def _of_port(live: Port, wanted: Port | None) -> Iterator[str]:
    """With a port, or below one that stays."""
    if wanted is None:
        yield paths.called_port(live)
        return
    for link, nqn in live.links.items():
        if link not in wanted.links:
            yield f"the export of {nqn} by {paths.called_port(live)}"
    yield from (paths.called_group(live.name, number) for number in live.ana_groups if number not in wanted.ana_groups)
    yield from (paths.called_referral(live.name, name) for name in live.referrals if name not in wanted.referrals)


def _of_subsystem(live: Subsystem, wanted: Subsystem | None) -> Iterator[str]:
    """With a subsystem, or below one that stays."""
    if wanted is None:
        yield paths.called_subsystem(live.nqn)
    left = wanted.namespaces if wanted else {}
    yield from (paths.called_namespace(live.nqn, nsid) for nsid in live.namespaces if nsid not in left)
    if wanted is not None:
        for link, host in live.host_links.items():
            if link not in wanted.host_links:
                yield f"the right of {host} to use {live.nqn}"
