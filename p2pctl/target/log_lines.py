"""What the lines of the kernel's log say about controllers and their P2P memory.

A host's name for itself, any text of up to 255 bytes, stands in some of them. So a line counts only as a whole, from
its first character on: what a name contains can never be taken for a line of its own.

drivers/nvme/target/core.c, rdma.c and tcp.c; drivers/pci/p2pdma.c (``pci_p2pdma_distance_many``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from p2pctl.model.address import Address
from p2pctl.model.log import Record

NQN_BYTES = 223
"""What the kernel keeps of a longer name (include/linux/nvme.h, ``NVMF_NQN_SIZE``)."""


class Using(NamedTuple):
    """A controller got P2P memory for a namespace. Which controller, the line does not tell."""

    record: Record
    provider: Address
    nsid: int


class NoMemory(NamedTuple):
    """A controller found none that both its RDMA device and the disk may use."""

    record: Record
    device: str
    """RDMA device."""
    path: str
    """The namespace's ``device_path``."""


class Denied(NamedTuple):
    """A client may not use a provider: said of disks when a namespace is enabled, of network cards at a connect."""

    record: Record
    client: Address
    provider: Address


class Created(NamedTuple):
    """A controller began. The lines about its P2P memory, if any, stand before this one."""

    record: Record
    cntlid: int
    subsystems: tuple[str, ...]
    """NQN; several where the line may be read in several ways."""
    host: str
    """The host's NQN."""
    discovery: bool


class Ended(NamedTuple):
    """A controller ended, or was given up."""

    record: Record
    cntlid: int | None
    """None for one that failed before it had been announced."""
    text: str


class PortEnabled(NamedTuple):
    """A port began to listen: whatever controllers it had had are gone."""

    record: Record
    number: int


Event: TypeAlias = Using | NoMemory | Denied | Created | Ended | PortEnabled

_USING = re.compile(r"nvmet: using p2pmem on ([0-9a-f:.]{12,16}) for nsid ([0-9]{1,10})")
_NO_MEMORY = re.compile(
    r"nvmet: no peer-to-peer memory is available that's supported by (\S{1,64}) and (.{1,4096})", re.DOTALL
)
_DENIED = re.compile(
    r"\S{1,64} ([0-9a-f:.]{12,16}): cannot be used for peer-to-peer DMA as the client and provider "
    r"\(([0-9a-f:.]{12,16})\) do not share an upstream bridge(?: or whitelisted host bridge)?\.?"
)
_CREATED = re.compile(
    r"nvmet: (?:Created|creating) (?:(nvm|discovery) )?controller ([0-9]{1,5}) for subsystem (.{1,8192})\.", re.DOTALL
)
_ENDED = re.compile(
    r"nvmet: ctrl ([0-9]{1,5}) (keep-alive timer \([0-9]{1,10} seconds\) expired!|fatal error occurred!)"
)
_FAILED = re.compile(r"nvmet: Failed to setup authentication, dhchap status -?[0-9]{1,10}")
_ENABLED = re.compile(r"nvmet_(?:rdma|tcp): enabling port ([0-9]{1,5}) \(\S{1,128}\)")
_FOR = " for NQN "
_SUFFIXES = (", TLS", " with DH-HMAC-CHAP", " T10-PI is enabled")


def events(records: Iterable[Record], subsystems: Iterable[str] = ()) -> Iterator[Event]:
    """What the log says, in its order; ``subsystems`` are the NQNs that exist, which tell names from each other."""
    known = {
        nqn.encode(errors="surrogateescape")[:NQN_BYTES].decode(errors="surrogateescape"): nqn for nqn in subsystems
    }
    for record in records:
        event = _event(record, known)
        if event is not None:
            yield event


def _event(record: Record, known: dict[str, str]) -> Event | None:
    text = record.text.removesuffix("\n")
    if match := _USING.fullmatch(text):
        provider = Address.from_sysfs(match[1])
        return None if provider is None else Using(record, provider, int(match[2]))
    if match := _NO_MEMORY.fullmatch(text):
        return NoMemory(record, match[1], match[2])
    if match := _DENIED.fullmatch(text):
        client, provider = Address.from_sysfs(match[1]), Address.from_sysfs(match[2])
        return None if client is None or provider is None else Denied(record, client, provider)
    if match := _CREATED.fullmatch(text):
        return _created(record, int(match[2]), match[3], known, discovery=match[1] == "discovery")
    if match := _ENDED.fullmatch(text):
        return Ended(record, int(match[1]), match[2])
    if _FAILED.fullmatch(text):
        return Ended(record, None, "authentication could not be set up")
    if match := _ENABLED.fullmatch(text):
        return PortEnabled(record, int(match[1]))
    return None


def _created(record: Record, cntlid: int, rest: str, known: dict[str, str], *, discovery: bool) -> Created | None:
    """Where a host's name contains `` for NQN ``, only names that exist tell where the subsystem's ends."""
    found = [(nqn, rest[len(name) + len(_FOR) :]) for name, nqn in known.items() if rest.startswith(name + _FOR)]
    if not found:
        subsystem, separator, host = rest.partition(_FOR)
        if not separator:
            return None
        found = [(subsystem, host)]
    host = min((one for _, one in found), key=len)
    for suffix in _SUFFIXES:
        host = host.removesuffix(suffix)
    return Created(record, cntlid, tuple(nqn for nqn, _ in found), host, discovery)
