#!/usr/bin/python
# Copyright (c) the p2pctl authors
# MIT License (see LICENSE)
"""Makes, changes or deletes a port of the NVMe target."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: port
short_description: Manage a port of the kernel's NVMe target
version_added: 0.1.0
description:
  - Makes a port of the kernel's NVMe target (nvmet), sets its address and what it exports, or deletes it.
  - What is not given stays as it is; of a new port it is the kernel's default.
options:
  port:
    description: The port's number.
    type: int
    required: true
  state:
    description: Whether it is to be there.
    type: str
    choices: [present, absent]
    default: present
  trtype:
    description: The transport. Only V(rdma) can use P2P memory.
    type: str
    choices: [rdma, tcp, fc, loop, pci]
  traddr:
    description: The address that it listens at.
    type: str
  trsvcid:
    description: The transport's port number.
    type: str
  adrfam:
    description: The family of the address. Without it, V(ipv4) or V(ipv6) by the look of O(traddr), for TCP and RDMA.
    type: str
    choices: [ipv4, ipv6, ib, fc, pci, loop]
  inline_data_size:
    description: The bytes of data that a command may bring along. With 0, small writes use P2P memory, too.
    type: int
  subsystems:
    description: The NQNs of the subsystems that it exports, which have to be there. Others are exported no more.
    type: list
    elements: str
  ana_groups:
    description: The state of groups of paths by their number, V(optimized), V(non-optimized) or V(inaccessible).
    type: dict
  p2p:
    description:
      - What is expected of P2P memory at this port. With V(required), a change fails before the first write where I/O
        would fall back to system memory.
    type: str
    choices: [required, preferred, 'off']
  attributes:
    description:
      - Further attributes, by the kernel's names without their prefix C(addr_) or C(param_), any that the kernel lists.
    type: dict
  cascade:
    description: With O(state=absent), delete it though it exports subsystems. Its hosts lose their connections.
    type: bool
    default: false
extends_documentation_fragment:
  - p2pctl.p2pctl.binary
  - p2pctl.p2pctl.changing
"""

EXAMPLES = r"""
- name: Export a subsystem over RDMA, through P2P memory or not at all
  p2pctl.p2pctl.port:
    port: 4
    trtype: rdma
    traddr: 192.0.2.11
    trsvcid: 4420
    inline_data_size: 0
    p2p: required
    subsystems: [nqn.2026-11.org.example:fast]
    ana_groups:
      1: optimized
      2: non-optimized
    load: true

- name: Close a port
  p2pctl.p2pctl.port:
    port: 2
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

_KEYS = ("trtype", "traddr", "trsvcid", "adrfam", "inline_data_size", "subsystems", "ana_groups", "p2p")


def _wanted(params: p2pctl.Json) -> p2pctl.Json:
    wanted = target.given(params, _KEYS)
    if params["traddr"] and params["trtype"] in ("rdma", "tcp"):
        wanted.setdefault("adrfam", "ipv6" if ":" in params["traddr"] else "ipv4")
    return wanted


def act(module: Any, binary: p2pctl.P2pctl) -> p2pctl.Json:
    """Makes the port what is asked."""
    params = module.params
    port, exported = str(params["port"]), params["subsystems"] or []
    if params["state"] == "absent":
        words = ["port", "delete", *(["--cascade"] if params["cascade"] else [])]
        return target.delete(module, binary, words, [port])
    document = {"ports": {port: _wanted(params)}}
    if module.check_mode:  # another task may make them in a real run
        document["subsystems"] = {nqn: {} for nqn in exported}
    return target.apply(module, binary, document, needs=exported if module.check_mode else ())


def main() -> None:
    """Runs the module."""
    spec = {
        "port": {"type": "int", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "trtype": {"type": "str", "choices": ["rdma", "tcp", "fc", "loop", "pci"]},
        "traddr": {"type": "str"},
        "trsvcid": {"type": "str"},
        "adrfam": {"type": "str", "choices": ["ipv4", "ipv6", "ib", "fc", "pci", "loop"]},
        "inline_data_size": {"type": "int"},
        "subsystems": {"type": "list", "elements": "str"},
        "ana_groups": {"type": "dict"},
        "p2p": {"type": "str", "choices": ["required", "preferred", "off"]},
        "attributes": {"type": "dict"},
        "cascade": {"type": "bool", "default": False},
    }
    p2pctl.run({**p2pctl.CHANGING, **spec}, act, supports_check_mode=True)


if __name__ == "__main__":
    main()
