"""The target and plans as JSON, and back to exactly the same: names and values of any bytes included."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from p2pctl.model.facts import Fact, Gap, Missing
from p2pctl.model.nvmet import Nvmet
from p2pctl.target.flat import Directory, Entry, Link, Value, built, flat
from p2pctl.target.plan import Disruption, Plan, Step


def dump_nvmet(nvmet: Nvmet) -> bytes:
    """A tree as JSON. Bytes that are no UTF-8 are escaped surrogates in it."""
    return _dump(
        {
            "taken": nvmet.taken,
            "present": _fact(nvmet.present),
            "loaded": _fact(nvmet.loaded),
            "entries": {path: _entry(entry) for path, entry in flat(nvmet).items()},
            "gaps": [list(gap) for gap in nvmet.gaps],
            "built": _fact(nvmet.built),
        }
    )


def load_nvmet(data: bytes) -> Nvmet:
    """What `dump_nvmet` was given. Raises ValueError for anything else."""
    try:
        found = json.loads(data)
        like = Nvmet(
            float(found["taken"]),
            _from_fact(found["present"]),
            _from_fact(found["loaded"]),
            gaps=tuple(Gap(*gap) for gap in found["gaps"]),
            built=_from_fact(found["built"]),
        )
        return built({path: _from_entry(one) for path, one in found["entries"].items()}, like)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no recorded target: {_reason(error)}") from None


def dump_plan(plan: Plan) -> bytes:
    """A plan as JSON."""
    steps = [{name: getattr(step, name) for name in _FIELDS} for step in plan.steps]
    return _dump({"steps": steps, "vanishing": plan.vanishing, "notes": plan.notes})


def load_plan(data: bytes) -> Plan:
    """What `dump_plan` was given. Raises ValueError for anything else."""
    try:
        found = json.loads(data)
        return Plan(
            tuple(Step(**{**one, "disruption": Disruption(one["disruption"])}) for one in found["steps"]),
            tuple(found["vanishing"]),
            tuple(found["notes"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no recorded plan: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """What is wrong, without a word of the record: there are keys in it."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at byte {error.pos}"
    if isinstance(error, UnicodeDecodeError):
        return f"{error.reason} at byte {error.start}"
    return type(error).__name__


_FIELDS = tuple(field.name for field in fields(Step))


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _fact(fact: Fact[Any]) -> Any:
    return {"missing": fact.value} if isinstance(fact, Missing) else fact


def _from_fact(value: Any) -> Any:
    return Missing(value["missing"]) if isinstance(value, dict) else value


def _entry(entry: Entry) -> Any:
    if isinstance(entry, Directory):
        return None
    return {"link": entry.target} if isinstance(entry, Link) else _fact(entry.text)


def _from_entry(value: Any) -> Entry:
    if value is None:
        return Directory()
    if isinstance(value, dict) and "link" in value:
        return Link(value["link"])
    return Value(_from_fact(value))
