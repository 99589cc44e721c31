"""Verdicts about the disks, pools and RDMA devices of one host, each worked out once however many ports ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from p2pctl.errors import NotFoundError
from p2pctl.model.address import Address
from p2pctl.model.block import BlockDevice
from p2pctl.model.facts import Fact, Missing
from p2pctl.model.pools import Pool
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.bandwidth import bandwidth
from p2pctl.resolver.disks import whole_disk
from p2pctl.resolver.explain import resolve
from p2pctl.resolver.providers import Ranking, rank_providers
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.selection import Selection, parse_release, select
from p2pctl.resolver.topology import Topology
from p2pctl.resolver.verdict import Joint, Reason

_UNTOLD = Joint("unknown", "unknown", None, ())


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What the links between a pool and its clients could carry at most, in one direction."""

    kind: str
    """``ceiling``, ``measured-range`` or ``no-prediction``, as for a pair."""
    high: float | None
    """GB/s (10^9 bytes)."""
    limiting: Address | None
    """Lower end of the link that carries least."""


class Judge:
    """One host under one set of rules. Raises NotFoundError for rules that nobody knows."""

    def __init__(
        self, snapshot: Snapshot, rules: str | None = None, followed: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.snapshot = snapshot
        self.selection: Selection = select(snapshot.source.kernel, name=rules)
        self.resolver = Resolver(Topology.of(snapshot), self.selection.rules)
        self.pools: Mapping[Address, Pool] = snapshot.pools.pools if snapshot.pools else {}
        self._followed = followed
        self._rankings: dict[tuple[Address, ...], Ranking | None] = {}
        self._ceilings: dict[tuple[Address, Address], Ceiling | None] = {}

    def disk(self, path: str) -> tuple[str, BlockDevice | None]:
        """The whole disk that a device path means: its name, and what is known of it."""
        name = whole_disk(self._followed.get(path, path))
        block = self.snapshot.block
        return name, block.devices.get(name) if block else None

    def published(self, provider: Address) -> bool | None:
        """Whether the kernel offers a pool on this function to the target; None where that is not known."""
        pool = self.pools.get(provider)
        if pool is not None:
            return None if isinstance(pool.published, Missing) else pool.published
        pools = self.snapshot.pools
        if pools is None:
            return None
        hidden = any(gap.fact == "pci functions" or gap.address == str(provider) for gap in pools.gaps)
        return None if hidden else False

    def exists(self, function: Address) -> bool | None:
        """Whether there is such a function."""
        if function in self.pools:
            return True
        pci = self.snapshot.pci
        if pci is None:
            return None
        return True if function in pci.functions else None if pci.gaps and not pci.functions else False

    def joint(self, provider: Address, clients: tuple[Address, ...]) -> Joint:
        """What holds for some clients of a provider together; unknown for functions that were not read."""
        try:
            return self.resolver.joint(provider, clients)
        except NotFoundError:
            return _UNTOLD

    def why(self, provider: Address, client: Address) -> tuple[Reason, ...]:
        """The reasons of one verdict."""
        try:
            return resolve(self.resolver, provider, client).reasons
        except NotFoundError:
            return (Reason("function-unknown", f"the tree does not show {provider} and {client}"),)

    def ranking(self, clients: tuple[Address, ...]) -> Ranking | None:
        """How the kernel would rank the pools; None where that cannot be told."""
        key = tuple(sorted(clients))
        if key not in self._rankings:
            self._rankings[key] = self._rank(key)
        return self._rankings[key]

    def _rank(self, clients: tuple[Address, ...]) -> Ranking | None:
        if self.snapshot.pools is None:
            return None
        try:
            return rank_providers(self.resolver, self.pools.values(), clients)
        except NotFoundError:
            return None

    def ceiling(self, provider: Address, clients: tuple[Address, ...]) -> Ceiling | None:
        """The least that the ways from the clients to a provider could carry; None where they need no link."""
        found = [one for one in (self._ceiling(provider, client) for client in clients) if one is not None]
        untold = next((one for one in found if one.high is None), None)
        return untold or min(found, key=lambda one: one.high or 0.0, default=None)

    def _ceiling(self, provider: Address, client: Address) -> Ceiling | None:
        key = (provider, client)
        if key not in self._ceilings:
            self._ceilings[key] = self._ceiling_of(provider, client)
        return self._ceilings[key]

    def _ceiling_of(self, provider: Address, client: Address) -> Ceiling | None:
        if self.snapshot.pci is None:
            return None
        try:
            found = bandwidth(self.snapshot, resolve(self.resolver, provider, client))
        except NotFoundError:
            return None
        return None if found is None else Ceiling(found.kind, found.high, found.limiting)

    def since_release(self, version: tuple[int, int]) -> bool | None:
        """Whether the kernel is at least of this release; None where its release is no number."""
        release: Fact[str] = self.snapshot.source.kernel
        parsed = None if isinstance(release, Missing) else parse_release(release)
        return None if parsed is None else parsed.version >= version
