"""Puts back what a run of ``verify --write`` or ``bench`` has written over that was killed."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

from p2pctl.cli.agreeing import can_answer
from p2pctl.cli.drives import Drive, unit_of
from p2pctl.cli.holding import check_same, mark
from p2pctl.cli.nodes import called_now
from p2pctl.cli.overwriting import check_free
from p2pctl.cli.rescue import Left, kept_in, left_in, left_text
from p2pctl.cli.trying import told_as
from p2pctl.cli.workplace import workplace
from p2pctl.errors import BusyError, NotFoundError, P2pctlError, UsageError
from p2pctl.hardware.backing import read_backing
from p2pctl.hardware.reading import Reader
from p2pctl.model.address import Address
from p2pctl.proof.blank import PIECE, Blank
from p2pctl.proof.writing import restore
from p2pctl.target import rundir
from p2pctl.target.interruption import deferred
from p2pctl.target.lock import locked

if TYPE_CHECKING:
    from p2pctl.cli.session import Session
    from p2pctl.kernel import Disk

_NOBODY = Address(0, 0, 0, 0)
"""Which drive it is does not matter here."""


def put_back_left(session: Session, *, yes: bool, timeout: float) -> bool:
    """Makes blank again what a killed run has written over; False where there is nothing.

    Raises RecoverError, UsageError where nobody can be asked, BusyError where the disk is used or is another one.
    """
    if session.door.kind in {"capture", "sysroot"}:
        return False
    directory = kept_in(session)
    left = left_in(directory)
    if left is None:
        return False
    path = _path_now(session, left)
    blank = left.blank._replace(place=left.blank.place._replace(path=path))
    found = read_backing(Reader(session.door.files), [path])[path]
    drive = Drive(_NOBODY, path, unit_of(session, path), named=True, backing=found)
    with told_as(f"put back what was on {path}"):
        disk = _open(session, path, left)
    with contextlib.closing(disk):
        _check(session, drive, disk, left)
        if not yes:
            _ask(session, left, blank)
        place = workplace(session).directory
        rundir.make(place)
        with locked(place, "recover", timeout=timeout), deferred():
            if left_in(directory) != left:
                raise BusyError("another p2pctl has put it back meanwhile", hint="run it again")
            _check(session, drive, disk, left)
            with contextlib.closing(session.door.memory.ordinary(min(blank.place.length, PIECE))) as plain:
                restore(disk, plain, blank, left.file)
            os.unlink(left.file)  # noqa: PTH108  its path is text, as everywhere
    session.narrator.note(f"put back {blank.place.length} bytes at offset {blank.place.offset} of {path}")
    return True


def _path_now(session: Session, left: Left) -> str:
    """Of the disk that was written over."""
    path = left.blank.place.path
    if not path.startswith("/dev/"):
        return path
    return f"/dev/{called_now(session, path.rpartition('/')[2], left.mark)}"


def _open(session: Session, path: str, left: Left) -> Disk:
    try:
        return session.door.memory.open(path, write=True, exclusive=True)
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.ENXIO, errno.ENODEV}:
            raise
        raise NotFoundError(
            f"{path} is not there to be put back: a run that was killed has {left_text(left)}",
            hint=f"bring it back; if it is gone for good, remove {left.file}",
            errno=error.errno,
            path=path,
        ) from None


def _check(session: Session, drive: Drive, disk: Disk, left: Left) -> None:
    check_same(session, drive, disk)
    if mark(session, drive.disk, disk) != left.mark or disk.size != left.size:
        raise BusyError(
            f"{drive.disk} is another disk now than the one that was written over ({left.mark}, {left.size} bytes)",
            hint=f"bring that one back; if it is gone for good, remove {left.file}",
            path=drive.disk,
        )
    check_free(session, drive)


def _ask(session: Session, left: Left, blank: Blank) -> None:
    path, offset, length = blank.place
    text = f"a run that was killed has {left_text(left)}, where all bytes were {left.blank.byte:#04x}"
    if not can_answer():
        raise UsageError(f"{text}; and there is no terminal to ask at", hint="p2pctl recover --yes puts them back")
    session.narrator.note(f"{text[:1].upper()}{text[1:]}.")
    if not session.narrator.ask(f"write {length} such bytes to {path} at {offset}? Whatever is there now is lost"):
        raise P2pctlError("not confirmed: nothing was changed", hint="p2pctl recover asks again")
