"""JUnit's XML, which CI systems read: a test case for each code, or for each requirement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from xml.etree import ElementTree as ET

from p2pctl.findings.catalogue import ENTRIES
from p2pctl.findings.finding import Finding
from p2pctl.findings.requirements import Requirement, Use
from p2pctl.findings.undecided import ASIDE, HARMLESS, Undecided
from p2pctl.model.facts import Missing
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.notes import gap_notes
from p2pctl.render.text import clean

_UNREAD = "not all could be read"


Result = Literal["pass", "failure", "error", "skipped"]


class Case(NamedTuple):
    """One test case."""

    name: str
    result: Result
    """``error``: it could not be told; ``skipped``: nor need it be, for a host to be in order."""
    message: str = ""
    details: tuple[str, ...] = ()


def finding_cases(found: Sequence[Finding], unknown: Undecided) -> list[Case]:
    """Every code: failed where there is a warning or an error with it. And whether everything could be read."""
    cases = [_finding_case(code, [one for one in found if one.code == code], unknown) for code in ENTRIES]
    gaps = gap_notes(unknown.of_all())
    return [*cases, Case("facts", "error" if gaps else "pass", _UNREAD if gaps else "", gaps)]


def _finding_case(code: str, mine: Sequence[Finding], unknown: Undecided) -> Case:
    lines = tuple(line for one in mine for line in _lines(one))
    if any(one.severity != "info" for one in mine):
        return Case(code, "failure", ENTRIES[code].title, lines)
    gaps = () if mine or code in HARMLESS else gap_notes(unknown.about(code))
    if gaps:
        return Case(code, "skipped" if code in ASIDE else "error", _UNREAD, gaps)
    return Case(code, "pass", "", lines)


def _lines(finding: Finding) -> Iterable[str]:
    subject = f"{finding.subject}: " if finding.subject else ""
    yield f"{finding.severity}: {subject}{finding.text}"
    yield f"known from {finding.evidence}" + (f": {finding.line}" if finding.line else "")
    if finding.remedy:
        yield f"what to do: {finding.remedy}"


def requirement_cases(found: Sequence[Requirement]) -> list[Case]:
    """Every requirement."""
    results: dict[str, Result] = {"pass": "pass", "fail": "failure", "unknown": "error"}
    return [
        Case(
            one.code,
            results[one.word],
            "" if one.answer else one.title,
            (one.text, f"known from {one.evidence}", *((f"what to do: {one.remedy}",) if one.remedy else ())),
        )
        for one in found
    ]


def junit(snapshot: Snapshot, use: Use | None, cases: Sequence[Case]) -> bytes:
    """The document. All text in it is cleaned: XML has no place for control characters."""
    name = "p2pctl doctor" if use is None else f"p2pctl doctor --for {use}"
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.result == "failure" for case in cases)),
        "errors": str(sum(case.result == "error" for case in cases)),
    }
    host = snapshot.source.host
    suites = ET.Element("testsuites", {"name": name, **counts})
    suite = ET.SubElement(
        suites,
        "testsuite",
        {
            "name": name,
            **counts,
            "skipped": str(sum(case.result == "skipped" for case in cases)),
            "hostname": "" if isinstance(host, Missing) else clean(host),
            "timestamp": datetime.fromtimestamp(snapshot.taken, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        },
    )
    for case in cases:
        element = ET.SubElement(
            suite, "testcase", {"classname": name.replace(" ", "."), "name": case.name, "time": "0"}
        )
        text = "\n".join(map(clean, case.details))
        if case.result != "pass":
            kind = {} if case.result == "skipped" else {"type": case.result}
            ET.SubElement(element, case.result, {"message": clean(case.message), **kind}).text = text
        elif text:
            ET.SubElement(element, "system-out").text = text
    ET.indent(suites)
    text = ET.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()
