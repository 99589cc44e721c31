"""What if: edits of a snapshot, so that the same questions can be asked of a host that is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from p2pctl.errors import NotFoundError, UsageError
from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.model.pci import Acs, acs_names
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.boot import boot, kernel_of, set_iommu, with_acs
from p2pctl.resolver.moves import move
from p2pctl.resolver.selection import parse_release, select
from p2pctl.resolver.selectors import find_device

_HINT = "cmdline=OPTIONS, acs:PORT=VALUE, kernel=7.3, iommu=off|on, move:DEVICE=SLOT or a port's address"


@dataclass(frozen=True, slots=True)
class Assumed:
    """A host that is not there."""

    snapshot: Snapshot
    sentences: tuple[str, ...]
    """What each edit was taken to mean, and what it leaves open, in their order."""


def assume(snapshot: Snapshot, edits: Iterable[str]) -> Assumed:
    """Applies edits in their order.

    ``cmdline=OPTIONS``, ``acs:PORT=VALUE``, ``kernel=RELEASE``, ``iommu=off|on``, ``move:DEVICE=SLOT`` or
    ``move:DEVICE=BRIDGE``. Rules are not part of a snapshot: select them anew, from ``snapshot.kernel.release``.
    Raises UsageError for what is no edit, NotFoundError for a device or slot that is not there, ValueError without
    the part ``pci``.
    """
    sentences: list[str] = []
    for edit in edits:
        snapshot, said = _apply(snapshot, edit)
        sentences += said
    return Assumed(snapshot, tuple(sentences))


def _apply(snapshot: Snapshot, edit: str) -> tuple[Snapshot, tuple[str, ...]]:
    what, equals, value = edit.partition("=")
    kind, colon, subject = what.partition(":")
    apply = _EDITS.get(f"{kind}{colon}")
    if apply is None or not equals or (colon and not subject):
        raise UsageError(f"{edit!r} is nothing to assume", hint=_HINT)
    return apply(snapshot, subject, value)


def _cmdline(snapshot: Snapshot, _: str, value: str) -> tuple[Snapshot, tuple[str, ...]]:
    return boot(snapshot, value)


def _kernel(snapshot: Snapshot, _: str, value: str) -> tuple[Snapshot, tuple[str, ...]]:
    if parse_release(value) is None:
        raise UsageError(f"{value!r} is no kernel release", hint="as in kernel=7.3 or kernel=6.12.38")
    rules = select(value).rules
    snapshot = replace(
        snapshot,
        kernel=replace(kernel_of(snapshot), release=value),
        source=replace(snapshot.source, kernel=value),
    )
    return snapshot, (f"the kernel is {value}: its rules are {rules.name}, its ACS settings those of now",)


def _iommu(snapshot: Snapshot, _: str, value: str) -> tuple[Snapshot, tuple[str, ...]]:
    if value not in {"on", "off"}:
        raise UsageError(f"the IOMMU is on or off, not {value!r}", hint="iommu=off or iommu=on")
    return set_iommu(snapshot, on=value == "on")


def _acs(snapshot: Snapshot, subject: str, value: str) -> tuple[Snapshot, tuple[str, ...]]:
    try:
        control = int(value, 16)
    except ValueError:
        control = -1
    if not 0 <= control <= 0x7F:
        raise UsageError(
            f"{value!r} is no value of ACS Control", hint="hexadecimal, 0 to 7f, as in acs:0000:02:00.0=11"
        )
    port = find_device(snapshot, subject)
    function = snapshot.pci.functions.get(port) if snapshot.pci else None
    if function is None:
        raise NotFoundError(f"no PCI function {port}", hint="p2pctl device list shows what is there")
    acs = function.config.acs
    if acs is Missing.ABSENT:
        raise UsageError(f"{port} has no ACS", hint="p2pctl topology shows the ports that have")
    able = control if isinstance(acs, Missing) else acs.capability
    held = control & able

    def change(address: Address, now: object) -> Acs | Missing:
        if address == port:
            return Acs(able, held)
        return now if isinstance(now, (Acs, Missing)) else Missing.NOT_READ

    said = [f"ACS Control of {port} is {held:#04x}: {' '.join(acs_names(held)) or 'nothing is on'}"]
    if held != control:
        said.append(f"it cannot do {' '.join(acs_names(control & ~able))}")
    return with_acs(snapshot, change), tuple(said)


def _move(snapshot: Snapshot, subject: str, value: str) -> tuple[Snapshot, tuple[str, ...]]:
    if not value:
        raise UsageError("move: names no slot", hint="move:DEVICE=SLOT or a port's address")
    return move(snapshot, find_device(snapshot, subject), Address.parse(value) or value)


_EDITS: Mapping[str, Callable[[Snapshot, str, str], tuple[Snapshot, tuple[str, ...]]]] = {
    "cmdline": _cmdline,
    "kernel": _kernel,
    "iommu": _iommu,
    "acs:": _acs,
    "move:": _move,
}
