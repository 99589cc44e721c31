"""What is to be placed: the namespaces of the target with the ports that export them, or named ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, Fact, Missing
from p2pctl.model.nvmet import TargetNamespace
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.disks import whole_disk
from p2pctl.resolver.ports import PortDevices, port_devices
from p2pctl.resolver.rules import RuleSet
from p2pctl.resolver.verdict import Reason


@dataclass(frozen=True, slots=True)
class Want:
    """A namespace that wants a provider."""

    device: str
    """Its block device, as the target or the user names it."""
    nqn: str | None
    """Its subsystem; None for one that no target exports."""
    nsid: int | None
    drive: Address | None
    """The PCI function of its disk; None where there is none, or none that is known."""
    ports: tuple[PortDevices, ...]
    """Those that export it."""
    current: Fact[str]
    """Its attribute ``p2pmem``."""
    trouble: tuple[Reason, ...] = ()
    """Why the namespace itself can have no P2P memory."""

    @property
    def adapters(self) -> tuple[Address, ...]:
        """The functions of all RDMA devices that may serve it."""
        return tuple(sorted({client for port in self.ports for client in port.clients}))

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why it cannot be placed, before any provider is looked at."""
        if self.trouble:
            return self.trouble
        if self.adapters:
            return ()
        told = tuple(dict.fromkeys(reason for port in self.ports for reason in port.reasons))
        return told or (Reason("not-exported", "no port exports it"),)

    @property
    def remarks(self) -> tuple[Reason, ...]:
        """What to know of the ports of one that can be placed: those that cannot use the memory, and guesses."""
        told = [reason for port in self.ports for reason in (*port.warnings, *port.reasons)]
        return tuple(dict.fromkeys(told)) if self.adapters else ()


def target_wants(snapshot: Snapshot, rules: RuleSet) -> tuple[Want, ...]:
    """Every namespace of the configured target, those that are not enabled too."""
    nvmet = snapshot.nvmet
    if nvmet is None:
        return ()
    served: dict[str, list[PortDevices]] = {}
    for port in nvmet.ports.values():
        found = port_devices(port, snapshot.rdma, rules)
        for nqn in port.subsystems:
            served.setdefault(nqn, []).append(found)
    return tuple(
        _of_target(snapshot, nqn, namespace, tuple(served.get(nqn, ())))
        for nqn, subsystem in nvmet.subsystems.items()
        for namespace in subsystem.namespaces.values()
    )


def named_want(
    snapshot: Snapshot, device: str, drive: Address | None, ports: Sequence[PortDevices], wants: Sequence[Want] = ()
) -> Want:
    """A namespace on ``device``, exported by ``ports``; where none are named, by those of the target.

    ``drive`` is what the name stands for where it is no block device. Where exactly one namespace of the target, in
    ``wants``, is on it, it is that one.
    """
    known = [want for want in wants if whole_disk(want.device) == whole_disk(device)]
    one = known[0] if len(known) == 1 else None
    if not ports:
        ports = tuple(dict.fromkeys(port for want in known for port in want.ports))
    address, trouble = _find(snapshot, device)
    if trouble and drive is not None and not is_disk(snapshot, device):
        address, trouble = drive, ()
    return Want(
        device=one.device if one else device,
        nqn=one.nqn if one else None,
        nsid=one.nsid if one else None,
        drive=address,
        ports=tuple(ports),
        current=one.current if one else ABSENT,
        trouble=trouble,
    )


def _of_target(snapshot: Snapshot, nqn: str, namespace: TargetNamespace, ports: tuple[PortDevices, ...]) -> Want:
    device = namespace.attributes.get("device_path", ABSENT)
    current = namespace.attributes.get("p2pmem", ABSENT)
    if isinstance(device, Missing):
        trouble: tuple[Reason, ...] = (Reason("device-unknown", "its device could not be read"),)
        return Want("?", nqn, namespace.nsid, None, ports, current, trouble)
    drive, trouble = _find(snapshot, device)
    return Want(device, nqn, namespace.nsid, drive, ports, current, trouble)


def _find(snapshot: Snapshot, device: str) -> tuple[Address | None, tuple[Reason, ...]]:
    """The PCI function of a block device, or why there is none."""
    return next(_answers(snapshot, device))


def _answers(snapshot: Snapshot, device: str) -> Iterator[tuple[Address | None, tuple[Reason, ...]]]:
    def no(code: str, text: str) -> tuple[None, tuple[Reason, ...]]:
        return None, (Reason(code, text),)

    if device in {"", "(null)"}:
        yield no("no-device", "it has no device yet")
    if device.startswith("/") and not device.startswith("/dev/"):
        yield no("file-backed", f"{device} is a file: the target uses P2P memory for block devices only")
    name = whole_disk(device)
    block = snapshot.block.devices.get(name) if snapshot.block else None
    if block is None:
        yield no("device-unknown", f"which disk {device} is cannot be told")
    elif not isinstance(block.address, Missing):
        yield block.address, ()
    elif block.address is ABSENT:
        why = f": {block.reason}" if block.reason else ""
        yield no("not-a-pci-device", f"{name} has no PCI function{why}")
    yield no("device-unknown", f"the PCI function of {name} could not be read")


def is_disk(snapshot: Snapshot, device: str) -> bool:
    """Whether the name is that of a block device, or of a partition."""
    return snapshot.block is not None and whole_disk(device) in snapshot.block.devices
