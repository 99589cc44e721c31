# Copyright (c) the p2pctl authors
# MIT License (see LICENSE)
"""Changes of the NVMe target: a document goes in, what became of it comes out as a module's result."""

from __future__ import annotations

import json
from typing import Any, Iterator, Sequence

from ansible_collections.p2pctl.p2pctl.plugins.module_utils.p2pctl import Answer, FailureError, Json, P2pctl, failure

_TOLD = ("state", "objects", "transaction", "disruption", "vanishing", "effects", "notes")
"""What a result has of p2pctl's own report."""
_TOLD_OF_FAILURE = ("state", "rolled_back", "residual", "transaction", "objects")


def apply(module: Any, p2pctl: P2pctl, document: Json, words: Sequence[str] = (), needs: Sequence[str] = ()) -> Json:
    """Makes the target what a document says, or plans it in check mode. ``needs`` are subsystems that others make.

    Raises FailureError, for one of ``needs`` that is not there as well.
    """
    text = json.dumps({"version": 1, **document})
    asked = ["apply", "-", "--yes", *options(module.params), *words]
    if module.check_mode or needs:
        plan = p2pctl.ask("change", [*asked, "--dry-run"], text)
        missing = _made(plan.item, needs)
        for nqn in missing:
            absent = f"there is no subsystem {nqn}"
            if not module.check_mode:
                raise FailureError(absent, hint="make it first, with p2pctl.p2pctl.subsystem", rc=3)
            module.warn(f"{absent}: this works once another task has made it")
        if module.check_mode:
            return told(module, _without(plan, missing))
    return told(module, p2pctl.ask("change", asked, text))


def apply_file(module: Any, p2pctl: P2pctl, path: str, words: Sequence[str]) -> Json:
    """Makes the target what a document on the managed host says, or plans it in check mode. Raises FailureError."""
    asked = ["apply", "--yes", *options(module.params), *words, *_planned(module)]
    return told(module, p2pctl.ask("change", asked, operands=[path]))


def delete(module: Any, p2pctl: P2pctl, words: Sequence[str], operands: Sequence[str]) -> Json:
    """Deletes an object, if it is there, by the command that is for it. Raises FailureError."""
    asked = [*words, "--if-exists", "--yes", *options(module.params), *_planned(module)]
    return told(module, p2pctl.ask("change", asked, operands=operands))


def told(module: Any, answer: Answer) -> Json:
    """What a module says of a change. Raises FailureError where p2pctl failed."""
    item = answer.item
    for warning in [*answer.said, *item.get("warnings", [])]:
        module.warn(f"p2pctl: {warning}")
    if answer.error is not None:
        raise failure(
            answer.error,
            changed=bool(item.get("changed")),
            steps=[step for step in item.get("steps", []) if step.get("status") == "failed"] or None,
            **{key: item[key] for key in _TOLD_OF_FAILURE if item.get(key) is not None},
        )
    result = {"changed": item["changed"], **{key: item[key] for key in _TOLD if key in item}}
    if item["until"] is not None:
        result["until"] = item["until"]
    if item["dry_run"] and not item["changed"]:
        result["state"] = "nothing"
    if module._diff:  # noqa: SLF001  Ansible has no other name for it
        result["diff"] = {"before": item["before"], "after": item["after"]}
    return result


def options(params: Json) -> Iterator[str]:
    """The words that all changing commands take."""
    yield f"--lock-timeout={params['lock_timeout']}"
    if params["disruption"] is not None:
        yield f"--disruption={params['disruption']}"
    if params["load"]:
        yield "--load"


def given(params: Json, names: Sequence[str]) -> Json:
    """Those of a module's parameters that were given, and its ``attributes``, which may not say them otherwise.

    Raises FailureError for one that is said twice.
    """
    found = {name: params[name] for name in names if params[name] is not None}
    more = params["attributes"] or {}
    twice = sorted(set(found) & set(more))
    if twice:
        raise FailureError(f"{twice[0]} is given as an option and in attributes", hint="say it once")
    return {**found, **more}


def _made(item: Json, needs: Sequence[str]) -> list[str]:
    """Those of some subsystems that a plan would make."""
    before, after = (item.get(key, {}).get("subsystems", {}) for key in ("before", "after"))
    return [nqn for nqn in needs if nqn in after and nqn not in before]


def _without(plan: Answer, missing: Sequence[str]) -> Answer:
    """A plan but for subsystems that another task has to make: only the namespaces in them are this one's."""
    if not missing:
        return plan
    item = dict(plan.item)
    item["objects"] = [one for one in item["objects"] if one["object"] not in {f"subsystem {nqn}" for nqn in missing}]
    after = dict(item["after"])
    subsystems = dict(after.pop("subsystems"))
    for nqn in missing:
        made = subsystems.pop(nqn)
        if "namespaces" in made:
            subsystems[nqn] = {"namespaces": made["namespaces"]}
    item["after"] = {**after, "subsystems": subsystems} if subsystems else after
    return plan._replace(document={**(plan.document or {}), "items": [item]})


def _planned(module: Any) -> list[str]:
    return ["--dry-run"] if module.check_mode else []
