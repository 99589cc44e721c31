"""What is read about connected hosts, sockets, the log and RDMA block targets: whole, torn, refused and hostile."""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.hardware.connections import read_connections
from p2pctl.hardware.log import concerns, read_log
from p2pctl.hardware.network import read_network
from p2pctl.hardware.reading import Reader
from p2pctl.hardware.rnbd import read_rnbd
from p2pctl.hardware.snapshot import take
from p2pctl.hardware.without import WithoutLog
from p2pctl.kernel import Files, LogLine, LogRead
from p2pctl.model.connections import Connections, Controller
from p2pctl.model.facts import ABSENT, UNREADABLE
from p2pctl.model.log import Record
from p2pctl.model.network import Listener, Network, TcpConnection
from p2pctl.model.rnbd import ExportSession, Rnbd, RtrsStatistics
from p2pctl.simulator.nodes import Contents, File, Link, refused
from tests.trees import TreeDoor, tree

Entries = dict[str, Contents | Link | File | None]

DEBUG = "/sys/kernel/debug"
ANY = "0.0.0.0"  # noqa: S104
CONTROLLER = f"{DEBUG}/nvmet/nqn.s1/ctrl7"
HOST = "nqn.2014-08.org.nvmexpress:uuid:0f01fb42-9f7f-4856-b0b3-51e60b8de349"


def connections(entries: Mapping[str, Contents | Link | File | None], *, privileged: bool = True) -> Connections:
    return read_connections(Reader(tree(entries, privileged=privileged)), 0.0)


class Closed:
    """Files of which one directory may not be listed."""

    def __init__(self, files: Files, directory: str) -> None:
        self._files = files
        self._directory = directory

    def list(self, path: str) -> tuple[str, ...]:
        if path == self._directory:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return self._files.list(path)

    def __getattr__(self, name: str) -> object:
        return getattr(self._files, name)


def controller(path: str = CONTROLLER, **values: Contents) -> Entries:
    found: dict[str, Contents] = {
        "port": b"1\n", "hostnqn": HOST.encode(), "kato": b"15\n", "state": b"ready\n", "host_traddr": b"192.0.2.7\n",
        **values,
    }  # fmt: skip
    return {f"{path}/{name}": data for name, data in found.items()}


def test_who_is_connected() -> None:
    """Every controller of every subsystem, the directory of another kind of object aside."""
    found = connections(
        {
            **controller(),
            **controller(
                f"{DEBUG}/nvmet/nqn.s1/ctrl10", host_traddr=b"\n", state=b"ready|shutdown\n", tls_key=b"1f2e\n"
            ),
            f"{DEBUG}/nvmet/nqn.s1/ns1/reservation": b"enable: 0\n",
            f"{DEBUG}/nvmet/nqn.2014-08.org.nvmexpress.discovery": None,
        }
    )
    assert found.debugfs is True
    first, second = found.controllers
    assert first == Controller("nqn.s1", 7, "1", HOST, "192.0.2.7", "ready", 15, ABSENT, ABSENT, CONTROLLER)
    assert (second.cntlid, second.address, second.state, second.tls_key) == (10, ABSENT, "ready|shutdown", "1f2e")
    assert found.gaps == ()


def test_a_kernel_that_shows_no_connections() -> None:
    """That is "no" only where debugfs is mounted; an empty mount point and a closed one are unknown."""
    assert connections({f"{DEBUG}/bdi": None}).debugfs is False
    for entries in ({}, {DEBUG: None}):
        found = connections(entries)
        assert found.debugfs is UNREADABLE
        assert [gap.needs for gap in found.gaps] == ["debugfs mounted"]


def test_debugfs_is_for_root() -> None:
    """Closed to others: unknown, and the gap says who may."""
    closed: Any = Closed(tree(controller()), f"{DEBUG}/nvmet")
    found = read_connections(Reader(closed), 0.0)
    assert (found.debugfs, found.controllers) == (UNREADABLE, ())
    assert [(gap.errno, gap.needs) for gap in found.gaps] == [(errno.EACCES, "root")]


def test_controllers_that_end_meanwhile_are_left_out() -> None:
    """Their files are gone, or say so."""
    gone = refused(errno.ENODEV)
    ended = controller(port=gone, hostnqn=gone, kato=gone, state=gone, host_traddr=gone)
    found = connections({**ended, f"{DEBUG}/nvmet/nqn.s1/ctrl8": None})
    assert (found.controllers, found.gaps) == ((), ())


def test_a_host_may_call_itself_anything() -> None:
    """It is kept as it is; a number that is none is a gap."""
    found = connections(controller(hostnqn=b"\x1b]0;x\x07\nroot\xff", kato=b"soon\n", port=refused(errno.EIO)))
    (one,) = found.controllers
    assert (one.host, one.kato, one.port) == ("\x1b]0;x\x07\nroot\udcff", UNREADABLE, UNREADABLE)
    assert {gap.fact for gap in found.gaps} == {"connection keep-alive", "connection port"}


NET = "/proc/1/net"
FIB = b"""Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.0
           /8 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     +-- 192.0.2.0/24 2 0 2
        |-- 192.0.2.0
           /24 link UNICAST
        |-- 192.0.2.10
           /32 link UNICAST
           /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
"""
IPV6 = (
    b"fd000000000000000000000000000002 02 40 00 82     eth0\n"
    b"00000000000000000000000000000001 01 80 10 80       lo\n"
    b"fd0000000000000000000000000000aa 02 40 00 c0     eth0\n"
    b"fd0000000000000000000000000000bb 02 40 00 44     eth0\n"
)
HEAD = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
REST = b"00000000:00000000 00:00000000 00000000     0        0 1145 1 0000000000000000 100 0 0 10 0\n"
TCP = HEAD + (
    b"   0: 0A0200C0:1144 00000000:0000 0A " + REST + b"   1: 0A0200C0:1144 070200C0:D431 01 " + REST +
    b"   2: 0A0200C0:1144 080200C0:D431 06 " + REST
)  # fmt: skip
TCP6 = HEAD + (
    b"   0: 00000000000000000000000000000000:1145 00000000000000000000000000000000:0000 0A " + REST +
    b"   1: 0000000000000000FFFF00000A0200C0:1145 0000000000000000FFFF0000070200C0:D432 01 " + REST +
    b"   2: 000000FD000000000000000002000000:1145 000000FD000000000000000009000000:D433 01 " + REST
)  # fmt: skip
WHOLE: Entries = {f"{NET}/fib_trie": FIB, f"{NET}/if_inet6": IPV6, f"{NET}/tcp": TCP, f"{NET}/tcp6": TCP6}


def network(entries: Entries) -> Network:
    return read_network(Reader(tree(entries)), 0.0)


def test_addresses_of_the_host() -> None:
    """Those that a socket can be bound to: not broadcast, not one that is still checked for duplicates."""
    found = network(WHOLE)
    assert found.addresses == frozenset({"127.0.0.1", "192.0.2.10", "fd00::2", "::1", "fd00::bb"})
    assert found.prefixes == {"127.0.0.0/8"}
    assert found.gaps == ()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.10", True), ("192.0.2.11", False), ("192.0.2.255", False), ("127.0.0.1", True), ("127.3.2.1", True),
        (ANY, True), ("::", True), ("fd00:0:0::2", True), ("fd00::2%eth0", True), ("fd00::aa", False),
        ("fd00::3", False), ("host.example", False), ("", False),
    ],
)  # fmt: skip
def test_whether_an_address_is_local(address: str, expected: bool) -> None:
    assert network(WHOLE).local(address) is expected


def test_unknown_addresses_are_not_foreign() -> None:
    """What may not be read says nothing, but any address is any host's."""
    found = network({**WHOLE, f"{NET}/fib_trie": refused(errno.EACCES)})
    assert found.addresses is UNREADABLE
    assert (found.local("192.0.2.10"), found.local(ANY)) == (UNREADABLE, True)


def test_sockets() -> None:
    """What listens and what is connected, in both families; other states are neither."""
    found = network(WHOLE)
    assert found.listening == (Listener("192.0.2.10", 4420), Listener("::", 4421))
    assert found.established == (
        TcpConnection("192.0.2.10", 4420, "192.0.2.7", 54321),
        TcpConnection("192.0.2.10", 4421, "192.0.2.7", 54322),
        TcpConnection("fd00::2", 4421, "fd00::9", 54323),
    )


def test_without_ipv6() -> None:
    """A kernel may have none."""
    found = network({path: data for path, data in WHOLE.items() if not path.endswith("6")})
    assert found.addresses == frozenset({"127.0.0.1", "192.0.2.10"})
    assert found.listening == (Listener("192.0.2.10", 4420),)
    assert found.gaps == ()


def test_another_namespace_is_second_best() -> None:
    """Where the first process is not for us, its own is read, and a gap tells that this may be another one."""
    own: Entries = {path.replace("/proc/1/", "/proc/"): data for path, data in WHOLE.items()}
    closed: Any = Closed(tree({**own, NET: None}), NET)
    found = read_network(Reader(closed), 0.0)
    assert found.listening == (Listener("192.0.2.10", 4420), Listener("::", 4421))
    assert [(gap.fact, gap.errno) for gap in found.gaps] == [("network namespace", errno.EACCES)]


def test_a_table_that_is_too_long_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """What listens comes first; who is connected is then unknown, rather than nobody."""
    monkeypatch.setattr("p2pctl.hardware.network._LIMIT", len(TCP) - 100)
    found = network({**WHOLE, f"{NET}/tcp6": HEAD, f"{NET}/fib_trie": FIB[-200:]})
    assert found.listening == (Listener("192.0.2.10", 4420),)
    assert found.established is UNREADABLE
    assert [gap.fact for gap in found.gaps] == ["sockets"]


@given(st.binary(max_size=300), st.integers(0, 3), st.integers(0, 300))
def test_no_table_is_too_odd(junk: bytes, which: int, at: int) -> None:
    """Nothing raises, and what comes out are addresses and ports."""
    path = list(WHOLE)[which]
    data = WHOLE[path]
    assert isinstance(data, bytes)
    found = network({**WHOLE, path: data[:at] + junk + data[at:]})
    assert isinstance(found.addresses, frozenset)
    assert isinstance(found.listening, tuple)
    for address in (*found.addresses, *(one.address for one in found.listening)):
        assert str(ipaddress.ip_address(address)) == address
    assert all(0 <= one.port <= 0xFFFF for one in found.listening)


class Said:
    """A log that holds these messages."""

    def __init__(self, *texts: str, complete: bool = True) -> None:
        self._read = LogRead(tuple(LogLine(n, float(n), text) for n, text in enumerate(texts)), complete)

    def mark(self) -> int:
        return len(self._read.lines) - 1

    def since(self, mark: int = -1) -> LogRead:
        return self._read._replace(lines=self._read.lines[mark + 1 :])


class Refusing(WithoutLog):
    def since(self, mark: int = -1) -> LogRead:  # noqa: ARG002
        raise PermissionError(errno.EPERM, "Operation not permitted", "/dev/kmsg")


@pytest.mark.parametrize(
    "text",
    [
        "nvmet: using p2pmem on 0000:03:00.0 for nsid 1",
        "nvmet: Created nvm controller 1 for subsystem x for NQN y.",
        "nvmet_tcp: enabling port 1 (192.0.2.10:4420)",
        "nvme_loop: x",
        "nvme 0000:03:00.0: PCI device has no peer-to-peer memory: 0",
        "mlx5_core 0000:01:00.0: ACS redirect is set between the client and provider (0000:03:00.0)",
        "mlx5_core 0000:01:00.0: to disable ACS redirect for this path, add pci=disable_acs_redir=0000:00:01.0",
        "pci 0000:03:00.0: added peer-to-peer DMA memory 0x0-0x1",
        "pci-p2pdma: No such PCI device: 0000:ff:00.0",
        "p2pmem p2pmem0: registered",
    ],
)
def test_messages_that_matter(text: str) -> None:
    assert concerns(text)


@pytest.mark.parametrize("text", ["usb 1-1: new device", "nvme nvme0: pci function 0000:03:00.0", "audit: x", ""])
def test_other_messages_stay_where_they_are(text: str) -> None:
    assert not concerns(text)


def test_the_log_part() -> None:
    """Messages that matter, with number and time, and whether there may have been more."""
    log = read_log(Reader(tree({})), Said("usb 1-1: x", "nvmet: y"), 5.0)
    assert log.records == (Record(1, 1.0, "nvmet: y"),)
    assert (log.taken, log.complete, log.gaps) == (5.0, True, ())
    cut = read_log(Reader(tree({})), Said("nvmet: y", complete=False), 5.0)
    assert cut.records == (Record(0, 0.0, "nvmet: y"),)
    assert (cut.complete, [gap.fact for gap in cut.gaps]) == (False, ["kernel log"])


@pytest.mark.parametrize(("log", "number"), [(WithoutLog(), errno.EOPNOTSUPP), (Refusing(), errno.EPERM)])
def test_a_log_that_cannot_be_read_is_a_gap(log: WithoutLog, number: int) -> None:
    """Not an empty one."""
    found = read_log(Reader(tree({})), log, 0.0)
    assert (found.records, found.complete) == (UNREADABLE, False)
    assert [gap.errno for gap in found.gaps] == [number]


USAGE = b"Usage: echo 1 > reconnect\n"
PATH = "/sys/devices/virtual/rtrs-client/s1/paths/ip:192.0.2.1@ip:192.0.2.2"
SERVED = "/sys/devices/virtual/rtrs-server/s2/paths/ip:192.0.2.2@ip:192.0.2.1"
EXPORT = "/sys/devices/virtual/rnbd-server/ctl/devices/nvme0n1"
DISK = "/sys/devices/virtual/block/rnbd0"


def opened(text: str) -> Callable[[], bytes]:
    def fail() -> bytes:
        raise AssertionError(text)

    return fail


RNBD: Entries = {
    "/sys/class/rnbd-client/ctl": Link("../../devices/virtual/rnbd-client/ctl"),
    "/sys/devices/virtual/rnbd-client/ctl/map_device": opened("a file that takes commands is not read"),
    "/sys/class/rtrs-client/s1": Link("../../devices/virtual/rtrs-client/s1"),
    "/sys/devices/virtual/rtrs-client/s1/mpath_policy": b"min-inflight (MI: 1)\n",
    "/sys/devices/virtual/rtrs-client/s1/max_reconnect_attempts": b"-1\n",
    "/sys/devices/virtual/rtrs-client/s1/add_path": opened("a file that takes commands is not read"),
    f"{PATH}/state": b"connected\n",
    f"{PATH}/hca_name": b"mlx5_0\n",
    f"{PATH}/hca_port": b"1\n",
    f"{PATH}/src_addr": b"ip:192.0.2.1\n",
    f"{PATH}/dst_addr": b"ip:192.0.2.2\n",
    f"{PATH}/cur_latency": b"1234 ns\n",
    f"{PATH}/reconnect": opened("a file that takes commands is not read"),
    f"{PATH}/stats/rdma": b"1 4096 2 8192 3 4\n",
    f"{PATH}/stats/reconnects": b"5 6\n",
    f"{PATH}/stats/reset_all": opened("a file that takes commands is not read"),
    "/sys/block/rnbd0": Link("../devices/virtual/block/rnbd0"),
    f"{DISK}/size": b"2048\n",
    f"{DISK}/rnbd/state": b"open\n",
    f"{DISK}/rnbd/session": b"s1\n",
    f"{DISK}/rnbd/mapping_path": b"/dev/nvme0n1\n",
    f"{DISK}/rnbd/access_mode": b"rw\n",
    f"{DISK}/rnbd/nr_poll_queues": b"0\n",
    f"{DISK}/rnbd/unmap_device": opened("a file that takes commands is not read"),
    "/sys/block/sda": Link("../devices/virtual/block/sda"),
    "/sys/devices/virtual/block/sda/size": b"1\n",
    "/sys/class/rnbd-server/ctl": Link("../../devices/virtual/rnbd-server/ctl"),
    "/sys/class/rtrs-server/s2": Link("../../devices/virtual/rtrs-server/s2"),
    f"{SERVED}/hca_name": b"mlx5_1\n",
    f"{SERVED}/hca_port": b"2\n",
    f"{SERVED}/src_addr": b"ip:192.0.2.2\n",
    f"{SERVED}/dst_addr": b"ip:192.0.2.1\n",
    f"{SERVED}/stats/rdma": b"10 20 30 40\n",
    f"{EXPORT}/block_dev": Link("../../../../../block/nvme0n1"),
    f"{EXPORT}/sessions/s2/read_only": b"1\n",
    f"{EXPORT}/sessions/s2/mapping_path": b"nvme0n1\n",
    f"{EXPORT}/sessions/s2/access_mode": b"ro\n",
    f"{EXPORT}/sessions/s2/force_close": opened("a file that takes commands is not read"),
    "/sys/module/rnbd_server/parameters/port_nr": b"1234\n",
    "/sys/module/rnbd_server/parameters/dev_search_path": b"/\n",
}


def rnbd(entries: Entries) -> Rnbd:
    return read_rnbd(Reader(tree(entries)), 0.0)


def test_rdma_block_devices_of_both_sides() -> None:
    """Sessions, paths, devices and counters; files that take commands are left alone."""
    found = rnbd(RNBD)
    assert (found.client, found.server, found.port, found.search_path, found.gaps) == (True, True, 1234, "/", ())
    assert found.uses_p2p is False
    client, server = found.sessions
    assert (client.name, client.policy, client.max_reconnect_attempts) == ("s1", "min-inflight (MI: 1)", -1)
    (path,) = client.paths
    assert (path.state, path.device, path.device_port, path.latency) == ("connected", "mlx5_0", 1, 1234)
    assert (path.source, path.destination) == ("ip:192.0.2.1", "ip:192.0.2.2")
    assert path.statistics == RtrsStatistics(1, 4096, 2, 8192, 3, 4, 5, 6)
    (path,) = server.paths
    assert (server.side, server.policy, path.state, path.latency) == ("server", ABSENT, ABSENT, ABSENT)
    assert path.statistics == RtrsStatistics(10, 20, 30, 40, ABSENT, ABSENT, ABSENT, ABSENT)
    (mapped,) = found.mapped
    assert (mapped.name, mapped.session, mapped.remote, mapped.size) == ("rnbd0", "s1", "/dev/nvme0n1", 1 << 20)
    (exported,) = found.exported
    assert exported.block_device == "nvme0n1"
    assert exported.sessions == (ExportSession("s2", "nvme0n1", "ro", True),)


def test_a_host_without_rnbd() -> None:
    """The modules are not loaded, and nothing is a gap."""
    assert rnbd({}) == Rnbd(0.0, client=False, server=False)


def test_what_goes_away_while_it_is_read_is_left_out() -> None:
    """Directories without their files: a path, a device, an export, a client of one."""
    gone = refused(errno.ENODEV)
    found = rnbd({path: gone if isinstance(data, bytes) else data for path, data in RNBD.items()})
    assert [session.paths for session in found.sessions] == [(), ()]
    assert found.mapped == ()
    assert [exported.sessions for exported in found.exported] == [()]
    assert found.gaps == ()


def test_values_that_make_no_sense_are_gaps() -> None:
    """Counters that are too few, numbers that are none."""
    odd: Entries = {
        f"{PATH}/stats/rdma": b"1 2 3\n",
        f"{PATH}/cur_latency": USAGE,
        f"{PATH}/stats/reconnects": b"x y\n",
    }
    found = rnbd({**RNBD, **odd})
    path = found.sessions[0].paths[0]
    assert path.latency is UNREADABLE
    assert set(path.statistics) == {UNREADABLE}
    assert len(found.gaps) == 4


def test_every_part_can_be_asked_for_alone() -> None:
    """And no other is then read."""
    door = TreeDoor(tree({**WHOLE, **RNBD, **controller()}))
    snapshot = take(door, {"connections", "network", "rnbd", "log"})
    assert snapshot.connections is not None
    assert snapshot.network is not None
    assert snapshot.rnbd is not None
    assert snapshot.log is not None
    assert snapshot.nvmet is None
    assert {gap.fact for gap in snapshot.gaps} == {"kernel log"}
