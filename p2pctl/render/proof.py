"""What transfers through P2P memory have shown."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable, Iterator, Sequence

from p2pctl.model.snapshot import Snapshot
from p2pctl.proof.model import LAYOUTS, Difference, Result
from p2pctl.proof.pairs import Proof
from p2pctl.render.page import Field, Fields, Grid, Lines, Page, Section
from p2pctl.render.report import Column, Item, Report, Value
from p2pctl.render.text import Line, Span, Tone
from p2pctl.render.verdicts import VERDICT, VERDICT_TONES, WAYS, Names, selection_item, selection_lines, verdict_item
from p2pctl.resolver.rules import RuleSet
from p2pctl.resolver.selection import Selection
from p2pctl.units import format_bytes

_RESULT_TONES: dict[Result, Tone] = {
    "works": "good",
    "refused": "warning",
    "failed": "bad",
    "wrong": "bad",
    "unsettled": "warning",
    "not-tested": "dim",
}


def _agreement(value: Value) -> str:
    return "agree" if value else "DISAGREE"


COLUMNS = (
    Column("provider", "provider", style="name"),
    Column("provider_name", "device", style="name", priority=2),
    Column("client", "client", style="name"),
    Column("disk", "disk", style="name", priority=1),
    VERDICT._replace(title="predicted"),
    Column("result", "kernel", style="name", tones={str(word): tone for word, tone in _RESULT_TONES.items()}),
    Column("agrees", "prediction", show=_agreement, tones={"agree": "good", "DISAGREE": "bad"}),
    Column("error", "errno", style="name", priority=4),
    Column("direction", "transfer", style="name", priority=5),
    Column("layout", "memory", style="name", priority=3),
)


def proof_item(names: Names, proof: Proof, rules: RuleSet) -> Item:
    """One transfer for machines."""
    seen, judgement = proof.seen, proof.judgement
    number = seen.errno if seen is not None else proof.error.errno if proof.error else None
    tried = seen is not None and seen.errno is None and seen.moved == seen.length
    return {
        **verdict_item(names, proof.pair.provider, proof.pair.client, proof.predicted, rules),
        "disk": proof.pair.disk,
        "direction": "read" if seen is None else seen.direction,
        "layout": "pool" if seen is None else seen.layout,
        "result": judgement.result,
        "agrees": judgement.agrees,
        "text": judgement.text,
        "meaning": judgement.meaning,
        "errno": number,
        "error": None if number is None else errno.errorcode.get(number, str(number)),
        "offset": seen.offset if seen else None,
        "bytes": seen.length if seen else None,
        "attempts": seen.attempts if seen else None,
        "data": _data_item(seen.difference, uniform=seen.uniform) if seen and tried and seen.settled else None,
        "pool": {"available_before": proof.levels.before, "available_during": proof.levels.during},
    }


def _data_item(difference: Difference | None, *, uniform: bool) -> Item:
    return {
        "right": difference is None,
        "different": difference.different if difference else 0,
        "first_difference": difference.first if difference else None,
        "nothing_arrived": difference is not None and difference.nothing_arrived,
        "all_ones": difference is not None and difference.all_ones,
        "uniform": uniform,
    }


def proof_report(
    snapshot: Snapshot, selection: Selection, names: Names, proofs: Sequence[Proof], notes: Iterable[str] = ()
) -> Report:
    """All transfers, as a document and as a list."""
    items = [proof_item(names, proof, selection.rules) for proof in proofs]
    results = [proof.judgement.result for proof in proofs]
    disagreements = [proof for proof in proofs if proof.judgement.agrees is False]
    summary: dict[str, Value] = {"transfers": len(items)}
    for result in _RESULT_TONES:
        summary[result.replace("-", "_")] = results.count(result)
    summary |= {
        "disagreements": len(disagreements),
        "capture": None if not disagreements else capture_command(disagreements),
        "rules": selection_item(selection),
    }
    return Report.of(
        snapshot,
        "verify",
        items,
        COLUMNS,
        summary=summary,
        empty="No pool here has a drive that could be tried with it.",
        notes=(*(_plain(line) for line in disagreement_lines(names, proofs)), *notes, *selection_lines(selection)),
    )


def _plain(line: Line) -> str:
    if isinstance(line, str):
        return line
    return line.text if isinstance(line, Span) else "".join(map(_plain, line))


def capture_command(proofs: Collection[Proof]) -> str:
    """What records the host for a report of what p2pctl and the kernel disagree about."""
    first = next(iter(proofs)).pair
    # GNU tar takes what stands before a colon for a host.
    pair = f"{first.provider}-{first.client}".replace(":", "-")
    return f"p2pctl capture --redact disagreement-{pair}.tar.gz"


def disagreement_lines(names: Names, proofs: Sequence[Proof]) -> tuple[Line, ...]:
    """The most important lines: where the kernel did something else than was predicted."""
    found = [proof for proof in proofs if proof.judgement.agrees is False]
    if not found:
        return ()
    lines: list[Line] = [Span(_disagreement(names, proof), "bad") for proof in found]
    lines += ["Please report it with a recording of this host, made before anything changes: " + capture_command(found)]
    return tuple(lines)


def _disagreement(names: Names, proof: Proof) -> str:
    pair = proof.pair
    meaning = f" ({proof.judgement.meaning})" if proof.judgement.meaning else ""
    how = "" if proof.seen is None or proof.seen.layout == "pool" else f", {LAYOUTS[proof.seen.layout]}"
    return (
        f"DISAGREEMENT: predicted {proof.predicted.verdict} for {names.label(pair.provider)} <- "
        f"{names.label(pair.client)}{how}, but {proof.judgement.text}{meaning}."
    )


def matrix_page(report: Report, names: Names, proofs: Sequence[Proof]) -> Page:
    """The walk over the matrix, for people: what stands out first."""
    if not proofs:
        return Page(report, (Section("", (Lines((report.empty,)),)),))
    sections = []
    found = disagreement_lines(names, proofs)
    if found:
        sections.append(Section("", (Lines(found),)))
    shown = report.columns if any(item["layout"] != "pool" for item in report.items) else report.columns[:-1]
    sections.append(Section("", (Grid(shown, tuple(report.items)),)))
    told = report.notes[len(found) :]
    sections.append(Section("", (Lines((_counted(proofs), *told)),)))
    return Page(report, tuple(sections))


def _counted(proofs: Sequence[Proof]) -> str:
    results = [proof.judgement.result for proof in proofs]
    counts = ", ".join(f"{results.count(result)} {result}" for result in _RESULT_TONES if result in results)
    wrong = sum(1 for proof in proofs if proof.judgement.agrees is False)
    agreed = "" if wrong else "; nothing disagrees with what was predicted"
    return f"{len(proofs)} transfers: {counts}{agreed}."


def pair_page(report: Report, names: Names, proofs: Sequence[Proof]) -> Page:
    """One pair in full, for people."""
    first = proofs[0]
    head = f"{names.label(first.pair.provider)} <- {names.label(first.pair.client)}"
    found = disagreement_lines(names, proofs)
    sections = [Section(head, (Lines(found or (_headline(proofs),)),))]
    sections += [
        Section(_title(proof) if len(proofs) > 1 else "", (Fields(tuple(_fields(proof))),)) for proof in proofs
    ]
    sections.append(Section("", (Lines(report.notes[len(found) :]),)))
    return Page(report, tuple(sections))


def _title(proof: Proof) -> str:
    if proof.seen is None:
        return ""
    return f"{'Read' if proof.seen.direction == 'read' else 'Write'}: {LAYOUTS[proof.seen.layout]}"


def _headline(proofs: Sequence[Proof]) -> Line:
    results = {proof.judgement.result for proof in proofs}
    if results == {"works"}:
        return Span("It works: the kernel carried the data, and they are right, as was predicted.", "good")
    if results <= {"works", "refused"} and all(proof.judgement.agrees for proof in proofs):
        return Span("It does not work, as was predicted: the kernel refuses it.", "warning")
    proof = next(one for one in proofs if one.judgement.result != "works")
    return Span(f"{_sentence(proof.judgement.text)}", _RESULT_TONES[proof.judgement.result])


def _fields(proof: Proof) -> Iterator[Field]:
    predicted, judgement, seen = proof.predicted, proof.judgement, proof.seen
    way = "" if predicted.verdict != "allowed" else f", {WAYS[predicted.map_type]}"
    yield Field("Predicted", f"{predicted.verdict}{way}", tone=VERDICT_TONES.get(predicted.verdict))
    yield Field("Kernel", judgement.text, tone=_RESULT_TONES[judgement.result])
    if judgement.meaning:
        yield Field("That means", judgement.meaning)
    if seen is not None:
        yield Field("Disk", f"{seen.disk}, {format_bytes(seen.length)} at offset {seen.offset}")
        if seen.uniform and seen.errno is None:
            yield Field("Note", "all bytes there are alike: data at the wrong place would not show")
    levels = proof.levels
    if levels.before is not None and levels.during is not None:
        moved = f"{format_bytes(levels.before)} available, {format_bytes(levels.during)} while a piece was mapped"
        yield Field("Pool", moved)


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."
