"""Whether P2P memory carries the I/O of each namespace by each port: what is known, from what, and since when.

No kernel file says that P2P memory is in use. There is what the rules predict, the line that the kernel logs when a
host connects, and the level of the pool.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, Fact
from p2pctl.model.nvmet import Nvmet
from p2pctl.model.snapshot import PartName, Snapshot
from p2pctl.resolver.ports import port_devices
from p2pctl.resolver.verdict import MapType, Reason
from p2pctl.target.evidence import Said
from p2pctl.target.judge import Ceiling, Judge
from p2pctl.target.log_lines import Using
from p2pctl.target.observation import Export, Observer
from p2pctl.target.prediction import Prediction
from p2pctl.target.predictor import Predictor, port_switch
from p2pctl.target.room import room
from p2pctl.target.state_words import doubt, fallen, forecast, inline_writes, stale_reasons, unheard

PARTS: frozenset[PartName] = frozenset(
    {"pci", "pools", "nvme", "block", "rdma", "nvmet", "kernel", "log", "connections"}
)
"""The parts of a Snapshot that states are told from; without ``log`` and ``connections`` they are predictions."""

StateWord = Literal[
    "off",
    "not-eligible",
    "transport-cannot",
    "predicted",
    "falls-back",
    "confirmed",
    "possibly-exhausted",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that a state rests on."""

    kind: Literal["prediction", "log", "level", "debugfs"]
    text: str
    """The kernel's own line, or what was concluded."""
    time: float | None
    """When it was said or looked at: seconds since 1970 on the source."""
    sure: bool = True
    """Whether it is about this namespace and port for sure."""


@dataclass(frozen=True, slots=True)
class Stale:
    """Why what was observed may be past."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PortState:
    """One namespace by one port. Computed for a disabled namespace, too: what would happen."""

    port: str
    """Directory name."""
    transport: Fact[str]
    subsystem: str
    nsid: int | None
    """None for a passthru subsystem, which has no namespaces of its own."""
    enabled: Fact[bool]
    p2pmem: Fact[str]
    """``off``, ``auto`` or a PCI address."""
    device: Fact[str]
    state: StateWord
    predicted: StateWord
    """What the rules alone say."""
    providers: tuple[Address, ...]
    """Those in use, where that was observed; else the closest ones, of which the kernel would take any."""
    map_type: MapType | None
    distance: int | None
    bandwidth: Ceiling | None
    reasons: tuple[Reason, ...]
    warnings: tuple[Reason, ...]
    evidence: tuple[Evidence, ...]
    since: float | None
    """When the kernel said so: seconds since 1970 on the source. None for a prediction."""
    stale: Stale | None
    """None where nothing suggests it."""


def port_states(
    snapshot: Snapshot,
    *,
    rules: str | None = None,
    nvmet: Nvmet | None = None,
    observed: bool = True,
    followed: Mapping[str, str] = MappingProxyType({}),
) -> tuple[PortState, ...]:
    """The state of every namespace by every port that exports it.

    ``nvmet`` is a wanted target in place of the live one; then ``observed`` should be False, so that only predictions
    are made. ``followed`` gives the paths that device links lead to. Raises NotFoundError for rules that nobody knows.
    """
    target = snapshot.nvmet if nvmet is None else nvmet
    if target is None:
        return ()
    exports = predictions(Judge(snapshot, rules, followed), target)
    if not observed:
        return tuple(_state(snapshot, one, None, ()) for one in exports)
    return with_levels(snapshot, exports, heard(snapshot, target, exports))


def predictions(judge: Judge, target: Nvmet) -> tuple[Export, ...]:
    """What the rules say of every namespace by every port: it rests on no level, nor on ``log`` and ``connections``."""
    return tuple(_predicted(judge, target))


def heard(snapshot: Snapshot, target: Nvmet, exports: tuple[Export, ...]) -> tuple[PortState, ...]:
    """The states of exports in their order, by what was observed of them, but for the levels of pools."""
    observer = Observer(snapshot, target, exports)
    return tuple(_state(snapshot, one, observer, observer.about(one)) for one in exports)


def with_levels(
    snapshot: Snapshot, exports: tuple[Export, ...], states: tuple[PortState, ...]
) -> tuple[PortState, ...]:
    """What `heard` gave of these exports, with what the pools in use say; the same objects where that is nothing."""
    found = tuple(
        state if state.state != "confirmed" else _with_level(snapshot, export, state)
        for export, state in zip(exports, states, strict=True)
    )
    return states if all(map(operator.is_, found, states)) else found


def evidence_needed(snapshot: Snapshot) -> set[PartName]:
    """The parts that tell what was observed: only where a namespace wants P2P memory by a port that may use it."""
    nvmet = snapshot.nvmet
    if nvmet is None:
        return set()
    ports = [port for port in nvmet.ports.values() if port.attributes.get("addr_trtype") == "rdma"]
    exported = {nqn for port in ports for nqn in port.subsystems}
    wanting = any(
        one.attributes.get("p2pmem", "0") != "0"
        for nqn in exported
        if nqn in nvmet.subsystems
        for one in nvmet.subsystems[nqn].namespaces.values()
    )
    return {"log", "connections"} if wanting or any(map(port_switch, ports)) else set()


def _predicted(judge: Judge, target: Nvmet) -> Iterator[Export]:
    for port in target.ports.values():
        devices = port_devices(port, judge.snapshot.rdma, judge.resolver.rules)
        predict = Predictor(judge, port, devices)
        for nqn in port.subsystems:
            subsystem = target.subsystems.get(nqn)
            if subsystem is None:
                continue
            if not subsystem.namespaces and subsystem.passthru.get("enable") == "1":
                text = "a passthru subsystem hands its commands to the drive: it never uses P2P memory"
                nothing = Prediction("not-eligible", ABSENT, reasons=(Reason("passthru", text),))
                yield Export(port, devices, subsystem, None, nothing)
            for namespace in subsystem.namespaces.values():
                yield Export(port, devices, subsystem, namespace, predict(subsystem, namespace))


def _state(snapshot: Snapshot, export: Export, observer: Observer | None, said: tuple[Said, ...]) -> PortState:
    prediction = export.prediction
    namespace = export.namespace
    heard = [(one, doubt(one, export, observer)) for one in said]
    sure = [one for one, doubted in heard if not doubted]
    evidence = [Evidence("prediction", forecast(prediction), snapshot.taken)]
    evidence += [Evidence("log", one.record.text + doubted, one.record.time, not doubted) for one, doubted in heard]
    state: StateWord = prediction.state
    reasons, warnings, providers = list(prediction.reasons), list(prediction.warnings), prediction.providers
    since = None
    if sure:
        state, deciding = _decide(sure)
        since = min(one.record.time for one in deciding)
        providers = tuple(
            dict.fromkeys(one.provider for one in deciding if isinstance(one.line, Using) and one.provider)
        )
        reasons = [] if state == "confirmed" else [*fallen(deciding), *reasons]
    elif observer is not None and prediction.state == "predicted":
        warnings += unheard(snapshot, export, observer, heard=bool(heard))
    if observer is not None and observer.shown and sure:
        shown = sorted(cntlid for nqn, cntlid in observer.live if nqn == export.subsystem.nqn)
        text = f"controllers connected now: {', '.join(map(str, shown))}"
        evidence.append(Evidence("debugfs", text, snapshot.connections.taken if snapshot.connections else None))
    warnings += inline_writes(export, state)
    past = stale_reasons(prediction, observer, sure, providers) if sure else ()
    attributes = namespace.attributes if namespace else export.subsystem.passthru
    device = attributes.get("device_path", ABSENT)
    return PortState(
        port=export.port.name,
        transport=export.devices.transport,
        subsystem=export.subsystem.nqn,
        nsid=namespace.nsid if namespace else None,
        enabled=export.enabled,
        p2pmem=export.p2pmem,
        device=ABSENT if device == "(null)" else device,
        state=state,
        predicted=prediction.state,
        providers=providers,
        map_type=prediction.map_type,
        distance=prediction.distance,
        bandwidth=prediction.bandwidth,
        reasons=tuple(dict.fromkeys(reasons)),
        warnings=tuple(dict.fromkeys(warnings)),
        evidence=tuple(evidence),
        since=since,
        stale=Stale(past) if past else None,
    )


def _with_level(snapshot: Snapshot, export: Export, state: PortState) -> PortState:
    """A state that was confirmed."""
    word, low = room(snapshot.pools, export.port, state.providers)
    if word == "confirmed":
        return state
    levels = [Evidence("level", one.text, snapshot.pools.taken if snapshot.pools else None) for one in low]
    shown = [one for one in state.evidence if one.kind == "debugfs"]
    warnings = state.warnings
    if word == "falls-back":
        warnings = tuple(one for one in warnings if one.code != "inline-writes")
    return replace(
        state,
        state=word,
        reasons=tuple(dict.fromkeys((*state.reasons, *low))),
        warnings=warnings,
        evidence=(*(one for one in state.evidence if one.kind != "debugfs"), *levels, *shown),
    )


def _decide(sure: list[Said]) -> tuple[StateWord, list[Said]]:
    """Of several hosts the one that fares worst counts."""
    fallen = [one for one in sure if not isinstance(one.line, Using)]
    return ("falls-back", fallen) if fallen else ("confirmed", sure)
