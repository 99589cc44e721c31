"""One step through the door: one kernel operation, looked at before and read back after."""

from __future__ import annotations

import contextlib
import errno
from typing import Protocol

from p2pctl.errors import P2pctlError
from p2pctl.kernel import Files, Log
from p2pctl.model.nvmet import WRITE_ONLY_ATTRIBUTES
from p2pctl.target import rundir
from p2pctl.target.doing import moved, not_kept, refused
from p2pctl.target.plan import Step
from p2pctl.target.shell import bytes_of
from p2pctl.target.touched import exports, means, ripples

LOG_LINES = 10
"""Kernel messages that are told of one failure, the last ones."""

_EXPLAINED = ("enable", "p2pmem", "addr_", "param_", "device_")
"""Beginnings of the attributes of which the kernel logs why it refuses a value (drivers/nvme/target/configfs.c)."""


class Recorder(Protocol):
    """Where it is written down what is about to be done, for who comes after a sudden death."""

    def begins(self, number: int, step: Step) -> None:
        """A step is about to be done. Raises OSError."""
        ...

    def failed(self, number: int, step: Step) -> None:
        """The kernel has refused it: nothing was done. Raises OSError."""
        ...


class FailureError(Exception):
    """A step that was not done, or whose result is not what was wanted."""

    def __init__(self, error: P2pctlError, number: int | None = None, log: tuple[str, ...] = ()) -> None:
        super().__init__(error.message)
        self.error = error
        self.number = number
        self.log = log


class Stepper:
    """One writer's hand: does steps, and knows what it has touched."""

    def __init__(self, files: Files, log: Log) -> None:
        self._files = files
        self._log = log
        self._rippled: set[str] = set()
        self.begun: list[Step] = []
        """Every step that has been done, or may have been."""

    def perform(self, number: int, step: Step, recorder: Recorder, *, again: bool) -> None:
        """One step: looked at before, recorded, done, read back. Raises FailureError.

        With ``again`` somebody may have done it already, and that is as good.
        """
        if not again and self._settled(step):
            return
        mark = self._mark(step)
        try:
            recorder.begins(number, step)
        except OSError as error:
            text = f"cannot record what is about to be done: {(error.strerror or str(error)).lower()}"
            raise FailureError(
                P2pctlError(text, hint=rundir.HINT, errno=error.errno, path=error.filename), error.errno
            ) from None
        self._rippled.update(ripples(step))
        try:
            self._operate(step)
        except OSError as error:
            if not (again and self._is_so(step, error.errno)):
                log = self._lines(mark)
                self._not_done(number, step, recorder)
                raise FailureError(refused(step, error, log), error.errno, log) from None
        self.begun.append(step)
        self._read_back(step, mark)

    def _not_done(self, number: int, step: Step, recorder: Recorder) -> None:
        """Notes what a refused operation leaves behind: no object and no link, which may be somebody else's now.

        An attribute may have changed before the failure, and a port's parameters stay resolved after a failed export.
        """
        if step.operation == "write":
            self.begun.append(step)
            return
        self.begun.extend(Step("write", path, step.subject) for path in ripples(step))
        # Recorded or not: what is undone next is decided by what is here.
        with contextlib.suppress(OSError):
            recorder.failed(number, step)

    def _settled(self, step: Step) -> bool:
        """Whether an earlier step has made the kernel set the attribute to what is wanted already.

        Raises FailureError where an attribute or link is not what the plan took it for.
        """
        rippled = step.operation == "write" and step.path in self._rippled
        if (step.before is None and not rippled) or step.operation not in {"write", "unlink"}:
            return False
        before = step.before or ""
        try:
            if step.operation == "unlink":
                have = self._files.readlink(step.path).rpartition("/")[2]
                kept = have == before.rpartition("/")[2]
            else:
                have = self._text(step.path)
                kept = means(step.path, before, have)
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTDIR, errno.EINVAL}:
                raise FailureError(refused(step, error), error.errno) from None
            raise FailureError(moved(step, None), error.errno) from None
        if rippled:
            return means(step.path, step.value, have)
        if not kept:
            raise FailureError(moved(step, have))
        return False

    def _operate(self, step: Step) -> None:
        files = self._files
        match step.operation:
            case "mkdir":
                files.mkdir(step.path)
            case "rmdir":
                files.rmdir(step.path)
            case "write":
                files.write(step.path, bytes_of(step))
            case "symlink":
                files.symlink(step.value, step.path)
            case "unlink":
                files.unlink(step.path)
            case "chmod":
                files.chmod(step.path, int(step.value, 8))

    def _is_so(self, step: Step, number: int | None) -> bool:
        """Whether the kernel refused because somebody, such as the process that died, has done it already."""
        try:
            match step.operation, number:
                case (("rmdir" | "unlink"), errno.ENOENT):
                    return True
                case "mkdir", errno.EEXIST:
                    return self._files.stat(step.path).kind == "directory"
                case "symlink", errno.EEXIST:
                    return self._leads(step)
        except OSError:
            pass
        return False

    def _read_back(self, step: Step, mark: int | None) -> None:
        if step.name in WRITE_ONLY_ATTRIBUTES:
            return
        try:
            have = self._shows(step)
        except OSError as error:
            raise FailureError(refused(step, error), error.errno, self._lines(mark)) from None
        if have is not None:
            raise FailureError(not_kept(step, have), None, self._lines(mark))

    def _shows(self, step: Step) -> str | None:
        """What is there where it is not what the step has made; None where it is. Raises OSError."""
        match step.operation:
            case "write":
                have = self._text(step.path)
                return None if means(step.path, step.value, have) else have
            case "symlink":
                return None if self._leads(step) else self._files.readlink(step.path)
            case "mkdir":
                kind = self._files.stat(step.path).kind
                return None if kind == "directory" else kind
            case "chmod":
                mode = self._files.stat(step.path).mode
                return None if mode == int(step.value, 8) else f"{mode:04o}"
            case "rmdir" | "unlink":
                try:
                    return self._files.stat(step.path).kind
                except FileNotFoundError:
                    return None

    def _leads(self, step: Step) -> bool:
        return self._files.readlink(step.path).split("/")[-2:] == step.value.split("/")[-2:]

    def _text(self, path: str) -> str:
        return self._files.read(path).decode("utf-8", "surrogateescape").removesuffix("\n")

    def _mark(self, step: Step) -> int | None:
        """Where the kernel's log stands, before a step of whose failure it would tell."""
        told = step.name.startswith(_EXPLAINED) if step.operation == "write" else exports(step)
        if not told or step.operation == "unlink":
            return None
        try:
            return self._log.mark()
        except OSError:
            return None

    def _lines(self, mark: int | None) -> tuple[str, ...]:
        """What the kernel has logged since; empty where nobody may read it."""
        if mark is None:
            return ()
        try:
            return tuple(line.text for line in self._log.since(mark).lines[-LOG_LINES:])
        except OSError:
            return ()
