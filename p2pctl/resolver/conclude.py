"""From what is known of a way to a verdict: the part of the rules that has no device in it."""

from __future__ import annotations

import enum
from itertools import product

from p2pctl.resolver.logic import Answer, possible
from p2pctl.resolver.rules import RuleSet
from p2pctl.resolver.verdict import MapType, VerdictWord


class Way(enum.IntEnum):
    """How two functions are connected. Of two stretches of a way the greater value holds for both together."""

    CLEAR = 0
    """Through a common bridge, and nothing redirects."""
    UNSURE = 1
    """Through a common bridge; whether something redirects could not be read."""
    REDIRECTED = 2
    """Through a common bridge, and something redirects."""
    ACROSS = 3
    """No common bridge."""


def conclude(rules: RuleSet, way: Way, *, fit: Answer, crossing: Answer) -> tuple[VerdictWord, MapType]:
    """The verdict. ``fit``: whether the host itself meets the rules; ``crossing``: whether host bridges may be crossed.

    Every value that the unknown ones may turn out to have is tried: where all give the same verdict, or the same map
    type, that is it.
    """
    ways = (Way.CLEAR, Way.REDIRECTED) if way is Way.UNSURE else (way,)
    found = {_certain(rules, *case) for case in product(ways, possible(fit), possible(crossing))}
    verdicts = {"denied" if kind == "not-supported" else "allowed" for kind in found}
    verdict: VerdictWord = "unknown" if len(verdicts) > 1 else "denied" if "denied" in verdicts else "allowed"
    return verdict, found.pop() if len(found) == 1 else "unknown"


def _certain(rules: RuleSet, way: Way, fit: bool, crossing: bool) -> MapType:
    if not fit:
        return "not-supported"
    if way is Way.CLEAR:
        return "bus-address"
    follows = rules.across if way is Way.ACROSS else rules.acs_hit
    return "through-host-bridge" if follows == "host-bridge" and crossing else "not-supported"
