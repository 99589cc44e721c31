"""BARs that show less of a device's memory than there is."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.findings.devices import Device
from p2pctl.findings.fabric import given_away, lends
from p2pctl.findings.finding import Finding
from p2pctl.findings.scene import Scene
from p2pctl.model.exporters import Exporter
from p2pctl.model.facts import Missing
from p2pctl.model.pci import ResizableBar
from p2pctl.units import format_bytes

_SMALL = 256 << 20
"""Bytes: what a GPU shows without Resizable BAR."""


def bar_findings(scene: Scene) -> Iterator[Finding]:
    """Small windows of devices that could lend memory, and BARs that got no address."""
    exporters = scene.snapshot.exporters.exporters if scene.snapshot.exporters else {}
    for address, device in scene.devices.items():
        exporter = exporters.get(address)
        bars = device.function.config.resizable
        resizable = () if isinstance(bars, Missing) else bars
        unassigned = _unassigned(device, resizable)
        if unassigned is not None and (device.matters or device.kind == "gpu"):
            yield _not_assigned(scene, device, unassigned)
        elif exporter is not None and exporter.kind == "memory" and not given_away(device):
            yield from _window(scene, device, exporter, resizable)
        elif lends(device):
            yield from _could_grow(scene, device, resizable)


def _unassigned(device: Device, resizable: tuple[ResizableBar, ...]) -> ResizableBar | None:
    bars = device.function.bars
    if isinstance(bars, Missing):
        return None
    there = {bar.number for bar in bars}
    return next((bar for bar in resizable if bar.number not in there), None)


def _not_assigned(scene: Scene, device: Device, bar: ResizableBar) -> Finding:
    function = device.function
    return Finding(
        "bar-not-assigned",
        "warning",
        str(function.address),
        f"BAR {bar.number} of {scene.named(function.address)}, {format_bytes(bar.size)}, has no address: firmware or "
        "kernel found no room for it",
        f"{function.path}/resource",
        f"enable Above 4G Decoding in the BIOS{scene.of_board()}, or boot with pci=realloc",
        meaning="its memory cannot be reached by anybody, and its driver may not start",
        commands=("pci=realloc",),
        risk="with pci=realloc the kernel lays out all BARs anew: a device may lose its own",
        verify=(f'dmesg | grep -E "{function.address}.*can\'t assign"', f"lspci -vvs {function.address}"),
    )


def _window(scene: Scene, device: Device, exporter: Exporter, resizable: tuple[ResizableBar, ...]) -> Iterator[Finding]:
    total, visible = exporter.memory_total, exporter.memory_visible
    if not isinstance(total, Missing) and not isinstance(visible, Missing):
        if visible < total:
            yield _hidden(scene, device, visible, total)
        return
    bar = exporter.bar_size
    if device.kind == "gpu" and not isinstance(bar, Missing) and 0 < bar <= _SMALL:
        yield _hidden(scene, device, bar, None)
    else:
        yield from _could_grow(scene, device, resizable)


def _hidden(scene: Scene, device: Device, visible: int, total: int | None) -> Finding:
    function = device.function
    of_all = f"of {format_bytes(total)} of memory" if total else "of its memory"
    return Finding(
        "bar-small",
        "warning",
        str(function.address),
        f"{scene.named(function.address)} shows {format_bytes(visible)} {of_all} to peers"
        + ("" if total else ": the window that GPUs have without Resizable BAR"),
        f"{function.path}/mem_info_vis_vram_total" if total else f"{function.path}/resource",
        f"enable Above 4G Decoding and Resizable BAR in the BIOS{scene.of_board()}",
        meaning="drivers refuse P2P with such a device, or lend only what lies in the window",
        line=str(visible) if total else None,
        commands=(f"lspci -vvs {function.address} | grep -iE 'region|resizable'",),
        risk="another layout of addresses may leave another device without one: look at the kernel log afterwards",
        verify=(f"p2pctl device show {function.address}",),
    )


def _could_grow(scene: Scene, device: Device, resizable: tuple[ResizableBar, ...]) -> Iterator[Finding]:
    function = device.function
    for bar in resizable:
        if bar.size < bar.largest:
            yield Finding(
                "bar-below-best",
                "info",
                str(function.address),
                f"BAR {bar.number} of {scene.named(function.address)} is {format_bytes(bar.size)}, and could be "
                f"{format_bytes(bar.largest)}",
                f"{function.path}/config",
                f"enable Resizable BAR in the BIOS{scene.of_board()}, or write resource{bar.number}_resize while no "
                "driver is bound",
                line=f"Resizable BAR {bar.number}: {format_bytes(bar.size)} of {format_bytes(bar.largest)}",
                commands=(f"cat {function.path}/resource{bar.number}_resize",),
                risk="another layout of addresses may leave another device without one",
                verify=(f"lspci -vvs {function.address} | grep -i region",),
            )
