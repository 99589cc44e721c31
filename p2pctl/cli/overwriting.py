"""What must be so before anything is written to a disk: nobody uses it, as far as the host can tell.

The kernel is asked as well: what is written to is opened so that it refuses what somebody holds. Nobody can tell of
other hosts that reach the same drive, of other servers in the kernel and USB gadgets, of memory maps and io_uring's
registered files whose descriptor is closed, and of commands sent through a controller's own node.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from p2pctl.cli.nodes import nodes_of, partitions_of, twins_of, whole_of
from p2pctl.errors import BusyError, UnsupportedError, UsageError
from p2pctl.hardware.backing import read_backing
from p2pctl.hardware.openers import read_openers
from p2pctl.hardware.reading import Reader, is_there
from p2pctl.model.facts import ABSENT

if TYPE_CHECKING:
    from p2pctl.cli.drives import Drive
    from p2pctl.cli.session import Session
    from p2pctl.model.backing import Backing
    from p2pctl.model.snapshot import Snapshot

_BLOCK = "/sys/class/block"
_LOOKS = 10
_PAUSE = 0.2
"""Seconds between two looks: udev and the like open a disk for a moment, and leave it."""


class InUseError(BusyError):
    """Somebody uses the disk, and the message says who."""


class Names(NamedTuple):
    """Under which names a disk is there."""

    own: str
    """``nvme0n1p3``; empty for a file."""
    whole: str
    partitions: tuple[str, ...]
    """Of the whole disk."""
    twins: tuple[str, ...]

    @property
    def overlapping(self) -> tuple[str, ...]:
        """Block devices through which the same bytes are reached."""
        mine = (self.own, self.whole, *self.twins) if self.own else ()
        return tuple(dict.fromkeys((*mine, *(self.partitions if self.own == self.whole else ()))))


def check_named(drive: Drive) -> Backing:
    """What stands behind the disk. Raises UsageError for a drive that is not named by its disk."""
    if not drive.named or drive.backing is None:
        raise UsageError(
            f"what is written to has to be named itself: a disk, a partition or a file, such as {drive.disk}",
            hint="a controller or an address names no place to write to",
        )
    return drive.backing


def check_free(session: Session, drive: Drive, *, pause: Callable[[float], None] = time.sleep) -> None:
    """Raises UsageError for a drive that is not named by its disk, InUseError for a disk that somebody uses.

    All is read anew. What cannot be found out counts as used: BusyError.
    """
    block = check_named(drive).kind == "block"
    snapshot = session.snapshot({"nvme", "nvmet", "rnbd"})
    names = _names(session, drive.disk) if block else Names("", "", (), ())
    if block:
        _check_zones(session, drive.disk, names)
    twins = [part for twin in names.twins for part in (twin, *partitions_of(session, twin))]
    paths = [drive.disk, *(f"/dev/{name}" for name in twins)]
    backings = read_backing(Reader(session.door.files), paths)
    mine = backings[drive.disk]
    users = [*mine.users, *_exports(session, snapshot, drive.disk, names), *_above(session, names)]
    users += [f"as {path.rpartition('/')[2]} {user}" for path in paths[1:] for user in backings[path].users]
    if users:
        raise _busy(drive.disk, users)
    known = all(one.users_known for one in backings.values())
    unknown = [] if known else ["the mounts, swap spaces, loop devices or LIO's backstores"]
    unknown += _unknown(snapshot)
    if not _check_closed(session, drive.disk, names, pause) and session.door.kind == "live":
        unknown.append("the open files of all processes")
    if unknown:
        raise BusyError(
            f"who uses {drive.disk} could not be found out: {', '.join(unknown)} cannot be read",
            hint="run it as root on the host itself, outside any container, with /proc mounted",
            path=drive.disk,
        )


def _check_closed(session: Session, disk: str, names: Names, pause: Callable[[float], None]) -> bool:
    """Raises BusyError where a process has it open; False where not every process could be looked into."""
    nodes = nodes_of(session, names.overlapping)
    opened = (disk, *nodes.values())
    for look in range(_LOOKS):
        openers = read_openers(session.door.files, opened, os.getpid(), nodes if session.door.kind == "live" else None)
        if not openers.found:
            return openers.complete
        if look < _LOOKS - 1:
            pause(_PAUSE)
    raise _busy(disk, [f"{_who(session, pid)} has {path} open" for pid, path in openers.found])


def _check_zones(session: Session, disk: str, names: Names) -> None:
    """Raises UnsupportedError for a zoned disk: what is written there cannot be written over, and so not put back."""
    zones = Reader(session.door.files).text(f"{_BLOCK}/{names.whole}/queue/zoned", "zones", names.whole)
    if zones not in {"none", ABSENT}:
        is_zoned = f"is zoned ({zones})" if isinstance(zones, str) else "may be zoned"
        raise UnsupportedError(
            f"{disk} {is_zoned}: what is written there could not be put back",
            hint="name a disk, a partition or a file on one without zones",
        )


def _busy(disk: str, users: list[str]) -> InUseError:
    return InUseError(
        f"{disk} is in use: {'; '.join(users[:3])}",
        hint="name a partition, a file or a disk that nobody uses",
        path=disk,
    )


def _names(session: Session, disk: str) -> Names:
    own = disk.rpartition("/")[2]
    whole = whole_of(session, own)
    return Names(own, whole, partitions_of(session, whole), tuple(twins_of(session, whole)))


def _unknown(snapshot: Snapshot) -> Iterator[str]:
    if snapshot.nvmet is None or snapshot.nvmet.gaps:
        yield "the NVMe target"
    if snapshot.rnbd is None or snapshot.rnbd.gaps:
        yield "the RNBD server"


def _who(session: Session, pid: int) -> str:
    found = session.door.processes.who(pid)
    return f"process {pid}" if found is None else f"{found.command} (process {pid})"


def _exports(session: Session, snapshot: Snapshot, disk: str, names: Names) -> Iterator[str]:
    """Namespaces of the target, and RNBD devices, that are served from it, from its whole disk, or from a part."""
    mine = {disk, *(f"/dev/{name}" for name in names.overlapping)}
    parts = {f"/dev/{part}" for twin in names.twins for part in partitions_of(session, twin)}
    for exported in snapshot.rnbd.exported if snapshot.rnbd else ():
        if not isinstance(exported.block_device, str) or f"/dev/{exported.block_device}" in mine | parts:
            yield f"it is exported by RNBD as {exported.name}"
    for nqn, one in (snapshot.nvmet.subsystems if snapshot.nvmet else {}).items():
        for nsid, namespace in one.namespaces.items():
            path = namespace.attributes.get("device_path")
            if isinstance(path, str) and path.startswith("/") and session.followed(path) in mine | parts:
                yield f"it is exported as namespace {nsid} of {nqn}"
        passed = one.passthru.get("device_path")
        if isinstance(passed, str) and passed.startswith("/"):
            yield from _passed(session, snapshot, passed, names, nqn)


def _passed(session: Session, snapshot: Snapshot, path: str, names: Names, nqn: str) -> Iterator[str]:
    """Passthru hands a whole controller to others, with all namespaces that it reaches."""
    name = session.followed(path).rpartition("/")[2]
    controller = snapshot.nvme.controllers.get(name) if snapshot.nvme else None
    namespaces = snapshot.nvme.namespaces if snapshot.nvme else {}
    if controller is None:
        yield f"{nqn} passes {path} through, of which it is not known what it reaches"
        return
    for whole in filter(None, (names.whole, *names.twins)):
        found = namespaces.get(whole)
        if whole in controller.namespaces or (found is not None and name in found.controllers):
            yield f"its controller is passed through by {nqn}"
            return


def _above(session: Session, names: Names) -> Iterator[str]:
    """What else tells that a disk is not for us: partitions on a whole disk, users of the whole disk of a partition."""
    if not names.own:
        return
    if names.own == names.whole:
        if names.partitions:
            yield f"it has partitions ({', '.join(names.partitions[:3])}): name one of them"
        return
    if not is_there(session.door.files, f"{_BLOCK}/{names.whole}/holders"):
        return
    for holder in session.door.files.list(f"{_BLOCK}/{names.whole}/holders"):
        yield f"its whole disk is part of {holder}"
    whole = read_backing(Reader(session.door.files), [f"/dev/{names.whole}"])[f"/dev/{names.whole}"]
    direct = (user for user in whole.users if user.startswith(("mounted", "used", "loop", "served")))
    yield from (f"its whole disk is used: {user}" for user in direct)
