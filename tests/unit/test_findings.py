"""Conclusions: which devices matter, what stands out, what changed, and what a name means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pctl.errors import NotFoundError, UsageError
from p2pctl.findings.changes import pool_changes
from p2pctl.findings.devices import devices
from p2pctl.findings.pools import pool_states
from p2pctl.findings.rules import Finding, findings
from p2pctl.findings.scene import Scene
from p2pctl.hardware.snapshot import ALL_PARTS, take
from p2pctl.model.address import Address
from p2pctl.model.nvmet import Port
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.selectors import find_device
from p2pctl.simulator.door import DemoDoor
from tests.trees import TreeDoor, nvme_controller, pci_function, tree


@pytest.fixture(scope="module")
def demo() -> Snapshot:
    return take(DemoDoor(lambda: 0.0), ALL_PARTS)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0000:18:00.0", "0000:18:00.0"),
        ("18:00.0", "0000:18:00.0"),
        ("nvme0", "0000:18:00.0"),
        ("/dev/nvme0", "0000:18:00.0"),
        ("nvme0n1", "0000:18:00.0"),
        ("/dev/nvme0n1p2", "0000:18:00.0"),
        ("mlx5_0", "0000:1a:00.0"),
        ("ens102f0np0", "0000:1a:00.0"),
        ("e1:00.0", "10000:e1:00.0"),
        ("/sys/bus/pci/devices/0000:18:00.0", "0000:18:00.0"),
        ("/sys/bus/pci/devices/0000:18:00.0/", "0000:18:00.0"),
        ("/sys/devices/pci0000:15/0000:15:01.0/0000:16:00.0/0000:17:00.0/0000:18:00.0/nvme/nvme0", "0000:18:00.0"),
        ("nvme5n1", "0000:bc:00.0"),
        ("/dev/ng0n1", "0000:18:00.0"),
        ("/sys/class/nvme/nvme0", "0000:18:00.0"),
        ("/sys/block/nvme0n1", "0000:18:00.0"),
        ("/sys/class/infiniband/mlx5_0", "0000:1a:00.0"),
        ("/sys/class/net/ens102f0np0", "0000:1a:00.0"),
    ],
)
def test_names_of_devices(demo: Snapshot, text: str, address: str) -> None:
    """Addresses, controllers, namespaces and partitions, RDMA devices, interfaces, sysfs paths."""
    assert str(find_device(demo, text)) == address


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nvme99", "no device is called nvme99"),
        ("0000:ff:1f.7", "no PCI function 0000:ff:1f.7"),
        ("", "no device is called"),
        ("/sys/class/nothing", "no device is called /sys/class/nothing"),
        ("rxe0", "hangs on no PCI function"),
        ("md0", "md array"),
        ("/dev/loop0", "loop device"),
    ],
)
def test_names_that_lead_nowhere(demo: Snapshot, text: str, words: str) -> None:
    """The error says why, and where to look."""
    with pytest.raises(NotFoundError, match=words) as caught:
        find_device(demo, text)
    assert caught.value.hint


def test_an_ambiguous_name_lists_the_candidates() -> None:
    """A short address in two domains, a multipath namespace with two controllers."""
    files = tree(
        {
            **pci_function("0000:01:00.0"),
            **pci_function("0001:01:00.0", "pci0001:00"),
            **nvme_controller("nvme0", "pci0000:00/0000:01:00.0"),
            **nvme_controller("nvme1", "pci0001:00/0001:01:00.0"),
            "/sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0c0n1/size": b"8\n",
            "/sys/devices/pci0001:00/0001:01:00.0/nvme/nvme1/nvme0c1n1/size": b"8\n",
        }
    )
    snapshot = take(TreeDoor(files), ALL_PARTS)
    for text in ("01:00.0", "nvme0n1"):
        with pytest.raises(UsageError, match=r"ambiguous: 0000:01:00\.0, 0001:01:00\.0"):
            find_device(snapshot, text)
    assert find_device(snapshot, "0001:01:00.0") == Address(1, 1, 0, 0)


def test_devices_that_matter(demo: Snapshot) -> None:
    """Drives, RDMA cards, GPUs with memory to lend, pools of whatever else; not the board's own graphics."""
    found = {str(device.function.address): device for device in devices(demo)}
    assert found["0000:18:00.0"].exporter == "pool"
    assert found["0000:98:00.0"].exporter == "cmb-unregistered"
    assert (found["0000:1a:00.0"].kind, found["0000:1a:00.0"].exporter) == ("rdma", "registers")
    assert (found["0000:1d:00.0"].kind, found["0000:1d:00.0"].exporter) == ("gpu", "dma-buf")
    assert found["0000:99:00.0"].exporter == "pool"
    assert "0000:02:00.0" not in found
    assert not any(device.function.is_bridge for device in found.values())
    assert len(devices(demo, everything=True)) == len(demo.pci.functions if demo.pci else ())


def codes(found: tuple[Finding, ...]) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.subject) for finding in found]


def test_what_stands_out_on_the_demo_host(demo: Snapshot) -> None:
    """A buffer that is no pool, a card that runs at half speed (once), a multipath head."""
    found = codes(findings(Scene(demo)))
    assert ("cmb-not-registered", "0000:98:00.0") in found
    assert ("multipath-head", "nvme5n1") in found
    assert [subject for code, subject in found if code == "link-below-best"] == ["0000:81:00.0"]


def test_every_finding_says_where_it_comes_from(demo: Snapshot) -> None:
    """Evidence is a file, or a fact."""
    assert all(finding.evidence for finding in findings(Scene(demo)))


def test_a_kernel_without_p2pdma_is_an_error() -> None:
    """Unless a pool proves the opposite."""
    files = tree({"/proc/sys/kernel/osrelease": b"6.12\n", "/boot/config-6.12": b"# CONFIG_PCI_P2PDMA is not set\n"})
    found = findings(Scene(take(TreeDoor(files), ALL_PARTS)))
    assert codes(found) == [("kernel-without-p2pdma", None), ("target-not-loaded", None)]


def test_a_target_that_cannot_be_configured_says_what_to_do() -> None:
    """A module without its file system, or no module at all; a host whose target is not known says neither."""
    empty = tree({"/sys/module/nvmet/refcnt": b"0\n", "/sys/kernel/config": None})
    loaded = findings(Scene(take(TreeDoor(empty), ALL_PARTS)))
    (finding,) = [one for one in loaded if one.code == "configfs-not-mounted"]
    assert finding.remedy is not None
    assert finding.remedy.startswith("mount -t configfs")
    assert "target-not-loaded" not in [one.code for one in loaded]


def test_a_switch_of_old_kernels_is_pointed_out(demo: Snapshot) -> None:
    """With it the port decides, and not the namespace."""
    assert demo.nvmet is not None
    old = Port("1", {"allow_p2pmem": "1"}, {})
    found = findings(Scene(replace(demo, nvmet=demo.nvmet._replace(ports={"1": old}))))
    assert ("legacy-port-switch", "port 1") in codes(found)


def test_unread_configuration_space_is_said_once() -> None:
    """However many functions it is."""
    snapshot = take(DemoDoor(lambda: 0.0, privileged=False), ALL_PARTS)
    assert [code for code, _ in codes(findings(Scene(snapshot)))].count("configuration-space-unread") == 1


def test_an_exhausted_pool_is_a_warning(demo: Snapshot) -> None:
    """What asks for more falls back silently."""
    assert demo.pools is not None
    address, pool = next(iter(demo.pools.pools.items()))
    empty = replace(demo.pools, pools={address: replace(pool, available=0)})
    assert ("pool-exhausted", str(address)) in codes(findings(Scene(replace(demo, pools=empty))))


def test_changes_of_pools(demo: Snapshot) -> None:
    """What the first look finds is present; then levels move, pools go and come back."""
    first = pool_states(demo)
    assert {change.event for change in pool_changes(None, first)} == {"present"}
    assert list(pool_changes(first, first)) == []
    assert isinstance(first[0].available, int)
    moved = (replace(first[0], available=first[0].available - 4096), *first[1:])
    assert [(c.event, c.delta) for c in pool_changes(first, moved)] == [("level", -4096)]
    assert [(c.event, c.pool.address) for c in pool_changes(first, first[1:])] == [("vanished", first[0].address)]
    assert [(c.event, c.pool.address) for c in pool_changes(first[1:], first)] == [("appeared", first[0].address)]
    private = (replace(first[0], state="private"), *first[1:])
    assert [c.event for c in pool_changes(first, private)] == ["state"]


def test_a_pool_of_the_old_class_is_pointed_out(demo: Snapshot) -> None:
    assert demo.pools is not None
    address, pool = next(iter(demo.pools.pools.items()))
    old = replace(demo.pools, pools={address: replace(pool, character_device="p2pmem0")})
    assert ("legacy-pool-device", str(address)) in codes(findings(Scene(replace(demo, pools=old))))
    assert "legacy-pool-device" not in [code for code, _ in codes(findings(Scene(demo)))]
