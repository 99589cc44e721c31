#!/usr/bin/python
# Copyright (c) the p2pctl authors
# MIT License (see LICENSE)
"""Looks at P2P memory and the NVMe target of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: p2pctl_info
short_description: Look at a host's P2P memory and its NVMe target
version_added: 0.1.0
description:
  - Asks p2pctl for P2P memory, verdicts on pairs of devices, the state of P2P at each port, findings, and the target.
  - What p2pctl cannot tell is C(null), and RV(errors) says why. What it could tell in part only has entries in
    RV(gaps).
options:
  gather_subset:
    description: What to ask for. Each is a run of p2pctl. Of an empty list there is only its version.
    type: list
    elements: str
    choices: [all, pools, devices, matrix, port_states, findings, connections, document]
    default: [pools, port_states, findings]
extends_documentation_fragment:
  - p2pctl.p2pctl.binary
  - p2pctl.p2pctl.changing.looking
"""

EXAMPLES = r"""
- name: Look at the host
  p2pctl.p2pctl.p2pctl_info:
  register: p2p

- name: It has P2P memory that others may use, and all I/O of port 4 goes through it
  ansible.builtin.assert:
    that:
      - p2p.pools | selectattr("state", "eq", "published") | length > 0
      - p2p.port_states | selectattr("port", "eq", "4") | map(attribute="state") is subset(["predicted", "confirmed"])

- name: Which devices may use which
  p2pctl.p2pctl.p2pctl_info:
    gather_subset: [matrix]
  register: pairs

- name: Keep the target as a document
  p2pctl.p2pctl.p2pctl_info:
    gather_subset: [document]
  register: exported
"""

RETURN = r"""
version:
  description: The version of p2pctl on the managed host.
  returned: success
  type: str
  sample: 0.1.0
pools:
  description: P2P memory of each device, as C(p2pctl pool list -o json) lists it. Sizes are bytes.
  returned: when asked for
  type: list
  elements: dict
  sample:
    - {address: '0000:18:00.0', state: published, size: 536870912, available: 495976448, used: 40894464}
devices:
  description: PCI functions that matter for P2P, as C(p2pctl device list -o json) lists them.
  returned: when asked for
  type: list
  elements: dict
matrix:
  description: Verdict and distance of each pair of devices, as C(p2pctl matrix -o json) lists them.
  returned: when asked for
  type: list
  elements: dict
  sample:
    - {provider: '0000:18:00.0', client: '0000:1a:00.0', verdict: allowed, map_type: bus-address, distance: 4}
port_states:
  description: For each namespace of each port whether P2P memory carries its I/O, as C(p2pctl port state -o json) says.
  returned: when asked for
  type: list
  elements: dict
  sample:
    - {port: '1', subsystem: 'nqn.2026-11.org.example:fast', nsid: 1, state: confirmed, providers: ['0000:18:00.0']}
findings:
  description: What stands in the way of P2P, as C(p2pctl doctor -o json) lists it.
  returned: when asked for
  type: list
  elements: dict
connections:
  description: The hosts that are connected, as C(p2pctl connection list -o json) lists them.
  returned: when asked for
  type: list
  elements: dict
document:
  description: The target as a document that M(p2pctl.p2pctl.document) takes, without keys.
  returned: when asked for
  type: dict
gaps:
  description: For each subset, the facts that could not be read, with what it takes to read them.
  returned: success
  type: dict
errors:
  description: For each subset that could not be had, p2pctl's error.
  returned: success
  type: dict
"""

from typing import Any

from ansible_collections.p2pctl.p2pctl.plugins.module_utils import p2pctl

_SUBSETS = {
    "pools": ("pool", ["pool", "list"]),
    "devices": ("device", ["device", "list"]),
    "matrix": ("matrix", ["matrix"]),
    "port_states": ("port-state", ["port", "state"]),
    "findings": ("doctor", ["doctor"]),
    "connections": ("connection", ["connection", "list"]),
}
"""The kind of document that each of them is, and the command that prints it."""


def _asked(binary: p2pctl.P2pctl, name: str) -> tuple[Any, list[Any]]:
    """What there is to tell of a subset, and its gaps. Raises FailureError."""
    if name == "document":
        return binary.text(["export"]), []
    kind, words = _SUBSETS[name]
    answer = binary.ask(kind, words)
    if answer.error is not None:
        raise p2pctl.failure(answer.error)
    return answer.items, (answer.document or {}).get("gaps", [])


def _told(binary: p2pctl.P2pctl, name: str) -> tuple[Any, list[Any], p2pctl.Json | None]:
    """The same; without it, the error."""
    try:
        return (*_asked(binary, name), None)
    except p2pctl.FailureError as error:
        return None, [], error.error


def act(module: Any, binary: p2pctl.P2pctl) -> p2pctl.Json:
    """Asks for all subsets that are wanted; what one of them cannot tell keeps none of the others."""
    wanted = module.params["gather_subset"]
    names = [*_SUBSETS, "document"] if "all" in wanted else list(dict.fromkeys(wanted))
    result: p2pctl.Json = {"changed": False, "version": binary.version, "gaps": {}, "errors": {}}
    for name in names:
        result[name], result["gaps"][name], error = _told(binary, name)
        if error is not None:
            result["errors"][name] = error
            module.warn(f"{name}: {error['message']}")
    return result


def main() -> None:
    """Runs the module."""
    spec = {
        "gather_subset": {
            "type": "list",
            "elements": "str",
            "choices": ["all", *_SUBSETS, "document"],
            "default": ["pools", "port_states", "findings"],
        }
    }
    p2pctl.run(spec, act, supports_check_mode=True)


if __name__ == "__main__":
    main()
