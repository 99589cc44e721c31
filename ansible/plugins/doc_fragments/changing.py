# Copyright (c) the p2pctl authors
# MIT License (see LICENSE)
"""What the modules that change the target have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Options, attributes and results of a change."""

    DOCUMENTATION = r"""
options:
  disruption:
    description:
      - The most that connected hosts may notice. What exceeds it fails before the first write.
      - V(namespace) allows that a namespace goes away for a moment, V(port) that a port loses its connections, V(all)
        that all of them are lost.
      - Without it nothing may be noticed, but for what it takes to delete the object that a module is named after.
    type: str
    choices: [none, namespace, port, all]
  load:
    description:
      - Load the kernel modules that are missing, and mount configfs where it is not.
      - Without it, a target that is not loaded is a failure.
    type: bool
    default: false
  lock_timeout:
    description: Seconds to wait for another change of the target to end.
    type: float
    default: 30.0
attributes:
  check_mode:
    support: full
    description: Everything is read, checked and planned as otherwise, and nothing is written.
  diff_mode:
    support: full
    description: The hosts, subsystems and ports that change, each whole, before and afterwards. Keys are never in it.
  action_group:
    version_added: 0.1.0
    description: Use C(group/p2pctl.p2pctl.p2pctl) in C(module_defaults) to set options of all modules at once.
    support: full
    membership: [p2pctl.p2pctl.p2pctl]
notes:
  - A change is planned and checked whole before the first write, and undone if a step fails.
  - It takes root on the managed host, unless O(demo) is set.
  - Names that are not UTF-8 are spelled out in results, as in C(\\xff).
"""

    LOOKING = r"""
attributes:
  check_mode:
    support: full
    description: Nothing is changed in either mode.
  diff_mode:
    support: none
    description: Nothing is changed.
  action_group:
    version_added: 0.1.0
    description: Use C(group/p2pctl.p2pctl.p2pctl) in C(module_defaults) to set options of all modules at once.
    support: full
    membership: [p2pctl.p2pctl.p2pctl]
"""
