"""A change from its plan to its end, as pages."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence

from p2pctl.dashboard.source import Done, Proposal
from p2pctl.errors import P2pctlError
from p2pctl.model.nvmet import ROOT
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.page import Lines, Page, Section
from p2pctl.render.report import Report
from p2pctl.render.text import Line, Span
from p2pctl.target.plan import Disruption

SHOWN = 200
"""Steps that are shown while they are done: the last ones."""

WORDS = {
    Disruption.NONE: "Hosts notice nothing.",
    Disruption.NAMESPACE: "A namespace goes away for the hosts that use it, for a moment or for good.",
    Disruption.PORT: "Hosts lose their connection.",
    Disruption.ALL: "Every host loses the subsystem.",
}


_PATH = re.compile(rf"{re.escape(ROOT)}[^\s']*")
_LOOK = "p2pctl status shows how the target stands"


def severe(proposal: Proposal) -> bool:
    """Whether hosts lose something, or something goes away: one key is too little to ask for that."""
    return proposal.disruption > Disruption.NONE or bool(proposal.vanishing)


def plan_page(snapshot: Snapshot, proposal: Proposal) -> Page:
    """What would be done, and what comes of it."""
    return _page(snapshot, _plan_sections(proposal))


def _plan_sections(proposal: Proposal) -> Iterator[Section]:
    if not proposal.steps:
        yield Section("", (Lines(("There is nothing to do: the target is like that already.",)),))
        yield from _told(proposal)
        return
    notices = proposal.noticed or (WORDS[proposal.disruption],)
    first = (Span(notices[0], "warning" if proposal.disruption else "good"),)
    yield Section("What hosts notice", (Lines((first, *notices[1:]), bullet="- "),))
    if proposal.vanishing:
        yield Section(
            "What will be gone", (Lines(tuple((Span(one, "bad"),) for one in proposal.vanishing), bullet="- "),)
        )
    yield from _told(proposal)
    steps = len(proposal.steps)
    title = f"What will be done, in {steps} step{'s' if steps > 1 else ''}"
    yield Section(title, (Lines(from_their_directory(proposal.steps), bullet="$ ", whole=True),))


def from_their_directory(steps: Sequence[str]) -> tuple[str, ...]:
    """Shell lines as they read in the directory that all their paths lie in: what tells them apart comes early."""
    places = [path.rpartition("/")[0] for step in steps for path in _PATH.findall(step)]
    common = posixpath.commonpath(places) if places else ""
    if len(common) <= len(ROOT.rpartition("/")[0]):
        return tuple(steps)
    return (f"cd {common}", *(step.replace(f"{common}/", "") for step in steps))


def _told(proposal: Proposal) -> Iterator[Section]:
    if proposal.prediction:
        yield Section("What becomes of P2P memory, by the rules", (Lines(proposal.prediction),))
    if proposal.warnings:
        warnings = tuple((Span("warning:", "warning"), f" {one}") for one in proposal.warnings)
        yield Section("Warnings", (Lines(warnings, bullet="- "),))
    if proposal.notes:
        yield Section("Notes", (Lines(proposal.notes, bullet="- "),))


def error_page(snapshot: Snapshot, error: P2pctlError, *, begun: bool) -> Page:
    """Why it is refused, or how it failed, and what helps."""
    lines: list[Line] = [(Span("failed:" if begun else "refused:", "bad"), f" {error.message}")]
    if error.hint:
        lines.append((Span("hint:", "accent"), f" {error.hint}"))
    sections = [Section("", (Lines(tuple(lines)),))]
    if error.details:
        sections.append(Section("What there is to know of it", (Lines(error.details),)))
    if not begun:
        sections.append(Section("", (Lines(("Nothing was changed.",)),)))
    return _page(snapshot, sections)


def done_page(snapshot: Snapshot, done: Done) -> Page:
    """What was changed."""
    lines = tuple((Span("done:", "good"), f" {line}") for line in done.lines)
    sections = [Section("", (Lines(lines),))]
    if done.remarks:
        sections.append(Section("What to know of it", (Lines(done.remarks, bullet="- "),)))
    return _page(snapshot, sections)


class Progress:
    """Which of the steps are done."""

    def __init__(self, steps: Sequence[str]) -> None:
        self.steps = len(steps)
        self._lines: list[str] = []
        self._shown = 0

    def tell(self, line: str) -> None:
        """One has ended, or is undone."""
        self._lines.append(line)

    @property
    def begun(self) -> bool:
        """Whether any was told of."""
        return bool(self._lines)

    def moved(self) -> bool:
        """Whether there are more since the last page."""
        return len(self._lines) != self._shown

    def page(self, snapshot: Snapshot) -> Page:
        """The last of them."""
        self._shown = len(self._lines)
        lines = tuple(map(_told_step, self._lines[-SHOWN:]))
        title = f"{min(self._shown, self.steps)} of {self.steps} steps"
        return _page(snapshot, [Section(title, (Lines(lines or ("It begins.",)),))])


def _told_step(line: str) -> Line:
    status, _, what = line.partition(": ")
    return (Span(f"{status}:", "bad" if status == "failed" else "good"), f" {what}")


def _page(snapshot: Snapshot, sections: Iterable[Section]) -> Page:
    return Page(Report.of(snapshot, "change", (), (), gaps=()), tuple(sections))


def as_told(error: Exception) -> P2pctlError:
    """An error as the screen tells it, whatever it was."""
    if isinstance(error, P2pctlError):
        return error
    if isinstance(error, OSError):
        return P2pctlError(
            f"{error.filename or 'the target'}: {error.strerror or error}", hint=_LOOK, errno=error.errno
        )
    return P2pctlError(f"this is a bug in p2pctl: {type(error).__name__}: {error}", hint=_LOOK)
