"""A playbook on a real kernel's NVMe target; on the topology `rdma-switch`, with the driver that checks_rdma brings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.vm.guest import rdma_cards, rdma_target
from tests.vm.guest.api import NVMET, Context, reset_nvmet
from tests.vm.guest.target import KEY, summary

SECONDS = 900
REPOSITORY = Path(__file__).resolve().parents[3]
PLACE = Path("/run/ansible")
NQN = "nqn.2026-11.org.example:ansible"
TASK = "The target"
PORT = 4


def after_each() -> None:
    """Leaves no target."""
    reset_nvmet()
    shutil.rmtree(PLACE, ignore_errors=True)


def check_a_playbook_makes_an_empty_target_export_p2p_memory_and_changes_nothing_again(context: Context) -> None:
    """By the modules as their user runs them: Ansible, a connection, the p2pctl program."""
    (card,) = rdma_cards.bring_up(context)
    device = rdma_target.disk(context.bdf("n2"))
    assert not list(NVMET.glob("*/*")), "the target is empty"
    variables = {"device": device, "traddr": card.ip, "key": KEY}
    first = _play(variables, "first")
    assert (first[TASK]["changed"], first[TASK]["state"]) == (True, "applied")
    namespace = NVMET / "subsystems" / NQN / "namespaces/1"
    shown = [(namespace / name).read_text().strip() for name in ("device_path", "p2pmem", "enable")]
    assert shown == [device, "1", "1"]
    assert [link.name for link in (NVMET / f"ports/{PORT}/subsystems").iterdir()] == [NQN]
    (state,) = first["What there is now"]["port_states"]
    assert (state["state"], state["nsid"], state["map_type"]) == ("predicted", 1, "bus-address")
    identity = (namespace / "device_uuid").read_text()
    second = _play(variables, "second")
    assert (second[TASK]["changed"], second[TASK]["state"]) == (False, "nothing")
    assert (namespace / "device_uuid").read_text() == identity
    summary(context, f"a playbook in {first['seconds']:.0f} s, again in {second['seconds']:.0f} s")


def _play(variables: dict[str, Any], name: str) -> dict[str, Any]:
    """Runs the playbook; returns what its tasks came to, and the seconds that it took."""
    collection = PLACE / "collections/ansible_collections/p2pctl"
    collection.mkdir(parents=True, exist_ok=True)
    if not (collection / "p2pctl").exists():
        (collection / "p2pctl").symlink_to(REPOSITORY / "ansible")
    recorded, tests = PLACE / name, REPOSITORY / "tests/ansible"
    program = f"{sys.prefix}/bin/p2pctl"
    settings = {**variables, "ansible_python_interpreter": sys.executable, "program": program, "demo": False}
    environment = {
        "ANSIBLE_HOME": f"{PLACE}/home",
        "ANSIBLE_REMOTE_TMP": f"{PLACE}/tmp",
        "ANSIBLE_COLLECTIONS_PATH": f"{PLACE}/collections",
        "ANSIBLE_CALLBACKS_ENABLED": "recorded",
        "ANSIBLE_PIPELINING": "1",
        "RECORDED": str(recorded),
    }
    play = [sys.executable, f"{sys.prefix}/bin/ansible-playbook", "-i", "localhost,", "-c", "local"]
    begun = os.times().elapsed
    ran = subprocess.run(
        [*play, "-e", json.dumps(settings), str(tests / "playbooks/export.yml")],
        env={**os.environ, **environment}, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran
    assert KEY not in ran.stdout + ran.stderr + recorded.read_text()
    results = [json.loads(line) for line in recorded.read_text().splitlines()]
    return {"seconds": os.times().elapsed - begun, **{one["task"]: one["result"] for one in results}}
