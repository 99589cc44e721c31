"""What the demo host's NVMe target exports, and who is connected.

Port 1 (RDMA, on the adapter below switch A) exports a pool of drives whose I/O goes through P2P memory. Port 2 (TCP)
and port 3 (RDMA, on the other socket) export an archive: TCP cannot use P2P memory, and from port 3 no provider is
in reach of its drive. One namespace is on a multipath head, which the kernel would not enable with ``p2pmem`` set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from p2pctl.simulator.nodes import nest
from p2pctl.simulator.nvmet.environment import Environment
from p2pctl.simulator.nvmet.kernel import NvmetKernel
from p2pctl.simulator.tree import MemoryFiles

HOSTS = (
    "nqn.2014-08.org.nvmexpress:uuid:0f01fb42-9f7f-4856-b0b3-51e60b8de349",
    "nqn.2014-08.org.nvmexpress:uuid:91fdba0d-f87b-4c25-b80f-db7be1418b9e",
)
READER = "nqn.2014-08.org.nvmexpress:uuid:4c4c4544-0051-3510-8052-b4c04f4e4d33"
"""A host that reads the archive, which any may."""

POOL, ARCHIVE = "nqn.2026-11.org.example:pool0", "nqn.2026-11.org.example:archive"

_ROOT = "/sys/kernel/config/nvmet"


class _Namespace(NamedTuple):
    device: str
    attributes: Mapping[str, str]
    on: bool = True


_SUBSYSTEMS: Mapping[str, Mapping[int, _Namespace]] = {
    POOL: {
        1: _Namespace("/dev/nvme0n1", {"p2pmem": "1"}),
        2: _Namespace("/dev/nvme1n1", {"p2pmem": "0000:18:00.0"}),
        3: _Namespace("/dev/nvme2n1", {"p2pmem": "1", "ana_grpid": "2"}),
        4: _Namespace("/dev/nvme5n1", {"p2pmem": "1"}, on=False),
        5: _Namespace("/dev/nvme7n1", {}),
    },
    ARCHIVE: {
        1: _Namespace("/dev/md0", {}),
        2: _Namespace("/dev/nvme8n1", {"p2pmem": "1"}),
    },
}

_PORTS: Mapping[str, tuple[str, dict[str, str]]] = {
    "1": (POOL, {"trtype": "rdma", "traddr": "192.0.2.10", "trsvcid": "4420"}),
    "2": (ARCHIVE, {"trtype": "tcp", "traddr": "192.0.2.10", "trsvcid": "4421"}),
    "3": (ARCHIVE, {"trtype": "rdma", "traddr": "198.51.100.10", "trsvcid": "4420"}),
}


def build(kernel: NvmetKernel, environment: Environment) -> None:
    """Sets the target up, as its owner did it, and lets its hosts connect.

    ``environment`` is the host's; the kernel is given it here so that making it costs nothing before somebody looks.
    """
    kernel.environment = environment
    # What the kernel says while a target is set up has scrolled out of its log long ago: only the hosts are news.
    with kernel.log.muted():
        _configure(MemoryFiles(nest({"/sys/kernel/config": kernel.configfs})))
    kernel.connect("1", POOL, HOSTS[0], address="192.0.2.21", queues=16)
    kernel.connect("1", POOL, HOSTS[1], address="192.0.2.22", queues=16)
    kernel.connect("2", ARCHIVE, READER, address="192.0.2.30", queues=4)


def _configure(files: MemoryFiles) -> None:
    for nqn in HOSTS:
        files.mkdir(f"{_ROOT}/hosts/{nqn}")
    for nqn, namespaces in _SUBSYSTEMS.items():
        _subsystem(files, nqn, namespaces)
    for number, (nqn, attributes) in _PORTS.items():
        _port(files, number, nqn, attributes)


def _write(files: MemoryFiles, above: str, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        files.write(f"{above}/{name}", value.encode())


def _subsystem(files: MemoryFiles, nqn: str, namespaces: Mapping[int, _Namespace]) -> None:
    above = f"{_ROOT}/subsystems/{nqn}"
    files.mkdir(above)
    if nqn == ARCHIVE:
        _write(files, above, {"attr_model": "Example archive", "attr_allow_any_host": "1"})
    else:
        _write(files, above, {"attr_model": "Example pool"})
        for host in HOSTS:
            files.symlink(f"{_ROOT}/hosts/{host}", f"{above}/allowed_hosts/{host}")
    for nsid, one in namespaces.items():
        files.mkdir(f"{above}/namespaces/{nsid}")
        settings = {"device_path": one.device, **one.attributes} | ({"enable": "1"} if one.on else {})
        _write(files, f"{above}/namespaces/{nsid}", settings)


def _port(files: MemoryFiles, number: str, nqn: str, attributes: dict[str, str]) -> None:
    above = f"{_ROOT}/ports/{number}"
    files.mkdir(above)
    _write(files, above, {f"addr_{name}": value for name, value in (attributes | {"adrfam": "ipv4"}).items()})
    if number == "1":
        # Small writes are not to bypass the pool.
        _write(files, above, {"param_inline_data_size": "0"})
        files.mkdir(f"{above}/ana_groups/2")
        _write(files, f"{above}/ana_groups/2", {"ana_state": "non-optimized"})
    files.symlink(f"{_ROOT}/subsystems/{nqn}", f"{above}/subsystems/{nqn}")
