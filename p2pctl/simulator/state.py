"""What was done to the demo host's target, so that it lasts from one command to the next.

One line of JSON an operation, appended as it is done: a command that is killed leaves what it did, as it would on a
kernel, and one that only reads writes nothing. Several commands at once take turns.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2pctl.errors import DeniedError, P2pctlError, UsageError, from_os_error
from p2pctl.simulator.nodes import Directory, nest
from p2pctl.simulator.tree import MemoryFiles, Told, nobody

if TYPE_CHECKING:
    from p2pctl.simulator.nvmet.kernel import NvmetKernel

_HEAD = {"p2pctl-demo": 1}
_PLACES = ("/sys/kernel/config/nvmet/", "/sys/kernel/debug/nvmet/")
_OPERATIONS = frozenset({"write", "mkdir", "rmdir", "symlink", "unlink", "chmod"})


class DemoState:
    """The record in a directory, which is made when there is something to record."""

    def __init__(self, directory: Path, told: Told = nobody) -> None:
        self.path = directory / "target.jsonl"
        self._told = told
        self._read = 0
        """Bytes that were replayed already."""

    def catch_up(self, kernel: NvmetKernel) -> None:
        """Does to the kernel what others have done since. Raises UsageError for a damaged record, P2pctlError."""
        try:
            size = self.path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            size = 0
        except OSError as problem:
            raise self._refused(problem, "read what was done to the demo host") from None
        if size < self._read:
            raise self._damaged("it was removed or shortened meanwhile")
        if size == self._read:
            return
        try:
            data = self.path.read_bytes()[self._read :]
        except OSError as problem:
            raise self._refused(problem, "read what was done to the demo host") from None
        # A line without its end is one that is being written, or was when its writer was killed.
        whole = data[: data.rfind(b"\n") + 1]
        files = MemoryFiles(_tree(kernel), told=self._told)
        for line in whole.splitlines():
            self._replay(files, line, first=self._read == 0)
            self._read += len(line) + 1

    def _replay(self, files: MemoryFiles, line: bytes, *, first: bool) -> None:
        try:
            entry: Any = json.loads(line)
            if first:
                if entry != _HEAD:
                    raise self._damaged("it does not begin as one does")
                return
            operation, path, argument = entry
            if operation not in _OPERATIONS or not str(path).startswith(_PLACES):
                raise self._damaged("it holds an operation that there is none of")
            _do(files, operation, path, argument)
        except (ValueError, TypeError, AttributeError):
            raise self._damaged("it is no list of operations") from None

    @contextlib.contextmanager
    def turn(self) -> Iterator[Callable[[str, str, object], None]]:
        """Waits until no other command is writing; what it gives records an operation."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise self._refused(problem, "keep what is done to the demo host") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield lambda operation, path, argument: self._append(handle, operation, path, argument)
        finally:
            os.close(handle)

    def _append(self, handle: int, operation: str, path: str, argument: object) -> None:
        text = json.dumps([operation, path, argument]) + "\n"
        if self._read == 0:
            text = json.dumps(_HEAD) + "\n" + text
        # What a killed writer left of a line must not become the start of this one.
        os.ftruncate(handle, self._read)
        data = text.encode("ascii")
        if os.write(handle, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self._read += len(data)

    def _refused(self, problem: OSError, doing: str) -> P2pctlError:
        hint = "set XDG_STATE_HOME to a directory that you may write to"
        told = from_os_error(problem, f"{doing} in {self.path}", hint=hint)
        if isinstance(told, DeniedError):
            return told
        return UsageError(told.message, hint=hint, errno=problem.errno, path=str(self.path))

    def _damaged(self, why: str) -> UsageError:
        return UsageError(
            f"cannot read what was done to the demo host: {why}: {self.path}",
            hint=f"rm {self.path}, and the demo host is as it was at first",
            path=str(self.path),
        )


def _tree(kernel: NvmetKernel) -> Directory:
    return nest({"/sys/kernel/config": kernel.configfs, "/sys/kernel/debug": Directory({"nvmet": kernel.debugfs})})


def _do(files: MemoryFiles, operation: str, path: str, argument: Any) -> None:
    """One operation; one that fails fails as it did before."""
    with contextlib.suppress(OSError):
        if operation == "write":
            files.write(path, argument.encode("latin-1"))
        elif operation == "symlink":
            files.symlink(argument, path)
        elif operation == "chmod":
            files.chmod(path, int(argument))
        else:
            getattr(files, operation)(path)


class KeptFiles(MemoryFiles):
    """The demo host's files, with what is done to its target recorded."""

    def __init__(
        self,
        root: Directory,
        state: DemoState,
        kernel: Callable[[], NvmetKernel],
        *,
        privileged: bool = True,
        told: Told = nobody,
    ) -> None:
        super().__init__(root, privileged=privileged, told=told)
        self._state = state
        self._kernel = kernel

    def write(self, path: str, data: bytes) -> None:
        """One store."""
        self._kept("write", path, data.decode("latin-1"), lambda: super(KeptFiles, self).write(path, data))

    def mkdir(self, path: str) -> None:
        """Makes a directory."""
        self._kept("mkdir", path, None, lambda: super(KeptFiles, self).mkdir(path))

    def rmdir(self, path: str) -> None:
        """Removes a directory."""
        self._kept("rmdir", path, None, lambda: super(KeptFiles, self).rmdir(path))

    def symlink(self, target: str, path: str) -> None:
        """Makes a link."""
        self._kept("symlink", path, target, lambda: super(KeptFiles, self).symlink(target, path))

    def unlink(self, path: str) -> None:
        """Removes a link."""
        self._kept("unlink", path, None, lambda: super(KeptFiles, self).unlink(path))

    def chmod(self, path: str, mode: int) -> None:
        """Sets the permission bits."""
        self._kept("chmod", path, mode, lambda: super(KeptFiles, self).chmod(path, mode))

    def _kept(self, operation: str, path: str, argument: object, change: Callable[[], None]) -> None:
        if not path.startswith(_PLACES):
            change()
            return
        with self._state.turn() as record:
            self._kernel()
            try:
                change()
            except OSError as problem:
                # A port that does not open has its parameters changed all the same, and a short store is one.
                if operation == "symlink" or problem.errno == errno.EIO:
                    record(operation, path, argument)
                raise
            record(operation, path, argument)
