#!/usr/bin/python
# Copyright (c) the p2pctl authors
# MIT License (see LICENSE)
"""Makes, changes or deletes a subsystem of the NVMe target."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: subsystem
short_description: Manage a subsystem of the kernel's NVMe target
version_added: 0.1.0
description:
  - Makes a subsystem of the kernel's NVMe target (nvmet), sets its attributes and the hosts that may use it, or
    deletes it.
  - What is not given stays as it is; of a new subsystem it is the kernel's default.
options:
  nqn:
    description: The subsystem's name.
    type: str
    required: true
  state:
    description: Whether it is to be there.
    type: str
    choices: [present, absent]
    default: present
  serial:
    description: Its serial number, up to 20 characters. It cannot be changed once a host has seen it.
    type: str
  model:
    description: Its model, up to 40 characters. It cannot be changed once a host has seen it.
    type: str
  allow_any_host:
    description: Whether all hosts may use it.
    type: bool
  allowed_hosts:
    description:
      - The NQNs of the hosts that may use it. Others lose the right. A host that the target does not know is made.
    type: list
    elements: str
  attributes:
    description: Further attributes, by the kernel's names without their prefix C(attr_), any that the kernel lists.
    type: dict
  cascade:
    description: With O(state=absent), delete its namespaces with it, and have ports export it no more.
    type: bool
    default: false
extends_documentation_fragment:
  - p2pctl.p2pctl.binary
  - p2pctl.p2pctl.changing
"""

EXAMPLES = r"""
- name: A subsystem for two hosts
  p2pctl.p2pctl.subsystem:
    nqn: nqn.2026-11.org.example:fast
    serial: P2P0001
    allowed_hosts:
      - nqn.2014-08.org.nvmexpress:uuid:0f01fb42-9f7f-4856-b0b3-51e60b8de349
      - nqn.2014-08.org.nvmexpress:uuid:91fdba0d-f87b-4c25-b80f-db7be1418b9e
    attributes:
      qid_max: 16

- name: One that is not needed any more, with all that is in it
  p2pctl.p2pctl.subsystem:
    nqn: nqn.2026-11.org.example:old
    state: absent
    cascade: true
"""

RETURN = r"""
state:
  description:
    - What became of it. V(nothing) where nothing is to be done, V(planned) in check mode, V(applied), V(waiting) for
      confirmation; of a failure V(rolled-back) or V(partial).
  returned: when p2pctl got as far as a plan
  type: str
  sample: applied
objects:
  description: What becomes of each object of the target, attribute by attribute. Of a key it says V(set), no more.
  returned: when p2pctl got as far as a plan
  type: list
  elements: dict
  sample:
    - object: subsystem nqn.2026-11.org.example:fast
      kind: subsystem
      change: created
      attributes:
        - {key: serial, before: null, after: P2P0001}
transaction:
  description: The change's name in p2pctl's journal, C(null) where nothing was written.
  returned: when p2pctl got as far as a plan
  type: str
  sample: 20261102T090000Z-bdd91b
vanishing:
  description: All objects that go away with those that are deleted.
  returned: when p2pctl got as far as a plan
  type: list
  elements: str
notes:
  description: What else there is to say of the change.
  returned: when p2pctl got as far as a plan
  type: list
  elements: str
disruption:
  description: The most that hosts may have noticed of it.
  returned: when p2pctl got as far as a plan
  type: str
  sample: none
effects:
  description: What was found when the change was looked at afterwards, such as a port that does not listen.
  returned: success
  type: list
  elements: dict
error:
  description:
    - What p2pctl said of a failure. C(code) is its exit status, C(name) the word for that, C(hint) what to do, C(errno)
      and C(path) the kernel's answer; C(problems) lists all that stands against a change.
  returned: failure
  type: dict
  sample:
    code: 8
    name: answer-no
    message: 'port 1: hosts would lose their connection; nothing was written'
    hint: allow it with --disruption port
    errno: null
    path: null
rolled_back:
  description: Whether all that had been done was undone.
  returned: failure of a change that had begun
  type: bool
residual:
  description: Of a change that could be neither finished nor undone, what is not as it was.
  returned: failure of a change that had begun
  type: list
  elements: dict
steps:
  description: The step that failed, with the errno and the kernel's own log lines.
  returned: failure of a change that had begun
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.p2pctl.p2pctl.plugins.module_utils import p2pctl, target

_KEYS = ("serial", "model", "allow_any_host", "allowed_hosts")


def act(module: Any, binary: p2pctl.P2pctl) -> p2pctl.Json:
    """Makes the subsystem what is asked."""
    params = module.params
    if params["state"] == "absent":
        words = ["subsystem", "delete", *(["--cascade"] if params["cascade"] else [])]
        return target.delete(module, binary, words, [params["nqn"]])
    return target.apply(module, binary, {"subsystems": {params["nqn"]: target.given(params, _KEYS)}})


def main() -> None:
    """Runs the module."""
    spec = {
        "nqn": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "serial": {"type": "str"},
        "model": {"type": "str"},
        "allow_any_host": {"type": "bool"},
        "allowed_hosts": {"type": "list", "elements": "str"},
        "attributes": {"type": "dict"},
        "cascade": {"type": "bool", "default": False},
    }
    p2pctl.run({**p2pctl.CHANGING, **spec}, act, supports_check_mode=True)


if __name__ == "__main__":
    main()
