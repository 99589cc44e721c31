"""Who is connected, as far as the kernel tells.

Only its debugfs says so (drivers/nvme/target/debugfs.c). Without that there is the log, which tells when a controller
began but rarely when it ended, and the TCP sockets on the ports' addresses.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from p2pctl.model.connections import Controller
from p2pctl.model.facts import ABSENT, Fact, Missing
from p2pctl.model.network import Network, TcpConnection
from p2pctl.model.nvmet import Nvmet, Port
from p2pctl.model.snapshot import PartName, Snapshot
from p2pctl.target.evidence import Hearing, hear
from p2pctl.target.log_lines import Created, events

PARTS: frozenset[PartName] = frozenset({"nvmet", "connections", "log", "network", "rnbd"})
"""The parts of a Snapshot that they are told from."""

Kind = Literal["nvmet", "rtrs", "rnbd"]
Basis = Literal["debugfs", "log", "inferred", "sysfs"]
"""``debugfs`` and ``sysfs``: the kernel shows it now; ``log``: the kernel said that it began; ``inferred``: there are
sockets on the port's address."""

_DISCOVERY = "nqn.2014-08.org.nvmexpress.discovery"


class Connection(NamedTuple):
    """One host's use of something on this one."""

    kind: Kind
    basis: Basis
    subsystem: str | None
    """NQN; the session of RTRS, the device of RNBD."""
    cntlid: int | None
    ports: tuple[str, ...]
    """Directories of the port that it came in by; several where that is not known."""
    host: Fact[str]
    address: Fact[str]
    state: Fact[str]
    since: float | None
    """Seconds since 1970 on the source; None where nothing tells."""
    strands: int = 1
    """Sockets, or paths."""
    path: str | None = None
    """Where the kernel shows it, and takes the order to end it."""
    remark: str | None = None
    """What to know of the answer."""


def connections(snapshot: Snapshot) -> tuple[Connection, ...]:
    """All of them: controllers first, then TCP sockets where those are all there is, then RTRS and RNBD."""
    return (*_target(snapshot), *_rtrs(snapshot), *_rnbd(snapshot))


def _target(snapshot: Snapshot) -> Iterator[Connection]:
    target = snapshot.nvmet or Nvmet(snapshot.taken, ABSENT, ABSENT)
    heard = _hearing(snapshot, target)
    shown = snapshot.connections
    if shown is not None and shown.debugfs is True:
        for controller in shown.controllers:
            yield _shown(controller, target, heard)
        return
    sockets = _sockets(snapshot.network, target)
    for announced in heard.announced:
        yield from _announced(announced, target, heard, sockets)
    for (port, remote), count in sorted(sockets.items()):
        yield Connection(
            "nvmet", "inferred", None, None, (port,), ABSENT, remote, "connected", None, count,
            remark="TCP sockets on the port's address: which subsystem and which host they are of, nothing tells",
        )  # fmt: skip


def _hearing(snapshot: Snapshot, target: Nvmet) -> Hearing:
    records = snapshot.log.records if snapshot.log else ()
    return hear(target, events(() if isinstance(records, Missing) else records, target.subsystems))


def _shown(controller: Controller, target: Nvmet, heard: Hearing) -> Connection:
    begun = next(
        (
            one.record.time
            for one in heard.announced
            if one.cntlid == controller.cntlid and (controller.subsystem in one.subsystems or one.discovery)
        ),
        None,
    )
    number = controller.port
    ports = (
        () if isinstance(number, Missing) else tuple(p.name for p in target.ports.values() if str(p.number) == number)
    )
    return Connection(
        "nvmet", "debugfs", controller.subsystem, controller.cntlid, ports, controller.host, controller.address,
        controller.state, begun, path=controller.path,
    )  # fmt: skip


def _announced(one: Created, target: Nvmet, heard: Hearing, sockets: Counter[tuple[str, str]]) -> Iterator[Connection]:
    """A controller that the log tells of, unless its port was taken down since or it is there no more for sure."""
    ports = []
    for port in target.ports.values():
        begun = heard.ports.get(port.number or 0)
        exports = one.discovery or any(nqn in port.links.values() for nqn in one.subsystems)
        if not exports or (begun is not None and begun.sequence > one.record.sequence):
            continue
        if (
            port.attributes.get("addr_trtype") == "tcp"
            and sockets
            and not any(name == port.name for name, _ in sockets)
        ):
            continue
        ports.append(port.name)
    if not ports:
        return
    names = " or ".join(one.subsystems)
    yield Connection(
        "nvmet", "log", _DISCOVERY if one.discovery and not names else names, one.cntlid, tuple(ports), one.host,
        Missing.NOT_READ, Missing.NOT_READ, one.record.time,
        remark="the log tells when a controller begins, hardly when it ends: it may be gone",
    )  # fmt: skip


def _sockets(network: Network | None, target: Nvmet) -> Counter[tuple[str, str]]:
    """TCP connections by port and by remote address."""
    found: Counter[tuple[str, str]] = Counter()
    if network is None or isinstance(network.established, Missing):
        return found
    for port in target.ports.values():
        if port.attributes.get("addr_trtype") == "tcp" and port.links:
            found.update((port.name, one.remote_address) for one in network.established if _reaches(one, port))
    return found


def _reaches(one: TcpConnection, port: Port) -> bool:
    address, service = port.attributes.get("addr_traddr", ABSENT), port.attributes.get("addr_trsvcid", ABSENT)
    if isinstance(address, Missing) or isinstance(service, Missing) or service != str(one.port):
        return False
    try:
        local = ipaddress.ip_address(address.partition("%")[0])
        return local.is_unspecified or local == ipaddress.ip_address(one.address)
    except ValueError:
        return False


def _rtrs(snapshot: Snapshot) -> Iterator[Connection]:
    for session in snapshot.rnbd.sessions if snapshot.rnbd else ():
        remotes = [path.destination if session.side == "client" else path.source for path in session.paths]
        states = [path.state for path in session.paths if not isinstance(path.state, Missing)]
        yield Connection(
            "rtrs", "sysfs", session.name, None, (), ABSENT, _joined(remotes), _joined(states) or ABSENT, None,
            len(session.paths), f"/sys/class/rtrs-{session.side}/{session.name}",
        )  # fmt: skip


def _rnbd(snapshot: Snapshot) -> Iterator[Connection]:
    for device in snapshot.rnbd.exported if snapshot.rnbd else ():
        for use in device.sessions:
            yield Connection(
                "rnbd", "sysfs", device.name, None, (), use.session, ABSENT, use.access, None,
                path=f"/sys/class/rnbd-server/ctl/devices/{device.name}/sessions/{use.session}",
            )  # fmt: skip


def _joined(facts: Iterable[Fact[str]]) -> str:
    return ", ".join(dict.fromkeys(fact for fact in facts if not isinstance(fact, Missing)))
