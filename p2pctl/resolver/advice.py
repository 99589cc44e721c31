"""What to know besides remedies: what nobody can prove by resolving again, and what not to do."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.model.facts import Missing, known
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.acs_remedies import redirecting_ports
from p2pctl.resolver.boot import kernel_of, release_of
from p2pctl.resolver.host_bridge import BridgeAnswer
from p2pctl.resolver.rdma import refuse_rdma
from p2pctl.resolver.releases import has_kernel_parameter_bug
from p2pctl.resolver.remedy import Advice
from p2pctl.resolver.verdict import Verdict


def advice(snapshot: Snapshot, verdict: Verdict) -> tuple[Advice, ...]:
    """What applies to this verdict and this host."""
    return (
        *_acs(snapshot, verdict),
        *_host_bridges(snapshot, verdict),
        *_client(snapshot, verdict),
        *_pool(snapshot, verdict),
        *_kernel(snapshot),
    )


def _acs(snapshot: Snapshot, verdict: Verdict) -> Iterator[Advice]:
    ports = redirecting_ports(verdict)
    release = release_of(snapshot)
    if ports and has_kernel_parameter_bug(release):
        text = (
            f"Linux {release} is one of those, 6.11 to 6.14, that misread pci=disable_acs_redir= and pci=config_acs=: "
            "use setpci, or boot 6.12.23, 6.13.11, 6.14.2, 6.15 or later first; a distribution may have fixed its own, "
            "which only the registers tell"
        )
        yield Advice("acs-parameter-broken", text, tuple(f"setpci -s {port} ECAP_ACS+6.w" for port in ports))
    lockdown = known(kernel_of(snapshot).lockdown, "none")
    if ports and lockdown != "none":
        text = f"the kernel is locked down ({lockdown}): it refuses setpci, only its command line can turn ACS off"
        yield Advice("setpci-locked-down", text)
    if any(reason.code == "acs-unreadable" for reason in verdict.reasons):
        yield Advice("acs-unreadable", "ACS of ports on the way could not be read: run p2pctl as root")


def _host_bridges(snapshot: Snapshot, verdict: Verdict) -> Iterator[Advice]:
    codes = {reason.code for reason in verdict.reasons}
    refused = [] if verdict.verdict != "denied" or verdict.crossing is None else list(verdict.crossing.bridges)
    unlisted = [bridge for bridge in refused if bridge.code == "host-bridge-not-listed"]
    if "host-bridge-not-listed" in codes and unlisted:
        ids = ", ".join(dict.fromkeys(_ids(bridge) for bridge in unlisted))
        text = f"if the vendor says that this host bridge forwards between its ports, report {ids} to linux-pci"
        commands = tuple(f"lspci -nns {bridge.first}" for bridge in unlisted if bridge.first is not None)
        yield Advice("report-host-bridge", text, commands)
        text = "never override the list in a kernel of your own: a host bridge that does not forward corrupts silently"
        yield Advice("never-override", text)
    if verdict.verdict == "denied" and "no-common-bridge" in codes:
        yield Advice("one-switch", "two devices below one PCIe switch, or one multi-port card, need no host bridge")
    if verdict.common is None and _nodes_differ(snapshot, verdict):
        yield Advice("different-sockets", "the two are on different NUMA nodes: a slot of the same socket is faster")


def _ids(bridge: BridgeAnswer) -> str:
    return ":".join("????" if isinstance(one, Missing) else f"{one:04x}" for one in (bridge.vendor, bridge.device))


def _nodes_differ(snapshot: Snapshot, verdict: Verdict) -> bool:
    functions = snapshot.pci.functions if snapshot.pci else {}
    ends = [functions[end] for end in (verdict.provider, verdict.client) if not isinstance(end, str)]
    nodes = {end.numa_node for end in ends if not isinstance(end.numa_node, Missing)}
    return len({node for node in nodes if node >= 0}) > 1


def _client(snapshot: Snapshot, verdict: Verdict) -> Iterator[Advice]:
    if isinstance(verdict.client, str):
        text = f"{verdict.client} hangs on no PCI function: use a device that does, such as a hardware RDMA adapter"
        yield Advice("no-pci-ancestor", text)
    for device in snapshot.rdma.devices.values() if snapshot.rdma else ():
        mine = verdict.client in {device.address, device.name}
        refusal = refuse_rdma(device, verdict.rules) if mine else None
        if refusal is not None and refusal.refused:
            text = f"{refusal.reason.text}; use an adapter whose driver does DMA of its own"
            yield Advice("virtual-dma", text, (f"ls -l /sys/class/infiniband/{device.name}/device/driver",))


def _pool(snapshot: Snapshot, verdict: Verdict) -> Iterator[Advice]:
    pool = snapshot.pools.pools.get(verdict.provider) if snapshot.pools else None
    if pool is not None and pool.published is False:
        text = (
            f"the pool of {verdict.provider} is not published: the NVMe target neither finds nor takes it; NVMe "
            "publishes only CMBs that data may be written to and read from (WDS and RDS); programs can "
            "map it all the same"
        )
        yield Advice("private-pool", text, (f"cat /sys/bus/pci/devices/{verdict.provider}/p2pmem/published",))


def _kernel(snapshot: Snapshot) -> Iterator[Advice]:
    if kernel_of(snapshot).p2pdma is False:
        text = (
            "this kernel was built without CONFIG_PCI_P2PDMA, whatever its rules say: Debian's has it from 6.16 on, "
            "Ubuntu's from 6.2 on"
        )
        yield Advice("kernel-without-p2pdma", text)
