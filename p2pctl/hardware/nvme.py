"""Reads NVMe controllers, their Controller Memory Buffers and namespaces."""

from __future__ import annotations

import re

from p2pctl.hardware.reading import SECTOR, Reader, natural, pci_ancestor
from p2pctl.model.facts import ABSENT, Fact, Missing
from p2pctl.model.nvme import Cmb, Controller, Namespace, Nvme

_CLASS = "/sys/class/nvme"
_BLOCK = "/sys/class/block"
_CONTROLLER = re.compile(r"nvme\d+")
_HEAD = re.compile(r"nvme(\d+)n(\d+)")
_PATH = re.compile(r"nvme(\d+)c(\d+)n(\d+)")


def read_nvme(reader: Reader, now: float) -> Nvme:
    """All controllers and namespaces."""
    controllers: dict[str, Controller] = {}
    for name in sorted(reader.names(_CLASS, "nvme controllers"), key=natural):
        if _CONTROLLER.fullmatch(name):
            controller = _controller(reader, name)
            if controller is not None:
                controllers[name] = controller
    return Nvme(
        now,
        controllers,
        _namespaces(reader, controllers),
        reader.flag("/sys/module/nvme/parameters/use_cmb_sqes", "nvme parameters"),
        reader.flag("/sys/module/nvme_core/parameters/multipath", "nvme parameters"),
        tuple(reader.gaps),
    )


def _controller(reader: Reader, name: str) -> Controller | None:
    path = reader.device_path(f"{_CLASS}/{name}", "nvme controller", name)
    if isinstance(path, Missing):
        return None
    # The state comes before everything that the driver's reset work fills in, so that "live" vouches for the rest.
    state = reader.text(f"{path}/state", "controller state", name)
    count = reader.number(f"{path}/queue_count", "queues", name)
    depth = reader.number(f"{path}/sqsize", "queues", name)
    return Controller(
        name=name,
        transport=reader.text(f"{path}/transport", "transport", name),
        address=pci_ancestor(path) or ABSENT,
        model=reader.padded(f"{path}/model", "model", name),
        serial=reader.padded(f"{path}/serial", "serial", name),
        firmware=reader.padded(f"{path}/firmware_rev", "firmware", name),
        state=state,
        subsystem=reader.text(f"{path}/subsysnqn", "subsystem nqn", name),
        cmb=_cmb(reader, path, name),
        queue_depth=depth if isinstance(depth, Missing) else depth + 1,
        queue_count=count,
        namespaces=_namespace_names(reader, path, name),
    )


def _cmb(reader: Reader, path: str, name: str) -> Fact[Cmb]:
    """The registers from ``cmbloc`` and ``cmbsz`` (since 5.14), or from the older combined file ``cmb``."""
    size = reader.number(f"{path}/cmbsz", "cmb", name)
    location = reader.number(f"{path}/cmbloc", "cmb", name)
    if size is ABSENT:
        text = reader.text(f"{path}/cmb", "cmb", name)
        if isinstance(text, Missing):
            return text
        registers = dict(re.findall(r"(cmbloc|cmbsz)\s*:\s*(0x[0-9a-f]{1,8})", text))
        size = int(registers.get("cmbsz", "0"), 16)
        location = int(registers.get("cmbloc", "0"), 16)
    if isinstance(size, Missing):
        return size
    if isinstance(location, Missing):
        return location
    return Cmb(location, size) if size > 0 else ABSENT


def _namespace_names(reader: Reader, path: str, name: str) -> tuple[str, ...]:
    found = reader.names(path, "namespaces", name)
    return tuple(sorted((n for n in found if _HEAD.fullmatch(n) or _PATH.fullmatch(n)), key=natural))


def _namespaces(reader: Reader, controllers: dict[str, Controller]) -> dict[str, Namespace]:
    """Namespaces as people use them: heads where paths are hidden behind one, else the controller's own disk."""
    reached: dict[str, list[str]] = {}
    heads: set[str] = set()
    for controller in controllers.values():
        for name in controller.namespaces:
            path = _PATH.fullmatch(name)
            head = f"nvme{path[1]}n{path[3]}" if path else name
            reached.setdefault(head, []).append(controller.name)
            if path:
                heads.add(head)
    result: dict[str, Namespace] = {}
    for name in sorted(reached, key=natural):
        directory = f"{_BLOCK}/{name}"
        sectors = reader.number(f"{directory}/size", "namespace size", name)
        result[name] = Namespace(
            name=name,
            nsid=reader.number(f"{directory}/nsid", "nsid", name),
            size=sectors if isinstance(sectors, Missing) else sectors * SECTOR,
            multipath=name in heads,
            controllers=tuple(sorted(set(reached[name]), key=natural)),
        )
    return result
