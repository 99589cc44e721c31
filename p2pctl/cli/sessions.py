"""What commands about hosts read besides the target's tree: whether keys are set, and who is connected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from p2pctl.cli.session import Session
    from p2pctl.model.connections import Controller
    from p2pctl.model.nvmet import Nvmet
    from p2pctl.model.snapshot import Snapshot


def with_keys(session: Session) -> Snapshot:
    """A snapshot of the target with the hosts' keys, of which whoever shows it shows only whether there is one."""
    from p2pctl.hardware.nvmet import read_nvmet  # noqa: PLC0415  --help reads nothing
    from p2pctl.hardware.reading import Reader  # noqa: PLC0415

    door = session.door
    return replace(session.snapshot(set()), nvmet=read_nvmet(Reader(door.files), door.now(), secrets=True))


class Dropping:
    """Sessions of hosts whose right to a subsystem is taken away: the kernel does not end them for it."""

    def __init__(self, session: Session, *, wanted: bool = False, always: tuple[str, str] | None = None) -> None:
        """``always`` is a subsystem and a host whose sessions end even if the host has no right left to lose."""
        self._session = session
        self._wanted = wanted
        self._always = always
        self._found: tuple[Controller, ...] = ()

    def look(self, live: Nvmet, wanted: Nvmet) -> tuple[str, ...]:
        """Looks for sessions and says what will become of them.

        Raises UnsupportedError where they are to end and this kernel has no way.
        """
        from p2pctl.errors import UnsupportedError  # noqa: PLC0415

        pairs = {*_taken(live, wanted), *([self._always] if self._always and self._wanted else [])}
        if not pairs:
            return ()
        shown = self._session.snapshot({"connections"}).connections
        told = shown is not None and shown.debugfs is True
        if self._wanted and not told:
            raise UnsupportedError(
                "this kernel shows no sessions, and has no way to end one (nvmet's debugfs)",
                hint="without --drop the right is taken, and `p2pctl port unlink` ends all sessions of a subsystem",
            )
        if shown is None or not told:
            return ("a session that a host has goes on: taking its right away does not end it",)
        self._found = tuple(one for one in shown.controllers if (one.subsystem, one.host) in pairs)
        if self._wanted:
            return ()
        staying = {(one.subsystem, one.host): None for one in self._found}
        return tuple(f"{host} stays connected to {nqn}: --drop ends its sessions" for nqn, host in staying)

    def end(self) -> tuple[str, ...]:
        """Ends the sessions, where that is wanted, and says which. Raises P2pctlError where the kernel refuses."""
        from p2pctl.errors import from_os_error  # noqa: PLC0415

        ended = []
        for one in self._found if self._wanted else ():
            what = f"controller {one.cntlid} of {one.subsystem}"
            try:
                self._session.door.files.write(f"{one.path}/state", b"fatal")
            except FileNotFoundError:
                continue
            except OSError as error:
                hint = "the right is taken all the same; p2pctl connection list shows who is there"
                raise from_os_error(error, f"end {what}", hint=hint) from error
            ended.append(f"ended {what}")
        return tuple(ended)


def _taken(live: Nvmet, wanted: Nvmet) -> Iterator[tuple[str, str]]:
    """Rights that end: subsystem and host. With a subsystem go its sessions."""
    for nqn, one in live.subsystems.items():
        then = wanted.subsystems.get(nqn)
        if then is not None:
            yield from ((nqn, host) for host in one.allowed_hosts if host not in then.allowed_hosts)
