"""From what a command asks for to a plan that nothing stands against."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from p2pctl.errors import BusyError
from p2pctl.model.nvmet import ROOT, Nvmet
from p2pctl.render.formats import DOCUMENTS
from p2pctl.render.object_changes import ObjectChange, object_changes
from p2pctl.target.diff import plan as make_plan
from p2pctl.target.merge import merge
from p2pctl.target.plan import Disruption, Plan
from p2pctl.target.preflight import Facts, Judgement, Problem, judge, locked_subsystems, paths_to_check, refusal
from p2pctl.target.schema import kind_of, spec
from p2pctl.target.uses import in_use
from p2pctl.target.wishes import Wishes

if TYPE_CHECKING:
    from p2pctl.cli.change import Ask, Asked
    from p2pctl.cli.change_options import ChangeOptions
    from p2pctl.cli.session import Session
    from p2pctl.cli.sessions import Dropping
    from p2pctl.model.network import Network
    from p2pctl.model.rdma import Rdma
    from p2pctl.model.snapshot import Snapshot
    from p2pctl.render.report import Item

_PAUSE = 0.5
"""Seconds between two looks for a device or an address that is waited for."""
_MOST = 5
"""Holders that one line lists."""


class Proposed(NamedTuple):
    """A plan, and what it was made from."""

    live: Nvmet
    wanted: Nvmet
    plan: Plan
    objects: tuple[ObjectChange, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    p2pmem: tuple[Item, ...] = ()
    predicted: tuple[str, ...] = ()
    """Those of the notes that say what becomes of P2P memory."""
    snapshot: Snapshot | None = None
    """What was read of the host to judge it; None where nothing had to be."""


def propose(  # noqa: PLR0917  each is another's
    session: Session,
    options: ChangeOptions,
    ask: Ask,
    owned: Callable[[Nvmet], Collection[str]],
    dropping: Dropping,
    wait: float,
) -> Proposed:
    """The plan for what is asked.

    Raises BusyError for what is in use, RefusedError and UnknownError where something stands against the plan, and
    whatever ``ask`` and the merge do.
    """
    from p2pctl.cli.workplace import read_target  # noqa: PLC0415

    session.narrator.detail("reading the target")
    live = read_target(session)
    asked = ask(live)
    if not asked.cascade:
        _check_unused(live, asked.wishes)
    merged = merge(live, asked.wishes, prune=asked.prune, owned=owned(live) if asked.prune == "owned" else ())
    plan = _plan(session, live, merged.wanted)
    limit = asked.implied if options.disruption is None else Disruption[options.disruption.upper()]
    judgement, snapshot = _judged(session, asked, Facts(live, merged.wanted, plan, asked.wishes), limit, wait)
    explained = _explained(session, asked, merged.wanted, snapshot)
    predicted = tuple(line for _, lines in explained for line in lines)
    notes = (
        *dropping.look(live, merged.wanted),
        *asked.wishes.notes,
        *merged.notes,
        *plan.notes,
        *predicted,
    )
    if judgement.problems:
        if session.format not in DOCUMENTS:  # whose readers get them in the error
            for note in notes:
                session.narrator.note(note)
        raise refused(judgement.problems, [item for item, _ in explained])
    return Proposed(
        live,
        merged.wanted,
        plan,
        object_changes(live, merged.wanted) if plan.steps else (),
        tuple(dict.fromkeys(notes)),
        judgement.warnings,
        tuple(item for item, _ in explained),
        predicted,
        snapshot,
    )


def _check_unused(live: Nvmet, wishes: Wishes) -> None:
    """Raises BusyError that lists what holds the objects that are to be deleted."""
    uses = in_use(live, wishes)
    if not uses:
        return
    by = [use.held_by for use in uses]
    more = f" and {len(by) - _MOST} more" if len(by) > _MOST else ""
    error = BusyError(
        f"{uses[0].subject} is in use: {', '.join(by[:_MOST])}{more}",
        hint="--cascade deletes it together with that, in the right order",
    )
    error.facts = {"held_by": [{"object": use.subject, "text": use.held_by} for use in uses]}
    raise error


def _plan(session: Session, live: Nvmet, wanted: Nvmet) -> Plan:
    """The steps. Whether a host has seen a subsystem is looked up only where it matters."""
    plan = make_plan(live, wanted)
    if not any(_is_identity(step.path, live) for step in plan.steps if step.operation == "write"):
        return plan
    return make_plan(live, wanted, locked=locked_subsystems(session.snapshot({"nvmet", "log", "connections"})))


def _is_identity(path: str, live: Nvmet) -> bool:
    """Whether a path is an attribute that hosts know a subsystem by."""
    kind = kind_of(path)
    found = spec(kind, path.rpartition("/")[2]) if kind == "subsystem" else None
    nqn = path[len(ROOT) + 1 :].split("/")[1] if found else ""
    return found is not None and found.change == "undiscovered" and nqn in live.subsystems


def _judged(
    session: Session, asked: Asked, facts: Facts, limit: Disruption, wait: float
) -> tuple[Judgement, Snapshot | None]:
    """What stands against a plan; for as long as ``wait`` says, what may go away by itself is looked at again."""
    if not facts.plan.steps and not asked.explain and not _expects(facts):
        return Judgement((), ()), None
    end: float | None = None
    while True:
        facts = _gathered(session, asked, facts)
        judgement = judge(facts, limit)
        awaited = [one for one in judgement.problems if one.waitable]
        waits = awaited and all(one.waitable or one.foreseen for one in judgement.problems)
        if end is None:
            end = time.monotonic() + wait
            if waits and wait and session.format not in DOCUMENTS:
                session.narrator.note(f"waiting for {awaited[0].subject}: {awaited[0].text}")
        left = end - time.monotonic()
        if not waits or left <= 0:
            return judgement, facts.snapshot
        time.sleep(min(_PAUSE, left))


def _gathered(session: Session, asked: Asked, facts: Facts) -> Facts:
    """The facts with what was read of the host: as much as the plan needs."""
    from p2pctl.cli.workplace import is_recorded  # noqa: PLC0415
    from p2pctl.hardware.backing import read_backing  # noqa: PLC0415
    from p2pctl.hardware.reading import Reader  # noqa: PLC0415
    from p2pctl.model.backing import Backing  # noqa: PLC0415
    from p2pctl.model.facts import UNREADABLE  # noqa: PLC0415
    from p2pctl.target.port_state import PARTS  # noqa: PLC0415
    from p2pctl.target.preflight_p2p import providers_named  # noqa: PLC0415

    paths = paths_to_check(facts.live, facts.wanted)
    looks = paths or asked.explain or _expects(facts) or any(providers_named(facts.live, facts.wanted))
    snapshot = session.snapshot(PARTS) if looks else None
    backings = read_backing(Reader(session.door.files), paths) if paths else {}
    if is_recorded(session):  # it has no devices: what is not there says nothing of the host
        backings = {path: Backing(path, UNREADABLE, UNREADABLE) for path in backings}
    network, rdma = _listening(session, facts)
    return facts._replace(snapshot=snapshot, backings=backings, network=network, rdma=rdma)


def _expects(facts: Facts) -> bool:
    """Whether P2P is expected of a port: that is looked at even where nothing is to be done."""
    return any(wish.p2p for wish in facts.wishes.ports.values())


def _listening(session: Session, facts: Facts) -> tuple[Network | None, Rdma | None]:
    """Addresses and sockets where a port is to serve, and RDMA devices where it is to do so by one."""
    transports = ask_transports(facts.wanted, facts.plan)
    if not transports:
        return None, None
    found = session.snapshot({"network", "rdma"} if "rdma" in transports else {"network"})
    return found.network, found.rdma


def ask_transports(wanted: Nvmet, plan: Plan) -> frozenset[str]:
    """The transports of ports that the plan has export something."""
    prefix = f"{ROOT}/ports/"
    names = {
        step.path[len(prefix) :].partition("/")[0]
        for step in plan.steps
        if step.operation == "symlink" and step.path.startswith(prefix)
    }
    found = (wanted.ports[name].attributes.get("addr_trtype") for name in names if name in wanted.ports)
    return frozenset(text for text in found if isinstance(text, str) and text)


def _explained(
    session: Session, asked: Asked, wanted: Nvmet, snapshot: Snapshot | None
) -> tuple[tuple[Item, tuple[str, ...]], ...]:
    if not asked.explain or snapshot is None:
        return ()
    from p2pctl.render.p2pmem import p2pmem_item, p2pmem_lines  # noqa: PLC0415

    followed = session.device_links(replace(snapshot, nvmet=wanted))
    return tuple(
        (
            p2pmem_item(snapshot, wanted, nqn, nsid, followed=followed),
            tuple(p2pmem_lines(snapshot, wanted, nqn, nsid, followed=followed)),
        )
        for nqn, nsid in asked.explain
    )


def refused(problems: Collection[Problem], p2pmem: Sequence[Item]) -> Exception:
    """The error that tells of all of them, and what was said of P2P memory."""
    error = refusal(problems)
    if len(problems) > 1:
        error.details = tuple(_problem_lines(problems))[1:]
    error.facts = {
        "problems": [problem_item(one) for one in problems],
        **({"p2pmem": list(p2pmem)} if p2pmem else {}),
    }
    return error


def _problem_lines(problems: Collection[Problem]) -> Iterator[str]:
    for one in sorted(problems, key=lambda one: one.answer == "unknown"):
        hint = f" ({one.hint})" if one.hint else ""
        yield f"also: {one.subject}: {one.text}{hint}"


def problem_item(one: Problem) -> Mapping[str, object]:
    """One problem for machines."""
    return {"code": one.code, "object": one.subject, "text": one.text, "hint": one.hint, "answer": one.answer}
