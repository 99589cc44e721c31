"""What stands in the way of P2P on a host, or deserves a look: all rules together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from p2pctl.findings.acs import acs_findings
from p2pctl.findings.bars import bar_findings
from p2pctl.findings.boot_setup import boot_findings
from p2pctl.findings.bridges import bridge_findings
from p2pctl.findings.command_line import command_line_findings
from p2pctl.findings.finding import Finding, Severity, by_gravity
from p2pctl.findings.kernel import kernel_findings, kernel_has_p2pdma
from p2pctl.findings.links import link_findings
from p2pctl.findings.nvme import nvme_findings
from p2pctl.findings.platform import platform_findings
from p2pctl.findings.ports import state_findings
from p2pctl.findings.rnbd import rnbd_findings
from p2pctl.findings.scene import Scene
from p2pctl.findings.target import target_findings
from p2pctl.findings.target_access import access_findings
from p2pctl.findings.target_ports import port_findings
from p2pctl.target.port_state import PortState

__all__ = ["Finding", "Severity", "by_gravity", "every_finding", "findings", "kernel_has_p2pdma"]

Rule = Callable[[Scene], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    kernel_findings,
    command_line_findings,
    boot_findings,
    nvme_findings,
    bridge_findings,
    acs_findings,
    link_findings,
    bar_findings,
    platform_findings,
    target_findings,
    port_findings,
    access_findings,
    rnbd_findings,
)
"""Each looks at the parts that it needs, and finds nothing where they were not read."""


def findings(scene: Scene) -> tuple[Finding, ...]:
    """All findings that a snapshot alone gives, the gravest first."""
    return by_gravity(_of_host(scene))


def every_finding(scene: Scene, states: Iterable[PortState], also: Iterable[Finding] = ()) -> tuple[Finding, ...]:
    """Those, the ones about the states of the target's ports, and whatever else is known; the gravest first."""
    return by_gravity((*also, *_of_host(scene), *state_findings(states, scene)))


def _of_host(scene: Scene) -> Iterator[Finding]:
    return (found for rule in RULES for found in rule(scene))
