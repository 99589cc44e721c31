"""What would change of the target, and that a document is in order, as pages and documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from p2pctl.model.facts import Gap
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.object_changes import SIGNS, Event, ObjectChange, difference_texts, object_item
from p2pctl.render.page import Lines, Page, Section
from p2pctl.render.report import Column, Report
from p2pctl.render.text import Line, Span, Tone
from p2pctl.target.wishes import Wishes

_TONES: Mapping[Event, Tone] = {"created": "good", "changed": "warning", "deleted": "bad"}

_DIFF_COLUMNS = (Column("object", "object", style="name"), Column("change", "change", style="name"))
_VALID_COLUMNS = (Column("file", "file", style="name"), Column("valid", "valid"))


def diff_page(snapshot: Snapshot, changes: Iterable[ObjectChange], gaps: Iterable[Gap]) -> Page:
    """An object a line with its sign; below it what it has, or what becomes another."""
    found = tuple(changes)
    report = Report.of(
        snapshot, "diff", map(object_item, found), _DIFF_COLUMNS,
        summary={"differs": bool(found), "objects": len(found)}, gaps=(*snapshot.gaps, *gaps),
    )  # fmt: skip
    lines: list[Line] = []
    for change in found:
        lines.append(Span(f"{SIGNS[change.event]} {change.subject}", _TONES[change.event]))
        lines += [f"    {text}" for one in change.differences for text in difference_texts(one)]
    return Page(report, (Section("", (Lines(tuple(lines) or ("No difference.",), whole=True),)),))


def validity_page(snapshot: Snapshot, wishes: Wishes) -> Page:
    """A document without fault: what it is about."""
    counts = {
        "hosts": len(wishes.hosts),
        "subsystems": len(wishes.subsystems),
        "namespaces": sum(len(one.namespaces) for one in wishes.subsystems.values()),
        "ports": len(wishes.ports),
    }
    item = {"file": wishes.file, "valid": True, **counts, "notes": list(wishes.notes)}
    report = Report.of(snapshot, "validate", [item], _VALID_COLUMNS)
    about = ", ".join(f"{number} {kind if number != 1 else kind[:-1]}" for kind, number in counts.items() if number)
    return Page(report, (Section("", (Lines((f"{wishes.file}: valid ({about or 'empty'})",)),)),))
