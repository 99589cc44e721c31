#!/usr/bin/python
# Copyright (c) the p2pctl authors
# MIT License (see LICENSE)
"""Makes, changes or deletes a host that the NVMe target knows."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: host
short_description: Manage a host that the kernel's NVMe target knows, and its keys
version_added: 0.1.0
description:
  - Makes a host in the kernel's NVMe target (nvmet), sets the keys by which it proves who it is, or deletes it.
  - What is not given stays as it is.
  - The kernel shows keys in configfs, so that a key which is set already is no change.
options:
  nqn:
    description: The host's name.
    type: str
    required: true
  state:
    description: Whether it is to be there.
    type: str
    choices: [present, absent]
    default: present
  dhchap_key:
    description: Its key, as C(nvme gen-dhchap-key) prints it. An empty text takes it away.
    type: str
  dhchap_ctrl_key:
    description: The key by which the target proves itself to the host. An empty text takes it away.
    type: str
  dhchap_hash:
    description: How the answer to a challenge is made.
    type: str
    choices: [hmac(sha256), hmac(sha384), hmac(sha512)]
  dhchap_dhgroup:
    description: The Diffie-Hellman group; V(null) is none.
    type: str
    choices: ['null', ffdhe2048, ffdhe3072, ffdhe4096, ffdhe6144, ffdhe8192]
  cascade:
    description: With O(state=absent), delete it though subsystems allow it. Its sessions go on until they end.
    type: bool
    default: false
extends_documentation_fragment:
  - p2pctl.p2pctl.binary
  - p2pctl.p2pctl.changing
"""

EXAMPLES = r"""
- name: A host with a key
  p2pctl.p2pctl.host:
    nqn: nqn.2014-08.org.nvmexpress:uuid:0f01fb42-9f7f-4856-b0b3-51e60b8de349
    dhchap_key: "{{ vault_db1_dhchap_key }}"
    dhchap_hash: hmac(sha384)
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

_KEYS = (*p2pctl.KEYS, "dhchap_hash", "dhchap_dhgroup")
_HASHES = ["hmac(sha256)", "hmac(sha384)", "hmac(sha512)"]
_GROUPS = ["null", "ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192"]


def act(module: Any, binary: p2pctl.P2pctl) -> p2pctl.Json:
    """Makes the host what is asked."""
    params = module.params
    if params["state"] == "absent":
        words = ["host", "delete", *(["--cascade"] if params["cascade"] else [])]
        return target.delete(module, binary, words, [params["nqn"]])
    wanted = {key: params[key] for key in _KEYS if params[key] is not None}
    return target.apply(module, binary, {"hosts": {params["nqn"]: wanted}})


def main() -> None:
    """Runs the module."""
    spec = {
        "nqn": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "dhchap_key": {"type": "str", "no_log": True},
        "dhchap_ctrl_key": {"type": "str", "no_log": True},
        "dhchap_hash": {"type": "str", "choices": _HASHES},
        "dhchap_dhgroup": {"type": "str", "choices": _GROUPS},
        "cascade": {"type": "bool", "default": False},
    }
    p2pctl.run({**p2pctl.CHANGING, **spec}, act, supports_check_mode=True)


if __name__ == "__main__":
    main()
