"""Whether a pool has room for one more request: below that, requests go through system memory without a word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, Missing
from p2pctl.model.nvmet import Port
from p2pctl.model.pools import Pools
from p2pctl.resolver.verdict import Reason
from p2pctl.units import format_bytes

LARGEST_REQUEST = 1 << 20
"""Bytes that one request over RDMA takes at most (drivers/nvme/target/rdma.c, ``NVMET_RDMA_MAX_MDTS``); a port's
``param_mdts`` may set less."""


def largest_request(port: Port) -> int:
    """Bytes that one request by this port takes at most: ``param_mdts`` is a power of two of 4 KiB, 0 for no limit."""
    text = port.attributes.get("param_mdts", ABSENT)
    if isinstance(text, Missing) or not text.isascii() or not text.isdigit() or not 0 < int(text) < 9:
        return LARGEST_REQUEST
    return min(4096 << int(text), LARGEST_REQUEST)


def room(
    pools: Pools | None, port: Port, providers: Iterable[Address]
) -> tuple[Literal["falls-back", "possibly-exhausted", "confirmed"], list[Reason]]:
    """What becomes of I/O by a port that uses the memory of these providers, and why where that is not all well."""
    largest = largest_request(port)
    low = []
    for address in providers:
        pool = pools.pools.get(address) if pools else None
        if pool is None:
            if pools is not None and not pools.gaps:
                text = f"{address} has no P2P memory any more: I/O goes through system memory"
                return "falls-back", [Reason("pool-vanished", text, address)]
            continue
        if not isinstance(pool.available, Missing) and pool.available < largest:
            text = (
                f"{format_bytes(pool.available)} are left in {address}, less than one request may take "
                f"({format_bytes(largest)}): larger ones go through system memory without a word"
            )
            low.append(Reason("pool-low", text, address))
    return ("possibly-exhausted", low) if low else ("confirmed", [])
