"""Writes down what this kernel says, what p2pctl would change, and what it predicts of the kernel after that.

`tests/vm/test_verdicts.py` boots the same machine again with that change and compares.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from p2pctl.hardware.live import LiveDoor
from p2pctl.hardware.snapshot import take
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver import explain, groups
from p2pctl.resolver.assume import assume
from p2pctl.resolver.remedies import Remedy, remedies
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.selection import select
from p2pctl.resolver.topology import Topology
from tests.vm.guest.api import Context
from tests.vm.guest.checks_verdicts import address, agree, answer
from tests.vm.guest.oracle import Answer, Pair, iommu_groups, oracle

SECONDS = 300
PARAMETER = re.compile(r"""pci=disable_acs_redir=[^\s"'\\]+""")


@dataclass
class Plan:
    """The parameter that opens most pairs, and what is foretold of the next boot with it."""

    parameter: str
    opens: list[Pair]
    """Denied pairs for which p2pctl prints exactly this parameter."""
    merged: list[list[str]]
    """Functions that the remedies say will share one group."""
    groups: list[list[str]]
    answers: list[tuple[Pair, Answer]] = field(default_factory=list)


def check_what_the_kernel_says(context: Context) -> None:
    """Every pair's verdict and all IOMMU groups as booted, with p2pctl in agreement."""
    with oracle(context) as kernel:
        theirs = kernel.ask()
    snapshot = _take()
    resolver = _resolver(snapshot)
    different = [(pair, its) for pair, its in theirs.items() if not agree(answer(resolver, pair), its)]
    assert not different, different
    assert snapshot.pci is not None
    found = iommu_groups()
    _tell(context, "said.json", {"answers": list(theirs.items()), "groups": found})
    predicted = sorted(sorted(str(one) for one in group) for group in groups.predict_groups(snapshot.pci))
    assert predicted == found


def check_what_p2pctl_would_change(context: Context) -> None:
    """The parameter that the remedies of most denied pairs have in common; nothing once it is in force."""
    snapshot = _take()
    cmdline = Path("/proc/cmdline").read_text().strip()
    if PARAMETER.search(cmdline):
        return
    resolver = _resolver(snapshot)
    said = json.loads((context.out / "said.json").read_text())
    denied = [Pair(*pair) for pair, its in said["answers"] if its[0] is False]
    offered = {pair: remedy for pair in denied if (remedy := _remedy(snapshot, resolver, pair)) is not None}
    assert offered, "there is a pair that ACS alone denies"
    parameters = {pair: _parameter(remedy) for pair, remedy in offered.items()}
    parameter = Counter(parameters.values()).most_common(1)[0][0]
    opens = [pair for pair in offered if parameters[pair] == parameter]
    merges = {merge.members for pair in opens for merge in offered[pair].merges}
    after = assume(snapshot, [f"cmdline={cmdline} {parameter}"]).snapshot
    assert after.pci is not None
    plan = Plan(
        parameter=parameter,
        opens=opens,
        merged=sorted(sorted(map(str, members)) for members in merges),
        groups=sorted(sorted(map(str, group)) for group in groups.predict_groups(after.pci)),
        answers=[(Pair(*pair), answer(_resolver(after), Pair(*pair))) for pair, _ in said["answers"]],
    )
    for pair in opens:
        assert offered[pair].result.verdict == "allowed"
    _tell(context, "plan.json", asdict(plan))


def _remedy(snapshot: Snapshot, resolver: Resolver, pair: Pair) -> Remedy | None:
    verdict = explain.resolve(resolver, address(pair.provider), address(pair.client))
    return next((one for one in remedies(snapshot, verdict) if one.code == "disable-acs-redirect"), None)


def _parameter(remedy: Remedy) -> str:
    (parameter,) = {match for command in remedy.commands for match in PARAMETER.findall(command)}
    return str(parameter)


def _take() -> Snapshot:
    return take(LiveDoor(), {"pci", "kernel", "pools", "nvme"})


def _resolver(snapshot: Snapshot) -> Resolver:
    assert snapshot.kernel is not None
    return Resolver(Topology.of(snapshot), select(snapshot.kernel.release).rules)


def _tell(context: Context, name: str, what: object) -> None:
    (context.out / name).write_text(json.dumps(what))
