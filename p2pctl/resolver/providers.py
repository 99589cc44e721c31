"""Which provider the kernel would choose for some clients (drivers/pci/p2pdma.c, ``pci_p2pmem_find_many``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.model.pools import Pool
from p2pctl.resolver.logic import Answer, all_of
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.verdict import Client, Joint, VerdictWord


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pool, and how it stands."""

    address: Address
    published: Answer
    """Only a published pool is ever found; None where that could not be read."""
    joint: Joint
    """What holds for all clients together."""
    eligible: Answer
    """Whether the kernel would take it if no other were closer."""
    rank: int | None
    """1 for the closest of those that may be chosen; several may share a rank. None for one that cannot be."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """All pools of a host in the order in which the kernel would take them."""

    candidates: tuple[Candidate, ...]
    """By rank, then address; those that cannot be chosen come last."""
    chosen: tuple[Address, ...]
    """The closest; of several the kernel takes one at random. Empty where it finds none."""
    certain: bool
    """False where a missing fact might change ``chosen``."""


def rank_providers(resolver: Resolver, pools: Iterable[Pool], clients: Sequence[Client]) -> Ranking:
    """Ranks ``pools`` for the clients. Raises NotFoundError for a function that is not there."""
    joints = ((pool, resolver.joint(pool.address, clients)) for pool in pools)
    found = [(pool, joint, _eligible(pool, joint)) for pool, joint in joints]
    ladder = sorted({joint.distance or 0 for _, joint, eligible in found if eligible is not False})
    candidates = tuple(
        Candidate(
            address=pool.address,
            published=_published(pool),
            joint=joint,
            eligible=eligible,
            rank=None if eligible is False else ladder.index(joint.distance or 0) + 1,
        )
        for pool, joint, eligible in found
    )
    best = min((one.rank for one in candidates if one.eligible and one.rank is not None), default=None)
    return Ranking(
        tuple(sorted(candidates, key=lambda one: (one.rank or len(ladder) + 1, one.address))),
        tuple(sorted(one.address for one in candidates if one.eligible and one.rank == best)),
        certain=not any(_may_beat(one, best) for one in candidates),
    )


def _published(pool: Pool) -> Answer:
    return None if isinstance(pool.published, Missing) else pool.published


def _eligible(pool: Pool, joint: Joint) -> Answer:
    return all_of((_published(pool), _ALLOWED[joint.verdict]))


def _may_beat(candidate: Candidate, best: int | None) -> bool:
    return candidate.eligible is None and candidate.rank is not None and (best is None or candidate.rank <= best)


_ALLOWED: dict[VerdictWord, Answer] = {"allowed": True, "denied": False, "unknown": None}
