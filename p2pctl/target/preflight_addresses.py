"""Addresses that a plan is to listen on: whether the host has them, and nobody else does."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.model.facts import Missing
from p2pctl.model.nvmet import Port
from p2pctl.target import paths
from p2pctl.target.problems import Facts, Problem

_IP = frozenset({"tcp", "rdma"})


def _text(port: Port, file: str) -> str:
    value = port.attributes.get(file)
    return value if isinstance(value, str) else ""


def _listens(port: Port) -> tuple[str, str, str]:
    return _text(port, "addr_trtype"), _text(port, "addr_traddr"), _text(port, "addr_trsvcid")


def addresses(facts: Facts) -> Iterator[Problem]:
    """What stands against ports that begin to listen, or to listen elsewhere."""
    taken: dict[tuple[str, str, str], str] = {}
    for name, port in facts.wanted.ports.items():
        if not port.links:
            continue
        before = facts.live.ports.get(name)
        where = _listens(port)
        subject = paths.called_port(port)
        if before is not None and before.links and _listens(before) == where:
            taken[where] = subject
    for name, port in facts.wanted.ports.items():
        before = facts.live.ports.get(name)
        where = _listens(port)
        subject = paths.called_port(port)
        if not port.links or taken.get(where) == subject:
            continue
        yield from _listening_problems(facts, subject, where, taken.get(where))
        taken.setdefault(where, subject)


def _listening_problems(
    facts: Facts, subject: str, where: tuple[str, str, str], other: str | None
) -> Iterator[Problem]:
    transport, address, service = where
    if not transport:
        yield Problem("no-transport", subject, "it is to export subsystems without a transport", "set trtype")
        return
    if other is not None:
        at = f" {address}:{service}" if transport in _IP else ""
        yield Problem("address-taken", subject, f"{other} listens on {transport}{at}", "use another address or service")
        return
    if transport not in _IP or facts.network is None:
        return
    if facts.network.local(address) is False:
        shown = address or "no address"
        hint = "configure the address, or wait for it with --wait"
        yield Problem("address-missing", subject, f"this host has no address {shown}", hint, waitable=bool(address))
    ours = {_listens(port) for port in facts.live.ports.values() if port.links}
    listening = facts.network.listening
    if transport != "tcp" or isinstance(listening, Missing) or where in ours:
        return
    if any(one.address == address and str(one.port) == service for one in listening):
        text = f"another program listens on {address}:{service}"
        yield Problem("address-taken", subject, text, "use another service, or stop the program: ss -ltnp shows it")
