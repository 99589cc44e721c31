"""GPUs of the amdgpu driver: their memory, and the KFD topology with the pairs that the driver approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from p2pctl.simulator import identity
from p2pctl.simulator.host import Host
from p2pctl.simulator.layout import Place
from p2pctl.simulator.nodes import Directory, File, Link, Node, relative, text

DRM_MAJOR = 226
RENDER_MINOR = 128
KFD = "/sys/devices/virtual/kfd/kfd"

_PCIE = 2
"""KFD's link type for PCI Express (include/uapi/linux/kfd_sysfs.h, HSA_IOLINKTYPE_PCIEXPRESS)."""
_THROUGH_HOST, _DIRECT = 40, 20
"""Weights of a link between GPUs and of one to a processor (drivers/gpu/drm/amd/amdkfd/kfd_crat.h)."""

_CPU_PROPERTIES = (
    "cpu_cores_count {cores}\nsimd_count 0\nmem_banks_count 1\ncaches_count 0\nio_links_count {links}\n"
    "p2p_links_count 0\ncpu_core_id_base {base}\nsimd_id_base 0\nmax_waves_per_simd 0\nlds_size_in_kb 0\n"
    "gds_size_in_kb 0\nnum_gws 0\nwave_front_size 0\narray_count 0\nsimd_arrays_per_engine 0\ncu_per_simd_array 0\n"
    "simd_per_cu 0\nmax_slots_scratch_cu 0\ngfx_target_version 0\nvendor_id 0\ndevice_id 0\nlocation_id 0\ndomain 0\n"
    "drm_render_minor 0\nhive_id 0\nnum_sdma_engines 0\nnum_sdma_xgmi_engines 0\nnum_sdma_queues_per_engine 0\n"
    "num_cp_queues 0\nmax_engine_clk_ccompute 4100\n"
)
_GPU_PROPERTIES = (
    "cpu_cores_count 0\nsimd_count 192\nmem_banks_count 1\ncaches_count 206\nio_links_count 1\n"
    "p2p_links_count {links}\ncpu_core_id_base 0\nsimd_id_base 2147487744\nmax_waves_per_simd 16\nlds_size_in_kb 64\n"
    "gds_size_in_kb 0\nnum_gws 64\nwave_front_size 32\narray_count 12\nsimd_arrays_per_engine 2\n"
    "cu_per_simd_array 8\nsimd_per_cu 2\nmax_slots_scratch_cu 32\ngfx_target_version 110000\nvendor_id {vendor}\n"
    "device_id {device}\nlocation_id {location}\ndomain {domain}\ndrm_render_minor {minor}\nhive_id 0\n"
    "num_sdma_engines 2\nnum_sdma_xgmi_engines 0\nnum_sdma_queues_per_engine 6\nnum_cp_queues 8\n"
    "max_engine_clk_fcompute 1760\nlocal_mem_size 0\nfw_version 550\ncapability 671588992\ndebug_prop 1495\n"
    "sdma_fw_version 19\nunique_id {unique}\nnum_xcc 1\nmax_engine_clk_ccompute 4100\n"
)
_LINK_PROPERTIES = (
    "type {type}\nversion_major 0\nversion_minor 0\nnode_from {source}\nnode_to {target}\nweight {weight}\n"
    "min_latency 0\nmax_latency 0\nmin_bandwidth {low}\nmax_bandwidth {high}\nrecommended_transfer_size 0\n"
    "recommended_sdma_engine_id_mask 0\nflags 1\n"
)


class Gpu(NamedTuple):
    """One GPU."""

    place: Place
    memory: int
    """Bytes of device memory."""
    visible: int
    """Bytes of it that the BAR shows."""


def attach(host: Host, gpus: Sequence[Gpu]) -> None:
    """Puts GPUs on their PCI functions, and into KFD with every one a peer of every other."""
    for number, gpu in enumerate(gpus):
        _attach(host, gpu, number)
    host.add(KFD, Directory(lambda: _kfd(host, gpus)))
    host.register("kfd", KFD)


def _attach(host: Host, gpu: Gpu, number: int) -> None:
    drm = f"{gpu.place.path}/drm"
    # Card 0 is the management controller's screen.
    cards = {f"card{number + 1}": number + 1, f"renderD{RENDER_MINOR + number}": RENDER_MINOR + number}

    def extra() -> Mapping[str, Node]:
        used = gpu.memory // 5 // 4096 * 4096
        return {
            "drm": Directory({name: Directory(_card(f"{drm}/{name}", minor, gpu)) for name, minor in cards.items()}),
            "mem_info_gtt_total": text(gpu.memory // 2),
            "mem_info_gtt_used": text(25_165_824),
            "mem_info_vis_vram_total": text(gpu.visible),
            "mem_info_vis_vram_used": text(min(used, gpu.visible)),
            "mem_info_vram_total": text(gpu.memory),
            "mem_info_vram_used": text(used),
            "mem_info_vram_vendor": text("samsung"),
            "vbios_version": text("113-D7070100-138"),
        }

    host.extend(gpu.place, extra)
    host.register("drm", *(f"{drm}/{name}" for name in cards))


def _card(path: str, minor: int, gpu: Gpu) -> dict[str, Node]:
    name = path.rpartition("/")[2]
    return {
        "dev": text(f"{DRM_MAJOR}:{minor}"),
        "device": Link(relative(gpu.place.path, path)),
        "subsystem": Link(relative("/sys/class/drm", path)),
        "uevent": File(f"MAJOR={DRM_MAJOR}\nMINOR={minor}\nDEVNAME=dri/{name}\nDEVTYPE=drm_minor\n".encode(), 0o644),
    }


def _kfd(host: Host, gpus: Sequence[Gpu]) -> Mapping[str, Node]:
    sockets = len(host.processors.nodes)
    nodes: dict[str, Node] = {}
    for socket in range(sockets):
        near = [sockets + at for at, gpu in enumerate(gpus) if gpu.place.root.bus.node == socket]
        cores = sum(last - first + 1 for first, last in host.processors.nodes[socket])
        values = {"cores": cores, "links": len(near), "base": socket * cores}
        links = [(socket, target, _DIRECT) for target in near]
        nodes[str(socket)] = Directory(_node(_CPU_PROPERTIES.format(**values), links, [], 0, ""))
    for at, gpu in enumerate(gpus):
        place, number = gpu.place, sockets + at
        location = place.address.bus << 8 | place.address.device << 3 | place.address.function
        peers = [(number, sockets + other, _THROUGH_HOST) for other in range(len(gpus)) if other != at]
        properties = _GPU_PROPERTIES.format(
            links=len(peers), vendor=place.device.ids[0], device=place.device.ids[1], location=location,
            domain=place.address.domain, minor=RENDER_MINOR + at, unique=_unique(place),
        )  # fmt: skip
        above = [(number, place.root.bus.node, _DIRECT)]
        nodes[str(number)] = Directory(_node(properties, above, peers, _unique(place) % 65521, "gfx1100"))
    return {
        "subsystem": Link(relative("/sys/class/kfd", KFD)),
        "dev": text("511:0"),
        "uevent": File(b"MAJOR=511\nMINOR=0\nDEVNAME=kfd\nDEVMODE=0666\n", 0o644),
        "topology": Directory(
            {
                "generation_id": text(2),
                "nodes": Directory(nodes),
                "system_properties": File(b"platform_oem 0\nplatform_id 0\nplatform_rev 0\n"),
            }
        ),
    }


def _unique(place: Place) -> int:
    return int(identity.digits(f"gpu {place.address}", 16), 16)


def _node(
    properties: str,
    links: list[tuple[int, int, int]],
    peers: list[tuple[int, int, int]],
    gpu_id: int,
    name: str,
) -> dict[str, Node]:
    """One node; each link is its two ends and its weight."""
    return {
        "gpu_id": text(gpu_id),
        "io_links": _links(links, 0, 0),
        "name": text(name),
        "p2p_links": _links(peers, 312, 31504),
        "properties": File(properties.encode()),
    }


def _links(ends: list[tuple[int, int, int]], low: int, high: int) -> Directory:
    """``low`` and ``high`` are the bandwidths in MB/s that the driver tells."""
    return Directory(
        {
            str(at): Directory(
                {
                    "properties": File(
                        _LINK_PROPERTIES.format(
                            type=_PCIE, source=source, target=target, weight=weight, low=low, high=high
                        ).encode()
                    )
                }
            )
            for at, (source, target, weight) in enumerate(ends)
        }
    )
