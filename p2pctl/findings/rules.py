"""What stands in the way of P2P on a host, or deserves a look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from p2pctl.findings.devices import branches, devices
from p2pctl.findings.pools import pool_states
from p2pctl.findings.target import target_findings
from p2pctl.model.facts import UNREADABLE, Fact, Missing
from p2pctl.model.snapshot import Snapshot

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One conclusion that a user should know of."""

    code: str
    """Stable name, such as ``link-below-best``."""
    severity: Severity
    """``error``: no P2P at all; ``warning``: less than there could be; ``info``: good to know."""
    subject: str | None
    """The device it is about; None for the host."""
    text: str
    evidence: str
    """The file or fact it comes from."""
    remedy: str | None


def findings(snapshot: Snapshot) -> tuple[Finding, ...]:
    """All findings, the gravest first."""
    return by_gravity(
        (
            *_kernel(snapshot), *_pools(snapshot), *_links(snapshot), *_unread(snapshot), *_multipath(snapshot),
            *target_findings(snapshot),
        )
    )  # fmt: skip


def by_gravity(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """The gravest first, otherwise in their order."""
    order = ("error", "warning", "info")
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def kernel_has_p2pdma(snapshot: Snapshot) -> tuple[Fact[bool], str]:
    """Whether the kernel can do P2PDMA, and where that is known from: a pool proves it."""
    if snapshot.pools and snapshot.pools.pools:
        first = next(iter(snapshot.pools.pools))
        return True, f"/sys/bus/pci/devices/{first}/p2pmem"
    if snapshot.kernel is None:
        return Missing.NOT_READ, "not asked"
    return snapshot.kernel.p2pdma, snapshot.kernel.p2pdma_evidence


def _kernel(snapshot: Snapshot) -> Iterable[Finding]:
    supported, evidence = kernel_has_p2pdma(snapshot)
    if supported is False:
        yield Finding(
            "kernel-without-p2pdma",
            "error",
            None,
            "this kernel was built without CONFIG_PCI_P2PDMA: no device memory can be shared through it",
            evidence,
            "run a kernel that has it: Debian's from 6.16 on, Ubuntu's from 6.2 on",
        )


def _pools(snapshot: Snapshot) -> Iterable[Finding]:
    states = pool_states(snapshot)
    for state in states:
        if state.cause:
            yield Finding(
                "cmb-not-registered",
                "warning",
                str(state.address),
                f"{state.controller} has a memory buffer (CMB) that is no pool: {state.cause}",
                f"/sys/class/nvme/{state.controller}/cmbsz without /sys/bus/pci/devices/{state.address}/p2pmem",
                None,
            )
        if state.available == 0 and not isinstance(state.size, Missing) and state.size > 0:
            yield Finding(
                "pool-exhausted",
                "warning",
                str(state.address),
                "the pool has nothing left: what asks for more falls back to system memory without a word",
                f"/sys/bus/pci/devices/{state.address}/p2pmem/available",
                f"p2pctl pool show {state.address} --holders says who holds it",
            )
    listed = snapshot.pools is not None and not any(gap.fact == "pci functions" for gap in snapshot.pools.gaps)
    if listed and not states and kernel_has_p2pdma(snapshot)[0] is not False:
        yield Finding(
            "no-pool",
            "info",
            None,
            "no device offers P2P memory: somebody has to, such as a drive with a CMB or an accelerator's driver",
            "/sys/bus/pci/devices/*/p2pmem",
            None,
        )


def _links(snapshot: Snapshot) -> Iterable[Finding]:
    found = {device.function.address: device for device in devices(snapshot, everything=True)}
    seen: set[tuple[int, ...]] = set()
    for address in sorted(branches(found)):
        function = found[address].function
        if not function.below_best or address[:3] in seen:
            continue
        seen.add(address[:3])  # the functions of one card share its link
        link = function.link
        yield Finding(
            "link-below-best",
            "warning",
            str(address),
            f"its link runs at {_pace(link.speed, link.width)}, both ends could do "
            f"{_pace(link.best_speed, link.best_width)}",
            f"{function.path}/current_link_speed, current_link_width",
            "look at the slot's lanes, the riser and the bridge above; some devices slow down only while idle",
        )


def _pace(speed: Fact[float], width: Fact[float]) -> str:
    return f"{'?' if isinstance(speed, Missing) else f'{speed:g}'} GT/s x{'?' if isinstance(width, Missing) else width}"


def _unread(snapshot: Snapshot) -> Iterable[Finding]:
    functions = snapshot.pci.functions.values() if snapshot.pci else ()
    unread = [function for function in functions if function.config.acs is UNREADABLE]
    if unread:
        yield Finding(
            "configuration-space-unread",
            "info",
            None,
            f"ACS of {len(unread)} functions is not known, and with it what P2P they allow",
            f"{unread[0].path}/config",
            "run p2pctl as root: the kernel shows other users the first 64 bytes only",
        )


def _multipath(snapshot: Snapshot) -> Iterable[Finding]:
    nvme = snapshot.nvme
    if nvme is None:
        return
    local = {name for name, controller in nvme.controllers.items() if controller.transport == "pcie"}
    heads = [n.name for n in nvme.namespaces.values() if n.multipath and local & set(n.controllers)]
    if heads:
        named = ", ".join(heads[:4]) + (f" and {len(heads) - 4} more" if len(heads) > 4 else "")
        yield Finding(
            "multipath-head",
            "info",
            named,
            "a multipath head has no PCI device above it, so that nvmet never gives it P2P memory",
            f"/sys/block/{heads[0]}",
            "nvme_core.multipath=N on the kernel command line, at the price of failover",
        )
