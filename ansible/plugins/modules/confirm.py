#!/usr/bin/python
# Copyright (c) the p2pctl authors
# MIT License (see LICENSE)
"""Keeps a change of the NVMe target that would undo itself."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: confirm
short_description: Keep a change of the NVMe target that would otherwise undo itself
version_added: 0.1.0
description:
  - Confirms a change that M(p2pctl.p2pctl.document) made with O(p2pctl.p2pctl.document#module:confirm_within).
  - A change that does not wait for it, or was undone by now, is a failure.
options:
  transaction:
    description: The change, as RV(p2pctl.p2pctl.document#module:transaction) named it.
    type: str
    required: true
  lock_timeout:
    description: Seconds to wait for another change of the target to end.
    type: float
    default: 30.0
attributes:
  check_mode:
    support: none
    description: In check mode no change waits. The task is skipped.
  diff_mode:
    support: none
    description: The target stays as it is.
  action_group:
    version_added: 0.1.0
    description: Use C(group/p2pctl.p2pctl.p2pctl) in C(module_defaults) to set options of all modules at once.
    support: full
    membership: [p2pctl.p2pctl.p2pctl]
seealso:
  - module: p2pctl.p2pctl.document
extends_documentation_fragment:
  - p2pctl.p2pctl.binary
"""

EXAMPLES = r"""
- name: Keep the change, now that the host still answers
  p2pctl.p2pctl.confirm:
    transaction: "{{ change.transaction }}"
  when: change.state == "waiting"
"""

RETURN = r"""
state:
  description: What became of it.
  returned: success
  type: str
  sample: confirmed
error:
  description: What p2pctl said of a failure, as M(p2pctl.p2pctl.document) tells it.
  returned: failure
  type: dict
"""

from typing import Any

from ansible_collections.p2pctl.p2pctl.plugins.module_utils import p2pctl, target


def act(module: Any, binary: p2pctl.P2pctl) -> p2pctl.Json:
    """Confirms the change."""
    asked = ["confirm", f"--lock-timeout={module.params['lock_timeout']}"]
    return target.told(module, binary.ask("change", asked, operands=[module.params["transaction"]]))


def main() -> None:
    """Runs the module."""
    spec = {
        "transaction": {"type": "str", "required": True},
        "lock_timeout": {"type": "float", "default": 30.0},
    }
    p2pctl.run(spec, act)


if __name__ == "__main__":
    main()
