"""What a change needs of the outside: the door's files and log, a place for lock and journal, timers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from p2pctl.errors import UsageError

if TYPE_CHECKING:
    from p2pctl.cli.session import Session
    from p2pctl.model.network import Network
    from p2pctl.model.nvmet import Nvmet
    from p2pctl.target.workplace import Workplace

_RECORDED = {"capture": "a capture", "sysroot": "a directory"}


def is_recorded(session: Session) -> bool:
    """Whether the source of facts is a recording."""
    return session.door.kind in _RECORDED


def check_changeable(session: Session, *, dry_run: bool | None = None) -> None:
    """Raises UsageError for a source of facts that is a recording, unless the change is only to be planned.

    ``dry_run`` is None for what cannot be planned.
    """
    recorded = _RECORDED.get(session.door.kind)
    if recorded is not None and not dry_run:
        hint = "leave the option out, or use --demo"
        if dry_run is not None:
            hint = f"{hint}; --dry-run shows what would be done there"
        raise UsageError(f"a change is asked of a recording: {recorded} cannot be changed", hint=hint)


def check_recorded(session: Session) -> None:
    """Raises UnsupportedError for a recording without a target, DeniedError where that cannot be told."""
    from p2pctl.cli.objects import check_target  # noqa: PLC0415

    check_target(read_target(session))


def read_target(session: Session) -> Nvmet:
    """The target with its secrets: what is changed must be known whole."""
    from p2pctl.hardware.nvmet import read_nvmet  # noqa: PLC0415
    from p2pctl.hardware.reading import Reader  # noqa: PLC0415

    door = session.door
    return read_nvmet(Reader(door.files), door.now(), secrets=True)


def owned_now(session: Session, live: Nvmet) -> frozenset[str]:
    """What p2pctl has made in this boot. Raises P2pctlError; UsageError for a recording, which has no such record."""
    check_changeable(session)
    return workplace(session).ownership().owned(live)


def workplace(session: Session) -> Workplace:
    """The place where a change of this source is made."""
    from p2pctl.target.workplace import Workplace  # noqa: PLC0415

    door = session.door

    def network() -> Network:
        from p2pctl.hardware.network import read_network  # noqa: PLC0415
        from p2pctl.hardware.reading import Reader  # noqa: PLC0415

        return read_network(Reader(door.files), door.now())

    def pools() -> frozenset[str] | None:
        part = session.snapshot({"pools"}).pools
        if part is None or any(gap.fact == "pool" for gap in part.gaps):
            return None
        return frozenset(str(address) for address, pool in part.pools.items() if pool.published is True)

    place = Workplace(
        files=door.files,
        log=door.log,
        read=lambda: read_target(session),
        now=door.now,
        network=network,
        pools=pools,
    )
    return _at_home(session, place)


def _at_home(session: Session, place: Workplace) -> Workplace:
    """The place with its directory, and its timers where there can be any."""
    from dataclasses import replace  # noqa: PLC0415

    from p2pctl.hardware.timers import SystemdTimers  # noqa: PLC0415

    if session.door.kind == "demo":
        from p2pctl.simulator.door import state_directory  # noqa: PLC0415

        state = state_directory(os.environ)
        timers = SystemdTimers(
            user=os.geteuid() != 0, before=("--demo",), environment=(("XDG_STATE_HOME", str(state.parent.parent)),)
        )
        return replace(place, directory=f"{state}/run", timers=timers)
    return replace(place, timers=SystemdTimers())
