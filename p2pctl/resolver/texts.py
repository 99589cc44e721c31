"""Facts put into clauses, for the answers and the reasons of a verdict."""

from __future__ import annotations

from collections.abc import Sequence

from p2pctl.model.facts import Fact, Missing
from p2pctl.model.kernel import Cpu
from p2pctl.model.pci import acs_names
from p2pctl.resolver.host_bridge import BridgeAnswer
from p2pctl.resolver.verdict import Hop


def bridge_text(bridge: BridgeAnswer) -> str:
    """What the list of host bridges says about one root bus."""
    name = f"the host bridge of {bridge.root}"
    known_by = f"{name} is known by its first function {bridge.first}, {_id(bridge.vendor)}:{_id(bridge.device)}"
    match bridge.code:
        case "host-bridge-listed":
            return f"{known_by}, which is listed: {bridge.entry.name if bridge.entry else bridge.root}"
        case "host-bridge-not-listed":
            return f"{known_by}, which is not listed"
        case "host-bridge-same-required":
            return f"{known_by}, which is listed only for two functions below one host bridge"
        case "host-bridge-no-representative":
            return f"nothing stands for {name}: its first function {bridge.first} may not"
        case "host-bridge-unknown":
            return f"whether {name} is listed is not known: its first function could not be read"


def hop_text(hop: Hop, mask: int) -> str:
    """What one port does about peer traffic; ``mask`` has the ACS bits that matter."""
    if hop.redirects is None:
        return f"the ACS Control register of {hop.address} is not known"
    on = 0 if isinstance(hop.acs, Missing) else hop.acs.control & mask
    return f"{hop.address} has {' '.join(acs_names(on))} on" if on else f"{hop.address} redirects nothing"


def hops_text(hops: Sequence[Hop], mask: int) -> str:
    """What the ports on a way do about peer traffic: the ones that redirect, else the ones that may."""
    telling = [hop for hop in hops if hop.redirects] or [hop for hop in hops if hop.redirects is None]
    return "; ".join(hop_text(hop, mask) for hop in telling) or "nothing on the way redirects"


def cpu_text(cpu: Fact[Cpu]) -> str:
    """What the processor is."""
    if isinstance(cpu, Missing):
        return "what the processor is could not be read"
    if not cpu.vendor:
        return "the processor is no x86 one"
    return f"the processor is {cpu.vendor}, family {'unknown' if cpu.family is None else cpu.family}"


def iommu_text(iommu: Fact[bool], names: Sequence[str] = ()) -> str:
    """Whether an IOMMU is in use, and which."""
    if isinstance(iommu, Missing):
        return "whether an IOMMU is in use is not known"
    if not iommu:
        return "no IOMMU is in use"
    return f"an IOMMU is in use: {', '.join(names)}" if names else "an IOMMU is in use"


def wide_text(wide: Fact[bool]) -> str:
    """Whether the kernel is a 64-bit one."""
    if isinstance(wide, Missing):
        return "whether the kernel is a 64-bit one is not known"
    return "the kernel is a 64-bit one" if wide else "the kernel is no 64-bit one"


def _id(number: Fact[int]) -> str:
    return "????" if isinstance(number, Missing) else f"{number:04x}"
