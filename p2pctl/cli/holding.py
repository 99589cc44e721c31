"""A disk held for writing: opened first, so that what is checked, agreed to and written to is one and the same."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from p2pctl.cli.asking_name import ask_name
from p2pctl.cli.nodes import is_partition, known_as, number_of
from p2pctl.cli.overwriting import check_free, check_named
from p2pctl.cli.rescue import KeptFile, kept_in, left_by_killed, refuse_left, rescue_file
from p2pctl.cli.workplace import workplace
from p2pctl.errors import BusyError
from p2pctl.proof.blank import PIECE, Blank, find_blank, room
from p2pctl.target import rundir
from p2pctl.target.lock import locked
from p2pctl.units import format_bytes

if TYPE_CHECKING:
    from p2pctl.cli.drives import Drive
    from p2pctl.cli.session import Session
    from p2pctl.kernel import Disk, Region
    from p2pctl.model.snapshot import Snapshot


class Writing(NamedTuple):
    """What is to be done to a disk, and who agrees to it."""

    command: str
    """What another p2pctl is told meanwhile."""
    length: int
    """Bytes at most."""
    unit: int
    """Bytes that it is a multiple of."""
    confirm: str | None
    """The disk's name, said beforehand."""
    whole: bool = False
    """Whether fewer bytes than ``length`` are no use."""


class Held(NamedTuple):
    """A disk that may be written to."""

    disk: Disk
    blank: Blank
    """Where; nothing else of it is touched."""
    plain: Region
    """System memory to put it back with."""
    rescue: KeptFile


@contextlib.contextmanager
def held(session: Session, snapshot: Snapshot, drive: Drive, writing: Writing) -> Iterator[Held]:
    """For a block that writes to a disk: nobody else uses it, its name was said, and p2pctl's lock is held.

    Raises UsageError, BusyError with who uses it, RecoverError where a run that was killed has left something, OSError.
    """
    check_named(drive)
    place = kept_in(session)
    refuse_left(left_by_killed(session, writing.command))
    check_free(session, drive)
    memory = session.door.memory
    with contextlib.closing(memory.open(drive.disk, write=True, exclusive=True)) as disk:
        check_same(session, drive, disk)
        contents = contents_of(session, drive, disk)
        _check_unused(session, drive, contents)
        length = writing.length if writing.whole else min(writing.length, room(disk.size, writing.unit))
        blank = find_blank(memory, disk, drive.disk, max(length // writing.unit, 1) * writing.unit, writing.unit)
        ask_name(session, drive.disk, writing.confirm, _told(snapshot, drive, disk, (blank, contents, place)))
        directory = workplace(session).directory
        rundir.make(directory)
        with locked(directory, writing.command):
            # Whoever answers may take an hour: all of it is looked at again.
            check_free(session, drive)
            check_same(session, drive, disk)
            rescue = KeptFile(place, disk.size, mark(session, drive.disk, disk))
            with contextlib.closing(memory.ordinary(min(blank.place.length, PIECE))) as plain:
                yield Held(disk, blank, plain, rescue)


def check_same(session: Session, drive: Drive, disk: Disk) -> None:
    """Raises BusyError where what was opened is not what was checked."""
    kind = check_named(drive).kind
    name = drive.disk.rpartition("/")[2]
    if disk.identity.node is None:
        same = kind == "file"
    else:
        same = kind == "block" and number_of(session, name) == disk.identity.node
    if not same:
        raise BusyError(
            f"{drive.disk} is not what the kernel calls {name}: a node of that name leads to something else",
            hint=f"use the kernel's own node, and look at {drive.disk}: somebody has made it",
            path=drive.disk,
        )


def mark(session: Session, path: str, disk: Disk) -> str:
    """What a disk is known by after a reboot."""
    if disk.identity.node is None:
        return f"inode {disk.identity.inode} of {path}"
    return known_as(session, path.rpartition("/")[2]) or path


def contents_of(session: Session, drive: Drive, disk: Disk) -> tuple[str, ...]:
    """What a disk says that it holds; nothing for a file. Raises BusyError where that cannot be found out."""
    if disk.identity.node is None or session.door.kind != "live":
        return ()
    from p2pctl.hardware.signatures import signatures  # noqa: PLC0415  only writing looks for them

    try:
        return signatures(drive.disk)
    except OSError as error:
        why = "there is no blkid" if error.errno == errno.ENOENT else (error.strerror or str(error)).lower()
        raise BusyError(
            f"what {drive.disk} holds could not be found out: {why}",
            hint="apt install util-linux, or name a file",
            path=drive.disk,
        ) from None


def _check_unused(session: Session, drive: Drive, contents: tuple[str, ...]) -> None:
    """Raises BusyError for a whole disk that holds anything."""
    if contents and not is_partition(session, drive.disk.rpartition("/")[2]):
        raise BusyError(
            f"{drive.disk} is a whole disk that is not unused: it holds {', '.join(contents)}",
            hint="name a partition or a file; if nobody needs what is there, wipefs removes it",
            path=drive.disk,
        )


def _told(snapshot: Snapshot, drive: Drive, disk: Disk, told: tuple[Blank, tuple[str, ...], str]) -> str:
    """What is about to be done, to what."""
    blank, contents, place = told
    controller = snapshot.nvme.at(drive.client) if snapshot.nvme else None
    facts = [format_bytes(disk.size)]
    if controller is not None:
        known = (one for one in (controller.model, controller.serial) if isinstance(one, str))
        facts = [*(" ".join(one.split()) for one in known), *facts]
    facts += [f"holds {', '.join(contents)}"] if contents else []
    path, offset, length = blank.place
    return (
        f"writes over {format_bytes(length)} at offset {offset} of {path} ({', '.join(facts)}), where all bytes are "
        f"{blank.byte:#04x}, and puts them back; until then {rescue_file(place)} tells of it"
    )
