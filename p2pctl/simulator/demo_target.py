"""What the demo host's NVMe target exports.

Port 1 (RDMA, on the adapter below switch A) exports a pool of drives whose I/O goes through P2P memory. Port 2 (TCP)
and port 3 (RDMA, on the other socket) export an archive: TCP cannot use P2P memory, and from port 3 no provider is
in reach of its drive. One namespace is on a multipath head, which the kernel would not enable with ``p2pmem`` set.
"""

from __future__ import annotations

from p2pctl.simulator.target import Port, Subsystem, TargetNamespace

HOSTS = (
    "nqn.2014-08.org.nvmexpress:uuid:0f01fb42-9f7f-4856-b0b3-51e60b8de349",
    "nqn.2014-08.org.nvmexpress:uuid:91fdba0d-f87b-4c25-b80f-db7be1418b9e",
)

POOL, ARCHIVE = "nqn.2026-11.org.example:pool0", "nqn.2026-11.org.example:archive"

_ON = {"enable": "1"}

SUBSYSTEMS = (
    Subsystem(
        nqn=POOL,
        hosts=HOSTS,
        attributes={"attr_model": "Example pool"},
        namespaces={
            1: TargetNamespace(device="/dev/nvme0n1", attributes=_ON | {"p2pmem": "1"}),
            2: TargetNamespace(device="/dev/nvme1n1", attributes=_ON | {"p2pmem": "0000:18:00.0"}),
            3: TargetNamespace(device="/dev/nvme2n1", attributes=_ON | {"p2pmem": "1", "ana_grpid": "2"}),
            4: TargetNamespace(device="/dev/nvme5n1", attributes={"p2pmem": "1"}),
            5: TargetNamespace(device="/dev/nvme7n1", attributes=_ON),
        },
    ),
    Subsystem(
        nqn=ARCHIVE,
        attributes={"attr_allow_any_host": "1", "attr_model": "Example archive"},
        namespaces={
            1: TargetNamespace(device="/dev/md0", attributes=_ON),
            2: TargetNamespace(device="/dev/nvme8n1", attributes=_ON | {"p2pmem": "1"}),
        },
    ),
)

# What a port was not told, the kernel fills in when the first subsystem is linked.
PORTS = (
    Port(
        number=1,
        attributes={
            "addr_adrfam": "ipv4", "addr_traddr": "192.0.2.10", "addr_trsvcid": "4420", "addr_trtype": "rdma",
            "addr_tsas": "connected", "param_inline_data_size": "0", "param_max_queue_size": "128", "param_mdts": "0",
        },
        subsystems=(POOL,),
        groups={2: "non-optimized"},
    ),
    Port(
        number=2,
        attributes={
            "addr_adrfam": "ipv4", "addr_traddr": "192.0.2.10", "addr_trsvcid": "4421", "addr_trtype": "tcp",
            "addr_tsas": "none", "param_inline_data_size": "16384", "param_max_queue_size": "1024", "param_mdts": "0",
        },
        subsystems=(ARCHIVE,),
    ),
    Port(
        number=3,
        attributes={
            "addr_adrfam": "ipv4", "addr_traddr": "198.51.100.10", "addr_trsvcid": "4420", "addr_trtype": "rdma",
            "addr_tsas": "connected", "param_inline_data_size": "4096", "param_max_queue_size": "128",
            "param_mdts": "0",
        },
        subsystems=(ARCHIVE,),
    ),
)  # fmt: skip
