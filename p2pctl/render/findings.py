"""Findings as items of documents."""

from __future__ import annotations

from collections.abc import Sequence

from p2pctl.findings.finding import Finding
from p2pctl.render.report import Item, Value


def finding_item(finding: Finding) -> dict[str, Value]:
    """One finding."""
    return {
        "code": finding.code,
        "severity": finding.severity,
        "subject": finding.subject,
        "text": finding.text,
        "evidence": finding.evidence,
        "remedy": finding.remedy,
        "meaning": finding.meaning,
        "line": finding.line,
        "commands": list(finding.commands),
        "risk": finding.risk,
        "verify": list(finding.verify),
    }


def counts(found: Sequence[Finding]) -> Item:
    """How many there are of each severity."""
    return {word: sum(one.severity == word for one in found) for word in ("error", "warning", "info")}
