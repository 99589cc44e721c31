"""What each exit code means, for people."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.errors import ExitCode
from scripts.generators.manual import mdoc

_MEANINGS = {
    ExitCode.OK: "Done, or nothing to do.",
    ExitCode.FAILED: "Failed. Nothing is changed, or everything was rolled back.",
    ExitCode.USAGE: "Usage, an ambiguous name, a bad input file, or a change asked of a recording.",
    ExitCode.NOT_FOUND: "Not found; or a device without P2P memory where a pool is meant.",
    ExitCode.DENIED: "Permission or lockdown.",
    ExitCode.UNSUPPORTED: "This kernel, or this source of facts, cannot.",
    ExitCode.BUSY: "Busy, locked, or the target has moved since the plan was made: trying again may work.",
    ExitCode.PARTIAL: "Failed half way: the target is neither as before nor as wanted. What differs is reported.",
    ExitCode.ANSWER_NO: "The answer is no: with --exit-code, and where a check refuses a change before the first "
    "write.",
    ExitCode.ANSWER_UNKNOWN: "It cannot be told: in the same cases.",
    ExitCode.RECOVER: "An interrupted change must be recovered first.",
    ExitCode.INTERRUPTED: "Interrupted. A change in progress has finished its step and was rolled back.",
}


def exit_codes() -> Iterator[str]:
    """All of them. Raises KeyError for one without a meaning."""
    yield ".Bl -tag -width 130"
    for code in ExitCode:
        yield f".It {int(code)}"
        yield from mdoc.paragraph(_MEANINGS[code])
    yield ".El"
