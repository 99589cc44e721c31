# Copyright (c) the p2pctl authors
# MIT License (see LICENSE)
"""What all modules of the collection take: where the binary is, and what it works on."""

from __future__ import annotations


class ModuleDocFragment:
    """The options, and what they ask of the managed host."""

    DOCUMENTATION = r"""
options:
  executable:
    description:
      - The p2pctl program on the managed host, by name or path.
      - By name it is looked for in the path, in C(/usr/local/bin) and in C(/opt/p2pctl/bin).
    type: path
    default: p2pctl
  demo:
    description:
      - Work on p2pctl's built-in demo host, to try a playbook without hardware.
      - Its state lasts between tasks, in C($XDG_STATE_HOME/p2pctl/demo) of the managed host.
    type: bool
    default: false
  capture:
    description:
      - Work on a host that C(p2pctl capture) recorded in this file on the managed host. It can be looked at, and
        changes of it can be planned in check mode.
    type: path
  sysroot:
    description:
      - Work on a directory of the managed host that holds C(sys/) and C(proc/), as O(capture) does on a file.
    type: path
requirements:
  - p2pctl 0.1 or newer on the managed host
author:
  - The p2pctl authors (@p2pctl)
"""
