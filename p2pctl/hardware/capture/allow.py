"""What a capture may hold: a list of attribute names, by the place where the kernel has them.

Contents are kept only where the list says so, and never where a name looks like that of a secret. Directories and
links below /sys are names of devices and drivers; they are kept where a reader asked for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

# Below /sys/devices on a real kernel; in other trees, a class may hold its devices itself.
_PCI = "/sys/**/<pci>"
_NVME = "/sys/**/<nvme>"
_NAMESPACE = "/sys/**/<namespace>"
_BLOCK = "/sys/**/block/*"
_RDMA = "/sys/**/infiniband/*"
_NET = "/sys/**/net/*"
_KFD = "/sys/**/kfd/topology/nodes"
_NVMET = "/sys/kernel/config/nvmet"
_SUBSYSTEM = f"{_NVMET}/subsystems/*"
_PORT = f"{_NVMET}/ports/*"
_DEBUG = "/sys/kernel/debug"
_CONTROLLER = f"{_DEBUG}/nvmet/*/<controller>"
_RTRS = "/sys/**/<rtrs>/*"
_EXPORTS = "/sys/**/rnbd-server/ctl/devices"
_ADDRESS = "addr_trtype addr_adrfam addr_traddr addr_trsvcid addr_treq"

CONTENTS: tuple[tuple[str, str], ...] = (
    (_PCI, "uevent vendor device class subsystem_vendor subsystem_device numa_node resource config"),
    (_PCI, "current_link_speed current_link_width max_link_speed max_link_width"),
    (_PCI, "mem_info_vram_total mem_info_vis_vram_total"),
    (f"{_PCI}/power", "runtime_status"),
    (f"{_PCI}/p2pmem", "size available published"),
    ("/sys/bus/pci/slots/*", "address"),
    ("/sys/kernel/iommu_groups/*", "type"),
    (_NVME, "address cntlid transport model serial firmware_rev state subsysnqn numa_node sqsize queue_count"),
    (_NVME, "cmb cmbloc cmbsz"),
    (_NAMESPACE, "nsid size"),
    ("/sys/devices/virtual/nvme-subsystem/*", "subsysnqn model serial firmware_rev iopolicy subsystype"),
    (_BLOCK, "size"),
    (f"{_BLOCK}/dm", "name uuid"),
    (f"{_BLOCK}/md", "level"),
    (f"{_BLOCK}/loop", "backing_file"),
    (_RDMA, "node_guid parent"),
    (f"{_RDMA}/ports/*", "state link_layer"),
    (f"{_RDMA}/ports/*/gids", "<number>"),
    (f"{_RDMA}/ports/*/gid_attrs/types", "<number>"),
    (f"{_RDMA}/ports/*/gid_attrs/ndevs", "<number>"),
    (_NET, "operstate"),
    (f"{_KFD}/*", "properties"),
    (f"{_KFD}/*/p2p_links/*", "properties"),
    ("/sys/kernel/debug/dma_buf", "bufinfo"),
    ("/sys/kernel/security", "lockdown lsm"),
    ("/sys/module/nvme/parameters", "use_cmb_sqes sgl_threshold io_queue_depth write_queues poll_queues noacpi"),
    ("/sys/module/nvme/parameters", "use_threaded_interrupts max_host_mem_size_mb"),
    ("/sys/module/nvme_core/parameters", "multipath multipath_always_on iopolicy admin_timeout io_timeout max_retries"),
    ("/sys/module/nvme_core/parameters", "shutdown_timeout default_ps_max_latency_us force_apst disable_pi_offsets"),
    ("/sys/**/dmi/id", "sys_vendor product_name board_vendor board_name bios_vendor bios_version bios_date"),
    ("/sys/module/*", "version"),
    ("/sys/module/amdgpu/parameters", "pcie_p2p"),
    ("/sys/kernel/mm/hugepages/*", "nr_hugepages"),
    ("/proc/driver/nvidia", "version params"),
    ("/usr/lib", "os-release"),
    ("/etc", "os-release"),
    ("/etc/default", "grub"),
    ("/etc/systemd/system", "nvmet.service"),
    ("/usr/lib/systemd/system", "nvmet.service"),
    ("/lib/systemd/system", "nvmet.service"),
    ("/proc", "cmdline cpuinfo version config.gz kallsyms"),
    ("/proc/sys/kernel", "hostname osrelease"),
    ("/proc/sys/kernel/random", "boot_id"),
    ("/proc/<number>", "maps status comm"),
    ("/boot", "config-*"),
    (_NVMET, "discovery_nqn"),
    (f"{_NVMET}/hosts/*", "dhchap_hash dhchap_dhgroup"),
    (_SUBSYSTEM, "attr_allow_any_host attr_version attr_serial attr_model attr_firmware attr_ieee_oui attr_qid_max"),
    (_SUBSYSTEM, "attr_vendor_id attr_subsys_vendor_id attr_cntlid_min attr_cntlid_max attr_pi_enable"),
    (f"{_SUBSYSTEM}/passthru", "device_path enable admin_timeout io_timeout clear_ids"),
    (f"{_SUBSYSTEM}/namespaces/*", "device_path device_uuid device_nguid ana_grpid buffered_io resv_enable enable"),
    (f"{_SUBSYSTEM}/namespaces/*", "p2pmem revalidate_size"),
    (_PORT, f"{_ADDRESS} addr_tsas"),
    (_PORT, "param_inline_data_size param_max_queue_size param_mdts param_pi_enable"),
    (f"{_PORT}/ana_groups/*", "ana_state"),
    (_PORT, "p2pmem allow_p2pmem"),
    (f"{_PORT}/referrals/*", f"{_ADDRESS} addr_portid enable"),
    ("/proc/1/net", "tcp tcp6 fib_trie if_inet6"),
    (_CONTROLLER, "port hostnqn kato state host_traddr tls_concat"),
    (f"{_DEBUG}/p2pmem/*", "stats"),
    ("/sys/**/<p2pmem>", "dev"),
    (f"{_BLOCK}/rnbd", "state session mapping_path access_mode nr_poll_queues"),
    (_RTRS, "mpath_policy max_reconnect_attempts"),
    (f"{_RTRS}/paths/*", "state hca_name hca_port src_addr dst_addr cur_latency"),
    (f"{_RTRS}/paths/*/stats", "rdma reconnects"),
    (f"{_EXPORTS}/*/sessions/*", "read_only mapping_path access_mode"),
    ("/sys/module/rnbd_server/parameters", "port_nr dev_search_path"),
)
"""Directory, and the attributes in it. ``*`` stands for one name, ``**`` for any number of directories."""

NAMES: tuple[tuple[str, str], ...] = (
    ("/sys/module/nvmet", "parameters"),
    ("/sys/bus/pci/devices", "<pci>"),
    ("/proc/<number>/ns", "pid"),
    ("/proc", "self"),
    ("/sys/bus/pci/slots", "*"),
    (_PCI, "<pci> driver iommu_group physfn virtfn* power p2pmem"),
    (f"{_PCI}/p2pmem", "allocate"),
    ("/sys/kernel/iommu_groups", "*"),
    ("/sys/class/iommu", "*"),
    ("/sys/class/nvme", "*"),
    (_NVME, "<namespace> device subsystem"),
    ("/sys/class/nvme-subsystem", "*"),
    ("/sys/devices/virtual/nvme-subsystem/*", "<nvme> <namespace>"),
    ("/sys/class/block", "*"),
    ("/sys/block", "*"),
    (_NAMESPACE, "device slaves"),
    (_BLOCK, "device slaves dm md loop"),
    (f"{_BLOCK}/slaves", "*"),
    (f"{_NAMESPACE}/slaves", "*"),
    ("/sys/class/infiniband", "*"),
    (_RDMA, "device ports"),
    (f"{_RDMA}/ports", "*"),
    (f"{_RDMA}/ports/*", "gids gid_attrs"),
    (f"{_RDMA}/ports/*/gid_attrs", "types ndevs"),
    ("/sys/class/net", "*"),
    (_NET, "device"),
    (_KFD, "*"),
    (f"{_KFD}/*", "p2p_links"),
    (f"{_KFD}/*/p2p_links", "*"),
    ("/sys/module", "nvme nvme_core nvmet*"),
    (_NVMET, "hosts subsystems ports"),
    (f"{_NVMET}/hosts", "*"),
    (f"{_NVMET}/hosts/*", "dhchap_*"),
    (f"{_NVMET}/subsystems", "*"),
    (_SUBSYSTEM, "allowed_hosts namespaces passthru"),
    (f"{_SUBSYSTEM}/allowed_hosts", "*"),
    (f"{_SUBSYSTEM}/namespaces", "*"),
    (f"{_NVMET}/ports", "*"),
    (_PORT, "subsystems ana_groups referrals"),
    (f"{_PORT}/subsystems", "*"),
    (f"{_PORT}/ana_groups", "*"),
    (f"{_PORT}/referrals", "*"),
    # Of debugfs, what shows that it is mounted.
    (_DEBUG, "nvmet p2pmem dma_buf bdi block clear_warn_once"),
    (f"{_DEBUG}/nvmet", "*"),
    (f"{_DEBUG}/nvmet/*", "<controller>"),
    (f"{_DEBUG}/p2pmem", "*"),
    ("/sys/class", "p2pmem rnbd-client rnbd-server <rtrs>"),
    ("/sys/class/p2pmem", "*"),
    ("/sys/**/<rnbd>", "ctl"),
    ("/sys/class/<rtrs>", "*"),
    (_RTRS, "paths"),
    (f"{_RTRS}/paths", "*"),
    (f"{_RTRS}/paths/*", "stats"),
    (_EXPORTS, "*"),
    (f"{_EXPORTS}/*", "block_dev sessions"),
    (f"{_EXPORTS}/*/sessions", "*"),
    ("/proc/1", "net"),
    ("/etc/systemd/system/multi-user.target.wants", "nvmet.service"),
)
"""Directory, and the names in a listing of it that stay although nothing was read below them."""

_PLACES = frozenset(
    {
        "/", "/sys", "/boot", "/proc", "/proc/sys", "/proc/sys/kernel", "/proc/sys/kernel/random",
        "/proc/driver", "/proc/driver/nvidia", "/usr", "/usr/lib", "/lib", "/etc",
    }
)  # fmt: skip

_SECRET = re.compile(
    r"dhchap(?!_hash$|_dhgroup$).*|tls.*key.*|.*psk.*|.*secret.*|.*passw.*|.*private.*key.*|.*credential.*",
    re.IGNORECASE,
)
_SECRET_CONTENTS = (b"DHHC-1:", b"NVMeTLSkey-1:")

_WORDS = {
    "<pci>": r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]",
    "<nvme>": r"nvme[0-9]+",
    "<namespace>": r"nvme[0-9]+(?:c[0-9]+)?n[0-9]+",
    "<number>": r"[0-9]+",
    "<controller>": r"ctrl[0-9]+",
    "<p2pmem>": r"p2pmem[0-9]+",
    "<rnbd>": r"rnbd-(?:client|server)",
    "<rtrs>": r"rtrs-(?:client|server)",
}

_Table = dict[str, list[re.Pattern[str]]]


def contents(path: str) -> bool:
    """Whether the contents of a file may be kept."""
    return not secret(path) and _listed(_table("contents"), path)


def name(path: str) -> bool:
    """Whether a name that a listing showed may be kept."""
    return _listed(_table("names"), path) or _listed(_table("contents"), path)


def structure(path: str) -> bool:
    """Whether a directory or link that a reader asked for may be kept."""
    return path.startswith("/sys/") or path in _PLACES or name(path)


def secret(path: str) -> bool:
    """Whether a file is named like one that holds a key; this wins over every list."""
    return _SECRET.fullmatch(path.rpartition("/")[2]) is not None


def holds_secret(data: bytes) -> bool:
    """Whether contents have the form of a DH-HMAC-CHAP key or a TLS key (NVMe TCP Transport Specification, 3.6.1.5)."""
    return any(mark in data for mark in _SECRET_CONTENTS)


def _listed(table: _Table, path: str) -> bool:
    directory, _, last = path.rpartition("/")
    return any(pattern.fullmatch(directory) for pattern in table.get(last, ())) or any(
        pattern.fullmatch(path) for pattern in table[""]
    )


@cache
def _table(which: str) -> _Table:
    """Directory patterns by attribute name; below the empty name, whole paths: those of names with wildcards."""
    table: _Table = {"": []}
    for directory, names in CONTENTS if which == "contents" else NAMES:
        for each in names.split():
            if "*" in each or "<" in each:
                table[""].append(_pattern(f"{directory}/{each}".split("/")[1:]))
            else:
                table.setdefault(each, []).append(_pattern(directory.split("/")[1:]))
    return table


def _pattern(parts: Iterable[str]) -> re.Pattern[str]:
    return re.compile("".join("(?:/[^/]+)*" if part == "**" else f"/{_part(part)}" for part in parts), re.DOTALL)


def _part(part: str) -> str:
    if part in _WORDS:
        return _WORDS[part]
    return "[^/]+" if part == "*" else re.escape(part).replace(r"\*", "[^/]*")
