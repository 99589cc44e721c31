"""Names of hosts and subsystems.

The kernel checks next to nothing: it takes any directory name up to 255 bytes, and silently cuts a subsystem's after
223 (drivers/nvme/target/core.c).
"""

from __future__ import annotations

import re

NQN_MAX = 223
"""Bytes that a name may have (NVMe base specification, 4.7)."""

DISCOVERY_NQN = "nqn.2014-08.org.nvmexpress.discovery"
"""The well-known name of every discovery subsystem; no subsystem may have it."""

GRAMMAR = f"an NQN: 1..{NQN_MAX} bytes, without / and control characters"


_SHAPE = re.compile(r"nqn\.[0-9]{4}-(?:0[1-9]|1[0-2])\.[A-Za-z0-9][A-Za-z0-9.-]*(?::.+)?")


def doubt(text: str) -> str | None:
    """What to say of a name that the kernel takes and that is no NQN all the same (NVMe base specification, 4.7)."""
    if _SHAPE.fullmatch(text):
        return None
    return f"{text!r} is no NQN (nqn.YEAR-MONTH.REVERSED-DOMAIN:NAME): this kernel takes it, and others may not"


def check_nqn(text: str) -> str:
    """A name of a host or a subsystem. Raises ValueError with the reason why it can be none."""
    if not text:
        raise ValueError("an NQN cannot be empty")
    if text in {".", ".."} or "/" in text:
        raise ValueError(f"{text!r} cannot be the name of a directory, and the kernel keeps the object in one")
    if not text.isprintable():
        raise ValueError("an NQN cannot have control characters, or bytes that are no UTF-8")
    length = len(text.encode("utf-8"))
    if length > NQN_MAX:
        raise ValueError(f"{length} bytes are too long for an NQN: the kernel keeps {NQN_MAX} and says nothing")
    return text


def check_subsystem_nqn(text: str) -> str:
    """A name that a subsystem may have. Raises ValueError as above, and for the discovery subsystem's."""
    if check_nqn(text) == DISCOVERY_NQN:
        raise ValueError("this is the well-known NQN of discovery, which no subsystem may have")
    return text
