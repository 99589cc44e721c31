"""What the kernel would do by itself: of the closest providers it takes one at random, for each connection anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from random import Random
from typing import NamedTuple

from p2pctl.resolver.placement_links import Edge

Loads = Mapping[Edge, float]

EXACT = 1024
"""Combinations up to which all are looked at."""
SAMPLES = 400
"""As many are drawn of more, always the same."""


class Chance(NamedTuple):
    """Expected loads under random choice."""

    worst: float
    """Of the most loaded link."""
    each: tuple[float | None, ...]
    """Of the most loaded link that each namespace uses; None for one that gets no P2P memory."""


def expect(choices: Sequence[Sequence[Sequence[Loads]]]) -> Chance:
    """For each namespace, for each of its adapters, what each of the closest providers would put on the links."""
    flat = [(number, options) for number, adapters in enumerate(choices) for options in adapters if options]
    number_of = prod(len(options) for _, options in flat)
    if number_of <= EXACT:
        draws = [list(draw) for draw in product(*(options for _, options in flat))]
    else:
        draw = Random(number_of % 2**32)  # noqa: S311  no secret
        draws = [[draw.choice(options) for _, options in flat] for _ in range(SAMPLES)]
    owners = [number for number, _ in flat]
    worst = 0.0
    each = [0.0] * len(choices)
    for drawn in draws:
        total: dict[Edge, float] = {}
        for loads in drawn:
            for edge, load in loads.items():
                total[edge] = total.get(edge, 0.0) + load
        worst += max(total.values(), default=0.0)
        felt: dict[int, float] = {}
        for owner, loads in zip(owners, drawn, strict=True):
            felt[owner] = max(felt.get(owner, 0.0), max((total[edge] for edge in loads), default=0.0))
        for owner, load in felt.items():
            each[owner] += load
    served = set(owners)
    return Chance(
        worst / len(draws),
        tuple(load / len(draws) if number in served else None for number, load in enumerate(each)),
    )
