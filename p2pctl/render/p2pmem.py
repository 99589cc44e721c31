"""What the kernel will answer to a namespace's ``p2pmem``, and what each port that exports it would do with it."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from p2pctl.model.nvmet import Nvmet
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.port_states import state_item, why
from p2pctl.render.report import Item
from p2pctl.render.target_attributes import attribute_value
from p2pctl.target import paths
from p2pctl.target.eligibility import Eligibility, eligibility
from p2pctl.target.port_state import PortState, port_states

_NOTHING: Mapping[str, str] = MappingProxyType({})

_SHOWN = 3
"""Reasons and providers that fit into a line."""


def p2pmem_item(
    snapshot: Snapshot, wanted: Nvmet, nqn: str, nsid: int, *, followed: Mapping[str, str] = _NOTHING
) -> Item:
    """The same for machines: ``answer`` is the kernel's, ``ports`` are states as they would be."""
    attributes = wanted.subsystems[nqn].namespaces[nsid].attributes
    answer = eligibility(snapshot, attributes, followed=followed)
    then = _as_answered(wanted, nqn, nsid, answer)
    return {
        "subsystem": nqn,
        "nsid": nsid,
        "p2pmem": attribute_value("namespace", "p2pmem", attributes),
        "answer": answer.word,
        "refused_by": answer.refused_by,
        "errno": answer.errno,
        "kernel_lines": list(answer.kernel_lines),
        "reasons": [{"code": one.code, "text": one.text} for one in answer.reasons],
        "providers": [str(address) for address in answer.providers],
        "ports": [state_item(state) for state in _states(snapshot, then, nqn, nsid, followed)],
    }


def p2pmem_lines(
    snapshot: Snapshot, wanted: Nvmet, nqn: str, nsid: int, *, followed: Mapping[str, str] = _NOTHING
) -> Iterator[str]:
    """A sentence about the kernel's answer, and one for each port."""
    attributes = wanted.subsystems[nqn].namespaces[nsid].attributes
    called = paths.called_namespace(nqn, nsid)
    answer = eligibility(snapshot, attributes, followed=followed)
    yield f"{called}: {_answer(answer)}"
    if answer.word == "not-eligible":
        for number, line in enumerate(answer.kernel_lines):
            yield f"  {'or' if number else 'it will say'}: {line}"
    if answer.word in {"off", "not-eligible"}:  # no port will ever see it
        return
    states = _states(snapshot, wanted, nqn, nsid, followed)
    if not states:
        yield "  no port exports it: whether its I/O will use P2P memory hangs on the port's RDMA device, too"
    for state in states:
        transport = f" ({state.transport})" if isinstance(state.transport, str) else ""
        yield f"  port {state.port}{transport}: {state.predicted}: {why(state)}"


def _as_answered(wanted: Nvmet, nqn: str, nsid: int, answer: Eligibility) -> Nvmet:
    """The tree in which a namespace that the kernel will not enable is not enabled."""
    if answer.word != "not-eligible":
        return wanted
    subsystem = wanted.subsystems[nqn]
    space = subsystem.namespaces[nsid]
    off = space._replace(attributes={**space.attributes, "enable": "0"})
    changed = subsystem._replace(namespaces={**subsystem.namespaces, nsid: off})
    return wanted._replace(subsystems={**wanted.subsystems, nqn: changed})


def _answer(answer: Eligibility) -> str:
    reasons = "; ".join(reason.text for reason in answer.reasons[:_SHOWN])
    if answer.word == "off":
        return "p2pmem is off, its I/O goes through system memory"
    if answer.word == "unknown":
        return f"what the kernel will answer cannot be told: {reasons}"
    if answer.word == "not-eligible":
        if answer.errno is None:
            return f"{answer.refused_by or 'it'} names nothing that the kernel has: {reasons}"
        name = errno.errorcode.get(answer.errno, str(answer.errno))
        return f"the kernel will refuse {answer.refused_by or 'it'} with {name}: {reasons}"
    named = ", ".join(map(str, answer.providers[:_SHOWN]))
    more = f" and {len(answer.providers) - _SHOWN} more" if len(answer.providers) > _SHOWN else ""
    return f"the kernel will take it: {named}{more} may serve its disk"


def _states(
    snapshot: Snapshot, wanted: Nvmet, nqn: str, nsid: int, followed: Mapping[str, str]
) -> tuple[PortState, ...]:
    states = port_states(snapshot, nvmet=wanted, observed=False, followed=followed)
    return tuple(state for state in states if state.subsystem == nqn and state.nsid == nsid)
