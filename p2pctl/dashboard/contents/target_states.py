"""The P2P states of a namespace by all its ports, and of all namespaces of a port, in a few words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from p2pctl.render.port_states import STATE_TONES
from p2pctl.render.report import Column, Value
from p2pctl.render.text import Tone
from p2pctl.target.port_state import PortState

_BY_GRAVITY = (
    "falls-back",
    "not-eligible",
    "possibly-exhausted",
    "unknown",
    "confirmed",
    "predicted",
    "transport-cannot",
    "off",
)


def _gravest(value: Value) -> Tone | None:
    """The emphasis of several states: that of the gravest."""
    said = str(value).replace(",", " ").split()
    return next((STATE_TONES[state] for state in _BY_GRAVITY if state in said), None)


BY_PORT = Column("states", "p2p by port", least=36, tone=_gravest)
OF_PORT = Column("states", "p2p", least=36, tone=_gravest)


def states_by_namespace(states: Iterable[PortState]) -> dict[tuple[str, int], str]:
    """``confirmed``, or where ports differ ``3: falls-back, 1+2: transport-cannot``."""
    found: dict[tuple[str, int], dict[str, list[str]]] = {}
    for one in states:
        if one.nsid is not None:
            found.setdefault((one.subsystem, one.nsid), {}).setdefault(one.state, []).append(one.port)
    return {key: _by_port(ports) for key, ports in found.items()}


def _by_port(ports: Mapping[str, list[str]]) -> str:
    if len(ports) == 1:
        return next(iter(ports))
    return ", ".join(f"{'+'.join(ports[state])}: {state}" for state in _gravest_first(ports))


def states_by_port(states: Iterable[PortState]) -> dict[str, str]:
    """``1 falls-back, 4 confirmed``."""
    found: dict[str, dict[str, int]] = {}
    for one in states:
        counts = found.setdefault(one.port, {})
        counts[one.state] = counts.get(one.state, 0) + 1
    return {port: _counted(counts) for port, counts in found.items()}


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[state]} {state}" for state in _gravest_first(counts))


def _gravest_first(states: Iterable[str]) -> list[str]:
    return sorted(states, key=_BY_GRAVITY.index)
