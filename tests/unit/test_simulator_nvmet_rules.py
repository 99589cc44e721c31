"""What the simulated target does beyond the recorded probes: any sequence of operations, hosts, older kernels."""

from __future__ import annotations

import contextlib
import errno
import threading
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from p2pctl.simulator.nodes import File, Link, walk
from p2pctl.simulator.nvmet.environment import Environment, Function, Opened, Option, RdmaDevice
from p2pctl.simulator.nvmet.kernel import NvmetKernel
from p2pctl.simulator.nvmet.machine import NvmetMachine
from p2pctl.simulator.tree import MemoryFiles

ROOT = "/sys/kernel/config/nvmet"
SUB, PORT, HOST = f"{ROOT}/subsystems/s", f"{ROOT}/ports/1", f"{ROOT}/hosts/h"
NS = f"{SUB}/namespaces/1"
DISK, POOL, NIC = "0000:01:00.0", "0000:02:00.0", "0000:03:00.0"

ENVIRONMENT = Environment(
    devices={
        "/dev/d": Opened("block", p2p=True, pci=DISK),
        "/dev/plain": Opened("block"),
        "/dev/nvme9": Opened("controller", number=9, version=(1, 1, 0)),
        "/f": Opened("file"),
        "/dir/f": Opened("file", direct=False),
    },
    options=Option(debugfs=True),
    addresses=frozenset({"127.0.0.1", "::1", "192.0.2.1"}),
    rdma={"192.0.2.1": RdmaDevice("mlx5_0", NIC)},
    functions={POOL: Function("nvme", published=True), DISK: Function("nvme"), NIC: Function("mlx5_core")},
    distance=lambda _provider, client: {DISK: 4, NIC: 6}.get(client, -1),
)


def _kernel(environment: Environment = ENVIRONMENT) -> tuple[NvmetKernel, MemoryFiles]:
    kernel = NvmetKernel(environment)
    return kernel, MemoryFiles(kernel.root())


def _picture(kernel: NvmetKernel) -> dict[str, object]:
    """Everything that can be seen of the target, and what it keeps to itself."""
    found: dict[str, object] = {"controllers": [one.number for one in kernel.controllers()]}
    for path, node in walk(kernel.directory):
        if isinstance(node, File):
            found[path] = node.mode, node.read()
        else:
            found[path] = node.target if isinstance(node, Link) else "directory"
    return found


NAMES = st.sampled_from(["1", "01", "0x1", "2", "128", "0", "x", "s", "t", "h", "nqn\udcff", " ", "a" * 255, "a" * 256])
PLACES = st.sampled_from(
    [ROOT, f"{ROOT}/hosts", f"{ROOT}/subsystems", f"{ROOT}/ports", SUB, f"{SUB}/namespaces", f"{SUB}/allowed_hosts",
     f"{SUB}/passthru", NS, PORT, f"{PORT}/subsystems", f"{PORT}/referrals", f"{PORT}/ana_groups", HOST,
     f"{ROOT}/ports/01", f"{ROOT}/ports/01/subsystems", f"{PORT}/referrals/1", f"{PORT}/ana_groups/2", "/sys/kernel"]
)  # fmt: skip
ATTRIBUTES = st.sampled_from(
    ["discovery_nqn", "dhchap_key", "dhchap_hash", "dhchap_dhgroup", "attr_allow_any_host", "attr_version",
     "attr_serial", "attr_model", "attr_firmware", "attr_ieee_oui", "attr_vendor_id", "attr_cntlid_min",
     "attr_cntlid_max", "attr_qid_max", "attr_pi_enable", "device_path", "device_uuid", "device_nguid", "p2pmem",
     "ana_grpid", "enable", "buffered_io", "resv_enable", "revalidate_size", "addr_trtype", "addr_adrfam",
     "addr_traddr", "addr_trsvcid", "addr_tsas", "addr_treq", "addr_portid", "param_inline_data_size",
     "param_max_queue_size", "param_mdts", "param_pi_enable", "ana_state", "clear_ids", "admin_timeout"]
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        [b"1", b"0\n", b"", b"\n", b"\0", b"y", b"tcp", b"rdma", b"loop", b"fc", b"ipv4", b"ipv6", b"192.0.2.1",
         b"127.0.0.1", b"::1", b"4420", b"tls1.3", b"none", b"required", b"/dev/d", b"/dev/nvme9", b"/f", b"/dir/f",
         b"s", b"x" * 255, b"x" * 256, b"x" * 5000, POOL.encode(), b"2.1.3", b"-1", b"99999999999999999999",
         b"DHHC-1:01:a:", b"hmac(sha512)", b"ffdhe8192", b"optimized", b"change", b"70000", b"0x10", b"010"]
    ),
    st.binary(max_size=40),
)  # fmt: skip
OPERATIONS = st.one_of(
    st.tuples(st.just("mkdir"), PLACES, NAMES),
    st.tuples(st.just("rmdir"), PLACES, NAMES),
    st.tuples(st.just("unlink"), PLACES, NAMES),
    st.tuples(st.just("symlink"), PLACES, NAMES, PLACES),
    st.tuples(st.just("write"), PLACES, ATTRIBUTES, VALUES),
    st.tuples(st.just("connect"), st.sampled_from(["1", "01"]), st.sampled_from(["s", "t"])),
)


def _built(files: MemoryFiles) -> None:
    """One of everything, so that most operations find something."""
    for path in (HOST, SUB, NS, PORT, f"{PORT}/referrals/1", f"{PORT}/ana_groups/2", f"{ROOT}/ports/01"):
        files.mkdir(path)
    for path, value in ((f"{NS}/device_path", b"/dev/d"), (f"{PORT}/addr_trtype", b"loop"),
                        (f"{ROOT}/ports/01/addr_trtype", b"loop"), (f"{SUB}/attr_allow_any_host", b"1")):  # fmt: skip
        files.write(path, value)


@settings(max_examples=150, deadline=None)
@given(st.lists(OPERATIONS, max_size=25))
@example([("mkdir", f"{ROOT}/subsystems", "nqn\udcff"), ("mkdir", f"{ROOT}/hosts", "nqn\udcff")])
def test_whatever_is_done_fails_with_an_errno_and_then_changes_nothing(operations: list[tuple[object, ...]]) -> None:
    """No other error ever. What a port resolved before it failed to open stays, and a short store is a store."""
    kernel, files = _kernel()
    _built(files)
    for name, place, *rest in operations:
        before = _picture(kernel)
        problem = None
        try:
            if name == "connect":
                kernel.connect(str(place), str(rest[0]), "h")
            elif name == "symlink":
                files.symlink(str(rest[1]), f"{place}/{rest[0]}")
            elif name == "write":
                files.write(f"{place}/{rest[0]}", bytes(rest[1]))  # type: ignore[call-overload]
            else:
                getattr(files, str(name))(f"{place}/{rest[0]}")
        except OSError as raised:
            problem = raised
        if problem is None:
            continue
        assert problem.errno
        after = _picture(kernel)
        changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        if name == "symlink":
            changed = {one for one in changed if not one.endswith(("inline_data_size", "max_queue_size"))}
        assert not changed or problem.errno == errno.EIO


def test_a_host_finds_its_p2p_memory_and_the_kernel_says_so() -> None:
    kernel, files = _kernel()
    _built(files)
    files.write(f"{NS}/p2pmem", b"1")
    files.write(f"{NS}/enable", b"1")
    for name, value in (("trtype", b"rdma"), ("adrfam", b"ipv4"), ("traddr", b"192.0.2.1"), ("trsvcid", b"4420")):
        files.write(f"{PORT}/addr_{name}", value)
    files.symlink(SUB, f"{PORT}/subsystems/s")
    mark = kernel.log.mark()
    kernel.connect("1", "s", "h", address="192.0.2.9")
    assert [line.text for line in kernel.log.since(mark).lines] == [
        f"nvmet: using p2pmem on {POOL} for nsid 1",
        "nvmet: Created nvm controller 1 for subsystem s for NQN h.",
    ]
    kernel.connect("1", "s", "g", client=RdmaDevice("mlx5_9", "0000:09:00.0"))
    assert kernel.log.since(mark).lines[2].text == (
        "nvmet: no peer-to-peer memory is available that's supported by mlx5_9 and /dev/d"
    )
    mark = kernel.log.mark()
    kernel.connect("1", "s", "rxe", client=RdmaDevice("rxe0"))
    assert [line.text for line in kernel.log.since(mark).lines] == [
        "nvmet: Created nvm controller 3 for subsystem s for NQN rxe."
    ]


@pytest.fixture
def connected() -> Iterator[tuple[NvmetKernel, MemoryFiles]]:
    """A host on each of two loop ports."""
    kernel, files = _kernel()
    _built(files)
    for port in ("1", "01"):
        files.symlink(SUB, f"{ROOT}/ports/{port}/subsystems/s")
        kernel.connect(port, "s", f"host of {port}")
    yield kernel, files  # noqa: PT022


def test_debugfs_shows_who_is_connected_and_ends_one(connected: tuple[NvmetKernel, MemoryFiles]) -> None:
    kernel, files = connected
    above = "/sys/kernel/debug/nvmet/s"
    assert files.list(above) == ("ctrl1", "ctrl2")
    assert files.read(f"{above}/ctrl2/hostnqn") == b"host of 01"
    assert files.read(f"{above}/ctrl2/port") == b"1\n"
    assert files.read(f"{above}/ctrl1/state") == b"ready\n"
    with pytest.raises(OSError, match="Invalid") as refused:
        files.write(f"{above}/ctrl1/state", b"dead")
    assert refused.value.errno == errno.EINVAL
    files.write(f"{above}/ctrl1/state", b"fatal\n")
    assert files.list(above) == ("ctrl2",)
    assert kernel.log.since().lines[-1].text == "nvmet: ctrl 1 fatal error occurred!"


def test_hosts_are_dropped_where_the_kernel_drops_them(connected: tuple[NvmetKernel, MemoryFiles]) -> None:
    """By the port's link, by any store of qid_max; not by taking away the right to connect."""
    kernel, files = connected
    files.write(f"{SUB}/attr_allow_any_host", b"0")
    assert len(kernel.controllers()) == 2
    files.unlink(f"{PORT}/subsystems/s")
    assert [one.hostnqn for one in kernel.controllers()] == ["host of 01"]
    files.write(f"{SUB}/attr_qid_max", b"128")
    assert kernel.controllers() == ()


def test_a_host_that_may_not_connect_is_refused(connected: tuple[NvmetKernel, MemoryFiles]) -> None:
    kernel, files = connected
    files.write(f"{SUB}/attr_allow_any_host", b"0")
    for nqn, number, said in (("s", errno.EACCES, "not allowed"), ("none", errno.EINVAL, "invalid subsystem none!")):
        with pytest.raises(OSError, match=r".") as refused:
            kernel.connect("1", nqn, "h")
        assert refused.value.errno == number
        assert said in kernel.log.since().lines[-1].text
    with pytest.raises(ConnectionRefusedError):
        kernel.connect("7", "s", "h")


def test_sockets_of_a_tcp_port_are_those_of_its_hosts() -> None:
    kernel, files = _kernel()
    _built(files)
    for name, value in (("trtype", b"tcp"), ("adrfam", b"ipv4"), ("traddr", b"192.0.2.1"), ("trsvcid", b"4420")):
        files.write(f"{PORT}/addr_{name}", value)
    files.symlink(SUB, f"{PORT}/subsystems/s")
    kernel.connect("1", "s", "h", address="192.0.2.9", queues=2)
    table = files.read("/proc/1/net/tcp").decode().splitlines()[1:]
    assert [line.split()[3] for line in table] == ["0A", "01", "01", "01"]
    assert {line.split()[1] for line in table} == {"010200C0:1144"}
    assert {line.split()[2].partition(":")[0] for line in table[1:]} == {"090200C0"}
    files.unlink(f"{PORT}/subsystems/s")
    assert files.read("/proc/net/tcp").decode().splitlines()[1:] == []


def test_passthru_hands_a_controller_through_once() -> None:
    """With the drive's version, an old one raised; namespaces then seem to be enabled and are not."""
    kernel, files = _kernel()
    for one in ("s", "t"):
        files.mkdir(f"{ROOT}/subsystems/{one}")
        files.write(f"{ROOT}/subsystems/{one}/passthru/device_path", b"/dev/nvme9")
    files.write(f"{SUB}/passthru/enable", b"1")
    assert files.read(f"{SUB}/attr_version") == b"1.2.1\n"
    with pytest.raises(OSError, match="Invalid"):
        files.write(f"{ROOT}/subsystems/t/passthru/enable", b"1")
    with pytest.raises(OSError, match="Invalid"):
        files.write(f"{SUB}/attr_version", b"1.4")
    files.mkdir(NS)
    files.write(f"{NS}/device_path", b"/dev/d")
    files.write(f"{NS}/enable", b"1")
    assert files.read(f"{NS}/enable") == b"0\n"
    assert "cannot enable both" in kernel.log.since().lines[-1].text
    files.write(f"{SUB}/passthru/enable", b"0")
    assert files.read(f"{SUB}/attr_version") == b"2.1\n"


def test_the_1025th_namespace_is_out_of_memory() -> None:
    _, files = _kernel()
    files.mkdir(SUB)
    for nsid in range(1, 1025):
        files.mkdir(f"{SUB}/namespaces/{nsid}")
    with pytest.raises(OSError, match="memory") as refused:
        files.mkdir(f"{SUB}/namespaces/1025")
    assert refused.value.errno == errno.ENOMEM
    files.rmdir(f"{SUB}/namespaces/7")
    files.mkdir(f"{SUB}/namespaces/1025")


def test_a_namespace_made_again_is_another() -> None:
    """Its uuid is random, as the serial number of a subsystem is."""
    _, files = _kernel()
    seen = set()
    for _ in range(3):
        files.mkdir(SUB)
        files.mkdir(NS)
        seen |= {files.read(f"{NS}/device_uuid"), files.read(f"{SUB}/attr_serial")}
        files.rmdir(NS)
        files.rmdir(SUB)
    assert len(seen) == 6


@pytest.mark.parametrize(
    ("release", "has", "lacks"),
    [
        ("4.20.0", {"p2pmem", "buffered_io", "attr_serial", "addr_treq"}, {"attr_model", "passthru", "attr_qid_max"}),
        ("5.15.0", {"attr_model", "admin_timeout", "attr_pi_enable"}, {"clear_ids", "dhchap_key", "attr_qid_max"}),
        ("6.1.0", {"clear_ids", "dhchap_key", "attr_qid_max"}, {"attr_firmware", "addr_tsas", "discovery_nqn"}),
        ("6.6.0", {"attr_firmware", "attr_ieee_oui"}, {"addr_tsas", "param_max_queue_size"}),
        ("6.12.0", {"addr_tsas", "param_max_queue_size", "discovery_nqn"}, {"resv_enable", "attr_vendor_id"}),
        ("6.18.15", {"resv_enable", "attr_vendor_id"}, {"param_mdts"}),
        ("7.2.0", {"param_mdts"}, set()),
    ],
)
def test_attributes_came_one_by_one(release: str, has: set[str], lacks: set[str]) -> None:
    kernel, files = _kernel(Environment(release=release))
    for path in (HOST, SUB, NS, PORT):
        files.mkdir(path)
    names = {path.rpartition("/")[2] for path, _ in walk(kernel.directory)}
    assert has <= names
    assert not lacks & names


def test_the_module_and_the_mount_come_when_they_are_asked_for() -> None:
    machine = NvmetMachine(loaded=False, mounted=False)
    assert machine.files.list("/sys/kernel/config") == ()
    with pytest.raises(FileNotFoundError):
        machine.modules.load("none")
    machine.modules.load("nvmet")
    assert "nvmet" in machine.files.list("/sys/module")
    assert machine.files.list("/sys/kernel/config") == ()
    machine.modules.mount_configfs()
    assert machine.files.list(ROOT) == ("discovery_nqn", "hosts", "ports", "subsystems")
    with pytest.raises(OSError, match="busy"):
        machine.modules.mount_configfs()


def test_a_transport_that_the_kernel_does_not_ask_for_must_be_loaded() -> None:
    machine = NvmetMachine()
    files = machine.files
    files.mkdir(SUB)
    files.mkdir(PORT)
    for name, value in (("trtype", b"fc"), ("adrfam", b"fc"), ("traddr", b"nn-0x" + b"1" * 16 + b":pn-0x" + b"2" * 16)):
        files.write(f"{PORT}/addr_{name}", value)
    with pytest.raises(OSError, match="Invalid"):
        files.symlink(SUB, f"{PORT}/subsystems/s")
    assert machine.kernel.log.since().lines[-1].text == "nvmet: transport type 2 not supported"
    machine.modules.load("nvmet-fc")
    with pytest.raises(OSError, match=r".") as refused:
        files.symlink(SUB, f"{PORT}/subsystems/s")
    assert refused.value.errno == errno.ENXIO


def test_operations_from_several_threads_lose_nothing() -> None:
    _, files = _kernel()
    for one in range(4):
        files.mkdir(f"{ROOT}/subsystems/{one}")

    def work(one: int) -> None:
        for nsid in range(1, 200):
            files.mkdir(f"{ROOT}/subsystems/{one}/namespaces/{nsid}")
        for nsid in range(1, 100):
            files.rmdir(f"{ROOT}/subsystems/{one}/namespaces/{nsid}")
        with contextlib.suppress(FileExistsError):
            files.mkdir(HOST)

    threads = [threading.Thread(target=work, args=(one,)) for one in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {len(files.list(f"{ROOT}/subsystems/{one}/namespaces")) for one in range(4)} == {100}
