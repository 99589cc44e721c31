"""A change of the target as a document, and as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from p2pctl.model.nvmet import ROOT, Nvmet
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.document import iso
from p2pctl.render.object_changes import ObjectChange, change_line, object_item
from p2pctl.render.report import Column, Item, Report, Value
from p2pctl.target.flat import without_secrets
from p2pctl.target.outcome import Outcome, StepResult, redacted
from p2pctl.target.plan import Plan, Step

_COLUMNS = (Column("command", "command", style="name"), Column("changed", "changed"))


class Change(NamedTuple):
    """What was asked, what it takes, and what became of it."""

    command: str
    live: Nvmet
    """The target before; keys are taken out here."""
    wanted: Nvmet
    plan: Plan
    objects: tuple[ObjectChange, ...]
    notes: tuple[str, ...] = ()
    """What was said beforehand."""
    warnings: tuple[str, ...] = ()
    p2pmem: tuple[Item, ...] = ()
    """What the kernel and the ports will make of P2P memory, for each namespace that asks for it."""
    outcomes: tuple[Item, ...] = ()
    """What becomes of P2P memory by a port that is to serve what it did not."""
    outcome: Outcome | None = None
    """None for a dry run."""
    also: tuple[str, ...] = ()
    """What was done besides: sessions that were ended."""
    error: Mapping[str, Value] | None = None


def change_report(snapshot: Snapshot, change: Change) -> Report:
    """The document of a change; its one item has everything."""
    outcome = change.outcome
    steps = change.plan.steps
    changed = bool(steps) if outcome is None else outcome.changed or bool(change.also)
    item: Item = {
        "command": change.command,
        "changed": changed,
        "dry_run": outcome is None,
        "state": "planned" if outcome is None else outcome.state,
        "transaction": outcome.transaction if outcome else None,
        "objects": [object_item(one) for one in change.objects],
        "before": touched_document(change.live, steps),
        "after": _after(change),
        "steps": _step_items(change),
        "also": list(change.also),
        "undo": [step_item(one) for one in outcome.undo] if outcome else [],
        "disruption": change.plan.disruption.name.lower(),
        "vanishing": list(change.plan.vanishing),
        "rolled_back": outcome.rolled_back if outcome else False,
        "residual": [{"path": one.path, "want": one.want, "have": one.have} for one in outcome.residual]
        if outcome
        else [],
        "effects": [
            {"subject": one.subject, "severity": one.severity, "text": one.text}
            for one in (outcome.effects if outcome else ())
        ],
        "p2pmem": list(change.p2pmem),
        "outcomes": list(change.outcomes),
        "notes": list(change.notes),
        "warnings": [*change.warnings, *(outcome.warnings if outcome else ())],
        "until": iso(outcome.until) if outcome and outcome.until is not None else None,
        "error": change.error,
    }
    summary: Item = {"changed": changed, "objects": len(change.objects), "steps": len(steps)}
    return Report.of(snapshot, "change", [item], _COLUMNS, summary=summary, flat=False)


def _after(change: Change) -> Value:
    """The target afterwards: as it was read again, or, of a dry run, as it would be."""
    if change.outcome is None:
        return touched_document(change.wanted, change.plan.steps)
    after = change.outcome.after
    return None if after is None else touched_document(after, change.plan.steps)


def _step_items(change: Change) -> list[Item]:
    if change.outcome is not None and change.outcome.results:
        return [step_item(one) for one in change.outcome.results]
    return [_planned(step) for step in change.plan.steps]


def step_item(result: StepResult) -> Item:
    """One step and what became of it."""
    return {
        **_planned(result.step),
        "status": result.status,
        "errno": result.errno,
        "message": result.message,
        "log": list(result.log),
    }


def _planned(step: Step) -> dict[str, Value]:
    shown = redacted(step)
    return {
        "operation": step.operation,
        "path": step.path,
        "object": step.subject,
        "before": shown.before,
        "after": shown.value or None,
        "disruption": step.disruption.name.lower(),
        "why": step.why or None,
        "status": "planned",
        "errno": None,
    }


def touched_document(nvmet: Nvmet, steps: Iterable[Step]) -> Value:
    """The hosts, subsystems and ports that steps are about, each whole, as a document says them. Keys are not in it."""
    from p2pctl.target.export import export  # noqa: PLC0415  people are not shown documents

    parts = {tuple(step.path[len(ROOT) + 1 :].split("/")[:2]) for step in steps}
    names: dict[str, set[str]] = {"hosts": set(), "subsystems": set(), "ports": set()}
    root = False
    for part in parts:
        if len(part) == 2 and part[0] in names:
            names[part[0]].add(part[1])
        else:
            root = True
    kept = nvmet._replace(
        attributes=nvmet.attributes if root else {},
        hosts={nqn: one for nqn, one in nvmet.hosts.items() if nqn in names["hosts"]},
        subsystems={nqn: one for nqn, one in nvmet.subsystems.items() if nqn in names["subsystems"]},
        ports={name: one for name, one in nvmet.ports.items() if name in names["ports"]},
    )
    document: Value = export(without_secrets(kept))
    return document


def change_lines(change: Change) -> Iterator[str]:
    """What people are told of a change that was made: a line for each object."""
    outcome = change.outcome
    if outcome is not None and outcome.state in {"applied", "waiting"}:
        yield from map(change_line, change.objects)
        if not change.objects:  # such as a second look at a device's size
            yield from dict.fromkeys(f"changed {step.subject}: {step.name}" for step in change.plan.steps)
    elif outcome is not None and outcome.state in {"confirmed", "rolled-back"} and outcome.error is None:
        yield f"{'undone' if outcome.state == 'rolled-back' else 'confirmed'}: the change {outcome.transaction}"
    elif outcome is None or (outcome.state == "nothing" and outcome.error is None and not change.also):
        yield "nothing to do"
    yield from change.also
