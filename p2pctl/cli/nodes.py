"""Under which names a disk is there: its whole disk, its partitions, and other nodes of the same namespace."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from p2pctl.hardware.openers import number
from p2pctl.hardware.reading import is_there

if TYPE_CHECKING:
    from p2pctl.cli.session import Session

_BLOCK = "/sys/class/block"
_GENERIC = "/sys/class/nvme-generic"


def number_of(session: Session, name: str) -> str:
    """Of a block device, such as ``259:1``; empty where it cannot be read."""
    return _number(session, f"{_BLOCK}/{name}")


def _number(session: Session, place: str) -> str:
    try:
        return session.door.files.read(f"{place}/dev").decode("ascii", "replace").strip()
    except OSError:
        return ""


def nodes_of(session: Session, names: Iterable[str]) -> dict[str, str]:
    """Every node through which these block devices are reached, by number: a namespace has a character device, too."""
    found: dict[str, str] = {}
    for name in names:
        generic = name.replace("nvme", "ng", 1)
        found[number("block", number_of(session, name))] = f"/dev/{name}"
        if generic != name and (text := _number(session, f"{_GENERIC}/{generic}")):
            found[number("char", text)] = f"/dev/{generic}"
    return found


def whole_of(session: Session, name: str) -> str:
    """Name of the whole disk of a partition; anything else is whole itself."""
    real = session.followed(f"{_BLOCK}/{name}")
    if real.startswith(_BLOCK) or not is_there(session.door.files, f"{real}/partition"):
        return name
    return real.rpartition("/")[0].rpartition("/")[2]


def is_partition(session: Session, name: str) -> bool:
    """Whether a block device is part of a disk."""
    return is_there(session.door.files, f"{_BLOCK}/{name}/partition")


def partitions_of(session: Session, whole: str) -> tuple[str, ...]:
    """Names of a whole disk's partitions."""
    real = session.followed(f"{_BLOCK}/{whole}")
    try:
        entries = session.door.files.list(real)
    except OSError:
        return ()
    return tuple(
        one for one in entries if one.startswith(whole) and is_there(session.door.files, f"{real}/{one}/partition")
    )


def mark_of(session: Session, whole: str) -> str | None:
    """The name that a namespace has wherever it hangs (``wwid``, drivers/nvme/host/sysfs.c); None for other disks."""
    for place in ("wwid", "device/wwid"):
        with contextlib.suppress(OSError):
            text = session.door.files.read(f"{_BLOCK}/{whole}/{place}").decode("utf-8", "replace").strip()
            if text:
                return text
    return None


def known_as(session: Session, name: str) -> str | None:
    """What a namespace, or a partition of one, is known by wherever it hangs; None for other disks."""
    whole = whole_of(session, name)
    known = mark_of(session, whole)
    return None if known is None else f"{known} {name.removeprefix(whole)}".strip()


def called_now(session: Session, name: str, known: str) -> str:
    """Name of the disk that was called so: a drive that comes back, or a reboot, may change it."""
    if known_as(session, name) != known:
        for other in session.door.files.list(_BLOCK):
            # A path below a multipath head has the same identifier, and no node (GENHD_FL_HIDDEN): it has no number.
            if known_as(session, other) == known and number_of(session, other):
                return other
    return name


def twins_of(session: Session, whole: str) -> Iterator[str]:
    """Other whole disks that are the same namespace: its paths, or its nodes without native multipathing."""
    mark = mark_of(session, whole)
    if mark is None:
        return
    for name in session.door.files.list(_BLOCK):
        if name != whole and whole_of(session, name) == name and mark_of(session, name) == mark:
            yield name
