"""The demo host: a server with two sockets that anyone can look at, the same at every run.

What it has is believable and consistent: drivers, links, pools, queues, mappings and the target's namespaces agree
with each other. `demo_pci` has the PCI tree, `demo_target` what the target exports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Protocol

from p2pctl.simulator import blocks, gpus, machine, network, nvme, pools, processes, rdma
from p2pctl.simulator.attributes import Processors
from p2pctl.simulator.blocks import Disk
from p2pctl.simulator.demo_pci import DIRECT_PORTS, buses
from p2pctl.simulator.gpus import Gpu
from p2pctl.simulator.host import Host
from p2pctl.simulator.machine import Board, Buffer, Kernel, Module
from p2pctl.simulator.network import LOOPBACK, Interface
from p2pctl.simulator.nodes import Directory, File, LiveDirectory, Node, text
from p2pctl.simulator.nvme import Drive, cmb_size
from p2pctl.simulator.pci import GIB, KIB, MIB
from p2pctl.simulator.pools import Load, Pool, Taken
from p2pctl.simulator.processes import Running
from p2pctl.simulator.rdma import Rnic, addresses

if TYPE_CHECKING:
    from p2pctl.simulator.nvmet.kernel import NvmetKernel

PROCESSORS = Processors((((0, 15), (32, 47)), ((16, 31), (48, 63))))

RELEASE = "7.3.0-9-generic"

KERNEL = Kernel(
    release=RELEASE,
    version="(buildd@lcy02-amd64-051) (x86_64-linux-gnu-gcc-15 (Ubuntu 15.2.0-4ubuntu4) 15.2.0, GNU ld (GNU Binutils"
    " for Ubuntu) 2.45) #9-Ubuntu SMP PREEMPT_DYNAMIC Mon Oct 12 16:11:41 UTC 2026",
    command_line=f"BOOT_IMAGE=/vmlinuz-{RELEASE} root=/dev/mapper/vg0-root ro quiet intel_iommu=on iommu=pt"
    f" pci=disable_acs_redir={';'.join(DIRECT_PORTS)}",
    hostname="demo",
    boot_id="5f0c2a8e-9d64-4a51-8d0b-6b7f3c1e2d94",
    processor="Intel(R) Xeon(R) Gold 6426Y",
    family=6,
    model=143,
    stepping=8,
)

_BOARD = Board("Supermicro", "SYS-221H-TNR", "X13DEI", "American Megatrends International, LLC.", "2.1", "03/14/2025")

_LOCATION = 0x64
"""CMBLOC of a buffer at the start of BAR 4, with the bits set that allow data pointers into it."""

_TB = 1_000_000_000_000

DRIVES = {
    "0000:18:00.0": Drive(number=0, model="SAMSUNG MZWLR3T8HBLS-00007", serial="S5J0NC0R800101", firmware="MPK9",
                          capacity=(3_840_755_982_336,), cmb=(_LOCATION, cmb_size(512 * MIB))),
    "0000:19:00.0": Drive(number=1, model="SAMSUNG MZWLR3T8HBLS-00007", serial="S5J0NC0R800102", firmware="MPK9",
                          capacity=(3_840_755_982_336,), cmb=(_LOCATION, cmb_size(64 * MIB))),
    "0000:1f:00.0": Drive(number=2, model="KIOXIA KCMYXRUG3T84", serial="3D40A00CT0L1", firmware="1UETE102",
                          capacity=(1_920_383_410_176, 1_920_383_410_176), cmb=(_LOCATION, cmb_size(16 * MIB))),
    "0000:38:00.0": Drive(number=3, model="Micron_7450_MTFDKCC1T9TFS", serial="2251C0A1F301", firmware="E2MU200",
                          capacity=(1_920_383_410_176,), holders=("/sys/devices/virtual/block/md0",)),
    "0000:3c:00.0": Drive(number=4, model="Micron_7450_MTFDKCC1T9TFS", serial="2251C0A1F302", firmware="E2MU200",
                          capacity=(1_920_383_410_176,), holders=("/sys/devices/virtual/block/md0",)),
    "0000:bc:00.0": Drive(number=5, model="KIOXIA KCM61RUL7T68", serial="61B0A034T1X8", firmware="0106",
                          capacity=(7_681_501_126_656,), shared=True),
    # 1.5 MiB at 64 KiB: neither a multiple of 2 MiB, so the kernel registers nothing of it.
    "0000:98:00.0": Drive(number=6, model="KIOXIA KCD81PUG3T84", serial="7CP0A11BT2Y5", firmware="1UE0107",
                          capacity=(3_840_755_982_336,),
                          cmb=(1 << 12 | _LOCATION, cmb_size(1536 * KIB))),
    "0000:ba:00.0": Drive(number=7, model="SAMSUNG MZWLR7T6HBLA-00007", serial="S6EXNE0R700207", firmware="MPK9",
                          capacity=(7_681_501_126_656,), cmb=(_LOCATION, cmb_size(256 * MIB))),
    # For data only: no submission queue lies in it, so all of it is free while nobody uses it.
    "0000:bb:00.0": Drive(number=8, model="SAMSUNG MZWLR7T6HBLA-00007", serial="S6EXNE0R700208", firmware="MPK9",
                          capacity=(7_681_501_126_656,), cmb=(_LOCATION, cmb_size(32 * MIB, 0x18))),
    "10000:e1:00.0": Drive(number=9, model="SAMSUNG MZWLR3T8HBLS-00007", serial="S5J0NC0R800109", firmware="MPK9",
                           capacity=(3_840_755_982_336,), cmb=(_LOCATION, cmb_size(128 * MIB))),
    "10000:e2:00.0": Drive(number=10, model="Micron_7450_MTFDKCC1T9TFS", serial="2251C0A1F310", firmware="E2MU200",
                           capacity=(1_920_383_410_176,)),
}  # fmt: skip

MAPPED = {"0000:18:00.0": (4711, (16 * MIB, 16 * MIB)), "0000:ba:00.0": (5208, (8 * MIB,))}
"""Pools that a process has mapped: its pid, and bytes of each mapping."""

_FORKED = 4712
"""A child of the first of them, which sees its parent's mappings."""

LOADS = {
    "0000:18:00.0": Load(request=128 * KIB, start=24, peak=96, period=240, seed=1),
    # At its peak this one uses up all that the queues leave.
    "0000:1f:00.0": Load(request=128 * KIB, start=20, peak=96, period=120, seed=2),
}
"""What the target has in flight through pools."""

OTHER_POOLS = {
    "0000:1e:00.0": Pool(16 * GIB, own=256 * MIB, published=False),
    "0000:99:00.0": Pool(256 * MIB),
}
"""Pools of drivers other than nvme."""

_UNREGISTERED = "0000:98:00.0"


def demo_pools() -> dict[str, Pool]:
    """Every pool of the host by the address of its function."""
    found = dict(OTHER_POOLS)
    for address, drive in DRIVES.items():
        if drive.cmb is not None and address != _UNREGISTERED:
            unit = 4 * KIB << 4 * (drive.cmb[1] >> 8 & 0xF)
            mapped = sum(MAPPED[address][1]) if address in MAPPED else 0
            found[address] = Pool((drive.cmb[1] >> 12) * unit, drive.queue_bytes(), mapped, LOADS.get(address))
    return found


def running(host: Host) -> tuple[Running, ...]:
    """The processes of the host."""
    mapped = {
        pid: tuple((f"{host[address].path}/p2pmem/allocate", size) for size in sizes)
        for address, (pid, sizes) in MAPPED.items()
    }
    return (
        Running(pid=1, parent=0, command="systemd", executable="/usr/lib/systemd/systemd"),
        Running(pid=2, parent=0, command="kthreadd"),
        Running(pid=1207, parent=1, command="sshd", executable="/usr/sbin/sshd"),
        Running(pid=2310, parent=2, command="nvmet-wq"),
        Running(pid=4650, parent=1207, command="bash", uid=1004, executable="/usr/bin/bash"),
        Running(pid=4711, parent=4650, command="fio", uid=1004, executable="/usr/bin/fio", mapped=mapped[4711]),
        Running(pid=_FORKED, parent=4711, command="fio", uid=1004, executable="/usr/bin/fio", mapped=mapped[4711],
                sleeping=False),
        Running(pid=5208, parent=1, command="ingestd", uid=1000, executable="/opt/ingest/bin/ingestd",
                mapped=mapped[5208]),
        Running(pid=6020, parent=1, command="qemu-system-x86", uid=64055, executable="/usr/bin/qemu-system-x86_64"),
    )  # fmt: skip


_MODULES = (
    Module("nvmet_rdma", 86016), Module("nvmet_tcp", 49152),
    Module("nvmet", 258048, ("nvmet_rdma", "nvmet_tcp")),
    Module("nvme", 73728, parameters=(("use_cmb_sqes", "Y"), ("io_queue_depth", "1024"), ("poll_queues", "0"),
                                      ("write_queues", "0"))),
    Module("nvme_core", 262144, ("nvme", "nvmet"), parameters=(("multipath", "Y"), ("iopolicy", "numa"),
                                                               ("io_timeout", "30"), ("admin_timeout", "60"))),
    Module("rdma_rxe", 262144), Module("mlx5_ib", 561152), Module("mlx5_core", 3125248, ("mlx5_ib",)),
    Module("ib_core", 634880, ("nvmet_rdma", "rdma_rxe", "mlx5_ib")),
    Module("amdgpu", 19660800, parameters=(("pcie_p2p", "Y"),)), Module("habanalabs", 2129920),
    Module("vfio_pci", 20480), Module("vmd", 32768), Module("idxd", 217088), Module("qat_4xxx", 57344),
    Module("snd_hda_intel", 69632), Module("mpt3sas", 397312), Module("igb", 335872), Module("ahci", 49152),
    Module("i801_smbus", 40960), Module("ast", 86016), Module("p2pmem_pci", 16384),
    Module("configfs", 65536, ("nvmet",)),
)  # fmt: skip


def _add_drives(host: Host, step: Callable[[], int], taken: Taken) -> None:
    for address, drive in DRIVES.items():
        nvme.attach(host, host[address], drive)
    for address, pool in demo_pools().items():
        host.extend(host[address], partial(_pool_directory, pool, step, partial(taken.of, address)))


def _pool_directory(pool: Pool, step: Callable[[], int], taken: Callable[[], int]) -> dict[str, Node]:
    return {"p2pmem": pools.directory(pool, step, taken)}


def _add_blocks(host: Host) -> None:
    parts = (512 * MIB, 1024 * MIB, 478 * 1_000_000_000 // MIB * MIB)
    disks = blocks.sata(host, host["0000:00:17.0"], 480_103_981_056, parts)
    legs = tuple(nvme.namespace_path(host[at], DRIVES[at]) for at in ("0000:38:00.0", "0000:3c:00.0"))
    virtual = "/sys/devices/virtual/block"
    blocks.add_virtual(
        host,
        Disk(path=f"{virtual}/dm-0", number=(254, 0), size=parts[-1] - 4 * MIB, sequence=20, slaves=(disks[-1].path,)),
        {"dm": Directory({"name": text("vg0-root"), "suspended": text(0), "uuid": text(f"LVM-{'Zf8Q' * 16}")})},
    )
    blocks.add_virtual(
        host,
        Disk(path=f"{virtual}/md0", number=(9, 0), size=1_920_248_119_296, sequence=21, slaves=legs),
        {"md": Directory({"array_state": text("clean", 0o644), "level": text("raid1", 0o644),
                          "raid_disks": text(2, 0o644)})},
    )  # fmt: skip
    blocks.add_virtual(
        host,
        Disk(path=f"{virtual}/loop0", number=(7, 0), size=734_003_200, sequence=22),
        {"loop": Directory({"backing_file": text("/srv/images/rescue.img"), "offset": text(0)})},
    )


_MACS = ("b8:ce:f6:a1:01:00", "b8:ce:f6:a1:01:01", "b8:ce:f6:a1:01:10", "10:70:fd:2e:40:00", "10:70:fd:2e:40:01")


ADDRESSES = {
    "192.0.2.10": "0000:1a:00.0", "192.0.2.11": "0000:1a:00.1", "198.51.100.10": "0000:81:00.0",
    "203.0.113.10": "0000:03:00.0",
}  # fmt: skip
"""IPv4 addresses of the host, with the function of the adapter."""


def _add_network(host: Host) -> None:
    one, two, three, four, five = _MACS
    network.add_virtual(host, Interface(name="lo", number=1, mac="00:00:00:00:00:00", state="unknown", kind=LOOPBACK))
    eno1 = Interface(name="eno1", number=2, mac="3c:ec:ef:90:12:34", speed=1000)
    network.attach(host, host["0000:03:00.0"], eno1)
    network.attach(host, host["0000:03:00.1"], Interface(name="eno2", number=3, mac="3c:ec:ef:90:12:35", state="down"))
    # name, mac, address, state, speed, IPv4 address
    ports = (
        ("ens102f0np0", one, "0000:1a:00.0", "up", 400_000, "192.0.2.10"),
        ("ens102f1np1", two, "0000:1a:00.1", "up", 400_000, "192.0.2.11"),
        ("ens102f0v0", three, "0000:1a:00.2", "up", 400_000, None),
        ("ens4f0np0", four, "0000:81:00.0", "up", 100_000, "198.51.100.10"),
        ("ens4f1np1", five, "0000:81:00.1", "down", -1, None),
    )
    for nth, (name, mac, address, state, speed, ipv4) in enumerate(ports):
        new = address.startswith("0000:1a")
        virtual = address.endswith(".2")
        network.attach(
            host,
            host[address],
            Interface(name=name, number=4 + nth, mac=mac, state=state, speed=speed, mtu=9000,
                      port_name=None if virtual else f"p{address[-1]}"),
        )  # fmt: skip
        words = mac.replace(":", "")
        rdma.attach(
            host,
            host[address],
            Rnic(
                name=f"mlx5_{nth}", guid=f"{words[:4]}:{words[4:6]}03:00{words[6:8]}:{words[8:]}",
                type="MT4126" if virtual else "MT4129" if new else "MT4125",
                firmware="28.43.1014" if new else "22.43.1014",
                board="MT_0000000838" if new else "MT_0000000359",
                rate="400 Gb/sec (4X NDR)" if new else "100 Gb/sec (4X EDR)" if state == "up" else "40 Gb/sec (4X QDR)",
                active=state == "up",
                gids=addresses(mac, name, ipv4),
            ),
        )  # fmt: skip
    rdma.add_software(
        host,
        Rnic(
            name="rxe0", guid="3eec:efff:fe90:1234", type="", firmware="", board="",
            rate="2.5 Gb/sec (1X SDR)", gids=addresses(eno1.mac, eno1.name, "203.0.113.10"), interface=eno1.name,
        ),
    )  # fmt: skip


class Target(Protocol):
    """The NVMe target of the host, made when somebody looks."""

    def get(self) -> NvmetKernel:
        """The target as it is now."""
        ...


def build(
    step: Callable[[], int], target: Target, taken: Taken | None = None
) -> tuple[Host, Directory, tuple[Running, ...]]:
    """The host, its tree and the processes; ``step`` counts the steps of `pools.STEP` seconds since the start.

    ``taken`` tells how much of the pools is mapped by whoever looks.
    """
    host = Host(buses(), PROCESSORS, iommu=True)
    machine.add_kernel(host, KERNEL)
    machine.add_board(host, _BOARD, "S459999X3210042")
    machine.add_distribution(host, "Ubuntu", "26.10", "Ubuntu 26.10")
    machine.add_huge_pages(host, {2048: 1024, 1048576: 0})
    machine.add_modules(host, _MODULES)
    machine.add_iommus(host)
    _add_drives(host, step, taken or Taken())
    _add_blocks(host)
    _add_network(host)
    cards = [Gpu(host[address], 48 * GIB, 48 * GIB) for address in ("0000:1d:00.0", "0000:3b:00.0")]
    gpus.attach(host, cards)
    machine.add_debugfs(
        host,
        (
            Buffer(256 * MIB, "drm", ("0000:1a:00.0",), "training-ring"),
            Buffer(2 * MIB, "mlx5_ib", ("0000:1d:00.0",)),
        ),
        {"nvmet": LiveDirectory(lambda: target.get().debugfs.entries)},
    )
    everyone = running(host)
    for one in everyone:
        host.add(f"/proc/{one.pid}", processes.directory(one))
    host.add("/sys/kernel/config", LiveDirectory(lambda: {"nvmet": target.get().directory}))
    _add_sockets(host, target)
    host.add("/dev", Directory(partial(_device_nodes, host)))
    host.add("/srv/images/rescue.img", File(b"", 0o600, 0))
    host.add("/proc/1/mountinfo", File(_MOUNTS))
    host.add("/proc/swaps", File(b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"))
    return host, host.root(), everyone


_MOUNTS = b"""\
22 28 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
28 1 254:0 / / rw,relatime shared:1 - ext4 /dev/mapper/vg0-root rw
95 28 8:2 / /boot rw,relatime shared:46 - ext4 /dev/sda2 rw
98 95 8:1 / /boot/efi rw,relatime shared:48 - vfat /dev/sda1 rw,fmask=0077
"""


def _device_nodes(host: Host) -> Mapping[str, Node]:
    from p2pctl.simulator.demo_kernel import device_nodes  # noqa: PLC0415  needs what few commands look at

    return device_nodes(host)


def _add_sockets(host: Host, target: Target) -> None:
    """Addresses and TCP sockets, of the first process's network and of the reader's, which are one."""

    def table(version: int) -> bytes:
        from p2pctl.simulator.nvmet import sockets  # noqa: PLC0415

        return sockets.table(target.get(), version)

    def four() -> bytes:
        from p2pctl.simulator.nvmet import sockets  # noqa: PLC0415

        return sockets.fib_trie((*ADDRESSES, "127.0.0.1"))

    def six() -> bytes:
        from p2pctl.simulator.nvmet import sockets  # noqa: PLC0415

        return sockets.if_inet6([("::1", "lo", 1)])

    files: dict[str, Callable[[], bytes]] = {
        "tcp": partial(table, 4),
        "tcp6": partial(table, 6),
        "fib_trie": four,
        "if_inet6": six,
    }
    for above in ("/proc/net", "/proc/1/net"):
        for name, contents in files.items():
            host.add(f"{above}/{name}", File(contents, size=0))
