"""The demo host's target: consistent with the rest of the host, and kept between commands where that is wanted."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from p2pctl.errors import UsageError
from p2pctl.hardware.snapshot import take
from p2pctl.model.address import Address
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.selection import find_rules
from p2pctl.resolver.topology import Topology
from p2pctl.simulator import demo, distance, rnbd
from p2pctl.simulator.demo_target import ARCHIVE, HOSTS, POOL, READER
from p2pctl.simulator.door import EPOCH, DemoDoor, state_directory
from p2pctl.simulator.nodes import File, nest, walk
from p2pctl.simulator.tree import MemoryFiles

ROOT = "/sys/kernel/config/nvmet"
MODEL = f"{ROOT}/subsystems/{POOL}/attr_vendor_id"
PORT = f"{ROOT}/ports/2"


def test_hosts_are_connected_and_every_view_agrees() -> None:
    """Configuration, log, debugfs and sockets; RDMA shows no socket."""
    door = DemoDoor(lambda: 0.0)
    debug = "/sys/kernel/debug/nvmet"
    assert [door.files.read(f"{debug}/{POOL}/ctrl{one}/hostnqn").decode() for one in (1, 2)] == list(HOSTS)
    assert door.files.read(f"{debug}/{ARCHIVE}/ctrl3/hostnqn").decode() == READER
    lines = [line.text for line in door.log.since().lines]
    assert [line for line in lines if "using p2pmem" in line][:3] == [
        f"nvmet: using p2pmem on 0000:{one} for nsid {nsid}"
        for nsid, one in ((1, "18:00.0"), (2, "18:00.0"), (3, "1f:00.0"))
    ]
    assert sum("Created nvm controller" in line for line in lines) == 3
    assert all(line.time < EPOCH for line in door.log.since().lines)
    sockets = [line.split()[1:4] for line in door.files.read("/proc/1/net/tcp").decode().splitlines()[1:]]
    assert ["0A0200C0:1145", "00000000:0000", "0A"] in sockets
    assert {remote.partition(":")[0] for _, remote, state in sockets if state == "01"} == {"1E0200C0"}
    assert not [one for one in sockets if one[0].endswith(":1144")]


def test_the_kernel_agrees_with_the_rules_about_every_pair() -> None:
    """What the simulated kernel allows is what is worked out from the files that it shows."""
    door = DemoDoor(lambda: 0.0)
    snapshot = take(door, {"pci", "pools", "kernel"})
    host = door.target.host
    assert host is not None
    resolver = Resolver(Topology.of(snapshot), find_rules("linux-7.3"))
    clients = [
        place.address for place in host.layout if place.device.class_code >> 16 in {1, 2} and not place.device.below
    ]
    for provider in demo.demo_pools():
        address = Address.from_sysfs(provider)
        assert address is not None
        for client in clients:
            verdict = resolver.verdict(address, client).verdict
            assert (distance.hops(host.layout, provider, str(client)) >= 0) == (verdict == "allowed"), (address, client)


def test_listing_pools_does_not_make_the_target() -> None:
    door = DemoDoor(lambda: 0.0)
    take(door, {"pci", "pools", "nvme"})
    assert door.target._kernel is None


def _door(state: Path) -> DemoDoor:
    return DemoDoor(lambda: 0.0, state=state)


def test_changes_last_and_reading_writes_nothing(tmp_path: Path) -> None:
    """As far as the next door, which other doors at the same time see, too."""
    state = tmp_path / "new" / "demo"
    first, second = _door(state), _door(state)
    assert second.files.read(MODEL) == b"0x0\n"
    assert first.log.since().lines
    assert not state.exists()
    first.files.write(MODEL, b"0x1af4\n")
    with pytest.raises(OSError, match="busy"):
        first.files.rmdir(f"{ROOT}/subsystems/{POOL}")
    for door in (first, second, _door(state)):
        assert door.files.read(MODEL) == b"0x1af4\n"
    second.files.unlink(f"{PORT}/subsystems/{ARCHIVE}")
    assert first.files.list(f"/sys/kernel/debug/nvmet/{ARCHIVE}") == ()
    record = state / "target.jsonl"
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    before = record.stat()
    assert _door(state).files.list(PORT)
    assert record.stat() == before
    assert DemoDoor(lambda: 0.0).files.read(MODEL) == b"0x0\n"


def test_random_names_last_too(tmp_path: Path) -> None:
    """The uuid of a namespace is the same for every command after the one that made it."""
    door = _door(tmp_path)
    path = f"{ROOT}/subsystems/{ARCHIVE}/namespaces/9"
    for _ in range(2):
        door.files.mkdir(path)
        uuid = door.files.read(f"{path}/device_uuid")
        assert _door(tmp_path).files.read(f"{path}/device_uuid") == uuid
        door.files.rmdir(path)


def test_what_a_failed_opening_leaves_lasts(tmp_path: Path) -> None:
    """The kernel keeps what it resolved of a port's parameters."""
    door = _door(tmp_path)
    port = f"{ROOT}/ports/9"
    door.files.mkdir(port)
    for name, value in (("trtype", b"tcp"), ("adrfam", b"ipv4"), ("traddr", b"203.0.113.99"), ("trsvcid", b"4420")):
        door.files.write(f"{port}/addr_{name}", value)
    with pytest.raises(OSError, match="assign"):
        door.files.symlink(f"{ROOT}/subsystems/{POOL}", f"{port}/subsystems/x")
    assert _door(tmp_path).files.read(f"{port}/param_inline_data_size") == b"16384\n"


def test_a_writer_that_was_killed_leaves_all_but_its_last_change(tmp_path: Path) -> None:
    """The rest of a line is dropped by who reads, and by who writes next."""
    door = _door(tmp_path)
    door.files.write(MODEL, b"0x1")
    door.files.write(MODEL, b"0x2")
    record = tmp_path / "target.jsonl"
    record.write_bytes(record.read_bytes()[:-5])
    after = _door(tmp_path)
    assert after.files.read(MODEL) == b"0x1\n"
    after.files.write(MODEL, b"0x3")
    assert [json.loads(line) for line in record.read_bytes().splitlines()][1:] == [
        ["write", MODEL, "0x1"],
        ["write", MODEL, "0x3"],
    ]


@pytest.mark.parametrize(
    "damage",
    [b"\0\0\n", b"[]\n", b'{"p2pctl-demo": 2}\n', b'{"p2pctl-demo": 1}\n["chmod", "/sys/kernel/config/nvmet/hosts"]\n',
     b'{"p2pctl-demo": 1}\n["system", "/sys/kernel/config/nvmet/", "x"]\n', b'{"p2pctl-demo": 1}\n7\n',
     b'{"p2pctl-demo": 1}\n["write", "/sys/kernel/config/nvmet/discovery_nqn", 7]\n'],
)  # fmt: skip
def test_a_damaged_record_is_told_with_what_to_do(tmp_path: Path, damage: bytes) -> None:
    record = tmp_path / "target.jsonl"
    record.write_bytes(damage)
    with pytest.raises(UsageError) as told:
        _door(tmp_path).files.list(ROOT)
    assert str(record) in str(told.value)
    assert told.value.hint is not None
    assert record.read_bytes() == damage


def test_a_home_that_cannot_be_written_is_told() -> None:
    with pytest.raises(UsageError, match="cannot keep"):
        _door(Path("/proc/nowhere")).files.write(MODEL, b"1")


def test_the_state_is_where_the_user_keeps_states() -> None:
    assert state_directory({"XDG_STATE_HOME": "/s", "HOME": "/h"}) == Path("/s/p2pctl/demo")
    assert state_directory({"XDG_STATE_HOME": "relative", "HOME": "/h"}) == Path("/h/.local/state/p2pctl/demo")


def test_the_other_block_target_shows_its_sessions() -> None:
    """By device and by path, as the kernel's modules do; what can only be written says so."""
    devices = {block: nest({}) for block in ("/sys/devices/virtual/block/md0", "/sys/devices/virtual/block/dm-0")}
    files = MemoryFiles(nest(devices | rnbd.server(rnbd.EXAMPLE)))
    above = "/sys/class/rnbd-server/ctl/devices"
    assert files.list(f"{above}/md0/sessions") == ("client-a", "client-b")
    assert files.realpath(f"{above}/md0/block_dev") == "/sys/devices/virtual/block/md0"
    assert files.read(f"{above}/md0/sessions/client-a/read_only") == b"1\n"
    for session in files.list("/sys/class/rtrs-server"):
        for path in files.list(f"/sys/class/rtrs-server/{session}/paths"):
            stats = files.read(f"/sys/class/rtrs-server/{session}/paths/{path}/stats/rdma")
            assert len(stats.split()) == 4
    client = MemoryFiles(nest(rnbd.client(rnbd.EXAMPLE)))
    assert client.list("/sys/class/rnbd-client/ctl/devices") == (
        "!dev!md0@client-a",
        "!dev!md0@client-b",
        "!dev!vg0!root@client-a",
    )
    for path, node in walk(nest(rnbd.client(rnbd.EXAMPLE))):
        if isinstance(node, rnbd.Command):
            assert node.read().startswith(b"Usage")
            with pytest.raises(OSError, match="Invalid"):
                node.store(b"0")
            node.store(b"1\n")
        elif isinstance(node, File):
            assert node.read().endswith(b"\n"), path
