"""What holds the objects that somebody wants to delete, and what hangs below them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from p2pctl.model.nvmet import MAIN_GROUP, Nvmet, Port, Subsystem
from p2pctl.target import paths
from p2pctl.target.wishes import Wishes


class Use(NamedTuple):
    """One reason why the kernel would not remove an object: EBUSY or ENOTEMPTY (fs/configfs/dir.c)."""

    subject: str
    held_by: str


def in_use(live: Nvmet, wishes: Wishes) -> tuple[Use, ...]:
    """Everything that must go before, or with, what the wishes delete. Empty: nothing stands in the way."""
    return tuple(_uses(live, wishes))


def _uses(live: Nvmet, wishes: Wishes) -> Iterator[Use]:
    for nqn, wish in wishes.subsystems.items():
        if wish.absent and nqn in live.subsystems:
            yield from (Use(paths.called_subsystem(nqn), by) for by in _of_subsystem(live, live.subsystems[nqn]))
    for nqn, one in wishes.hosts.items():
        if one.absent:
            for subsystem in live.subsystems.values():
                if nqn in subsystem.host_links.values():
                    yield Use(paths.called_host(nqn), f"it may use {paths.called_subsystem(subsystem.nqn)}")
    for port in live.ports.values():
        wished = wishes.ports.get(port.number) if port.number is not None else None
        if wished is not None and wished.absent:
            yield from (Use(paths.called_port(port), by) for by in _of_port(port))


def _of_subsystem(live: Nvmet, subsystem: Subsystem) -> Iterator[str]:
    for port in live.ports.values():
        if subsystem.nqn in port.links.values():
            yield f"{paths.called_port(port)} exports it"
    for nsid in subsystem.namespaces:
        yield f"it has namespace {nsid}"
    for host in subsystem.allowed_hosts:
        yield f"{paths.called_host(host)} may use it"


def _of_port(port: Port) -> Iterator[str]:
    for nqn in port.subsystems:
        yield f"it exports {nqn}"
    for name in port.referrals:
        yield f"it has referral {name}"
    for number in port.ana_groups:
        if number != MAIN_GROUP:
            yield f"it has ANA group {number}"
