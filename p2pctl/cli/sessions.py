"""What commands about hosts read besides the target's tree: whether keys are set, and who is connected."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from p2pctl.target.problems import is_on

if TYPE_CHECKING:
    from p2pctl.cli.session import Session
    from p2pctl.model.connections import Controller
    from p2pctl.model.facts import Fact
    from p2pctl.model.nvmet import Nvmet
    from p2pctl.model.snapshot import Snapshot

_ANY = "attr_allow_any_host"


def with_keys(session: Session) -> Snapshot:
    """A snapshot of the target with the hosts' keys, of which whoever shows it shows only whether there is one."""
    from p2pctl.hardware.nvmet import read_nvmet  # noqa: PLC0415  --help reads nothing
    from p2pctl.hardware.reading import Reader  # noqa: PLC0415

    door = session.door
    return replace(session.snapshot(set()), nvmet=read_nvmet(Reader(door.files), door.now(), secrets=True))


class Dropping:
    """Sessions of hosts whose right to a subsystem is taken away: the kernel does not end them for it."""

    def __init__(
        self, session: Session, *, wanted: bool = False, offered: bool = False, always: tuple[str, str] | None = None
    ) -> None:
        """``offered`` says that the command has --drop, ``wanted`` that it was given.

        ``always`` is a subsystem and a host whose sessions end even if the host has no right left to lose.
        """
        self._session = session
        self._wanted = wanted
        self._offered = offered
        self._always = always if wanted else None
        self._found: tuple[Controller, ...] = ()

    def look(self, live: Nvmet, wanted: Nvmet) -> tuple[str, ...]:
        """Looks for sessions and says what will become of them.

        Raises UnsupportedError where they are to end and this kernel has no way.
        """
        from p2pctl.errors import UnsupportedError  # noqa: PLC0415

        ends = dict(_ending(live, wanted))
        if not ends and self._always is None:
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
        self._found = tuple(
            one
            for one in shown.controllers
            if (one.subsystem, one.host) == self._always
            or (one.subsystem in ends and _loses(ends[one.subsystem], one.host))
        )
        if self._wanted:
            return ()
        staying = {(one.subsystem, one.host): None for one in self._found}
        return tuple(f"{host} stays connected to {nqn}: {self._how(host)}" for nqn, host in staying)

    def _how(self, host: Fact[str]) -> str:
        """What ends a session that goes on."""
        if self._offered:
            return "--drop ends its sessions"
        return f"p2pctl connection drop --host {shlex.quote(str(host))} ends its sessions"

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


class _Ending(NamedTuple):
    """A subsystem to which somebody loses the right: who had it, and who keeps it."""

    before: frozenset[str] | None
    """None: any host."""
    after: frozenset[str]


def _ending(live: Nvmet, wanted: Nvmet) -> Iterator[tuple[str, _Ending]]:
    """Subsystems to which rights end. With a subsystem that goes, its sessions go."""
    for nqn, one in live.subsystems.items():
        then = wanted.subsystems.get(nqn)
        if then is None or is_on(then.attributes, _ANY):
            continue
        ending = _Ending(
            None if is_on(one.attributes, _ANY) else frozenset(one.allowed_hosts), frozenset(then.allowed_hosts)
        )
        if ending.before is None or ending.before - ending.after:
            yield nqn, ending


def _loses(ending: _Ending, host: Fact[str]) -> bool:
    return isinstance(host, str) and host not in ending.after and (ending.before is None or host in ending.before)
