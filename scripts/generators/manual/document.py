"""The keys of a document, object by object: what the tables of attributes say, and what a person adds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from p2pctl.target.schema import KINDS, Kind, Spec, specs
from scripts.generators.manual import mdoc

_CHANGES = {
    "live": "",
    "disabled": "Changed while disabled.",
    "unlinked": "Changed while the port exports nothing.",
    "undiscovered": "Fixed once a host has asked.",
    "reconnects": "A change makes every host connect anew.",
}
"""When an attribute changes, by `p2pctl.target.attributes.Change`; the page explains the words."""


def key_lists(prose: Path) -> Mapping[str, list[str]]:
    """A list for each kind of object, by ``keys KIND``. Raises LookupError where prose and code do not agree."""
    written: dict[str, dict[str, str]] = yaml.safe_load(prose.read_text(encoding="utf-8"))
    found = {}
    for kind in KINDS:
        known = {one.key: one for one in specs(kind).values() if not one.write_only}
        missing, told = set(known) - set(written[kind]), written[kind]
        if missing:
            raise LookupError(f"{prose.name}: nothing is said of {kind} {', '.join(sorted(missing))}")
        found[f"keys {kind}"] = list(_keys(kind, known, told))
    return found


def _keys(kind: Kind, known: Mapping[str, Spec], told: Mapping[str, str]) -> Iterator[str]:
    if kind == "ana-group":
        yield from mdoc.paragraph(f"{told['ana_state']} {_facts(kind, known['ana_state'])}")
        return
    yield ".Bl -tag -width Ds"
    for key, words in told.items():
        spec = known.get(key)
        yield f".It Cm {mdoc.arguments(key)}"
        yield from mdoc.paragraph(words)
        if spec is not None:
            yield from mdoc.paragraph(_facts(kind, spec))
    yield ".El"


def _facts(kind: Kind, spec: Spec) -> str:
    takes = {"0|1|true|false|on|off|yes|no": "true or false"}.get(spec.grammar, spec.grammar.replace("|", " | "))
    return " ".join(filter(None, (f"Value: {takes}.", _default(kind, spec), _CHANGES[spec.change])))


def _default(kind: Kind, spec: Spec) -> str:
    if spec.default is None:
        return "Default: the kernel's."
    if not spec.default or spec.secret or spec.key == "mdts":
        return ""
    word = {"0": "false", "1": "true"}.get(spec.default, spec.default) if spec.value == "boolean" else spec.default
    if (kind, spec.key) == ("namespace", "p2pmem"):
        word = "off"
    return f"Default: {'auto' if word == '-1' else word}."
