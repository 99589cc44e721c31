"""A machine with nothing but a target, which may not be loaded yet: for tests that begin there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from p2pctl.simulator.log import MemoryModules
from p2pctl.simulator.nodes import Directory, File, LiveDirectory, Node, nest, text
from p2pctl.simulator.nvmet import sockets
from p2pctl.simulator.nvmet.environment import EVERY_TRANSPORT
from p2pctl.simulator.nvmet.kernel import CONFIGFS, DEBUGFS, NvmetKernel
from p2pctl.simulator.tree import MemoryFiles

if TYPE_CHECKING:
    from p2pctl.kernel import Files, Log, Modules, Names, Processes, SourceKind

_MODULES = {"nvme-loop": "loop"} | {f"nvmet-{one}": one for one in EVERY_TRANSPORT - {"loop", "pci"}}


class NoProcesses:
    """`p2pctl.kernel.Processes` of a machine without any."""

    def who(self, pid: int) -> None:
        """Nobody."""


class NoNames:
    """`p2pctl.kernel.Names` that knows none."""

    def device(self, vendor: int, device: int) -> tuple[None, None]:  # noqa: ARG002
        """None of both."""
        return None, None


class NvmetMachine:
    """`p2pctl.kernel.Door` onto a kernel with a target and nothing else; `kernel` is its other side.

    ``loaded`` and ``mounted`` say whether the module and configfs are there from the start. ``kernel.environment``
    gains a transport as soon as its module is loaded.
    """

    def __init__(
        self, kernel: NvmetKernel | None = None, *, loaded: bool = True, mounted: bool = True, privileged: bool = True
    ) -> None:
        self.kernel = kernel if kernel is not None else NvmetKernel()
        self._live: set[str] = {"configfs", "nvmet"} if loaded else {"configfs"} if mounted else set()
        self._mounted = mounted
        paths: dict[str, Node] = {
            CONFIGFS: LiveDirectory(self._configfs),
            DEBUGFS: LiveDirectory(self._debugfs, 0o700),
            "/sys/module": LiveDirectory(self._module_directories),
            "/proc/modules": File(self._module_list, size=0),
            "/proc/sys/kernel/osrelease": text(self.kernel.environment.release),
            **sockets.tables(self.kernel),
        }
        for above in ("/proc/net", "/proc/1/net"):
            paths[f"{above}/fib_trie"] = File(lambda: sockets.fib_trie(self.kernel.environment.addresses), size=0)
            paths[f"{above}/if_inet6"] = File(self._ipv6, size=0)
        for path in self.kernel.environment.devices:
            paths.setdefault(path, File(b"", 0o660))
        self._files = MemoryFiles(nest(paths), privileged=privileged)

    @property
    def kind(self) -> SourceKind:
        """What sort of source it is."""
        return "demo"

    @property
    def files(self) -> Files:
        """Its kernel files."""
        return self._files

    @property
    def processes(self) -> Processes:
        """Nobody's."""
        return NoProcesses()

    @property
    def names(self) -> Names:
        """None."""
        return NoNames()

    @property
    def log(self) -> Log:
        """Its kernel's messages."""
        return self.kernel.log

    @property
    def modules(self) -> Modules:
        """Its kernel's modules: the target and its transports can be loaded."""
        available = {"configfs", "nvmet", *_MODULES}
        return MemoryModules(available, loaded=self._load, mounted=self._mount)

    def now(self) -> float:
        """Seconds since 1970."""
        return self.kernel.log.now()

    def _load(self, name: str) -> None:
        self._live |= {"configfs", "nvmet", name.replace("-", "_")} if name != "configfs" else {"configfs"}
        if name in _MODULES:
            environment = self.kernel.environment
            transports = environment.transports | {_MODULES[name]}
            self.kernel.environment = environment.with_transports(transports)

    def _mount(self) -> bool:
        if self._mounted:
            return False
        self._live.add("configfs")
        self._mounted = True
        return True

    def _configfs(self) -> Mapping[str, Node]:
        return {"nvmet": self.kernel.directory} if self._mounted and "nvmet" in self._live else {}

    def _debugfs(self) -> Mapping[str, Node]:
        return {"nvmet": self.kernel.debugfs} if self.kernel.has_debugfs and "nvmet" in self._live else {}

    def _module_directories(self) -> Mapping[str, Node]:
        return {name: Directory({"initstate": text("live")}) for name in sorted(self._live)}

    def _module_list(self) -> bytes:
        return "".join(f"{name} 65536 0 - Live 0x0000000000000000\n" for name in sorted(self._live)).encode()

    def _ipv6(self) -> bytes:
        six = sorted(one for one in self.kernel.environment.addresses if ":" in one)
        return sockets.if_inet6((one, "lo" if one == "::1" else "eth0", 1 if one == "::1" else 2) for one in six)
