"""Small kernel trees for tests, written as one mapping."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from p2pctl.hardware.without import WithoutLog, WithoutMemory, WithoutModules, without_events
from p2pctl.kernel import Events, Process, SourceKind
from p2pctl.simulator.nodes import Contents, Directory, File, Link
from p2pctl.simulator.tree import MemoryFiles


def tree(entries: Mapping[str, Contents | Link | File | None], *, privileged: bool = True) -> MemoryFiles:
    """Files in memory: a path leads to contents, a link, a file, or None for an empty directory."""
    root = Directory()
    for path, entry in entries.items():
        *above, name = path.strip("/").split("/")
        directory = root
        for part in above:
            child = directory.entries.setdefault(part, Directory())
            assert isinstance(child, Directory), path
            directory = child
        if entry is None:
            directory.entries.setdefault(name, Directory())
        else:
            directory.entries[name] = entry if isinstance(entry, (Link, File)) else File(entry)
    return MemoryFiles(root, privileged=privileged)


class TreeDoor:
    """A door onto such a tree, with a clock that stands still unless told otherwise."""

    kind: SourceKind = "sysroot"

    def __init__(self, files: MemoryFiles, processes: Mapping[int, Process] | None = None) -> None:
        self.files = files
        self.time = 1_700_000_000.0
        self.log = WithoutLog()
        self.modules = WithoutModules()
        self.memory = WithoutMemory()
        self._processes = dict(processes or {})

    @property
    def processes(self) -> TreeDoor:
        return self

    @property
    def names(self) -> TreeDoor:
        return self

    def who(self, pid: int) -> Process | None:
        return self._processes.get(pid)

    def device(self, vendor: int, device: int) -> tuple[str | None, str | None]:
        return f"Vendor {vendor:04x}", f"Device {device:04x}"

    def events(self) -> Events:
        without_events()

    def now(self) -> float:
        return self.time


def pci_function(
    address: str,
    above: str = "pci0000:00",
    *,
    identity: str = "1B36:0010",
    class_code: str = "10802",
    driver: str | None = "nvme",
    config: bytes | None = None,
    resource: bytes = b"",
    **attributes: bytes,
) -> dict[str, Contents | Link | File | None]:
    """The entries of one function at ``/sys/devices/<above>/<address>``."""
    path = f"/sys/devices/{above}/{address}"
    lines = [f"DRIVER={driver}"] if driver else []
    lines += [f"PCI_CLASS={class_code}", f"PCI_ID={identity}", "PCI_SUBSYS_ID=1AF4:1100", f"PCI_SLOT_NAME={address}"]
    entries: dict[str, Contents | Link | File | None] = {
        f"/sys/bus/pci/devices/{address}": Link(f"../../../devices/{above}/{address}"),
        f"{path}/uevent": ("\n".join(lines) + "\n").encode(),
        f"{path}/resource": resource,
        f"{path}/numa_node": b"0\n",
    }
    if config is not None:
        entries[f"{path}/config"] = File(config, head=64)
    for name, data in attributes.items():
        entries[f"{path}/{name.replace('__', '/')}"] = data
    return entries


def nvme_controller(
    name: str, function: str, *, cmbsz: int = 0, **attributes: str
) -> dict[str, Contents | Link | File | None]:
    """The entries of one controller on the function at the path ``function`` below /sys/devices."""
    path = f"/sys/devices/{function}/nvme/{name}"
    values = {
        "transport": "pcie",
        "model": "Test drive      ",
        "serial": "S1   ",
        "firmware_rev": "1.0",
        "state": "live",
        "subsysnqn": "nqn.test",
        "sqsize": "1023",
        "queue_count": "3",
        **({"cmbsz": str(cmbsz), "cmbloc": "2"} if cmbsz else {}),
        **attributes,
    }
    entries: dict[str, Contents | Link | File | None] = {
        f"{path}/{key}": f"{value}\n".encode() for key, value in values.items()
    }
    entries[f"/sys/class/nvme/{name}"] = Link(f"../../devices/{function}/nvme/{name}")
    return entries


def unpack(archive: tarfile.TarFile, place: Path) -> None:
    """Unpacks what a test made itself, strictly where this Python can (since 3.11.4)."""
    strict: dict[str, Any] = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
    archive.extractall(place, **strict)  # noqa: S202
