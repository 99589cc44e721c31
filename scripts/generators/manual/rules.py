"""The rule sets as lists, oldest first, and the host bridges that are listed."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.resolver.kernel_rules import KERNEL_RULES
from p2pctl.resolver.proposed_rules import PROPOSED_RULES
from p2pctl.resolver.rules import RuleSet
from scripts.generators.manual import mdoc


def rule_list(*, proposals: bool) -> Iterator[str]:
    """The sets that were in force, or those only proposed: what each changed, and where that is known from."""
    yield ".Bl -tag -width Ds"
    for rules in PROPOSED_RULES if proposals else KERNEL_RULES:
        yield f".It Cm {rules.name}"
        yield from _told(rules)
    yield ".El"


def _told(rules: RuleSet) -> Iterator[str]:
    yield from mdoc.paragraph(f"{rules.change[0].upper()}{rules.change[1:]}.")
    yield from mdoc.paragraph(f"Source: {rules.source}.")
    for caveat in rules.caveats:
        yield from mdoc.paragraph(f"Caveat: {caveat.text}.")


def bridge_table() -> Iterator[str]:
    """Every host bridge that any release lists: ids, since and until when, for which pairs, and what it is."""
    yield '.Bl -column "8086:0000" "since" "until" "one host bridge"'
    yield ".It Sy id Ta Sy since Ta Sy until Ta Sy pairs below Ta Sy host bridge"
    entries = dict.fromkeys(entry for rules in KERNEL_RULES for entry in rules.listed)
    for entry in entries:
        having = [rules for rules in KERNEL_RULES if entry in rules.listed]
        after = next((rules for rules in KERNEL_RULES if (rules.since or ()) > (having[-1].since or ())), None)
        until = (after.release if after else None) or "\\(en"
        pairs = "one host bridge" if entry.same_only else "any two"
        yield f".It {entry} Ta {having[0].release} Ta {until} Ta {pairs} Ta {mdoc.arguments(entry.name)}"
    yield ".El"
