"""``p2pctl doctor``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from p2pctl.cli.framework import command, single
from p2pctl.cli.options import Wake
from p2pctl.cli.session import Session
from p2pctl.errors import ExitCode, NotFoundError, UsageError

if TYPE_CHECKING:
    from p2pctl.findings.catalogue import Entry
    from p2pctl.model.facts import Gap
    from p2pctl.model.snapshot import Snapshot
    from p2pctl.render.junit import Case
    from p2pctl.target.port_state import PortState

app = single()

# Spelled out here, so that the help page imports none of the lists.
_Use = Literal["nvmet", "gds", "rocm", "spdk"]


@command(app, "doctor")
def doctor(  # noqa: PLR0917  typer reads parameters, nobody passes them
    ctx: typer.Context,
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE]", show_default=False, help="Explain this code in full.")
    ] = None,
    use: Annotated[
        _Use | None,
        typer.Option("--for", metavar="USE", help="List what a use needs instead: nvmet, gds, rocm or spdk."),
    ] = None,
    codes: Annotated[bool, typer.Option("--codes", help="List every code that there is instead.")] = False,
    junit: Annotated[
        str | None,
        typer.Option(
            "--junit", metavar="FILE", help="Write the result as JUnit XML, too; - to standard output, alone."
        ),
    ] = None,
    exit_code: Annotated[
        bool,
        typer.Option("--exit-code", help="Exit with 8 for a warning, an error or a failed need, 9 if one may hide."),
    ] = False,
    wake: Wake = False,
) -> None:
    """Show what stands in the way of P2P on this host, why, and what to do about it.

        $ p2pctl doctor
        $ p2pctl doctor acs-redirect
        $ p2pctl doctor --for nvmet
        $ p2pctl doctor --exit-code --junit doctor.xml
        $ p2pctl --capture host.tar.gz doctor -o json

    A finding that matters to no pair of devices and no port of this host is information, never a warning. Reading ACS
    takes root: what could not be read is told, and counts as unknown.
    """
    session = Session.of(ctx)
    _check(code, use, junit, codes=codes)
    entry = None if code is None else _entry(code)
    snapshot, states = _look(session, wake=wake)
    if use is not None:
        answer = _use(session, snapshot, states, use, junit)
    else:
        answer = _findings(session, snapshot, states, entry, junit, codes=codes)
    if exit_code and answer is not ExitCode.OK:
        raise typer.Exit(answer)


def _check(code: str | None, use: str | None, junit: str | None, *, codes: bool) -> None:
    """Raises UsageError for what makes no sense together."""
    asked = [
        name
        for name, given in (("CODE", code is not None), ("--for", use is not None), ("--codes", codes))
        if given
    ]  # fmt: skip
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} exclude each other", hint="ask for one of them at a time")
    if junit is not None and (code is not None or codes):
        raise UsageError("--junit goes with the whole list, or with --for", hint="leave CODE or --codes out")
    if junit == "":
        raise UsageError("--junit is empty", hint="name a file, or - for standard output")


def _entry(code: str) -> Entry:
    """The code that is asked about. Raises NotFoundError, with the names that are near."""
    from p2pctl.findings.catalogue import ENTRIES  # noqa: PLC0415  --help reads nothing

    if code in ENTRIES:
        return ENTRIES[code]
    from difflib import get_close_matches  # noqa: PLC0415

    near = get_close_matches(code.lower(), ENTRIES, n=3, cutoff=0.5)
    listed = "p2pctl doctor --codes lists all"
    raise NotFoundError(
        f"no finding has the code {code!r}", hint=f"did you mean {' or '.join(near)}? {listed}" if near else listed
    )


def _look(session: Session, *, wake: bool) -> tuple[Snapshot, tuple[PortState, ...]]:
    """The host with all parts that findings are made from, and the states of its ports."""
    from p2pctl.findings.devices import PARTS  # noqa: PLC0415
    from p2pctl.findings.pools import also_needed  # noqa: PLC0415
    from p2pctl.hardware.nvmet import look_for_keys  # noqa: PLC0415
    from p2pctl.hardware.reading import Reader  # noqa: PLC0415
    from p2pctl.target.port_state import evidence_needed, port_states  # noqa: PLC0415

    snapshot = session.snapshot({*PARTS, "kernel", "nvmet", "rnbd", "machine", "connections"}, wake=wake)
    snapshot = session.extended(snapshot, also_needed(snapshot) | evidence_needed(snapshot))
    if snapshot.nvmet is not None:
        snapshot = replace(snapshot, nvmet=look_for_keys(Reader(session.door.files), snapshot.nvmet))
    return snapshot, port_states(snapshot, followed=session.device_links(snapshot))


def _findings(
    session: Session,
    snapshot: Snapshot,
    states: Sequence[PortState],
    entry: Entry | None,
    junit: str | None,
    *,
    codes: bool,
) -> ExitCode:
    from p2pctl.cli.unfinished import change_findings  # noqa: PLC0415
    from p2pctl.findings.rules import every_finding  # noqa: PLC0415
    from p2pctl.findings.scene import Scene  # noqa: PLC0415
    from p2pctl.findings.undecided import Undecided  # noqa: PLC0415
    from p2pctl.render.doctor import code_page, codes_report, doctor_report  # noqa: PLC0415

    scene = Scene(snapshot)
    found, unknown = every_finding(scene, states, change_findings(session)), Undecided(scene)
    if junit is not None:
        from p2pctl.render.junit import finding_cases  # noqa: PLC0415

        _write(snapshot, None, finding_cases(found, unknown), junit)
    if entry is not None:
        session.show(code_page(snapshot, entry, found, unknown))
        return _answer(unknown.about(entry.code), bad=any(one.code == entry.code for one in found))
    if junit != "-":
        report = codes_report if codes else doctor_report
        session.show(report(snapshot, found, unknown))
    return _answer(unknown.of_all(), bad=any(one.severity != "info" for one in found))


def _answer(gaps: Sequence[Gap], *, bad: bool) -> ExitCode:
    if bad:
        return ExitCode.ANSWER_NO
    return ExitCode.ANSWER_UNKNOWN if gaps else ExitCode.OK


def _use(session: Session, snapshot: Snapshot, states: Sequence[PortState], use: _Use, junit: str | None) -> ExitCode:
    from p2pctl.findings.requirements import requirements  # noqa: PLC0415
    from p2pctl.render.doctor_use import use_report  # noqa: PLC0415

    found = requirements(snapshot, use, states)
    if junit is not None:
        from p2pctl.render.junit import requirement_cases  # noqa: PLC0415

        _write(snapshot, use, requirement_cases(found), junit)
    if junit != "-":
        session.show(use_report(snapshot, use, found))
    answers = {one.answer for one in found}
    return ExitCode.ANSWER_NO if False in answers else ExitCode.ANSWER_UNKNOWN if None in answers else ExitCode.OK


def _write(snapshot: Snapshot, use: _Use | None, cases: Sequence[Case], file: str) -> None:
    """Writes the XML to a file, whole or not at all, or to standard output. Raises P2pctlError."""
    from p2pctl.render.junit import junit  # noqa: PLC0415

    data = junit(snapshot, use, cases)
    if file == "-":
        from p2pctl.cli import output  # noqa: PLC0415

        output.write_bytes(data)
        return
    from p2pctl.saving import save  # noqa: PLC0415

    save(data, file, force=True)
