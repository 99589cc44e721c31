"""What would open a denied pair: only changes whose own re-resolution says allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from p2pctl.model.facts import Missing, known
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.acs_remedies import acs_remedies
from p2pctl.resolver.advice import advice
from p2pctl.resolver.boot import boot, command_line_of, kernel_of
from p2pctl.resolver.host import host_facts
from p2pctl.resolver.kernel_rules import KERNEL_RULES
from p2pctl.resolver.move_remedies import move_remedies
from p2pctl.resolver.remedy import Advice, AdviceCode, Remedy, RemedyCode, again, better
from p2pctl.resolver.verdict import Verdict

__all__ = ["Advice", "AdviceCode", "Remedy", "RemedyCode", "advice", "remedies"]


def remedies(snapshot: Snapshot, verdict: Verdict) -> tuple[Remedy, ...]:
    """The remedies for a denied pair, the least invasive first.

    For a pair that is allowed through the host bridge because ports redirect, those that make the way direct; else
    none for an allowed one. Raises ValueError without the part ``pci``.
    """
    if isinstance(verdict.client, str):
        return ()
    if verdict.verdict == "allowed":
        return tuple(acs_remedies(snapshot, verdict)) if verdict.map_type == "through-host-bridge" else ()
    return (
        *acs_remedies(snapshot, verdict),
        *_newer_kernel(snapshot, verdict),
        *_iommu_off(snapshot, verdict),
        *move_remedies(snapshot, verdict),
    )


def _newer_kernel(snapshot: Snapshot, verdict: Verdict) -> Iterator[Remedy]:
    """The first later release whose rules allow the pair as it stands."""
    if verdict.rules.since is None:
        return
    for rules in KERNEL_RULES:
        if rules.since is None or rules.since <= verdict.rules.since:
            continue
        result = again(snapshot, replace(verdict, rules=rules))
        if better(verdict, result):
            code: RemedyCode = "newer-kernel" if verdict.rules.works else "kernel-with-p2pdma"
            yield Remedy(
                code=code,
                text=f"run Linux {rules.release} or later, built with CONFIG_PCI_P2PDMA: {rules.change}",
                commands=(),
                risk="another kernel changes more than this: try it on a machine that may fail",
                verify=("uname -r", f"p2pctl explain {verdict.provider} {verdict.client}  # allowed"),
                result=result,
            )
            return


def _iommu_off(snapshot: Snapshot, verdict: Verdict) -> Iterator[Remedy]:
    if not any(reason.code == "iommu-in-use" for reason in verdict.reasons):
        return
    names = host_facts(snapshot).iommus
    cpu = known(kernel_of(snapshot).cpu, None)
    vendor = None if cpu is None else cpu.vendor
    option = "intel_iommu=off" if any(name.startswith("dmar") for name in names) else "amd_iommu=off"
    if not names and vendor not in {"GenuineIntel", "AuthenticAMD"}:
        return
    if names and not any(name.startswith(("dmar", "ivhd")) for name in names):
        return  # other architectures have no option for it
    after, _ = boot(snapshot, f"{command_line_of(snapshot)} {option}".strip())
    result = again(after, verdict)
    if better(verdict, result):
        guests = _guests(snapshot)
        yield Remedy(
            code="iommu-off",
            text=f"boot with {option}: these rules refuse such pairs only while an IOMMU is in use",
            commands=(option,),
            risk=(
                "no device can be given to a guest any more, and every device can reach all memory"
                + (f"; vfio holds {', '.join(guests)} now" if guests else "")
            ),
            verify=("ls /sys/kernel/iommu_groups  # nothing", "cat /proc/cmdline"),
            result=result,
        )


def _guests(snapshot: Snapshot) -> list[str]:
    functions = snapshot.pci.functions.values() if snapshot.pci else ()
    return [
        str(one.address) for one in functions if not isinstance(one.driver, Missing) and one.driver.startswith("vfio")
    ]
