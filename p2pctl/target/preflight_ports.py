"""Attributes of ports, and names, that the kernel would refuse: found before the first write, whoever wishes for them.

Only what a plan writes, or puts into use, is judged: what is there already works, or is not the plan's concern.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from p2pctl.model.facts import Missing
from p2pctl.model.nvmet import Port
from p2pctl.target import paths, port_rules
from p2pctl.target.port_rules import Fault
from p2pctl.target.problems import Facts, Problem


def ports(facts: Facts) -> Iterator[Problem]:
    """What stands against ports that are made, changed, or begin to export something."""
    closed = {number for number, wish in facts.wishes.ports.items() if wish.subsystems == ()}
    for name, port in facts.wanted.ports.items():
        before = facts.live.ports.get(name)
        found = dict.fromkeys(_faults(port, before, closed=port.number in closed))
        for fault in found:
            hint = "leave tsas out" if fault.key == "tsas" else f"set {fault.key} to what the transport takes"
            yield Problem("port-refused", paths.called_port(port), fault.text, hint)


def _faults(port: Port, before: Port | None, *, closed: bool) -> Iterator[Fault]:
    values, was = _texts(port), _texts(before)
    unread = {file for file, value in port.attributes.items() if isinstance(value, Missing)}
    if _differ(values, was, port_rules.SECURITY):
        yield from port_rules.security(values if "addr_trtype" in unread else {"addr_trtype": "", **values})
    changed = _differ(values, was, port_rules.LISTENS)
    if port.links:
        if changed or before is None or not before.links:
            yield from port_rules.listening(values)
            yield from (one for one in port_rules.missing(values) if f"addr_{one.key}" not in unread)
    elif changed and not closed:
        # It may be a preparation of what a later command exports; a document that wants it closed knows why.
        yield from port_rules.listening(values)


def _texts(port: Port | None) -> dict[str, str]:
    return {file: text for file, text in port.attributes.items() if isinstance(text, str)} if port is not None else {}


def _differ(values: Mapping[str, str], was: Mapping[str, str], files: tuple[str, ...]) -> bool:
    return any(values.get(file, "") != was.get(file, "") for file in files if file in values)


def discovery(facts: Facts) -> Iterator[Problem]:
    """Whether the name of discovery and those of subsystems are apart.

    A new name for discovery is compared with the beginnings of theirs, the name of a new subsystem with the whole of
    it (drivers/nvme/target/configfs.c).
    """
    wanted, before = (_name(nvmet.attributes.get("discovery_nqn")) for nvmet in (facts.wanted, facts.live))
    for nqn in facts.wanted.subsystems:
        if wanted != before and port_rules.hides(wanted, nqn):
            text = f"discovery_nqn cannot be the beginning of the name of a subsystem, and {nqn} is one"
            yield Problem("discovery-nqn", "the target", text, "choose another discovery_nqn")
            return
        if nqn == wanted and nqn not in facts.live.subsystems:
            text = "its name is that of discovery, which no subsystem may have"
            yield Problem("discovery-nqn", paths.called_subsystem(nqn), text, "choose another NQN, or discovery_nqn")


def _name(value: object) -> str:
    return value if isinstance(value, str) else ""
