"""Findings about the P2P state of ports: where P2P memory was asked for and is not, or not wholly, used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from p2pctl.findings.rules import Finding, Severity
from p2pctl.target.port_state import PortState

_CODES: dict[str, tuple[str, Severity]] = {
    "falls-back": ("p2p-falls-back", "warning"),
    "not-eligible": ("p2p-not-eligible", "warning"),
    "possibly-exhausted": ("p2p-possibly-exhausted", "warning"),
}


def state_findings(states: Iterable[PortState]) -> tuple[Finding, ...]:
    """One finding for each namespace that falls short by a port, and one a port for what concerns all of them."""
    return tuple(dict.fromkeys(_findings(states)))


def _findings(states: Iterable[PortState]) -> Iterator[Finding]:
    for state in states:
        where = f"/sys/kernel/config/nvmet/subsystems/{state.subsystem}/namespaces/{state.nsid}/p2pmem"
        codes = {reason.code for reason in state.reasons}
        subject = f"port {state.port} namespace {state.nsid} of {state.subsystem}"
        said = next((one.text for one in state.evidence if one.kind in {"log", "level"} and one.sure), None)
        if "pool-vanished" in codes:
            text = next(reason.text for reason in state.reasons if reason.code == "pool-vanished")
            yield Finding(
                "p2p-pool-vanished", "warning", subject, text, where, "p2pctl pool list shows who offers memory"
            )
        elif state.state in _CODES and "passthru" not in codes:
            code, severity = _CODES[state.state]
            text = state.reasons[0].text if state.reasons else state.state
            later = "" if state.enabled is True else "once it is enabled: "
            yield Finding(code, severity, subject, f"{later}{text}", said or where, f"p2pctl port state {state.port}")
        for warning in state.warnings:
            if warning.code == "inline-writes":
                yield Finding(
                    "p2p-inline-writes",
                    "info",
                    f"port {state.port}",
                    warning.text,
                    f"/sys/kernel/config/nvmet/ports/{state.port}/param_inline_data_size",
                    f"p2pctl port set {state.port} inline_data_size=0, which drops its connections",
                )
