"""The tree of the target is made available, or the error says how."""

from __future__ import annotations

import errno
import os

import pytest

from p2pctl.errors import BusyError, DeniedError, P2pctlError, UnsupportedError
from p2pctl.hardware.nvmet_setup import could_be_ready, ready
from p2pctl.simulator.nodes import Directory
from p2pctl.simulator.tree import MemoryFiles
from tests.trees import TreeDoor

CONFIG = "/sys/kernel/config"


class Kernel(TreeDoor):
    """A kernel whose modules, once loaded, show themselves; it remembers what was asked of it."""

    def __init__(self, *there: str, fails: dict[str, OSError] | None = None, mounted: bool = False) -> None:
        self._root = Directory()
        super().__init__(MemoryFiles(self._root, privileged=True))
        self.modules = self  # type: ignore[assignment]
        self.calls: list[str] = []
        self._fails = fails or {}
        self._mounted = mounted
        self._loaded: set[str] = set()
        for module in there:
            self._show(module)

    def load(self, name: str) -> None:
        self.calls.append(name)
        if name in self._fails:
            raise self._fails[name]
        self._show(name)

    def mount_configfs(self) -> None:
        self.calls.append("mount")
        if "mount" in self._fails:
            raise self._fails["mount"]
        self._mounted = True
        self._appear()

    def _show(self, module: str) -> None:
        self._loaded.add(module)
        self._make(f"/sys/module/{module}")
        self._appear()

    def _appear(self) -> None:
        if self._mounted and "nvmet" in self._loaded:
            self._make(f"{CONFIG}/nvmet")

    def _make(self, path: str) -> None:
        directory = self._root
        for part in path.split("/")[1:]:
            child = directory.entries.setdefault(part, Directory())
            assert isinstance(child, Directory)
            directory = child


def failure(number: int, words: str | None = None) -> OSError:
    return OSError(number, words or os.strerror(number))


def test_nothing_is_done_where_all_is_there() -> None:
    """Nor is a module of a transport that the kernel loads by itself."""
    kernel = Kernel("nvmet", mounted=True)
    ready(kernel, load=False, transports=["tcp", "rdma", "loop", "of-tomorrow"])
    assert kernel.calls == []


def test_without_leave_nothing_is_loaded() -> None:
    """The error has the command that does it."""
    kernel = Kernel()
    with pytest.raises(UnsupportedError) as caught:
        ready(kernel, load=False, transports=["fc"])
    assert caught.value.hint is not None
    assert "modprobe nvmet" in caught.value.hint
    assert "--load" in caught.value.hint
    unmounted = Kernel("nvmet")
    with pytest.raises(UnsupportedError) as caught:
        ready(unmounted, load=False)
    assert caught.value.hint is not None
    assert "mount -t configfs none /sys/kernel/config" in caught.value.hint
    assert kernel.calls == unmounted.calls == []


def test_a_kernel_without_the_target_is_told_from_one_that_has_not_loaded_it() -> None:
    kernel = Kernel()
    kernel.files.stat("/")
    root = kernel._root
    from p2pctl.simulator.nodes import File

    root.entries["boot"] = Directory({"config-7.3": File(b"CONFIG_PCI=y\n# CONFIG_NVME_TARGET is not set\n")})
    root.entries["proc"] = Directory({"sys": Directory({"kernel": Directory({"osrelease": File(b"7.3\n")})})})
    with pytest.raises(UnsupportedError, match="built without"):
        ready(kernel, load=False)
    with pytest.raises(UnsupportedError, match="built without"):
        could_be_ready(kernel)


@pytest.mark.parametrize("kernel", [Kernel(), Kernel("nvmet"), Kernel("nvmet", mounted=True)])
def test_a_plan_takes_what_could_be_loaded_for_granted(kernel: Kernel) -> None:
    could_be_ready(kernel)
    assert kernel.calls == []


@pytest.mark.parametrize(("there", "calls"), [((), ["nvmet", "mount"]), (("nvmet",), ["mount"])])
def test_with_leave_what_is_missing_is_loaded(there: tuple[str, ...], calls: list[str]) -> None:
    """The module, then the mount, and each only where it is missing."""
    kernel = Kernel(*there)
    ready(kernel, load=True)
    assert kernel.calls == calls
    ready(kernel, load=True)
    assert kernel.calls == calls


def test_modules_of_transports() -> None:
    """Those that the kernel does not load by itself in any case, the others with leave."""
    kernel = Kernel("nvmet", mounted=True)
    ready(kernel, load=False, transports=["tcp", "fc", "pci"])
    assert kernel.calls == ["nvmet_fc", "nvmet_pci_epf"]
    kernel = Kernel("nvmet", "nvmet_tcp", mounted=True)
    ready(kernel, load=True, transports=["tcp", "rdma", "loop"])
    assert kernel.calls == ["nvme_loop", "nvmet_rdma"]


def test_somebody_else_mounted_it() -> None:
    """systemd does, once the module is there: that is no failure, if the tree has appeared."""
    busy = failure(errno.EBUSY)

    class Quick(Kernel):
        def mount_configfs(self) -> None:
            super().mount_configfs()
            raise busy

    ready(Quick(), load=True)
    with pytest.raises(UnsupportedError, match="is not there, though"):
        ready(Kernel(fails={"mount": busy}), load=True)
    with pytest.raises(DeniedError):
        ready(Kernel(fails={"mount": failure(errno.EPERM)}), load=True)


@pytest.mark.parametrize(
    ("number", "words", "kind"),
    [
        (errno.ENOENT, "Module nvmet not found in directory /lib/modules/7.3", UnsupportedError),
        (errno.EPERM, None, DeniedError),
        (errno.EKEYREJECTED, None, DeniedError),
        (errno.ENOKEY, None, DeniedError),
        (errno.EBUSY, None, BusyError),
        (errno.EIO, "modprobe failed without a word", P2pctlError),
    ],
)
def test_why_a_module_is_not_loaded(number: int, words: str | None, kind: type[P2pctlError]) -> None:
    """The kernel's reason is in the error, and so is something to do."""
    error = failure(number, words)
    with pytest.raises(kind) as caught:
        ready(Kernel(fails={"nvmet": error}), load=True)
    assert type(caught.value) is kind
    assert caught.value.message.endswith((words or os.strerror(number)).lower())
    assert "module nvmet" in caught.value.message
    assert caught.value.hint
