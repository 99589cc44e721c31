"""What the target's view tells of one record: the pages that the commands show, too."""

from __future__ import annotations

from collections.abc import Callable

from p2pctl.dashboard.contents.target_keys import connection_keys
from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.remembered import Remembered
from p2pctl.model.nvmet import Nvmet
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.connections import connection_report
from p2pctl.render.hosts import host_page
from p2pctl.render.namespaces import namespace_page
from p2pctl.render.page import Field, Fields, Grid, Lines, Page, Section
from p2pctl.render.port_page import port_page
from p2pctl.render.port_states import COLUMNS as STATE_COLUMNS
from p2pctl.render.port_states import state_item
from p2pctl.render.referrals import COLUMNS as REFERRAL_COLUMNS
from p2pctl.render.referrals import referral_item
from p2pctl.render.report import Report
from p2pctl.render.rnbd import rnbd_item, rnbd_sections
from p2pctl.render.subsystems import subsystem_page
from p2pctl.render.target_attributes import attribute_fields
from p2pctl.target import paths
from p2pctl.target.connections import connections

Make = Callable[[Picture], Page | None]


def target_page_of(panel: str, key: str) -> Make | None:
    """What makes the page of a record from each picture, None once it is gone; None where there is no such panel."""
    if panel == "ports":
        return PortPages(key.partition(" ")[2])
    maker = _MAKERS.get(panel)
    return (lambda picture: _bounded(picture, panel, maker(picture, key))) if maker else None


def _bounded(picture: Picture, panel: str, page: Page | None) -> Page | None:
    """The page without the gaps of parts that it does not tell of."""
    if page is None:
        return page
    snapshot = picture.snapshot
    part = snapshot.connections if panel == "connections" else snapshot.rnbd if panel in _RNBD else snapshot.nvmet
    return page._replace(report=page.report._replace(gaps=part.gaps if part else ()))


def _namespace(picture: Picture, key: str) -> Page | None:
    target = _target(picture)
    for nqn, subsystem in target.subsystems.items():
        for nsid, one in subsystem.namespaces.items():
            if paths.called_namespace(nqn, nsid) == key:
                page = namespace_page(picture.snapshot, target, nqn, one)
                return Page(page.report, (*page.sections, *_states(picture, nqn, nsid)))
    return None


def _states(picture: Picture, nqn: str, nsid: int) -> tuple[Section, ...]:
    """What each port makes of its P2P memory."""
    found = [one for one in picture.ports if (one.subsystem, one.nsid) == (nqn, nsid)]
    columns = tuple(column for column in STATE_COLUMNS if column.key not in {"subsystem", "nsid", "p2pmem"})
    sections = [Section("Peer-to-peer memory", (Grid(columns, tuple(map(state_item, found)), "No port exports it."),))]
    evidence = [f"port {one.port}, {said.kind}: {said.text}" for one in found for said in one.evidence]
    if evidence:
        sections.append(Section("Evidence", (Lines(tuple(evidence), bullet="- "),)))
    return tuple(sections)


def _subsystem(picture: Picture, key: str) -> Page | None:
    target = _target(picture)
    found = next((one for nqn, one in target.subsystems.items() if paths.called_subsystem(nqn) == key), None)
    return subsystem_page(picture.snapshot, target, found) if found else None


class PortPages:
    """Makes the page of one port, with thousands of states perhaps: only anew when one of them is another."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._kept = Remembered()

    def __call__(self, picture: Picture) -> Page | None:
        """The page; None once the port is gone."""
        snapshot = picture.snapshot
        found = _target(picture).ports.get(self.name)
        if found is None:
            return None
        parts = (found, picture.ports)
        page = self._kept.of("page", parts, lambda: port_page(snapshot, found, states=picture.ports))
        # It has the devices' gaps, too: its states rest on them.
        return page._replace(report=page.report._replace(generated=snapshot.taken, gaps=snapshot.gaps))


def _host(picture: Picture, key: str) -> Page | None:
    target = _target(picture)
    found = next((one for nqn, one in target.hosts.items() if paths.called_host(nqn) == key), None)
    return host_page(picture.snapshot, target, found) if found else None


def _referral(picture: Picture, key: str) -> Page | None:
    for port in _target(picture).ports.values():
        for one in port.referrals.values():
            if paths.called_referral(port.name, one.name) == key:
                items = [referral_item(port.name, one)]
                report = Report.of(picture.snapshot, "referral", items, REFERRAL_COLUMNS)
                fields = Fields((Field("port", port.name), *attribute_fields("referral", one.attributes)))
                return Page(report, (Section(f"Referral {one.name}", (fields,)),))
    return None


def _connection(picture: Picture, key: str) -> Page | None:
    snapshot = picture.snapshot
    whole = connection_report(snapshot)
    for one, item in zip(connection_keys(connections(snapshot)), whole.items, strict=True):
        if one == key:
            report = Report.of(snapshot, "connection", [item], whole.columns, gaps=whole.gaps)
            rows = [Field(column.title, item[column.key]) for column in whole.columns]
            if item["basis"] != "debugfs":
                rows.append(Field("sockets" if item["basis"] == "inferred" else "paths", item["count"]))
            rows += [Field("shown by", item["path"], style="name"), Field("to know", item["remark"])]
            return Page(report, (Section("Connection", (Fields(tuple(rows)),)),))
    return None


def _rnbd(picture: Picture, _key: str) -> Page | None:
    snapshot: Snapshot = picture.snapshot
    sections = rnbd_sections(snapshot.rnbd)
    return Page(Report.of(snapshot, "rnbd", [rnbd_item(snapshot.rnbd)], ()), sections) if sections else None


def _target(picture: Picture) -> Nvmet:
    snapshot = picture.snapshot
    return snapshot.nvmet or Nvmet(snapshot.taken, present=False, loaded=False)


_RNBD = frozenset({"rnbd-paths", "rnbd-devices"})
_MAKERS: dict[str, Callable[[Picture, str], Page | None]] = {
    "namespaces": _namespace,
    "subsystems": _subsystem,
    "connections": _connection,
    "hosts": _host,
    "referrals": _referral,
    "rnbd-paths": _rnbd,
    "rnbd-devices": _rnbd,
}
