"""Findings about the P2P state of ports: where P2P memory was asked for and is not, or not wholly, used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from shlex import quote

from p2pctl.findings.finding import Finding, Severity
from p2pctl.findings.port_remedies import cure
from p2pctl.findings.scene import Scene
from p2pctl.model.nvmet import ROOT
from p2pctl.target.port_state import PortState

_WARNING: Severity = "warning"

_CODES: dict[str, tuple[str, Severity]] = {
    "falls-back": ("p2p-falls-back", "warning"),
    "not-eligible": ("p2p-not-eligible", "warning"),
    "possibly-exhausted": ("p2p-possibly-exhausted", "warning"),
}


def state_findings(states: Iterable[PortState], scene: Scene) -> tuple[Finding, ...]:
    """One finding for each namespace that falls short by a port, and one a port for what concerns all of them.

    ``scene`` is the host that the states are of: remedies name the pair of devices that is refused.
    """
    every = tuple(states)
    return tuple(
        dict.fromkeys(found for state in every for found in (*_shortfall(state, scene), *_inline(state)))
    ) + tuple(_transports(every))


def _shortfall(state: PortState, scene: Scene) -> Iterator[Finding]:
    codes = {reason.code for reason in state.reasons}
    said = next((one.text for one in state.evidence if one.kind in {"log", "level"} and one.sure), None)
    if "pool-vanished" in codes:
        text = next(reason.text for reason in state.reasons if reason.code == "pool-vanished")
        code, severity = "p2p-pool-vanished", _WARNING
    elif state.state in _CODES and "passthru" not in codes:
        code, severity = _CODES[state.state]
        later = "" if state.enabled is True else "once it is enabled: "
        text = f"{later}{state.reasons[0].text if state.reasons else state.state}"
    else:
        return
    found = cure(state, scene)
    yield Finding(
        code,
        severity,
        _subject(state),
        text,
        said or _setting(state),
        found.remedy,
        line=said,
        commands=found.commands,
        risk=found.risk,
        verify=(f"p2pctl port state {quote(state.port)}",),
    )


def _inline(state: PortState) -> Iterator[Finding]:
    for warning in state.warnings:
        if warning.code == "inline-writes":
            setting = f"p2pctl port set {quote(state.port)} inline_data_size=0"
            yield Finding(
                "p2p-inline-writes",
                "info",
                f"port {state.port}",
                warning.text,
                f"{ROOT}/ports/{state.port}/param_inline_data_size",
                f"p2pctl port set {state.port} inline_data_size=0, which drops its connections",
                commands=(setting,),
                risk="the port's connections drop, and small writes take one more round trip",
                verify=(f"p2pctl port show {quote(state.port)}",),
            )


def _transports(states: Iterable[PortState]) -> Iterator[Finding]:
    """Namespaces that ask for P2P memory behind a transport without it: of no matter where another port has it."""
    cannot = [state for state in states if state.state == "transport-cannot"]
    able = {(one.subsystem, one.nsid) for one in states if one.state not in {"transport-cannot", "off"}}
    for state in cannot:
        elsewhere = (state.subsystem, state.nsid) in able
        yield Finding(
            "p2p-transport-cannot",
            "info" if elsewhere else "warning",
            _subject(state),
            f"it asks for P2P memory, and this port is {state.transport}: only RDMA ports ever use it",
            f"{ROOT}/ports/{state.port}/addr_trtype",
            None if elsewhere else "export it by an RDMA port, or switch p2pmem off",
            meaning="another port serves it with RDMA" if elsewhere else "all its I/O goes through system memory",
            line=str(state.transport),
            verify=(f"p2pctl port state {quote(state.port)}",),
        )


def _subject(state: PortState) -> str:
    return f"port {state.port} namespace {state.nsid} of {state.subsystem}"


def _setting(state: PortState) -> str:
    return f"{ROOT}/subsystems/{state.subsystem}/namespaces/{state.nsid}/p2pmem"
