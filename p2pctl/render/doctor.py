"""What stands in the way of P2P on a host: a list of findings, and one code in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from p2pctl.findings.catalogue import ENTRIES, Entry
from p2pctl.findings.finding import Finding
from p2pctl.findings.undecided import Undecided
from p2pctl.model.facts import UNREADABLE, Fact, Gap
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.findings import counts, finding_item
from p2pctl.render.notes import gap_notes
from p2pctl.render.page import Block, Field, Fields, Lines, Page, Section, badge
from p2pctl.render.report import Column, Item, Report, Value
from p2pctl.render.text import Line, Span, Tone

_TONES: dict[str, Tone] = {"error": "bad", "warning": "warning"}

COLUMNS = (
    Column("severity", "severity", style="name", tones=_TONES),
    Column("code", "code", style="name"),
    Column("subject", "about", least=14),
    Column("text", "finding", least=30),
    Column("remedy", "what to do", priority=2, least=36),
)
_CODE_COLUMNS = (
    Column("code", "code", style="name"),
    Column("present", "here"),
    Column("title", "what it is", least=30),
)
_NOTE = "p2pctl doctor CODE explains one in full, with commands to copy."


def doctor_report(snapshot: Snapshot, found: Sequence[Finding], unknown: Undecided) -> Report:
    """The findings, the gravest first."""
    gaps = unknown.of_all()
    notes = gap_notes(gaps)
    return Report.of(
        snapshot,
        "doctor",
        (doctor_item(one) for one in found),
        COLUMNS,
        summary={"findings": counts(found), "undecided": len(gaps)},
        gaps=gaps,
        empty="Nothing stands in the way." if not gaps else "Nothing was found, but not all could be read.",
        notes=(*notes, *((_NOTE,) if found else ())),
    )


def doctor_item(finding: Finding) -> dict[str, Value]:
    """One finding, with what its code says of every such finding where it says nothing of its own."""
    entry = ENTRIES.get(finding.code)
    item = finding_item(finding)
    item["title"] = entry.title if entry else finding.code
    item["meaning"] = finding.meaning or (entry.why if entry else None)
    return item


def codes_report(snapshot: Snapshot, found: Sequence[Finding], unknown: Undecided) -> Report:
    """Every code that there is, and whether this host has it; ``present`` is null where that could not be read."""
    here = {one.code for one in found}
    items: list[Item] = [
        {"code": code, "present": _present(code in here, unknown.about(code)), "title": one.title}
        for code, one in ENTRIES.items()
    ]
    gaps = unknown.of_all()
    return Report.of(snapshot, "doctor-codes", items, _CODE_COLUMNS, gaps=gaps, notes=(*gap_notes(gaps), _NOTE))


def _present(here: bool, gaps: Sequence[Gap]) -> Fact[bool]:
    return True if here else UNREADABLE if gaps else False


def code_page(snapshot: Snapshot, entry: Entry, found: Sequence[Finding], unknown: Undecided) -> Page:
    """One code in full: what it is, what of it is here, how that is known, what to do."""
    mine = [one for one in found if one.code == entry.code]
    gaps = unknown.about(entry.code)
    item: Item = {
        **entry._asdict(),
        "present": _present(bool(mine), gaps),
        "findings": [doctor_item(one) for one in mine],
    }
    report = Report.of(snapshot, "doctor-code", (item,), _CODE_COLUMNS, gaps=gaps, flat=False)
    return Page(
        report,
        (
            Section(f"{entry.title} ({entry.code})", (Lines((entry.what,)),)),
            Section("What it means", (Lines((entry.why,)),)),
            Section("On this host", tuple(_here(mine, gap_notes(gaps)))),
            Section("How p2pctl knows", (Lines((entry.known_by,)),)),
            Section("What to do", (Lines((entry.remedy,)),)),
            Section("Source", (Lines((entry.source,)),)),
        ),
    )


def _here(found: Sequence[Finding], unread: tuple[str, ...]) -> Iterator[Block]:
    if not found and unread:
        yield Lines((Span("It was not found, but not all could be read:", "warning"), *unread))
    elif not found:
        yield Lines((Span("This host has no such problem.", "good"),))
    for finding in found:
        yield from _finding(finding)


def _finding(finding: Finding) -> Iterator[Block]:
    about = f" {finding.subject}:" if finding.subject else ""
    head: Line = (badge(finding.severity), f"{about} {finding.text}.")
    yield Lines((head,), bullet="- ")
    fields = [Field("meaning here", finding.meaning), Field("known from", finding.evidence)]
    if finding.line is not None and finding.line != finding.evidence:
        fields.append(Field("which says", finding.line))
    if finding.remedy:
        fields.append(Field("what to do", finding.remedy))
    if finding.risk:
        fields.append(Field("cost", finding.risk))
    yield Fields(tuple(field for field in fields if field.value is not None))
    if finding.commands:
        yield Lines(finding.commands, bullet="    ", whole=True)
    if finding.verify:
        yield Lines(("To verify:", *(f"    {line}" for line in finding.verify)), whole=True)
