"""What is known of a transfer through P2P memory."""

from __future__ import annotations

from typing import Literal, NamedTuple

Layout = Literal["pool", "pool-first", "ordinary-first"]
"""What the transfer's vector points to: a pool alone; or half of it a pool and half of it ordinary memory, by which of
the two comes first, since the kernel looks at the first page to decide how it maps all of them."""

LAYOUTS: dict[Layout, str] = {
    "pool": "P2P memory alone",
    "pool-first": "P2P memory, then ordinary memory",
    "ordinary-first": "ordinary memory, then P2P memory",
}

Direction = Literal["read", "write"]
"""``read``: from the drive into the pool. ``write``: from the pool to the drive."""

Result = Literal["works", "refused", "failed", "wrong", "unsettled", "not-tested"]
"""``works``: the kernel says that it is done, and the data are right. ``refused``: the kernel let no transfer begin.
``failed``: it began, and went wrong. ``wrong``: the kernel says that it is done, and the data are not there.
``unsettled``: somebody else kept writing there. ``not-tested``: no transfer was tried."""


class Levels(NamedTuple):
    """Bytes of a pool that nobody holds."""

    before: int | None
    during: int | None
    """While a piece of it is mapped."""


class Difference(NamedTuple):
    """How what arrived differs from what should have."""

    different: int
    """Bytes."""
    first: int
    """Where the first of them is, in bytes from the start of the transfer."""
    nothing_arrived: bool
    """Whether every byte is as it was before the transfer."""
    all_ones: bool
    """Whether every byte is 0xff, as a bus gives where nobody answers."""


class Observed(NamedTuple):
    """One transfer as it went."""

    direction: Direction
    layout: Layout
    disk: str
    """Path of the device node or file."""
    offset: int
    """Bytes from its start."""
    length: int
    """Bytes."""
    errno: int | None = None
    """What the kernel answered; None where it says that the transfer is done."""
    moved: int = 0
    """Bytes that it says were transferred."""
    settled: bool = True
    """Whether two ordinary transfers around it agreed; without that nothing can be said of the data."""
    difference: Difference | None = None
    attempts: int = 1
    uniform: bool = False
    """Whether all bytes there are alike, so that data at the wrong place would not show."""


class Judgement(NamedTuple):
    """What a transfer says about a prediction."""

    result: Result
    agrees: bool | None
    """Whether the kernel did as predicted; None where one of the two cannot be told."""
    text: str
    """What happened, in a sentence without its full stop."""
    meaning: str | None = None
    """What that means, and what is known of it."""
