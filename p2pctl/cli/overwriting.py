"""What must be so before anything is written to a disk: nobody uses it, and its owner says its name.

The kernel is asked as well: a block device is opened so that it refuses one that somebody holds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from p2pctl.cli.agreeing import can_answer
from p2pctl.errors import BusyError, P2pctlError, UsageError
from p2pctl.render.text import paint

if TYPE_CHECKING:
    from p2pctl.cli.drives import Drive
    from p2pctl.cli.session import Session
    from p2pctl.model.nvmet import Nvmet

_BLOCK = "/sys/class/block"


def check_free(session: Session, drive: Drive) -> None:
    """Raises UsageError for a drive that is not named by its disk, BusyError for a disk that somebody uses."""
    if not drive.named or drive.backing is None:
        raise UsageError(
            f"what is written to has to be named itself: a disk, a partition or a file, such as {drive.disk}",
            hint="a controller or an address names no place to write to",
        )
    target = session.snapshot({"nvmet"}).nvmet
    reasons = [*drive.backing.users, *_exports(session, drive, target), *_above(session, drive)]
    if reasons:
        raise BusyError(
            f"{drive.disk} is in use: {'; '.join(reasons[:3])}",
            hint="name a partition, a file or a disk that nobody uses",
            path=drive.disk,
        )
    if not drive.backing.users_known or target is None or target.gaps:
        raise BusyError(
            f"who uses {drive.disk} could not be found out: the mounts, the swap spaces or the target cannot be read",
            hint="run it as root, with /proc mounted",
            path=drive.disk,
        )


def _exports(session: Session, drive: Drive, target: Nvmet | None) -> Iterator[str]:
    """Namespaces of the target that are served from it, from its whole disk, or from a part of it."""
    whole = _whole(session, drive.disk)
    for nqn, one in (target.subsystems if target else {}).items():
        for nsid, namespace in one.namespaces.items():
            path = namespace.attributes.get("device_path")
            if isinstance(path, str) and path.startswith("/"):
                real = session.followed(path)
                if real in {drive.disk, whole} or _whole(session, real) == drive.disk:
                    yield f"it is exported as namespace {nsid} of {nqn}"
        passed = one.passthru.get("device_path")
        if isinstance(passed, str) and whole.startswith(f"{passed}n"):
            yield f"its controller is passed through by {nqn}"


def _whole(session: Session, path: str) -> str:
    """The whole disk of a partition; anything else is whole itself."""
    real = session.followed(f"{_BLOCK}/{path.rpartition('/')[2]}")
    if not path.startswith("/dev/") or real.startswith(_BLOCK) or not _there(session, f"{real}/partition"):
        return path
    return f"/dev/{real.rpartition('/')[0].rpartition('/')[2]}"


def _parts(session: Session, real: str, name: str) -> Iterator[str]:
    try:
        entries = session.door.files.list(real)
    except OSError:
        return
    yield from (one for one in entries if one.startswith(name) and _there(session, f"{real}/{one}/partition"))


def _above(session: Session, drive: Drive) -> Iterator[str]:
    """What else tells that a disk is not for us: partitions on a whole disk, users of the whole disk of a partition."""
    name = drive.disk.rpartition("/")[2]
    real = session.followed(f"{_BLOCK}/{name}")
    if not drive.disk.startswith("/dev/") or real.startswith(_BLOCK):
        return
    if not _there(session, f"{real}/partition"):
        parts = tuple(_parts(session, real, name))
        if parts:
            yield f"it has partitions ({', '.join(parts[:3])}): name one of them"
        return
    try:
        holders = session.door.files.list(f"{real.rpartition('/')[0]}/holders")
    except OSError:
        return
    yield from (f"its whole disk is part of {holder}" for holder in holders)


def _there(session: Session, path: str) -> bool:
    try:
        session.door.files.stat(path)
    except OSError:
        return False
    return True


def ask_name(session: Session, disk: str, confirmed: str | None, what: str) -> None:
    """Has whoever sits there type the disk's name. Raises UsageError where nobody can or the name given is another."""
    name = disk.rpartition("/")[2]
    if confirmed is not None:
        if confirmed not in {name, disk}:
            raise UsageError(f"--confirm names {confirmed}, and not {disk}", hint=f"--confirm {name}")
        return
    if not can_answer():
        raise UsageError(f"this {what}, and there is no terminal to ask at", hint=f"--confirm {name} says yes to it")
    session.narrator.note(f"This {what}.")
    sys.stderr.write(paint(f"Type the name of the disk, {name}, to go on:", color=False) + " ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() not in {name, disk}:
        raise P2pctlError("not confirmed: nothing was written", hint=f"type {name} when asked")
