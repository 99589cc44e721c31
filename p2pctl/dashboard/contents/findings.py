"""Findings as a panel, each as a page, and where each leads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from p2pctl.dashboard.contents.states import StatePages, state_key
from p2pctl.dashboard.contents.target_keys import record_key
from p2pctl.dashboard.contents.target_pages import PortPages
from p2pctl.dashboard.glyphs import Glyphs
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Picture
from p2pctl.findings.rules import Finding
from p2pctl.model.address import Address
from p2pctl.render.devices import device_page
from p2pctl.render.findings import finding_item
from p2pctl.render.page import Field, Fields, Lines, Page, Section, badge
from p2pctl.render.pool_page import pool_page
from p2pctl.render.report import Column, Item, Report, Value
from p2pctl.render.text import Span, Tone
from p2pctl.target.port_state import PortState

_EXPORT = re.compile(r"port (\S+) namespace (\S+) of (.+)", re.DOTALL)
"""The subject of a finding about a namespace by a port."""
_PORT = re.compile(r"port (\S+)")
_NAME = 16
"""Letters of a subsystem's name that a line holds."""


class Keyed(NamedTuple):
    """A finding, and what it is known by from one look to the next."""

    key: str
    finding: Finding


def keyed(found: Iterable[Finding]) -> list[Keyed]:
    """The findings with keys that do not change with their number or order."""
    seen: Counter[str] = Counter()
    pairs = []
    for one in found:
        key = f"{one.code} {one.subject or 'host'}"
        seen[key] += 1
        pairs.append(Keyed(key if seen[key] == 1 else f"{key} ({seen[key]})", one))
    return pairs


@cache
def columns(glyphs: Glyphs, *, live: bool = False) -> tuple[Column, ...]:
    """Of the list of findings; where one may press Enter, ``live``, a command is no answer."""
    marks = {"error": glyphs.no, "warning": "!", "info": "-"}
    return (
        Column("severity", "severity", style="name", show=lambda word: f"{marks[str(word)]} {word}", tone=_tone),
        Column("about", "about", style="name"),
        Column("text", "finding", least=40),
        Column("next" if live else "todo", "what to do", priority=2, least=26),
    )


def _tone(value: Value) -> Tone | None:
    return badge(value).tone if value in {"error", "warning", "info"} else None  # type: ignore[arg-type]


def findings_panel(picture: Picture, glyphs: Glyphs, *, live: bool = False) -> Panel:
    """What stands in the way, or deserves a look, the gravest first."""
    pairs = keyed(picture.findings)
    counts = Counter(one.severity for one in picture.findings)
    told = ", ".join(_counted(counts[word], word) for word in ("error", "warning", "info") if counts[word])
    return Panel("findings", "Findings", columns(glyphs, live=live), [_record(one.finding) for one in pairs],
                 [one.key for one in pairs], "Nothing stands in the way.", summary=told)  # fmt: skip


def _counted(number: int, severity: str) -> str:
    return f"{number} {severity}{'' if number == 1 or severity == 'info' else 's'}"


def _record(finding: Finding) -> Item:
    # What is no fault needs no remedy, and says why.
    todo = finding.remedy or (f"nothing: {finding.meaning}" if finding.meaning else None)
    return {**finding_item(finding), "about": _about(finding.subject), "todo": todo, "next": _next(finding)}


def _next(finding: Finding) -> str:
    """What to do from here: whom a command would be recommended to, Enter answers as well."""
    if _EXPORT.fullmatch(finding.subject or ""):
        return "Enter: why, and what to do"
    return finding.remedy or "Enter: all about it"


def _remedy(finding: Finding) -> str | None:
    """What to do, where it is more than to look at what stands on the page anyway."""
    if finding.remedy is None or finding.remedy.startswith("p2pctl port state"):
        return None
    return finding.remedy


def _about(subject: str | None) -> str:
    """The subject as a narrow column holds it: of a long NQN its end tells the most."""
    if subject is None:
        return "host"
    match = _EXPORT.fullmatch(subject)
    if match is None:
        return subject
    name = match[3].rpartition(":")[2]
    return f"port {match[1]} ns {match[2]} {name[-_NAME:]}"


def finding_of(picture: Picture, key: str) -> Finding | None:
    """The finding of a key; None where there is none any more."""
    return next((one.finding for one in keyed(picture.findings) if one.key == key), None)


def subject_state(picture: Picture, finding: Finding) -> PortState | None:
    """The port's state that a finding is about."""
    match = _EXPORT.fullmatch(finding.subject or "")
    if match is None:
        return None
    asked = match.groups()
    return next((one for one in picture.ports if (one.port, str(one.nsid), one.subsystem) == asked), None)


def subject_address(finding: Finding) -> Address | None:
    """The function that a finding is about."""
    return Address.from_sysfs(finding.subject or "")


def leads_to(picture: Picture, finding: Finding) -> tuple[str, str] | None:
    """The view, and the record in it, that a finding is about; None for one about the host."""
    state = subject_state(picture, finding)
    if state is not None or _PORT.fullmatch(finding.subject or ""):
        return "target", record_key(finding.subject or "")
    address = subject_address(finding)
    if address is None:
        return None
    pool = any(one.address == address for one in picture.pools)
    return ("pools" if pool else "topology"), str(address)


class FindingPages:
    """Makes the page of one finding: all of it, and after it all of what it is about."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._states = StatePages("")
        self._port: PortPages | None = None

    def __call__(self, picture: Picture) -> Page | None:
        """The page; None once the finding is gone."""
        finding = finding_of(picture, self.key)
        if finding is None:
            return None
        title = (Span(finding.severity, badge(finding.severity).tone), f": {finding.subject or 'this host'}")
        remedy = _remedy(finding)
        told = (Lines((finding.text,)), *((Fields((Field("what to do", remedy),)),) if remedy else ()))
        source = Fields((Field("known from", finding.evidence), Field("code", finding.code, style="name")))
        about = self._about(picture, finding)
        gaps = about.report.gaps if about else ()
        report = Report.of(picture.snapshot, "finding", [finding_item(finding)], (), gaps=gaps)
        sections = about.sections if about else ()
        return Page(report, (Section(title, told), *sections, Section("Where this is known from", (source,))))

    def _about(self, picture: Picture, finding: Finding) -> Page | None:
        state = subject_state(picture, finding)
        if state is not None:
            self._states.key = state_key(state)
            return self._states(picture, answer_first=True)
        address = subject_address(finding)
        if address is not None:
            return pool_page(picture.snapshot, address) or device_page(picture.snapshot, address)
        match = _PORT.fullmatch(finding.subject or "")
        if match is None:
            return None
        if self._port is None or self._port.name != match[1]:
            self._port = PortPages(match[1])
        return self._port(picture)
