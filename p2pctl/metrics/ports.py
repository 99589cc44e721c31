"""Samples of the target's ports: where they listen, whether they can be reached there, and who is connected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from p2pctl.metrics import families as f
from p2pctl.metrics.families import Sheet
from p2pctl.metrics.labels import foremost
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing
from p2pctl.model.network import Network
from p2pctl.model.nvmet import Nvmet, Port, kernel_number
from p2pctl.model.snapshot import PartName, Snapshot
from p2pctl.target.port_rules import IP, ip_version, overlap


def network_needed(snapshot: Snapshot) -> set[PartName]:
    """The part that tells whether ports can be reached: only where one exports something by an IP address."""
    ports = snapshot.nvmet.ports.values() if snapshot.nvmet else ()
    return {"network"} if any(port.links and _text(port, "trtype") in IP for port in ports) else set()


def shown_ports(nvmet: Nvmet) -> tuple[Sequence[Port], int]:
    """The ports that have samples of their own, those that export something first, and how many have none."""
    return foremost(nvmet.ports.values(), lambda port: bool(port.links))


def port_samples(sheet: Sheet, snapshot: Snapshot, nvmet: Nvmet) -> None:
    """Samples of each port."""
    shown, left_out = shown_ports(nvmet)
    sheet.add(f.LEFT_OUT, left_out, "port")
    network = snapshot.network
    for port in shown:
        values = (port.attributes.get(f"addr_{name}", ABSENT) for name in ("trtype", "traddr", "trsvcid"))
        sheet.add(f.PORT_INFO, 1, port.name, *values)
        # A table that is not whole, or of another network namespace, says nothing of what is not in it.
        if network is not None and not network.gaps:
            sheet.add(f.PORT_ADDRESS, _has_address(port, network), port.name)
            sheet.add(f.PORT_LISTENING, _listens(port, network), port.name)
    _controllers(sheet, snapshot, shown)


def _text(port: Port, name: str) -> str:
    value = port.attributes.get(f"addr_{name}")
    return value if isinstance(value, str) else ""


def _is_judged(port: Port) -> bool:
    return bool(port.links) and _text(port, "trtype") in IP and ip_version(_text(port, "traddr")) is not None


def _has_address(port: Port, network: Network) -> Fact[bool]:
    return network.local(_text(port, "traddr")) if _is_judged(port) else ABSENT


def _listens(port: Port, network: Network) -> Fact[bool]:
    """Of TCP alone the kernel has a list."""
    if not _is_judged(port) or _text(port, "trtype") != "tcp":
        return ABSENT
    number = kernel_number(_text(port, "trsvcid"))
    if number is None or isinstance(network.listening, Missing):
        return UNREADABLE
    address = _text(port, "traddr")
    return any(one.port == number and overlap("tcp", address, one.address) for one in network.listening)


def _controllers(sheet: Sheet, snapshot: Snapshot, shown: Sequence[Port]) -> None:
    connections = snapshot.connections
    if connections is None or connections.debugfs is not True or connections.gaps:
        return
    counts = Counter(one.port for one in connections.controllers)
    for port in shown:
        sheet.add(f.PORT_CONTROLLERS, counts[str(port.number)], port.name)
