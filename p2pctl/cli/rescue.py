"""What was on a disk before p2pctl wrote there, kept where it outlives a process that is killed."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from p2pctl.errors import RecoverError
from p2pctl.proof.reading import Place
from p2pctl.proof.writing import restore_hint
from p2pctl.target import rundir

_UNSAFE = re.compile(r"[^A-Za-z0-9.]+")


class KeptFile:
    """`p2pctl.proof.writing.Rescue`: a file in the directory of what must survive a process, though not the kernel.

    Its name holds the offset, and it the bytes as they were.
    """

    def __init__(self, directory: str, disk: str) -> None:
        self._directory = directory
        self._stem = f"overwritten-{_UNSAFE.sub('-', disk.strip('/'))}-at-"
        self.path = ""

    def save(self, place: Place, data: bytes) -> None:
        """Stores it. Raises RecoverError where a run that was killed has left one, P2pctlError."""
        rundir.make(self._directory)
        self._refuse_left(place.path)
        self.path = f"{self._directory}/{self._stem}{place.offset}"
        try:
            rundir.create(self.path, data)
        except OSError as error:
            self.discard()
            raise rundir.failed(error, f"keep what is on {place.path}") from None

    def _refuse_left(self, disk: str) -> None:
        for left in sorted(Path(self._directory).glob(f"{self._stem}*")):
            offset = left.name.removeprefix(self._stem)
            if offset.isdecimal():
                place = Place(disk, int(offset), left.stat().st_size)
                raise RecoverError(
                    f"a run that was killed has written over {place.length} bytes of {disk}, and not put them back",
                    hint=restore_hint(place, str(left)),
                    path=disk,
                )

    def discard(self) -> None:
        """Removes it."""
        with contextlib.suppress(OSError):
            os.unlink(self.path)  # noqa: PTH108  its path is text, as everywhere
