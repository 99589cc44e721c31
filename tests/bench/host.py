"""Writes a believable host of many PCI functions to a directory, for measurements.

    python -m tests.bench.host DIRECTORY --functions 4096

The directory then holds ``sys/`` and ``proc/`` as ``--sysroot`` takes them. The same number gives the same tree.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from p2pctl.model.pci import Acs, Link, PortType
from p2pctl.simulator import export, machine, nvme, pools, rdma
from p2pctl.simulator.attributes import Processors
from p2pctl.simulator.demo import KERNEL
from p2pctl.simulator.host import Host
from p2pctl.simulator.layout import Place
from p2pctl.simulator.nodes import Node
from p2pctl.simulator.nvme import Drive, cmb_size
from p2pctl.simulator.pci import BRIDGE_CLASS, GIB, KIB, MIB, Device, Region, RootBus, Slot, Virtual
from p2pctl.simulator.pools import Pool
from p2pctl.simulator.rdma import Rnic, addresses

PROCESSORS = Processors((((0, 63),), ((64, 127),)))

PORTS = 24
"""Downstream ports of a switch."""
SWITCHES = 4
"""Switches in a domain, each below a root bus of its own."""

UNREAD = frozenset({
    "aer_dev_correctable", "aer_dev_fatal", "aer_dev_nonfatal", "aer_rootport_total_err_cor",
    "aer_rootport_total_err_fatal", "aer_rootport_total_err_nonfatal", "ari_enabled", "autosuspend_delay_ms",
    "broken_parity_status", "consistent_dma_mask_bits", "d3cold_allowed", "dma_mask_bits", "driver_override",
    "irq", "link", "local_cpus", "modalias", "msi_bus", "pci_bus", "power_state", "remove", "rescan", "resource0",
    "resource0_wc", "resource2", "resource2_wc", "resource4", "resource4_wc", "resource5", "runtime_active_time",
    "runtime_suspended_time", "cpuaffinity", "cpulistaffinity", "reserved_regions", "queue", "alignment_offset",
    "capability", "discard_alignment", "ext_range", "inflight", "range", "csi", "metadata_bytes", "nuse",
    "passthru_err_log_enabled", "bind", "unbind", "new_id", "remove_id", "admin_timeout", "io_timeout",
    "cntrltype", "dctype", "kato", "quirks", "delete_controller", "rescan_controller", "reset_controller",
    "nvme-generic", "drivers_autoprobe",
})  # fmt: skip
"""Files that are left out: nothing looks at them, and each costs as much to write as one that counts."""

_FAST = Link(32.0, 4, 32.0, 4)
_WIDE = Link(32.0, 16, 32.0, 16)
_REDIRECTING, _DIRECT, _NO_PEERS = Acs(0x5F, 0x1D), Acs(0x5F, 0x11), Acs(0, 0)
_NVME, _NIC, _VF, _GPU = (0x144D, 0xA824), (0x15B3, 0x1021), (0x15B3, 0x101E), (0x1002, 0x740F)


Cards = Callable[[int], tuple[Device, ...]]
"""What is plugged into the nth port."""


def build(directory: str | Path, functions: int = 4096, cards: Cards | None = None) -> int:
    """Writes the host below a directory, made if need be; gives back how many functions it has, as many as asked."""
    host = Host(_buses(functions, cards or mixed), PROCESSORS, iommu=True)
    machine.add_kernel(host, KERNEL)
    machine.add_iommus(host)
    drives = nics = 0
    for place in host.layout:
        if place.device.ids == _NVME:
            _drive(host, place, drives)
            drives += 1
        elif place.device.ids == _NIC:
            _nic(host, place, nics)
            nics += 1
    modules = {place.device.driver for place in host.layout if place.device.driver is not None}
    machine.add_modules(host, [machine.Module(name, 65536) for name in sorted(modules - {"pcieport"})])
    top = Path(directory)
    top.mkdir(parents=True, exist_ok=True)
    export.write(host.root(), str(top), UNREAD)
    return len(host.layout.places)


def build_drives(directory: str | Path, drives: int) -> int:
    """The same for a host with nothing but so many drives, each with a pool, below one switch; at most 24 of them."""
    return build(directory, 3 + 2 * drives, lambda _port: drive(buffered=True))


def _buses(functions: int, cards: Cards) -> tuple[RootBus, ...]:
    """Root buses with exactly so many functions below them."""
    buses: list[RootBus] = []
    left = functions
    nth = 0
    while left > 0:
        domain, switch = divmod(nth, SWITCHES)
        bus = _bus(nth, left, cards)
        buses.append(RootBus(0x40 * switch, switch % 2, bus, domain))
        left -= _count(bus)
        nth += 1
    return tuple(buses)


def _count(devices: tuple[Device, ...]) -> int:
    return sum(1 + _count(device.below) for device in devices)


def _bus(nth: int, most: int, cards: Cards) -> tuple[Device, ...]:
    """A host bridge and a root port with a switch of 24 ports below, or less of that where less is wanted."""
    bridge = Device(ids=(0x8086, 0x09A2), class_code=0x088000, port=PortType.INTEGRATED)
    if most < 4:
        return tuple(
            Device(at=(at, 0), ids=(0x8086, 0x09A2), class_code=0x088000, port=PortType.INTEGRATED)
            for at in range(most)
        )
    left = most - 3
    ports: list[Device] = []
    for at in range(PORTS):
        below = cards(nth * PORTS + at)[: max(left - 1, 0)]
        if left <= 0:
            break
        ports.append(_port(at, PortType.DOWNSTREAM, below, _DIRECT if at % 3 else _REDIRECTING, nth * PORTS + at + 1))
        left -= 1 + len(below)
    upstream = _port(0, PortType.UPSTREAM, tuple(ports), None)
    return (bridge, _port(1, PortType.ROOT_PORT, (upstream,), _REDIRECTING))


def _port(at: int, kind: PortType, below: tuple[Device, ...], acs: Acs | None, slot: int = 0) -> Device:
    ids = (0x8086, 0x352A) if kind is PortType.ROOT_PORT else (0x1000, 0xC030)
    return Device(
        at=(at, 0), ids=ids, class_code=BRIDGE_CLASS, subsystem=ids, port=kind, driver="pcieport", link=_WIDE,
        acs=acs, below=below, slot=Slot(str(slot), slot) if slot else None, ari_forwarding=True,
    )  # fmt: skip


def mixed(nth: int) -> tuple[Device, ...]:
    """Mostly drives, every eighth of them with a memory buffer."""
    if nth % 8 == 5:
        return _adapter()
    if nth % 8 == 7:
        return (
            Device(ids=_GPU, class_code=0x038000, subsystem=(0x1002, 0x0C34), port=PortType.ENDPOINT, driver="amdgpu",
                   link=_WIDE, regions=(Region(0, 64 * GIB, prefetchable=True), Region(2, 2 * MIB, prefetchable=True),
                                        Region(5, 512 * KIB, wide=False))),
        )  # fmt: skip
    return drive(buffered=nth % 8 == 0)


def drive(*, buffered: bool) -> tuple[Device, ...]:
    """A drive, with a memory buffer or without."""
    buffer = (Region(4, 64 * MIB, prefetchable=True),) if buffered else ()
    return (
        Device(ids=_NVME, class_code=0x010802, subsystem=(0x144D, 0xA801), port=PortType.ENDPOINT, driver="nvme",
               link=_FAST, vectors=129, regions=(Region(0, 32 * KIB), *buffer)),
    )  # fmt: skip


def _adapter() -> tuple[Device, ...]:
    """A network adapter with two ports and six virtual functions of the first."""
    physical = [
        Device(
            at=(0, function), ids=_NIC, class_code=0x020000, subsystem=(0x15B3, 0x0016), port=PortType.ENDPOINT,
            driver="mlx5_core", link=_WIDE, acs=_NO_PEERS, ari=True, vectors=64,
            regions=(Region(0, 32 * MIB, prefetchable=True),),
            virtual=Virtual(8, 6, 2, 0x101E, MIB) if function == 0 else None,
        )
        for function in range(2)
    ]  # fmt: skip
    virtual = [
        Device(
            at=(0, 2 + nth), ids=_VF, class_code=0x020000, subsystem=(0x15B3, 0x0016), port=PortType.ENDPOINT,
            driver="mlx5_core", link=Link(max_speed=32.0, max_width=16), acs=_NO_PEERS, ari=True, virtual_of=(0, 0),
        )
        for nth in range(6)
    ]  # fmt: skip
    return (*physical, *virtual)


def _drive(host: Host, place: Place, nth: int) -> None:
    buffered = any(region.bar == 4 for region in place.device.regions)
    model = Drive(
        number=nth, model="SAMSUNG MZWLR3T8HBLS-00007", serial=f"S5J0NC0R{nth:06d}", firmware="MPK9",
        capacity=(3_840_755_982_336,), cmb=(0x64, cmb_size(64 * MIB)) if buffered else None,
    )  # fmt: skip
    nvme.attach(host, place, model)
    if buffered:
        pool = Pool(64 * MIB, own=model.queue_bytes())

        def extra() -> dict[str, Node]:
            return {"p2pmem": pools.directory(pool, lambda: 0)}

        host.extend(place, extra)


def _nic(host: Host, place: Place, nth: int) -> None:
    mac = f"b8:ce:f6:{nth >> 16 & 0xFF:02x}:{nth >> 8 & 0xFF:02x}:{nth & 0xFF:02x}"
    words = mac.replace(":", "")
    rdma.attach(
        host,
        place,
        Rnic(
            name=f"mlx5_{nth}", guid=f"{words[:4]}:{words[4:6]}03:00{words[6:8]}:{words[8:]}",
            type="MT4129", firmware="28.43.1014", board="MT_0000000838", rate="400 Gb/sec (4X NDR)",
            gids=addresses(mac, f"eth{nth}", f"10.0.{nth >> 8 & 0xFF}.{nth & 0xFF}"),
        ),
    )  # fmt: skip


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description="Write a host of many PCI functions.")
    parser.add_argument("directory")
    parser.add_argument("--functions", type=int, default=4096)
    arguments = parser.parse_args()
    start = time.perf_counter()
    count = build(arguments.directory, arguments.functions)
    print(f"{count} functions in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
