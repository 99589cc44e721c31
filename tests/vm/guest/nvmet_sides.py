"""Two sides of a comparison, the running kernel's configfs and the simulator's, driven alike."""

# Text, as the kernel names paths: an object for each would cost more than the system call.
# ruff: noqa: PTH101, PTH102, PTH106, PTH108, PTH115, PTH208, PTH211

from __future__ import annotations

import errno
import os
import re
import stat as modes
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Literal, Protocol, TypeAlias

from p2pctl.kernel import Files
from p2pctl.simulator.nvmet.kernel import NvmetKernel
from p2pctl.simulator.tree import MemoryFiles
from tests.vm.guest import nvme_host
from tests.vm.guest.nvmet_sequences import Operation
from tests.vm.guest.nvmet_values import DIRECTORIES, DISCOVERY

ROOT = "/sys/kernel/config/nvmet"
READ = 8192
HOST_NQN = "nqn.2014-08.org.nvmexpress:uuid:5e1f0c2a-6a58-4a3b-9d7e-2f1c0b9a8d77"

Result: TypeAlias = str
"""What an operation came to: ``ok``, with what was read, or the errno's name."""
NOT_DONE = "not-done"
"""What came of an operation that the running kernel would not have survived."""
Tree: TypeAlias = dict[str, str]

_MADE_UP = {
    "device_uuid": re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n"),
    "attr_serial": re.compile(rb"[0-9a-f]{20}\n"),
}
"""What the kernel makes up with a directory, and what that looks like."""


_TEARDOWN: tuple[tuple[str, str, Literal["unlink", "rmdir"]], ...] = (
    ("ports", "subsystems", "unlink"), ("subsystems", "allowed_hosts", "unlink"), ("ports", "referrals", "rmdir"),
    ("ports", "ana_groups", "rmdir"), ("subsystems", "namespaces", "rmdir"),
)  # fmt: skip


class Side(Protocol):
    """What both sides can do; each method raises OSError."""

    def mkdir(self, path: str) -> None: ...
    def rmdir(self, path: str) -> None: ...
    def write(self, path: str, data: bytes) -> None: ...
    def read(self, path: str) -> bytes: ...
    def symlink(self, target: str, path: str) -> None: ...
    def unlink(self, path: str) -> None: ...
    def readlink(self, path: str) -> str: ...
    def realpath(self, path: str) -> str: ...
    def list(self, path: str) -> tuple[str, ...]: ...
    def stat(self, path: str) -> tuple[str, int, int]: ...
    def chmod(self, path: str, mode: int) -> None: ...
    def late_write(self, path: str, data: bytes, meanwhile: Callable[[], None]) -> None:
        """Opens for writing, lets something happen, writes."""
        ...

    def connect(self, port: str, nqn: str) -> None:
        """Connects a host by the loop transport."""
        ...

    def disconnect(self) -> None:
        """Ends every connection over fabrics."""
        ...

    def held_read(self, path: str, meanwhile: Callable[[], None], *, before: bool) -> bytes:
        """Opens for reading, reads if it is to be read before, lets something happen, reads from the start."""
        ...


class KernelSide:
    """The running kernel, by system calls: nothing of p2pctl is between."""

    def mkdir(self, path: str) -> None:
        os.mkdir(path)

    def rmdir(self, path: str) -> None:
        os.rmdir(path)

    def write(self, path: str, data: bytes) -> None:
        self.late_write(path, data, lambda: None)

    def read(self, path: str) -> bytes:
        return self.held_read(path, lambda: None, before=False)

    def symlink(self, target: str, path: str) -> None:
        os.symlink(target, path)

    def unlink(self, path: str) -> None:
        os.unlink(path)

    def readlink(self, path: str) -> str:
        return os.readlink(path)

    def realpath(self, path: str) -> str:
        return os.path.realpath(path, strict=True)

    def list(self, path: str) -> tuple[str, ...]:
        return tuple(sorted(os.listdir(path)))

    def stat(self, path: str) -> tuple[str, int, int]:
        found = os.lstat(path)
        kind = {modes.S_IFREG: "file", modes.S_IFDIR: "directory", modes.S_IFLNK: "link"}[modes.S_IFMT(found.st_mode)]
        return kind, found.st_mode & 0o777, found.st_size

    def chmod(self, path: str, mode: int) -> None:
        os.chmod(path, mode)

    def late_write(self, path: str, data: bytes, meanwhile: Callable[[], None]) -> None:
        descriptor = os.open(path, os.O_WRONLY)
        try:
            meanwhile()
            if os.write(descriptor, data) != len(data):
                raise _error(errno.EIO)
        finally:
            os.close(descriptor)

    def connect(self, port: str, nqn: str) -> None:  # noqa: ARG002  the loop transport has no addresses
        nvme_host.connect("loop", nqn, hostnqn=HOST_NQN, hostid=HOST_NQN[-36:])

    def disconnect(self) -> None:
        nvme_host.disconnect_all()

    def held_read(self, path: str, meanwhile: Callable[[], None], *, before: bool) -> bytes:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            if before:
                os.pread(descriptor, READ, 0)
            meanwhile()
            return os.pread(descriptor, READ, 0)
        finally:
            os.close(descriptor)


class SimulatedSide:
    """The simulator, through the door that all of p2pctl uses."""

    def __init__(self, kernel: NvmetKernel) -> None:
        self._kernel = kernel
        self.files: Files = MemoryFiles(kernel.root())
        files = self.files
        for name in ("mkdir", "rmdir", "write", "symlink", "unlink", "readlink", "realpath", "list", "chmod"):
            setattr(self, name, getattr(files, name))

    def connect(self, port: str, nqn: str) -> None:
        self._kernel.connect(port.rpartition("/")[2], nqn, HOST_NQN)

    def disconnect(self) -> None:
        for controller in self._kernel.controllers():
            self._kernel.disconnect(controller)

    mkdir: Callable[[str], None]
    rmdir: Callable[[str], None]
    write: Callable[[str, bytes], None]
    symlink: Callable[[str, str], None]
    unlink: Callable[[str], None]
    readlink: Callable[[str], str]
    realpath: Callable[[str], str]
    list: Callable[[str], tuple[str, ...]]
    chmod: Callable[[str, int], None]

    def read(self, path: str) -> bytes:
        return self.files.read(path)

    def stat(self, path: str) -> tuple[str, int, int]:
        found = self.files.stat(path)
        return found.kind, found.mode, found.size

    def late_write(self, path: str, data: bytes, meanwhile: Callable[[], None]) -> None:
        # The door writes by path alone, so what comes between an open and a write comes before both of them.
        kind, mode, _ = self.stat(self.files.realpath(path))
        if kind == "directory":
            raise _error(errno.EISDIR)
        if not mode & 0o222:
            raise _error(errno.EACCES)
        meanwhile()
        if not data:
            raise _error(errno.EFAULT)
        self.write(path, data)

    def held_read(self, path: str, meanwhile: Callable[[], None], *, before: bool) -> bytes:
        with self.files.open(path) as handle:
            if before:
                handle.pread(0, READ)
            meanwhile()
            return handle.pread(0, READ)


class Runner:
    """Runs operations on one side and tells what came of them, with what the kernel made up told apart."""

    def __init__(self, side: Side, *, sound: bool = True) -> None:
        """`sound`: whether the kernel survives whatever is asked of it."""
        self.side = side
        self._sound = sound
        self._made_up: dict[str, bytes] = {}

    def run(self, operation: Operation) -> Result:
        """Does it."""
        try:
            return self._do(operation)
        except OSError as error:
            return errno.errorcode.get(error.errno or 0, str(error))

    def tree(self) -> Tree:
        """Everything below the target's directory: kind, mode, contents or why there are none."""
        return dict(self._walk(""))

    def cleanup(self) -> Iterator[Operation]:
        """What takes everything down again, in an order that the kernel accepts, decided as it goes."""
        yield Operation("disconnect", "")
        yield from (Operation("chmod", path, b"755") for path in ("", *DIRECTORIES))
        yield Operation("chmod", "discovery_nqn", b"644")
        for kind, group, how in _TEARDOWN:
            for owner in self._names(kind):
                directory = f"{kind}/{owner}/{group}"
                names = [name for name in self._names(directory) if (group, name) != ("ana_groups", "1")]
                yield from (Operation(how, f"{directory}/{name}") for name in names)
        for kind in ("ports", "subsystems", "hosts"):
            yield from [Operation("rmdir", f"{kind}/{name}") for name in self._names(kind)]
        yield Operation("write", "discovery_nqn", DISCOVERY)

    def _names(self, path: str) -> tuple[str, ...]:
        with suppress(OSError):
            return self.side.list(_place(path))
        return ()

    def _do(self, operation: Operation) -> Result:  # noqa: C901, PLR0912  one case a kind
        kind, path, data, inner = operation
        if not self._sound and kind in {"write", "late write"} and self._crashes(path, data):
            return NOT_DONE
        place = _place(path)
        side = self.side
        told: list[Result] = []

        def meanwhile() -> None:
            told.extend(map(self.run, inner))

        match kind:
            case "mkdir":
                side.mkdir(place)
                self._remember(place)
            case "rmdir":
                side.rmdir(place)
            case "write":
                side.write(place, data)
            case "read":
                return self._shown(place, side.read(place))
            case "symlink":
                target = data.decode()
                side.symlink(target if target.startswith("/") else _place(target), place)
            case "unlink":
                side.unlink(place)
            case "readlink":
                return f"ok {side.readlink(place)}"
            case "list":
                return f"ok {side.list(place)}"
            case "stat":
                return f"ok {side.stat(place)}"
            case "chmod":
                side.chmod(place, int(data, 8))
            case "connect":
                return self._connected(place, data.decode())
            case "disconnect":
                side.disconnect()
            case "late write":
                told.append(self._guarded(lambda: side.late_write(place, data, meanwhile)))
                return " then ".join(told)
            case _:
                before = kind == "second read"
                told.append(self._guarded(lambda: self._shown(place, side.held_read(place, meanwhile, before=before))))
                return " then ".join(told)
        return "ok"

    def _crashes(self, path: str, data: bytes) -> bool:
        """Whether a kernel before 7 would die of it: to enable a namespace with buffered_io and no device opens NULL.

        (nvmet_file_ns_enable in drivers/nvme/target/io-cmd-file.c.)
        """
        above, _, name = path.rpartition("/")
        if name != "enable" or "/namespaces/" not in path or data[:1] not in b"1yYtTeEoO":
            return False
        with suppress(OSError):
            device, buffered = (self.side.read(_place(f"{above}/{one}")) for one in ("device_path", "buffered_io"))
            return (device, buffered) == (b"(null)\n", b"1\n")
        return False

    def _connected(self, place: str, nqn: str) -> Result:
        """A host has errnos of its own for why it was refused: only that it was is told."""
        try:
            self.side.connect(place, nqn)
        except OSError:
            return "refused"
        return "ok"

    def _guarded(self, call: Callable[[], str | None]) -> Result:
        try:
            return call() or "ok"
        except OSError as error:
            return errno.errorcode.get(error.errno or 0, str(error))

    def _remember(self, place: str) -> None:
        """Notes what the kernel made up for a directory, if it looks made up as it should."""
        real = self.side.realpath(place)
        for name, form in _MADE_UP.items():
            self._made_up.pop(f"{real}/{name}", None)
            with suppress(OSError):
                value = self.side.read(f"{real}/{name}")
                if form.fullmatch(value):
                    self._made_up[f"{real}/{name}"] = value

    def _shown(self, place: str, data: bytes) -> str:
        above, _, name = place.rpartition("/")
        if name in _MADE_UP:
            # What is gone, and still open, goes by the name it had.
            with suppress(OSError):
                above = self.side.realpath(above)
            if data == self._made_up.get(f"{above}/{name}"):
                return "ok (made up)"
        return f"ok {data!r}" if len(data) < 300 else f"ok {data[:300]!r}...({len(data)})"

    def _walk(self, path: str) -> Iterator[tuple[str, str]]:
        place = _place(path)
        for name in self.side.list(place):
            below = f"{path}/{name}" if path else name
            kind, mode, _ = self.side.stat(_place(below))
            if kind == "directory":
                yield below, f"directory {mode:o}"
                yield from self._walk(below)
            elif kind == "link":
                yield below, f"link {self.run(Operation('readlink', below))}"
            else:
                yield below, f"file {mode:o} {self.run(Operation('read', below))}"


def _place(path: str) -> str:
    return f"{ROOT}/{path}" if path else ROOT


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
