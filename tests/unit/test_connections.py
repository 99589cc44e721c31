"""Who is connected, and what that is known from."""

from __future__ import annotations

from dataclasses import replace

from p2pctl.model.connections import Connections
from p2pctl.model.facts import ABSENT, UNREADABLE
from p2pctl.model.network import Listener, Network, TcpConnection
from p2pctl.model.nvmet import Nvmet
from p2pctl.model.rnbd import ExportedDevice, ExportSession, Rnbd, RtrsPath, RtrsSession, RtrsStatistics
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.connections import connection_report
from p2pctl.render.rnbd import rnbd_item, rnbd_sections
from p2pctl.target.connections import connections
from tests.unit.port_hosts import (
    HOST,
    NQN,
    OTHER,
    created,
    exporting,
    listening,
    logged,
    machine,
    namespace,
    port,
    shown,
    simple,
    subsystem,
)


def tcp_host() -> Snapshot:
    ports = [port("1"), port("2", OTHER, trtype="tcp")]
    return exporting(machine(), ports, [subsystem(namespace()), subsystem(namespace(), nqn=OTHER)])


def sockets(snapshot: Snapshot, *remotes: str, service: int = 4420) -> Snapshot:
    established = tuple(TcpConnection("192.0.2.10", service, one, 40000 + at) for at, one in enumerate(remotes))
    listeners = (Listener("192.0.2.10", 4420),)
    return replace(snapshot, network=Network(0.0, frozenset({"192.0.2.10"}), listeners, established))


def test_debugfs_is_believed_before_all_else() -> None:
    """It is what the kernel has now; the log adds since when."""
    snapshot = shown(logged(simple(), created(1), created(2)), (1, NQN, "1"))
    (one,) = connections(snapshot)
    assert (one.basis, one.cntlid, one.ports, one.host, one.since) == ("debugfs", 1, ("1",), HOST, 100.0)
    assert one.path is not None


def test_without_it_the_log_tells_who_came() -> None:
    """And says that it hardly tells who left."""
    (one,) = connections(logged(simple(), created(3)))
    assert (one.basis, one.subsystem, one.cntlid, one.ports, one.host) == ("log", NQN, 3, ("1",), HOST)
    assert one.remark is not None
    assert "may be gone" in one.remark


def test_who_ended_is_not_listed() -> None:
    assert connections(logged(simple(), created(1), "nvmet: ctrl 1 fatal error occurred!")) == ()
    assert connections(logged(simple(), created(1), listening())) == ()
    assert connections(logged(simple(), created(1, "nqn.deleted.since"))) == ()


def test_sockets_are_counted_by_port_and_peer() -> None:
    snapshot = sockets(tcp_host(), "192.0.2.99", "192.0.2.99", "192.0.2.98")
    assert [(one.basis, one.ports, one.address, one.strands, one.subsystem) for one in connections(snapshot)] == [
        ("inferred", ("2",), "192.0.2.98", 1, None),
        ("inferred", ("2",), "192.0.2.99", 2, None),
    ]


def test_sockets_of_other_services_are_not_ours() -> None:
    assert connections(sockets(tcp_host(), "192.0.2.99", service=22)) == ()


def rnbd() -> Rnbd:
    counters = RtrsStatistics(1, 4096, 2, 8192, ABSENT, ABSENT, ABSENT, ABSENT)
    path = RtrsPath(
        "ip:192.0.2.99@ip:192.0.2.10", ABSENT, "mlx5_0", 1, "ip:192.0.2.99", "ip:192.0.2.10", ABSENT, counters
    )
    return Rnbd(
        0.0,
        client=False,
        server=True,
        sessions=(RtrsSession("client1", "server", (path,), ABSENT, ABSENT),),
        exported=(ExportedDevice("nvme0n1", "nvme0n1", (ExportSession("client1", "nvme0n1", "rw", False),)),),
        port=1234,
    )


def test_rtrs_and_rnbd_are_listed_and_never_use_p2p_memory() -> None:
    snapshot = replace(machine(), rnbd=rnbd())
    assert [(one.kind, one.subsystem, one.host) for one in connections(snapshot)] == [
        ("rtrs", "client1", ABSENT),
        ("rnbd", "nvme0n1", "client1"),
    ]
    items = connection_report(snapshot).items
    assert [item["p2p"] for item in items] == [False, False]
    assert {item["remark"] for item in items} == {"never uses P2P memory"}


def test_the_status_of_rnbd_has_sessions_paths_devices_and_counters() -> None:
    item = rnbd_item(rnbd())["rnbd"]
    assert isinstance(item, dict)
    assert item["p2p"] is False
    (session,) = item["sessions"]
    assert session["paths"][0]["statistics"]["written_bytes"] == 8192
    assert (session["p2p"], session["paths"][0]["p2p"], item["exported"][0]["p2p"]) == (False, False, False)
    assert [section.title for section in rnbd_sections(rnbd())] == ["RNBD"]
    assert rnbd_sections(Rnbd(0.0, client=False, server=False)) == ()


def test_filters() -> None:
    snapshot = logged(tcp_host(), created(1), created(2, OTHER))
    assert [item["cntlid"] for item in connection_report(snapshot, port="1").items] == [1]
    assert [item["cntlid"] for item in connection_report(snapshot, subsystem=OTHER).items] == [2]


def test_emptiness_is_worded_by_what_was_looked_at() -> None:
    """That nobody is connected can only be said where the kernel shows who is."""
    assert connection_report(shown(simple())).empty == "Nobody is connected."
    assert "does not show" in connection_report(simple()).empty
    hidden = replace(simple(), connections=Connections(0.0, debugfs=UNREADABLE))
    assert "could not be read" in connection_report(hidden).empty
    absent = replace(simple(), nvmet=Nvmet(0.0, present=False, loaded=False))
    assert "not loaded" in connection_report(absent).empty
    unread = simple()
    assert unread.log is not None
    blind = replace(unread, log=unread.log._replace(records=UNREADABLE))
    assert connection_report(blind).empty.startswith("Not known")
