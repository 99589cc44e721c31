"""The P2P state of ports: whether device memory carries the I/O of each namespace, and what that is known from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from p2pctl.errors import NotFoundError
from p2pctl.model.facts import ABSENT, Missing
from p2pctl.model.nvmet import Nvmet, kernel_number
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.cells import words
from p2pctl.render.document import iso
from p2pctl.render.page import Block, Field, Fields, Grid, Lines, Page, Section
from p2pctl.render.report import Column, Item, Report, Value, jsonable
from p2pctl.render.text import Span, Tone
from p2pctl.render.verdicts import WAYS
from p2pctl.resolver.verdict import Reason
from p2pctl.target.port_state import PARTS, Evidence, PortState, port_states

__all__ = [
    "PARTS",
    "STATE_TONES",
    "port_state_page",
    "port_state_report",
    "port_state_section",
    "state_item",
    "states_of_port",
    "why",
]

STATE_TONES: Mapping[str, Tone] = {
    "off": "dim",
    "not-eligible": "bad",
    "transport-cannot": "dim",
    "predicted": "accent",
    "falls-back": "bad",
    "confirmed": "good",
    "possibly-exhausted": "warning",
    "unknown": "warning",
}

_NOTHING: Mapping[str, str] = MappingProxyType({})


def _listed(value: Value) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


STATE = Column("state", "state", style="name", tones=STATE_TONES)
COLUMNS = (
    Column("port", "port", style="name"),
    Column("transport", "type", style="name", priority=1),
    Column("subsystem", "subsystem", style="name", priority=3),
    Column("nsid", "ns", style="number"),
    Column("p2pmem", "p2pmem", style="name", priority=4),
    STATE,
    Column("providers", "provider", priority=2, show=_listed),
    Column("why", "why"),
)

_GROUP_COLUMNS = tuple(
    column._replace(priority=0) for column in COLUMNS if column.key not in {"port", "transport", "subsystem"}
)


def port_state_report(
    snapshot: Snapshot, port: str | None = None, *, rules: str | None = None, followed: Mapping[str, str] = _NOTHING
) -> Page:
    """The states of all ports, or of one: the page for people, its report for all else.

    Raises NotFoundError for a port, or for rules, that nobody knows.
    """
    states = _chosen(snapshot, port, rules, followed)
    items = tuple(map(state_item, states))
    counts: dict[str, int] = {}
    for state in states:
        counts[state.state] = counts.get(state.state, 0) + 1
    report = Report.of(
        snapshot,
        "port-state",
        items,
        COLUMNS,
        summary={"states": counts},
        empty=_empty(snapshot, port),
    )
    return Page(report, tuple(_sections(states, items, _empty(snapshot, port))))


def port_state_page(snapshot: Snapshot, state: PortState) -> Page:
    """One state with all that it rests on."""
    items = (state_item(state),)
    return Page(Report.of(snapshot, "port-state", items, COLUMNS), tuple(_sections((state,), items, "")))


def states_of_port(
    snapshot: Snapshot, port: str, *, rules: str | None = None, followed: Mapping[str, str] = _NOTHING
) -> tuple[PortState, ...]:
    """The states of one port. Raises NotFoundError for a port, or for rules, that nobody knows."""
    return _chosen(snapshot, port, rules, followed)


def port_state_section(states: Iterable[PortState]) -> Section:
    """The states of one port as part of a page about it."""
    states = tuple(states)
    blocks: list[Block] = []
    for subsystem in dict.fromkeys(state.subsystem for state in states):
        items = tuple(state_item(state) for state in states if state.subsystem == subsystem)
        blocks += [Lines((f"{subsystem}:",)), Grid(_GROUP_COLUMNS, items)]
    if not blocks:
        blocks.append(Lines(("It exports no namespace.",)))
    remarks = _remarks(states)
    if remarks:
        blocks.append(Lines(remarks, bullet="- "))
    return Section("Peer-to-peer memory", tuple(blocks))


def _chosen(
    snapshot: Snapshot, port: str | None, rules: str | None, followed: Mapping[str, str]
) -> tuple[PortState, ...]:
    states = port_states(snapshot, rules=rules, followed=followed)
    if port is None:
        return states
    names = _named(snapshot.nvmet, port)
    if not names:
        raise NotFoundError(f"there is no port {port}", hint="p2pctl port list shows the ports that there are")
    return tuple(state for state in states if state.port in names)


def _named(nvmet: Nvmet | None, port: str) -> set[str]:
    """Directories of a port: as it is written, else all that the kernel takes for the same number."""
    ports = nvmet.ports if nvmet else {}
    if port in ports:
        return {port}
    number = kernel_number(port)
    return {name for name, one in ports.items() if number is not None and one.number == number}


def state_item(state: PortState) -> dict[str, Value]:
    """One state."""
    ceiling = state.bandwidth
    return {
        "port": state.port,
        "transport": state.transport,
        "subsystem": state.subsystem,
        "nsid": state.nsid,
        "enabled": state.enabled,
        "p2pmem": state.p2pmem,
        "device": state.device,
        "state": state.state,
        "predicted": state.predicted,
        "providers": [str(one) for one in state.providers],
        "map_type": state.map_type,
        "distance": state.distance,
        "bandwidth": None
        if ceiling is None
        else {"kind": ceiling.kind, "high": ceiling.high, "limiting": jsonable(ceiling.limiting)},
        "reasons": [_reason_item(one) for one in state.reasons],
        "warnings": [_reason_item(one) for one in state.warnings],
        "evidence": [_evidence_item(one) for one in state.evidence],
        "since": None if state.since is None else iso(state.since),
        "stale": None if state.since is None else state.stale is not None,
        "stale_reasons": list(state.stale.reasons) if state.stale else [],
        "why": why(state),
    }


def _reason_item(reason: Reason) -> Item:
    return {"code": reason.code, "text": reason.text, "address": jsonable(reason.address)}


def _evidence_item(evidence: Evidence) -> Item:
    time = None if evidence.time is None else iso(evidence.time)
    return {"kind": evidence.kind, "text": evidence.text, "time": time, "sure": evidence.sure}


def why(state: PortState) -> str:
    """What a state rests on, in one sentence."""
    if state.state in {"confirmed", "possibly-exhausted"} and state.since is not None:
        low = next((one.text for one in state.reasons if one.code == "pool-low"), None)
        return low or f"the kernel said so at {_clock(state.since)}"
    if state.reasons:
        return state.reasons[0].text
    if state.state == "predicted":
        return _predicted(state)
    return ""


def _predicted(state: PortState) -> str:
    ceiling = state.bandwidth
    upto = f", up to {ceiling.high:.1f} GB/s" if ceiling is not None and ceiling.high is not None else ""
    way = WAYS[state.map_type] if state.map_type is not None else "by P2P"
    if any(one.code == "disabled" for one in state.warnings):
        return f"{way}{upto}, once the namespace is enabled and a host connects"
    return f"{way}{upto}, by the rules; not confirmed"


def _clock(time: float) -> str:
    return (iso(time) or "?").replace("T", " ").partition(".")[0] + " UTC"


def _empty(snapshot: Snapshot, port: str | None) -> str:
    if port is not None:
        return f"Port {port} exports no namespace."
    nvmet = snapshot.nvmet
    if nvmet is None or (isinstance(nvmet.present, Missing) and nvmet.present is not ABSENT):
        return "Not known: the target's configuration could not be read."
    return (
        "No port exports a namespace." if nvmet.present else "The NVMe target is not loaded: modprobe nvmet brings it."
    )


def _sections(states: tuple[PortState, ...], items: tuple[Item, ...], empty: str) -> Iterable[Section]:
    """A table for each subsystem of each port: names are long, and stand above."""
    groups: dict[tuple[str, str], list[Item]] = {}
    for state, item in zip(states, items, strict=True):
        groups.setdefault((state.port, state.subsystem), []).append(item)
    if not groups:
        yield Section("", (Lines((empty,)),))
    for (port, subsystem), some in groups.items():
        title = f"Port {port} ({words(some[0]['transport'])}), {subsystem}"
        yield Section(title, (Grid(_GROUP_COLUMNS, tuple(some)),))
    if len(states) == 1:
        yield Section("Details", (Fields(_fields(states[0])),))
        yield Section("Evidence", (Lines(_evidence_lines(states[0]), bullet="- "),))
    remarks = _remarks(states)
    if remarks:
        yield Section("To know", (Lines(remarks, bullet="- "),))


def _fields(state: PortState) -> tuple[Field, ...]:
    rows = [
        Field("subsystem", state.subsystem, style="name"),
        Field("device", state.device, style="name"),
        Field("enabled", state.enabled),
        Field("p2pmem", state.p2pmem, style="name"),
        Field("state", state.state, tone=STATE_TONES[state.state]),
        Field("provider", [str(one) for one in state.providers], style="name"),
    ]
    if state.map_type is not None:
        rows.append(Field("way", WAYS[state.map_type]))
    rows.append(Field("distance", state.distance))
    if state.bandwidth is not None and state.bandwidth.high is not None:
        limit = f"(the link of {state.bandwidth.limiting} limits it)" if state.bandwidth.limiting else ""
        rows.append(Field("at most", f"{state.bandwidth.high:.1f} GB/s", note=Span(limit, "dim")))
    if state.since is not None:
        rows.append(Field("since", _clock(state.since)))
    return tuple(rows)


def _evidence_lines(state: PortState) -> tuple[str, ...]:
    return tuple(
        f"{one.kind}: {one.text}" + (f" ({_clock(one.time)})" if one.time and one.kind == "log" else "")
        for one in state.evidence
    )


def _remarks(states: Iterable[PortState]) -> tuple[str, ...]:
    """What to know beside the table: each remark once, with the namespaces that it is about."""
    told: dict[str, list[str]] = {}
    for state in states:
        subject = f"port {state.port}" + ("" if state.nsid is None else f" namespace {state.nsid}")
        notes = [reason.text for reason in (*state.reasons[1:], *state.warnings)]
        notes += [f"perhaps out of date: {one}" for one in state.stale.reasons] if state.stale else []
        for note in notes:
            told.setdefault(note, []).append(subject)
    return tuple(f"{_subjects(subjects)}: {text}" for text, subjects in told.items())


def _subjects(subjects: list[str]) -> str:
    named = list(dict.fromkeys(subjects))
    return ", ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")
