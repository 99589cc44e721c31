"""What a capture keeps of connected hosts, sockets, the log, RDMA block targets and pools of 2017."""

from __future__ import annotations

import errno
import gzip
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from p2pctl.errors import UsageError
from p2pctl.hardware.archive import CaptureDoor
from p2pctl.hardware.capture.manifest import Manifest, parse
from p2pctl.hardware.capture.take import Taken, take
from p2pctl.hardware.snapshot import take as take_snapshot
from p2pctl.kernel import Door, LogLine, LogRead
from p2pctl.model.facts import UNREADABLE, Gap
from p2pctl.model.network import Listener, Network, TcpConnection
from p2pctl.model.snapshot import PartName, Snapshot
from tests.hardware.test_legacy_pools import POOL
from tests.hardware.test_target_readers import CONTROLLER, DEBUG, HOST, RNBD, WHOLE, Entries, controller
from tests.trees import TreeDoor, tree

PARTS: tuple[PartName, ...] = ("connections", "log", "network", "nvmet", "pools", "rnbd", "holders")
NVMET = "/sys/kernel/config/nvmet"
BEFORE = "nqn.2026-11.com.customer-canary:a"
SAID = (
    "usb 1-1: new device of canary",
    "nvmet: Created nvm controller 7 for subsystem canary pool for NQN canary for NQN 2 with DH-HMAC-CHAP, TLS.",
    f"nvmet: Created nvm controller 8 for subsystem {BEFORE} for NQN {HOST}.",
    "nvmet: using p2pmem on 0000:03:00.0 for nsid 1",
    "nvmet_tcp: enabling port 1 (192.0.2.10:4420)",
    "nvmet: no peer-to-peer memory is available for /dev/disk/by-id/canary",
    "nvmet: Invalid value 'canary' for x",
    "nvmet: failed to open file /srv/canary.img: (-2)",
    "nvmet: key DHHC-1:00:canary: is odd",
)


class Log:
    """A log that goes back to the boot."""

    def __init__(self, refusal: int = 0) -> None:
        self._refusal = refusal

    def mark(self) -> int:
        return len(SAID) - 1

    def since(self, mark: int = -1) -> LogRead:
        if self._refusal:
            raise OSError(self._refusal, os.strerror(self._refusal))
        lines = tuple(LogLine(number, 1000.0 + number, text) for number, text in enumerate(SAID))
        return LogRead(lines[mark + 1 :], complete=True)


ENTRIES: Entries = {
    **WHOLE,
    **RNBD,
    **POOL,
    **controller(),
    f"{DEBUG}/bdi": None,
    f"{DEBUG}/canary": None,
    f"{NVMET}/ports/1/addr_trsvcid": b"4420\n",
    f"{NVMET}/ports/2/addr_trsvcid": b"canary\n",
    f"{NVMET}/ports/1/allow_p2pmem": b"1\n",
    f"{NVMET}/subsystems/{BEFORE}/attr_model": b"Linux\n",
}


def host(entries: Mapping[str, object] = ENTRIES, refusal: int = 0) -> TreeDoor:
    door = TreeDoor(tree(entries))  # type: ignore[arg-type]
    door.log = Log(refusal)  # type: ignore[assignment]
    return door


def everything(door: Door) -> Snapshot:
    return take_snapshot(door, PARTS)


def replay(taken: Taken, tmp_path: Path) -> Snapshot:
    path = tmp_path / "capture.tar.gz"
    path.write_bytes(taken.data)
    return everything(CaptureDoor(str(path)))


def test_the_target_reads_the_same(tmp_path: Path) -> None:
    """All but the connections of others: who else is connected to a host is nobody's business."""
    live = everything(host())
    taken = take(host(), everything, root=True)
    found = replay(taken, tmp_path)
    assert found.log is not None
    assert live.log is not None
    assert isinstance(live.log.records, tuple)
    assert found.log == live.log._replace(records=live.log.records[:-1]), "all but a message with a key in it"
    for part in ("connections", "nvmet", "pools", "rnbd", "holders"):
        assert getattr(found, part) == getattr(live, part), part
    assert found.network is not None
    assert live.network is not None
    assert (found.network.addresses, found.network.prefixes) == (live.network.addresses, live.network.prefixes)
    assert found.network.listening == live.network.listening == (Listener("192.0.2.10", 4420), Listener("::", 4421))
    assert found.network.established == (TcpConnection("192.0.2.10", 4420, "192.0.2.7", 54321),)
    assert taken.manifest.withheld == ()


def test_what_is_no_concern_of_ours_is_not_in_it() -> None:
    """Other messages, other parts of debugfs, other columns of the socket table, anything with the form of a key."""
    taken = take(host(), everything, root=True)
    text = gzip.decompress(taken.data)
    assert b"usb 1-1" not in text
    assert b"DHHC" not in text
    assert f"{DEBUG}/canary".encode() not in text
    assert b"1145 1" not in text, "inode numbers"
    assert b":D432" not in text, "a connection to a port that is none of the target's"


@pytest.mark.parametrize("refusal", [errno.EPERM, errno.EACCES])
def test_a_log_that_could_not_be_read_stays_unread(tmp_path: Path, refusal: int) -> None:
    """With the same reason."""
    found = replay(take(host(refusal=refusal), everything, root=False), tmp_path)
    assert found.log is not None
    assert found.log.records is UNREADABLE
    assert found.log.gaps == everything(host(refusal=refusal)).log.gaps  # type: ignore[union-attr]


def test_a_capture_of_an_earlier_version_has_no_log(tmp_path: Path) -> None:
    """That is a gap, and nothing else is amiss."""
    taken = take(host(), lambda door: take_snapshot(door, ["nvmet"]), root=True)
    assert taken.manifest.log is None
    found = replay(taken, tmp_path)
    assert found.log is not None
    assert [(gap.fact, gap.errno) for gap in found.log.gaps] == [("kernel log", errno.EOPNOTSUPP)]


@pytest.mark.parametrize(
    "damage", ['{"complete": true, "lines": [[1, 2]]}', '{"complete": true}', "0", "[]", '{"lines": [[-1, 0, ""]]}']
)
def test_a_damaged_log_is_refused(damage: str) -> None:
    """As any other part of a manifest."""
    data = Manifest("1", 0.0).dump()
    assert parse(data, "x").log is None
    with pytest.raises(UsageError):
        parse(data.replace(b'"log": null', f'"log": {damage}'.encode()), "x")


def test_redaction_leaves_no_names_and_keeps_relations(tmp_path: Path) -> None:
    """Who is connected, to what and from where, is the same in debugfs, log, sockets and configuration."""
    taken = take(host(), everything, root=True, redacted=True, key=b"k")
    text = gzip.decompress(taken.data)
    assert not re.search(rb"canary|192\.0\.2|0A0200C0|070200C0|fd0{30}|0f01fb42|/srv/", text), text
    found = replay(taken, tmp_path)
    assert found.connections is not None
    assert found.network is not None
    assert found.rnbd is not None
    assert found.log is not None
    assert found.nvmet is not None
    (connected,) = found.connections.controllers
    assert (connected.cntlid, connected.port, connected.state) == (7, "1", "ready")
    (established,) = found.network.established  # type: ignore[misc]
    assert established.remote_address == connected.address
    assert isinstance(found.network.addresses, frozenset)
    assert established.address in found.network.addresses
    assert isinstance(found.log.records, tuple)
    said = [record.text for record in found.log.records]
    (subsystem,) = found.nvmet.subsystems
    assert f"for subsystem {subsystem} for NQN {connected.host}." in said[1]
    assert re.fullmatch(
        r"nvmet: Created nvm controller 7 for subsystem name-\w+ for NQN name-\w+ with DH-HMAC-CHAP, TLS\.", said[0]
    )
    assert said[2] == "nvmet: using p2pmem on 0000:03:00.0 for nsid 1"
    assert said[3] == f"nvmet_tcp: enabling port 1 ({established.address}:4420)"
    assert said[4].startswith("nvmet: no peer-to-peer memory is available for /dev/disk/by-id/name-")
    assert said[5:] == ["nvmet: (redacted)", "nvmet: (redacted)"]
    client, server = found.rnbd.sessions
    assert client.name.startswith("name-")
    assert found.rnbd.mapped[0].session == client.name
    assert found.rnbd.exported[0].sessions[0].session == server.name
    path = client.paths[0]
    assert path.name == f"{path.source}@{path.destination}"
    assert server.paths[0].source == path.destination
    assert path.statistics.reads == 1
    assert found.pools is not None
    assert [pool.size for pool in found.pools.pools.values()] == [16 << 20]


def test_a_host_without_the_target_shows_no_connections(tmp_path: Path) -> None:
    """None are of the target: the table is there, with what listens and nobody else, which is known."""
    found = replay(take(host(WHOLE), everything, root=True), tmp_path)
    assert isinstance(found.network, Network)
    assert (len(found.network.listening), found.network.established) == (2, ())  # type: ignore[arg-type]


def test_gaps_about_connections_name_nobody(tmp_path: Path) -> None:
    """Under redaction, a gap has the pseudonym too."""
    entries: Entries = {**ENTRIES, f"{CONTROLLER}/kato": b"soon\n"}
    entries = {path.replace("nqn.s1", BEFORE): data for path, data in entries.items()}
    taken = take(host(entries), everything, root=True, redacted=True, key=b"k")
    gaps: list[Gap] = [gap for gap in taken.manifest.gaps if gap.fact == "connection keep-alive"]
    assert len(gaps) == 1
    assert "canary" not in str(gaps)
    assert replay(taken, tmp_path).connections.gaps == tuple(gaps)  # type: ignore[union-attr]
