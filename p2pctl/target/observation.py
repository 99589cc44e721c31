"""What was observed of the target, matched with its ports: lines of the log, and who is connected by debugfs."""

from __future__ import annotations

from dataclasses import dataclass

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, Fact, Missing
from p2pctl.model.nvmet import Nvmet, Port, Subsystem, TargetNamespace
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.ports import PortDevices
from p2pctl.target.evidence import Hearing, Key, Said, hear
from p2pctl.target.log_lines import Denied, NoMemory, events
from p2pctl.target.prediction import Prediction
from p2pctl.target.predictor import port_switch


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """A namespace by a port, and what the rules say of it."""

    port: Port
    devices: PortDevices
    subsystem: Subsystem
    namespace: TargetNamespace | None
    prediction: Prediction

    @property
    def key(self) -> Key | None:
        """The namespace, for lookups; None for a passthru subsystem."""
        return (self.subsystem.nqn, self.namespace.nsid) if self.namespace else None

    @property
    def enabled(self) -> Fact[bool]:
        """Whether it is switched on."""
        attributes = self.subsystem.passthru if self.namespace is None else self.namespace.attributes
        text = attributes.get("enable", ABSENT)
        return text if isinstance(text, Missing) else text == "1"

    @property
    def p2pmem(self) -> Fact[str]:
        """``off``, ``auto`` or a PCI address, as the kernel takes what is set; a text that it would refuse as it is."""
        wanted = self.prediction.setting
        if isinstance(wanted, Missing):
            return wanted
        if wanted is not None:
            return str(wanted)
        switch = port_switch(self.port)
        raw = self.namespace.attributes.get("p2pmem", ABSENT) if self.namespace and switch is None else switch
        return ABSENT if raw is None else raw


class Observer:
    """What was heard, matched with ports."""

    def __init__(self, snapshot: Snapshot, target: Nvmet, exports: tuple[Export, ...]) -> None:
        records = snapshot.log.records if snapshot.log else ()
        rdma = snapshot.rdma
        cards = {one.address for one in rdma.devices.values() if isinstance(one.address, Address)} if rdma else None
        told = events(() if isinstance(records, Missing) else records, target.subsystems)
        self.hearing: Hearing = hear(target, told, cards)
        """What the log says and still counts."""
        shown = snapshot.connections
        self.shown = shown is not None and shown.debugfs is True
        """Whether debugfs tells who is connected."""
        self.live: dict[tuple[str, int], str | None] = {}
        """By debugfs: the port's number for each controller."""
        for one in shown.controllers if shown else ():
            self.live[one.subsystem, one.cntlid] = None if isinstance(one.port, Missing) else one.port
        self._exports: dict[Key, list[Export]] = {}
        for export in exports:
            if export.key is not None:
                self._exports.setdefault(export.key, []).append(export)

    def about(self, export: Export) -> tuple[Said, ...]:
        """What was said of this namespace by this port, or may have been."""
        if export.key is None or export.enabled is not True or export.devices.transport != "rdma":
            return ()
        since = self.hearing.ports.get(export.port.number or 0)
        return tuple(
            one
            for one in self.hearing.said.get(export.key, ())
            if (since is None or one.record.sequence > since.sequence)
            and self._alive(one, export)
            and _agrees(one, export)
            and export in self.by(one)
        )

    def _alive(self, said: Said, export: Export) -> bool:
        if not self.shown:
            return True
        if said.cntlid is not None:
            return (said.subsystem, said.cntlid) in self.live
        number = str(export.port.number)
        return any(nqn == said.subsystem and via in {None, number} for (nqn, _), via in self.live.items())

    def by(self, said: Said) -> list[Export]:
        """The ports that a line may be about: several where nothing tells them apart."""
        able = [one for one in self._exports.get((said.subsystem, said.nsid), ()) if one.devices.transport == "rdma"]
        via = self.live.get((said.subsystem, said.cntlid or 0)) if self.shown else None
        if via is not None:
            return [one for one in able if str(one.port.number) == via]
        line = said.line
        if isinstance(line, NoMemory):
            named = [one for one in able if any(device.name == line.device for device in one.devices.devices)]
        elif isinstance(line, Denied):
            named = [one for one in able if any(device.address == line.client for device in one.devices.devices)]
        else:
            named = [one for one in able if line.provider in one.prediction.providers]
            named = named or [one for one in able if line.provider in one.prediction.allowed]
        return named or ([] if isinstance(line, Denied) else able)


def _agrees(said: Said, export: Export) -> bool:
    """Whether a line can be about the namespace as it is set now; else it was set otherwise at the time."""
    wanted = export.prediction.setting
    if isinstance(wanted, Address):
        return not isinstance(said.line, NoMemory) and said.provider == wanted
    return wanted == "auto" and not isinstance(said.line, Denied)
