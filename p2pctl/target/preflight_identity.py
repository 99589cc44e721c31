"""The identities of namespaces: hosts take two with the same for one disk, and write over it by both ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from p2pctl.model.nvmet import Attributes, Nvmet
from p2pctl.target import paths
from p2pctl.target.problems import Facts, Problem, started
from p2pctl.target.schema import canonical, key_for

_FILES = ("device_uuid", "device_nguid")

_NONE = "00000000-0000-0000-0000-000000000000"
"""No identity at all: the kernel does not tell hosts of it."""


def identities(facts: Facts) -> Iterator[Problem]:
    """What stands against namespaces that are made, switched on, or get another identity."""
    touched = set(_identified_anew(facts.live, facts.wanted))
    touched |= {(new.nqn, new.namespace.nsid) for new in started(facts.live, facts.wanted)}
    if not touched:
        return
    bearers = _bearers(facts.wanted)
    for nqn, nsid in sorted(touched):
        for mark in sorted(_marks(facts.wanted.subsystems[nqn].namespaces[nsid].attributes)):
            others = [one for one in bearers[mark] if one != (nqn, nsid)]
            if others:
                file, value = mark
                text = f"its {key_for('namespace', file)} {value} is that of {paths.called_namespace(*others[0])}"
                hint = "hosts would take the two for one disk: give it another, or none"
                yield Problem("identity-taken", paths.called_namespace(nqn, nsid), text, hint)


def _identified_anew(live: Nvmet, wanted: Nvmet) -> Iterator[tuple[str, int]]:
    for nqn, subsystem in wanted.subsystems.items():
        there = live.subsystems.get(nqn)
        for nsid, one in subsystem.namespaces.items():
            before = there.namespaces.get(nsid) if there else None
            if before is not None and all(one.attributes.get(file) == before.attributes.get(file) for file in _FILES):
                continue
            if before is None or not _marks(one.attributes) <= _marks(before.attributes):
                yield nqn, nsid


def _marks(attributes: Attributes) -> frozenset[tuple[str, str]]:
    read = ((file, attributes.get(file)) for file in _FILES)
    texts = ((file, canonical("namespace", file, text)) for file, text in read if isinstance(text, str))
    return frozenset((file, text) for file, text in texts if text and text != _NONE)


def _bearers(wanted: Nvmet) -> Mapping[tuple[str, str], list[tuple[str, int]]]:
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for nqn, subsystem in wanted.subsystems.items():
        for nsid, one in subsystem.namespaces.items():
            for mark in _marks(one.attributes):
                found.setdefault(mark, []).append((nqn, nsid))
    return found
