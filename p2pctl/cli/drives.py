"""The disk through which a client can be tried: what a user names, turned into a drive and a path to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from p2pctl.errors import NotFoundError, P2pctlError, UnsupportedError
from p2pctl.hardware.backing import Mount, mounted_from, read_backing
from p2pctl.hardware.reading import Reader
from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.proof.data import PAGE
from p2pctl.render.explain_case import Host, judged
from p2pctl.render.explain_words import headline
from p2pctl.render.verdicts import Names, find_client, no_function_text, verdict_item
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.topology import Topology
from p2pctl.resolver.verdict import Client

if TYPE_CHECKING:
    from p2pctl.cli.session import Session
    from p2pctl.model.backing import Backing
    from p2pctl.model.snapshot import Snapshot

_BLOCK = "/sys/class/block"

_ON_ONE = frozenset({"ext2", "ext3", "ext4", "xfs"})
"""File systems whose files lie on the device that they are mounted from, and nowhere else."""


class Drive(NamedTuple):
    """A drive, and what of it is transferred to and from."""

    client: Address
    disk: str
    """Device node or file."""
    unit: int
    """Bytes that a transfer must be a multiple of."""
    named: bool
    """Whether the user named the disk itself, and not the drive."""
    backing: Backing | None = None
    """What stands behind a disk that was named."""


def disks_of(snapshot: Snapshot, client: Address) -> tuple[str, ...]:
    """Device nodes of a drive's namespaces; none for what is no NVMe drive."""
    controller = snapshot.nvme.at(client) if snapshot.nvme else None
    if snapshot.nvme is None or controller is None:
        return ()
    namespaces = snapshot.nvme.namespaces.values()
    return tuple(f"/dev/{one.name}" for one in namespaces if controller.name in one.controllers)


def unit_of(session: Session, disk: str) -> int:
    """A page, or a block of the disk where that is larger; of a partition, a block of its whole disk."""
    reader = Reader(session.door.files)
    real = reader.device_path(f"{_BLOCK}/{disk.rpartition('/')[2]}", "block device")
    if isinstance(real, Missing):
        return PAGE
    for place in (real, real.rpartition("/")[0]):
        size = reader.number(f"{place}/queue/logical_block_size", "block size")
        if not isinstance(size, Missing) and size > 0:
            return max(size, PAGE)
    return PAGE


def find_drive(session: Session, snapshot: Snapshot, provider: Address, text: str, resolver: Resolver) -> Drive:
    """What ``text`` names. Raises UnsupportedError for what is no NVMe drive, with what can be said of it instead."""
    named = _named_disk(session, text)
    if named is None:
        client = find_client(snapshot, session.followed(text))
        disks = disks_of(snapshot, client) if isinstance(client, Address) else ()
        if not disks or not isinstance(client, Address):
            raise no_drive(snapshot, provider, client, resolver)
        return Drive(client, disks[0], unit_of(session, disks[0]), named=False)
    mount = None if named.kind == "block" else _below(session, named)
    device = named.path if mount is None else mount.source
    client = find_client(snapshot, device)
    if not isinstance(client, Address) or not disks_of(snapshot, client):
        raise no_drive(snapshot, provider, client, resolver)
    if mount is not None:
        _check_on_one(named, mount)
    return Drive(client, named.path, unit_of(session, device), named=True, backing=named)


def _named_disk(session: Session, text: str) -> Backing | None:
    """The block device or file that is named, with its real path; None for anything else.

    Raises NotFoundError for a path where nothing is.
    """
    reader = Reader(session.door.files)
    path = text
    if "/" not in text:
        if isinstance(reader.device_path(f"{_BLOCK}/{text}", "block device"), Missing):
            return None
        path = f"/dev/{text}"
    if path.startswith("/sys/"):
        return None
    found = read_backing(reader, [path])[path]
    if isinstance(found.real, Missing) and not path.startswith("/dev/"):
        raise NotFoundError(f"there is no {path}", hint="name a drive, a partition or a file", path=path)
    if found.kind not in {"block", "file"}:
        return None
    return found._replace(path=found.real) if isinstance(found.real, str) else found


def _below(session: Session, file: Backing) -> Mount:
    """The file system that a file lies on. Raises UnsupportedError where that lies on no device."""
    mount = mounted_from(Reader(session.door.files), file.path)
    if mount is None:
        raise UnsupportedError(
            f"{file.path} lies on no disk, as far as /proc/self/mountinfo tells", hint="name a drive or a partition"
        )
    return mount


def _check_on_one(file: Backing, mount: Mount) -> None:
    """Raises UnsupportedError for a file that may lie on another device than the one that is mounted."""
    other = next((option for option in sorted(mount.options) if option.startswith("rtdev=")), None)
    if mount.kind in _ON_ONE and other is None:
        return
    raise UnsupportedError(
        f"{file.path} may lie on another device than {mount.source}: "
        + (f"its file system has two ({other})" if other else f"{mount.kind} can spread a file over several"),
        hint="name a drive, a partition, or a file on ext4 or on XFS without a real-time device",
        path=file.path,
    )


def no_drive(snapshot: Snapshot, provider: Address, client: Client, resolver: Resolver) -> P2pctlError:
    """The error for a client through which nothing can be read, with what is predicted of it."""
    names = Names(snapshot)
    case = judged(Host(snapshot, Topology.of(snapshot), names), resolver, provider, client)
    if isinstance(client, str):
        error = UnsupportedError(
            f"{no_function_text(snapshot, client)}: only a transfer of an NVMe drive can be tried",
            hint="name one of the drives that it is made of, if there are any",
        )
    else:
        what = names.devices[client].kind if client in names.devices else "device"
        text = (
            f"{names.label(client)} has no namespace to read from"
            if what == "nvme"
            else f"{names.label(client)} is no NVMe drive"
        )
        hint = "p2pctl port state says what the NVMe target did, once a host is connected through it"
        if what not in {"rdma", "network"}:
            hint = f"p2pctl explain {provider} {client} says why; what its own driver does, only that can tell"
        error = UnsupportedError(f"{text}: user space has no way to make it transfer anything", hint=hint)
    error.details = (f"What is predicted: {headline(names, case)}",)
    error.facts = {"prediction": verdict_item(names, provider, client, case.verdict.outcome, resolver.rules)}
    return error
