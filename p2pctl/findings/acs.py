"""ACS redirection on ways that P2P would take: what it refuses, and what it sends around."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from p2pctl.findings.fabric import Fabric, Pair
from p2pctl.findings.finding import Finding, some
from p2pctl.findings.scene import Scene
from p2pctl.model.address import Address
from p2pctl.model.facts import UNREADABLE, Missing
from p2pctl.model.pci import ACS_REDIRECT, Acs, acs_names
from p2pctl.resolver.acs_remedies import disable_line, grub_line
from p2pctl.resolver.command_line import CommandLine
from p2pctl.resolver.device_strings import names_device
from p2pctl.resolver.releases import has_kernel_parameter_bug
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.topology import Topology

_RISK = (
    "what is below these ports can reach its peers past the IOMMU, and IOMMU groups become one: such devices can no "
    "longer be given to different guests"
)


@dataclass(slots=True)
class _Hit:
    """Ports below one root port that redirect on the way of pairs."""

    pair: Pair
    """One of them."""
    ports: list[Address] = field(default_factory=list)


def acs_findings(scene: Scene) -> Iterator[Finding]:
    """Redirecting ports that matter, by what the kernel makes of them; registers that nobody could read."""
    resolver, fabric = scene.resolver, scene.fabric
    if resolver is not None and fabric is not None:
        for refused, hit in _hits(resolver, fabric):
            yield _refused(scene, hit) if refused else _detour(scene, hit)
        yield from _not_in_force(scene, resolver, fabric)
    yield from _unread(scene)


def redirection_matters(scene: Scene) -> bool:
    """Whether some port redirects on the way of a pair, or may do so as far as could be read."""
    resolver, fabric = scene.resolver, scene.fabric
    if resolver is None or fabric is None:
        return True
    return any(resolver.redirects(node) is not False and fabric.through(node) for node in fabric.nodes)


def _hits(resolver: Resolver, fabric: Fabric) -> Iterator[tuple[bool, _Hit]]:
    found: dict[tuple[bool, Address], _Hit] = {}
    for node in fabric.nodes:
        pair = fabric.through(node) if resolver.redirects(node) else None
        if pair is not None:
            key = resolver.verdict(*pair).verdict == "denied", fabric.top(node)
            found.setdefault(key, _Hit(pair)).ports.append(node)
    for (refused, _), hit in sorted(found.items(), key=lambda one: min(one[1].ports)):
        hit.ports.sort()
        yield refused, hit


def _refused(scene: Scene, hit: _Hit) -> Finding:
    return Finding(
        "acs-redirect",
        "warning",
        str(hit.ports[0]),
        f"redirection (ACS) is on in {_ports(hit.ports)}: traffic between what is below goes up to the host bridge, "
        "which this kernel does not let it pass",
        _evidence(scene, hit.ports[0]),
        _remedy(scene, "acs-redirect", hit.ports),
        meaning=f"P2P is refused between {_named(scene, hit.pair)}",
        line=_bits(scene, hit.ports[0]),
        commands=_commands(scene, hit.ports),
        risk=_RISK,
        verify=_verify(hit),
    )


def _detour(scene: Scene, hit: _Hit) -> Finding:
    return Finding(
        "acs-detour",
        "info",
        str(hit.ports[0]),
        f"redirection (ACS) is on in {_ports(hit.ports)}: P2P between what is below goes by way of the host bridge, "
        "where less fits through than through the switch",
        _evidence(scene, hit.ports[0]),
        "leave it on where guests need isolation; else " + _remedy(scene, "acs-detour", hit.ports),
        meaning=f"{_named(scene, hit.pair)} may do P2P, but not directly",
        line=_bits(scene, hit.ports[0]),
        commands=_commands(scene, hit.ports),
        risk=_RISK,
        verify=_verify(hit),
    )


def _not_in_force(scene: Scene, resolver: Resolver, fabric: Fabric) -> Iterator[Finding]:
    """A port that the command line names, and that redirects all the same."""
    line, topology = scene.line, resolver.topology
    if line is None or not (line.disable_acs_redir or line.config_acs):
        return
    controls = ((node, _acs(scene, node)) for node in fabric.nodes)
    still = [node for node, acs in controls if acs is not None and acs.control & _off(line, topology, node)]
    if still:
        matters = any(fabric.through(node) for node in still)
        yield Finding(
            "acs-option-not-in-force",
            "warning" if matters else "info",
            str(still[0]),
            f"the command line turns redirection off in {_ports(still)}, and it is on there all the same",
            "/proc/cmdline",
            "run a kernel that reads the option right (6.12.23, 6.13.11, 6.14.2, 6.15 or later); on others, look for "
            "what turned it on again, such as a reset of the port or a later setpci",
            line=" ".join(one for one in line.options if one.startswith("pci=")),
            commands=() if scene.lockdown != "none" else tuple(_now(port) for port in still),
            risk="setpci lasts until the next reset, resume or boot; " + _RISK,
            verify=tuple(f"setpci -s {port} ECAP_ACS+6.w  # no bit of 002c" for port in still),
        )


def _off(line: CommandLine, topology: Topology, node: Address) -> int:
    """The redirecting bits that the command line turns off in a port; config_acs= alone decides where it names it."""
    for flags, device in line.config_acs:
        if names_device(topology, device, node):
            cleared = sum(1 << bit for bit, flag in enumerate(reversed(flags)) if flag == "0")
            return cleared & ACS_REDIRECT
    named = any(names_device(topology, device, node) for device in line.disable_acs_redir)
    return ACS_REDIRECT if named else 0


def _unread(scene: Scene) -> Iterator[Finding]:
    functions = scene.snapshot.pci.functions.values() if scene.snapshot.pci else ()
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


def _remedy(scene: Scene, code: str, ports: Sequence[Address]) -> str:
    if has_kernel_parameter_bug(scene.release):
        return (
            "boot a kernel that reads ACS parameters right (6.12.23, 6.13.11, 6.14.2, 6.15 or later), or clear the "
            "bits with setpci until the next boot"
        )
    many = "these ports" if len(ports) > 1 else "this port"
    return f"boot with pci=disable_acs_redir= for {many}: p2pctl doctor {code} prints the option, quoted for GRUB"


def _commands(scene: Scene, ports: Sequence[Address]) -> tuple[str, ...]:
    if not has_kernel_parameter_bug(scene.release):
        option, _ = disable_line(scene.snapshot, ports)
        return option, grub_line(option)
    return () if scene.lockdown != "none" else tuple(map(_now, ports))


def _now(port: Address) -> str:
    return f"setpci -s {port} ECAP_ACS+6.w=0:2c"


def _verify(hit: _Hit) -> tuple[str, ...]:
    return (
        "cat /proc/cmdline",
        f"setpci -s {hit.ports[0]} ECAP_ACS+6.w  # no bit of 002c",
        f"p2pctl explain {hit.pair.lender} {hit.pair.client}",
    )


def _ports(ports: Sequence[Address]) -> str:
    return some(ports) if len(ports) < 4 else f"{len(ports)} ports ({some(ports)})"


def _named(scene: Scene, pair: Pair) -> str:
    if pair.lender == pair.client:
        return f"{scene.named(pair.lender)} and its own memory"
    return f"{scene.named(pair.client)} and the memory of {scene.named(pair.lender)}"


def _acs(scene: Scene, port: Address) -> Acs | None:
    device = scene.devices.get(port)
    acs = Missing.ABSENT if device is None else device.function.config.acs
    return None if isinstance(acs, Missing) else acs


def _evidence(scene: Scene, port: Address) -> str:
    device = scene.devices.get(port)
    return f"{device.function.path}/config" if device is not None else str(port)


def _bits(scene: Scene, port: Address) -> str | None:
    acs = _acs(scene, port)
    if acs is None:
        return None
    return f"ACSCtl 0x{acs.control:04x}: {' '.join(acs_names(acs.control & ACS_REDIRECT))} on"
