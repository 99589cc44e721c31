"""The target's objects, and who uses them, as panels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from p2pctl.dashboard.contents.target_keys import connection_keys, numbered
from p2pctl.dashboard.contents.target_states import BY_PORT, OF_PORT, states_by_namespace, states_by_port
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.remembered import Remembered
from p2pctl.model.facts import NOT_READ, UNREADABLE
from p2pctl.model.nvmet import SECRET_ATTRIBUTES, Nvmet, TargetNamespace
from p2pctl.model.rnbd import Rnbd
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.connections import connection_report
from p2pctl.render.hosts import host_report
from p2pctl.render.namespaces import COLUMNS as NAMESPACE_COLUMNS
from p2pctl.render.namespaces import namespace_item
from p2pctl.render.notes import asides
from p2pctl.render.page import Grid, Lines
from p2pctl.render.referrals import referral_report
from p2pctl.render.report import Column, Item, Report, Value, lookup
from p2pctl.render.rnbd import rnbd_sections
from p2pctl.render.subsystems import subsystem_report
from p2pctl.render.target_attributes import no_target
from p2pctl.render.target_ports import port_report
from p2pctl.target import paths
from p2pctl.target.connections import Connection, connections

NAMES = ("namespaces", "subsystems", "ports", "connections", "hosts", "referrals", "rnbd-paths", "rnbd-devices")
"""Of all panels that there may be, in their order."""

_USERS = Column("users", "conns", style="name", align="right", priority=1)
_EMPTY = "The target is empty: p2pctl apply FILE makes what a document says, p2pctl subsystem create a first subsystem."


class _Base(NamedTuple):
    """A panel but for what changes with the pools."""

    report: Report
    keys: tuple[str, ...]
    notes: tuple[str, ...]

    def panel(self, name: str, title: str) -> Panel:
        """The panel as it is."""
        report = self.report
        return Panel(name, title, report.columns, report.items, self.keys, report.empty, self.notes)


class TargetContents:
    """Makes the panels. A record that has not changed is the same object as in the picture before."""

    def __init__(self) -> None:
        self._parts = Remembered()
        self._items: dict[str, dict[str, Item]] = {}
        self._known: dict[tuple[str, int], tuple[TargetNamespace, Item]] = {}

    def panels(self, picture: Picture) -> tuple[Panel, ...]:
        """All that there are: without a target, why there is none, and who uses what is there besides."""
        snapshot = picture.snapshot
        nvmet = snapshot.nvmet
        users = self._connections(snapshot)
        rnbd = self._parts.of("rnbd", (snapshot.rnbd,), lambda: _rnbd(snapshot.rnbd))
        why = no_target(nvmet)
        if nvmet is None or why is not None:
            gone = Panel("namespaces", "NVMe target", (), (), (), why or "", _unread(nvmet))
            return (gone, *((users.panel("connections", "Connections"),) if users.keys else ()), *rnbd)
        return (
            self._namespaces(picture, nvmet),
            self._plain("subsystems", "Subsystems", snapshot, nvmet),
            self._ports(picture, nvmet, users),
            users.panel("connections", "Connections"),
            self._plain("hosts", "Hosts", snapshot, nvmet),
            self._plain("referrals", "Referrals", snapshot, nvmet),
            *rnbd,
        )

    def _plain(self, name: str, title: str, snapshot: Snapshot, nvmet: Nvmet) -> Panel:
        return self._parts.of(name, (nvmet,), lambda: _base(name, snapshot, nvmet).panel(name, title))

    def _namespaces(self, picture: Picture, nvmet: Nvmet) -> Panel:
        base = self._parts.of("namespaces", (nvmet,), lambda: self._namespace_base(picture.snapshot, nvmet))
        by = states_by_namespace(picture.ports)
        items = self._with(base, "namespaces", [{"states": by.get(pair)} for pair in self._known])
        columns = _before(base.report.columns, "ana_grpid", BY_PORT)
        report = base.report._replace(items=items, columns=columns)
        return base._replace(report=report).panel("namespaces", "Namespaces")

    def _namespace_base(self, snapshot: Snapshot, nvmet: Nvmet) -> _Base:
        """As `namespace_report` has it; but of thousands, after a change to one, only that one is made anew."""
        before, self._known = self._known, {}
        for nqn, subsystem in nvmet.subsystems.items():
            for nsid, one in subsystem.namespaces.items():
                old = before.get((nqn, nsid))
                self._known[nqn, nsid] = old if old and old[0] == one else (one, namespace_item(nqn, one))
        items = [item for _, item in self._known.values()]
        report = Report.of(
            snapshot, "namespace", items, NAMESPACE_COLUMNS, gaps=nvmet.gaps, empty="There is no namespace."
        )
        keys = tuple(paths.called_namespace(nqn, nsid) for nqn, nsid in self._known)
        return _Base(report, keys, asides(report) if nvmet.gaps else ())

    def _ports(self, picture: Picture, nvmet: Nvmet, users: _Base) -> Panel:
        base = self._parts.of("ports", (nvmet,), lambda: _base("ports", picture.snapshot, nvmet))
        by = states_by_port(picture.ports)
        count = _users(users.report.items, sure=lookup(users.report.summary or {}, "debugfs") is True)
        more: list[Item] = [
            {"states": by.get(name), "users": count.get(name, count.get(None, UNREADABLE))} for name in nvmet.ports
        ]
        columns = _before(base.report.columns, "subsystems", OF_PORT, _USERS)
        report = base.report._replace(items=self._with(base, "ports", more), columns=columns)
        return base._replace(report=report).panel("ports", "Ports")

    def _with(self, base: _Base, name: str, more: Sequence[Item]) -> tuple[Item, ...]:
        """The items with more in them; those of the last time, where nothing in them is new."""
        before = self._items.get(name, {})
        found: dict[str, Item] = {}
        for key, item, extra in zip(base.keys, base.report.items, more, strict=True):
            old = before.get(key)
            if old is None or old["of"] is not item or any(old[one] != value for one, value in extra.items()):
                old = {**item, **extra, "of": item}
            found[key] = old
        self._items[name] = found
        return tuple(found.values())

    def _connections(self, snapshot: Snapshot) -> _Base:
        parts = (snapshot.nvmet, snapshot.connections, snapshot.log, snapshot.network, snapshot.rnbd)
        return self._parts.of("connections", parts, lambda: _connected(snapshot, connections(snapshot)))


def _base(name: str, snapshot: Snapshot, nvmet: Nvmet) -> _Base:
    """The records of one kind."""
    ports = nvmet.ports.values()
    if name == "subsystems":
        report, keys = subsystem_report(snapshot), [paths.called_subsystem(nqn) for nqn in nvmet.subsystems]
        if not (nvmet.subsystems or nvmet.ports or nvmet.hosts):
            report = report._replace(empty=_EMPTY)
    elif name == "ports":
        report, keys = port_report(snapshot), [paths.called_port(one) for one in nvmet.ports]
    elif name == "hosts":
        report, keys = host_report(snapshot), [paths.called_host(nqn) for nqn in nvmet.hosts]
        report = report._replace(notes=(*_open(nvmet), *_keys(nvmet)))
    else:
        report = referral_report(snapshot)
        keys = [paths.called_referral(port.name, one.name) for port in ports for one in port.referrals.values()]
    # What other parts of the snapshot could not read is told elsewhere, and would make this change with each look.
    report = report._replace(gaps=nvmet.gaps)
    return _Base(report, numbered(keys), asides(report))


def _open(nvmet: Nvmet) -> tuple[str, ...]:
    """Who needs no entry here."""
    found = [nqn for nqn, one in nvmet.subsystems.items() if one.attributes.get("attr_allow_any_host") == "1"]
    if not found:
        return ()
    named = ", ".join(found[:2]) + (f" and {len(found) - 2} more" if len(found) > 2 else "")
    return (f"Any host may use {named}, without authentication.",)


def _keys(nvmet: Nvmet) -> tuple[str, ...]:
    """Where to see whether keys are set, if they were left alone here."""
    values = [one.attributes.get(file) for one in nvmet.hosts.values() for file in SECRET_ATTRIBUTES]
    return ("? keys are not read here: p2pctl host list tells whether they are set",) if NOT_READ in values else ()


def _connected(snapshot: Snapshot, found: tuple[Connection, ...]) -> _Base:
    report = connection_report(snapshot)
    gaps = snapshot.connections.gaps if snapshot.connections else ()
    report = report._replace(gaps=gaps)
    return _Base(report, connection_keys(found), asides(report))


def _users(items: Iterable[Item], *, sure: bool) -> Mapping[str | None, Value]:
    """How many controllers came in by each port, with ``?`` where that is only concluded; under None, for the rest.

    A host that the log tells of and the socket that it has are one: of what is known in several ways the most counts.
    """
    counts: dict[str, Counter[object]] = defaultdict(Counter)
    for item in items:
        ports = item["port"]
        if item["kind"] == "nvmet" and isinstance(ports, list):
            for port in ports:
                counts[str(port)][item["basis"]] += 1
    known: dict[str | None, Value] = {
        port: max(found.values()) if sure else f"{max(found.values())}?" for port, found in counts.items()
    }
    known[None] = 0 if sure else UNREADABLE
    return known


def _unread(nvmet: Nvmet | None) -> tuple[str, ...]:
    gaps = nvmet.gaps if nvmet else ()
    return tuple(dict.fromkeys(f"{gap.path or gap.fact}: needs {gap.needs}" for gap in gaps))


def _before(columns: tuple[Column, ...], key: str, *more: Column) -> tuple[Column, ...]:
    place = next(place for place, column in enumerate(columns) if column.key == key)
    return (*columns[:place], *more, *columns[place:])


def _rnbd(rnbd: Rnbd | None) -> tuple[Panel, ...]:
    """The tables of RNBD's section; none where neither of its modules is loaded."""
    blocks = [block for section in rnbd_sections(rnbd) for block in section.blocks]
    notes = tuple(str(line) for block in blocks if isinstance(block, Lines) for line in block.lines)
    panels = [_rnbd_panel(block) for block in blocks if isinstance(block, Grid)]
    if not panels and notes:
        panels = [Panel("rnbd-paths", "RNBD", (), (), (), " ".join(notes))]
        notes = ()
    return (*panels[:-1], *(one._replace(notes=notes) for one in panels[-1:]))


def _rnbd_panel(grid: Grid) -> Panel:
    paths = grid.columns[0].key == "session"
    name, title = ("rnbd-paths", "RTRS paths") if paths else ("rnbd-devices", "RNBD devices")
    told = ("session", "side", "name") if paths else ("role", "name", "session")
    keys = numbered(" ".join(("rnbd", *(str(item.get(one)) for one in told))) for item in grid.items)
    return Panel(name, title, grid.columns, grid.items, keys, grid.empty, ())
