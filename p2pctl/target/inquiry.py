"""What the running kernel is asked about a pair, and what it says."""

from __future__ import annotations

from typing import Literal, NamedTuple

from p2pctl.model.address import Address


class Inquiry(NamedTuple):
    """What the kernel is asked."""

    provider: Address
    client: Address
    disk: str
    """Path of the client's device node."""


class KernelAnswer(NamedTuple):
    """What it said."""

    inquiry: Inquiry
    answer: Literal["allowed", "denied", "not-asked"]
    """``not-asked``: it refused the provider or the disk before it looked at the two together."""
    errno: int | None = None
    attribute: str | None = None
    """Name of the attribute whose store it refused."""
    text: str | None = None
    """What that means."""
    log: tuple[str, ...] = ()
    """What it logged meanwhile."""
    logged: bool = True
    """Whether its log could be read: an errno alone does not tell every reason from another."""
