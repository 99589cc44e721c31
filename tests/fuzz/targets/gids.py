"""GIDs and what stands beside them: attributes of an RDMA device's ports, and a port of the target that needs one.

Lines of ``PATH VALUE`` below the device's directory; that of ``address`` is the target's port.
"""

from __future__ import annotations

from p2pctl.hardware.rdma import read_rdma
from p2pctl.hardware.reading import Reader
from p2pctl.model.nvmet import Port
from p2pctl.resolver.ports import port_devices
from p2pctl.resolver.selection import find_rules
from p2pctl.simulator.nodes import Contents, File, Link
from tests.fuzz.sound import check_facts
from tests.trees import tree

_FUNCTION = "/sys/devices/pci0000:00/0000:00:03.0"
_DEVICE = f"{_FUNCTION}/infiniband/mlx5_0"
_HOST: dict[str, Contents | Link | File | None] = {
    "/sys/class/infiniband/mlx5_0": Link("../../devices/pci0000:00/0000:00:03.0/infiniband/mlx5_0"),
    "/sys/class/net/eth0": Link("../../devices/pci0000:00/0000:00:03.0/net/eth0"),
    f"{_FUNCTION}/net/eth0/operstate": b"up\n",
    f"{_FUNCTION}/driver": Link("../../../bus/pci/drivers/mlx5_core"),
}
_RULES = find_rules("linux-7.3")


def check(data: bytes) -> None:
    """Whatever the driver shows, GIDs are facts that a document holds, and who serves the port is told, or why not."""
    entries = dict(_HOST)
    address = "192.0.2.1"
    for line in data.split(b"\n")[:64]:
        name, _, value = line.partition(b" ")
        path = f"{_DEVICE}/{name.decode('utf-8', 'surrogateescape')}"
        if name == b"address":
            address = value.decode("utf-8", "surrogateescape")
        elif _fits(path, entries):
            entries[path] = value + b"\n"
    rdma = read_rdma(Reader(tree(entries)), 0.0)
    for device in rdma.devices.values():
        for port in device.ports:
            assert all(gid.index >= 0 for gid in port.gids)
            check_facts(*((gid.gid, gid.type, gid.interface) for gid in port.gids))
    found = port_devices(Port("1", {"addr_trtype": "rdma", "addr_traddr": address}), rdma, _RULES)
    assert found.devices or found.reasons or found.warnings
    assert all(reason.text for reason in (*found.reasons, *found.warnings))


def _fits(path: str, entries: dict[str, Contents | Link | File | None]) -> bool:
    """Whether a kernel could have such a file beside the others: a file is no directory."""
    parts = path.split("/")
    sound = all(part not in {"", ".", ".."} and "\0" not in part for part in parts[1:])
    above = {"/".join(parts[:count]) for count in range(2, len(parts))}
    return sound and above.isdisjoint(entries) and not any(other.startswith(f"{path}/") for other in entries)
