"""Pools, controllers, holders and what else is read, from small trees."""

from __future__ import annotations

import errno

import pytest

from p2pctl.errors import BusyError, NotFoundError
from p2pctl.findings.holders import holders
from p2pctl.findings.pools import also_needed, pool_states, why_no_pool
from p2pctl.hardware.holders import read_holders
from p2pctl.hardware.levels import PoolWatch
from p2pctl.hardware.reading import Reader, natural, pci_ancestor
from p2pctl.hardware.snapshot import ALL_PARTS, extend, take
from p2pctl.kernel import Process
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, UNREADABLE, Missing
from p2pctl.model.snapshot import Snapshot
from p2pctl.simulator.nodes import Contents, File, Link, refused
from tests.trees import TreeDoor, nvme_controller, pci_function, tree

A = Address(0, 1, 0, 0)
FUNCTION = "pci0000:00/0000:01:00.0"
PATH = f"/sys/devices/{FUNCTION}"
CMBSZ = 0x1021D
"""16 MiB with submission queues, lists, reads and writes."""
QUEUES = 2 * 1024 * 64

Entries = dict[str, Contents | Link | File | None]


def drive(*, size: int = 16 << 20, available: int | None = None, published: str = "1", cmbsz: int = CMBSZ) -> Entries:
    level = size - QUEUES if available is None else available
    bar = b"0x0000000000000000 0x0000000000000000 0x0000000000000000\n" * 2
    return {
        **pci_function(
            "0000:01:00.0",
            resource=bar + b"0x00000000fa000000 0x00000000faffffff 0x000000000014220c\n",
            p2pmem__size=f"{size}\n".encode(),
            p2pmem__available=f"{level}\n".encode(),
            p2pmem__published=f"{published}\n".encode(),
        ),
        f"{PATH}/p2pmem/allocate": File(refused(errno.EIO), mode=0o660),
        **nvme_controller("nvme0", FUNCTION, cmbsz=cmbsz),
        "/sys/module/nvme/parameters/use_cmb_sqes": b"Y\n",
    }


def look(entries: Entries, *, ask: bool = False, processes: dict[int, Process] | None = None) -> Snapshot:
    door = TreeDoor(tree(entries), processes)
    snapshot = take(door, {"pools"})
    return extend(door, snapshot, also_needed(snapshot, ask_holders=ask))


def test_a_pool_is_read_and_its_queues_are_computed() -> None:
    """Two I/O queues of 1,024 entries of 64 bytes explain what an idle drive uses, without a look at processes."""
    snapshot = look(drive())
    (state,) = pool_states(snapshot)
    assert (state.state, state.size, state.available, state.used) == (
        "published",
        16 << 20,
        (16 << 20) - QUEUES,
        QUEUES,
    )
    assert (state.controller, state.name, state.mappable) == ("nvme0", "Test drive", True)
    assert snapshot.holders is None
    assert state.holders is not None
    assert [(h.kind, h.size, h.basis) for h in state.holders] == [("nvme-queues", QUEUES, "computed")]


@pytest.mark.parametrize(
    "change",
    [
        {"/sys/module/nvme/parameters/use_cmb_sqes": b"N\n"},
        {f"{PATH}/nvme/nvme0/cmbsz": b"66076\n"},
        {f"{PATH}/p2pmem/available": f"{(16 << 20) - 4096}\n".encode()},
    ],
    ids=["switched off", "no SQS bit", "less used than they take"],
)
def test_queues_are_not_claimed_where_they_cannot_be(change: Entries) -> None:
    """The driver was told not to, the buffer does not take queues, or there is less in use."""
    (state,) = pool_states(look({**drive(), **change}))
    assert state.holders is not None
    assert "nvme-queues" not in {holder.kind for holder in state.holders}


MAPS = (
    f"7f0000000000-7f0000100000 rw-s 00000000 00:15 4242                       {PATH}/p2pmem/allocate\n"
    f"7f0000200000-7f0000210000 rw-s 00000000 00:15 4242                       {PATH}/p2pmem/allocate (deleted)\n"
    "7f1000000000-7f1000001000 r--p 00000000 08:01 17                         /usr/lib/p2pmem/allocate.so\n"
)


def processes(maps: str = MAPS) -> Entries:
    return {
        "/proc/812/maps": maps.encode(),
        "/proc/812/status": b"Name:\tfio\nPPid:\t1\n",
        "/proc/self": Link("812"),
    }


def test_a_process_that_maps_the_pool_is_a_holder() -> None:
    """With process id, user, command and the bytes of all its mappings; what is left is named after who may use it."""
    entries = {**drive(available=(16 << 20) - QUEUES - 0x110000 - 0x5000), **processes()}
    snapshot = look(entries, processes={812: Process(812, "lab", "fio")})
    (state,) = pool_states(snapshot)
    assert state.holders is not None
    found = [(h.kind, h.size, h.basis, h.pid, h.user, h.command) for h in state.holders]
    assert found == [
        ("nvme-queues", QUEUES, "computed", None, None, None),
        ("process", 0x110000, "mapped", 812, "lab", "fio"),
        ("kernel", 0x5000, "inferred", None, None, None),
    ]


def test_what_nvmet_may_hold_is_called_nvmet() -> None:
    """An enabled namespace that names the pool, or leaves the choice to the kernel, explains the rest."""
    namespace = "/sys/kernel/config/nvmet/subsystems/nqn.x/namespaces/1"
    for setting in (b"1\n", b"0000:01:00.0\n"):
        entries = {
            **drive(available=(16 << 20) - QUEUES - 4096),
            f"{namespace}/enable": b"1\n",
            f"{namespace}/p2pmem": setting,
        }
        (state,) = pool_states(look(entries))
        assert state.holders is not None
        assert state.holders[-1].kind == "nvmet"
    (state,) = pool_states(look({**entries, f"{namespace}/enable": b"0\n"}))
    assert state.holders is not None
    assert state.holders[-1].kind == "kernel"


def test_a_forked_child_counts_once() -> None:
    """The child's copy of a mapping is listed, as shared, and its bytes are not counted again."""
    entries = {
        **drive(available=(16 << 20) - QUEUES - 0x110000),
        **processes(),
        "/proc/813/maps": MAPS.encode(),
        "/proc/813/status": b"PPid:\t812\n",
    }
    (state,) = pool_states(look(entries))
    assert state.holders is not None
    assert [holder.kind for holder in state.holders] == ["nvme-queues", "process", "process"]
    assert ["shared" in holder.text for holder in state.holders[1:]] == [False, True]


def test_memory_of_the_series_of_2022_is_found() -> None:
    """It was mapped through the NVMe character devices."""
    maps = "7f0000000000-7f0000100000 rw-s 00000000 00:15 42    /dev/nvme0\n"
    snapshot = look({**drive(available=0), **processes(maps)})
    assert snapshot.holders is not None
    assert [(m.address, m.size, m.via) for m in snapshot.holders.mappings] == [(A, 0x100000, "/dev/nvme0")]


def test_processes_of_others_are_a_gap_and_the_rest_stays_unknown() -> None:
    """Nobody is accused of bytes that a process out of sight may hold."""
    entries = {**drive(available=(16 << 20) - QUEUES - 4096), "/proc/9/maps": refused(errno.EACCES)}
    snapshot = look(entries)
    (state,) = pool_states(snapshot)
    assert state.holders is not None
    assert state.holders[-1].kind == "unknown"
    assert [gap.fact for gap in snapshot.gaps] == ["holders"]


def test_a_process_that_ends_meanwhile_is_no_gap() -> None:
    """ESRCH and ENOENT are what the kernel says of it."""
    files = tree({"/proc/9/maps": refused(errno.ESRCH), "/proc/10/status": b""})
    found = read_holders(Reader(files), TreeDoor(files), 0.0, {})
    assert (found.mappings, found.complete, found.gaps) == ((), True, ())


def test_a_file_of_the_same_name_elsewhere_is_no_pool() -> None:
    """Anybody may make /tmp/0000:01:00.0/p2pmem/allocate and map it: the kernel's own is below /sys/devices."""
    maps = "7f0000000000-7f0000100000 rw-s 00000000 08:01 42    /tmp/0000:01:00.0/p2pmem/allocate\n"
    files = tree({**processes(maps)})
    assert read_holders(Reader(files), TreeDoor(files), 0.0, {}).mappings == ()


def test_hostile_maps_are_survived() -> None:
    """Lines that look like mappings but are none count for nothing."""
    maps = "zz-yy rw-s 0 0:0 0 /x/p2pmem/allocate\nff-0 rw-s 0 0:0 1  /d/0000:01:00.0/p2pmem/allocate\n" * 50
    files = tree({**processes(maps)})
    assert read_holders(Reader(files), TreeDoor(files), 0.0, {}).mappings == ()


def test_private_pools_belong_to_their_driver() -> None:
    """An accelerator's own use of its own memory is not nvmet's."""
    entries = drive(published="0", available=0, cmbsz=0)
    (state,) = pool_states(look(entries))
    assert state.state == "private"
    assert state.holders is not None
    assert [(h.kind, h.size) for h in state.holders] == [("driver", 16 << 20)]


def test_a_pool_without_cmbsz_is_as_good_as_any() -> None:
    """A pseudo CMB, whose controller shows no register."""
    (state,) = pool_states(look(drive(cmbsz=0)))
    assert (state.state, state.size) == ("published", 16 << 20)


def unregistered(*, resource: bytes | None = None, cmbsz: int = CMBSZ, state: str = "live") -> Entries:
    entries = {k: v for k, v in drive(cmbsz=cmbsz).items() if "/p2pmem/" not in k}
    entries[f"{PATH}/nvme/nvme0/state"] = f"{state}\n".encode()
    if resource is not None:
        entries[f"{PATH}/resource"] = resource
    return entries


ZERO = b"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (unregistered(cmbsz=0x0041D), "CMBSZ gives a size of 0"),
        (unregistered(resource=ZERO * 6), "BAR 2, which holds it, has no memory assigned"),
        (
            unregistered(resource=ZERO * 2 + b"0x00000000fa100000 0x00000000fa1fffff 0x000000000014220c\n"),
            "not aligned to 2 MiB",
        ),
        ({**unregistered(), "/proc/config.gz": b"not gzip"}, "perhaps this kernel was built without"),
        (
            {**unregistered(), "/proc/sys/kernel/osrelease": b"6.12\n", "/boot/config-6.12": b"CONFIG_PCI=y\n"},
            "was built without",
        ),
        (
            {
                **unregistered(),
                "/proc/sys/kernel/osrelease": b"7.3\n",
                "/boot/config-7.3": b"CONFIG_PCI_P2PDMA=y\n",
            },
            "failed to register the CMB",
        ),
    ],
)
def test_a_cmb_that_is_no_pool_has_a_cause(entries: Entries, words: str) -> None:
    """Each cause that can be told from files, and what to look for where none can."""
    (state,) = pool_states(look(entries))
    assert (state.state, state.size) == ("unregistered", ABSENT)
    assert state.cause is not None
    assert words in state.cause


def test_unregistered_is_not_said_of_a_controller_that_starts() -> None:
    """A buffer is mapped in the reset work, a moment after the driver was bound."""
    snapshot = look(unregistered(state="resetting"))
    assert pool_states(snapshot) == ()
    assert [(gap.fact, gap.needs) for gap in snapshot.gaps] == [("pool", "controller nvme0 to be live")]


def test_why_a_device_has_no_pool() -> None:
    """Not yet, or not at all: the one is worth another try."""
    assert isinstance(why_no_pool(look(unregistered(state="resetting")), A), BusyError)
    assert isinstance(why_no_pool(look(pci_function("0000:01:00.0")), A), NotFoundError)


def test_levels_that_cannot_be_read_are_unknown() -> None:
    """Size and level are facts of their own."""
    (state,) = pool_states(look({**drive(), f"{PATH}/p2pmem/available": refused(errno.EIO)}))
    assert (state.size, state.available, state.used) == (16 << 20, UNREADABLE, UNREADABLE)
    assert state.holders is None


def test_watch_reads_levels_and_notices_what_goes_away() -> None:
    """Between two scans only the level files are read; a level that fails brings a scan."""
    entries = drive()
    level = [b"100\n"]

    def now() -> bytes:
        return level[0]

    entries[f"{PATH}/p2pmem/available"] = now
    door = TreeDoor(tree(entries))
    with PoolWatch(door) as watch:
        assert [s.available for s in pool_states(watch.look())] == [100]
        level[0] = b"50\n"
        assert [s.available for s in pool_states(watch.look())] == [50]
        level[0] = b"garbage\n"
        assert [s.available for s in pool_states(watch.look())] == [UNREADABLE]
        level[0] = b"70\n"
        assert [s.available for s in pool_states(watch.look())] == [70]


def test_names_sort_as_people_count() -> None:
    """nvme2 before nvme10, and no number is too long."""
    assert sorted(["nvme10", "nvme2", "nvme1n1"], key=natural) == ["nvme1n1", "nvme2", "nvme10"]
    natural("x" + "9" * 5000)
    natural("nqn.\u00b2\u0663")


def test_the_nearest_function_above_is_the_device() -> None:
    """As the kernel climbs from an auxiliary device or a disk."""
    assert pci_ancestor(f"{PATH}/mlx5_core.rdma.0/infiniband/mlx5_0") == A
    assert pci_ancestor("/sys/devices/virtual/block/dm-0") is None


OPEN_ANYHOW = {
    "addresses", "connected hosts", "dma-bufs", "kernel configuration", "kernel log", "lockdown", "network namespace",
    "sockets",
}  # fmt: skip
"""What the absence of a file leaves open."""


def test_an_empty_host_is_read_without_a_word() -> None:
    """No /sys, no /proc: every part is there, empty; gaps are only what an absent file leaves open."""
    snapshot = take(TreeDoor(tree({})), ALL_PARTS)
    assert pool_states(snapshot) == ()
    assert {gap.fact for gap in snapshot.gaps} == OPEN_ANYHOW
    assert snapshot.nvmet is not None
    assert snapshot.nvmet.present is False


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EPERM, errno.ELOOP, errno.ENOMEM])
def test_a_host_that_refuses_everything_is_all_gaps(number: int) -> None:
    """Whatever the kernel answers, reading goes on and the gaps say what was asked."""
    entries = {path: entry if isinstance(entry, Link) else refused(number) for path, entry in drive().items()}
    snapshot = take(TreeDoor(tree(entries)), ALL_PARTS)
    open_anyhow = {"configuration space", *OPEN_ANYHOW}
    assert {gap.errno for gap in snapshot.gaps if gap.fact not in open_anyhow} == {number}
    assert not isinstance(snapshot.pools, Missing)


def test_holders_are_none_until_somebody_looks() -> None:
    """An unexplained byte without a look at processes has unknown holders."""
    snapshot = take(TreeDoor(tree(drive(available=0))), {"pools"})
    assert snapshot.pools is not None
    assert holders(snapshot.pools.pools[A], snapshot) is None


def test_copies_of_a_parent_that_is_gone_count_once() -> None:
    """Two children with the same ranges cannot hold more than is used: one of them shares."""
    entries = {
        **drive(available=(16 << 20) - QUEUES - 0x110000),
        **processes(),
        "/proc/813/maps": MAPS.encode(),
        "/proc/813/status": b"PPid:\t1\n",
    }
    (state,) = pool_states(look(entries))
    assert state.holders is not None
    assert sum(holder.size for holder in state.holders if not holder.shared) == state.used


def test_forked_processes_with_memory_of_their_own_count_each() -> None:
    """The same ranges in both, since they were forked, but enough is used for both."""
    entries = {
        **drive(available=(16 << 20) - QUEUES - 2 * 0x110000),
        **processes(),
        "/proc/813/maps": MAPS.encode(),
        "/proc/813/status": b"PPid:\t1\n",
    }
    (state,) = pool_states(look(entries))
    assert state.holders is not None
    assert [holder.shared for holder in state.holders] == [False, False, False]


def test_a_container_sees_its_own_processes_only() -> None:
    """What is left may be held by one that it cannot see."""
    entries = {
        **drive(available=(16 << 20) - QUEUES - 4096),
        "/proc/self": Link("812"),
        "/proc/812/ns/pid": Link("pid:[4026532201]"),
    }
    (state,) = pool_states(look(entries))
    assert state.holders is not None
    assert state.holders[-1].kind == "unknown"
