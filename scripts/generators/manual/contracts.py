"""Names that other programs rely on: codes of findings, and metrics."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.findings.catalogue import ENTRIES
from p2pctl.metrics import families
from scripts.generators.manual import mdoc


def finding_list() -> Iterator[str]:
    """Every code with what it stands for, in the order in which findings are listed."""
    yield f".Bl -tag -compact -width {max(ENTRIES, key=len)}"
    for code, entry in ENTRIES.items():
        yield f".It Cm {code}"
        yield from mdoc.paragraph(f"{entry.title}.")
    yield ".El"


def metric_list() -> Iterator[str]:
    """Every metric with its meaning and its labels."""
    yield ".Bl -tag -width Ds"
    for one in vars(families).values():
        if isinstance(one, families.Family):
            yield f".It Va {one.name}"
            yield from mdoc.paragraph(one.text)
            if one.labels:
                yield from mdoc.paragraph(f"Labels: {', '.join(one.labels)}.")
    yield ".El"
