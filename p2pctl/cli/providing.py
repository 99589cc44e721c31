"""P2P memory of a namespace: the provider as a user names it, and what the kernel and the ports will make of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from p2pctl.cli.session import Session
    from p2pctl.model.snapshot import PartName

_PARTS: tuple[PartName, ...] = ("pci", "pools", "nvme", "block", "rdma")

_WHOLE = 2
"""Colons of an address with its domain: such a one is for the kernel to judge."""


def provider(
    session: Session, texts: list[str], flags: Mapping[str, str | bool | None]
) -> tuple[list[str], Mapping[str, str | bool | None]]:
    """Arguments and flags with ``p2pmem`` as the kernel takes it, where it names a device in some other way.

    Raises NotFoundError, also for a device without P2P memory, UsageError for an ambiguous name.
    """
    prefix = "p2pmem="
    resolved = [
        prefix + _resolved(session, text.removeprefix(prefix)) if text.startswith(prefix) else text for text in texts
    ]
    flag = flags.get("p2pmem")
    return resolved, {**flags, "p2pmem": _resolved(session, flag) if isinstance(flag, str) else flag}


def _resolved(session: Session, text: str) -> str:
    from p2pctl.errors import NotFoundError, UsageError  # noqa: PLC0415
    from p2pctl.model.address import Address  # noqa: PLC0415
    from p2pctl.resolver.selectors import find_device  # noqa: PLC0415
    from p2pctl.target.schema import check_value  # noqa: PLC0415

    if not text:
        raise UsageError("p2pmem is empty", hint="auto, off, or the device whose memory is to be used")
    if text.count(":") == _WHOLE or not Address.parse(text):
        try:
            return check_value("namespace", "p2pmem", text)
        except ValueError:
            pass  # a name, which only this host can tell
    snapshot = session.snapshot(_PARTS)
    found = find_device(snapshot, session.followed(text))
    pools = snapshot.pools
    if pools is not None and not pools.gaps and found not in pools.pools:
        raise NotFoundError(
            f"{text} ({found}) has no P2P memory, which a provider must have",
            hint="p2pctl pool list shows who offers memory",
        )
    return str(found)
