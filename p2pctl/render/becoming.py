"""What a plan makes of the P2P state of ports: what begins, and what becomes another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from p2pctl.render.port_states import why
from p2pctl.render.report import Item
from p2pctl.target.port_state import PortState, StateWord

_GRAVEST_FIRST: tuple[StateWord, ...] = (
    "falls-back", "not-eligible", "possibly-exhausted", "unknown", "transport-cannot", "predicted", "confirmed", "off",
)  # fmt: skip
_SHOWN = 12
"""Lines that are told one by one; the others are counted."""
_NUMBERS = 8
"""Namespaces that a line names."""


def becoming(before: Iterable[PortState], after: Iterable[PortState]) -> Iterator[PortState]:
    """Those that hosts can reach after the plan, and that were not predicted to fare just so before it."""
    known = {_key(one): _outcome(one) for one in before if one.enabled is True}
    # What is not known to be disabled counts as enabled.
    return (one for one in after if one.enabled is not False and known.get(_key(one)) != _outcome(one))


def outcome_item(state: PortState) -> Item:
    """What becomes of a namespace by a port."""
    return {
        "port": state.port,
        "transport": state.transport,
        "subsystem": state.subsystem,
        "nsid": state.nsid,
        "state": state.predicted,
        "text": why(state),
    }


def outcome_lines(states: Iterable[PortState]) -> Iterator[str]:
    """A line for the namespaces of a subsystem that fare alike by a port, the gravest first."""
    alike: dict[tuple[str, str, str, str], list[PortState]] = {}
    for one in states:
        alike.setdefault((one.predicted, one.port, one.subsystem, why(one)), []).append(one)
    groups = sorted(alike.values(), key=lambda group: _GRAVEST_FIRST.index(group[0].predicted))
    yield from map(_line, groups[:_SHOWN])
    counts = Counter(group[0].predicted for group in groups[_SHOWN:] for _ in group)
    if counts:
        told = ", ".join(f"{count} {word}" for word, count in counts.items())
        yield f"and {sum(counts.values())} more by port and namespace: {told}"


def _key(state: PortState) -> tuple[str, str, int | None]:
    return state.port, state.subsystem, state.nsid


def _outcome(state: PortState) -> tuple[object, ...]:
    return state.predicted, state.transport, state.device, state.providers, why(state)


def _line(group: Sequence[PortState]) -> str:
    first = group[0]
    transport = f" ({first.transport})" if isinstance(first.transport, str) else ""
    return f"port {first.port}{transport}, {_named(group)} of {first.subsystem}: {first.predicted}: {why(first)}"


def _named(group: Sequence[PortState]) -> str:
    numbers = [str(one.nsid) for one in group if one.nsid is not None]
    if not numbers:
        return "passthru"
    more = f" and {len(numbers) - _NUMBERS} more" if len(numbers) > _NUMBERS else ""
    return f"namespace{'s' if len(numbers) > 1 else ''} {', '.join(numbers[:_NUMBERS])}{more}"
