"""Block devices, RDMA, exporters, kernel and target, from small trees."""

from __future__ import annotations

import errno
import gzip

import pytest

from p2pctl.hardware.exporters import read_exporters
from p2pctl.hardware.nvme import read_nvme
from p2pctl.hardware.reading import Reader
from p2pctl.hardware.snapshot import take
from p2pctl.model.address import Address
from p2pctl.model.block import Block
from p2pctl.model.exporters import DmaBuffer
from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE, Missing
from p2pctl.model.kernel import Kernel
from p2pctl.model.nvme import Cmb
from p2pctl.model.nvmet import Nvmet
from p2pctl.model.rdma import Rdma
from p2pctl.simulator.nodes import Contents, File, Link, refused
from tests.trees import TreeDoor, nvme_controller, pci_function, tree

A = Address(0, 1, 0, 0)
FUNCTION = "pci0000:00/0000:01:00.0"
Entries = dict[str, Contents | Link | File | None]


def kernel_of(entries: Entries) -> Kernel:
    found = take(TreeDoor(tree(entries)), {"kernel"}).kernel
    assert found is not None
    return found


def rdma_of(entries: Entries) -> Rdma:
    found = take(TreeDoor(tree(entries)), {"rdma"}).rdma
    assert found is not None
    return found


def nvmet_of(entries: Entries) -> Nvmet:
    found = take(TreeDoor(tree(entries)), {"nvmet"}).nvmet
    assert found is not None
    return found


def test_cmb_registers() -> None:
    """Size, place and abilities, as the NVMe specification packs them."""
    cmb = Cmb(location=0x1002, size_register=0x1021D)
    assert (cmb.size, cmb.bar, cmb.offset, cmb.submission_queues) == (16 << 20, 2, 1 << 20, True)
    assert cmb.abilities == ("SQS", "LISTS", "RDS", "WDS")
    assert Cmb(2, 0x1020A).abilities == ("CQS", "RDS")


def test_old_kernels_have_one_file_for_the_cmb() -> None:
    """Before 5.14 the registers share a file."""
    entries = nvme_controller("nvme0", FUNCTION, cmb="cmbloc : 0x00000062\ncmbsz  : 0x0001021d")
    nvme = read_nvme(Reader(tree(entries)), 0.0)
    assert nvme.controllers["nvme0"].cmb == Cmb(0x62, 0x1021D)


def test_multipath_heads_and_their_paths() -> None:
    """A head with two paths is one namespace with two controllers; a plain disk is its own."""
    entries: Entries = {
        **nvme_controller("nvme1", FUNCTION),
        **nvme_controller("nvme2", "pci0000:00/0000:02:00.0"),
        f"/sys/devices/{FUNCTION}/nvme/nvme1/nvme1c1n1/size": b"2048\n",
        "/sys/devices/pci0000:00/0000:02:00.0/nvme/nvme2/nvme1c2n1/size": b"2048\n",
        "/sys/devices/pci0000:00/0000:02:00.0/nvme/nvme2/nvme2n7/size": b"8\n",
        "/sys/devices/virtual/nvme-subsystem/nvme-subsys1/nvme1n1/size": b"2048\n",
        "/sys/devices/virtual/nvme-subsystem/nvme-subsys1/nvme1n1/nsid": b"1\n",
        "/sys/class/block/nvme1n1": Link("../../devices/virtual/nvme-subsystem/nvme-subsys1/nvme1n1"),
        "/sys/class/block/nvme2n7": Link("../../devices/pci0000:00/0000:02:00.0/nvme/nvme2/nvme2n7"),
    }
    found = read_nvme(Reader(tree(entries)), 0.0).namespaces
    assert (found["nvme1n1"].multipath, found["nvme1n1"].controllers) == (True, ("nvme1", "nvme2"))
    assert (found["nvme1n1"].nsid, found["nvme1n1"].size) == (1, 1 << 20)
    assert (found["nvme2n7"].multipath, found["nvme2n7"].controllers) == (False, ("nvme2",))


@pytest.mark.parametrize(
    ("path", "name", "words"),
    [
        ("virtual/block/dm-0", "dm-0", "device mapper"),
        ("virtual/block/md127", "md127", "md array"),
        ("virtual/block/loop3", "loop3", "file"),
        ("virtual/nvme-subsystem/nvme-subsys0/nvme0n1", "nvme0n1", "multipath head"),
        ("virtual/nvme-fabrics/ctl/nvme4/nvme4n1", "nvme4n1", "over fabrics"),
        ("virtual/block/xyz", "xyz", "virtual device"),
        ("platform/80860f14/mmc0/mmcblk0", "mmcblk0", "no PCI function"),
    ],
)
def test_disks_without_a_function_have_a_reason(path: str, name: str, words: str) -> None:
    """Which is what nvmet's refusal is about."""
    entries: Entries = {f"/sys/devices/{path}/size": b"16\n", f"/sys/block/{name}": Link(f"../devices/{path}")}
    block = take(TreeDoor(tree(entries)), {"block"}).block
    assert isinstance(block, Block)
    disk = block.devices[name]
    assert (disk.address, disk.size) == (ABSENT, 8192)
    assert disk.reason is not None
    assert words in disk.reason


def test_disks_hang_on_functions() -> None:
    """Also through a SATA controller's ports."""
    path = f"/sys/devices/{FUNCTION}/ata1/host0/target0:0:0/0:0:0:0/block/sda"
    entries: Entries = {f"{path}/size": b"16\n", "/sys/block/sda": Link(f"../{path[5:]}")}
    block = take(TreeDoor(tree(entries)), {"block"}).block
    assert isinstance(block, Block)
    assert (block.devices["sda"].address, block.devices["sda"].reason) == (A, None)


def rdma_entries(driver: str = "mlx5_core", device: str = FUNCTION) -> Entries:
    path = f"/sys/devices/{device}/infiniband/mlx5_0"
    return {
        f"{path}/node_guid": b"0c42:a103:0000:0001\n",
        f"{path}/ports/1/state": b"4: ACTIVE\n",
        f"{path}/ports/1/link_layer": b"Ethernet\n",
        f"{path}/ports/1/gids/0": b"0000:0000:0000:0000:0000:ffff:c000:020a\n",
        f"{path}/ports/1/gids/1": b"0000:0000:0000:0000:0000:0000:0000:0000\n",
        f"{path}/ports/1/gid_attrs/types/0": b"RoCE v2\n",
        f"{path}/ports/1/gid_attrs/ndevs/0": b"eth0\n",
        f"{path}/ports/1/gid_attrs/types/1": refused(errno.EINVAL),
        "/sys/class/infiniband/mlx5_0": Link(f"../../{path[5:]}"),
        f"/sys/devices/{device}/driver": Link(f"../../../bus/pci/drivers/{driver}"),
        f"/sys/devices/{device}/net/eth0/operstate": b"up\n",
        "/sys/class/net/eth0": Link(f"../../devices/{device}/net/eth0"),
        "/sys/class/net/bonding_masters": b"\n",
    }


def test_rdma_device_down_to_its_function() -> None:
    """GIDs in use with their owner; an empty index is none."""
    rdma = rdma_of(rdma_entries())
    device = rdma.devices["mlx5_0"]
    assert (device.address, device.driver, device.virtual_dma) == (A, "mlx5_core", False)
    (port,) = device.ports
    assert (port.state, port.link_layer) == ("ACTIVE", "Ethernet")
    assert [(gid.index, gid.type, gid.interface) for gid in port.gids] == [(0, "RoCE v2", "eth0")]
    assert device.interfaces == ("eth0",)
    assert list(rdma.interfaces) == ["eth0"]
    assert rdma.gaps == ()


def test_virtual_dma_is_decided_by_driver() -> None:
    """hfi1 has a PCI function and is refused all the same; a device without one is refused whatever its name."""
    assert rdma_of(rdma_entries("hfi1")).devices["mlx5_0"].virtual_dma is True
    found = rdma_of(rdma_entries(device="virtual")).devices["mlx5_0"]
    assert (found.address, found.virtual_dma) == (ABSENT, True)


BUFINFO = (
    b"\nDma-buf Objects:\n"
    b"size    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n"
    b"16777216\t00000002\t00080007\t00000002\tamdgpu\t00004242\t<none>\n"
    b"\twrite fence:amdgpu sdma0 seq 7 signalled\n\tkernel fence:amdgpu vm seq 3\n\tbookkeep fence:x\n"
    b"\tAttached Devices:\n\t0000:65:00.0\n\tmlx5_0\nTotal 2 devices attached\n\n"
    b"00004096\t00000002\t00080007\t00000001\tvfio_pci\t00004243\tx\n"
    b"\tAttached Devices:\nTotal 0 devices attached\n\n"
    b"\nTotal 2 objects, 16781312 bytes\n"
)


def test_dma_buffers() -> None:
    """The table of debugfs: exporter, size, importers."""
    found = read_exporters(Reader(tree({"/sys/kernel/debug/dma_buf/bufinfo": BUFINFO})), 0.0, ())
    assert found.buffers == (
        DmaBuffer("amdgpu", 16 << 20, ("0000:65:00.0", "mlx5_0")),
        DmaBuffer("vfio_pci", 4096, ()),
    )
    odd = read_exporters(Reader(tree({"/sys/kernel/debug/dma_buf/bufinfo": b"what?\n"})), 0.0, ())
    assert odd.buffers is UNREADABLE


def test_exporters_by_driver() -> None:
    """Memory, registers, visible part, and the peers that the driver approved."""
    kfd = "/sys/class/kfd/kfd/topology/nodes"
    bar = b"0x0000000000000000 0x0000000000000000 0x0000000000000000\n" * 2
    bar += b"0x0000004000000000 0x00000043ffffffff 0x000000000014220c\n"
    entries: Entries = {
        **pci_function(
            "0000:01:00.0", driver="amdgpu", resource=bar, mem_info_vram_total=b"17179869184\n",
            mem_info_vis_vram_total=b"17179869184\n",
        ),
        **pci_function("0000:02:00.0", driver="mlx5_core"),
        **pci_function("0000:03:00.0", driver="e1000e"),
        f"{kfd}/1/properties": b"location_id 256\ndomain 0\n",
        f"{kfd}/2/properties": b"location_id 512\ndomain 0\n",
        f"{kfd}/1/p2p_links/0/properties": b"node_from 1\nnode_to 2\n",
    }  # fmt: skip
    found = take(TreeDoor(tree(entries)), {"exporters"}).exporters
    assert found is not None
    gpu, nic = found.exporters[A], found.exporters[Address(0, 2, 0, 0)]
    assert (gpu.kind, gpu.bar_size, gpu.memory_visible, gpu.peers) == (
        "memory", 16 << 30, 16 << 30, (Address(0, 2, 0, 0),),
    )  # fmt: skip
    assert nic.kind == "registers"
    assert len(found.exporters) == 2


def test_kernel_configuration_tells_p2pdma() -> None:
    """From /boot, from /proc/config.gz, from the symbols, or not at all."""
    release: Entries = {"/proc/sys/kernel/osrelease": b"7.3.4\n"}
    on, off = b"CONFIG_X=y\nCONFIG_PCI_P2PDMA=y\n", b"# CONFIG_PCI_P2PDMA is not set\n"
    assert kernel_of({**release, "/boot/config-7.3.4": on}).p2pdma is True
    assert kernel_of({**release, "/boot/config-7.3.4": off}).p2pdma is False
    assert kernel_of({"/proc/config.gz": gzip.compress(on)}).p2pdma is True
    assert kernel_of({"/proc/kallsyms": b"0 T _text\n0 T pci_p2pdma_add_resource\n"}).p2pdma is True
    assert kernel_of({"/proc/kallsyms": b"0 T _text\n"}).p2pdma is False
    whole = b"CONFIG_64BIT=y\nCONFIG_PCI=y\n"
    assert kernel_of({**release, "/boot/config-7.3.4": whole}).p2pdma is False


@pytest.mark.parametrize(
    "entries",
    [
        {},
        {"/proc/kallsyms": b""},
        {"/proc/config.gz": b"no gzip"},
        {"/proc/config.gz": gzip.compress(b"")},
        {"/proc/sys/kernel/osrelease": b"7.3.4\n", "/boot/config-7.3.4": b"CONFIG_64BIT=y\n"},
    ],
)
def test_a_file_that_is_not_whole_is_no_evidence(entries: Entries) -> None:
    """Unknown is not "no": empty, cut or absent files say nothing, and there is a gap that says so."""
    kernel = kernel_of(entries)
    assert kernel.p2pdma is UNREADABLE
    assert "kernel configuration" in {gap.fact for gap in kernel.gaps}


def test_lockdown_is_unknown_without_securityfs() -> None:
    """Its file is absent for one of two reasons, and another file tells which."""
    assert kernel_of({}).lockdown is UNREADABLE
    assert kernel_of({"/sys/kernel/security/lsm": b"capability\n"}).lockdown is ABSENT


def test_an_iommu_that_cannot_be_listed_is_not_none() -> None:
    """No permission is no answer."""
    assert kernel_of({"/sys/class/iommu/dmar0": None}).iommus == ("dmar0",)
    assert kernel_of({}).iommus is ABSENT


def test_a_bomb_of_a_configuration_is_bounded() -> None:
    """A hostile config.gz unpacks to a megabyte at most."""
    kernel = kernel_of({"/proc/config.gz": gzip.compress(b"\0" * (1 << 26))})
    assert kernel.p2pdma is UNREADABLE


def test_passwords_on_the_command_line_are_not_read_on() -> None:
    """It ends up on screens and in reports."""
    line = b"root=/dev/sda1 luks.key=abcdef netroot=iscsi:me:PASSWORD@192.0.2.1 iommu=pt\n"
    shown = kernel_of({"/proc/cmdline": line}).command_line
    assert isinstance(shown, str)
    assert "abcdef" not in shown
    assert "PASSWORD" not in shown
    assert shown.endswith("iommu=pt")


def test_lockdown_and_iommu() -> None:
    """The word in brackets, and the names of the units."""
    kernel = kernel_of(
        {
            "/sys/kernel/security/lockdown": b"none [integrity] confidentiality\n",
            "/sys/class/iommu/dmar0": None,
            "/proc/cpuinfo": b"processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\n\nprocessor\t: 1\n",
        }
    )
    assert (kernel.lockdown, kernel.iommus) == ("integrity", ("dmar0",))
    assert not isinstance(kernel.cpu, Missing)
    assert (kernel.cpu.vendor, kernel.cpu.family, kernel.cpu.count) == ("AuthenticAMD", 25, 2)


def test_the_target_is_read_by_its_links_and_without_secrets() -> None:
    """A link's name says nothing, its target does; unknown attributes are kept; keys are not opened."""
    root = "/sys/kernel/config/nvmet"
    secrets: list[str] = []

    def secret() -> bytes:
        secrets.append("opened")
        return b"DHHC-1:00:secret\n"

    nvmet = nvmet_of(
        {
            f"{root}/hosts/nqn.h1/dhchap_key": secret,
            f"{root}/subsystems/nqn.s1/attr_model": b"Linux\n",
            f"{root}/subsystems/nqn.s1/attr_of_tomorrow": b"yes\n",
            f"{root}/ports/1/group_of_tomorrow/x": b"",
            f"{root}/subsystems/nqn.s1/dhchap_key": secret,
            f"{root}/subsystems/nqn.s1/allowed_hosts/any": Link("../../../../nvmet/hosts/nqn.h1"),
            f"{root}/subsystems/nqn.s1/namespaces/1/p2pmem": b"0000:01:00.0\n",
            f"{root}/subsystems/nqn.s1/namespaces/1/revalidate_size": refused(errno.EACCES),
            f"{root}/subsystems/nqn.s1/passthru/enable": b"0\n",
            f"{root}/ports/1/addr_trtype": b"rdma\n",
            f"{root}/ports/1/subsystems/renamed": Link("../../../../nvmet/subsystems/nqn.s1"),
        }
    )
    subsystem = nvmet.subsystems["nqn.s1"]
    assert nvmet.present is True
    assert subsystem.attributes == {"attr_model": "Linux", "attr_of_tomorrow": "yes", "dhchap_key": NOT_READ}
    assert subsystem.allowed_hosts == ("nqn.h1",)
    assert subsystem.namespaces[1].attributes == {"p2pmem": "0000:01:00.0", "revalidate_size": NOT_READ}
    assert nvmet.ports["1"].subsystems == ("nqn.s1",)
    assert (secrets, nvmet.gaps) == ([], ())
