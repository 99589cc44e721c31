"""Whether P2P memory carries the I/O of each namespace by each port: what is known, from what, and since when.

No kernel file says that P2P memory is in use. There is what the rules predict, the line that the kernel logs when a
host connects, and the level of the pool.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, Fact, Missing
from p2pctl.model.nvmet import Nvmet, Port
from p2pctl.model.snapshot import PartName, Snapshot
from p2pctl.resolver.ports import port_devices
from p2pctl.resolver.verdict import MapType, Reason
from p2pctl.target.evidence import Said
from p2pctl.target.judge import Ceiling, Judge
from p2pctl.target.log_lines import Using
from p2pctl.target.observation import Export, Observer
from p2pctl.target.prediction import Prediction, port_switch, predict
from p2pctl.target.state_words import doubt, fallen, forecast, inline_writes, stale_reasons, unheard
from p2pctl.units import format_bytes

PARTS: frozenset[PartName] = frozenset(
    {"pci", "pools", "nvme", "block", "rdma", "nvmet", "kernel", "log", "connections"}
)
"""The parts of a Snapshot that states are told from; without ``log`` and ``connections`` they are predictions."""

LARGEST_REQUEST = 1 << 20
"""Bytes that one request over RDMA takes at most (drivers/nvme/target/rdma.c, ``NVMET_RDMA_MAX_MDTS``); a port's
``param_mdts`` may set less."""

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
    judge = Judge(snapshot, rules, followed)
    found = tuple(_predicted(judge, target))
    if not observed:
        return tuple(_state(snapshot, one, None, ()) for one in found)
    return _observed(snapshot, target, found)


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
        for nqn in port.subsystems:
            subsystem = target.subsystems.get(nqn)
            if subsystem is None:
                continue
            if not subsystem.namespaces and subsystem.passthru.get("enable") == "1":
                text = "a passthru subsystem hands its commands to the drive: it never uses P2P memory"
                nothing = Prediction("not-eligible", ABSENT, reasons=(Reason("passthru", text),))
                yield Export(port, devices, subsystem, None, nothing)
            for namespace in subsystem.namespaces.values():
                yield Export(port, devices, subsystem, namespace, predict(judge, port, devices, subsystem, namespace))


def _observed(snapshot: Snapshot, target: Nvmet, exports: tuple[Export, ...]) -> tuple[PortState, ...]:
    observer = Observer(snapshot, target, exports)
    return tuple(_state(snapshot, one, observer, observer.about(one)) for one in exports)


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
    if state == "confirmed":
        state, low = _pools(snapshot, export, providers)
        reasons += low
        evidence += [Evidence("level", one.text, snapshot.pools.taken if snapshot.pools else None) for one in low]
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
        p2pmem=_shown(export),
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


def _decide(sure: list[Said]) -> tuple[StateWord, list[Said]]:
    """Of several hosts the one that fares worst counts."""
    fallen = [one for one in sure if not isinstance(one.line, Using)]
    return ("falls-back", fallen) if fallen else ("confirmed", sure)


def _pools(snapshot: Snapshot, export: Export, providers: tuple[Address, ...]) -> tuple[StateWord, list[Reason]]:
    """Whether the pools in use have room for one more request."""
    largest = largest_request(export.port)
    low = []
    for address in providers:
        pool = snapshot.pools.pools.get(address) if snapshot.pools else None
        if pool is None:
            if snapshot.pools is not None and not snapshot.pools.gaps:
                text = f"{address} has no P2P memory any more: I/O goes through system memory"
                return "falls-back", [Reason("pool-vanished", text, address)]
            continue
        if not isinstance(pool.available, Missing) and pool.available < largest:
            text = (
                f"{format_bytes(pool.available)} are left in {address}, less than one request may take "
                f"({format_bytes(largest)}): larger ones go through system memory without a word"
            )
            low.append(Reason("pool-low", text, address))
    return ("possibly-exhausted", low) if low else ("confirmed", [])


def largest_request(port: Port) -> int:
    """Bytes that one request by this port takes at most: ``param_mdts`` is a power of two of 4 KiB, 0 for no limit."""
    text = port.attributes.get("param_mdts", ABSENT)
    if isinstance(text, Missing) or not text.isascii() or not text.isdigit() or not 0 < int(text) < 9:
        return LARGEST_REQUEST
    return min(4096 << int(text), LARGEST_REQUEST)


def _shown(export: Export) -> Fact[str]:
    wanted = export.prediction.setting
    if isinstance(wanted, Missing):
        return wanted
    switch = port_switch(export.port)
    if wanted is None:
        raw = export.namespace.attributes.get("p2pmem", ABSENT) if export.namespace and switch is None else switch
        return ABSENT if raw is None else raw
    return str(wanted)
