"""What changing the target needs of the outside, and the turn of the one who may change it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from p2pctl.errors import RecoverError, from_os_error
from p2pctl.kernel import Files, Log
from p2pctl.model.network import Network
from p2pctl.model.nvmet import Nvmet
from p2pctl.target import rundir
from p2pctl.target.confirmation import Timers
from p2pctl.target.journal import Journal, Status
from p2pctl.target.lock import locked
from p2pctl.target.ownership import Ownership

BOOT_ID = "/proc/sys/kernel/random/boot_id"


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a change needs of the outside."""

    files: Files
    log: Log
    read: Callable[[], Nvmet]
    """Reads the whole target, keys included: a rollback may have to write them again."""
    now: Callable[[], float]
    """Seconds since 1970."""
    directory: str = rundir.DIRECTORY
    """For lock, journal and the record of ownership."""
    timers: Timers | None = None
    """None where nothing can be done later."""
    network: Callable[[], Network] | None = None
    """Reads addresses and TCP sockets; None: whether ports listen is not checked."""
    pools: Callable[[], frozenset[str] | None] | None = None
    """Addresses of the published pools, None where that cannot be told; None: it is not checked."""

    def boot(self) -> str:
        """Which boot of the kernel this is. Raises P2pctlError."""
        try:
            return self.files.read(BOOT_ID).decode("ascii", "replace").strip()
        except OSError as error:
            raise from_os_error(error, f"read {BOOT_ID}", hint="is /proc mounted?") from None

    def journal(self) -> Journal:
        """The journal of this boot. Raises P2pctlError."""
        return Journal(self.directory, self.boot())

    def ownership(self) -> Ownership:
        """The record of what p2pctl has made in this boot. Raises P2pctlError."""
        return Ownership(self.directory, self.boot())


@contextlib.contextmanager
def held(place: Workplace, command: str, timeout: float) -> Iterator[Journal]:
    """Holds the lock, whatever was left behind. Raises BusyError, DeniedError, P2pctlError."""
    rundir.make(place.directory)
    with locked(place.directory, command, timeout=timeout):
        journal = place.journal()
        try:
            journal.tidy()
        except OSError as error:
            raise from_os_error(error, f"read the journal in {place.directory}", hint=rundir.HINT) from None
        yield journal


def refuse_unfinished(journal: Journal) -> None:
    """Raises RecoverError where a change was interrupted or waits for confirmation, P2pctlError."""
    try:
        status = journal.unfinished()
    except OSError as error:
        raise from_os_error(error, "read the journal", hint=rundir.HINT) from None
    if status is None:
        return
    name = status.transaction
    if status.applied and status.until is not None:
        raise RecoverError(
            f"the change {name} ({status.command}) waits for confirmation until {when(status.until)}",
            hint=f"p2pctl confirm {name} keeps it, p2pctl recover --rollback {name} undoes it now",
        )
    raise RecoverError(
        f"the change {name} ({status.command}) was interrupted",
        hint=f"p2pctl recover --rollback {name} undoes what it did, p2pctl recover --resume {name} finishes it",
    )


def when(moment: float) -> str:
    """A time for people, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def find(journal: Journal, transaction: str | None) -> Status | None:
    """The transaction of this name, or the unfinished one. Raises P2pctlError."""
    try:
        return journal.unfinished() if transaction is None else journal.status(transaction)
    except OSError as error:
        raise from_os_error(error, "read the journal", hint=rundir.HINT) from None
