"""``p2pctl explain --ask-kernel``: what the running kernel says, beside what is predicted."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from p2pctl.cli.drives import disks_of
from p2pctl.cli.workplace import workplace
from p2pctl.errors import UnsupportedError, UsageError
from p2pctl.hardware.nvmet_setup import ready
from p2pctl.model.address import Address
from p2pctl.proof.trace import Counts
from p2pctl.render.explain_case import Asked
from p2pctl.target.asking import ask_kernel
from p2pctl.target.inquiry import Inquiry, KernelAnswer
from p2pctl.target.interruption import deferred
from p2pctl.target.outcome import ChangeInterruptedError

if TYPE_CHECKING:
    from p2pctl.cli.session import Session
    from p2pctl.model.snapshot import Snapshot
    from p2pctl.resolver.verdict import Client


_NO_P2P = "is not supported by the driver of"
"""What the kernel logs of a disk whose queue takes none (drivers/nvme/target/core.c)."""


def check_askable(session: Session, *, assumed: bool) -> None:
    """Raises UsageError for what no kernel can be asked about, UnsupportedError for a recording."""
    if assumed:
        raise UsageError(
            "--ask-kernel and --assume exclude each other: the kernel knows nothing of what is assumed",
            hint="leave one of them out",
        )
    if session.door.kind in {"capture", "sysroot"}:
        raise UnsupportedError(
            "a recording has no kernel that could be asked", hint="leave --ask-kernel out, or run it on the host itself"
        )


def asked_kernel(
    session: Session, snapshot: Snapshot, provider: Address, clients: Sequence[Client]
) -> dict[Client, Asked]:
    """The kernel's answer for each client, or why it cannot be asked about it. Raises P2pctlError."""
    ready(session.door, load=False)
    disks = {client: disks[0] for client in clients if (disks := _disks(snapshot, client))}
    inquiries = tuple(Inquiry(provider, client, disk) for client, disk in disks.items() if isinstance(client, Address))
    session.narrator.detail(f"asking the kernel about {', '.join(disks.values()) or 'nothing'}")
    told = dict(zip(disks, ask_kernel(workplace(session), inquiries) if inquiries else (), strict=True))
    return {client: _asked(snapshot, client, told.get(client)) for client in clients}


def _disks(snapshot: Snapshot, client: Client) -> tuple[str, ...]:
    return disks_of(snapshot, client) if isinstance(client, Address) else ()


def _asked(snapshot: Snapshot, client: Client, told: KernelAnswer | None) -> Asked:
    if told is None:
        what = "it has no namespace that the NVMe target could serve"
        if snapshot.rdma and any(client == one.address for one in snapshot.rdma.devices.values()):
            what = "an RDMA device is only looked at when a host connects: p2pctl port state says what came of it"
        return Asked(None, f"the kernel cannot be asked about this client: {what}")
    name = told.inquiry.disk.rpartition("/")[2]
    disk = snapshot.block.devices.get(name) if snapshot.block else None
    own = disk.reason if disk is not None and disk.reason else None
    if told.answer == "allowed":
        return Asked(told, f"the kernel allows it: a namespace on {told.inquiry.disk} with this provider was enabled")
    if told.answer == "denied" and own is not None:
        text = (
            f"the kernel refuses {told.inquiry.disk} with any provider: {own}; of the drive behind it that says nothing"
        )
        return Asked(told, text, comparable=False)
    if any(_NO_P2P in line for line in told.log):
        return Asked(told, f"the driver of {told.inquiry.disk} takes no P2P memory at all", comparable=False)
    if told.answer == "denied" and not told.logged:
        text = f"the kernel refuses {told.inquiry.disk} with this provider; whether it is for the two, or because the "
        text += "driver takes no P2P memory at all, stands in the kernel's log, which cannot be read here"
        return Asked(told, text, comparable=False)
    if told.answer == "denied":
        why = errno.errorcode.get(told.errno or 0, str(told.errno))
        return Asked(told, f"the kernel refuses it: a namespace on {told.inquiry.disk} with this provider gives {why}")
    return Asked(told, f"the kernel did not look at the two: {told.text}", comparable=False)


def check_traceable(session: Session) -> None:
    """Raises UnsupportedError for what is no running kernel."""
    if session.door.kind != "live":
        raise UnsupportedError("only a running kernel can be traced", hint="leave --trace out, or run it on the host")


def traced_requests(session: Session, seconds: float) -> Counts:
    """Requests for pool memory in the next ``seconds``. Raises P2pctlError; ChangeInterruptedError for a signal."""
    from p2pctl.hardware.tracing import trace  # noqa: PLC0415

    session.narrator.note(f"counting requests for pool memory for {seconds:g} s")
    with deferred() as stop:
        counts = trace(session.door.files, os.getpid(), seconds, stop)
        if stop():
            raise ChangeInterruptedError(f"interrupted by {stop.name}: the probe is removed", hint="run it again")
        return counts
