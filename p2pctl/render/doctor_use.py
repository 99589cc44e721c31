"""What a use of P2P memory needs, and whether a host has it."""

from __future__ import annotations

from collections.abc import Sequence

from p2pctl.findings.requirements import Requirement, Use
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.report import Column, Report
from p2pctl.render.text import Tone

_TONES: dict[str, Tone] = {"pass": "good", "fail": "bad", "unknown": "warning"}
_COLUMNS = (
    Column("result", "result", style="name", tones=_TONES),
    Column("title", "what is needed", least=26),
    Column("text", "found", least=30),
    Column("remedy", "what to do", priority=1, least=30),
    Column("evidence", "known from", style="name", priority=2),
)
_ABOUT: dict[Use, str] = {
    "nvmet": "The NVMe target with P2P memory, over RDMA.",
    "gds": "GPUDirect Storage on the kernel's P2PDMA. What CUDA itself needs is not looked at: gdscheck -p tells.",
    "rocm": "P2P between AMD GPUs over PCI Express.",
    "spdk": "SPDK through the memory buffer of a drive. It goes past the kernel: the rules are a forecast here.",
}


def use_report(snapshot: Snapshot, use: Use, found: Sequence[Requirement]) -> Report:
    """The list."""
    items = [
        {
            "use": use,
            "code": one.code,
            "title": one.title,
            "result": one.word,
            "text": one.text,
            "evidence": one.evidence,
            "remedy": one.remedy,
        }
        for one in found
    ]
    totals = {word: sum(one.word == word for one in found) for word in ("pass", "fail", "unknown")}
    summary = {"use": use, "met": None if totals["unknown"] and not totals["fail"] else not totals["fail"], **totals}
    return Report.of(snapshot, "doctor-use", items, _COLUMNS, summary=summary, notes=(_ABOUT[use],), gaps=())
