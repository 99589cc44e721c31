"""Each module against the demo host: what it changes, and that it says so exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.ansible.conftest import Module
from tests.cli.changing import ARCHIVE, HOST, KEY, POOL, door, target

FAST = "nqn.2026-11.org.example:fast"
NEWCOMER = "nqn.2026-11.org.example:newcomer"
SPACE = {"device": "/dev/nvme2n2", "p2pmem": "auto", "enable": True}

CHANGES: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "document",
        {"document": {"subsystems": {FAST: {"serial": "A1", "namespaces": {"1": SPACE}}}}},
        [f"subsystem {FAST}", f"namespace 1 of {FAST}"],
    ),
    (
        "subsystem",
        {"nqn": FAST, "serial": "A1", "allowed_hosts": [HOST], "attributes": {"qid_max": 16}},
        [f"subsystem {FAST}"],
    ),
    ("subsystem", {"nqn": POOL, "allow_any_host": True, "allowed_hosts": []}, [f"subsystem {POOL}"]),
    ("subsystem", {"nqn": POOL, "state": "absent", "cascade": True}, [f"subsystem {POOL}"]),
    ("namespace", {"subsystem": POOL, "nsid": 9, **SPACE}, [f"namespace 9 of {POOL}"]),
    ("namespace", {"subsystem": POOL, "nsid": 4, "p2pmem": "off"}, [f"namespace 4 of {POOL}"]),
    ("namespace", {"subsystem": POOL, "nsid": 5, "state": "absent"}, [f"namespace 5 of {POOL}"]),
    (
        "port",
        {"port": 9, "trtype": "tcp", "traddr": "192.0.2.10", "trsvcid": "4499", "subsystems": [ARCHIVE]},
        ["port 9"],
    ),
    ("port", {"port": 1, "subsystems": [POOL, ARCHIVE], "ana_groups": {"3": "inaccessible"}}, ["port 1"]),
    ("port", {"port": 3, "state": "absent", "cascade": True}, ["port 3"]),
    ("host", {"nqn": NEWCOMER, "dhchap_key": KEY, "dhchap_hash": "hmac(sha384)"}, [f"host {NEWCOMER}"]),
    ("host", {"nqn": HOST, "state": "absent", "cascade": True}, [f"host {HOST}"]),
]


FIRST = {name: place for place, (name, *_) in reversed(list(enumerate(CHANGES)))}
"""Of each kind of object the change that is tried in any case."""


@pytest.mark.parametrize(
    ("name", "options", "objects"),
    [
        pytest.param(*one, marks=() if FIRST[one[0]] == place else pytest.mark.full, id=f"{one[0]}-{place}")
        for place, one in enumerate(CHANGES)
    ],
)
def test_check_mode_tells_what_then_happens_once(
    name: str, options: dict[str, Any], objects: list[str], module: Module, tmp_path: Path
) -> None:
    """Check mode writes nothing and says the same of every object as the change; the second run changes nothing."""
    before = target(door(tmp_path))
    planned = module(name, check=True, diff=True, **options)
    assert not planned.failed, planned
    assert target(door(tmp_path)) == before
    assert (planned.result["changed"], planned.result["state"]) == (True, "planned")
    done = module(name, diff=True, **options)
    assert (done.result["changed"], done.result["state"]) == (True, "applied"), done
    assert done.result["objects"] == planned.result["objects"]
    assert [one for one in objects if one not in {told["object"] for told in done.result["objects"]}] == []
    assert done.result["diff"]["before"] == planned.result["diff"]["before"]
    assert within(planned.result["diff"]["after"], done.result["diff"]["after"])
    assert done.result["diff"]["before"] != done.result["diff"]["after"]
    after = target(door(tmp_path))
    assert after != before
    again = module(name, diff=True, **options)
    assert (again.result["changed"], again.result["state"], again.result["objects"]) == (False, "nothing", [])
    assert again.result["diff"] == {"before": {"version": 1}, "after": {"version": 1}}
    assert target(door(tmp_path)) == after


def test_check_mode_without_a_change_says_so(module: Module) -> None:
    same = module("namespace", check=True, diff=True, subsystem=POOL, nsid=1, p2pmem="auto", enable=True)
    assert (same.result["changed"], same.result["state"]) == (False, "nothing")
    assert same.result["diff"]["before"] == same.result["diff"]["after"]


def within(part: Any, whole: Any) -> bool:
    """Whether all that a document says another says, too: the kernel's own defaults are only seen afterwards."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and within(one, whole[key]) for key, one in part.items())
    return bool(part == whole)


def test_what_is_not_given_stays(module: Module, tmp_path: Path) -> None:
    module("subsystem", nqn=POOL, attributes={"qid_max": 7}, disruption="port")
    found = target(door(tmp_path)).subsystems[POOL]
    assert found.attributes["attr_qid_max"] == "7"
    assert (found.attributes["attr_model"], len(found.namespaces), len(found.allowed_hosts)) == ("Example pool", 5, 2)


def test_a_document_on_the_host_is_applied_as_well(module: Module, tmp_path: Path) -> None:
    """Keys lie beside it, and it is not Ansible that reads them."""
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o600)
    path = tmp_path / "-target.yaml"
    path.write_text(f"version: 1\nhosts:\n  {NEWCOMER}: {{dhchap_key: {{file: key}}}}\n")
    assert module("document", check=True, path=str(path)).result["state"] == "planned"
    assert module("document", path=str(path)).result["changed"] is True
    assert module("document", path=str(path)).result["changed"] is False
    assert target(door(tmp_path)).hosts[NEWCOMER].attributes["dhchap_key"] == KEY


def test_what_a_document_does_not_name_is_deleted_where_that_is_asked(module: Module) -> None:
    fragment: dict[str, Any] = {"subsystems": {FAST: {}}}
    module("document", document=fragment)
    assert module("document", document={"subsystems": {POOL: {}}}).result["changed"] is False
    pruned = module("document", document={"subsystems": {POOL: {}}}, prune="owned")
    assert [(one["object"], one["change"]) for one in pruned.result["objects"]] == [(f"subsystem {FAST}", "deleted")]


def test_a_namespace_makes_no_subsystem_by_the_way(module: Module, tmp_path: Path) -> None:
    """A name that is mistyped is an error; in check mode another task may have made it in a real run."""
    before = target(door(tmp_path))
    failed = module("namespace", subsystem=FAST, nsid=1, **SPACE)
    assert failed.result["msg"].startswith(f"there is no subsystem {FAST}")
    assert target(door(tmp_path)) == before
    port = {"port": 9, "trtype": "tcp", "traddr": "192.0.2.10", "trsvcid": "4499", "subsystems": [FAST]}
    space = {"subsystem": FAST, "nsid": 1, "device": "/dev/nvme2n2"}
    for name, options, made in (("namespace", space, f"namespace 1 of {FAST}"), ("port", port, "port 9")):
        planned = module(name, check=True, diff=True, **options)
        assert planned.result["changed"] is True
        assert [(one["object"], one["change"]) for one in planned.result["objects"]] == [(made, "created")]
        after = planned.result["diff"]["after"]
        assert set(after.get("subsystems", {}).get(FAST, {})) == ({"namespaces"} if name == "namespace" else set())
        assert ("subsystems" in after) == (name == "namespace")
        assert f"there is no subsystem {FAST}: this works once another task has made it" in planned.text


def test_what_is_absent_already_is_no_change(module: Module) -> None:
    for name, options in (
        ("subsystem", {"nqn": FAST}),
        ("namespace", {"subsystem": FAST, "nsid": 1}),
        ("port", {"port": 77}),
        ("host", {"nqn": "-x"}),
    ):
        assert module(name, state="absent", **options).result["changed"] is False


def test_info_asks_for_what_is_wanted(module: Module) -> None:
    found = module("p2pctl_info", gather_subset=["pools", "matrix", "connections", "document"]).result
    assert {"pools", "matrix", "connections", "document"} <= set(found)
    assert found["changed"] is False
    assert found["errors"] == {}
    assert "port_states" not in found
    assert {one["state"] for one in found["pools"]} == {"published", "private", "unregistered"}
    assert {one["verdict"] for one in found["matrix"]} == {"allowed", "denied"}
    assert set(found["document"]["subsystems"]) == {POOL, ARCHIVE}
    assert module("document", document=found["document"]).result["changed"] is False


def test_info_keeps_what_it_could_learn(module: Module, tmp_path: Path) -> None:
    """A host without a target has no ports to tell of: that is said, and keeps nothing else from being told."""
    (tmp_path / "sys/bus/pci/devices").mkdir(parents=True)
    (tmp_path / "proc").mkdir()
    found = module("p2pctl_info", demo=None, sysroot=str(tmp_path), gather_subset=["pools", "document"]).result
    assert found["pools"] == []
    assert found["document"] is None
    assert (found["errors"]["document"]["code"], found["errors"]["document"]["name"]) == (5, "unsupported")
