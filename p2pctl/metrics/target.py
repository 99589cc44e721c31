"""Samples of the NVMe target: its objects, and whether P2P memory carries the I/O of its namespaces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import get_args

from p2pctl.metrics import families as f
from p2pctl.metrics.families import Sheet
from p2pctl.metrics.labels import foremost
from p2pctl.metrics.ports import port_samples, shown_ports
from p2pctl.model.facts import ABSENT, Fact, Missing
from p2pctl.model.nvmet import ROOT, Attributes, Nvmet
from p2pctl.model.snapshot import Snapshot
from p2pctl.target.port_state import PortState, StateWord

SHORT = frozenset({"falls-back", "not-eligible", "possibly-exhausted", "unknown"})
"""States of a namespace that asks for P2P memory and does not get it, not wholly, or not for sure."""

_STATES: tuple[str, ...] = get_args(StateWord)


def target_samples(sheet: Sheet, snapshot: Snapshot) -> None:
    """Samples of the target's objects. What hangs on a directory that could not be listed has none."""
    nvmet = snapshot.nvmet
    if nvmet is None or isinstance(nvmet.present, Missing):
        return
    sheet.add(f.TARGET_PRESENT, nvmet.present)
    unread = _unread(nvmet)
    for kind, objects in (("subsystem", nvmet.subsystems), ("port", nvmet.ports), ("host", nvmet.hosts)):
        if f"{ROOT}/{kind}s" not in unread:
            sheet.add(f.TARGET_OBJECTS, len(objects), kind)
    if f"{ROOT}/subsystems" not in unread:
        _subsystems(sheet, nvmet)
        if not any(path.endswith("/namespaces") for path in unread):
            _namespaces(sheet, nvmet)
    port_samples(sheet, snapshot, nvmet)


def _unread(nvmet: Nvmet) -> frozenset[str]:
    return frozenset(gap.path for gap in nvmet.gaps if gap.path is not None)


def _subsystems(sheet: Sheet, nvmet: Nvmet) -> None:
    counts = Counter(
        _word(one.attributes, "attr_allow_any_host", "any-host", "listed-hosts") for one in nvmet.subsystems.values()
    )
    for access in ("any-host", "listed-hosts", "unknown"):
        sheet.add(f.TARGET_SUBSYSTEMS, counts[access], access)


def _namespaces(sheet: Sheet, nvmet: Nvmet) -> None:
    namespaces = [one for subsystem in nvmet.subsystems.values() for one in subsystem.namespaces.values()]
    sheet.add(f.TARGET_OBJECTS, len(namespaces), "namespace")
    counts = Counter(_word(one.attributes, "enable", "yes", "no") for one in namespaces)
    for enabled in ("yes", "no", "unknown"):
        sheet.add(f.TARGET_NAMESPACES, counts[enabled], enabled)


def _word(attributes: Attributes, name: str, on: str, off: str) -> str:
    value: Fact[str] = attributes.get(name, ABSENT)
    return "unknown" if isinstance(value, Missing) else (on if value == "1" else off)


def state_samples(sheet: Sheet, snapshot: Snapshot, states: tuple[PortState, ...]) -> None:
    """Samples of P2P states: all are counted, those that are not as asked for are named."""
    nvmet = snapshot.nvmet
    if nvmet is None or isinstance(nvmet.present, Missing):
        return
    by_port = Counter((one.port, one.state) for one in states)
    stale = Counter(one.port for one in states if one.stale is not None)
    unread = _unread(nvmet)
    for port in shown_ports(nvmet)[0]:
        links = f"{ROOT}/ports/{port.name}/subsystems"
        if any(path == links or path.startswith(f"{links}/") for path in unread):
            continue
        for state in _STATES:
            sheet.add(f.PORT_NAMESPACES, by_port[port.name, state], port.name, state)  # type: ignore[index]
        sheet.add(f.PORT_STALE, stale[port.name], port.name)
    _by_subsystem(sheet, states)
    _short(sheet, states)


def _by_subsystem(sheet: Sheet, states: Iterable[PortState]) -> None:
    counts: dict[tuple[str, str], Counter[str]] = {}
    for one in states:
        counts.setdefault((one.port, one.subsystem), Counter())[one.state] += 1
    shown, left_out = foremost(counts.items(), lambda pair: not SHORT.isdisjoint(pair[1]))
    sheet.add(f.LEFT_OUT, left_out, "subsystem")
    for (port, subsystem), by_state in shown:
        for state in sorted(by_state):
            sheet.add(f.SUBSYSTEM_NAMESPACES, by_state[state], port, subsystem, state)


def _short(sheet: Sheet, states: Iterable[PortState]) -> None:
    """By name only those that fall short: a host may have ten thousand that are as they should be."""
    short = [one for one in states if one.state in SHORT and one.nsid is not None]
    shown, left_out = foremost(short, lambda one: one.enabled is True)
    sheet.add(f.LEFT_OUT, left_out, "namespace")
    for one in shown:
        reason = one.reasons[0].code if one.reasons else ""
        sheet.add(f.NAMESPACE_SHORT, 1, one.port, one.subsystem, one.nsid, one.state, reason)
