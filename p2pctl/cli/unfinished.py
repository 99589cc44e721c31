"""A change that is not finished, for who only looks: nothing is locked, made or refused here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p2pctl.errors import P2pctlError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from p2pctl.cli.session import Session
    from p2pctl.findings.finding import Finding


def change_findings(session: Session) -> tuple[Finding, ...]:
    """What there is to say of an interrupted or waiting change; nothing where that cannot be read."""
    from p2pctl.cli.workplace import is_recorded  # noqa: PLC0415

    if is_recorded(session):
        return ()
    return (*_change(session), *_overwritten(session))


def _overwritten(session: Session) -> Iterator[Finding]:
    """A disk that was written over; nothing where that is somebody else's to read."""
    from p2pctl.cli.rescue import kept_in, killed_text, left_in  # noqa: PLC0415
    from p2pctl.findings.finding import Finding  # noqa: PLC0415
    from p2pctl.target import rundir  # noqa: PLC0415

    directory = kept_in(session)
    if not rundir.trusted(directory):
        return
    try:
        left = None if under_way(workplace_of(session)) else left_in(directory)
    except OSError:
        return
    except P2pctlError as error:
        yield Finding("disk-overwritten", "error", None, error.message, directory, error.hint or "")
        return
    if left is not None:
        yield Finding("disk-overwritten", "error", None, killed_text(left), left.file, "p2pctl recover")


def workplace_of(session: Session) -> str:
    """The directory whose lock tells whether somebody changes or writes anything just now."""
    from p2pctl.cli.workplace import workplace  # noqa: PLC0415

    return workplace(session).directory


def _change(session: Session) -> tuple[Finding, ...]:
    from p2pctl.cli.workplace import workplace  # noqa: PLC0415
    from p2pctl.target import rundir  # noqa: PLC0415

    place = workplace(session)
    if not rundir.trusted(place.directory):
        return ()
    from p2pctl.target.recover import waiting  # noqa: PLC0415  most hosts have nothing there

    try:
        found = None if under_way(place.directory) else waiting(place)
    except (OSError, P2pctlError):
        return ()
    if found is None:
        return ()
    from p2pctl.findings.finding import Finding  # noqa: PLC0415
    from p2pctl.target.workplace import when  # noqa: PLC0415

    name = found.transaction
    if found.kind == "confirmation":
        until = f" at {when(found.until)}" if found.until is not None else ""
        text = f"the change {name} ({found.command}) undoes itself{until} unless it is confirmed"
        return (Finding("change-unconfirmed", "warning", None, text, place.directory, f"p2pctl confirm {name}"),)
    text = f"the change {name} ({found.command}) was interrupted: until it is undone or finished, others are refused"
    return (Finding("change-interrupted", "error", None, text, place.directory, "p2pctl recover"),)


def check_finished(session: Session) -> None:
    """Raises RecoverError where a change was interrupted, or waits for confirmation: others are refused until then.

    Says nothing where that cannot be told: who makes a change is told for certain.
    """
    from p2pctl.cli.workplace import workplace  # noqa: PLC0415
    from p2pctl.target import rundir  # noqa: PLC0415
    from p2pctl.target.workplace import refuse_unfinished  # noqa: PLC0415

    place = workplace(session)
    if rundir.trusted(place.directory) and not under_way(place.directory):
        refuse_unfinished(place.journal())


def under_way(directory: str) -> bool:
    """Whether somebody is changing the target just now; False where that cannot be told."""
    from p2pctl.target.lock import busy  # noqa: PLC0415

    try:
        return busy(directory)
    except OSError:
        return False
