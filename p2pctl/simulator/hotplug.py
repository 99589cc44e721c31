"""Takes functions out of the demo host while it runs, and puts them back, as a hotplug slot does."""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from p2pctl.simulator.events import News
from p2pctl.simulator.host import Host
from p2pctl.simulator.nodes import Contents, Directory, File, Link, Node, refused, walk

if TYPE_CHECKING:
    from p2pctl.simulator.nvmet.environment import Opened
    from p2pctl.simulator.nvmet.kernel import NvmetKernel

_TELLING = ("nvme", "nvme-subsystem", "block", "infiniband", "net")
"""Classes whose devices raise events that somebody waits for, in the order in which they come up."""
_SUBSYSTEMS = "/sys/devices/virtual/nvme-subsystem/"


class _Cut(NamedTuple):
    """A name that was taken out of a directory."""

    above: Directory
    path: str
    node: Node

    @property
    def name(self) -> str:
        """The name itself."""
        return self.path.rpartition("/")[2]


class _Absent(NamedTuple):
    """What it takes to put a function back."""

    cuts: tuple[_Cut, ...]
    contents: tuple[tuple[File, Contents], ...]
    """What files held that were not the function's own."""
    devices: dict[str, Opened]
    """What the target could open."""


class Hotplug:
    """Functions of a host that are there or not. Between two steps of one thread, others may see half of it."""

    def __init__(self, host: Host, root: Directory, kernel: Callable[[], NvmetKernel], news: News) -> None:
        self._host = host
        self._root = root
        self._kernel = kernel
        self._news = news
        self._absent: dict[str, _Absent] = {}

    def unplug(self, address: str) -> None:
        """Takes a function away with all that hangs on it; whoever has a file of it open gets ENODEV. Raises KeyError.

        What the target had opened it keeps, as the kernel keeps the disk of a namespace.
        """
        path = self._host[address].path
        if address in self._absent:
            raise KeyError(address)
        cuts = tuple(self._cut(path))
        own, *others = (tuple(_files(cut.node)) for cut in cuts)
        contents = tuple((file, file.contents) for files in others for file in files)
        for file in (*own, *(file for file, _ in contents)):
            file.contents = refused(errno.ENODEV)
        kernel = self._kernel()
        names = {f"/dev/{cut.name}" for cut in cuts}
        devices = {path: one for path, one in kernel.environment.devices.items() if path in names}
        self._open(lambda known: {path: one for path, one in known.items() if path not in names})
        self._absent[address] = _Absent(cuts, contents, devices)
        for kind, place in reversed(_devices(cuts)):
            self._news.device(kind, "remove", place)
        self._news.device("pci", "unbind", path)
        self._news.device("pci", "remove", path)

    def plug(self, address: str) -> None:
        """Puts a function back that was taken away, with its driver and its pool. Raises KeyError."""
        absent = self._absent.pop(address)
        path = self._host[address].path
        for file, held in absent.contents:
            file.contents = held
        for cut in absent.cuts:
            cut.above.entries[cut.name] = self._host.made(address) if cut.path == path else cut.node
        self._open(lambda known: {**known, **absent.devices})
        self._news.device("pci", "add", path)
        for kind, place in _devices(absent.cuts):
            self._news.device(kind, "add", place)
        self._news.device("pci", "bind", path)

    def _open(self, change: Callable[[dict[str, Opened]], dict[str, Opened]]) -> None:
        kernel = self._kernel()
        with kernel.lock:
            kernel.environment = dataclasses.replace(
                kernel.environment, devices=change(dict(kernel.environment.devices))
            )

    def _cut(self, path: str) -> Iterator[_Cut]:
        """Takes a directory out of the tree, then every link that led into it, then what is empty without these."""
        gone = [path]
        while gone:
            place = gone.pop()
            yield self._taken(place)
            for link in tuple(self._links(place)):
                cut = self._taken(link)
                yield cut
                above = link.rpartition("/")[0]
                if above.startswith(_SUBSYSTEMS):
                    gone.append(above)
                if link.startswith("/sys/class/") and f"/{cut.name}" in self._nodes():
                    yield self._taken(f"/dev/{cut.name}")

    def _nodes(self) -> frozenset[str]:
        dev = self._root.entries["dev"]
        return frozenset(f"/{name}" for name in dev.entries) if isinstance(dev, Directory) else frozenset()

    def _taken(self, path: str) -> _Cut:
        above: Node = self._root
        *steps, name = path.strip("/").split("/")
        for step in steps:
            if not isinstance(above, Directory):
                raise NotADirectoryError(path)
            above = above.entries[step]
        if not isinstance(above, Directory):
            raise NotADirectoryError(path)
        return _Cut(above, path, above.entries.pop(name))

    def _links(self, place: str) -> Iterator[str]:
        """The links anywhere in /sys that lead to a path or below it."""
        sys = self._root.entries["sys"]
        if isinstance(sys, Directory):
            for path, node in walk(sys, "/sys"):
                if isinstance(node, Link):
                    target = _target(node.target, path)
                    if target == place or target.startswith(f"{place}/"):
                        yield path


def _files(node: Node) -> Iterator[File]:
    """The files in a directory that is no longer in the tree."""
    if isinstance(node, Directory):
        yield from (below for _, below in walk(node) if isinstance(below, File))


def _target(text: str, path: str) -> str:
    """Where a link leads, without looking: the kernel's own climb and come down again."""
    if text.startswith("/"):
        return text
    above = path.split("/")[:-1]
    for step in text.split("/"):
        if step == "..":
            above.pop()
        else:
            above.append(step)
    return "/".join(above)


def _devices(cuts: tuple[_Cut, ...]) -> list[tuple[str, str]]:
    """Class and path of the devices that went away, in the order in which they would come up."""
    found = {
        (kind, _target(cut.node.target, cut.path))
        for cut in cuts
        for kind in _TELLING
        if isinstance(cut.node, Link) and cut.path.startswith(f"/sys/class/{kind}/")
    }
    return sorted(found, key=lambda one: (_TELLING.index(one[0]), one[1]))
