"""From a Snapshot, and what the core concludes of it, to samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple, get_args

from p2pctl import __version__
from p2pctl.findings.devices import PARTS as DEVICE_PARTS
from p2pctl.findings.pools import pool_states
from p2pctl.findings.rules import Finding, every_finding, kernel_has_p2pdma
from p2pctl.findings.scene import Scene
from p2pctl.metrics import families as f
from p2pctl.metrics.links import link_samples
from p2pctl.metrics.pools import pool_samples
from p2pctl.metrics.target import state_samples, target_samples
from p2pctl.model.snapshot import PartName, Snapshot
from p2pctl.target.port_state import PortState, port_states

PARTS: tuple[PartName, ...] = (
    "nvme", "pools", "pci", "exporters", "block", "rdma", "nvmet", "rnbd", "connections", "kernel", "machine"
)  # fmt: skip
"""What is always read, in an order in which each part finds what it stands on."""

_STATES_FROM = frozenset({*DEVICE_PARTS, "nvmet", "kernel"}) - {"exporters"}
"""Without one of these, a P2P state would be concluded from what is not known."""

CONCLUSIONS = "conclusions"
"""The last part of a scrape: nothing is read for it."""


class Reading(NamedTuple):
    """One look at a host."""

    snapshot: Snapshot
    followed: Mapping[str, str]
    """Where device paths of the target's namespaces lead."""
    also: tuple[Finding, ...]
    """Findings that the snapshot does not hold."""
    seconds: Mapping[str, float]
    """What each part took."""
    failed: Mapping[str, str]
    """Parts that could not be read at all, and why."""


def measure(reading: Reading, clock: Callable[[], float], told: Callable[[Exception], None]) -> f.Sheet:
    """The samples. What a part that is missing would have told has none.

    ``told`` is called with what went wrong while conclusions were drawn: those that were drawn before are shown.
    """
    sheet = f.Sheet()
    _about_the_read(sheet, reading)
    began = clock()
    done = True
    try:
        _conclusions(sheet, reading)
    except Exception as error:  # noqa: BLE001  whatever it is: what was read is worth showing
        done = False
        told(error)
    sheet.add(f.DURATION, clock() - began, CONCLUSIONS)
    sheet.add(f.SUCCESS, done, CONCLUSIONS)
    return sheet


def _about_the_read(sheet: f.Sheet, reading: Reading) -> None:
    snapshot = reading.snapshot
    sheet.add(f.BUILD_INFO, 1, __version__)
    sheet.add(f.SOURCE_INFO, 1, snapshot.source.kind)
    sheet.add(f.READ_TIME, snapshot.taken)
    for part, seconds in reading.seconds.items():
        sheet.add(f.DURATION, seconds, part)
        sheet.add(f.SUCCESS, part not in reading.failed, part)
    for name in get_args(PartName):
        part = getattr(snapshot, name)
        if part is not None:
            sheet.add(f.GAPS, len(part.gaps), name)


def _conclusions(sheet: f.Sheet, reading: Reading) -> None:
    snapshot = reading.snapshot
    sheet.add(f.KERNEL_INFO, 1, snapshot.source.kernel)
    sheet.add(f.KERNEL_P2PDMA, kernel_has_p2pdma(snapshot)[0])
    pool_samples(sheet, snapshot, pool_states(snapshot))
    link_samples(sheet, snapshot)
    target_samples(sheet, snapshot)
    states: tuple[PortState, ...] = ()
    if all(getattr(snapshot, part) is not None for part in _STATES_FROM):
        states = port_states(snapshot, followed=reading.followed)
        state_samples(sheet, snapshot, states)
    found = Counter((one.code, one.severity) for one in every_finding(Scene(snapshot), states, reading.also))
    for (code, severity), count in sorted(found.items()):
        sheet.add(f.FINDINGS, count, code, severity)
