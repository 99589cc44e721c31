"""Who holds each used byte of a pool, as far as it can be known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from p2pctl.model.address import Address
from p2pctl.model.facts import Fact, Missing
from p2pctl.model.nvme import Controller, Nvme
from p2pctl.model.pools import Pool
from p2pctl.model.snapshot import Snapshot

if TYPE_CHECKING:  # a short command may never read this part
    from p2pctl.model.nvmet import Nvmet

HolderKind = Literal["process", "nvme-queues", "nvmet", "driver", "kernel", "unknown"]
Basis = Literal["mapped", "computed", "inferred"]


@dataclass(frozen=True, slots=True)
class Holder:
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
    """Whether the bytes are counted with its parent, from which it inherited the mapping."""


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
    found = [*_queues(pool, snapshot.nvme), *_processes(pool.address, snapshot)]
    counted = sum(h.size for h in found if h.kind == "nvme-queues") + _mapped_once(pool.address, snapshot)
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


def _processes(address: Address, snapshot: Snapshot) -> list[Holder]:
    mappings = snapshot.holders.mappings if snapshot.holders else ()
    ours = sorted((m for m in mappings if m.address == address), key=lambda m: (-m.size, m.pid))
    return [
        Holder(
            "process",
            mapping.size,
            "mapped",
            f"{mapping.command} (pid {mapping.pid}, {mapping.user})"
            + (", shared with its parent" if mapping.inherited else "")
            + ("" if mapping.via == "p2pmem/allocate" else f", through {mapping.via}"),
            mapping.pid,
            mapping.user,
            mapping.command,
            mapping.inherited,
        )
        for mapping in ours
    ]


def _mapped_once(address: Address, snapshot: Snapshot) -> int:
    mappings = snapshot.holders.mappings if snapshot.holders else ()
    return sum(m.size for m in mappings if m.address == address and not m.inherited)


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


def _names(attributes: Mapping[str, Fact[str]], address: Address) -> bool:
    setting = attributes.get("p2pmem")
    return setting == "1" or setting == str(address)
