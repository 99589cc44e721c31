"""What is neither a device nor the target: the kernel, its processors, IOMMUs, modules and debugfs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from p2pctl.simulator.attributes import Processors
from p2pctl.simulator.host import Host
from p2pctl.simulator.nodes import Directory, File, Link, Node, relative, text

_FLAGS = (
    "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush dts acpi mmx fxsr sse sse2 ss ht"
    " tm pbe syscall nx pdpe1gb rdtscp lm constant_tsc art arch_perfmon pebs bts rep_good nopl xtopology nonstop_tsc"
    " cpuid aperfmperf pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 fma cx16 xtpr pdcm pcid dca sse4_1"
    " sse4_2 x2apic movbe popcnt aes xsave avx f16c rdrand lahf_lm abm 3dnowprefetch ibrs ibpb stibp fsgsbase bmi1 avx2"
    " smep bmi2 erms invpcid avx512f avx512dq rdseed adx smap clflushopt clwb avx512cd sha_ni avx512bw avx512vl"
)


_OPTIONS = (
    "CONFIG_64BIT=y\nCONFIG_ZONE_DEVICE=y\nCONFIG_PCI_P2PDMA=y\nCONFIG_VFIO_PCI_DMABUF=y\nCONFIG_HSA_AMD_P2P=y\n"
    "CONFIG_NVME_MULTIPATH=y\nCONFIG_NVME_TARGET=m\nCONFIG_NVME_TARGET_RDMA=m\nCONFIG_NVME_TARGET_TCP=m\n"
    "# CONFIG_IOMMU_DEFAULT_PASSTHROUGH is not set\n"
)
"""What matters here of a kernel configuration: every distribution ships it beside its kernel."""


class Kernel(NamedTuple):
    """The kernel of a host and its machine."""

    release: str
    version: str
    """All of /proc/version after the release."""
    command_line: str
    hostname: str
    boot_id: str
    processor: str
    """``model name``."""
    family: int
    model: int
    stepping: int
    vendor: str = "GenuineIntel"


class Board(NamedTuple):
    """What firmware says of a machine."""

    vendor: str
    product: str
    board: str
    bios_vendor: str
    bios: str
    bios_date: str


class Module(NamedTuple):
    """A loaded kernel module."""

    name: str
    size: int
    users: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()


class Buffer(NamedTuple):
    """A dma-buf."""

    size: int
    exporter: str
    attached: tuple[str, ...]
    name: str | None = None


def add_kernel(host: Host, kernel: Kernel) -> None:
    """The files of /proc that say what runs here, the kernel's configuration, and the state of lockdown."""
    processors = host.processors
    host.add(f"/boot/config-{kernel.release}", File(_OPTIONS.encode(), 0o644, len(_OPTIONS)))
    host.add("/proc/version", File(f"Linux version {kernel.release} {kernel.version}\n".encode(), size=0))
    host.add("/proc/cmdline", File(f"{kernel.command_line}\n".encode(), size=0))
    host.add("/proc/cpuinfo", File(lambda: _cpuinfo(kernel, processors), size=0))
    host.add("/proc/sys/kernel/hostname", _sysctl(kernel.hostname, 0o644))
    host.add("/proc/sys/kernel/osrelease", _sysctl(kernel.release))
    host.add("/proc/sys/kernel/random/boot_id", _sysctl(kernel.boot_id))
    host.add("/sys/kernel/security/lockdown", File(b"[none] integrity confidentiality\n", 0o644))


def add_board(host: Host, board: Board, serial: str) -> None:
    """What firmware says of the machine; its serial numbers only to root (drivers/firmware/dmi-id.c)."""
    path = "/sys/devices/virtual/dmi/id"
    values = {
        "sys_vendor": board.vendor, "product_name": board.product, "board_vendor": board.vendor,
        "board_name": board.board, "bios_vendor": board.bios_vendor, "bios_version": board.bios,
        "bios_date": board.bios_date, "chassis_type": "23",
    }  # fmt: skip
    files: dict[str, Node] = {name: text(value) for name, value in values.items()}
    files |= {name: text(serial, 0o400) for name in ("product_serial", "board_serial", "chassis_serial")}
    host.add(path, Directory({**files, "subsystem": Link(relative("/sys/class/dmi", path))}))
    host.register("dmi", path)


def add_distribution(host: Host, name: str, version: str, title: str) -> None:
    """os-release(5)."""
    contents = f'PRETTY_NAME="{title}"\nNAME="{name}"\nVERSION_ID="{version}"\nID={name.lower()}\nID_LIKE=debian\n'
    host.add("/usr/lib/os-release", File(contents.encode(), 0o644, len(contents)))
    host.add("/etc/os-release", Link("../usr/lib/os-release"))


def add_huge_pages(host: Host, counts: Mapping[int, int]) -> None:
    """Huge pages set aside, by their size in KiB."""
    for size, count in counts.items():
        host.add(f"/sys/kernel/mm/hugepages/hugepages-{size}kB", Directory({"nr_hugepages": text(count, 0o644)}))


def _sysctl(value: str, mode: int = 0o444) -> File:
    return File(f"{value}\n".encode(), mode, 0)


def _cpuinfo(kernel: Kernel, processors: Processors) -> bytes:
    entries: list[tuple[int, int, int, int]] = []
    for socket, ranges in enumerate(processors.nodes):
        for first, last in ranges:
            entries += [(cpu, socket, cpu - first, last - first + 1) for cpu in range(first, last + 1)]
    return "".join(_cpu(kernel, entry, len(processors.nodes[entry[1]])) for entry in sorted(entries)).encode()


def _cpu(kernel: Kernel, entry: tuple[int, int, int, int], threads: int) -> str:
    """One processor: its number, socket, core and the socket's cores."""
    cpu, socket, core, cores = entry
    return (
        f"processor\t: {cpu}\nvendor_id\t: {kernel.vendor}\ncpu family\t: {kernel.family}\nmodel\t\t: {kernel.model}\n"
        f"model name\t: {kernel.processor}\nstepping\t: {kernel.stepping}\nmicrocode\t: 0x2b000639\n"
        f"cpu MHz\t\t: 2500.000\ncache size\t: 38400 KB\nphysical id\t: {socket}\nsiblings\t: {cores * threads}\n"
        f"core id\t\t: {core}\ncpu cores\t: {cores}\napicid\t\t: {socket << 7 | core << 1}\n"
        f"initial apicid\t: {socket << 7 | core << 1}\nfpu\t\t: yes\nfpu_exception\t: yes\n"
        "cpuid level\t: 32\nwp\t\t: yes\n"
        f"flags\t\t: {_FLAGS}\nbugs\t\t: spectre_v1 spectre_v2 spec_store_bypass swapgs bhi its\n"
        f"bogomips\t: 5000.00\nclflush size\t: 64\ncache_alignment\t: 64\n"
        "address sizes\t: 52 bits physical, 57 bits virtual\npower management:\n\n"
    )


def add_modules(host: Host, modules: Sequence[Module]) -> None:
    """/proc/modules and /sys/module."""
    lines: list[str] = []
    for nth, module in enumerate(modules):
        users = "".join(f"{user}," for user in module.users) or "-"
        address = 0xFFFFFFFFC0600000 + nth * 0x40000
        lines.append(f"{module.name} {module.size} {len(module.users)} {users} Live 0x{address:016x}\n")
        files: dict[str, Node] = {
            "coresize": text(module.size),
            "initstate": text("live"),
            "refcnt": text(len(module.users)),
        }
        if module.parameters:
            files["parameters"] = Directory({name: text(value, 0o644) for name, value in module.parameters})
        host.add(f"/sys/module/{module.name}", Directory(files))
    # Without CAP_SYSLOG the kernel shows no addresses; nothing here reads them, so both views get the same.
    host.add("/proc/modules", File("".join(lines).encode(), size=0))


def add_iommus(host: Host) -> None:
    """/sys/class/iommu: one a root bus of the first domain, with the functions in its charge."""
    paths: dict[str, list[str]] = {}
    for place in host.layout:
        name = host.iommu(place)
        if name is not None:
            paths.setdefault(name, []).append(place.path)
    for number, (name, members) in enumerate(paths.items()):
        path = f"/sys/devices/virtual/iommu/{name}"
        host.add(path, Directory(partial(_iommu, path, members, number)))
        host.register("iommu", path)


def _iommu(path: str, members: Sequence[str], number: int) -> Mapping[str, Node]:
    here = f"{path}/devices"
    return {
        "devices": Directory({one.rpartition("/")[2]: Link(relative(one, here)) for one in members}),
        "intel-iommu": Directory(
            {
                "address": text(f"{0xC5FFC000 + number * 0x4000000:x}"),
                "cap": text("19ed008c40780c66"),
                "ecap": text("3ee9e86f050df"),
                "version": text("5:0"),
            }
        ),
        "subsystem": Link(relative("/sys/class/iommu", path)),
        "uevent": File(b"", 0o644),
    }


def add_debugfs(host: Host, buffers: Sequence[Buffer], others: Mapping[str, Node]) -> None:
    """debugfs, which only root may enter, with its list of dma-bufs (drivers/dma-buf/dma-buf.c) and ``others``."""
    bufinfo = File(_bufinfo(buffers), size=0)
    host.add("/sys/kernel/debug", Directory({"dma_buf": Directory({"bufinfo": bufinfo}), **others}, 0o700))


def _bufinfo(buffers: Sequence[Buffer]) -> bytes:
    parts = [
        "\nDma-buf Objects:\n",
        f"{'size':<8}\t{'flags':<8}\t{'mode':<8}\t{'count':<8}\texp_name\t{'ino':<8}\tname\n",
    ]
    for nth, buffer in enumerate(buffers, start=1):
        parts.append(
            f"{buffer.size:08d}\t{0x80002:08x}\t{0x2080007:08x}\t{2:08d}\t{buffer.exporter}\t{nth:08d}\t"
            f"{buffer.name or '<none>'}\n\tAttached Devices:\n"
        )
        parts += [f"\t{device}\n" for device in buffer.attached]
        parts.append(f"Total {len(buffer.attached)} devices attached\n\n")
    parts.append(f"\nTotal {len(buffers)} objects, {sum(buffer.size for buffer in buffers)} bytes\n")
    return "".join(parts).encode()
