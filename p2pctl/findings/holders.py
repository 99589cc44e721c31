"""Who holds each used byte of a pool, as far as it can be known."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Map
from typing import TYPE_CHECKING, Literal, NamedTuple

from p2pctl.model.address import Address
from p2pctl.model.facts import Fact, Missing
from p2pctl.model.nvme import Controller, Nvme
from p2pctl.model.pools import Pool
from p2pctl.model.snapshot import Snapshot

if TYPE_CHECKING:  # a short command may never read these parts
    from p2pctl.model.holders import Mapping
    from p2pctl.model.nvmet import Nvmet

HolderKind = Literal["process", "nvme-queues", "nvmet", "driver", "kernel", "unknown"]
Basis = Literal["mapped", "computed", "inferred"]


class Holder(NamedTuple):
    """Somebody who holds bytes of a pool."""

    kind: HolderKind
    """``nvmet``, ``driver`` and ``kernel`` are what is left when all else is subtracted; ``unknown`` is what is left
    while some processes could not be looked into."""
    size: int
    """Bytes."""
    basis: Basis
    """``mapped``: the process's own map says so; ``computed``: from the queues' numbers; ``inferred``: the rest."""
    text: str
    """For people: the process, the queues, the suspected user."""
    pid: int | None = None
    user: str | None = None
    command: str | None = None
    shared: bool = False
    """Whether the bytes are counted with another process, from which it inherited the mapping."""


def used(pool: Pool) -> int | None:
    """Bytes that somebody holds; None while the levels are not known."""
    if isinstance(pool.size, Missing) or isinstance(pool.available, Missing):
        return None
    return max(pool.size - pool.available, 0)


def queue_bytes(pool: Pool, nvme: Nvme | None) -> int:
    """Bytes of the pool that the drive's own submission queues take; 0 where none can be there.

    The driver places them there unless ``nvme.use_cmb_sqes`` is off (drivers/nvme/host/pci.c). Where less is used
    than they would take, the driver found no room and left them in host memory.
    """
    controller = nvme.at(pool.address) if nvme else None
    if nvme is None or controller is None or isinstance(controller.cmb, Missing):
        return 0
    size = controller.queue_bytes()
    taken = used(pool)
    if size is None or taken is None or size > taken or nvme.queues_in_cmb is False:
        return 0
    return size if controller.cmb.submission_queues else 0


def unexplained(pool: Pool, nvme: Nvme | None) -> bool:
    """Whether bytes are used that the queues do not explain, so that looking for holders is worth its price."""
    taken = used(pool)
    return taken is not None and taken > queue_bytes(pool, nvme)


def holders(pool: Pool, snapshot: Snapshot) -> tuple[Holder, ...] | None:
    """The holders of a pool, largest first within each kind; None while nobody looked for them."""
    taken = used(pool)
    if taken is None or (unexplained(pool, snapshot.nvme) and snapshot.holders is None):
        return None
    queues = queue_bytes(pool, snapshot.nvme)
    processes = _processes(pool.address, snapshot, taken - queues)
    found = [*_queues(pool, snapshot.nvme), *processes]
    counted = queues + sum(holder.size for holder in processes if not holder.shared)
    if taken > counted:
        found.append(_rest(pool, taken - counted, snapshot))
    return tuple(found)


def _queues(pool: Pool, nvme: Nvme | None) -> Iterable[Holder]:
    size = queue_bytes(pool, nvme)
    controller = nvme.at(pool.address) if nvme else None
    if size and controller is not None:
        yield Holder("nvme-queues", size, "computed", _queue_text(controller))


def _queue_text(controller: Controller) -> str:
    if isinstance(controller.queue_count, Missing) or isinstance(controller.queue_depth, Missing):
        return f"{controller.name} submission queues"
    queues = controller.queue_count - 1
    plural = "s" if queues != 1 else ""
    return f"{controller.name}: {queues} submission queue{plural} of {controller.queue_depth} entries"


def _processes(address: Address, snapshot: Snapshot, room: int) -> list[Holder]:
    """The processes that map the pool, of which at most ``room`` bytes can be theirs."""
    mappings = snapshot.holders.mappings if snapshot.holders else ()
    ours = sorted((m for m in mappings if m.address == address), key=lambda m: (-m.size, m.pid))
    shared = {mapping.pid for mapping in ours if mapping.inherited}
    if sum(mapping.size for mapping in ours if mapping.pid not in shared) > room:
        # More than there is: copies whose parent is gone. Forked processes that each mapped a piece of their own have
        # the same ranges too, but then the sum is right.
        first = {mapping.ranges: mapping.pid for mapping in reversed(ours)}
        shared |= {mapping.pid for mapping in ours if first[mapping.ranges] != mapping.pid}
    return [_process(mapping, shared=mapping.pid in shared) for mapping in ours]


def _process(mapping: Mapping, *, shared: bool) -> Holder:
    notes = [", shared with another process"] if shared else []
    if mapping.via != "p2pmem/allocate":
        notes.append(f", through {mapping.via}")
    text = f"{mapping.command} (pid {mapping.pid}, {mapping.user})" + "".join(notes)
    return Holder("process", mapping.size, "mapped", text, mapping.pid, mapping.user, mapping.command, shared=shared)


def _rest(pool: Pool, size: int, snapshot: Snapshot) -> Holder:
    if snapshot.holders is not None and not snapshot.holders.complete:
        return Holder("unknown", size, "inferred", "processes of other users, or the kernel")
    if pool.published is True and snapshot.nvmet and _nvmet_may_use(pool.address, snapshot.nvmet):
        return Holder("nvmet", size, "inferred", "nvmet requests")
    if pool.published is False:
        driver = pool.function.driver
        return Holder("driver", size, "inferred", "its driver" if isinstance(driver, Missing) else f"driver {driver}")
    return Holder("kernel", size, "inferred", "a kernel user")


def _nvmet_may_use(address: Address, nvmet: Nvmet) -> bool:
    """Whether an enabled namespace names this pool, or leaves the choice to the kernel."""
    return any(
        namespace.attributes.get("enable") == "1" and _names(namespace.attributes, address)
        for subsystem in nvmet.subsystems.values()
        for namespace in subsystem.namespaces.values()
    )


def _names(attributes: Map[str, Fact[str]], address: Address) -> bool:
    setting = attributes.get("p2pmem")
    return setting == "1" or setting == str(address)
