"""A host whose pairs are tried: its pools, and what is predicted of them."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from p2pctl.errors import P2pctlError, UnsupportedError, from_os_error
from p2pctl.findings.pools import why_no_pool
from p2pctl.hardware.pci import DEVICES
from p2pctl.model.address import Address
from p2pctl.proof.judge import excuse_for
from p2pctl.proof.pairs import Pair, Pool, check_mappable
from p2pctl.render.verdicts import PARTS, Names, choose, find_provider
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.selection import parse_release
from p2pctl.resolver.topology import Topology

if TYPE_CHECKING:
    from p2pctl.cli.session import Session
    from p2pctl.model.snapshot import Snapshot


class Host:
    """A host whose pairs are tried."""

    def __init__(self, session: Session, *, wake: bool = False) -> None:
        check_running(session)
        self.session = session
        self.snapshot: Snapshot = session.snapshot(PARTS, wake=wake)
        self.names = Names(self.snapshot)
        self.selection = choose(self.snapshot, None)
        self.resolver = Resolver(Topology.of(self.snapshot), self.selection.rules)
        release = self.snapshot.kernel.release if self.snapshot.kernel else None
        self.release = release if isinstance(release, str) else None

    def pair(self, provider: Address, client: Address, disk: str, unit: int) -> Pair:
        """A pool and a disk, and why the disk takes no P2P memory, where that is known."""
        namespaces = self.snapshot.nvme.namespaces if self.snapshot.nvme else {}
        namespace = namespaces.get(disk.rpartition("/")[2])
        parsed = parse_release(self.release) if self.release else None
        head = namespace is not None and namespace.multipath
        return Pair(provider, client, disk, unit, excuse_for(head=head, release=parsed.version if parsed else None))

    def provider(self, text: str) -> Pool:
        """The pool that a user names. Raises NotFoundError without one, UnsupportedError where it cannot be mapped."""
        address = find_provider(self.snapshot, self.session.followed(text))
        if self.snapshot.pools is None or address not in self.snapshot.pools.pools:
            raise why_no_pool(self.snapshot, address)
        check_mappable(address, self.snapshot.pools.pools[address].mappable)
        return self.pool(address)

    def pool(self, address: Address) -> Pool:
        """A pool that is there."""
        found = self.snapshot.pools.pools[address] if self.snapshot.pools else None
        device = found.character_device if found else None
        files = self.session.door.files

        def level() -> int | None:
            try:
                return int(files.read(f"{DEVICES}/{address}/p2pmem/available"))
            except (OSError, ValueError):
                return None

        path = f"/dev/{device}" if device else f"{DEVICES}/{address}/p2pmem/allocate"
        return Pool(address, path, level)


def check_running(session: Session) -> None:
    """Raises UnsupportedError for a recording: nothing can be transferred in one."""
    if session.door.kind in {"capture", "sysroot"}:
        raise UnsupportedError(
            "a recording has no memory and no drives: nothing can be transferred",
            hint="p2pctl explain PROVIDER CLIENT says what is predicted of it",
        )


_GONE = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO})
_DEVICES = ("/dev/", "/sys/")


def refusal(error: OSError, doing: str) -> P2pctlError:
    """An OSError around a transfer in the user's terms."""
    hint = "it takes root" if isinstance(error, PermissionError) else "the kernel's log may say more: dmesg"
    if isinstance(error, PermissionError) and os.geteuid() == 0:
        hint = "is the kernel locked down?"
        if error.errno == errno.EPERM and isinstance(error.filename, str) and not error.filename.startswith(_DEVICES):
            hint = f"is the file immutable? lsattr {error.filename} shows it"
    if error.errno in _GONE:
        hint = "it is there no more: p2pctl device list shows what is"
    return from_os_error(error, doing, hint=hint)


@contextlib.contextmanager
def told_as(doing: str) -> Iterator[None]:
    """For a block whose OSError is told as a failure to do this."""
    try:
        yield
    except OSError as error:
        raise refusal(error, doing) from None
