"""From the target as it is to the target as it is wanted: the smallest plan, in the order that the kernel takes.

Rights and exports that go are taken first, then objects; new objects are configured whole before anything leads to
them, so that exposure comes last (facts of order: drivers/nvme/target/configfs.c, fs/configfs/dir.c).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain

from p2pctl.model.nvmet import ROOT, Host, Nvmet, Port, Referral, Subsystem, TargetNamespace
from p2pctl.target import ana, paths
from p2pctl.target.plan import Disruption, Plan, Step
from p2pctl.target.problems import is_on
from p2pctl.target.schema import key_for, same
from p2pctl.target.vanishing import vanishing
from p2pctl.target.writes import SWITCH, Object, Wanted, differing, store, stuck, switched

ANY_HOST = "attr_allow_any_host"


def plan(live: Nvmet, wanted: Nvmet, *, locked: Collection[str] = ()) -> Plan:
    """The steps from ``live`` to ``wanted``. An attribute that ``wanted`` does not mention is left alone.

    ``locked`` are the subsystems whose identity a host has seen: they are made anew where it is to change.
    """
    work = _Difference(live, wanted, frozenset(locked))
    steps = tuple(work.steps())
    return Plan(steps, tuple(vanishing(live, wanted)))


class _Difference:
    """One comparison."""

    def __init__(self, live: Nvmet, wanted: Nvmet, locked: frozenset[str]) -> None:
        self._live = live
        self._wanted = wanted
        self._remade = {nqn: why for nqn in sorted(locked) if (why := self._identity_changes(nqn))}
        self._exposed = {nqn for port in live.ports.values() for nqn in port.links.values()}
        self._renewed = {name: why for name in live.ports if (why := self._port_stuck(name))}
        self._moved = {name: why for name in live.ports if (why := self._port_changes(name))} | self._renewed
        self._staying = {
            name: (port, wanted.ports[name])
            for name, port in live.ports.items()
            if name in wanted.ports and name not in self._renewed
        }
        """Ports that are there and are not made anew, as they are and as they are wanted."""
        self._standing = {name: self._exports_throughout(name, after) for name, (_, after) in self._staying.items()}

    def steps(self) -> Iterator[Step]:
        """All steps."""
        live, wanted = self._live, self._wanted
        yield from self._close()
        yield from self._remove_namespaces()
        yield from self._remove_subsystems()
        yield from self._remove_hosts()
        yield from self._remove_ports()
        root = Object("root", ROOT, "the target")
        for one in differing(root, live.attributes, wanted.attributes):
            yield from store(root, one)
        yield from chain.from_iterable(self._host(host) for host in wanted.hosts.values())
        # A namespace may move to a group that is opened, or leave one that is closed: hosts reach it all the while.
        yield from chain.from_iterable(ana.opened(*pair) for pair in self._staying.values())
        # A controller that one subsystem hands through is free before another takes it.
        yield from chain.from_iterable(self._passthru(one, off=True) for one in wanted.subsystems.values())
        yield from chain.from_iterable(self._subsystem(one) for one in wanted.subsystems.values())
        for name, (before, after) in self._staying.items():
            yield from ana.closed(before, after, partial(ana.used, wanted, self._standing[name]))
        yield from chain.from_iterable(self._port(port) for port in wanted.ports.values())

    def _identity_changes(self, nqn: str) -> str:
        """Why a subsystem must be made anew; empty where it need not."""
        live, wanted = self._live.subsystems.get(nqn), self._wanted.subsystems.get(nqn)
        if live is None or wanted is None:
            return ""
        of = _subsystem_object(nqn)
        keys = [
            key_for(of.kind, one.file)
            for one in differing(of, live.attributes, wanted.attributes)
            if one.change == "undiscovered"
        ]
        return f"to change {', '.join(keys)} of {nqn}, which a host has seen" if keys else ""

    def _port_stuck(self, name: str) -> str:
        """Why a port must be made anew; empty where it need not."""
        live, wanted = self._live.ports[name], self._wanted.ports.get(name)
        keys = stuck(_port_object(name), live.attributes, wanted.attributes) if wanted else []
        return f"to unset {', '.join(keys)} of port {name}" if keys else ""

    def _port_changes(self, name: str) -> str:
        """Why a live port must be taken down for a moment; empty where it need not."""
        live, wanted = self._live.ports[name], self._wanted.ports.get(name)
        if wanted is None or not live.links:
            return ""
        writes = differing(_port_object(name), live.attributes, wanted.attributes, in_use=bool(wanted.links))
        keys = [key_for("port", one.file) for one in writes if one.change == "unlinked"]
        return f"to change {', '.join(keys)} of port {name}" if keys else ""

    def _exports_throughout(self, name: str, after: Port) -> frozenset[str]:
        """Subsystems that a port exports all the while."""
        if name in self._moved:
            return frozenset()
        links = self._live.ports[name].links.items()
        return frozenset(nqn for link, nqn in links if after.links.get(link) == nqn and nqn not in self._remade)

    def _gone(self, nqn: str) -> bool:
        """Whether a subsystem is removed, for good or to be made anew."""
        return nqn not in self._wanted.subsystems or nqn in self._remade

    def _close(self) -> Iterator[Step]:
        """Exports and rights that end, and those that must end for a while."""
        for name, port in self._live.ports.items():
            after = self._wanted.ports.get(name)
            for link, nqn in port.links.items():
                why = self._remade.get(nqn) or self._moved.get(name) or ""
                if after is not None and after.links.get(link) == nqn and not why:
                    continue
                kept = after is not None and after.links.get(link) == nqn
                yield Step(
                    "unlink",
                    paths.port_link(name, link),
                    paths.called_port(name),
                    before=paths.subsystem(nqn),
                    disruption=Disruption.ALL if nqn in self._remade else Disruption.PORT,
                    why=why if kept else "",
                )
        for nqn, subsystem in self._live.subsystems.items():
            rest = self._wanted.subsystems.get(nqn)
            of = _subsystem_object(nqn)
            for link, host in subsystem.host_links.items():
                if rest is None or rest.host_links.get(link) != host or nqn in self._remade:
                    yield Step("unlink", paths.allowed_host(nqn, link), of.subject, before=paths.host(host))
            if rest is not None and nqn not in self._remade:
                yield from _access(of, subsystem, rest, wide=False)

    def _remove_namespaces(self) -> Iterator[Step]:
        for nqn, subsystem in self._live.subsystems.items():
            rest = self._wanted.subsystems.get(nqn)
            for nsid, one in subsystem.namespaces.items():
                wanted = rest.namespaces.get(nsid) if rest is not None and not self._gone(nqn) else None
                why = _namespace_stuck(nqn, one, wanted)
                if wanted is not None and not why:
                    continue
                seen = nqn in self._exposed and not self._gone(nqn) and one.attributes.get("enable") == "1"
                yield Step(
                    "rmdir",
                    paths.namespace(nqn, one),
                    paths.called_namespace(nqn, nsid),
                    disruption=Disruption.NAMESPACE if seen else Disruption.NONE,
                    why=self._remade.get(nqn, why),
                    lane=nqn,
                )

    def _remove_subsystems(self) -> Iterator[Step]:
        for nqn in self._live.subsystems:
            if self._gone(nqn):
                of = _subsystem_object(nqn)
                yield Step("rmdir", of.path, of.subject, why=self._remade.get(nqn, ""))

    def _remove_hosts(self) -> Iterator[Step]:
        for nqn in self._live.hosts:
            if nqn not in self._wanted.hosts:
                yield Step("rmdir", paths.host(nqn), paths.called_host(nqn))

    def _remove_ports(self) -> Iterator[Step]:
        for name, port in self._live.ports.items():
            why = self._renewed.get(name, "")
            after = None if why else self._wanted.ports.get(name)
            for referral in port.referrals.values():
                there = after.referrals.get(referral.name) if after else None
                because = _referral_stuck(name, referral, there)
                if there is None or because:
                    place = _referral_object(name, referral)
                    yield Step("rmdir", place.path, place.subject, why=why or because)
            if after is None:
                for group in port.ana_groups.values():
                    yield from ana.removed(port, group, why=why)
                yield Step("rmdir", paths.port(name), paths.called_port(name), why=why)

    def _host(self, host: Host) -> Iterator[Step]:
        of = Object("host", paths.host(host.nqn), paths.called_host(host.nqn))
        live = self._live.hosts.get(host.nqn)
        if live is None:
            yield Step("mkdir", of.path, of.subject)
        for one in differing(of, live.attributes if live else {}, host.attributes):
            yield from store(of, one)

    def _subsystem(self, wanted: Subsystem) -> Iterator[Step]:
        nqn = wanted.nqn
        of = _subsystem_object(nqn)
        there = self._live.subsystems.get(nqn)
        live = Subsystem(nqn) if there is None or nqn in self._remade else there
        fresh = live is not there
        if any(self._passthru(wanted, off=True)) and not is_on(wanted.passthru):
            # The kernel has set it back to its default.
            rest = {file: text for file, text in live.attributes.items() if file != "attr_version"}
            live = live._replace(attributes=rest)
        if fresh:
            yield Step("mkdir", of.path, of.subject, why=self._remade.get(nqn, ""))
        for one in differing(of, live.attributes, wanted.attributes):
            if one.file != ANY_HOST:
                yield from store(of, one, self._reconnect(nqn, one))
        yield from self._passthru(wanted, off=False)
        noticed = self._noticed(nqn)
        exporting = [pair for name, pair in self._staying.items() if nqn in self._standing[name]]
        for namespace in wanted.namespaces.values():
            before = live.namespaces.get(namespace.nsid)
            lost = before is not None and ana.lost(before, namespace, exporting)
            for step in _namespace(nqn, before, namespace, noticed):
                yield replace(step, disruption=Disruption.NAMESPACE) if lost and ana.is_membership(step) else step
        for link, host in wanted.host_links.items():
            if live.host_links.get(link) != host:
                yield Step("symlink", paths.allowed_host(nqn, link), of.subject, paths.host(host))
        yield from _access(of, live, wanted, wide=True)

    def _noticed(self, nqn: str) -> Disruption:
        """What hosts notice when something of a subsystem is switched off."""
        return Disruption.NAMESPACE if nqn in self._exposed and nqn not in self._remade else Disruption.NONE

    def _passthru(self, wanted: Subsystem, *, off: bool) -> Iterator[Step]:
        """Switching it off, or all the rest."""
        nqn = wanted.nqn
        live = None if nqn in self._remade else self._live.subsystems.get(nqn)
        of = Object("passthru", paths.passthru(nqn), f"passthru of {paths.called_subsystem(nqn)}")
        for step in switched(of, live.passthru if live else {}, wanted.passthru, self._noticed(nqn)):
            if ((step.name, step.value) == (SWITCH, "0")) is off:
                yield step

    def _reconnect(self, nqn: str, one: Wanted) -> Disruption:
        return Disruption.PORT if one.change == "reconnects" and nqn in self._exposed else Disruption.NONE

    def _port(self, wanted: Port) -> Iterator[Step]:
        name = wanted.name
        of = _port_object(name)
        there = self._live.ports.get(name)
        why = self._renewed.get(name, "")
        live = Port(name) if there is None or why else there
        if live is not there:
            yield Step("mkdir", of.path, of.subject, why=why)
        in_use = bool(live.links and wanted.links)
        for one in differing(of, live.attributes, wanted.attributes, in_use=in_use):
            yield from store(of, one)
        if live is not there:
            yield from ana.opened(live, wanted)
            yield from ana.closed(live, wanted, tuple)
        for referral in wanted.referrals.values():
            yield from _referral(name, live.referrals.get(referral.name), referral)
        yield from self._exports(wanted, there.links if there else {})

    def _exports(self, wanted: Port, live: Mapping[str, str]) -> Iterator[Step]:
        for link, nqn in wanted.links.items():
            why = self._remade.get(nqn) or self._moved.get(wanted.name)
            if live.get(link) != nqn or why:
                again = f"{why}: exported again" if why and live.get(link) == nqn else ""
                yield Step(
                    "symlink",
                    paths.port_link(wanted.name, link),
                    paths.called_port(wanted.name),
                    paths.subsystem(nqn),
                    why=again,
                )


def _subsystem_object(nqn: str) -> Object:
    return Object("subsystem", paths.subsystem(nqn), paths.called_subsystem(nqn))


def _port_object(name: str) -> Object:
    return Object("port", paths.port(name), paths.called_port(name))


def _access(of: Object, live: Subsystem, wanted: Subsystem, *, wide: bool) -> Iterator[Step]:
    """Closes a subsystem to hosts that are not named, or opens it to all; each has its time."""
    for one in differing(of, live.attributes, wanted.attributes):
        if one.file == ANY_HOST and same("subsystem", ANY_HOST, "1", one.value) is wide:
            yield from store(of, one)


def _namespace_stuck(nqn: str, live: TargetNamespace, wanted: TargetNamespace | None) -> str:
    """Why a namespace must be made anew; empty where it need not."""
    of = Object("namespace", paths.namespace(nqn, live), "")
    keys = stuck(of, live.attributes, wanted.attributes) if wanted else []
    return f"to unset its {', '.join(keys)}" if keys else ""


def _namespace(nqn: str, live: TargetNamespace | None, wanted: TargetNamespace, noticed: Disruption) -> Iterator[Step]:
    """One namespace. A directory that is there keeps its name."""
    why = _namespace_stuck(nqn, live, wanted) if live else ""
    of = Object("namespace", paths.namespace(nqn, live or wanted), paths.called_namespace(nqn, wanted.nsid))
    if live is None or why:
        live = TargetNamespace(wanted.nsid)
        yield Step("mkdir", of.path, of.subject, why=why)
    yield from switched(of, live.attributes, wanted.attributes, noticed)


def _referral_object(port: str, one: Referral) -> Object:
    return Object("referral", paths.referral(port, one.name), paths.called_referral(port, one.name))


def _referral_stuck(port: str, live: Referral, wanted: Referral | None) -> str:
    """Why a referral must be made anew; empty where it need not."""
    keys = stuck(_referral_object(port, live), live.attributes, wanted.attributes) if wanted else []
    return f"to unset its {', '.join(keys)}" if keys else ""


def _referral(port: str, live: Referral | None, wanted: Referral) -> Iterator[Step]:
    """One referral. Hosts hear of it when they ask next."""
    of = _referral_object(port, wanted)
    why = _referral_stuck(port, live, wanted) if live else ""
    if live is None or why:
        live = Referral(wanted.name)
        yield Step("mkdir", of.path, of.subject, why=why)
    yield from switched(of, live.attributes, wanted.attributes, Disruption.NONE)
