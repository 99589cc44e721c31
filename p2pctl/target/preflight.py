"""What stands against a plan, looked for before the first write.

The kernel checks little: it exports a mounted disk, the same disk twice, and tells of an address that is not there
only when everything else is done. Nothing is refused for a fact that could not be read, but for what a port requires.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from p2pctl.errors import P2pctlError, RefusedError, UnknownError
from p2pctl.model.facts import Missing
from p2pctl.model.snapshot import Snapshot
from p2pctl.target import paths
from p2pctl.target.log_lines import Created, events
from p2pctl.target.plan import Disruption, Plan
from p2pctl.target.preflight_addresses import addresses
from p2pctl.target.preflight_devices import devices, passthru, paths_to_check
from p2pctl.target.preflight_identity import identities
from p2pctl.target.preflight_p2p import expectations, provider_problems
from p2pctl.target.preflight_ports import discovery, ports
from p2pctl.target.problems import Facts, Problem, is_on

__all__ = ["Facts", "Judgement", "Problem", "judge", "locked_subsystems", "paths_to_check", "refusal"]

MAX_NAMESPACES = 1024
"""Of one subsystem (drivers/nvme/target/nvmet.h, ``NVMET_MAX_NAMESPACES``): one more is answered with ENOMEM."""


class Judgement(NamedTuple):
    """What was found."""

    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]


def judge(facts: Facts, limit: Disruption) -> Judgement:
    """Looks for everything that stands against a plan. ``limit`` is the worst that hosts may notice."""
    warnings: list[str] = []
    problems = [
        *_disruption(facts.plan, limit),
        *_sizes(facts),
        *discovery(facts),
        *identities(facts),
        *devices(facts),
        *passthru(facts),
        *ports(facts),
        *addresses(facts),
        *provider_problems(facts, warnings),
        *expectations(facts, warnings),
    ]
    warnings += _unused_keys(facts)
    return Judgement(tuple(problems), tuple(warnings))


def refusal(problems: Iterable[Problem]) -> P2pctlError:
    """The error that tells of problems, of which there is one at least: no, if any of them says so, else unknown."""
    found = sorted(problems, key=lambda one: one.answer == "unknown")
    first = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    kind = RefusedError if first.answer == "no" else UnknownError
    return kind(f"{first.subject}: {first.text}{more}; nothing was written", hint=first.hint)


def locked_subsystems(snapshot: Snapshot) -> frozenset[str]:
    """Subsystems whose serial number, model and the like are locked, since a host has identified them.

    The kernel does not show it (drivers/nvme/target/nvmet.h, ``subsys_discovered``). Its log names who connected; where
    the log does not go back to the boot, or cannot be read, whatever is exported counts as locked.
    """
    nvmet, log = snapshot.nvmet, snapshot.log
    if nvmet is None:
        return frozenset()
    seen = {one.subsystem for one in snapshot.connections.controllers} if snapshot.connections else set()
    if log is not None and not isinstance(log.records, Missing):
        begun = (event for event in events(log.records, nvmet.subsystems) if isinstance(event, Created))
        seen.update(nqn for event in begun for nqn in event.subsystems)
        if log.complete:
            return frozenset(seen & nvmet.subsystems.keys())
    exported = {nqn for port in nvmet.ports.values() for nqn in port.links.values()}
    return frozenset((seen | exported) & nvmet.subsystems.keys())


def _disruption(plan: Plan, limit: Disruption) -> Iterator[Problem]:
    over = [step for step in plan.steps if step.disruption > limit]
    if not over:
        return
    worst = max(over, key=lambda step: step.disruption)
    told = {
        Disruption.NAMESPACE: "a namespace would go away for the hosts that use it",
        Disruption.PORT: "hosts would lose their connection",
        Disruption.ALL: "the subsystem would be made anew, and every host would lose it",
    }[worst.disruption]
    why = f" {worst.why}" if worst.why else ""
    yield Problem(
        "disruption",
        worst.subject,
        f"{told}{why}",
        f"allow it with --disruption {worst.disruption.name.lower()}",
    )


def _sizes(facts: Facts) -> Iterator[Problem]:
    for nqn, subsystem in facts.wanted.subsystems.items():
        count = len(subsystem.namespaces)
        if count > MAX_NAMESPACES:
            text = f"it would have {count} namespaces, and the kernel allows {MAX_NAMESPACES}"
            yield Problem(
                "too-many-namespaces", paths.called_subsystem(nqn), text, "use another subsystem for the rest"
            )


def _unused_keys(facts: Facts) -> Iterator[str]:
    """DH-CHAP is skipped where any host may connect (drivers/nvme/target/auth.c)."""
    keyed = [nqn for nqn, wish in facts.wishes.hosts.items() if wish.attributes.get("dhchap_key")]
    open_to_all = [nqn for nqn, one in facts.wanted.subsystems.items() if is_on(one.attributes, "attr_allow_any_host")]
    if keyed and open_to_all:
        yield f"host {keyed[0]}: its key is not asked for by {open_to_all[0]}, which allows any host"
