"""What was on a disk before p2pctl wrote there, told where it outlives a process that is killed, and a crash."""

# Paths are text here, as everywhere.
# ruff: noqa: PTH108, PTH120

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from p2pctl.cli.workplace import workplace
from p2pctl.errors import RecoverError, from_os_error
from p2pctl.proof.blank import Blank
from p2pctl.proof.reading import Place
from p2pctl.target import rundir
from p2pctl.target.lock import locked

if TYPE_CHECKING:
    from p2pctl.cli.session import Session

_LIVE = "/var/lib/p2pctl"
_NAME = "overwritten.json"
"""One writes at a time, by p2pctl's lock: so there is one at most."""


class Left(NamedTuple):
    """What a run that was killed has left behind."""

    file: str
    blank: Blank
    size: int
    """Bytes of the disk."""
    mark: str
    """What the disk is known by, wherever it hangs now."""


class KeptFile:
    """`p2pctl.proof.writing.Rescue`: a file on the host's own disk, written through before anything else is."""

    def __init__(self, directory: str, size: int, mark: str) -> None:
        self._directory = directory
        self._size = size
        self._mark = mark
        self.path = rescue_file(directory)

    def save(self, blank: Blank) -> None:
        """Stores it. Raises RecoverError where a run that was killed has left one, P2pctlError."""
        rundir.make(self._directory)
        refuse_left(left_in(self._directory))
        path, offset, length = blank.place
        told = {"disk": path, "offset": offset, "length": length, "byte": blank.byte}
        told |= {"size": self._size, "mark": self._mark}
        try:
            rundir.create_whole(self.path, json.dumps(told).encode())
        except OSError as error:
            raise rundir.failed(error, f"keep what is on {path}") from None

    def discard(self) -> None:
        """Removes it. Raises P2pctlError."""
        forget(self.path)


def forget(path: str) -> None:
    """Removes what is told of a place that is as it was, so that no loss of power brings it back.

    Raises P2pctlError.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        rundir.sync(os.path.dirname(path))
    except OSError as error:
        hint = "the disk is as it was; until that file is gone, nothing more is written to any"
        raise from_os_error(error, f"remove {path} for good", hint=hint) from None


def rescue_file(directory: str) -> str:
    """Where it is told."""
    return f"{directory}/{_NAME}"


def kept_in(session: Session) -> str:
    """The directory: on disk, so that what it tells is there after a crash as well."""
    if session.door.kind != "demo":
        return _LIVE
    from p2pctl.simulator.door import state_directory  # noqa: PLC0415

    return f"{state_directory(os.environ)}/lib"


def left_in(directory: str) -> Left | None:
    """What is left there. Raises RecoverError for a file that tells nothing, DeniedError for a strange directory."""
    path = rescue_file(directory)
    if not Path(directory).is_dir():
        return None
    rundir.make(directory)
    try:
        told = json.loads(rundir.read(path))
        place = Place(str(told["disk"]), int(told["offset"]), int(told["length"]))
        byte, size = int(told["byte"]), int(told["size"])
        if not (0 <= byte < 1 << 8 and place.offset >= 0 and 0 < place.length <= size - place.offset):
            raise ValueError("no place on a disk")  # noqa: TRY301  told as any other nonsense
        return Left(path, Blank(place, byte), size, str(told["mark"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise RecoverError(
            f"{path} is to tell what a run that was killed has written over, and cannot be read: {error}",
            hint="look at it; once the disk that it names is as it should be, remove it",
            path=path,
        ) from None


def left_by_killed(session: Session, command: str, *, timeout: float = 0.0) -> Left | None:
    """What is left by a run that is no more: one that goes on holds the lock, and puts it back itself.

    ``command`` is what another p2pctl is told meanwhile. Raises BusyError where the lock is not free within ``timeout``
    seconds, RecoverError and DeniedError as `left_in` does.
    """
    directory = kept_in(session)
    if left_in(directory) is None:
        return None
    place = workplace(session).directory
    rundir.make(place)
    with locked(place, command, timeout=timeout):
        return left_in(directory)


def refuse_left(left: Left | None) -> None:
    """Raises RecoverError where a run that was killed has left something to put back."""
    if left is not None:
        raise RecoverError(killed_text(left), hint="p2pctl recover does it", path=left.blank.place.path)


def killed_text(left: Left) -> str:
    """What is wrong."""
    return f"a run that was killed has {left_text(left)}, and not put back what was there"


def left_text(left: Left) -> str:
    """What it did."""
    path, offset, length = left.blank.place
    return f"written over {length} bytes at offset {offset} of {path}"
