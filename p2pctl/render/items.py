"""What items of several kinds share: how a function, a link and an ACS register look to machines and to people."""

from __future__ import annotations

from collections.abc import Mapping

from p2pctl.model.facts import Fact, Missing
from p2pctl.model.pci import Acs, Function, acs_names
from p2pctl.render.report import Value


def link_item(function: Function) -> Value:
    """Speeds in GT/s, widths in lanes; ABSENT for a function without a PCI Express link."""
    link = function.link
    if isinstance(link.speed, Missing) and isinstance(link.max_speed, Missing):
        return link.max_speed
    return {
        "speed": link.speed,
        "width": link.width,
        "max_speed": link.max_speed,
        "max_width": link.max_width,
        # The link of a port that looks down ends at what is plugged in, not at the port above.
        "best_speed": link.max_speed if function.looks_down else link.best_speed,
        "best_width": link.max_width if function.looks_down else link.best_width,
        "below_best": function.below_best,
    }


def show_link(value: Value) -> str:
    """``8 GT/s x4``, and what it could be where that is more: ``8 GT/s x4 (best 16 GT/s x4)``."""
    if not isinstance(value, Mapping) or value["speed"] is Missing.ABSENT:
        return ""
    now = _pace(value["speed"], value["width"])
    if not value["below_best"]:
        return now
    return f"{now} (best {_pace(value['best_speed'], value['best_width'])})"


def _pace(speed: Value, width: Value) -> str:
    lanes = f"x{width}" if isinstance(width, int) else "x?"
    return f"{speed:g} GT/s {lanes}" if isinstance(speed, (int, float)) else lanes


def acs_item(acs: Fact[Acs]) -> Value:
    """Registers as numbers and as names; ``Missing`` as it is."""
    if isinstance(acs, Missing):
        return acs
    return {
        "capability": acs.capability,
        "control": acs.control,
        "capable": list(acs_names(acs.capability)),
        "enabled": list(acs_names(acs.control)),
        "redirects": acs.redirects,
    }


def show_acs(value: Value) -> str:
    """The bits that are on, or that none is."""
    if not isinstance(value, Mapping):
        return ""
    enabled = value["enabled"]
    return "+".join(str(name) for name in enabled) if enabled and isinstance(enabled, list) else "off"


def function_name(function: Function) -> str | None:
    """Vendor and device, as far as a database knows them."""
    names = [name for name in (function.vendor_name, function.device_name) if name]
    return " ".join(names) or None


def identity_text(function: Function, *, subsystem: bool = False) -> str:
    """``1b36:0010``, with ? for what could not be read."""
    vendor, device = function.vendor, function.device
    if subsystem:
        vendor, device = function.subsystem_vendor, function.subsystem_device
    if isinstance(vendor, Missing) or isinstance(device, Missing):
        return "?"
    return f"{vendor:04x}:{device:04x}"


def place_item(function: Function) -> dict[str, Value]:
    """The keys that say where a function is."""
    return {
        "numa_node": function.numa_node,
        "slot": function.slot,
        "link": link_item(function),
    }
