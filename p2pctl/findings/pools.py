"""The state of each pool, and why memory that could be one is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from p2pctl.errors import BusyError, P2pctlError
from p2pctl.findings.holders import Holder, holders, unexplained, used
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, Fact, Gap, Missing
from p2pctl.model.nvme import Cmb, Controller
from p2pctl.model.pci import Function
from p2pctl.model.pools import Pool
from p2pctl.model.snapshot import PartName, Snapshot
from p2pctl.resolver.selectors import not_found
from p2pctl.units import format_bytes

if TYPE_CHECKING:  # a short command may never read this part
    from p2pctl.model.kernel import Kernel

PoolKind = Literal["published", "private", "unregistered"]

ALIGNMENT = 2 << 20
"""Bytes: page-backed device memory comes in sub-sections (mm/sparse.c); the NVMe driver checks since 6.15."""


class Why(NamedTuple):
    """Why a memory buffer is no pool."""

    text: str
    advice: str | None = None
    """What would help, or tell more."""


@dataclass(frozen=True, slots=True)
class PoolState:
    """What p2pctl concludes about one pool."""

    function: Function
    controller: str | None
    """The NVMe controller whose memory it is."""
    name: str | None
    """What the device is called: its own model name, or that of a database."""
    state: Fact[PoolKind]
    why: Why | None
    """For ``unregistered``: the likely cause."""
    size: Fact[int]
    available: Fact[int]
    used: Fact[int]
    mappable: Fact[bool]
    holders: tuple[Holder, ...] | None
    """None while nobody looked."""

    @property
    def cause(self) -> str | None:
        """The likely cause, with what would help, in a sentence."""
        return None if self.why is None else ": ".join(filter(None, self.why))

    @property
    def address(self) -> Address:
        """Where the device is."""
        return self.function.address


def also_needed(snapshot: Snapshot, *, ask_holders: bool = False) -> set[PartName]:
    """The parts without which the pools of ``snapshot`` cannot be explained, dear ones only where they tell something.

    Looking for holders means looking into every process.
    """
    pools = snapshot.pools
    parts: set[PartName] = set()
    if pools is None:
        return parts
    if ask_holders or any(unexplained(pool, snapshot.nvme) for pool in pools.pools.values()):
        parts |= {"holders", "nvmet"}
    if pools.unregistered:
        parts.add("kernel")
    return parts


def pool_states(snapshot: Snapshot) -> tuple[PoolState, ...]:
    """All pools and all memory that should be one, in order of address."""
    if snapshot.pools is None:
        return ()
    found = [_registered(pool, snapshot) for pool in snapshot.pools.pools.values()]
    found += _unregistered(snapshot)
    return tuple(sorted(found, key=lambda state: state.address))


def holder_gaps(states: Iterable[PoolState]) -> tuple[Gap, ...]:
    """One gap for each pool whose holders nobody asked for."""
    return tuple(
        Gap("holders", str(state.address), None, None, "not asked (--holders)")
        for state in states
        if state.holders is None and not isinstance(state.used, Missing)
    )


def why_no_pool(snapshot: Snapshot, address: Address) -> P2pctlError:
    """The error that tells why a device has no pool to show: none at all, or not yet, or nobody may know."""
    gap = next((gap for gap in snapshot.gaps if gap.fact == "pool" and gap.address == str(address)), None)
    if gap is not None:
        return BusyError(
            f"whether {address} has P2P memory is not known yet",
            hint=f"it needs {gap.needs}: try again in a moment",
            path=gap.path,
        )
    return not_found(snapshot, f"{address} has no P2P memory", "p2pctl pool list shows which devices have")


def _registered(pool: Pool, snapshot: Snapshot) -> PoolState:
    controller = snapshot.nvme.at(pool.address) if snapshot.nvme else None
    taken = used(pool)
    return PoolState(
        function=pool.function,
        controller=controller.name if controller else None,
        name=_name(pool.function, controller),
        state=_kind(pool),
        why=None,
        size=pool.size,
        available=pool.available,
        used=_first_missing(pool.size, pool.available) if taken is None else taken,
        mappable=pool.mappable,
        holders=holders(pool, snapshot),
    )


def _kind(pool: Pool) -> Fact[PoolKind]:
    if isinstance(pool.published, Missing):
        return pool.published
    return "published" if pool.published else "private"


def _first_missing(*facts: Fact[int]) -> Missing:
    return next((fact for fact in facts if isinstance(fact, Missing)), ABSENT)


def _unregistered(snapshot: Snapshot) -> Iterable[PoolState]:
    for address, function in snapshot.pools.unregistered.items() if snapshot.pools else ():
        controller = snapshot.nvme.at(address) if snapshot.nvme else None
        if controller is None or isinstance(controller.cmb, Missing):
            continue
        yield PoolState(
            function=function,
            controller=controller.name,
            name=_name(function, controller),
            state="unregistered",
            why=unregistered_cause(function, controller.cmb, snapshot.kernel),
            size=ABSENT,
            available=ABSENT,
            used=ABSENT,
            mappable=False,
            holders=(),
        )


def _name(function: Function, controller: Controller | None) -> str | None:
    if controller is not None and not isinstance(controller.model, Missing):
        return controller.model
    if function.vendor_name and function.device_name:
        return f"{function.vendor_name} {function.device_name}"
    return function.device_name or function.vendor_name


def unregistered_cause(function: Function, cmb: Cmb, kernel: Kernel | None) -> Why:
    """Why the driver did not register a Controller Memory Buffer (drivers/nvme/host/pci.c, ``nvme_map_cmb``)."""
    if kernel is not None and kernel.p2pdma is False:
        return Why("this kernel was built without CONFIG_PCI_P2PDMA")
    if cmb.size == 0:
        return Why("CMBSZ gives a size of 0")
    if isinstance(function.bars, Missing):
        return Why(f"not known, since the BARs of {function.address} could not be read")
    bar = next((bar for bar in function.bars if bar.number == cmb.bar and bar.memory), None)
    if bar is None:
        return Why(
            f"BAR {cmb.bar}, which holds it, has no memory assigned", "look for 'can't assign' in the kernel log"
        )
    if cmb.offset >= bar.size:
        return Why(f"it starts at {format_bytes(cmb.offset)}, beyond BAR {cmb.bar} of {format_bytes(bar.size)}")
    start, size = bar.start + cmb.offset, min(cmb.size, bar.size - cmb.offset)
    if bar.start % ALIGNMENT or start % ALIGNMENT or size % ALIGNMENT:
        return Why(
            f"{format_bytes(size)} at {start:#x} is not aligned to 2 MiB, in start and size, as page-backed device "
            "memory has to be",
            "ask the vendor for a larger CMB",
        )
    if kernel is None or isinstance(kernel.p2pdma, Missing):
        text = "not known; perhaps this kernel was built without CONFIG_PCI_P2PDMA"
        return Why(text, "look for its build configuration")
    advice = "look for 'failed to register the CMB' and 'exceeds maximum addressable range' in the kernel log"
    return Why("not visible in sysfs", advice)
