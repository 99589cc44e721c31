"""Playbooks as their users run them: Ansible, a connection, the installed collection, and the demo host."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ansible.conftest import Play
from tests.cli.changing import KEY, door, target

NQN = "nqn.2026-11.org.example:ansible"
WHERE = {"device": "/dev/nvme2n2", "traddr": "192.0.2.11", "key": KEY}


@pytest.mark.full  # a playbook is also played on a real kernel, and takes longer than any other test
def test_a_playbook_is_planned_made_and_then_changes_nothing(play: Play, tmp_path: Path) -> None:
    """Check with diff, apply, and apply with diff."""
    state = tmp_path / "state"
    before = target(door(state))
    planned = play("export.yml", "--check", "--diff", **WHERE)
    assert planned.code == 0, planned.text
    assert planned.changed == ["The target"]
    assert '+    "subsystems": {' in planned.text
    assert '+                    "device": "/dev/nvme2n2",' in planned.text
    assert target(door(state)) == before
    made = play("export.yml", **WHERE)
    assert made.code == 0, made.text
    assert made.changed == ["The target"]
    after = target(door(state))
    assert after.subsystems[NQN].namespaces[1].attributes["p2pmem"] == "1"
    assert after.ports["4"].subsystems == (NQN,)
    again = play("export.yml", "--diff", **WHERE)
    assert (again.code, again.changed) == (0, []), again.text
    assert "@@" not in again.text
    assert target(door(state)) == after
    assert KEY not in planned.text + made.text
