"""RNBD and RTRS: block devices over RDMA.

Neither driver ever uses peer-to-peer memory (drivers/block/rnbd, drivers/infiniband/ulp/rtrs).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from p2pctl.model.facts import ABSENT, Fact, Gap

Side = Literal["client", "server"]


class RtrsStatistics(NamedTuple):
    """Counters of one path since it was made or reset."""

    reads: Fact[int]
    read_bytes: Fact[int]
    writes: Fact[int]
    written_bytes: Fact[int]
    inflight: Fact[int]
    """Requests under way; a server does not tell (ABSENT)."""
    failovers: Fact[int]
    """Requests that another path took over; clients only."""
    reconnects: Fact[int]
    """Successful ones; clients only."""
    failed_reconnects: Fact[int]
    """Clients only."""


class RtrsPath(NamedTuple):
    """One connection of a session, between two addresses."""

    name: str
    """``SOURCE@DESTINATION``, as its directory is called."""
    state: Fact[str]
    """``connected``, ``disconnected``; a server shows only what is connected (ABSENT)."""
    device: Fact[str]
    """RDMA device."""
    device_port: Fact[int]
    source: Fact[str]
    destination: Fact[str]
    latency: Fact[int]
    """Nanoseconds; clients only."""
    statistics: RtrsStatistics


class RtrsSession(NamedTuple):
    """A session: the paths between this host and another one."""

    name: str
    side: Side
    paths: tuple[RtrsPath, ...]
    policy: Fact[str]
    """How the paths are chosen, in the kernel's words; clients only."""
    max_reconnect_attempts: Fact[int]
    """-1 for no limit; clients only."""


class MappedDevice(NamedTuple):
    """A block device of another host (client)."""

    name: str
    """``rnbd0``."""
    session: Fact[str]
    remote: Fact[str]
    """What it is called on the server."""
    state: Fact[str]
    """``init``, ``open``, ``closed``, ``unmapped``, ``unknown``."""
    access: Fact[str]
    """``ro``, ``rw``, ``migration``."""
    poll_queues: Fact[int]
    size: Fact[int]
    """Bytes."""


class ExportSession(NamedTuple):
    """One client's use of an exported device."""

    session: str
    remote: Fact[str]
    """What the client called the device when it mapped it."""
    access: Fact[str]
    """``ro``, ``rw``, ``migration``."""
    read_only: Fact[bool]


class ExportedDevice(NamedTuple):
    """A block device that clients have mapped (server)."""

    name: str
    block_device: Fact[str]
    """Kernel name of the block device, such as ``nvme0n1``."""
    sessions: tuple[ExportSession, ...]


class Rnbd(NamedTuple):
    """The part of a Snapshot that holds RNBD and RTRS."""

    taken: float
    client: Fact[bool]
    """Whether the RNBD client is loaded."""
    server: Fact[bool]
    sessions: tuple[RtrsSession, ...] = ()
    mapped: tuple[MappedDevice, ...] = ()
    exported: tuple[ExportedDevice, ...] = ()
    port: Fact[int] = ABSENT
    """The port that the server listens on (``port_nr``)."""
    search_path: Fact[str] = ABSENT
    """Below this every client may map any block device (``dev_search_path``); may contain ``%SESSNAME%``."""
    gaps: tuple[Gap, ...] = ()
    uses_p2p: Literal[False] = False
    """Never."""
