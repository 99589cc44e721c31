"""Puts back what a run of ``verify --write`` or ``bench`` has written over that was killed.

It may be long ago: somebody may have put the disk to use since. Nobody loses anything where every sector of the place
is blank or holds the pattern that ``verify --write`` puts there. Of all else nobody can tell whose it is, what
``bench`` has copied among it: that is written over only where the disk's name is said.
"""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING, NamedTuple

from p2pctl.cli.agreeing import can_answer
from p2pctl.cli.asking_name import ask_name
from p2pctl.cli.drives import Drive, unit_of
from p2pctl.cli.holding import check_same, contents_of, mark
from p2pctl.cli.nodes import called_now, is_partition
from p2pctl.cli.overwriting import InUseError, check_free
from p2pctl.cli.rescue import Left, forget, kept_in, left_by_killed, left_in, left_text
from p2pctl.cli.trying import told_as
from p2pctl.cli.workplace import workplace
from p2pctl.errors import BusyError, NotFoundError, P2pctlError, UsageError
from p2pctl.hardware.backing import read_backing
from p2pctl.hardware.reading import Reader
from p2pctl.model.address import Address
from p2pctl.proof.blank import PIECE, Blank
from p2pctl.proof.writing import first_foreign, restore
from p2pctl.target import rundir
from p2pctl.target.interruption import deferred
from p2pctl.target.lock import locked

if TYPE_CHECKING:
    from p2pctl.cli.session import Session
    from p2pctl.kernel import Disk

_NOBODY = Address(0, 0, 0, 0)
"""Which drive it is does not matter here."""


class Said(NamedTuple):
    """What was agreed to beforehand."""

    yes: bool
    """That nobody is asked where nobody can lose anything."""
    confirm: str | None
    """The disk's name: that whatever is there may be written over."""


def put_back_left(session: Session, said: Said, *, timeout: float) -> bool:
    """Makes blank again what a killed run has written over; False where there is nothing.

    Raises RecoverError, UsageError where nobody can be asked, BusyError where the disk is used or is another one.
    """
    if session.door.kind in {"capture", "sysroot"}:
        return False
    left = left_by_killed(session, "recover", timeout=timeout)
    if left is None:
        return False
    path = _path_now(session, left)
    blank = left.blank._replace(place=left.blank.place._replace(path=path))
    found = read_backing(Reader(session.door.files), [path])[path]
    drive = Drive(_NOBODY, path, unit_of(session, path), named=True, backing=found)
    with told_as(f"put back what was on {path}"):
        disk = _open(session, drive, left)
    room = min(blank.place.length, PIECE)
    with (
        contextlib.closing(disk),
        told_as(f"put back what was on {path}"),
        contextlib.closing(session.door.memory.ordinary(room)) as plain,
    ):
        _check(session, drive, disk, left)
        contents = _contents(session, drive, disk, left)
        foreign = first_foreign(disk, plain, left.blank)
        _ask(session, said, left._replace(blank=blank), _told(blank, contents, foreign), foreign)
        place = workplace(session).directory
        rundir.make(place)
        with locked(place, "recover", timeout=timeout), deferred():
            if left_in(kept_in(session)) != left:
                raise BusyError("another p2pctl has put it back meanwhile", hint="run it again")
            _check(session, drive, disk, left)
            if first_foreign(disk, plain, left.blank) != foreign:
                raise BusyError(f"somebody else writes to {path}", hint=_unused(left), path=path)
            restore(disk, plain, blank, left.file)
            forget(left.file)
    session.narrator.note(f"put back {blank.place.length} bytes at offset {blank.place.offset} of {path}")
    return True


def _path_now(session: Session, left: Left) -> str:
    """Of the disk that was written over."""
    path = left.blank.place.path
    if not path.startswith("/dev/"):
        return path
    return f"/dev/{called_now(session, path.rpartition('/')[2], left.mark)}"


def _open(session: Session, drive: Drive, left: Left) -> Disk:
    try:
        return session.door.memory.open(drive.disk, write=True, exclusive=True)
    except OSError as error:
        if error.errno == errno.EBUSY:
            _check_free(session, drive, left)  # which says who it is, as the kernel does not
        if error.errno not in {errno.ENOENT, errno.ENXIO, errno.ENODEV}:
            raise
        raise NotFoundError(
            f"{drive.disk} is not there to be put back: a run that was killed has {left_text(left)}",
            hint=f"bring it back; if it is gone for good, remove {left.file}",
            errno=error.errno,
            path=drive.disk,
        ) from None


def _check_free(session: Session, drive: Drive, left: Left) -> None:
    try:
        check_free(session, drive)
    except InUseError as error:
        error.hint = _unused(left)
        raise


def _unused(left: Left) -> str:
    return f"run it again once nobody uses it; {_keeping(left)}"


def _keeping(left: Left) -> str:
    """What to do instead of writing over what is there now."""
    return f"to keep what is there now, remove {left.file}"


def _check(session: Session, drive: Drive, disk: Disk, left: Left) -> None:
    check_same(session, drive, disk)
    if mark(session, drive.disk, disk) != left.mark or disk.size != left.size:
        raise BusyError(
            f"{drive.disk} is another disk now than the one that was written over ({left.mark}, {left.size} bytes)",
            hint=f"bring that one back; if it is gone for good, remove {left.file}",
            path=drive.disk,
        )
    _check_free(session, drive, left)


def _contents(session: Session, drive: Drive, disk: Disk, left: Left) -> tuple[str, ...]:
    """What the disk holds. Raises BusyError for a whole disk that holds anything: it held nothing at that time."""
    contents = contents_of(session, drive, disk)
    if contents and not is_partition(session, drive.disk.rpartition("/")[2]):
        raise BusyError(
            f"{drive.disk} has been put to use since it was written over: it holds {', '.join(contents)}",
            hint=f"what is there now is left alone: remove {left.file}",
            path=drive.disk,
        )
    return contents


def _told(blank: Blank, contents: tuple[str, ...], foreign: int | None) -> str:
    """What is about to be done, and to what."""
    path, offset, length = blank.place
    holds = f" ({path} holds {', '.join(contents)})" if contents else ""
    now = "there is nothing but verify's pattern now, which nobody needs"
    if foreign is not None:
        now = f"what is there now, at {foreign} first, is copies of bench's or somebody's data, and would be lost"
    return (
        f"writes {length} bytes of {blank.byte:#04x} to {path} at offset {offset}{holds}, as they were before a run "
        f"that was killed wrote there: {now}"
    )


def _ask(session: Session, said: Said, left: Left, what: str, foreign: int | None) -> None:
    """Raises UsageError where nobody can be asked, P2pctlError for a no."""
    if foreign is not None or said.confirm is not None:
        ask_name(session, left.blank.place.path, said.confirm, what, otherwise=_keeping(left))
        return
    if said.yes:
        return
    if not can_answer():
        raise UsageError(f"this {what}; and there is no terminal to ask at", hint="p2pctl recover --yes does it")
    session.narrator.note(f"This {what}.")
    if not session.narrator.ask("go on?"):
        raise P2pctlError("not confirmed: nothing was changed", hint="p2pctl recover asks again")
