"""``p2pctl capture``: reads everything once and writes it to a file."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from p2pctl.cli import output
from p2pctl.cli.session import Session
from p2pctl.cli.terminal import is_terminal
from p2pctl.errors import UsageError
from p2pctl.hardware.capture.take import Taken
from p2pctl.hardware.capture.take import take as take_capture
from p2pctl.hardware.snapshot import ALL_PARTS, take
from p2pctl.render.notes import gap_notes
from p2pctl.saving import check, save
from p2pctl.units import format_bytes

if TYPE_CHECKING:
    from p2pctl.kernel import Door
    from p2pctl.model.snapshot import Snapshot


def record(session: Session, file: str, *, redacted: bool, force: bool, wake: bool) -> None:
    """Records what ``session`` sees.

    Raises UsageError for a terminal and for a file that is there, UnsupportedError for a host that is too large, and
    P2pctlError where the file or standard output cannot be written to.
    """
    if file != "-":
        # Reading a large host takes seconds, which are lost on a file that cannot be written.
        check(file, force=force)
    elif is_terminal(sys.stdout):
        raise UsageError("a recording is no text for a terminal", hint="give a file name, or pipe it into a program")

    def read_everything(door: Door) -> Snapshot:
        return take(door, ALL_PARTS, wake=wake)

    root = session.door.kind == "demo" or os.geteuid() == 0
    taken = take_capture(session.door, read_everything, root=root, redacted=redacted)
    if file == "-":
        output.write_bytes(taken.data)
    else:
        save(taken.data, file, force=force)
    _tell(session, file, taken)


def _tell(session: Session, file: str, taken: Taken) -> None:
    """What is in the file and what is not, so that nobody sends a recording that lacks what it is for."""
    say = session.narrator.note
    where = "" if file == "-" else f"{file}: "
    kind = "identities replaced" if taken.manifest.redacted else "serial numbers and NQNs included; --redact hides them"
    say(f"{where}{taken.members} files and directories, {format_bytes(len(taken.data))}, {kind}")
    for note in gap_notes(taken.manifest.gaps):
        say(note)
