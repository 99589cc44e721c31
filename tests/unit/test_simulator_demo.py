from __future__ import annotations

import errno
import re
import subprocess
import sys

import pytest

from p2pctl.kernel import Door
from p2pctl.model.address import Address
from p2pctl.simulator.demo import DRIVES, MAPPED
from p2pctl.simulator.door import EPOCH, DemoDoor
from p2pctl.simulator.nodes import Directory, File, Link, walk
from p2pctl.simulator.tree import MemoryFiles


@pytest.fixture(scope="module")
def still() -> DemoDoor:
    return DemoDoor(lambda: 0.0)


PCI = "/sys/bus/pci/devices"


def _tree(door: DemoDoor) -> Directory:
    files = door.files
    assert isinstance(files, MemoryFiles)
    return files._root


def _content(file: File) -> bytes | int | None:
    try:
        return file.read()
    except OSError as error:
        return error.errno


def _picture(door: DemoDoor) -> dict[str, object]:
    """Everything in the tree."""
    return {
        path: (node.mode, _content(node)) if isinstance(node, File) else getattr(node, "target", None)
        for path, node in walk(_tree(door))
    }


def _text(door: DemoDoor, path: str) -> str:
    return door.files.read(path).decode().removesuffix("\n")


def _functions(door: DemoDoor) -> list[Address]:
    found = [Address.from_sysfs(name) for name in door.files.list(PCI)]
    return sorted(address for address in found if address is not None)


def test_is_a_door(still: DemoDoor) -> None:
    """It has what the protocol asks for, and says that it is a demo."""
    through: Door = still
    assert through.kind == "demo"
    assert through.now() == EPOCH
    assert _text(still, "/proc/sys/kernel/osrelease").startswith("7.3")


def test_two_hosts_are_the_same() -> None:
    """Nothing is random, and nothing depends on what was read before."""
    one, other = DemoDoor(lambda: 5.0), DemoDoor(lambda: 7.0)
    other.files.read(f"{PCI}/0000:18:00.0/config")
    assert _picture(one) == _picture(other)
    assert _picture(one) == _picture(one)


def test_every_link_resolves(still: DemoDoor) -> None:
    """Drivers, groups, classes, subsystems, slaves and holders: no link in the tree leads nowhere."""
    links = [path for path, node in walk(_tree(still)) if isinstance(node, Link)]
    for path in links:
        still.files.realpath(path)
    assert len(links) > 500


def test_nvme_controllers_and_namespaces_are_consistent(still: DemoDoor) -> None:
    """Class links, subsystems, registers and block devices of every drive belong together."""
    for address, drive in DRIVES.items():
        controller = f"/sys/class/nvme/{drive.name}"
        assert _text(still, f"{controller}/address") == address
        real = still.files.realpath(controller)
        assert still.files.realpath(f"{controller}/device") == still.files.realpath(f"{PCI}/{address}")
        assert still.files.realpath(f"/sys/class/nvme-subsystem/nvme-subsys{drive.number}/{drive.name}") == real
        assert len(_text(still, f"{controller}/model")) == 40
        assert len(_text(still, f"{controller}/serial")) == 20
        assert ("cmbsz" in still.files.list(controller)) == (drive.cmb is not None)
        for nsid, capacity in enumerate(drive.capacity, start=1):
            block = f"/sys/class/block/{drive.name}n{nsid}"
            assert int(_text(still, f"{block}/size")) * 512 == capacity
            assert int(_text(still, f"{block}/nsid")) == nsid
            below_pci = "/pci" in still.files.realpath(block)
            assert below_pci is not drive.shared


def test_one_buffer_is_not_registered(still: DemoDoor) -> None:
    """It is neither aligned nor sized in 2 MiB, so the register is there and the pool is not."""
    size = int(_text(still, "/sys/class/nvme/nvme6/cmbsz"))
    location = int(_text(still, "/sys/class/nvme/nvme6/cmbloc"))
    unit = 1 << 12 + 4 * (size >> 8 & 0xF)
    assert ((size >> 12) * unit, (location >> 12) * unit, location & 7) == (1536 << 10, 64 << 10, 4)
    assert "p2pmem" not in still.files.list(f"{PCI}/0000:98:00.0")


def test_the_multipath_head_hides_its_path(still: DemoDoor) -> None:
    """The head is virtual; the path is hidden, has no number, and is listed below the head."""
    head, path = "/sys/class/block/nvme5n1", "/sys/class/block/nvme5c5n1"
    assert still.files.realpath(head).startswith("/sys/devices/virtual/nvme-subsystem/")
    assert (_text(still, f"{head}/hidden"), _text(still, f"{path}/hidden")) == ("0", "1")
    assert "dev" not in still.files.list(path)
    assert "MAJOR" not in _text(still, f"{path}/uevent")
    assert still.files.realpath(f"{head}/multipath/nvme5c5n1") == still.files.realpath(path)


def test_pools_cannot_be_read_only_mapped(still: DemoDoor) -> None:
    """``allocate`` has its nominal size and refuses to be read; not every pool is published."""
    path = f"{PCI}/0000:1e:00.0/p2pmem"
    with pytest.raises(OSError, match="Input/output"):
        still.files.read(f"{path}/allocate")
    assert still.files.stat(f"{path}/allocate").size == 1 << 40
    assert _text(still, f"{path}/published") == "0"


def test_gid_tables(still: DemoDoor) -> None:
    """Entries in use say type and interface; others are zero and refuse; rxe0 has no PCI function."""
    port = "/sys/class/infiniband/mlx5_0/ports/1"
    assert _text(still, f"{port}/gids/3") == "0000:0000:0000:0000:0000:ffff:c000:020a"
    assert _text(still, f"{port}/gid_attrs/types/3") == "RoCE v2"
    interface = _text(still, f"{port}/gid_attrs/ndevs/3")
    assert still.files.realpath(f"/sys/class/net/{interface}/device") == still.files.realpath(
        "/sys/class/infiniband/mlx5_0/device"
    )
    assert set(_text(still, f"{port}/gids/9")) == {"0", ":"}
    with pytest.raises(OSError, match="Invalid") as caught:
        still.files.read(f"{port}/gid_attrs/types/9")
    assert caught.value.errno == errno.EINVAL
    assert "device" not in still.files.list("/sys/class/infiniband/rxe0")


def test_approved_gpu_pairs_name_functions(still: DemoDoor) -> None:
    """KFD's location of every node is a GPU, and its links name nodes that exist."""
    nodes = "/sys/class/kfd/kfd/topology/nodes"
    for node in still.files.list(nodes):
        values = dict(line.split() for line in _text(still, f"{nodes}/{node}/properties").splitlines())
        location = int(values["location_id"])
        if location:
            address = Address(int(values["domain"]), location >> 8, location >> 3 & 31, location & 7)
            assert _text(still, f"{PCI}/{address}/vendor") == "0x1002"
        links = still.files.list(f"{nodes}/{node}/p2p_links")
        assert len(links) == int(values["p2p_links_count"])
        for link in links:
            ends = dict(
                line.split() for line in _text(still, f"{nodes}/{node}/p2p_links/{link}/properties").splitlines()
            )
            assert (ends["node_from"], ends["node_to"] in still.files.list(nodes)) == (node, True)


def test_processes_map_what_pools_count(still: DemoDoor) -> None:
    """Mappings in /proc sum up to what the pools say; a child shares its parent's; kernel threads have none."""
    sizes: dict[int, dict[str, int]] = {}
    for name in still.files.list("/proc"):
        if not name.isdigit():
            continue
        who = still.processes.who(int(name))
        assert who is not None
        assert _text(still, f"/proc/{name}/comm") == who.command
        if not _text(still, f"/proc/{name}/cmdline"):
            with pytest.raises(ProcessLookupError):
                still.files.read(f"/proc/{name}/maps")
            continue
        for line in _text(still, f"/proc/{name}/maps").splitlines():
            if line.endswith("/p2pmem/allocate"):
                start, end = (int(part, 16) for part in line.split()[0].split("-"))
                path = line[73:]
                assert still.files.stat(path).kind == "file"
                found = sizes.setdefault(int(name), {})
                found[path.split("/")[-3]] = found.get(path.split("/")[-3], 0) + end - start
    assert {pid: sizes[pid] for pid, _ in MAPPED.values()} == {
        pid: {address: sum(parts)} for address, (pid, parts) in MAPPED.items()
    }
    assert sizes[4712] == sizes[4711]
    assert _text(still, "/proc/4712/stat").split()[3] == "4711"
    assert still.processes.who(99999) is None


def test_the_target_is_complete(still: DemoDoor) -> None:
    """Attributes are those of a recorded 7.3 target; links lead to what they name; devices exist."""
    root = "/sys/kernel/config/nvmet"
    assert still.files.list(root) == ("discovery_nqn", "hosts", "ports", "subsystems")
    assert still.files.list(f"{root}/ports/1") == (
        "addr_adrfam", "addr_traddr", "addr_treq", "addr_trsvcid", "addr_trtype", "addr_tsas", "ana_groups",
        "param_inline_data_size", "param_max_queue_size", "param_mdts", "param_pi_enable", "referrals", "subsystems",
    )  # fmt: skip
    modes: set[str] = set()
    for nqn in still.files.list(f"{root}/subsystems"):
        for host in still.files.list(f"{root}/subsystems/{nqn}/allowed_hosts"):
            assert still.files.realpath(f"{root}/subsystems/{nqn}/allowed_hosts/{host}") == f"{root}/hosts/{host}"
        for nsid in still.files.list(f"{root}/subsystems/{nqn}/namespaces"):
            path = f"{root}/subsystems/{nqn}/namespaces/{nsid}"
            assert still.files.list(path) == (
                "ana_grpid", "buffered_io", "device_nguid", "device_path", "device_uuid", "enable", "p2pmem",
                "resv_enable", "revalidate_size",
            )  # fmt: skip
            modes.add(_text(still, f"{path}/p2pmem"))
            still.files.stat(f"/sys/class/block/{_text(still, f'{path}/device_path').removeprefix('/dev/')}")
            with pytest.raises(PermissionError):
                still.files.read(f"{path}/revalidate_size")
    assert modes == {"0", "1", "0000:18:00.0"}
    for port in still.files.list(f"{root}/ports"):
        for nqn in still.files.list(f"{root}/ports/{port}/subsystems"):
            assert still.files.realpath(f"{root}/ports/{port}/subsystems/{nqn}") == f"{root}/subsystems/{nqn}"


def test_buffers_in_the_kernels_format(still: DemoDoor) -> None:
    """A line of seven fields for each dma-buf, its importers, and a total that is right."""
    text = _text(still, "/sys/kernel/debug/dma_buf/bufinfo") + "\n"
    sizes = [
        int(size)
        for size in re.findall(r"^(\d{8,})\t[0-9a-f]{8}\t[0-9a-f]{8}\t\d{8}\t\S+\t\d{8}\t\S+$", text, re.MULTILINE)
    ]
    assert text.endswith(f"\nTotal {len(sizes)} objects, {sum(sizes)} bytes\n")
    for device in re.findall(r"^\t([0-9a-f]{4}:\S+)$", text, re.MULTILINE):
        still.files.stat(f"{PCI}/{device}")


def test_names_cover_the_host(still: DemoDoor) -> None:
    """Every function of the host has a vendor and a device name; others have none."""
    for address in _functions(still):
        path = f"{PCI}/{address}"
        ids = int(_text(still, f"{path}/vendor"), 16), int(_text(still, f"{path}/device"), 16)
        assert None not in still.names.device(*ids), ids
    assert still.names.device(0x1234, 0x5678) == (None, None)


def test_modules_of_drivers_are_loaded(still: DemoDoor) -> None:
    """/proc/modules and /sys/module name the same, users included."""
    names = [line.split()[0] for line in _text(still, "/proc/modules").splitlines()]
    assert sorted(names) == list(still.files.list("/sys/module"))
    for line in _text(still, "/proc/modules").splitlines():
        assert set(filter(None, line.split()[3].strip("-").split(","))) <= set(names)
    assert _text(still, "/sys/module/nvme/parameters/use_cmb_sqes") == "Y"


def test_everybody_sees_less() -> None:
    """Without privilege: heads of configuration space, nothing of other people's processes or of debugfs."""
    door = DemoDoor(lambda: 0.0, privileged=False)
    assert len(door.files.read(f"{PCI}/0000:17:00.0/config")) == 64
    assert _text(door, f"{PCI}/0000:18:00.0/p2pmem/size") == "536870912"
    for path in ("/proc/4711/maps", "/sys/kernel/debug/dma_buf/bufinfo", f"{PCI}/0000:18:00.0/p2pmem/allocate"):
        with pytest.raises(PermissionError):
            door.files.read(path)


def test_needs_no_hardware_and_no_screen() -> None:
    """The demo imports nothing that reads the running host or draws."""
    code = (
        "import sys; from p2pctl.simulator.door import DemoDoor; DemoDoor().files.list('/sys');"
        "print([m for m in ('p2pctl.hardware', 'p2pctl.cli', 'typer', 'rich', 'psutil', 'pyudev', 'subprocess')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
