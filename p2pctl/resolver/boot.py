"""What another kernel command line, or another IOMMU setting, would make of a host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, NOT_READ, Fact, Missing, known
from p2pctl.model.kernel import Cpu, Kernel
from p2pctl.model.pci import ACS_REDIRECT, Acs
from p2pctl.model.snapshot import Snapshot
from p2pctl.model.tree import IommuGroup
from p2pctl.resolver.command_line import CommandLine, read_command_line
from p2pctl.resolver.device_strings import names_device
from p2pctl.resolver.groups import ISOLATION, predict_groups
from p2pctl.resolver.host import host_facts
from p2pctl.resolver.releases import drops_other_bits, has_kernel_parameter_bug
from p2pctl.resolver.topology import Topology

_Acs = Fact[Acs]


def boot(snapshot: Snapshot, text: str) -> tuple[Snapshot, tuple[str, ...]]:
    """The host booted with another command line, and what that was taken to mean.

    What firmware had set is not known: bits that the new line leaves to it count as off if nothing but isolation
    depends on them, and as not read if the verdict may. Raises ValueError without the part ``pci``.
    """
    release = release_of(snapshot)
    before = read_command_line(command_line_of(snapshot), release=release)
    after = read_command_line(text, release=release)
    snapshot, said = _iommu_options(snapshot, before, after)
    topology = Topology.of(snapshot)
    iommu = topology.host.iommu is True

    def control(address: Address, acs: _Acs) -> _Acs:
        if _named(topology, before, address):
            acs = _kernels_own(acs) if iommu else NOT_READ
        return _configured(topology, after, address, acs, release=release, iommu=iommu)

    snapshot = with_acs(snapshot, control)
    kernel = replace(kernel_of(snapshot), command_line=text)
    return replace(snapshot, kernel=kernel), (f"booted with: {text}", *said)


def set_iommu(snapshot: Snapshot, *, on: bool) -> tuple[Snapshot, tuple[str, ...]]:
    """The host with its IOMMU on or off, and what that was taken to mean. Raises ValueError without ``pci``."""
    if snapshot.pci is None:
        raise ValueError("an IOMMU needs the part pci")
    now = host_facts(snapshot).iommu
    if now is on:
        return snapshot, (f"the IOMMU is {'on' if on else 'off'} already",)
    line = read_command_line(command_line_of(snapshot), release=release_of(snapshot))
    topology = Topology.of(snapshot)
    names = (_iommu_name(known(kernel_of(snapshot).cpu, None)),) if on else ()

    def control(address: Address, acs: _Acs) -> _Acs:
        if on:
            return acs if _named(topology, line, address) else _kernels_own(acs)
        return _without_kernels_own(acs)

    snapshot = replace(snapshot, kernel=replace(kernel_of(snapshot), iommus=names))
    snapshot = _with_groups(with_acs(snapshot, control), on=on)
    if on:
        text = "the IOMMU is on: the kernel sets SV RR CR UF in every function that has ACS"
        return snapshot, (text, "the host is taken to have one")
    return snapshot, (
        "the IOMMU is off: ACS that the kernel set for it is taken to be off; firmware may set it all the same",
    )


def with_acs(snapshot: Snapshot, change: Callable[[Address, _Acs], _Acs]) -> Snapshot:
    """The snapshot with other ACS registers. Raises ValueError without the part ``pci``."""
    if snapshot.pci is None:
        raise ValueError("ACS needs the part pci")
    functions = {}
    for address, function in snapshot.pci.functions.items():
        acs = change(address, function.config.acs)
        if acs != function.config.acs:
            function = function._replace(config=function.config._replace(acs=acs))  # noqa: PLW2901  or as it was
        functions[address] = function
    return replace(snapshot, pci=replace(snapshot.pci, functions=functions))


def kernel_of(snapshot: Snapshot) -> Kernel:
    """The part ``kernel``; one of which nothing is known where it was not read."""
    if snapshot.kernel is not None:
        return snapshot.kernel
    return Kernel(snapshot.taken, NOT_READ, NOT_READ, NOT_READ, NOT_READ, NOT_READ, NOT_READ, "not asked")


def release_of(snapshot: Snapshot) -> str | None:
    """``uname -r``, where it is known."""
    return known(kernel_of(snapshot).release, None)


def command_line_of(snapshot: Snapshot) -> str:
    """The command line; empty where it is not known."""
    return known(kernel_of(snapshot).command_line, "")


def _iommu_options(snapshot: Snapshot, before: CommandLine, after: CommandLine) -> tuple[Snapshot, tuple[str, ...]]:
    if after.iommu_off:
        return (snapshot, ()) if before.iommu_off else set_iommu(snapshot, on=False)
    if before.iommu_off or (after.iommu_on and not before.iommu_on):
        return set_iommu(snapshot, on=True)
    return snapshot, ()


def _configured(
    topology: Topology, line: CommandLine, address: Address, acs: _Acs, *, release: str | None, iommu: bool
) -> _Acs:
    """config_acs comes last and starts from the firmware's value again, so that it alone decides where it is given."""
    flags = next((bits for bits, device in line.config_acs if names_device(topology, device, address)), None)
    listed = any(names_device(topology, device, address) for device in line.disable_acs_redir)
    if acs is ABSENT or (flags is None and not listed):
        return acs
    if has_kernel_parameter_bug(release):
        return NOT_READ
    if flags is not None:
        return _flagged(acs, flags, iommu=iommu)
    if isinstance(acs, Missing):
        return Acs(0, 0)
    mine = ACS_REDIRECT | (ISOLATION if iommu and drops_other_bits(release) else 0)
    return acs._replace(control=acs.control & ~mine)


def _flagged(acs: _Acs, flags: str, *, iommu: bool) -> _Acs:
    bits = {1 << place: flag for place, flag in enumerate(reversed(flags))}
    forced = sum(bit for bit, flag in bits.items() if flag != "x")
    on = sum(bit for bit, flag in bits.items() if flag == "1")
    if isinstance(acs, Missing):
        return Acs(on, on) if ACS_REDIRECT & ~forced == 0 else acs
    firmwares = acs.capability & ~forced
    if iommu and firmwares & ACS_REDIRECT:
        return NOT_READ
    left = acs.control & ~forced & ~(ISOLATION if iommu else 0)
    return acs._replace(control=left | (on & acs.capability))


def _named(topology: Topology, line: CommandLine, address: Address) -> bool:
    devices = (*line.disable_acs_redir, *(device for _, device in line.config_acs))
    return any(names_device(topology, device, address) for device in devices)


def _kernels_own(acs: _Acs) -> _Acs:
    """With what the kernel sets for an IOMMU (``pci_std_enable_acs``)."""
    return acs if isinstance(acs, Missing) else acs._replace(control=acs.control | (acs.capability & ISOLATION))


def _without_kernels_own(acs: _Acs) -> _Acs:
    if isinstance(acs, Missing) or acs.control & ISOLATION != acs.capability & ISOLATION:
        return acs
    return acs._replace(control=acs.control & ~ISOLATION)


def _iommu_name(cpu: Cpu | None) -> str:
    vendors: Mapping[str, str] = {"GenuineIntel": "dmar0", "AuthenticAMD": "ivhd0"}
    return "iommu0" if cpu is None else vendors.get(cpu.vendor, "smmu3.0")


def _with_groups(snapshot: Snapshot, *, on: bool) -> Snapshot:
    if snapshot.pci is None:
        return snapshot
    pci = snapshot.pci
    groups = predict_groups(pci) if on else ()
    number = {address: nth for nth, group in enumerate(groups) for address in group}
    functions = {
        address: function._replace(iommu_group=number.get(address, ABSENT))
        for address, function in pci.functions.items()
    }
    made = {nth: IommuGroup(nth, NOT_READ) for nth in range(len(groups))}
    return replace(snapshot, pci=replace(pci, functions=functions, iommu_groups=made))
