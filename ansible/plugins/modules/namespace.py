#!/usr/bin/python
# Copyright (c) the p2pctl authors
# MIT License (see LICENSE)
"""Makes, changes or deletes a namespace of the NVMe target."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: namespace
short_description: Manage a namespace of the kernel's NVMe target
version_added: 0.1.0
description:
  - Makes a namespace in a subsystem of the kernel's NVMe target (nvmet), sets its attributes, or deletes it.
  - What is not given stays as it is; of a new namespace it is the kernel's default, so that it is not enabled.
  - What is on its device is never touched.
options:
  subsystem:
    description: The NQN of the subsystem, which has to be there.
    type: str
    required: true
  nsid:
    description: The namespace's number.
    type: int
    required: true
  state:
    description: Whether it is to be there.
    type: str
    choices: [present, absent]
    default: present
  device:
    description: The block device or file that it is served from.
    type: path
  p2pmem:
    description:
      - The P2P memory that carries its I/O. V(auto) is the kernel's choice, V(off) is none; otherwise the PCI address
        of the device that has the memory.
    type: str
  enable:
    description: Whether hosts see it.
    type: bool
  uuid:
    description: What hosts know it by. The kernel makes one up for a new namespace.
    type: str
  ana_grpid:
    description: The group that its paths belong to.
    type: int
  attributes:
    description:
      - Further attributes, by the kernel's names without their prefix C(device_), any that the kernel lists.
    type: dict
extends_documentation_fragment:
  - p2pctl.p2pctl.binary
  - p2pctl.p2pctl.changing
"""

EXAMPLES = r"""
- name: A drive, read and written through P2P memory where the kernel can
  p2pctl.p2pctl.namespace:
    subsystem: nqn.2026-11.org.example:fast
    nsid: 1
    device: /dev/disk/by-id/nvme-EXAMPLE_1
    p2pmem: auto
    enable: true

- name: Use the memory of another device, though hosts notice
  p2pctl.p2pctl.namespace:
    subsystem: nqn.2026-11.org.example:fast
    nsid: 1
    p2pmem: "0000:18:00.0"
    disruption: namespace
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

_KEYS = ("device", "p2pmem", "enable", "uuid", "ana_grpid")


def act(module: Any, binary: p2pctl.P2pctl) -> p2pctl.Json:
    """Makes the namespace what is asked."""
    params = module.params
    nqn, nsid = params["subsystem"], str(params["nsid"])
    if params["state"] == "absent":
        return target.delete(module, binary, ["namespace", "delete"], [nqn, nsid])
    wanted = {nsid: target.given(params, _KEYS)}
    return target.apply(module, binary, {"subsystems": {nqn: {"namespaces": wanted}}}, needs=[nqn])


def main() -> None:
    """Runs the module."""
    spec = {
        "subsystem": {"type": "str", "required": True},
        "nsid": {"type": "int", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "device": {"type": "path"},
        "p2pmem": {"type": "str"},
        "enable": {"type": "bool"},
        "uuid": {"type": "str"},
        "ana_grpid": {"type": "int"},
        "attributes": {"type": "dict"},
    }
    p2pctl.run({**p2pctl.CHANGING, **spec}, act, supports_check_mode=True)


if __name__ == "__main__":
    main()
