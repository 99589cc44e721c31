#!/usr/bin/python
# Copyright (c) the p2pctl authors
# MIT License (see LICENSE)
"""Makes the NVMe target what a document says."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: document
short_description: Make the kernel's NVMe target what a document says
version_added: 0.1.0
description:
  - Applies a document, or a fragment of one, to the kernel's NVMe target (nvmet) with C(p2pctl apply).
  - Only what differs is written. What the document does not mention stays, unless O(prune) says otherwise.
  - The document reaches p2pctl by its standard input, so that nothing of it shows in the list of processes.
options:
  document:
    description:
      - The document, as C(p2pctl-document(5)) describes it. C(version) may be left out.
      - Keys for DH-HMAC-CHAP belong in O(secrets), or in files that the document names.
    type: dict
  path:
    description: A document on the managed host, YAML or JSON, also in the format of nvmetcli.
    type: path
  secrets:
    description:
      - Keys by the NQN of their host, for hosts that the document names or not.
      - Each is a dictionary with C(dhchap_key), C(dhchap_ctrl_key) or both.
    type: dict
  prune:
    description:
      - What to delete of all that the document does not name. V(owned) is what p2pctl made in this boot of the host.
    type: str
    choices: [none, owned, all]
    default: none
  wait:
    description: Seconds to wait for devices and addresses of the document to appear.
    type: float
    default: 0.0
  drop:
    description: End the sessions of hosts that lose their right, where the kernel can do that.
    type: bool
    default: false
  confirm_within:
    description:
      - Undo the change after so many seconds, unless M(p2pctl.p2pctl.confirm) keeps it. The managed host does so by
        itself, also when it cannot be reached any more. It takes systemd.
    type: int
seealso:
  - module: p2pctl.p2pctl.confirm
extends_documentation_fragment:
  - p2pctl.p2pctl.binary
  - p2pctl.p2pctl.changing
"""

EXAMPLES = r"""
- name: Export a drive over RDMA, through P2P memory or not at all
  p2pctl.p2pctl.document:
    load: true
    wait: 30
    document:
      subsystems:
        nqn.2026-11.org.example:fast:
          serial: P2P0001
          allowed_hosts:
            - nqn.2014-08.org.nvmexpress:uuid:0f01fb42-9f7f-4856-b0b3-51e60b8de349
          namespaces:
            1: {device: /dev/disk/by-id/nvme-EXAMPLE_1, p2pmem: auto, enable: true}
      ports:
        4:
          trtype: rdma
          adrfam: ipv4
          traddr: 192.0.2.11
          trsvcid: 4420
          inline_data_size: 0
          p2p: required
          subsystems: [nqn.2026-11.org.example:fast]

- name: See what another document on the host would change
  p2pctl.p2pctl.document:
    path: /etc/p2pctl/target.yaml
  check_mode: true
  diff: true

- name: Give a host its key
  p2pctl.p2pctl.document:
    document:
      subsystems:
        nqn.2026-11.org.example:fast:
          allowed_hosts: [nqn.2014-08.org.nvmexpress:uuid:0f01fb42-9f7f-4856-b0b3-51e60b8de349]
    secrets:
      nqn.2014-08.org.nvmexpress:uuid:0f01fb42-9f7f-4856-b0b3-51e60b8de349:
        dhchap_key: "{{ vault_db1_dhchap_key }}"

- name: Change it, and have the change undone unless it is confirmed
  p2pctl.p2pctl.document:
    document: "{{ target }}"
    prune: owned
    disruption: port
    confirm_within: 60
  register: change

- name: Keep it, now that the host still answers
  p2pctl.p2pctl.confirm:
    transaction: "{{ change.transaction }}"
  when: change.state == "waiting"
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
until:
  description: When the change undoes itself unless it is confirmed.
  returned: when it waits for that
  type: str
  sample: "2026-11-02T09:01:00.000Z"
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

from typing import Any, Iterator

from ansible_collections.p2pctl.p2pctl.plugins.module_utils import p2pctl, target


def _with_secrets(document: p2pctl.Json, secrets: p2pctl.Json | None) -> p2pctl.Json:
    hosts = dict(document.get("hosts") or {})
    for nqn, keys in (secrets or {}).items():
        if not isinstance(keys, dict) or not set(keys) <= set(p2pctl.KEYS):
            raise p2pctl.FailureError(f"secrets: {nqn} takes {' and '.join(p2pctl.KEYS)}")
        hosts[nqn] = {**(hosts.get(nqn) or {}), **keys}
    return {**document, "hosts": hosts} if hosts else document


def _words(params: p2pctl.Json) -> Iterator[str]:
    if params["prune"] != "none":
        yield f"--prune={params['prune']}"
    if params["wait"]:
        yield f"--wait={params['wait']}"
    if params["drop"]:
        yield "--drop"
    if params["confirm_within"] is not None:
        yield f"--confirm-within={params['confirm_within']}"


def act(module: Any, binary: p2pctl.P2pctl) -> p2pctl.Json:
    """Applies the document, wherever it is."""
    params = module.params
    words = list(_words(params))
    if params["path"] is not None:
        return target.apply_file(module, binary, params["path"], words)
    return target.apply(module, binary, _with_secrets(params["document"] or {}, params["secrets"]), words)


def main() -> None:
    """Runs the module."""
    spec = {
        "document": {"type": "dict"},
        "path": {"type": "path"},
        "secrets": {"type": "dict", "no_log": True},
        "prune": {"type": "str", "choices": ["none", "owned", "all"], "default": "none"},
        "wait": {"type": "float", "default": 0.0},
        "drop": {"type": "bool", "default": False},
        "confirm_within": {"type": "int"},
    }
    p2pctl.run(
        {**p2pctl.CHANGING, **spec},
        act,
        exclusive=[("document", "path"), ("secrets", "path")],
        required_one_of=[("document", "path", "secrets")],
        supports_check_mode=True,
    )


if __name__ == "__main__":
    main()
